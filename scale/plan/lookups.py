"""Plausible answers to a program's lookups (Pulumi's invokes), by their token."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scale.plan.identity import ACCOUNT
from scale.plan.markers import marker
from scale.plan.values import Value

ZONES_PER_REGION = 3
"""What every region of AWS has at least for accounts made today, us-west-1 excepted."""


@dataclass(frozen=True)
class Lookup:
    """One lookup; `count` is how many with the same token came before it."""

    token: str
    arguments: Mapping[str, Value]
    region: str
    count: int

    def text(self, key: str, default: str = "") -> str:
        """Return the argument `key`, `default` where it is absent or no text."""
        value = self.arguments.get(key)
        return value if isinstance(value, str) else default

    def digits(self, count: int) -> str:
        """Return `count` hexadecimal digits that belong to this lookup's token and arguments."""
        return hashlib.sha256(f"{self.token}{sorted(self.arguments.items(), key=str)}".encode()).hexdigest()[:count]


@dataclass(frozen=True)
class Answer:
    """What a lookup returns; `secrets` are the plaintexts in it that must stay secret, with where they come from."""

    values: dict[str, Value]
    secrets: Mapping[str, str]


class UnknownLookupError(Exception):
    """A lookup that the plan has no answer for."""

    def __init__(self, token: str) -> None:
        """Name the lookup."""
        super().__init__(
            f"the program looks up {short(token)}, which a plan cannot do: it has no account to ask. "
            f"Known lookups are {', '.join(sorted(ANSWERS))}"
        )


def short(token: str) -> str:
    """Return `aws:index/getRegion` for `aws:index/getRegion:getRegion`."""
    return token.rpartition(":")[0] if token.count(":") > 1 else token


def answer(lookup: Lookup) -> Answer:
    """Return the answer to a lookup. Raises UnknownLookupError for one that is not known here."""
    given = ANSWERS.get(short(lookup.token))
    if given is None:
        raise UnknownLookupError(lookup.token)
    result = given(lookup)
    return result if isinstance(result, Answer) else Answer(result, {})


def _zones(lookup: Lookup) -> dict[str, Value]:
    letters = "abcdef"[:ZONES_PER_REGION]
    area, *directions, number = lookup.region.split("-")
    compass = "".join(re.sub(r"(?<=[a-z])(orth|outh|ast|est|entral)", "", word) for word in directions)
    return {
        "id": lookup.region,
        "region": lookup.region,
        "names": [f"{lookup.region}{letter}" for letter in letters],
        "zoneIds": [f"{area}{compass}{number}-az{place}" for place, _ in enumerate(letters, start=1)],
        "groupNames": [lookup.region],
        "state": "available",
    }


def _parameter(lookup: Lookup) -> dict[str, Value]:
    name = lookup.text("name")
    image = "ami" in name or "image_id" in name or "image-id" in name
    value = f"ami-{lookup.digits(17)}" if image else f"value-of-{name.strip('/').replace('/', '-')}"
    return {
        "id": name,
        "name": name,
        "arn": f"arn:aws:ssm:{lookup.region}::parameter{name}",
        "type": "String",
        "value": value,
        "insecureValue": value,
        "version": 1,
    }


def _caller(_: Lookup) -> dict[str, Value]:
    return {
        "id": ACCOUNT,
        "accountId": ACCOUNT,
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/plan",
        "userId": "AROAEXAMPLE:plan",
    }


def _session(_: Lookup) -> dict[str, Value]:
    return {
        "id": ACCOUNT,
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/plan",
        "issuerArn": f"arn:aws:iam::{ACCOUNT}:role/deployer",
        "issuerId": "AROAEXAMPLE",
        "issuerName": "deployer",
        "sessionName": "plan",
    }


def _region(lookup: Lookup) -> dict[str, Value]:
    name = lookup.text("region") or lookup.text("name") or lookup.region
    return {"id": name, "region": name, "name": name, "endpoint": f"ec2.{name}.amazonaws.com"}


def _partition(_: Lookup) -> dict[str, Value]:
    return {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


def _hosted_zone(lookup: Lookup) -> dict[str, Value]:
    zone = lookup.text("zoneId") or f"Z{lookup.digits(13).upper()}"
    return {
        "id": zone,
        "zoneId": zone,
        "arn": f"arn:aws:route53:::hostedzone/{zone}",
        "name": lookup.text("name", "example.com").rstrip("."),
        "privateZone": lookup.arguments.get("privateZone") is True,
    }


def _random_password(lookup: Lookup) -> Answer:
    asked = lookup.arguments.get("passwordLength")
    origin = f"the random password number {lookup.count + 1}"
    password = marker(origin, asked if isinstance(asked, int) else 32)
    return Answer({"id": password, "randomPassword": password}, {password: origin})


def _secret_version(lookup: Lookup) -> Answer:
    secret = lookup.text("secretId")
    origin = f"the secret {secret}"
    value = marker(origin)
    return Answer(
        {"id": f"{secret}|AWSCURRENT", "secretId": secret, "arn": secret, "secretString": value, "versionId": "1"},
        {value: origin},
    )


def _named(prefix: str) -> Callable[[Lookup], dict[str, Value]]:
    def named(lookup: Lookup) -> dict[str, Value]:
        return {"id": f"{prefix}{lookup.digits(17)}", "name": lookup.text("name")}

    return named


ANSWERS: dict[str, Callable[[Lookup], dict[str, Value] | Answer]] = {
    "aws:cloudfront/getCachePolicy": _named("cache-policy-"),
    "aws:cloudfront/getOriginRequestPolicy": _named("origin-request-policy-"),
    "aws:cloudfront/getResponseHeadersPolicy": _named("response-headers-policy-"),
    "aws:ec2/getAmi": _named("ami-"),
    "aws:ec2/getManagedPrefixList": _named("pl-"),
    "aws:iam/getSessionContext": _session,
    "aws:index/getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity": _caller,
    "aws:index/getPartition": _partition,
    "aws:index/getRegion": _region,
    "aws:route53/getZone": _hosted_zone,
    "aws:secretsmanager/getRandomPassword": _random_password,
    "aws:secretsmanager/getSecretVersion": _secret_version,
    "aws:ssm/getParameter": _parameter,
}
"""By token, without the repeated name at its end."""
