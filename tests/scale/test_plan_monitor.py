"""What the recording monitor sees, and what it answers."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
import pytest

from scale.plan.lookups import UnknownLookupError
from scale.testing import UNKNOWN, Alias, CustomTimeouts, Secret, run, run_both

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"


class Pair(pulumi.ComponentResource):
    """A VPC and a subnet in it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Pair", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", opts=child)
        self.subnet = aws.ec2.Subnet(f"{name}-subnet", vpc_id=self.vpc.id, cidr_block="10.0.0.0/24", opts=child)
        self.register_outputs({"vpc_id": self.vpc.id})


def test_urns_are_made_as_the_engine_makes_them() -> None:
    class Outer(pulumi.ComponentResource):
        def __init__(self) -> None:
            super().__init__("test:index:Outer", "outer")
            Pair("inner", pulumi.ResourceOptions(parent=self))

    plan = run(Outer, project="shop", stack="prod")

    assert plan.one(VPC).urn == f"urn:pulumi:prod::shop::test:index:Outer$test:index:Pair${VPC}::inner-vpc"
    assert plan.one("test:index:Outer").parent == "urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod"


def test_a_component_has_its_children_and_its_registered_outputs() -> None:
    plan = run(lambda: Pair("net"))

    pair = plan.one("test:index:Pair")
    assert [child.name for child in plan.children(pair)] == ["net-vpc", "net-subnet"]
    assert plan.registered_outputs[pair.urn] == {"vpc_id": plan.one(VPC).id}


def test_every_option_of_a_registration_is_recorded() -> None:
    def build() -> None:
        first = aws.ec2.Vpc("first", cidr_block="10.0.0.0/16")
        aws.ec2.Vpc(
            "second",
            cidr_block="10.1.0.0/16",
            opts=pulumi.ResourceOptions(
                depends_on=[first],
                protect=True,
                ignore_changes=["tags"],
                aliases=[pulumi.Alias(name="old")],
                delete_before_replace=True,
                replace_on_changes=["cidrBlock"],
                retain_on_delete=True,
                deleted_with=first,
                custom_timeouts=pulumi.CustomTimeouts(create="2h"),
                additional_secret_outputs=["arn"],
                import_="vpc-1",
            ),
        )

    plan = run(build)

    first, second = plan.one(VPC, "first"), plan.one(VPC, "second")
    assert second.depends_on == (first.urn,)
    assert second.protect is True
    assert second.ignore_changes == ("tags",)
    assert second.aliases == (Alias(name="old"),)
    assert second.delete_before_replace is True
    assert second.replace_on_changes == ("cidrBlock",)
    assert second.retain_on_delete is True
    assert second.deleted_with == first.urn
    assert second.custom_timeouts == CustomTimeouts(create="2h")
    assert isinstance(second.state["arn"], Secret)
    assert second.id == "vpc-1"
    assert first.protect is None
    assert first.delete_before_replace is None


def test_a_value_of_another_resource_is_a_dependency_of_its_property() -> None:
    plan = run(lambda: Pair("net"))

    subnet, vpc = plan.one(SUBNET), plan.one(VPC)
    assert subnet.property_dependencies == {"vpcId": (vpc.urn,)}
    assert subnet.depends_on == ()


def test_in_a_preview_ids_and_computed_values_are_unknown() -> None:
    preview, update = run_both(lambda: Pair("net"))

    assert preview.one(SUBNET).properties["vpcId"] is UNKNOWN
    assert preview.one(SUBNET).properties["cidrBlock"] == "10.0.0.0/24"
    assert update.one(SUBNET).properties["vpcId"] == update.one(VPC).id


def test_two_resources_of_one_urn_are_both_kept() -> None:
    def build() -> None:
        aws.ec2.Vpc("same", cidr_block="10.0.0.0/16")
        aws.ec2.Vpc("same", cidr_block="10.1.0.0/16")

    plan = run(build)

    assert plan.one(VPC).properties["cidrBlock"] == "10.0.0.0/16"
    assert [each.properties["cidrBlock"] for each in plan.collisions] == ["10.1.0.0/16"]


