"""The saved queries, on the logs of their stack."""

from __future__ import annotations

import pytest

from components.queries import Queries
from model.observability import Observability
from render.queries import Source, saved_queries
from scale.testing import Recording, run
from tests.components.building import NAME, component, counts, get

QUERY = "aws:cloudwatch/queryDefinition:QueryDefinition"
LOGS: dict[Source, list[str]] = {"application": ["/django-scale/web"], "database": ["/aws/rds/1", "/aws/rds/2"]}
WITH_FIREWALL: dict[Source, list[str]] = {**LOGS, "firewall": ["aws-waf-logs-shop"]}


def built(groups: dict[Source, list[str]], slow_seconds: float = 1.0) -> Recording:
    model = Observability(slow_seconds=slow_seconds)
    return run(lambda: Queries(NAME, model, log_groups={key: [*value] for key, value in groups.items()}) and None)


@pytest.mark.parametrize(("groups", "count"), [(LOGS, 6), (WITH_FIREWALL, 7)])
def test_it_has_exactly_these_resources(groups: dict[Source, list[str]], count: int) -> None:
    plan = built(groups)
    assert counts(plan) == {"QueryDefinition": count}
    assert len(plan.children(component(plan, "Queries"))) == count


def test_each_query_reads_the_logs_of_its_sources_alone() -> None:
    plan = built(WITH_FIREWALL)
    for query in saved_queries(Observability(), firewall=True):
        saved = plan.one(QUERY, f"{NAME}-{query.name}")
        assert get(saved, "logGroupNames") == [group for source in query.sources for group in WITH_FIREWALL[source]]
        assert (get(saved, "name"), get(saved, "queryString")) == (f"{NAME}/{query.name}", query.text)


def test_a_requests_path_goes_through_all_that_logs_it() -> None:
    everything = ["/django-scale/web", "/aws/rds/1", "/aws/rds/2"]
    assert get(built(LOGS).one(QUERY, f"{NAME}-request-path"), "logGroupNames") == everything
    assert get(built(WITH_FIREWALL).one(QUERY, f"{NAME}-request-path"), "logGroupNames") == [
        *everything,
        "aws-waf-logs-shop",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(1.0, "> 1\n"), (0.25, "> 0.25\n"), (1e-7, "> 1e-07\n")])
def test_slow_is_what_the_settings_say(seconds: float, text: str) -> None:
    assert f"seconds {text}" in get(built(LOGS, seconds).one(QUERY, f"{NAME}-slow-requests"), "queryString")
