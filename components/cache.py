"""ElastiCache: shards of keys that many servers share."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.metric_alarm import metric_alarm
from components.secret import Secret
from model.cache import CacheGroup, Engine
from model.environment import CACHE_PORT, CACHE_USER
from model.metrics import RUNBOOKS, Alarm

_TIMEOUTS = pulumi.CustomTimeouts(create="2h", update="4h", delete="2h")

# What the application may do: everything with keys and channels, nothing that administers the server.
_ACCESS = "on ~* &* +@all -@admin -@dangerous +info"


class Cache(pulumi.ComponentResource):
    """A replication group in cluster mode with an authenticated user, over TLS."""

    host: pulumi.Output[str]
    """The configuration endpoint's host name."""
    password: Secret
    group_id: pulumi.Output[str]
    node_ids: dict[str, pulumi.Output[str]]
    """The nodes' ids by shard and node, as `0001-001`: what a node's metrics name it by."""

    def __init__(
        self,
        name: str,
        group: CacheGroup,
        *,
        engine: Engine,
        engine_version: str,
        evicts: bool,
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
        alarm_topic: pulumi.Input[str],
        runbooks: str = RUNBOOKS,
        secret_generation: int = 1,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the group. One that `evicts` drops the least recently used key when full; another refuses writes."""
        super().__init__("django-scale:cache:Cache", name, None, opts)
        self._name = name
        self._runbooks = runbooks
        self._model = group
        self._engine: Engine = engine
        self._engine_version = engine_version
        self._child = pulumi.ResourceOptions(parent=self)
        self.password = Secret(
            f"{name}-password",
            f"Password of {CACHE_USER} on {name}",
            generation=secret_generation,
            opts=self._child,
        )
        cluster = self._create_group(evicts, subnet_ids, security_group_id)
        self.host = cluster.configuration_endpoint_address
        self.group_id = cluster.replication_group_id
        self.node_ids = {
            suffix: pulumi.Output.concat(cluster.replication_group_id, "-", suffix) for suffix in _node_suffixes(group)
        }
        self._create_alarms(alarm_topic)
        self.register_outputs({"host": self.host, "group_id": self.group_id})

    def _create_group(
        self, evicts: bool, subnet_ids: Sequence[pulumi.Input[str]], security_group_id: pulumi.Input[str]
    ) -> aws.elasticache.ReplicationGroup:
        group = self._model
        subnets = aws.elasticache.SubnetGroup(
            f"{self._name}-subnets", subnet_ids=list(subnet_ids), description=self._name, opts=self._child
        )
        parameters = aws.elasticache.ParameterGroup(
            f"{self._name}-parameters",
            family=f"{self._engine}{self._engine_version.partition('.')[0]}",
            description=f"Parameters of {self._name}",
            parameters=[
                {"name": "cluster-enabled", "value": "yes"},
                {"name": "maxmemory-policy", "value": "allkeys-lru" if evicts else "noeviction"},
            ],
            opts=self._child,
        )
        return aws.elasticache.ReplicationGroup(
            f"{self._name}-group",
            description=f"{self._name}: shards {group.shards}, replicas of each {group.replicas}",
            engine=self._engine,
            engine_version=self._engine_version,
            node_type=group.node_type,
            port=CACHE_PORT,
            cluster_mode="enabled",
            num_node_groups=group.shards,
            replicas_per_node_group=group.replicas,
            # Cluster mode requires it (CreateReplicationGroup, AutomaticFailoverEnabled).
            automatic_failover_enabled=True,
            multi_az_enabled=group.replicas > 0,
            parameter_group_name=parameters.name,
            subnet_group_name=subnets.name,
            security_group_ids=[security_group_id],
            user_group_ids=[self._create_users().user_group_id],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            auto_minor_version_upgrade=True,
            snapshot_retention_limit=group.snapshot_days,
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=_TIMEOUTS),
        )

    def _create_users(self) -> aws.elasticache.UserGroup:
        application = aws.elasticache.User(
            f"{self._name}-app",
            user_id=f"{self._name}-app",
            user_name=CACHE_USER,
            engine=self._engine,
            access_string=_ACCESS,
            passwords=[self.password.value],
            opts=self._child,
        )
        # Without it a client that gives no name would be let in as `default`, and Redis demands one in each group.
        # A group for Valkey takes no user without a password, not even one that is switched off (ElastiCache guide,
        # "Role-Based Access Control"); this one can do nothing with the application's.
        nobody = aws.elasticache.User(
            f"{self._name}-default",
            user_id=f"{self._name}-default",
            user_name="default",
            engine=self._engine,
            access_string="off ~* -@all",
            passwords=[self.password.value],
            opts=self._child,
        )
        return aws.elasticache.UserGroup(
            f"{self._name}-users",
            user_group_id=f"{self._name}-users",
            engine=self._engine,
            user_ids=[application.user_id, nobody.user_id],
            opts=self._child,
        )

    def _create_alarms(self, alarm_topic: pulumi.Input[str]) -> None:
        for suffix, node_id in self.node_ids.items():
            for alarm in node_alarms(self._model):
                metric_alarm(
                    f"{self._name}-{suffix}",
                    alarm,
                    dimensions={"CacheClusterId": node_id},
                    actions=[alarm_topic],
                    ok_actions=[alarm_topic],
                    runbooks=self._runbooks,
                    opts=self._child,
                )


def _node_suffixes(group: CacheGroup) -> list[str]:
    shards, nodes = range(1, group.shards + 1), range(1, group.replicas + 2)
    return [f"{shard:04d}-{node:03d}" for shard in shards for node in nodes]


def node_alarms(group: CacheGroup) -> list[Alarm]:
    """Return the alarms of one node."""
    return [
        Alarm(
            role="cpu",
            area="cache",
            description="A cache node's engine is busy",
            namespace="AWS/ElastiCache",
            metric="EngineCPUUtilization",
            threshold=group.cpu_alarm_percent,
            period_seconds=300,
        ),
        Alarm(
            role="memory",
            area="cache",
            description="A cache node's memory is full",
            namespace="AWS/ElastiCache",
            metric="DatabaseMemoryUsagePercentage",
            threshold=group.memory_alarm_percent,
            period_seconds=300,
        ),
        Alarm(
            role="evictions",
            area="cache",
            description="A cache node drops keys that were still wanted",
            namespace="AWS/ElastiCache",
            metric="Evictions",
            statistic="Sum",
            threshold=group.evictions_alarm,
            period_seconds=300,
        ),
    ]
