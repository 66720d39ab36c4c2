"""For each rule a stack that AWS refuses, and one that it nearly does."""

from __future__ import annotations

from tests.policies.stacks import resource
from tests.refusals.cases.builders import ADDRESS, Case, alarm, inline, tagged

ACCOUNT = (
    Case("tag-characters", (tagged(Owner="R&D"),), (tagged(Owner="R+D à Köln"),), "'R&D' holds"),
    Case(
        "tag-count",
        (tagged(**{f"k{number}": "v" for number in range(50)}),),
        (tagged(**{f"k{number}": "v" for number in range(49)}),),
        "no room for Name",
    ),
    Case(
        "quota",
        tuple(resource(ADDRESS, name=f"{place}") for place in range(6)),
        tuple(resource(ADDRESS, name=f"{place}") for place in range(5)),
        "6 are more than an account's 5",
    ),
    Case("alarm", (alarm(datapointsToAlarm=4),), (alarm(datapointsToAlarm=3),), "must be at most EvaluationPeriods"),
    Case("alarm", (alarm(evaluationPeriods=1441),), (alarm(evaluationPeriods=1440),), "longer than"),
    Case("alarm", (alarm(statistic="Sum", extendedStatistic="p99"),), (alarm(statistic="Sum"),), "exclude each other"),
    Case(
        "alarm", (alarm(metricQueries=[{"id": "a"}], namespace="A"),), (alarm(metricQueries=[{"id": "a"}]),), "exclude"
    ),
    Case("role-policy", inline(10_241), inline(10_240), "a role takes 10240"),
)
