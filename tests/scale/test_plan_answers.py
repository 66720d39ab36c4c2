"""The identities and outputs that the plan gives resources in an update."""

from __future__ import annotations

import re

import pulumi
import pulumi_aws as aws
import pytest

from scale.plan import arns
from scale.plan.answers import answer
from scale.plan.identity import Request
from scale.plan.values import Value
from scale.testing import run


def request(type_: str, name: str = "thing", **inputs: Value) -> Request:
    return Request(type_, name, f"urn:pulumi:dev::shop::{type_}::{name}", inputs, "eu-west-1")


LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"


@pytest.mark.parametrize(
    "type_", sorted({*arns.ARN_FORMS, *arns.ID_PREFIXES, *arns.ID_IS_ARN, *arns.ID_IS_CAPITALS, *arns.NAME_PROPERTIES})
)
def test_every_type_in_the_tables_has_an_id_and_an_arn(type_: str) -> None:
    asked = request(type_, topic="arn:aws:sns:eu-west-1:123456789012:topic")

    assert asked.id
    assert asked.arn.startswith("arn:aws:")
    assert answer(asked)["arn"] == asked.arn


def test_a_name_is_the_programs_or_the_logical_one_with_seven_digits() -> None:
    assert request(TARGET_GROUP, name="web").physical_name[:4] == "web-"
    assert re.fullmatch(r"web-[0-9a-f]{7}", request(TARGET_GROUP, name="web").physical_name)
    assert Request(TARGET_GROUP, "web", "urn", {"name": "mine"}, "eu-west-1").physical_name == "mine"


def test_names_are_the_same_in_every_run_and_differ_between_resources() -> None:
    assert request(TARGET_GROUP).physical_name == request(TARGET_GROUP).physical_name
    assert request(TARGET_GROUP, "a").id != request(TARGET_GROUP, "b").id


def test_a_load_balancers_arn_has_its_kind_name_and_sixteen_digits() -> None:
    outputs = answer(request(LOAD_BALANCER, "alb"))

    suffix = str(outputs["arnSuffix"])
    assert re.fullmatch(r"app/alb-[0-9a-f]{7}/[0-9a-f]{16}", suffix)
    assert outputs["arn"] == f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/{suffix}"
    assert str(outputs["dnsName"]).endswith(".eu-west-1.elb.amazonaws.com")


def test_a_target_groups_suffix_begins_with_its_kind() -> None:
    assert re.fullmatch(
        r"targetgroup/web-[0-9a-f]{7}/[0-9a-f]{16}", str(answer(request(TARGET_GROUP, "web"))["arnSuffix"])
    )


def test_a_certificate_is_proved_once_for_each_name() -> None:
    asked = request(
        "aws:acm/certificate:Certificate", domainName="example.com", subjectAlternativeNames=["www.example.com"]
    )

    options = answer(asked)["domainValidationOptions"]
    assert isinstance(options, list)
    assert [option["domainName"] for option in options if isinstance(option, dict)] == [
        "example.com",
        "www.example.com",
    ]


def test_a_replication_group_names_every_node() -> None:
    asked = request(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        replicationGroupId="cache",
        numNodeGroups=2,
        replicasPerNodeGroup=1,
    )

    assert answer(asked)["memberClusters"] == ["cache-0001-001", "cache-0001-002", "cache-0002-001", "cache-0002-002"]


@pytest.mark.parametrize(("engine", "port"), [("postgres", 5432), ("mysql", 3306)])
def test_a_database_listens_where_its_engine_does(engine: str, port: int) -> None:
    outputs = answer(request("aws:rds/instance:Instance", engine=engine))

    assert outputs["port"] == port
    assert outputs["endpoint"] == f"{outputs['address']}:{port}"


def test_inputs_are_not_answered_again() -> None:
    asked = Request(TARGET_GROUP, "web", "urn", {"name": "mine"}, "eu-west-1")

    assert "name" not in answer(asked)


def test_a_type_without_a_table_entry_is_answered_by_what_the_sdk_declares() -> None:
    def build() -> None:
        table = aws.dynamodb.Table("sessions", attributes=[{"name": "id", "type": "S"}], hash_key="id")
        template = aws.ec2.LaunchTemplate("web")
        pulumi.export("stream", table.stream_arn)
        pulumi.export("version", template.latest_version)

    plan = run(build)

    assert str(plan.outputs["stream"]).startswith("arn:aws:dynamodb:eu-west-1:123456789012:table/sessions-")
    assert plan.outputs["version"] == 1
