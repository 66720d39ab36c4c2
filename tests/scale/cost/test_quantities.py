"""Quantities: what each resource of a plan is charged for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pytest
from django_scale.metrics.names import METRICS

from scale.cost.items import Given, Known, Levels, Traffic, always
from scale.cost.prices import HOURS, Rate
from scale.cost.quantities import items
from scale.cost.quantities.observation import RUNTIME_METRICS
from scale.testing import run
from tests.scale.projects import own_plan

TRAFFIC = Traffic("a trace", server_hours=4 * HOURS, requests=2e6, peak_requests=5e6)


def quantities(build: Callable[[], object], known: Known | None = None) -> dict[str, Levels]:
    """Return the quantities by rate; of one rate there is one item in these programs."""
    found = items(run(build), known or Known("eu-west-1"))
    assert len({item.rate for item in found}) == len(found)
    return {str(item.rate): item.levels for item in found}


def of_prod(known: Known | None = None) -> dict[tuple[str, str], Levels]:
    found = items(own_plan("prod").update, known or Known("eu-west-1"))
    totals: dict[tuple[str, str], Levels] = {}
    for item in found:
        low, middle, high = (
            None if here is None or there is None else here + there
            for here, there in zip(totals.get((item.component, str(item.rate)), (0, 0, 0)), item.levels, strict=True)
        )
        totals[item.component, str(item.rate)] = (low, middle, high)
    return totals


PROD: list[tuple[str, str, Levels]] = [
    # 3 to 20 servers, 4 on the trace; 30 GiB and 7 metrics each
    ("Fleet web", "server m7g.large", (3 * 730, 4 * 730, 20 * 730)),
    ("Fleet web", "volume gp3", (90, 120, 600)),
    ("Fleet web", "metric", (21, 28, 140)),
    # a NAT gateway and its address in each of three zones, and the balancer's addresses
    ("Network", "nat-gateway", always(3 * 730)),
    ("Network", "public-address", always(3 * 730)),
    ("LoadBalancer", "load-balancer", always(730)),
    ("LoadBalancer", "public-address", always(3 * 730)),
    ("Firewall", "web-acl", always(1)),
    ("Firewall", "web-acl-request", (0, 2e6, 5e6)),
    # a primary with a standby, whose price has both, and two replicas of its size; 200 to 1000 GiB each
    ("Database db", "database db.r6g.large Multi-AZ", always(730)),
    ("Database db", "database db.r6g.large", always(2 * 730)),
    ("Database db", "database-storage gp3 Multi-AZ", (200, 200, 1000)),
    ("Database db", "database-storage gp3", (400, 400, 2000)),
    # three shards and a session shard, each with a replica
    ("Cache cache", "cache-node valkey cache.r7g.large", always(6 * 730)),
    ("Cache sessions", "cache-node valkey cache.m7g.large", always(2 * 730)),
]


def test_what_production_is_charged_for() -> None:
    found = of_prod(Known("eu-west-1", traffic=TRAFFIC))
    assert {(component, rate): found[component, rate] for component, rate, _ in PROD} == {
        (component, rate): levels for component, rate, levels in PROD
    }


def test_a_volume_that_nobody_gave_is_not_known_at_any_level_and_names_its_option() -> None:
    silent = {
        (item.rate.kind, item.option)
        for item in items(own_plan("prod").update, Known("eu-west-1", traffic=TRAFFIC))
        if item.levels == (None, None, None)
    }
    assert silent == {
        ("nat-data", "--nat-gb"),
        ("load-balancer-unit", "--response-kib"),
        ("egress", "--egress-gb"),
        ("delivery", "--delivery-gb"),
        ("delivery-request", "--delivery-requests"),
        ("object-storage", "--storage-gb"),
        ("log-data", "--logs-gb"),
        ("vended-log-data", "--vended-logs-gb"),
        ("log-storage", "--logs-gb"),
    }


def test_volumes_that_are_given_are_taken() -> None:
    given = Given(50, 10, 7, 3, 4, 20, 100, 1e6)
    traffic = Traffic("a trace", 4 * HOURS, 2e6, 5e6, balancer_units=1000.0, peak_balancer_units=3000.0)
    found = of_prod(Known("eu-west-1", given, traffic))
    assert found["Network", "nat-data"] == (7, 7, 7)
    assert found["LoadBalancer", "load-balancer-unit"] == (0, 1000, 3000)
    assert found["LoadBalancer", "egress"] == (0, 50, 50)
    assert found["Storage", "delivery"] == (0, 100, 100)
    assert found["Storage", "delivery-request"] == (0, 1e6, 1e6)
    assert found["Storage", "object-storage"] == (20, 20, 20)
    assert found["Logs", "log-data"] == (3, 3, 3)
    assert found["Logs", "vended-log-data"] == (4, 4, 4)
    assert found["Logs", "log-storage"][1] == pytest.approx(7 * 30 / 30.4)


def test_the_size_of_an_answer_gives_what_leaves_for_the_internet() -> None:
    found = of_prod(Known("eu-west-1", Given(response_kib=10), TRAFFIC))
    assert found["LoadBalancer", "egress"] == pytest.approx((0, 2e6 * 10240 / 1e9, 5e6 * 10240 / 1e9))


def test_without_a_trace_what_it_would_say_is_not_known() -> None:
    found = of_prod()
    assert found["Fleet web", "server m7g.large"] == (3 * 730, None, 20 * 730)
    assert found["Firewall", "web-acl-request"] == (0, None, None)


def test_the_metrics_of_the_runtime_are_as_many_as_it_has() -> None:
    assert len(METRICS) == RUNTIME_METRICS


def test_servers_without_nat_have_a_public_address_each() -> None:
    found = items(own_plan("dev").update, Known("eu-west-1"))
    addresses = [item for item in found if (item.component, item.rate) == ("Fleet web", Rate("public-address"))]
    assert [item.levels for item in addresses] == [(730, None, 1460)]


def _group(**arguments: Any) -> None:
    template = aws.ec2.LaunchTemplate("web", instance_type="m7g.large", image_id="ami-1")
    mixed: Any = {
        "instances_distribution": {"on_demand_base_capacity": 2, "on_demand_percentage_above_base_capacity": 25},
        "launch_template": {
            "launch_template_specification": {"launch_template_id": template.id, "version": "1"},
            "overrides": [{"instance_type": "m7g.large"}, {"instance_type": "m6g.large"}],
        },
    }
    aws.autoscaling.Group("web", min_size=1, max_size=10, mixed_instances_policy=mixed, **arguments)


def test_spot_servers_have_no_price_of_their_own() -> None:
    found = quantities(_group)
    assert found["server m7g.large"] == (730, None, 4 * 730), "2 first, then a quarter of the other 8"
    assert found["spot-server m7g.large"] == (0, None, 6 * 730)


def test_stopped_servers_of_a_warm_pool_keep_their_volumes() -> None:
    def build() -> None:
        template = aws.ec2.LaunchTemplate(
            "web",
            instance_type="m7g.large",
            image_id="ami-1",
            block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"volume_size": 20, "volume_type": "gp3"}}],
        )
        aws.autoscaling.Group(
            "web",
            min_size=2,
            max_size=10,
            launch_template={"id": template.id, "version": "1"},
            warm_pool={"pool_state": "Stopped", "min_size": 1, "max_group_prepared_capacity": -1},
        )

    found = {item.label: item.levels for item in items(run(build), Known("eu-west-1"))}
    assert found["gp3 volumes"] == (40, None, 200)
    assert found["gp3 volumes of the warm pool"] == (20, None, 160)


def test_a_cluster_and_its_nodes() -> None:
    def build() -> None:
        cluster = aws.eks.Cluster("shop", role_arn="arn:aws:iam::1:role/x", vpc_config={"subnet_ids": ["subnet-1"]})
        aws.eks.NodeGroup(
            "web",
            cluster_name=cluster.name,
            node_role_arn="arn:aws:iam::1:role/x",
            subnet_ids=["subnet-1"],
            instance_types=["m7g.large"],
            disk_size=50,
            scaling_config={"min_size": 2, "max_size": 6, "desired_size": 2},
        )

    found = quantities(build)
    assert found["cluster"] == (730, 730, 730)
    assert found["server m7g.large"] == (2 * 730, None, 6 * 730)
    assert found["volume gp3"] == (100, None, 300)


def test_an_alarm_is_charged_by_the_metric_and_target_tracking_makes_two() -> None:
    def build() -> None:
        plain: Any = {"comparison_operator": "GreaterThanThreshold", "evaluation_periods": 1, "threshold": 1}
        aws.cloudwatch.MetricAlarm("one", metric_name="CPUUtilization", namespace="AWS/EC2", **plain)
        metric = {"metric_name": "RequestCount", "namespace": "AWS/ApplicationELB", "period": 60, "stat": "Sum"}
        queries: Any = [
            {"id": "a", "metric": metric},
            {"id": "b", "metric": metric},
            {"id": "share", "expression": "a / b", "return_data": True},
        ]
        aws.cloudwatch.MetricAlarm("two", metric_queries=queries, **plain)
        for type_ in ("TargetTrackingScaling", "StepScaling"):
            aws.autoscaling.Policy(type_, autoscaling_group_name="web", policy_type=type_)

    found = {item.label: item.levels for item in items(run(build), Known("eu-west-1"))}
    assert found == {"metrics in alarms": always(3), "alarms of target tracking": always(2)}


def test_rules_secrets_and_keys_are_counted() -> None:
    def build() -> None:
        allow: Any = {"allow": {}}
        visible: Any = {"cloudwatch_metrics_enabled": True, "metric_name": "x", "sampled_requests_enabled": True}
        rules: Any = [
            {"name": name, "priority": place, "visibility_config": visible} for place, name in enumerate("ab")
        ]
        aws.wafv2.WebAcl("x", scope="REGIONAL", default_action=allow, visibility_config=visible, rules=rules)
        for name in ("one", "two"):
            aws.secretsmanager.Secret(name)
        aws.kms.Key("x")

    found = quantities(build)
    assert (found["web-acl"], found["web-acl-rule"], found["secret"], found["key"]) == (
        always(1),
        always(2),
        always(2),
        always(1),
    )


def test_an_interface_endpoint_is_charged_in_each_zone_and_a_gateway_is_free() -> None:
    def build() -> None:
        for kind in ("Interface", "Gateway"):
            aws.ec2.VpcEndpoint(
                kind,
                vpc_id="vpc-1",
                service_name="com.amazonaws.eu-west-1.s3",
                vpc_endpoint_type=kind,
                subnet_ids=["subnet-1", "subnet-2"],
            )

    assert quantities(build) == {"endpoint": (1460, 1460, 1460)}


def test_a_network_load_balancer_is_not_taken_for_an_application_load_balancer() -> None:
    found = quantities(lambda: aws.lb.LoadBalancer("net", load_balancer_type="network", subnets=["subnet-1"]))
    assert found["network-load-balancer"] == always(730)
    assert "load-balancer" not in found


def test_what_nobody_counts_is_listed_and_what_is_free_is_not() -> None:
    def build() -> None:
        for name in ("one", "two"):
            aws.sqs.Queue(name)
        vpc = aws.ec2.Vpc("x", cidr_block="10.0.0.0/16")
        aws.ec2.Subnet("x", vpc_id=vpc.id, cidr_block="10.0.0.0/24")
        aws.iam.Role("x", assume_role_policy="{}")

    found = items(run(build), Known("eu-west-1"))
    assert [(item.label, item.levels) for item in found] == [("queues", always(2))]


def test_of_two_groups_the_trace_is_the_fleet_s_and_one_of_a_fixed_size_is_known() -> None:
    def build() -> None:
        template = aws.ec2.LaunchTemplate("x", instance_type="m7g.large", image_id="ami-1")
        for name, low, high in (("fixed", 2, 2), ("grows", 1, 5)):
            aws.autoscaling.Group(
                name, min_size=low, max_size=high, launch_template={"id": template.id, "version": "1"}
            )

    servers = [item.levels for item in items(run(build), Known("eu-west-1", traffic=TRAFFIC)) if item.unit == "hours"]
    assert servers == [always(2 * 730), (730, None, 5 * 730)]
