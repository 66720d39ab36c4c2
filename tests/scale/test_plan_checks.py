"""Each check, on a program that fails it and on a near miss that passes."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping

import pulumi
import pulumi_aws as aws
import pytest

from scale.plan.checks import check
from scale.plan.findings import Finding, ordered
from scale.plan.recording import Recording
from scale.testing import run, secret_value

SECRET = secret_value("a test")


class Group(pulumi.ComponentResource):
    """A component that is as it should be; children are made by what is given."""

    def __init__(self, name: str, make: Callable[[pulumi.ResourceOptions], object], *, register: bool = True) -> None:
        super().__init__("test:index:Group", name)
        make(pulumi.ResourceOptions(parent=self))
        if register:
            self.register_outputs({})


def passes(build: Callable[[], object]) -> tuple[Recording, Recording]:
    config = {"secrets": {"token": SECRET}}
    return run(build, "preview", **config), run(build, "update", **config)  # pyright: ignore[reportArgumentType]


def findings(build: Callable[[], object]) -> list[Finding]:
    return check(*passes(build))


def rules(build: Callable[[], object]) -> list[str]:
    return [finding.rule for finding in findings(build)]


def child(make: Callable[[pulumi.ResourceOptions], object]) -> list[str]:
    """Return the rules that a program breaks whose one component makes this."""
    return rules(lambda: Group("net", make))


def vpc(
    opts: pulumi.ResourceOptions,
    name: str = "net-vpc",
    cidr_block: str = "10.0.0.0/16",
    tags: Mapping[str, pulumi.Input[str]] | None = None,
) -> aws.ec2.Vpc:
    return aws.ec2.Vpc(name, cidr_block=cidr_block, tags=tags, opts=opts)


def test_a_program_that_is_as_it_should_be_has_no_findings() -> None:
    assert child(vpc) == []


# The passes


def test_a_resource_made_inside_apply_is_not_in_a_preview() -> None:
    found = findings(lambda: Group("net", lambda opts: vpc(opts).id.apply(lambda _: vpc(opts, "net-late"))))

    assert [finding.rule for finding in found] == ["passes-differ"]
    assert found[0].resource.endswith("::net-late")
    assert "must not be made inside apply" in found[0].message


def test_a_resource_that_only_a_preview_has() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        vpc(opts, "net-dry" if pulumi.runtime.is_dry_run() else "net-wet")

    assert child(make) == ["passes-differ", "passes-differ"]


def test_an_input_that_differs_between_the_passes() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        vpc(opts, cidr_block="10.0.0.0/8" if pulumi.runtime.is_dry_run() else "10.0.0.0/9")

    messages = [finding.message for finding in findings(lambda: Group("net", make))]

    assert messages == ["cidrBlock is 10.0.0.0/8 in a preview and 10.0.0.0/9 in an update"]


def test_an_option_that_differs_between_the_passes() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        vpc(pulumi.ResourceOptions(parent=opts.parent, protect=pulumi.runtime.is_dry_run()))

    assert child(make) == ["passes-differ"]


def test_an_input_that_is_unknown_in_a_preview_may_be_anything_in_an_update() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        tags = {"Network": vpc(opts).id.apply(lambda value: value.upper())}
        vpc(opts, "net-second", tags=tags)

    assert child(make) == []


def test_an_output_of_the_stack_that_differs_between_the_passes() -> None:
    assert rules(lambda: pulumi.export("dry", pulumi.runtime.is_dry_run())) == ["passes-differ"]


# Decisions on what is unknown


USES: list[tuple[Callable[[object], object], str]] = [
    (lambda output: 1 if output else 2, "takes an output as a condition"),
    (lambda output: output == "vpc-1", "compares an output"),
    (lambda output: output != "vpc-1", "compares an output"),
    (lambda output: f"vpc {output}", "prints an output"),
]


@pytest.mark.parametrize(("use", "words"), USES)
def test_a_decision_on_an_output_is_found_with_its_place(use: Callable[[object], object], words: str) -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        result = use(vpc(opts).id)
        assert result is not None

    found = findings(lambda: Group("net", make))

    assert [finding.rule for finding in found] == ["unknown-decision"]
    assert words in found[0].message
    assert found[0].message.startswith("tests/scale/test_plan_checks.py:")


def test_what_may_be_done_with_an_output_is_no_decision() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        output = vpc(opts).id
        assert output is not None
        pulumi.Output.concat("vpc ", output).apply(lambda value: value == "vpc")

    assert child(make) == []


def test_a_printed_output_is_found_where_it_ends_up() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        vpc(opts, "net-second", tags={"Name": f"{vpc(opts).id}-copy"})

    found = findings(lambda: Group("net", make))

    assert any("tags.Name holds an output that was printed" in finding.message for finding in found)


def test_transforms_which_a_plan_does_not_run_are_told() -> None:
    def keep(_: pulumi.ResourceTransformArgs) -> None:
        return None

    def make(opts: pulumi.ResourceOptions) -> None:
        vpc(pulumi.ResourceOptions(parent=opts.parent, transforms=[keep]))

    assert child(make) == ["transforms"]
    assert rules(lambda: pulumi.runtime.register_resource_transform(keep)) == ["transforms"]


# URNs and the tree


def test_two_resources_of_one_urn_collide() -> None:
    assert child(lambda opts: (vpc(opts), vpc(opts))) == ["urn-collision"]


def test_one_name_for_two_types_is_no_collision() -> None:
    assert child(lambda opts: (vpc(opts, "net-a"), aws.ec2.Eip("net-a", opts=opts))) == []


def test_a_resource_outside_any_component() -> None:
    assert rules(lambda: vpc(pulumi.ResourceOptions())) == ["outside-component"]


def test_a_provider_stands_outside_components() -> None:
    assert rules(lambda: aws.Provider("aws", region="eu-west-1")) == []


def test_a_resource_named_for_a_component_that_it_is_not_in() -> None:
    def build() -> None:
        Group("web", lambda opts: vpc(opts, "db-vpc"))
        Group("db", lambda opts: vpc(opts, "db-other"))

    found = findings(build)

    assert [(finding.severity, finding.rule) for finding in found] == [("warning", "outside-component")]
    assert found[0].message == "is named for the component db and is a child of web"


def test_a_name_that_two_components_could_claim_is_not_judged() -> None:
    def build() -> None:
        Group("shop", lambda opts: vpc(opts, "shop-web-vpc"))
        Group("shop-web", lambda opts: vpc(opts, "shop-web-other"))

    assert rules(build) == []


def test_a_component_that_registers_no_outputs() -> None:
    assert rules(lambda: Group("net", vpc, register=False)) == ["no-outputs"]


# Names


def test_two_resources_of_one_name_in_the_cloud_collide() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        for place in (1, 2):
            aws.cloudwatch.LogGroup(f"net-{place}", name="/shop/flow", opts=opts)

    found = findings(lambda: Group("net", make))

    assert [finding.message for finding in found] == ["has the name '/shop/flow' that net-1 has too"]


def test_one_name_in_two_regions_or_within_two_roles_is_no_collision() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        aws.cloudwatch.LogGroup("net-1", name="/shop/flow", opts=opts)
        aws.cloudwatch.LogGroup("net-2", name="/shop/flow", region="eu-north-1", opts=opts)
        for role in ("a", "b"):
            aws.iam.RolePolicy(f"net-{role}", name="read", role=role, policy="{}", opts=opts)

    assert child(make) == []


def test_a_bucket_name_is_taken_in_every_region() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        aws.s3.Bucket("net-1", bucket="shop", opts=opts)
        aws.s3.Bucket("net-2", bucket="shop", region="eu-north-1", opts=opts)

    assert child(make) == ["name-collision"]


@pytest.mark.parametrize(("length", "expected"), [(24, []), (25, ["name-length"])])
def test_a_generated_name_needs_eight_characters_more(length: int, expected: list[str]) -> None:
    assert rules(lambda: Group("n", lambda opts: aws.lb.TargetGroup("n" * length, opts=opts))) == expected


@pytest.mark.parametrize(("length", "expected"), [(32, []), (33, ["name-length"])])
def test_a_given_name_is_as_long_as_it_is(length: int, expected: list[str]) -> None:
    assert child(lambda opts: aws.lb.TargetGroup("net-a", name="n" * length, opts=opts)) == expected


def test_a_name_that_is_unknown_in_the_logical_one_is_not_generated() -> None:
    long = "net-" + "a" * 60
    assert (
        child(
            lambda opts: aws.elasticache.User(
                long, user_id="short", user_name="app", engine="valkey", access_string="on", opts=opts
            )
        )
        == []
    )


# Secrets


def parameter(value: str) -> list[str]:
    """Return the rules that are broken when a tag holds this value."""
    return child(lambda opts: vpc(opts, tags={"Note": value}))


def wrapped(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"postgres://app:{SECRET}@db/app",
        json.dumps({"environment": json.dumps({"PASSWORD": SECRET})}),
        base64.b64encode(f"export PASSWORD={SECRET}\n".encode()).decode(),
        f"content: {base64.b64encode(SECRET.encode()).decode()}",
        wrapped(f"#!/bin/sh\nPASSWORD={SECRET}"),
        base64.b64encode(wrapped(f"#!/bin/sh\nPASSWORD={SECRET}").encode()).decode(),
    ],
    ids=["whole", "within", "json", "base64", "base64 within", "gzip", "gzip within base64"],
)
def test_a_secret_in_clear_is_found(text: str) -> None:
    assert parameter(text) == ["secret-in-clear"]


def test_text_that_only_looks_like_base64_is_let_through() -> None:
    assert parameter("A" * 41) == []
    assert parameter(base64.b64encode(b"nothing of interest in here").decode()) == []


def test_a_finding_says_where_the_secret_came_from_and_not_what_it_is() -> None:
    found = findings(lambda: Group("net", lambda opts: vpc(opts, tags={"Note": SECRET})))

    assert found[0].message == "tags.Note shows the configuration's project:token"
    assert SECRET not in str(found)


def test_a_wrapped_secret_may_not_be_in_a_plain_property() -> None:
    assert child(lambda opts: vpc(opts, tags={"Note": pulumi.Output.secret("hush")})) == ["secret-in-plain-property"]


def test_a_wrapped_secret_may_be_where_the_provider_keeps_it() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        hush = pulumi.Output.secret(SECRET)
        secret = aws.secretsmanager.Secret("net-secret", opts=opts)
        aws.secretsmanager.SecretVersion("net-version", secret_id=secret.id, secret_string=hush, opts=opts)
        aws.rds.Instance("net-db", instance_class="db.t4g.micro", password=hush, opts=opts)
        aws.elasticache.User(
            "net-user",
            user_id="u",
            user_name="u",
            engine="valkey",
            access_string="on",
            authentication_mode={"type": "password", "passwords": [hush]},
            opts=opts,
        )

    assert child(make) == []


def test_user_data_may_hold_no_secret_even_wrapped() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        aws.ec2.LaunchTemplate("net-template", user_data=pulumi.Output.secret("x"), opts=opts)

    found = findings(lambda: Group("net", make))

    assert [finding.rule for finding in found] == ["secret-in-plain-property"]
    assert "every process on the server reads user data" in found[0].message


def test_a_secret_output_must_be_wrapped() -> None:
    assert rules(lambda: pulumi.export("password", SECRET)) == ["secret-in-clear"]
    assert rules(lambda: pulumi.export("password", pulumi.Output.secret(SECRET))) == []


def test_a_secret_in_a_message_or_a_print_is_found() -> None:
    assert rules(lambda: pulumi.log.info(f"using {SECRET}")) == ["secret-in-clear"]
    assert rules(lambda: print(SECRET)) == ["secret-in-clear"]


def test_a_random_password_that_is_not_wrapped_is_found() -> None:
    def build() -> None:
        password = aws.secretsmanager.get_random_password_output(password_length=20)
        pulumi.export("password", password.random_password)

    assert [finding.message for finding in findings(build)] == [
        "the output password shows the random password number 1"
    ]


def test_findings_come_once_and_the_worst_first() -> None:
    info, error = Finding("info", "a", "", "x"), Finding("error", "b", "", "y")

    assert ordered([info, error, info]) == [error, info]
