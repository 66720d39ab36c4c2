"""A live environment whose team balances itself: what is found of it, and compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from scale.operate.account import Account
from scale.operate.find import Finder, Outputs
from scale.operate.status.traffic import targets
from scale.operate.verify.comparison import compare
from tests.scale.operate.answers import Answers
from tests.scale.operate.environment import Environment, build
from tests.test_haproxy_program import planned, stack


@pytest.fixture(scope="module")
def built(endpoint: str) -> Environment:
    """The stack with HAProxy servers, built in AWS from its own plan."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "an-example-and-no-key")
        requests.post(f"{endpoint}/moto-api/reset", timeout=10).raise_for_status()
        return build(planned().update, stack().settings().tags)


@pytest.fixture
def finder(reader: Account, prod: Environment, live: Answers, events: list[Answers]) -> Iterator[Finder]:
    """Finds its resources by their tags, but for the balancer: to moto's ARNs each is an application's."""
    events.append(live)
    balancer = prod.outputs()["load_balancer"]
    yield Finder(reader, stack().settings(), Outputs({"load_balancer": balancer}))
    events.pop()


def test_the_applications_group_is_told_from_haproxys(finder: Finder) -> None:
    assert finder.group is not None
    assert finder.group.startswith("shop-prod-web-group-")


@pytest.mark.parametrize(("balancer", "kind"), [("alb", "app"), ("haproxy", "net")])
def test_the_balancer_is_the_one_of_the_settings_kind(reader: Account, balancer: str, kind: str) -> None:
    found = stack().settings()
    traffic = found.traffic.model_copy(update={"balancer": balancer})
    finder = Finder(reader, found.model_copy(update={"traffic": traffic}), Outputs({}))
    begins = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer"
    finder.__dict__["tagged"] = [f"{begins}/app/shop/1", f"{begins}/net/shop/2"]
    assert finder.balancer is not None
    assert finder.balancer.startswith(f"{begins}/{kind}/")


def test_the_status_shows_the_applications_servers_and_haproxy(finder: Finder) -> None:
    names = {str(row.cells[0]) for row in targets(finder).rows}
    begins = ("shop-prod-http-", "shop-prod-https-", "shop-prod-web-")
    assert {begin for begin in begins if any(name.startswith(begin) for name in names)} == set(begins)


def test_an_environment_built_from_its_program_has_no_difference(finder: Finder) -> None:
    found = compare(finder, planned().update)
    assert not found.unread
    assert [each.document() for each in found.differences] == []


def test_a_listener_that_is_gone_is_told(finder: Finder, live: Answers) -> None:
    live.change(
        "elbv2:DescribeListeners",
        lambda answer: answer.update(Listeners=[each for each in answer["Listeners"] if each["Port"] != 443]),
    )
    found = [each.document() for each in compare(finder, planned().update).differences]
    assert [(each["danger"], each["resource"], each["what"]) for each in found] == [
        ("outage", "shop-prod-https", "listener on port 443")
    ]
