"""PostgreSQL: a primary, its read replicas, and the alarms on each."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components import permissions
from components.metric_alarm import metric_alarm
from components.secret import Secret
from model import capacity
from model.database import Database as DatabaseModel
from model.metrics import RUNBOOKS, Alarm

# Creating, upgrading and deleting an instance with a standby and replicas outlasts the provider's own time-outs.
_TIMEOUTS = pulumi.CustomTimeouts(create="3h", update="6h", delete="3h")

# Of the two authorities of RDS this one lives until 2061 (RDS guide, "Using SSL/TLS", certificate authorities).
_CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"

_LOGS = ("postgresql", "upgrade")

_INSIGHTS_DAYS = {"standard": 7, "advanced": 465}


class Database(pulumi.ComponentResource):
    """RDS for PostgreSQL, with any number of read replicas."""

    host: pulumi.Output[str]
    """The primary's host name."""
    replica_hosts: list[pulumi.Output[str]]
    """The replicas' host names, in the order of the settings."""
    password: Secret
    instance_ids: dict[str, pulumi.Output[str]]
    """The identifiers by name: `primary`, then the replicas."""
    log_group_names: list[pulumi.Output[str]]
    """Where the instances log, slow statements among them."""

    def __init__(
        self,
        name: str,
        database: DatabaseModel,
        *,
        subnet_ids: Sequence[pulumi.Input[str]],
        security_group_id: pulumi.Input[str],
        zone_names: Sequence[pulumi.Input[str]],
        alarm_topic: pulumi.Input[str],
        runbooks: str = RUNBOOKS,
        secret_generation: int = 1,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the instances in isolated subnets; `zone_names` are the network's zones, in its order."""
        super().__init__("django-scale:database:Database", name, None, opts)
        self._name = name
        self._runbooks = runbooks
        self._model = database
        self._child = pulumi.ResourceOptions(parent=self)
        self._security_group_id = security_group_id
        self._zone_names = zone_names
        self._grants: list[pulumi.Resource] = []
        self.log_group_names = []
        self._monitoring = self._create_monitoring_role()
        self._parameters = self._create_parameters()
        # RDS's own password in Secrets Manager cannot be used by an instance with replicas (RDS guide, "Limitations
        # for Secrets Manager integration").
        self.password = Secret(
            f"{name}-password",
            f"Password of {database.user} on {name}",
            generation=secret_generation,
            opts=self._child,
        )
        primary = self._create_primary(subnet_ids)
        replicas = {
            replica: self._create_replica(index, replica, primary)
            for index, replica in enumerate(database.replica_names)
        }
        instances = {"primary": primary, **replicas}
        for role, class_name in capacity.database_classes(database).items():
            self._create_alarms(role, class_name, instances[role], alarm_topic)
        self.host = primary.address
        self.replica_hosts = [replica.address for replica in replicas.values()]
        self.instance_ids = {role: instance.identifier for role, instance in instances.items()}
        self.register_outputs({"host": self.host, "replica_hosts": self.replica_hosts})

    def _create_monitoring_role(self) -> aws.iam.Role | None:
        if self._model.monitoring_seconds == 0:
            return None
        role = aws.iam.Role(
            f"{self._name}-monitoring",
            assume_role_policy=permissions.assume("monitoring.rds.amazonaws.com"),
            opts=self._child,
        )
        self._grants.append(
            aws.iam.RolePolicyAttachment(
                f"{self._name}-monitoring",
                role=role.name,
                policy_arn="arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
                opts=self._child,
            )
        )
        return role

    def _create_parameters(self) -> aws.rds.ParameterGroup:
        database = self._model
        values = {
            "statement_timeout": str(database.statement_timeout_ms),
            "lock_timeout": str(database.lock_timeout_ms),
            "idle_in_transaction_session_timeout": str(database.idle_in_transaction_timeout_ms),
            "log_min_duration_statement": str(database.slow_statement_ms),
            "log_lock_waits": "1",
            # A long read on a replica is not cancelled by the primary's vacuum, which waits for it instead.
            "hot_standby_feedback": "1",
        }
        # What equals RDS's own default, as forced TLS does from version 15 on, is reported back as pending-reboot
        # whatever was asked for, and would differ in every preview (terraform-provider-aws#39252). A new instance
        # starts with these values all the same.
        at_start = {"rds.force_ssl": "1"}
        if database.max_connections is not None:
            at_start["max_connections"] = str(database.max_connections)
        return aws.rds.ParameterGroup(
            f"{self._name}-parameters",
            family=f"postgres{database.engine_version.partition('.')[0]}",
            description=f"Parameters of {self._name}",
            parameters=[
                *({"name": name, "value": value, "apply_method": "immediate"} for name, value in values.items()),
                *({"name": name, "value": value, "apply_method": "pending-reboot"} for name, value in at_start.items()),
            ],
            opts=self._child,
        )

    def _create_primary(self, subnet_ids: Sequence[pulumi.Input[str]]) -> aws.rds.Instance:
        database = self._model
        subnet_group = aws.rds.SubnetGroup(
            f"{self._name}-subnets",
            subnet_ids=list(subnet_ids),
            description=f"Isolated subnets of {self._name}",
            opts=self._child,
        )
        args = self._shared_args("primary", database.instance_class)
        args.engine = "postgres"
        args.engine_version = database.engine_version
        args.db_name = database.name
        args.username = database.user
        args.password = self.password.value
        args.port = database.port
        args.allocated_storage = database.storage_gib
        args.db_subnet_group_name = subnet_group.name
        args.multi_az = database.multi_az
        # RDS refuses a zone together with Multi-AZ, where it chooses both (CreateDBInstance, AvailabilityZone).
        args.availability_zone = None if database.multi_az else self._zone_names[database.zone - 1]
        args.backup_retention_period = database.backup_days
        args.backup_window = database.backup_window
        args.deletion_protection = database.deletion_protection
        args.delete_automated_backups = not database.deletion_protection
        args.skip_final_snapshot = not database.deletion_protection
        # A snapshot outlives the environment; the generated suffix is another one when it is built again.
        final = subnet_group.name.apply(lambda generated: f"{self._name}-final-{generated.rpartition('-')[2]}")
        args.final_snapshot_identifier = final if database.deletion_protection else None
        return aws.rds.Instance(
            f"{self._name}-primary", args, opts=self._options("primary", protect=database.deletion_protection)
        )

    def _create_replica(self, index: int, name: str, primary: aws.rds.Instance) -> aws.rds.Instance:
        """Create a replica. Password, user and database are the primary's, copied by replication: it takes none."""
        database = self._model
        replica = database.replicas[index]
        args = self._shared_args(name, replica.instance_class or database.instance_class)
        args.replicate_source_db = primary.identifier
        args.availability_zone = self._zone_names[database.replica_zone(index, len(self._zone_names))]
        args.backup_retention_period = 0
        # It holds nothing that the primary does not, and is taken away by taking it out of the settings.
        args.deletion_protection = False
        args.skip_final_snapshot = True
        opts = self._options(name, protect=False)
        if replica.zone is None:
            # Its turn changes with another zone or with a replica less, and RDS moves none: it would build it anew.
            opts.ignore_changes = ["availabilityZone"]
        return aws.rds.Instance(f"{self._name}-{name}", args, opts=opts)

    def _shared_args(self, role: str, instance_class: str) -> aws.rds.InstanceArgs:
        database = self._model
        grows = database.max_storage_gib > database.storage_gib
        return aws.rds.InstanceArgs(
            # Fixed, so that a replacement of the primary fails by the name in use instead of leaving its data behind.
            identifier=f"{self._name}-{role}",
            instance_class=instance_class,
            storage_type="gp3",
            storage_encrypted=True,
            max_allocated_storage=database.max_storage_gib if grows else 0,
            parameter_group_name=self._parameters.name,
            vpc_security_group_ids=[self._security_group_id],
            publicly_accessible=False,
            ca_cert_identifier=_CERTIFICATE_AUTHORITY,
            maintenance_window=database.maintenance_window,
            auto_minor_version_upgrade=True,
            allow_major_version_upgrade=database.allow_major_upgrade,
            apply_immediately=database.apply_immediately,
            copy_tags_to_snapshot=True,
            database_insights_mode=database.insights,
            performance_insights_enabled=True,
            performance_insights_retention_period=_INSIGHTS_DAYS[database.insights],
            monitoring_interval=database.monitoring_seconds,
            monitoring_role_arn=self._monitoring.arn if self._monitoring else None,
            enabled_cloudwatch_logs_exports=list(_LOGS),
        )

    def _options(self, role: str, *, protect: bool) -> pulumi.ResourceOptions:
        # RDS makes the groups itself where there are none, and keeps their logs for ever.
        logs = [
            aws.cloudwatch.LogGroup(
                f"{self._name}-{role}-{log}",
                name=f"/aws/rds/instance/{self._name}-{role}/{log}",
                retention_in_days=self._model.log_retention_days,
                opts=self._child,
            )
            for log in _LOGS
        ]
        self.log_group_names.append(logs[_LOGS.index("postgresql")].name)
        return pulumi.ResourceOptions(
            parent=self,
            protect=protect,
            delete_before_replace=not protect,
            custom_timeouts=_TIMEOUTS,
            depends_on=[*self._grants, *logs],
        )

    def _create_alarms(
        self, role: str, class_name: str, instance: aws.rds.Instance, alarm_topic: pulumi.Input[str]
    ) -> None:
        for alarm in instance_alarms(self._model, class_name, replica=role != "primary"):
            metric_alarm(
                f"{self._name}-{role}",
                alarm,
                dimensions={"DBInstanceIdentifier": instance.identifier},
                actions=[alarm_topic],
                ok_actions=[alarm_topic],
                runbooks=self._runbooks,
                opts=self._child,
            )


def instance_alarms(database: DatabaseModel, class_name: str, *, replica: bool) -> list[Alarm]:
    """Return the alarms of one instance."""
    connections = capacity.max_connections(database, class_name) * database.connections_alarm_percent // 100
    free_bytes = database.storage_gib * 1024**3 * database.storage_alarm_percent // 100
    alarms = [
        Alarm(
            role="cpu",
            area="database",
            description="The database's processors are busy",
            namespace="AWS/RDS",
            metric="CPUUtilization",
            threshold=database.cpu_alarm_percent,
            period_seconds=300,
        ),
        Alarm(
            role="free-storage",
            area="database",
            description="The database runs out of storage",
            namespace="AWS/RDS",
            metric="FreeStorageSpace",
            threshold=free_bytes,
            comparison="LessThanThreshold",
            statistic="Minimum",
            period_seconds=300,
            missing_data="breaching",
        ),
        Alarm(
            role="connections",
            area="database",
            description="The database's connections run out",
            namespace="AWS/RDS",
            metric="DatabaseConnections",
            threshold=connections,
            statistic="Maximum",
        ),
    ]
    if replica:
        alarms.append(
            Alarm(
                role="lag",
                area="database",
                description="The replica is behind the primary",
                namespace="AWS/RDS",
                metric="ReplicaLag",
                threshold=database.replica_max_lag_seconds,
                periods=5,
                datapoints=5,
            )
        )
    return alarms
