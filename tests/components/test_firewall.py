"""The web ACL: AWS's groups, rate rules that answer 429, what it logs."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from components.firewall import Firewall
from scale.testing import Recording, run
from tests.components.building import LOG_GROUP, NAME, component, counts, get, settings

ACL = "aws:wafv2/webAcl:WebAcl"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/1"
BODY_SIZE: list[dict[str, Any]] = [{"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}]


@cache
def built(
    groups: tuple[str, ...] = ("ip-reputation", "common", "known-bad-inputs", "sql"),
    block_large_bodies: bool = False,
    login: int | None = 5,
    api: int | None = 100,
) -> Recording:
    traffic = settings(
        traffic={
            "firewall": {"managed_groups": groups, "block_large_bodies": block_large_bodies},
            "api": api and {"path": "/api/", "per_minute": api},
            "login": login and {"path": "/auth/login/", "per_minute": login},
        }
    ).traffic
    firewall = traffic.firewall
    assert firewall is not None
    return run(lambda: Firewall(NAME, firewall, traffic, "eu-west-1", BALANCER))


def rules(plan: Recording) -> dict[str, Any]:
    return {rule["name"]: rule for rule in get(plan.one(ACL), "rules")}


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {
        "LogGroup": 1,
        "WebAcl": 1,
        "WebAclAssociation": 1,
        "WebAclLoggingConfiguration": 1,
    }
    assert len(built().children(component(built(), "Firewall"))) == 4


def test_it_stands_in_front_of_the_load_balancer() -> None:
    plan = built()
    assert get(plan.one(ACL), "scope") == "REGIONAL"
    assert get(plan.one(ASSOCIATION), "resourceArn") == BALANCER
    assert get(plan.one(ASSOCIATION), "webAclArn") == plan.one(ACL).state["arn"]


def test_what_no_rule_blocks_is_allowed() -> None:
    assert get(built().one(ACL), "defaultAction") == {"allow": {}}


@pytest.mark.parametrize(
    ("role", "path", "limit", "window"), [("api", "/api/", 100, 60), ("login", "/auth/login/", 25, 300)]
)
def test_a_client_may_call_a_path_so_often_in_a_window_that_waf_has(
    role: str, path: str, limit: int, window: int
) -> None:
    statement = rules(built())[f"limit-{role}"]["statement"]["rateBasedStatement"]
    assert (statement["limit"], statement["evaluationWindowSec"]) == (limit, window)
    assert statement["aggregateKeyType"] == "IP"
    scope = statement["scopeDownStatement"]["byteMatchStatement"]
    assert (scope["positionalConstraint"], scope["searchString"]) == ("STARTS_WITH", path)
    assert scope["fieldToMatch"] == {"uriPath": {}}


def test_a_path_is_compared_as_the_application_will_read_it() -> None:
    scope = rules(built())["limit-api"]["statement"]["rateBasedStatement"]["scopeDownStatement"]
    transformations = scope["byteMatchStatement"]["textTransformations"]
    assert [each["type"] for each in sorted(transformations, key=lambda each: each["priority"])] == [
        "URL_DECODE",
        "NORMALIZE_PATH",
    ]


@pytest.mark.parametrize(("role", "window"), [("api", "60"), ("login", "300")])
def test_who_calls_too_often_is_told_so_and_when_to_come_back(role: str, window: str) -> None:
    plan = built()
    response = rules(plan)[f"limit-{role}"]["action"]["block"]["customResponse"]
    assert response["responseCode"] == 429
    assert response["responseHeaders"] == [{"name": "Retry-After", "value": window}]
    (body,) = get(plan.one(ACL), "customResponseBodies")
    assert response["customResponseBodyKey"] == body["key"]
    assert body["contentType"] == "TEXT_PLAIN"


def test_limits_are_asked_before_groups_and_no_two_rules_have_one_priority() -> None:
    assert [(rule["priority"], name) for name, rule in rules(built()).items()] == [
        (0, "limit-api"),
        (1, "limit-login"),
        (2, "ip-reputation"),
        (3, "common"),
        (4, "known-bad-inputs"),
        (5, "sql"),
    ]


def test_a_limit_can_be_switched_off() -> None:
    assert "limit-login" not in rules(built(login=None))
    assert not {"limit-api", "limit-login"} & rules(built(login=None, api=None)).keys()


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("common", "AWSManagedRulesCommonRuleSet"),
        ("known-bad-inputs", "AWSManagedRulesKnownBadInputsRuleSet"),
        ("sql", "AWSManagedRulesSQLiRuleSet"),
        ("linux", "AWSManagedRulesLinuxRuleSet"),
        ("ip-reputation", "AWSManagedRulesAmazonIpReputationList"),
        ("anonymous-ip", "AWSManagedRulesAnonymousIpList"),
    ],
)
def test_a_group_is_awss_own_and_blocks_what_it_blocks(group: str, name: str) -> None:
    rule = rules(built((group,)))[group]
    statement = rule["statement"]["managedRuleGroupStatement"]
    assert (statement["vendorName"], statement["name"]) == ("AWS", name)
    assert rule["overrideAction"] == {"none": {}}
    assert "action" not in rule


def test_large_bodies_are_counted_so_that_uploads_pass() -> None:
    statement = rules(built())["common"]["statement"]["managedRuleGroupStatement"]
    assert statement["ruleActionOverrides"] == BODY_SIZE


def test_large_bodies_are_blocked_where_the_settings_say_so() -> None:
    statement = rules(built(block_large_bodies=True))["common"]["statement"]["managedRuleGroupStatement"]
    assert statement.get("ruleActionOverrides") is None


def test_the_override_is_of_the_common_group_alone() -> None:
    others = [rule for name, rule in rules(built()).items() if name in {"sql", "ip-reputation", "known-bad-inputs"}]
    assert all(rule["statement"]["managedRuleGroupStatement"].get("ruleActionOverrides") is None for rule in others)


def test_every_rule_and_the_acl_are_measured_under_names_of_their_own() -> None:
    acl = built().one(ACL)
    visible = [get(acl, "visibilityConfig"), *(rule["visibilityConfig"] for rule in get(acl, "rules"))]
    assert all(each["cloudwatchMetricsEnabled"] for each in visible)
    assert len({each["metricName"] for each in visible}) == len(visible)
    assert visible[0]["metricName"] == f"{NAME}-firewall"


def test_the_log_group_begins_as_waf_demands_and_is_kept_for_the_days_of_the_settings() -> None:
    group = built().one(LOG_GROUP)
    assert get(group, "name") == f"aws-waf-logs-{NAME}"
    assert get(group, "retentionInDays") == 30


def test_only_what_was_blocked_or_counted_is_logged() -> None:
    plan = built()
    logging = plan.one(LOGGING)
    assert get(logging, "resourceArn") == plan.one(ACL).state["arn"]
    assert get(logging, "logDestinationConfigs") == [plan.one(LOG_GROUP).state["arn"]]
    assert get(logging, "loggingFilter.defaultBehavior") == "DROP"
    (kept,) = get(logging, "loggingFilter.filters")
    assert (kept["behavior"], kept["requirement"]) == ("KEEP", "MEETS_ANY")
    assert [each["actionCondition"]["action"] for each in kept["conditions"]] == ["BLOCK", "COUNT"]


def test_credentials_are_not_logged() -> None:
    fields = get(built().one(LOGGING), "redactedFields")
    assert [field["singleHeader"]["name"] for field in fields] == ["authorization", "cookie"]
