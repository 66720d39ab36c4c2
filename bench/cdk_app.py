"""The production stack of `Pulumi.prod.yaml` with the AWS CDK, to measure `cdk synth` of a like stack.

Written as a user of the CDK would write it: level 2 constructs where there are any, resources of CloudFormation where
there are none (ElastiCache, WAF). `python -m bench.cdk_app DIRECTORY` synthesizes into DIRECTORY.
"""

from __future__ import annotations

import sys

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from bench.cdk.data import Cache, Database
from bench.cdk.fleet import Fleet
from bench.cdk.storage import Storage
from bench.cdk.traffic import Balancer, Firewall

NAME, DOMAIN = "shop-prod", "shop.example.com"
CACHES = {"cache": ("cache.r7g.large", 3), "sessions": ("cache.m7g.large", 1)}


class Shop(cdk.Stack):
    """Everything of the environment."""

    def __init__(self, scope: Construct) -> None:
        environment = cdk.Environment(account="123456789012", region="eu-west-1")
        super().__init__(scope, NAME, env=environment)
        for key, value in {"Team": "shop", "CostCenter": "4711", "Application": "shop", "Environment": "prod"}.items():
            cdk.Tags.of(self).add(key, value)
        self._topic()
        self._network()
        storage = Storage(self, "Storage", NAME, DOMAIN)
        self.database = Database(self, "Database", self.vpc, self.databases, self.alarm)
        caches = [
            Cache(
                self,
                f"Cache-{role}",
                name=f"{NAME}-{role}",
                node_type=node_type,
                shards=shards,
                vpc=self.vpc,
                group_of_caches=self.caches,
                alarm=self.alarm,
            )
            for role, (node_type, shards) in CACHES.items()
        ]
        self.traffic = Balancer(self, "Traffic", self.vpc, self.balancers, DOMAIN)
        Firewall(self, "Firewall", NAME, self.traffic.load_balancer.load_balancer_arn)
        secret_key = secretsmanager.Secret(self, "SecretKey", description=f"Django's SECRET_KEY in {NAME}")
        self.fleet = Fleet(
            self,
            "Web",
            name=NAME,
            vpc=self.vpc,
            group=self.servers,
            target=self.traffic.target,
            balancer=self.traffic.load_balancer,
            secrets=[secret_key, self.database.primary.secret, *(cache.password for cache in caches)],
        )
        for bucket in (storage.static, storage.media):
            bucket.grant_read_write(self.fleet.role)
        self._dashboard(self._users_affected())
        cdk.CfnOutput(self, "Url", value=f"https://{DOMAIN}")
        cdk.CfnOutput(self, "AutoScalingGroup", value=self.fleet.group.auto_scaling_group_name)

    def alarm(
        self, scope: Construct, name: str, metric: cloudwatch.IMetric, threshold: float, **options: object
    ) -> cloudwatch.Alarm:
        """An alarm that tells the topic when it starts and when it ends."""
        alarm = cloudwatch.Alarm(
            scope, name, metric=metric, threshold=threshold, evaluation_periods=3, datapoints_to_alarm=3, **options
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        return alarm

    def _topic(self) -> None:
        key = kms.Key(self, "AlarmKey", enable_key_rotation=True)
        key.grant_encrypt_decrypt(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
        self.topic = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        self.topic.add_subscription(subscriptions.EmailSubscription("oncall@shop.example.com"))
        self.topic.add_subscription(subscriptions.UrlSubscription("https://events.pager.example.com/sns"))

    def _network(self) -> None:
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.20.0.0/16"),
            availability_zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"],
            nat_gateways=3,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24),
                ec2.SubnetConfiguration(name="private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20),
                ec2.SubnetConfiguration(name="database", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
        )
        flows = logs.LogGroup(self, "FlowLogs", retention=logs.RetentionDays.ONE_MONTH)
        self.vpc.add_flow_log("Flows", destination=ec2.FlowLogDestination.to_cloud_watch_logs(flows))
        names = ("Balancer", "Servers", "Databases", "Caches")
        self.balancers, self.servers, self.databases, self.caches = (
            ec2.SecurityGroup(self, name, vpc=self.vpc, allow_all_outbound=False) for name in names
        )
        for port in (80, 443):
            self.balancers.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port))
        self.servers.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443))
        self.servers.connections.allow_from(self.balancers, ec2.Port.tcp(8000))
        self.databases.connections.allow_from(self.servers, ec2.Port.tcp(5432))
        self.caches.connections.allow_from(self.servers, ec2.Port.tcp(6379))

    def _users_affected(self) -> list[cloudwatch.IAlarm]:
        metrics = self.traffic.load_balancer.metrics
        server = metrics.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT)
        balancer = metrics.http_code_elb(elbv2.HttpCodeElb.ELB_5XX_COUNT)
        share = cloudwatch.MathExpression(
            expression="100 * (FILL(server, 0) + FILL(balancer, 0)) / (FILL(requests, 0) + FILL(balancer, 0))",
            using_metrics={"server": server, "balancer": balancer, "requests": metrics.request_count()},
            period=cdk.Duration.minutes(1),
        )
        slow = metrics.target_response_time(statistic="p99")
        healthy = self.traffic.target.metrics.healthy_host_count(statistic="Maximum")
        below = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        parts = [
            cloudwatch.Alarm(self, "Errors", metric=share, threshold=5, evaluation_periods=3),
            cloudwatch.Alarm(self, "Slow", metric=slow, threshold=2, evaluation_periods=3),
            cloudwatch.Alarm(
                self, "NoServer", metric=healthy, threshold=1, evaluation_periods=3, comparison_operator=below
            ),
        ]
        affected = cloudwatch.CompositeAlarm(
            self,
            "UsersAffected",
            alarm_rule=cloudwatch.AlarmRule.any_of(
                *(cloudwatch.AlarmRule.from_alarm(part, cloudwatch.AlarmState.ALARM) for part in parts)
            ),
        )
        affected.add_alarm_action(actions.SnsAction(self.topic))
        return [affected, *parts]

    def _dashboard(self, alarms: list[cloudwatch.IAlarm]) -> None:
        metrics, target = self.traffic.load_balancer.metrics, self.traffic.target.metrics
        group = {"AutoScalingGroupName": self.fleet.group.auto_scaling_group_name}
        nodes = [
            f"{NAME}-{role}-{shard:04}-{node:03}"
            for role, (_, shards) in CACHES.items()
            for shard in range(1, shards + 1)
            for node in (1, 2)
        ]

        def graph(title: str, left: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=left, width=8)

        def metric(namespace: str, name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
            return cloudwatch.Metric(namespace=namespace, metric_name=name, dimensions_map=dimensions)

        def of_nodes(name: str) -> list[cloudwatch.IMetric]:
            return [metric("AWS/ElastiCache", name, {"CacheClusterId": node}) for node in nodes]

        databases = list(self.database.instances.values())
        rows = {
            "Are we up?": [
                cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms, width=8),
                graph("Healthy servers", [target.healthy_host_count(), target.unhealthy_host_count()]),
                graph("Errors", [metrics.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT)]),
            ],
            "Are we slow?": [
                graph("Seconds", [metrics.target_response_time(statistic=part) for part in ("p50", "p95", "p99")]),
                graph("Requests", [metrics.request_count()]),
            ],
            "Are we scaling?": [
                graph("Servers", [metric("AWS/AutoScaling", "GroupInServiceInstances", group)]),
                graph("Processors", [metric("AWS/EC2", "CPUUtilization", group)]),
                graph("Requests a server", [target.request_count_per_target()]),
            ],
            "What is full?": [
                graph("Databases", [database.metric_cpu_utilization() for database in databases]),
                graph("Connections", [database.metric_database_connections() for database in databases]),
                graph("Free storage", [database.metric_free_storage_space() for database in databases]),
                graph("Memory of the caches", of_nodes("DatabaseMemoryUsagePercentage")),
                graph("Evictions", of_nodes("Evictions")),
            ],
        }
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=NAME)
        for question, widgets in rows.items():
            dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {question}", width=24, height=1))
            dashboard.add_widgets(*widgets)


if __name__ == "__main__":
    app = cdk.App(outdir=sys.argv[1])
    Shop(app)
    app.synth()
