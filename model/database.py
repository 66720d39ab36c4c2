"""The database: a PostgreSQL primary and its read replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from model.fields import (
    Count,
    DatabaseClass,
    Days,
    GiB,
    LogRetention,
    Milliseconds,
    Name,
    Percent,
    Port,
    Problem,
    Seconds,
    Section,
    Unit,
    Weight,
    form,
    rule,
)
from model.pooling import PgBouncer

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_DAILY = re.compile(rf"{_TIME}-{_TIME}", re.ASCII)
_WEEKLY = re.compile(rf"({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}", re.ASCII)
Identifier = Annotated[
    str,
    form(r"[a-z][a-z0-9_]*", "lower-case letters, digits and underscores, a letter first"),
    rule(lambda name: "a name that RDS does not reserve" if _is_reserved(name) else None),
]


def _is_reserved(name: str) -> bool:
    return name in _RESERVED_NAMES or name.startswith(("pg_", "rds"))


_DAY, _WEEK = 24 * 60, 7 * 24 * 60

# What RDS for PostgreSQL keeps for itself (CreateDBInstance, MasterUsername and DBName; for `admin`, as AWS answers,
# aws-cloudformation/cfn-lint#4425), and roles and databases that every PostgreSQL has.
_RESERVED_NAMES = {"admin", "administrator", "root", "postgres", "template0", "template1", "public"}

PRIMARY = "primary"
"""What the instance that takes the writes is called beside its replicas."""


class Replica(Section):
    """A read replica."""

    name: Name | None = Field(default=None, max_length=20)
    """Its name; by default `replica-1`, `replica-2` by place. Name them, to take one from the middle of the list."""

    weight: Weight = Field(default=1, ge=1, le=100)
    """Its share of the reads, relative to the other replicas."""

    instance_class: DatabaseClass | None = None
    """Its instance class; by default the primary's."""

    zone: Count | None = Field(default=None, ge=1, le=3)
    """Its availability zone, 1 being the first; by default the zones in turn, beginning after the primary's."""


