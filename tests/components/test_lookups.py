"""What is asked of AWS before anything is built."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.lookups import look_up
from scale.testing import Recording, run
from tests.components.building import settings

IMAGE = "aws:ssm/getParameter:getParameter"
ZONE = "aws:route53/getZone:getZone"
ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"


def asked(**groups: Any) -> Recording:
    parsed = settings(**groups)

    def program() -> None:
        found = look_up(parsed, aws.Provider("aws", region="eu-west-1"))
        pulumi.export("zones", found.zone_names)
        pulumi.export("image", found.image_id)
        pulumi.export("account", found.account_id)
        pulumi.export("hosted_zone", found.hosted_zone_id)

    return run(program)


def arguments(plan: Recording, token: str) -> list[dict[str, Any]]:
    return [dict(each.arguments) for each in plan.invokes if each.token == token]


@pytest.mark.parametrize("count", [2, 3])
def test_it_takes_as_many_zones_as_the_settings_say(count: int) -> None:
    assert asked(network={"zones": count}).outputs["zones"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"][:count]


def test_zones_are_open_to_every_account_and_no_local_ones() -> None:
    (arguments_,) = arguments(asked(), ZONES)
    assert arguments_["state"] == "available"
    assert arguments_["filters"] == [{"name": "opt-in-status", "values": ["opt-in-not-required"]}]


@pytest.mark.parametrize(("architecture", "type_"), [("arm64", "t4g.medium"), ("x86_64", "t3.medium")])
@pytest.mark.parametrize("ami", ["keep", "latest"])
def test_the_machine_image_is_amazon_linux_of_the_images_architecture(architecture: str, type_: str, ami: str) -> None:
    plan = asked(application={"architecture": architecture}, servers={"instance_type": type_, "ami": ami})
    (parameter,) = arguments(plan, IMAGE)
    assert parameter["name"] == f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
    assert str(plan.outputs["image"]).startswith("ami-")


def test_an_image_that_the_settings_name_is_not_looked_up() -> None:
    plan = asked(servers={"ami": "ami-0123456789abcdef0"})
    assert plan.outputs["image"] == "ami-0123456789abcdef0"
    assert arguments(plan, IMAGE) == []


def test_the_hosted_zone_is_the_domains_or_the_one_the_settings_name() -> None:
    domain = {"domain": "shop.example.com"}
    assert arguments(asked(application=domain), ZONE) == [{"name": "shop.example.com"}]
    named = asked(application={**domain, "hosted_zone": "example.com"})
    assert arguments(named, ZONE) == [{"name": "example.com"}]


def test_without_a_domain_there_is_no_hosted_zone() -> None:
    plan = asked()
    assert arguments(plan, ZONE) == []
    assert plan.outputs.get("hosted_zone") is None


def test_every_question_goes_to_the_given_provider() -> None:
    plan = asked(application={"domain": "shop.example.com"})
    provider = plan.one("pulumi:providers:aws")
    assert {each.provider for each in plan.invokes} == {f"{provider.urn}::{provider.id}"}
    assert len(plan.invokes) == 4
