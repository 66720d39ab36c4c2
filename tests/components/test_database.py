"""The primary, its replicas, their parameters and their alarms."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from components.database import Database, instance_alarms
from scale.testing import CustomTimeouts, Recording, Resource, Secret, run
from tests.components.building import (
    ALARM,
    ATTACHMENT,
    LOG_GROUP,
    ROLE,
    SECRET,
    SUBNETS,
    TOPIC,
    ZONES,
    component,
    counts,
    get,
    settings,
    statements,
)

INSTANCE = "aws:rds/instance:Instance"
PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
NAME = "shop-prod-db"
GIB = 1024**3


def model(**database: Any) -> Any:
    replicas = database.pop("replicas", [{"name": "reports", "weight": 2}, {"weight": 3}])
    return settings(
        database={"instance_class": "db.r7g.large", "replicas": replicas, **database}, network={"zones": 3}
    ).database


def register(**database: Any) -> Recording:
    return run(
        lambda: Database(
            NAME,
            model(**database),
            subnet_ids=SUBNETS,
            security_group_id="sg-1",
            zone_names=ZONES,
            alarm_topic=TOPIC,
        )
    )


@cache
def built() -> Recording:
    return register()


@cache
def unprotected() -> Recording:
    return register(deletion_protection=False)


def instance(plan: Recording, role: str) -> Resource:
    return plan.one(INSTANCE, f"{NAME}-{role}")


def test_it_has_exactly_these_resources() -> None:
    assert counts(built()) == {
        "Instance": 3,
        "LogGroup": 2 * 3,
        "MetricAlarm": 3 + 4 + 4,
        "ParameterGroup": 1,
        "Role": 1,
        "RolePolicyAttachment": 1,
        "Secret": 1,
        "SecretVersion": 1,
        "SubnetGroup": 1,
    }
    assert len(built().children(component(built(), "Database"))) == 3 + 6 + 11 + 1 + 2 + 1 + 1


def test_without_replicas_there_is_the_primary_alone() -> None:
    plan = register(replicas=[])
    assert [each.name for each in plan.all(INSTANCE)] == [f"{NAME}-primary"]
    assert len(plan.all(ALARM)) == 3


def test_the_primary_is_postgresql_of_the_settings() -> None:
    primary = instance(built(), "primary")
    assert (get(primary, "engine"), get(primary, "engineVersion")) == ("postgres", "17")
    assert (get(primary, "dbName"), get(primary, "username"), get(primary, "port")) == ("app", "app", 5432)
    assert get(primary, "instanceClass") == "db.r7g.large"


def test_the_primarys_password_is_the_secrets_value_and_stays_secret() -> None:
    plan = built()
    assert isinstance(instance(plan, "primary").properties["password"], Secret)
    assert get(instance(plan, "primary"), "password") == get(plan.one(VERSION), "secretString")
    assert plan.one(VERSION).ignore_changes == ("secretString",)


def test_rds_does_not_manage_the_password_which_would_exclude_replicas() -> None:
    assert all("manageMasterUserPassword" not in each.properties for each in built().all(INSTANCE))


def test_a_new_generation_of_secrets_is_a_new_password() -> None:
    plan = run(
        lambda: Database(
            NAME,
            model(),
            subnet_ids=SUBNETS,
            security_group_id="sg-1",
            zone_names=ZONES,
            alarm_topic=TOPIC,
            secret_generation=2,
        )
    )
    assert plan.one(VERSION).name.endswith("-2")


@pytest.mark.parametrize("role", ["reports", "replica-2"])
def test_a_replica_names_the_primary_and_takes_nothing_that_replication_copies(role: str) -> None:
    replica = instance(built(), role)
    assert get(replica, "replicateSourceDb") == get(instance(built(), "primary"), "identifier")
    assert instance(built(), "primary").urn in replica.dependencies
    for copied in (
        "password",
        "username",
        "dbName",
        "engine",
        "engineVersion",
        "allocatedStorage",
        "dbSubnetGroupName",
    ):
        assert copied not in replica.properties


def test_a_replica_keeps_no_backups_and_leaves_no_snapshot() -> None:
    replica = instance(built(), "reports")
    assert get(replica, "backupRetentionPeriod") == 0
    assert get(replica, "skipFinalSnapshot") is True


def test_replicas_stand_in_the_zones_after_the_primarys() -> None:
    assert [get(instance(built(), role), "availabilityZone") for role in ("reports", "replica-2")] == ZONES[1:]


def test_a_replica_stays_in_its_zone_when_others_come_and_go_unless_the_settings_name_another() -> None:
    plan = register(replicas=[{"name": "reports"}, {"name": "reads", "zone": 1}])
    kept = {role: instance(plan, role).ignore_changes for role in ("primary", "reports", "reads")}
    assert kept == {"primary": (), "reports": ("availabilityZone",), "reads": ()}


def test_a_replica_can_have_a_class_and_a_zone_of_its_own() -> None:
    plan = register(replicas=[{"instance_class": "db.r7g.xlarge", "zone": 1}])
    assert get(instance(plan, "replica-1"), "instanceClass") == "db.r7g.xlarge"
    assert get(instance(plan, "replica-1"), "availabilityZone") == ZONES[0]


def test_with_a_standby_rds_chooses_the_zones() -> None:
    primary = instance(built(), "primary")
    assert get(primary, "multiAz") is True
    assert "availabilityZone" not in primary.properties


def test_without_a_standby_the_primary_stands_in_its_zone() -> None:
    primary = instance(register(multi_az=False, zone=2), "primary")
    assert get(primary, "multiAz") is False
    assert get(primary, "availabilityZone") == ZONES[1]


@pytest.mark.parametrize("role", ["primary", "reports", "replica-2"])
def test_every_instance_is_private_encrypted_and_current(role: str) -> None:
    each = instance(built(), role)
    assert get(each, "storageEncrypted") is True
    assert get(each, "storageType") == "gp3"
    assert get(each, "publiclyAccessible") is False
    assert get(each, "vpcSecurityGroupIds") == ["sg-1"]
    assert get(each, "caCertIdentifier") == "rds-ca-rsa2048-g1"
    assert get(each, "autoMinorVersionUpgrade") is True
    assert get(each, "copyTagsToSnapshot") is True
    assert get(each, "maintenanceWindow") == "sun:04:30-sun:05:30"
    assert get(each, "parameterGroupName") == built().one(PARAMETERS).state["name"]


def test_the_primary_stands_in_the_isolated_subnets() -> None:
    plan = built()
    assert get(plan.one(SUBNET_GROUP), "subnetIds") == SUBNETS
    assert get(instance(plan, "primary"), "dbSubnetGroupName") == plan.one(SUBNET_GROUP).state["name"]


def test_storage_grows_to_the_limit_of_the_settings() -> None:
    primary = instance(register(storage_gib=200, max_storage_gib=1000), "primary")
    assert (get(primary, "allocatedStorage"), get(primary, "maxAllocatedStorage")) == (200, 1000)


def test_storage_does_not_grow_where_limit_and_size_are_the_same() -> None:
    assert get(instance(register(storage_gib=200, max_storage_gib=200), "primary"), "maxAllocatedStorage") == 0


def test_backups_are_kept_and_taken_as_the_settings_say() -> None:
    primary = instance(register(backup_days=14), "primary")
    assert (get(primary, "backupRetentionPeriod"), get(primary, "backupWindow")) == (14, "03:00-04:00")


def test_deletion_of_the_primary_is_refused_by_pulumi_and_by_aws() -> None:
    assert instance(built(), "primary").protect is True
    assert get(instance(built(), "primary"), "deletionProtection") is True


def test_a_replica_can_be_taken_away() -> None:
    assert instance(built(), "reports").protect is False
    assert get(instance(built(), "reports"), "deletionProtection") is False


@pytest.mark.parametrize("role", ["primary", "reports"])
@pytest.mark.parametrize("log", ["postgresql", "upgrade"])
def test_logs_are_kept_as_long_as_the_settings_say_and_not_for_ever(role: str, log: str) -> None:
    made = instance(register(log_retention_days=14, replicas=[{"name": "reports"}]), role)
    group = register(log_retention_days=14, replicas=[{"name": "reports"}]).one(LOG_GROUP, f"{made.name}-{log}")
    assert get(group, "name") == f"/aws/rds/instance/{get(made, 'identifier')}/{log}"
    assert get(group, "retentionInDays") == 14
    assert group.urn in made.depends_on


@pytest.mark.parametrize(
    ("setting", "argument"),
    [("allow_major_upgrade", "allowMajorVersionUpgrade"), ("apply_immediately", "applyImmediately")],
)
def test_an_interruption_is_allowed_by_a_setting_alone(setting: str, argument: str) -> None:
    assert get(instance(built(), "primary"), argument) is False
    assert get(instance(register(**{setting: True}), "primary"), argument) is True


def test_deleting_a_protected_primary_leaves_a_snapshot_and_its_backups() -> None:
    primary = instance(built(), "primary")
    assert get(primary, "skipFinalSnapshot") is False
    suffix = str(built().one("aws:rds/subnetGroup:SubnetGroup").state["name"]).rpartition("-")[2]
    assert get(primary, "finalSnapshotIdentifier") == f"{NAME}-final-{suffix}"
    assert get(primary, "deleteAutomatedBackups") is False


def test_an_unprotected_database_goes_without_a_trace() -> None:
    primary = instance(unprotected(), "primary")
    assert not primary.protect
    assert get(primary, "deletionProtection") is False
    assert get(primary, "skipFinalSnapshot") is True
    assert "finalSnapshotIdentifier" not in primary.properties
    assert get(primary, "deleteAutomatedBackups") is True


def test_a_protected_primary_cannot_be_replaced_unnoticed() -> None:
    primary = instance(built(), "primary")
    assert get(primary, "identifier") == f"{NAME}-primary"
    assert primary.delete_before_replace is False


def test_replicas_and_an_unprotected_primary_make_room_for_their_replacement() -> None:
    assert instance(built(), "reports").delete_before_replace is True
    assert instance(unprotected(), "primary").delete_before_replace is True


@pytest.mark.parametrize("role", ["primary", "reports"])
def test_instances_take_hours(role: str) -> None:
    assert instance(built(), role).custom_timeouts == CustomTimeouts(create="3h", update="6h", delete="3h")


@pytest.mark.parametrize(("mode", "days"), [("standard", 7), ("advanced", 465)])
def test_database_insights_keep_what_their_mode_includes(mode: str, days: int) -> None:
    primary = instance(register(insights=mode), "primary")
    assert get(primary, "databaseInsightsMode") == mode
    assert get(primary, "performanceInsightsEnabled") is True
    assert get(primary, "performanceInsightsRetentionPeriod") == days


def test_logs_go_to_cloudwatch() -> None:
    assert get(instance(built(), "primary"), "enabledCloudwatchLogsExports") == ["postgresql", "upgrade"]


def test_enhanced_monitoring_has_a_role_that_only_rds_assumes() -> None:
    plan = built()
    primary = instance(plan, "primary")
    assert (get(primary, "monitoringInterval"), get(primary, "monitoringRoleArn")) == (60, plan.one(ROLE).state["arn"])
    (trust,) = statements(plan.one(ROLE), "assumeRolePolicy")
    assert trust == {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "monitoring.rds.amazonaws.com"},
    }
    grant = plan.one(ATTACHMENT)
    assert get(grant, "policyArn") == "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    assert get(grant, "role") == plan.one(ROLE).state["name"]
    assert grant.urn in primary.depends_on


def test_without_enhanced_monitoring_there_is_no_role() -> None:
    plan = register(monitoring_seconds=0)
    assert plan.all(ROLE) == plan.all(ATTACHMENT) == []
    assert get(instance(plan, "primary"), "monitoringInterval") == 0
    assert "monitoringRoleArn" not in instance(plan, "primary").properties


def parameters(plan: Recording) -> dict[str, tuple[str, str]]:
    return {each["name"]: (each["value"], each["applyMethod"]) for each in get(plan.one(PARAMETERS), "parameters")}


def test_parameters_force_tls_and_bound_what_a_web_request_may_wait_for() -> None:
    assert parameters(built()) == {
        "rds.force_ssl": ("1", "pending-reboot"),
        "statement_timeout": ("30000", "immediate"),
        "lock_timeout": ("5000", "immediate"),
        "idle_in_transaction_session_timeout": ("60000", "immediate"),
        "log_min_duration_statement": ("1000", "immediate"),
        "log_lock_waits": ("1", "immediate"),
        "hot_standby_feedback": ("1", "immediate"),
    }


def test_max_connections_is_rdss_formula_or_the_settings_own_at_the_next_start() -> None:
    assert "max_connections" not in parameters(built())
    assert parameters(register(max_connections=400))["max_connections"] == ("400", "pending-reboot")


@pytest.mark.parametrize(("version", "family"), [("17", "postgres17"), ("16.4", "postgres16")])
def test_the_parameter_family_follows_the_major_version(version: str, family: str) -> None:
    assert get(register(engine_version=version).one(PARAMETERS), "family") == family


def test_the_parameter_groups_name_is_generated_so_that_it_can_be_replaced() -> None:
    assert "name" not in built().one(PARAMETERS).properties


@pytest.mark.parametrize(
    ("role", "alarms"),
    [("primary", ["cpu", "free-storage", "connections"]), ("reports", ["cpu", "free-storage", "connections", "lag"])],
)
def test_each_instance_has_its_alarms_on_its_own_identifier(role: str, alarms: list[str]) -> None:
    found = [each for each in built().all(ALARM) if each.name.startswith(f"{NAME}-{role}-")]
    assert [each.name.removeprefix(f"{NAME}-{role}-") for each in found] == alarms
    assert {get(each, "dimensions.DBInstanceIdentifier") for each in found} == {f"{NAME}-{role}"}
    assert {get(each, "namespace") for each in found} == {"AWS/RDS"}


def test_alarms_tell_the_topic_of_trouble_and_of_its_end() -> None:
    assert all(get(each, "alarmActions") == get(each, "okActions") == [TOPIC] for each in built().all(ALARM))


def alarm(role: str, **database: Any) -> Any:
    found = instance_alarms(model(**database), "db.r7g.large", replica=True)
    return next(each for each in found if each.role == role)


def test_processors_are_in_alarm_above_their_percentage_for_a_quarter_of_an_hour() -> None:
    cpu = alarm("cpu", cpu_alarm_percent=85)
    assert (cpu.metric, cpu.threshold, cpu.comparison) == ("CPUUtilization", 85, "GreaterThanThreshold")
    assert cpu.period_seconds * cpu.periods == 15 * 60


def test_storage_is_in_alarm_below_its_share_of_the_first_size_and_when_nothing_is_heard() -> None:
    storage = alarm("free-storage", storage_gib=200, storage_alarm_percent=15)
    assert (storage.metric, storage.threshold, storage.comparison) == (
        "FreeStorageSpace",
        30 * GIB,
        "LessThanThreshold",
    )
    assert storage.missing_data == "breaching"


def test_connections_are_in_alarm_above_their_share_of_the_limit() -> None:
    assert alarm("connections", max_connections=400, connections_alarm_percent=80).threshold == 320
    # 16 GiB by RDS's formula of one connection for 9,531,392 bytes, and four fifths of it.
    assert alarm("connections").threshold == 16 * GIB // 9_531_392 * 80 // 100


def test_a_replica_is_in_alarm_when_it_lags() -> None:
    lag = alarm("lag", replica_max_lag_seconds=30)
    assert (lag.metric, lag.threshold, lag.periods, lag.datapoints) == ("ReplicaLag", 30, 5, 5)


def test_the_password_is_nowhere_but_in_its_secret_and_on_the_primary() -> None:
    plan = built()
    password = get(plan.one(VERSION), "secretString")
    holders = [each.name for each in plan.all() if password in str(dict(each.properties))]
    assert holders == [plan.one(VERSION).name, f"{NAME}-primary"]
    assert password not in str(plan.registered_outputs)


def test_its_secret_is_a_part_of_it() -> None:
    plan = built()
    assert plan.one(SECRET).parent == component(plan, "Database").urn


def test_hosts_are_in_the_order_of_the_settings() -> None:
    plan = built()
    outputs = plan.registered_outputs[component(plan, "Database").urn]
    assert outputs["host"] == instance(plan, "primary").state["address"]
    assert outputs["replica_hosts"] == [instance(plan, role).state["address"] for role in ("reports", "replica-2")]