class Database(Section):
    """RDS for PostgreSQL."""

    engine_version: Annotated[str, form(r"1[3-9](\.\d{1,2})?", "a version in quotes such as '17' or '17.6'")] = "17"
    """PostgreSQL's major version, or a minor one to pin it; minor upgrades come in the maintenance window."""

    instance_class: DatabaseClass = "db.t4g.medium"
    """The primary's instance class."""

    name: Identifier = Field(default="app", max_length=63)
    """The database's name."""

    user: Identifier = Field(default="app", max_length=16)
    """The user that owns the database and with which the application signs in."""

    port: Port = 5432
    """The port."""

    storage_gib: GiB = Field(default=50, ge=20, le=65536)
    """Storage at first (gp3)."""

    max_storage_gib: GiB = Field(default=500, ge=20, le=65536)
    """What storage autoscaling may grow it to; equal to `storage_gib` it does not grow."""

    multi_az: bool = True
    """Whether a standby in another zone takes over when the primary fails."""

    zone: Count = Field(default=1, ge=1, le=3)
    """The primary's availability zone, 1 being the first. With `multi_az` RDS chooses, and this orders the replicas."""

    backup_days: Days = Field(default=7, ge=0, le=35)
    """How long automatic backups are kept, for recovery to any second; replicas need at least 1."""

    backup_window: Annotated[str, form(_DAILY.pattern, "hh:mm-hh:mm")] = "03:00-04:00"
    """When the daily snapshot is taken, UTC."""

    maintenance_window: Annotated[str, form(_WEEKLY.pattern, "ddd:hh:mm-ddd:hh:mm, such as sun:04:30-sun:05:30")] = (
        "sun:04:30-sun:05:30"
    )
    """When minor upgrades and other maintenance happen, UTC."""

    deletion_protection: bool = True
    """Whether Pulumi and AWS refuse to delete the primary; deletion leaves a final snapshot. Replicas hold nothing of
    their own and can be taken away."""

    replicas: tuple[Replica, ...] = Field(default=(), max_length=15)
    """The read replicas."""

    allow_major_upgrade: bool = False
    """Whether a new major `engine_version` is let through; the instances are down while they are upgraded."""

    apply_immediately: bool = False
    """Whether changes that interrupt the service, such as another class, are made at once and not in the window."""

    log_retention_days: LogRetention = 30
    """How long PostgreSQL's logs are kept in CloudWatch."""

    pooling: Literal["direct", "psycopg-pool", "pgbouncer"] = "direct"
    """How a server's processes hold connections: one for each thread, a pool in each process, or a pooler for all of
    them on the server."""

    pool_size: Count = Field(default=4, ge=1, le=100)
    """Connections of a process's pool to each database, with `psycopg-pool`."""

    pgbouncer: PgBouncer = PgBouncer()
    """The pooler on each server, with `pgbouncer`."""

    connection_max_age_seconds: Seconds = Field(default=60, ge=0, le=3600)
    """How long a thread keeps its connection, with `direct`; 0 opens one for each request."""

    max_connections: Count | None = Field(default=None, ge=20, le=262143)
    """PostgreSQL's `max_connections`; by default RDS's formula, which follows the instance class's memory."""

    statement_timeout_ms: Milliseconds = Field(default=30_000, ge=0, le=3_600_000)
    """A statement is cancelled after this time; 0 is never."""

    lock_timeout_ms: Milliseconds = Field(default=5_000, ge=0, le=3_600_000)
    """A statement that waits for a lock is cancelled after this time; 0 is never."""

    idle_in_transaction_timeout_ms: Milliseconds = Field(default=60_000, ge=0, le=3_600_000)
    """A session that sleeps inside a transaction is ended after this time; 0 is never."""

    slow_statement_ms: Milliseconds = Field(default=1_000, ge=0, le=3_600_000)
    """Statements that take longer are logged; 0 logs them all."""

    replica_max_lag_seconds: Seconds = Field(default=30, ge=1, le=3600)
    """A replica this far behind is in alarm, and left out by the application's router."""

    insights: Literal["standard", "advanced"] = "standard"
    """Database Insights' mode: a week of history, or fifteen months at a price for each processor."""

    monitoring_seconds: Annotated[Literal[0, 1, 5, 10, 15, 30, 60], Unit("seconds")] = 60
    """Enhanced monitoring's interval: 0 (off), 1, 5, 10, 15, 30 or 60."""

    cpu_alarm_percent: Percent = Field(default=85, ge=1, le=100)
    """Processor utilization above which an instance is in alarm for 15 minutes."""

    storage_alarm_percent: Percent = Field(default=15, ge=1, le=90)
    """Free storage, of `storage_gib`, below which an instance is in alarm."""

    connections_alarm_percent: Percent = Field(default=80, ge=1, le=100)
    """Connections, of the instance's limit, above which it is in alarm."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the values together."""
        if self.max_storage_gib < self.storage_gib:
            yield Problem(
                "max_storage_gib", f"must be at least storage_gib ({self.storage_gib}), is {self.max_storage_gib}"
            )
        elif self.storage_gib < self.max_storage_gib and self.max_storage_gib * 10 < self.storage_gib * 11:
            # RDS guide, "Managing capacity automatically with Amazon RDS storage autoscaling".
            yield Problem(
                "max_storage_gib",
                f"must be storage_gib ({self.storage_gib}), or a tenth above it and more, is {self.max_storage_gib}",
            )
        if self.replicas and self.backup_days == 0:
            yield Problem("backup_days", "must be at least 1 for an instance with replicas, is 0")
        yield from self._name_problems()
        yield from self._window_problems()

    def _name_problems(self) -> Iterator[Problem]:
        names = self.replica_names
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Problem(f"replicas[{index}].name", f"must be unique, {name!r} is used twice")
            elif name == PRIMARY:
                yield Problem(f"replicas[{index}].name", f"must not be {name!r}, as the instance it follows is called")

    def _window_problems(self) -> Iterator[Problem]:
        backup = _DAILY.fullmatch(self.backup_window)
        weekly = _WEEKLY.fullmatch(self.maintenance_window)
        if backup is None or weekly is None:
            raise ValueError("windows are matched by their fields' validators")
        backup_start = int(backup[1]) * 60 + int(backup[2])
        backup_length = (int(backup[3]) * 60 + int(backup[4]) - backup_start) % _DAY
        start = _DAYS.index(weekly[1]) * _DAY + int(weekly[2]) * 60 + int(weekly[3])
        length = (_DAYS.index(weekly[4]) * _DAY + int(weekly[5]) * 60 + int(weekly[6]) - start) % _WEEK
        for key, minutes, text in (
            ("backup_window", backup_length, self.backup_window),
            ("maintenance_window", length, self.maintenance_window),
        ):
            if minutes < 30:
                yield Problem(key, f"must be at least 30 minutes long, is {text!r}")
        if length > _DAY:
            yield Problem("maintenance_window", f"must be at most a day long, is {self.maintenance_window!r}")
        for day in range(7):
            begin = day * _DAY + backup_start
            if (begin - start) % _WEEK < length or (start - begin) % _WEEK < backup_length:
                yield Problem(
                    "backup_window",
                    f"must not overlap maintenance_window ({self.maintenance_window}), is {self.backup_window!r}",
                )
                break

    @property
    def replica_names(self) -> tuple[str, ...]:
        """The replicas' names, in order."""
        return tuple(replica.name or f"replica-{place}" for place, replica in enumerate(self.replicas, start=1))

    def replica_zone(self, index: int, zones: int) -> int:
        """Return the zone (from 0) of the replica at `index` of a network with `zones` zones."""
        chosen = self.replicas[index].zone
        return (chosen - 1) if chosen is not None else (self.zone + index) % zones
