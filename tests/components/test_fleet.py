"""The launch template and the Auto Scaling group made from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pytest

from components.fleet import Fleet
from components.secret import Secret
from model.addressing import subnets
from scale.testing import UNKNOWN, Recording, Resource, leaves, run, secret_value
from scale.user_data import script as script_of
from tests.components.building import (
    ATTACHMENT,
    LOG_GROUP,
    ROLE,
    ROLE_POLICY,
    SUBNETS,
    component,
    counts,
    get,
    settings,
    statements,
    waits_for,
)

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:autoscaling/group:Group"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
NAME = "shop-prod-web"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-password-abcdef"
BUCKETS = ["arn:aws:s3:::static", "arn:aws:s3:::media"]
TARGETS = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/1"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def program(
    image: str = "registry.example.com/shop:1",
    generation: int = 1,
    secret_arns: Callable[[], dict[str, pulumi.Input[str]]] = lambda: {"DB_PASSWORD": ARN},
    groups: dict[str, Any] | None = None,
    **servers: Any,
) -> Callable[[], None]:
    parsed = settings(
        application={"image": image, "port": 8080},
        servers={"min": 3, "max": 20, **servers},
        secret_generation=generation,
        **groups or {},
    )

    def build() -> None:
        fleet = Fleet(
            NAME,
            parsed,
            image_id="ami-0123456789abcdef0",
            subnet_ids=SUBNETS,
            security_group_id="sg-1",
            target_group_arn=TARGETS,
            environment={"DB_HOST": "db.example.com", "DB_USER": "app"},
            database_hosts=[
                "db.example.com",
                *(f"r{place}.example.com" for place, _ in enumerate(parsed.database.replicas)),
            ],
            secret_arns=secret_arns(),
            bucket_arns=BUCKETS,
            refresh_alarms=["errors", "slow"],
        )
        pulumi.export("template_version", fleet.template_version)

    return build


@cache
def built(image: str = "registry.example.com/shop:1") -> Recording:
    return run(program(image))


def register(**servers: Any) -> Recording:
    return run(program(**servers))


def template(plan: Recording | None = None) -> Resource:
    return (plan or built()).one(TEMPLATE)


def group(plan: Recording | None = None) -> Resource:
    return (plan or built()).one(GROUP)


def user_data(plan: Recording) -> str:
    found = script_of(get(template(plan), "userData"))
    assert found is not None
    return found


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {
        "Group": 1,
        "InstanceProfile": 1,
        "LaunchTemplate": 1,
        "LogGroup": 1,
        "Role": 1,
        "RolePolicy": 1,
        "RolePolicyAttachment": 1,
    }
    assert len(built().children(component(built(), "Fleet"))) == 7


def test_metadata_is_given_to_sessions_alone_and_goes_no_further_than_the_server() -> None:
    assert get(template(), "metadataOptions") == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }


def test_metrics_come_every_minute() -> None:
    assert get(template(), "monitoring") == {"enabled": True}


def test_the_root_volume_is_encrypted_gp3_and_goes_with_the_server() -> None:
    assert get(template(register(root_volume_gib=40)), "blockDeviceMappings") == [
        {
            "deviceName": "/dev/xvda",
            "ebs": {"volumeType": "gp3", "volumeSize": 40, "encrypted": "true", "deleteOnTermination": "true"},
        }
    ]


def test_servers_are_of_the_settings_type_behind_the_servers_group() -> None:
    assert get(template(register(instance_type="m7g.large")), "instanceType") == "m7g.large"
    assert get(template(), "vpcSecurityGroupIds") == ["sg-1"]


def test_a_machine_image_is_kept_until_the_settings_say_otherwise() -> None:
    assert get(template(), "imageId") == "ami-0123456789abcdef0"
    assert template().ignore_changes == ("imageId",)
    assert template(register(ami="latest")).ignore_changes == ()
    assert template(register(ami="ami-0123456789abcdef0")).ignore_changes == ()


def test_servers_volumes_and_interfaces_carry_the_tags_which_they_inherit_from_nothing() -> None:
    tags = {"Application": "shop", "Environment": "prod", "ManagedBy": "django-scale", "Name": NAME}
    assert get(template(), "tagSpecifications") == [
        {"resourceType": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
    ]
    assert {each["key"]: each["value"] for each in get(group(), "tags")} == tags
    assert all(each["propagateAtLaunch"] for each in get(group(), "tags"))


def test_servers_take_on_the_role_that_only_ec2_assumes() -> None:
    plan = built()
    (trust,) = statements(plan.one(ROLE), "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert get(plan.one(PROFILE), "role") == plan.one(ROLE).state["name"]
    assert get(template(), "iamInstanceProfile") == {"arn": plan.one(PROFILE).state["arn"]}


def test_servers_start_when_the_role_has_its_grants() -> None:
    plan = built()
    assert {plan.one(ROLE_POLICY).urn, plan.one(ATTACHMENT).urn} <= set(plan.one(PROFILE).depends_on)
    assert waits_for(plan, group(plan), plan.one(ROLE_POLICY))


def test_servers_are_reached_by_session_manager_instead_of_keys() -> None:
    assert get(built().one(ATTACHMENT), "policyArn") == "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    assert "keyName" not in template().properties


def test_servers_may_do_this_and_no_more() -> None:
    plan = built()
    log_group = plan.one(LOG_GROUP).state["arn"]
    assert statements(plan.one(ROLE_POLICY)) == [
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [ARN]},
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": [f"{log_group}:*"]},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": [f"{bucket}/*" for bucket in BUCKETS],
        },
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": BUCKETS},
        {
            "Effect": "Allow",
            "Action": ["cloudwatch:PutMetricData"],
            "Resource": ["*"],
            "Condition": {"StringEquals": {"cloudwatch:namespace": "Django/Application"}},
        },
    ]


def test_where_traces_are_collected_servers_may_send_them_to_x_ray() -> None:
    plan = register(groups={"observability": {"tracing": {}}})
    assert statements(plan.one(ROLE_POLICY))[-1] == {
        "Effect": "Allow",
        "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "Resource": ["*"],
    }
    assert '"http_endpoint": "127.0.0.1:4318"' in user_data(plan)


def test_where_none_are_collected_there_is_neither_collector_nor_permission() -> None:
    assert "xray:" not in str(statements(built().one(ROLE_POLICY)))
    assert "amazon-cloudwatch-agent" not in user_data(built())


@pytest.mark.parametrize("reference", [":1", "@sha256:" + "0" * 64, ":1@sha256:" + "0" * 64])
def test_an_image_in_ecr_may_be_pulled_from_its_repository_alone(reference: str) -> None:
    plan = built(f"{ECR}/team/shop{reference}")
    *_, pull, token = statements(plan.one(ROLE_POLICY))
    assert pull == {
        "Effect": "Allow",
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
        "Resource": ["arn:aws:ecr:eu-west-1:123456789012:repository/team/shop"],
    }
    assert token == {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]}
    assert f'{{"credHelpers": {{"{ECR}": "ecr-login"}}}}' in user_data(plan)


def test_an_image_elsewhere_needs_no_grant_of_ecr() -> None:
    assert "ecr:" not in str(statements(built().one(ROLE_POLICY)))
    assert "ecr-login" not in user_data(built())


def test_an_image_beside_the_application_s_in_ecr_may_be_pulled_too() -> None:
    images = {"nginx": f"{ECR}/nginx:1", "pgbouncer": f"{ECR}/pgbouncer:1"}
    for pooling, pulled in (("direct", ["nginx"]), ("pgbouncer", ["nginx", "pgbouncer"])):
        plan = run(program(groups={"images": images, "database": {"pooling": pooling}}))
        *_, pull, _ = statements(plan.one(ROLE_POLICY))
        assert pull["Resource"] == [f"arn:aws:ecr:eu-west-1:123456789012:repository/{name}" for name in pulled]


def test_nginx_listens_at_the_application_s_port_and_trusts_the_load_balancer_s_subnets() -> None:
    script = user_data(run(program(groups={"network": {"cidr": "10.20.0.0/16", "zones": 3}})))
    assert "\n        listen *:8080 default_server;\n" in script
    assert "server 127.0.0.1:8001 " in script
    trusted = re.findall(r"set_real_ip_from (\S+);", script)
    assert trusted == [str(block) for block in subnets(IPv4Network("10.20.0.0/16"), 3).public]


def test_a_pooler_connects_to_each_instance_over_tls_and_holds_no_password() -> None:
    database: dict[str, Any] = {"pooling": "pgbouncer", "replicas": [{}, {}]}
    script = user_data(run(program(groups={"database": database})))
    assert "\napp = host=db.example.com port=5432 dbname=app\n" in script
    assert "\n_replica_2 = host=r1.example.com port=5432 dbname=app\n" in script
    assert "\nserver_tls_sslmode = verify-full\nserver_tls_ca_file = /etc/django-scale/rds.pem\n" in script
    assert f'\npassword="$(/usr/local/bin/django-scale-secret {ARN})"\n' in script


def test_logs_go_to_a_group_that_is_kept_for_the_days_of_the_settings() -> None:
    plan = register(log_retention_days=90)
    assert get(plan.one(LOG_GROUP), "name") == f"/django-scale/{NAME}"
    assert get(plan.one(LOG_GROUP), "retentionInDays") == 90
    assert f"awslogs-group=/django-scale/{NAME}" in user_data(plan)


def test_user_data_holds_the_plain_variables_and_fetches_the_secret_ones_at_start() -> None:
    script = user_data(built())
    assert "\nDB_HOST=db.example.com\n" in script
    assert f'\nDB_PASSWORD="$(/usr/local/bin/django-scale-secret {ARN})"\n' in script


def test_user_data_holds_no_secret() -> None:
    value = secret_value("password")

    def secrets() -> dict[str, pulumi.Input[str]]:
        return {"DB_PASSWORD": Secret("password", "A password", pulumi.Output.secret(value)).arn}

    plan = run(program(secret_arns=secrets))
    assert value not in user_data(plan)
    assert not any(hidden for _, _, hidden in leaves(dict(template(plan).properties)))


def test_a_new_generation_of_secrets_is_a_new_template() -> None:
    plans = [run(program(generation=generation)) for generation in (1, 2)]
    assert user_data(plans[0]) != user_data(plans[1])


def test_a_preview_does_not_guess_user_data_whose_secrets_are_not_made_yet() -> None:
    plan = run(program(secret_arns=lambda: {"DB_PASSWORD": Secret("password", "A password").arn}), "preview")
    assert template(plan).properties["userData"] is UNKNOWN


def test_a_preview_registers_the_same_resources() -> None:
    assert run(program(), "preview").resources.keys() == built().resources.keys()


def test_the_group_runs_the_newest_version_by_its_number() -> None:
    version = get(group(), "launchTemplate.version")
    assert version == str(template().state["latestVersion"])
    assert version.isdigit()
    assert get(group(), "launchTemplate.id") == template().id
    assert built().outputs["template_version"] == version
    assert get(template(), "updateDefaultVersion") is True


def test_a_pinned_version_wins() -> None:
    plan = register(launch_template_version=7)
    assert get(group(plan), "launchTemplate.version") == "7"
    assert plan.outputs["template_version"] == "7"


def test_the_groups_size_is_the_settings_and_its_scalers_own_from_then_on() -> None:
    assert (get(group(), "minSize"), get(group(), "maxSize"), get(group(), "desiredCapacity")) == (3, 20, 3)
    assert group().ignore_changes == ("desiredCapacity",)


def test_servers_stand_in_these_subnets_and_join_the_target_group() -> None:
    assert get(group(), "vpcZoneIdentifiers") == SUBNETS
    assert get(group(), "targetGroupArns") == [TARGETS]


def test_the_load_balancer_judges_servers_after_their_grace() -> None:
    assert (get(group(), "healthCheckType"), get(group(), "healthCheckGracePeriod")) == ("ELB", 300)
    assert get(group(register(grace_seconds=600)), "healthCheckGracePeriod") == 600


def test_the_first_deployment_ends_when_the_load_balancer_finds_the_servers_healthy() -> None:
    assert (get(group(), "minElbCapacity"), get(group(), "waitForCapacityTimeout")) == (3, "15m")


def test_the_group_may_take_as_long_to_go_as_its_servers_drain() -> None:
    draining = register(groups={"traffic": {"draining_seconds": 1800}})
    assert group(draining).custom_timeouts.delete == "2700s"


def test_all_policies_and_refreshes_warm_up_alike() -> None:
    assert get(group(), "defaultInstanceWarmup") == 180
    assert get(group(), "instanceRefresh.preferences.instanceWarmup") == "180"


def test_a_refresh_starts_new_servers_before_it_stops_old_ones() -> None:
    refresh = get(group(register(refresh={"min_healthy_percent": 90, "max_healthy_percent": 120})), "instanceRefresh")
    assert refresh["strategy"] == "Rolling"
    assert refresh["preferences"]["minHealthyPercentage"] == 90
    assert refresh["preferences"]["maxHealthyPercentage"] == 120
    assert refresh["preferences"]["skipMatching"] is True


def test_every_other_replacement_keeps_to_the_bounds_of_a_refresh() -> None:
    assert get(group(), "instanceMaintenancePolicy") == {"minHealthyPercentage": 100, "maxHealthyPercentage": 150}


def test_a_refresh_stops_at_these_alarms() -> None:
    assert get(group(), "instanceRefresh.preferences.alarmSpecification") == {"alarms": ["errors", "slow"]}


def test_a_refresh_promises_no_way_back_that_it_does_not_have() -> None:
    assert get(group(), "instanceRefresh.preferences.autoRollback") is False


def test_the_groups_sizes_are_metrics() -> None:
    assert get(group(), "enabledMetrics") == [
        "GroupDesiredCapacity",
        "GroupInServiceInstances",
        "GroupPendingInstances",
        "GroupMinSize",
        "GroupMaxSize",
    ]


def test_one_type_on_demand_needs_no_policy_of_several() -> None:
    assert "mixedInstancesPolicy" not in group().properties
    assert get(group(), "capacityRebalance") is False


def test_a_spot_share_comes_above_the_base_and_is_replaced_ahead_of_its_end() -> None:
    plan = register(spot_percent=60, on_demand_base=2, instance_type="m7g.large", other_instance_types=["m6g.large"])
    assert "launchTemplate" not in group(plan).properties
    mixed = get(group(plan), "mixedInstancesPolicy")
    assert mixed["instancesDistribution"] == {
        "onDemandBaseCapacity": 2,
        "onDemandPercentageAboveBaseCapacity": 40,
        "spotAllocationStrategy": "price-capacity-optimized",
    }
    assert [each["instanceType"] for each in mixed["launchTemplate"]["overrides"]] == ["m7g.large", "m6g.large"]
    specification = mixed["launchTemplate"]["launchTemplateSpecification"]
    assert specification["launchTemplateId"] == template(plan).id
    assert specification["version"].isdigit()
    assert get(group(plan), "capacityRebalance") is True


def test_several_types_without_a_spot_share_are_all_on_demand() -> None:
    plan = register(instance_type="m7g.large", other_instance_types=["m6g.large"])
    distribution = get(group(plan), "mixedInstancesPolicy.instancesDistribution")
    assert distribution["onDemandPercentageAboveBaseCapacity"] == 100
    assert get(group(plan), "capacityRebalance") is False


def test_a_pinned_version_wins_among_several_types_too() -> None:
    plan = register(spot_percent=50, launch_template_version=7)
    path = "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification.version"
    assert get(group(plan), path) == "7"


def test_there_is_no_warm_pool_by_default() -> None:
    assert "warmPool" not in group().properties


@pytest.mark.parametrize(("prepared", "registered"), [(None, -1), (8, 8)])
def test_a_warm_pool_holds_servers_ready(prepared: int | None, registered: int) -> None:
    plan = register(warm_pool={"min_size": 2, "max_prepared": prepared, "state": "stopped", "reuse": False})
    assert get(group(plan), "warmPool") == {
        "poolState": "Stopped",
        "minSize": 2,
        "maxGroupPreparedCapacity": registered,
        "instanceReusePolicy": {"reuseOnScaleIn": False},
    }


@pytest.mark.parametrize(("state", "hibernates"), [("hibernated", True), ("running", False), ("stopped", False)])
def test_the_template_allows_hibernation_where_the_pool_hibernates(state: str, hibernates: bool) -> None:
    plan = register(warm_pool={"state": state})
    assert get(group(plan), "warmPool.poolState") == state.capitalize()
    assert get(template(plan), "hibernationOptions") == ({"configured": True} if hibernates else None)


def test_names_are_generated_so_that_both_can_be_replaced() -> None:
    assert "name" not in template().properties
    assert "name" not in group().properties
