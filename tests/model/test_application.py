"""The application: its image, how it runs, where it is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.parsing import assert_rule, parse, problems

_UNTAGGED = "an image with a tag other than latest, or with a digest"


@pytest.mark.parametrize(
    "image",
    [
        "shop:1",
        "ghcr.io/example/shop:1.4.0",
        "localhost:5000/shop:v1_2.3-rc",
        "ghcr.io/example/shop@sha256:" + "0" * 64,
        "ghcr.io/example/shop:latest@sha256:" + "0" * 64,
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:7",
    ],
)
def test_an_image_that_stays_the_same(image: str) -> None:
    assert problems(application={"image": image}) == []


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("ghcr.io/example/shop", _UNTAGGED),
        ("ghcr.io/example/shop:latest", _UNTAGGED),
        ("localhost:5000/shop", _UNTAGGED),
        ("ghcr.io/example/shop:1.4.0\n", "an image reference such as registry/name:tag"),
        ("ghcr.io/example/shop:1 4", "an image reference such as registry/name:tag"),
        ("ghcr.io/example/shop@sha256:0123", "an image reference such as registry/name:tag"),
        ("shop:1; reboot", "an image reference such as registry/name:tag"),
        ("shop:ｖ1", "an image reference such as registry/name:tag"),  # noqa: RUF001 - a letter that is not ASCII's
        ("", "an image reference such as registry/name:tag"),
    ],
)
def test_an_image_that_may_change_or_is_none(image: str, wanted: str) -> None:
    assert problems(application={"image": image}) == [f"application.image: must be {wanted}, is {image!r}"]


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        ({"name": "Shop"}, "name: must be lower-case letters, digits and single hyphens, is 'Shop'", {"name": "shop"}),
        ({"name": "a-"}, "name: must be lower-case letters, digits and single hyphens, is 'a-'", {"name": "a-b"}),
        ({"port": 1023}, "port: must be at least 1024, is 1023", {"port": 1024}),
        ({"workers": 65}, "workers: must be at most 64, is 65", {"workers": 64}),
        ({"architecture": "arm"}, "architecture: must be 'arm64' or 'x86_64', is 'arm'", {"architecture": "arm64"}),
        (
            {"domain": "Shop.example.com"},
            "domain: must be a host name in lower case such as shop.example.com, is 'Shop.example.com'",
            {"domain": "shop.example.com"},
        ),
        (
            {"domain": "localhost"},
            "domain: must be a host name in lower case such as shop.example.com, is 'localhost'",
            {"domain": "shop.xn--p1ai"},
        ),
        (
            {"hosted_zone": "example.com"},
            "hosted_zone: is 'example.com', but there is no application.domain in it",
            {"hosted_zone": "example.com", "domain": "example.com"},
        ),
        (
            {"domain": "shop.example.com", "hosted_zone": "ample.com"},
            "hosted_zone: must contain the domain shop.example.com, is 'ample.com'",
            {"domain": "shop.example.com", "hosted_zone": "example.com"},
        ),
        (
            {"allowed_hosts": ["*"]},
            "allowed_hosts[0]: must be a host name in lower case, perhaps with a dot in front, is '*'",
            {"allowed_hosts": [".example.com"]},
        ),
        (
            {"allowed_hosts": ["a.example.com", "b.example.com,c.example.com"]},
            "allowed_hosts[1]: must be a host name in lower case, perhaps with a dot in front, "
            "is 'b.example.com,c.example.com'",
            {"allowed_hosts": ["a.example.com", "b.example.com"]},
        ),
        (
            {"environment": {"MY-FLAG": "1"}},
            "environment.MY-FLAG: must be a name of letters, digits and underscores",
            {"environment": {"my_FLAG_2": "1"}},
        ),
        (
            {"environment": {"FLAG\n": "1"}},
            "environment.FLAG\n: must be a name of letters, digits and underscores",
            {"environment": {"FLAG": "1"}},
        ),
        (
            {"environment": {"DB_HOST": "db"}},
            "environment.DB_HOST: must not be a variable that the stack writes itself",
            {"environment": {"DB_HOSTS": "db"}},
        ),
        (
            {"environment": {"DB_REPLICA_7_WEIGHT": "1"}},
            "environment.DB_REPLICA_7_WEIGHT: must not be a variable that the stack writes itself",
            {"environment": {"DB_REPLICA_X_WEIGHT": "1"}},
        ),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("application", wrong, message, near)


@pytest.mark.parametrize("end", ["\n", "\r", "\0"])
def test_a_variable_s_value_is_one_line(end: str) -> None:
    assert_rule(
        "application",
        {"environment": {"MOTTO": f"a{end}b"}},
        "environment.MOTTO: must be one line: Docker's environment file has no way to quote more",
        {"environment": {"MOTTO": "a\tb # 'c' \"d\" = €"}},
    )


def test_the_zone_is_the_domain_itself_unless_another_holds_it() -> None:
    assert parse().application.zone is None
    assert parse(application={"domain": "example.com"}).application.zone == "example.com"
    nested = {"domain": "shop.example.com", "hosted_zone": "example.com"}
    assert parse(application=nested).application.zone == "example.com"
