"""What RDS refuses beyond its types: names, windows, replicas, combinations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies import tokens as t
from policies.view import Resource
from scale.plan.refusals.keys import setting
from scale.plan.refusals.refusal import Planned, Refusal, answers

_CREATE, _REPLICATE = "CreateDBInstance", "CreateDBInstanceReadReplica"
_COMBINATION, _VALUE = "InvalidParameterCombination", "InvalidParameterValue"

# Words that PostgreSQL reserves in every context (PostgreSQL manual, Appendix C, "reserved"), and those that RDS keeps
# for itself. Neither may name the master user or the first database (CreateDBInstance, MasterUsername and DBName).
_RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral
    leading limit localtime localtimestamp not null offset on only or order placing primary references returning
    select session_user some symmetric system_user table then to trailing true union unique user using variadic when
    where window with rdsadmin rds_superuser admin postgres template0 template1""".split()  # noqa: SIM905 # to read it
)
_IDENTIFIER = re.compile(r"[a-z](?:-?[a-z0-9])*")
_LOWEST_PORT, _HIGHEST_PORT = 1150, 65535
_RETENTIONS = frozenset({7, *(31 * months for months in range(1, 24)), 731})
_ADVANCED_DAYS = 465
_RULES = {
    "identifier": "database-identifier",
    "port": "database-port",
    "maxAllocatedStorage": "database-storage",
    "availabilityZone": "database-zone",
    "monitoringInterval": "database-monitoring",
    "databaseInsightsMode": "database-insights",
    "username": "database-user",
    "dbName": "database-name",
    "password": "database-password",
    "backupWindow": "database-windows",
}
"""The rule by the property that it is about."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY, _WEEK = 24 * 60, 7 * 24 * 60


def database(planned: Planned) -> Iterator[Refusal]:
    """Yield what RDS refuses of the instances."""
    for instance in planned.stack.of(t.DATABASE):
        sources = planned.stack.used(instance, "replicateSourceDb", t.DATABASE)
        operation = _REPLICATE if sources else _CREATE
        own = _any(instance) if sources else (*_any(instance), *_primary(instance))
        for key, code, text in own:
            answer = answers(operation, code, text)
            yield Refusal(_RULES[key], instance, answer, setting(instance, key, planned.settings))
        for key, code, text in _replica(instance, sources):
            yield Refusal("replica", instance, answers(operation, code, text), setting(instance, key, planned.settings))


def _any(instance: Resource) -> Iterator[tuple[str, str, str]]:
    """Yield property, code and text of what is refused of a primary and of a replica."""
    identifier = instance.text("identifier")
    if identifier and (len(identifier) > 63 or not _IDENTIFIER.fullmatch(identifier)):
        text = f"DBInstanceIdentifier {identifier} must be 1 to 63 letters, digits and single hyphens, a letter first"
        yield "identifier", _VALUE, text
    port = instance.number("port")
    if port is not None and not _LOWEST_PORT <= port <= _HIGHEST_PORT:
        yield "port", _VALUE, f"Port {port:g} is invalid; it must be {_LOWEST_PORT} to {_HIGHEST_PORT}"
    size, most = instance.number("allocatedStorage"), instance.number("maxAllocatedStorage")
    if size and most and most * 10 < size * 11:
        text = f"Max storage size must be at least 10 percent above the storage size of {size:g} GiB, is {most:g}"
        yield "maxAllocatedStorage", _COMBINATION, text
    if instance.flag("multiAz") and instance.has("availabilityZone"):
        yield "availabilityZone", _COMBINATION, "Requesting a specific availability zone is not valid for Multi-AZ"
    yield from _monitoring(instance)


def _monitoring(instance: Resource) -> Iterator[tuple[str, str, str]]:
    interval = instance.number("monitoringInterval") or 0
    if interval and not instance.has("monitoringRoleArn"):
        yield "monitoringInterval", _COMBINATION, "A MonitoringRoleARN value is required if MonitoringInterval is not 0"
    days = instance.number("performanceInsightsRetentionPeriod")
    if days is not None and instance.flag("performanceInsightsEnabled") and days not in _RETENTIONS:
        text = f"PerformanceInsightsRetentionPeriod must be 7, 731 or a multiple of 31, is {days:g}"
        yield "databaseInsightsMode", _VALUE, text
    if instance.text("databaseInsightsMode") == "advanced" and (
        not instance.flag("performanceInsightsEnabled") or (days or 0) < _ADVANCED_DAYS
    ):
        text = f"The advanced mode needs Performance Insights with at least {_ADVANCED_DAYS} days of retention"
        yield "databaseInsightsMode", _COMBINATION, text


def _primary(instance: Resource) -> Iterator[tuple[str, str, str]]:
    for key, name in (("username", "MasterUsername"), ("dbName", "DBName")):
        value = instance.text(key)
        if value.lower() in _RESERVED or value.lower().startswith(("pg_", "rds_")):
            text = f"{name} {value} cannot be used as it is a reserved word used by the engine"
            yield key, _VALUE, text
    if instance.flag("manageMasterUserPassword") and instance.has("password"):
        text = "You can't specify MasterUserPassword when ManageMasterUserPassword is set"
        yield "password", _COMBINATION, text
    if _overlap(instance.text("backupWindow"), instance.text("maintenanceWindow")):
        text = "The backup window and maintenance window must not overlap"
        yield "backupWindow", _COMBINATION, text


def _replica(instance: Resource, sources: list[Resource]) -> Iterator[tuple[str, str, str]]:
    # Physical replication copies them from the primary (RDS guide, "Working with DB instance read replicas").
    for key in ("username", "password", "dbName") if sources else ():
        if instance.has(key):
            yield key, _COMBINATION, f"A read replica takes no {key}: it has its source's"
    for source in sources:
        if not source.number("backupRetentionPeriod"):
            text = f"Automated backups are not enabled for {source.name}: its replicas need at least 1 day"
            yield "backupRetentionPeriod", "InvalidDBInstanceState", text
        if source.flag("manageMasterUserPassword") and not source.text("engine").startswith("sqlserver"):
            # RDS guide, "Limitations for Secrets Manager integration".
            text = (
                f"Creating read replicas for source instance {source.name} where ManageMasterUserPassword is enabled "
                "is not supported"
            )
            yield "manageMasterUserPassword", _COMBINATION, text


def _overlap(daily: str, weekly: str) -> bool:
    """Return whether a daily window (`03:00-04:00`) meets a weekly one (`sun:04:30-sun:05:30`)."""
    if not daily or not weekly:
        return False
    start, end = (_minutes(time) for time in daily.split("-"))
    length = (end - start) % _DAY
    week_start, week_end = (_minutes(time) for time in weekly.lower().split("-"))
    week_length = (week_end - week_start) % _WEEK
    return any(
        (begin - week_start) % _WEEK < week_length or (week_start - begin) % _WEEK < length
        for begin in range(start, _WEEK, _DAY)
    )


def _minutes(time: str) -> int:
    """Return the minutes since midnight of `03:30`, or since Monday of `tue:03:30`."""
    *day, hours, minutes = time.split(":")
    return (_DAYS.index(day[0]) * _DAY if day else 0) + int(hours) * 60 + int(minutes)
