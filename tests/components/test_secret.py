"""A value in Secrets Manager, generated or given."""

from __future__ import annotations

from functools import cache

import pulumi

from components.secret import Secret
from scale.testing import Recording, Resource, leaves, run, secret_value
from scale.testing import Secret as SecretValue
from tests.components.building import component, counts, get

OWNER = "aws:secretsmanager/secret:Secret"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
GIVEN = secret_value("given")


@cache
def built(given: bool = False, generation: int = 1) -> Recording:
    def program() -> None:
        value = pulumi.Output.secret(GIVEN) if given else None
        secret = Secret("shop-key", "What it is for", value, generation=generation)
        pulumi.export("arn", secret.arn)
        pulumi.export("value", secret.value)

    return run(program)


def plaintexts(resource: Resource) -> list[object]:
    """Return the values that the engine would show."""
    return [value for _, value, hidden in leaves(dict(resource.properties)) if not hidden]


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {"Secret": 1, "SecretVersion": 1}
    assert len(built().children(component(built(), "Secret"))) == 2


def test_the_version_belongs_to_the_secret() -> None:
    plan = built()
    assert get(plan.one(VERSION), "secretId") == plan.one(OWNER).id


def test_a_deleted_secret_can_be_restored_for_a_month() -> None:
    assert get(built().one(OWNER), "recoveryWindowInDays") == 30


def test_its_name_is_generated_because_a_deleted_one_keeps_its_name() -> None:
    assert "name" not in built().one(OWNER).properties


def test_a_generated_value_is_fifty_letters_and_digits() -> None:
    (lookup,) = built().invokes
    assert lookup.token == "aws:secretsmanager/getRandomPassword:getRandomPassword"
    assert lookup.arguments["passwordLength"] == 50
    assert lookup.arguments["excludePunctuation"] is True
    assert lookup.arguments["requireEachIncludedType"] is True


def test_a_generated_value_stays_though_each_run_generates_another() -> None:
    assert built().one(VERSION).ignore_changes == ("secretString",)


def test_a_given_value_is_kept_and_follows_the_configuration() -> None:
    version = built(given=True).one(VERSION)
    assert get(version, "secretString") == GIVEN
    assert version.ignore_changes == ()
    assert built(given=True).invokes == []


def test_a_new_generation_is_a_new_version() -> None:
    assert built(generation=2).one(VERSION).name != built(generation=1).one(VERSION).name
    assert built(generation=2).one(OWNER).name == built(generation=1).one(OWNER).name


def test_the_value_is_secret_in_the_version_and_as_an_output() -> None:
    for plan in (built(), built(given=True)):
        assert isinstance(plan.one(VERSION).properties["secretString"], SecretValue)
        assert isinstance(plan.outputs["value"], SecretValue)


def test_the_value_is_nowhere_else() -> None:
    plan = built(given=True)
    assert all(GIVEN not in plaintexts(resource) for resource in plan.all())
    assert plan.registered_outputs[component(plan, "Secret").urn] == {"arn": plan.one(OWNER).state["arn"]}


def test_whoever_uses_the_arn_waits_for_the_value() -> None:
    def program() -> None:
        secret = Secret("shop-key", "What it is for")
        Secret("user", secret.arn)  # pyright: ignore[reportArgumentType] # any use of it will do

    plan = run(program)
    assert plan.one(VERSION, "shop-key-version-1").urn in plan.one(OWNER, "user-secret").dependencies
