"""For each rule a stack that breaks it, and one that nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.cases.builders import (
    Case,
    alarm,
    attached,
    group,
    listener,
    refreshed,
    requests_policy,
    step,
    targets,
    template,
    tracking,
)
from tests.policies.stacks import resource

SCALING = (
    Case("alarm-action", (tracking, alarm(tracking)), (step, alarm(step)), "makes its own alarms"),
    Case("alarm-action", (step, alarm(step, type_=t.COMPOSITE_ALARM)), (step, alarm(step)), "composite alarm"),
    Case(
        "attached-target",
        (targets, listener, attached, requests_policy(targets)),
        (targets, listener, attached, requests_policy(targets, listener)),
        "before a listener",
    ),
    Case(
        "attached-target",
        (targets, listener, requests_policy(targets, listener)),
        (targets, listener, attached, requests_policy(targets, listener)),
        "no group of servers",
    ),
    Case(
        "desired-capacity",
        (group(desiredCapacity=3),),
        (resource(t.GROUP, {"desiredCapacity": 3}, ignore_changes=("desiredCapacity",)),),
        "set back",
    ),
    Case("warm-up", (group(),), (group(defaultInstanceWarmup=0),), "still starting"),
    Case(
        "detailed-monitoring",
        (template(monitoring={"enabled": False}),),
        (template(monitoring={"enabled": True}),),
        "five minutes",
    ),
    Case("template-version", (refreshed("$Latest"),), (refreshed("7"),), "$Latest"),
    Case(
        "template-version",
        (
            group(
                mixedInstancesPolicy={"launchTemplate": {"launchTemplateSpecification": {"version": "$Default"}}},
                instanceRefresh={"strategy": "Rolling"},
            ),
        ),
        (group(mixedInstancesPolicy={"launchTemplate": {"launchTemplateSpecification": {"version": "$Default"}}}),),
        "$Default",
    ),
    Case("refresh-rollback", (refreshed("7", rollback=True),), (refreshed("7"),), "roll back"),
)
