"""The databases and the caches of the stack in `bench.cdk_app`."""

from __future__ import annotations

from collections.abc import Callable

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

AlarmMaker = Callable[..., cloudwatch.Alarm]


class Database(Construct):
    """PostgreSQL with a standby and two replicas, and their alarms."""

    def __init__(
        self, scope: Construct, construct_id: str, vpc: ec2.Vpc, group: ec2.SecurityGroup, alarm: AlarmMaker
    ) -> None:
        super().__init__(scope, construct_id)
        engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17)
        parameters = rds.ParameterGroup(
            self,
            "Parameters",
            engine=engine,
            parameters={
                "statement_timeout": "30000",
                "lock_timeout": "5000",
                "idle_in_transaction_session_timeout": "60000",
                "log_min_duration_statement": "1000",
                "log_lock_waits": "1",
                "hot_standby_feedback": "1",
                "rds.force_ssl": "1",
            },
        )
        options = {
            "instance_type": ec2.InstanceType("r7g.large"),
            "vpc": vpc,
            "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            "security_groups": [group],
            "parameter_group": parameters,
            "max_allocated_storage": 1000,
            "monitoring_interval": cdk.Duration.seconds(60),
            "cloudwatch_logs_exports": ["postgresql", "upgrade"],
            "database_insights_mode": rds.DatabaseInsightsMode.STANDARD,
            "enable_performance_insights": True,
            "ca_certificate": rds.CaCertificate.RDS_CA_RSA2048_G1,
            "deletion_protection": True,
        }
        self.primary = rds.DatabaseInstance(
            self,
            "Primary",
            engine=engine,
            credentials=rds.Credentials.from_generated_secret("app"),
            database_name="app",
            multi_az=True,
            allocated_storage=200,
            storage_type=rds.StorageType.GP3,
            backup_retention=cdk.Duration.days(14),
            delete_automated_backups=False,
            storage_encrypted=True,
            **options,
        )
        replicas = {
            name: rds.DatabaseInstanceReadReplica(self, name, source_database_instance=self.primary, **options)
            for name in ("Reports", "Reads")
        }
        below = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        self.instances = {"Primary": self.primary, **replicas}
        for name, instance in self.instances.items():
            alarm(self, f"{name}Cpu", instance.metric_cpu_utilization(), 80)
            alarm(self, f"{name}Connections", instance.metric_database_connections(), 1437)
            alarm(self, f"{name}Storage", instance.metric_free_storage_space(), 20 * 2**30, comparison_operator=below)
            if instance is not self.primary:
                alarm(self, f"{name}Lag", instance.metric("ReplicaLag"), 30)


class Cache(Construct):
    """A replication group in cluster mode, its users and its nodes' alarms."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        node_type: str,
        shards: int,
        vpc: ec2.Vpc,
        group_of_caches: ec2.SecurityGroup,
        alarm: AlarmMaker,
    ) -> None:
        super().__init__(scope, construct_id)
        self.password = password = secretsmanager.Secret(self, "Password", description=f"The password of {name}")
        subnets = elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description=f"Subnets of {name}",
            subnet_ids=vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnet_ids,
        )
        parameters = elasticache.CfnParameterGroup(
            self,
            "Parameters",
            cache_parameter_group_family="valkey8",
            description=f"Parameters of {name}",
            properties={"cluster-enabled": "yes", "maxmemory-policy": "allkeys-lru" if shards > 1 else "noeviction"},
        )
        access = {"default": "off ~* -@all", "app": "on ~* &* +@all -@admin -@dangerous +info"}
        users = [
            elasticache.CfnUser(
                self,
                f"user-{user}",
                engine="valkey",
                user_id=f"{name}-{user}",
                user_name=user,
                access_string=rights,
                passwords=[password.secret_value.unsafe_unwrap()],
            )
            for user, rights in access.items()
        ]
        group_of_users = elasticache.CfnUserGroup(
            self, "Users", engine="valkey", user_group_id=f"{name}", user_ids=[u.ref for u in users]
        )
        group = elasticache.CfnReplicationGroup(
            self,
            "group",
            replication_group_description=f"{name}",
            replication_group_id=f"{name}",
            engine="valkey",
            engine_version="8.0",
            cache_node_type=node_type,
            cluster_mode="enabled",
            num_node_groups=shards,
            replicas_per_node_group=1,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            at_rest_encryption_enabled=True,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            cache_parameter_group_name=parameters.ref,
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[group_of_caches.security_group_id],
            user_group_ids=[group_of_users.ref],
        )
        limits = {"EngineCPUUtilization": 80, "DatabaseMemoryUsagePercentage": 80, "Evictions": 100}
        for shard in range(1, shards + 1):
            for node in (1, 2):
                member = f"{name}-{shard:04}-{node:03}"
                for name, limit in limits.items():
                    metric = cloudwatch.Metric(
                        namespace="AWS/ElastiCache", metric_name=name, dimensions_map={"CacheClusterId": member}
                    )
                    alarm(self, f"{member}-{name}", metric, limit).node.add_dependency(group)