def test_secrets_unknowns_and_assets_stay_distinguishable() -> None:
    def build() -> None:
        bucket = aws.s3.Bucket("files")
        aws.s3.BucketObject("page", bucket=bucket.bucket, source=pulumi.StringAsset("hello"))
        aws.ssm.Parameter("key", type="SecureString", value=pulumi.Output.secret("hush"))

    preview = run(build, "preview")

    page = preview.one("aws:s3/bucketObject:BucketObject")
    assert page.properties["bucket"] is UNKNOWN
    assert page.properties["source"].content == {"text": "hello"}  # pyright: ignore
    assert preview.one("aws:ssm/parameter:Parameter").properties["value"] == Secret("hush")


def test_an_input_that_is_secret_comes_back_secret() -> None:
    def build() -> None:
        secret = aws.secretsmanager.Secret("key")
        version = aws.secretsmanager.SecretVersion("key", secret_id=secret.id, secret_string="hush")
        pulumi.export("value", version.secret_string)
        pulumi.export("secret", version.secret_arn)

    update = run(build)

    assert update.outputs["value"] == Secret("hush")
    assert update.outputs["secret"] == update.one("aws:secretsmanager/secret:Secret").id


def test_a_lookup_without_an_answer_is_named() -> None:
    with pytest.raises(UnknownLookupError, match="aws:ec2/getVpcs"):
        run(lambda: aws.ec2.get_vpcs())


def test_lookups_are_answered_for_the_region_and_recorded() -> None:
    def build() -> None:
        pulumi.export("zones", aws.get_availability_zones().names)
        pulumi.export("ids", aws.get_availability_zones_output().zone_ids)

    plan = run(build, region="ap-southeast-2")

    assert plan.outputs["zones"] == ["ap-southeast-2a", "ap-southeast-2b", "ap-southeast-2c"]
    assert plan.outputs["ids"] == ["apse2-az1", "apse2-az2", "apse2-az3"]
    assert [each.token for each in plan.invokes] == ["aws:index/getAvailabilityZones:getAvailabilityZones"] * 2


def test_each_random_password_is_another_and_can_be_traced() -> None:
    def build() -> None:
        for place in range(2):
            random = aws.secretsmanager.get_random_password_output(password_length=50)
            pulumi.export(f"password{place}", pulumi.Output.secret(random.random_password))

    plan = run(build)

    first, second = plan.outputs["password0"], plan.outputs["password1"]
    assert isinstance(first, Secret)
    assert first != second
    assert len(str(first.value)) == 50
    assert plan.markers[str(first.value)] == "the random password number 1"


def test_a_provider_decides_the_region_of_its_resources() -> None:
    def build() -> None:
        tokyo = aws.Provider("tokyo", region="ap-northeast-1")
        topic = aws.sns.Topic("alarms", opts=pulumi.ResourceOptions(provider=tokyo))
        pulumi.export("arn", topic.arn)

    plan = run(build, region="eu-west-1")

    assert plan.outputs["arn"] == f"arn:aws:sns:ap-northeast-1:123456789012:{plan.one('aws:sns/topic:Topic').id[-14:]}"
    assert plan.one("aws:sns/topic:Topic").provider.startswith(plan.one("pulumi:providers:aws").urn)


def test_messages_and_what_is_printed_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    def build() -> None:
        pulumi.log.warn("careful")
        print("hello")

    plan = run(build)

    assert [(each.severity, each.text) for each in plan.messages] == [("warning", "careful"), ("output", "hello")]
    assert capsys.readouterr() == ("", "")


def test_many_runs_in_one_process_do_not_meet() -> None:
    for place in range(5):
        plan = run(lambda: Pair("net"), stack=f"s{place}")
        assert len(plan.all()) == 3
        assert plan.one(VPC).urn.startswith(f"urn:pulumi:s{place}::")
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 / 0)
    assert len(run(lambda: Pair("net")).all()) == 3


def test_looking_for_one_names_those_there_are() -> None:
    plan = run(lambda: Pair("net"))

    with pytest.raises(LookupError, match="net-vpc"):
        plan.one(VPC, "other")
