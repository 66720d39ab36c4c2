"""The database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.database import Database
from tests.model.parsing import assert_rule, parse

_DAY = 24 * 60
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = "lower-case letters, digits and underscores, a letter first"


@pytest.mark.parametrize(
    ("wrong", "message", "near"),
    [
        (
            {"engine_version": "12"},
            "engine_version: must be a version in quotes such as '17' or '17.6', is '12'",
            {"engine_version": "13.22"},
        ),
        (
            {"instance_class": "m7g.large"},
            "instance_class: must be a type such as db.m7g.large, is 'm7g.large'",
            {"instance_class": "db.m7g.large"},
        ),
        ({"name": "Shop"}, f"name: must be {_FORM}, is 'Shop'", {"name": "shop"}),
        ({"name": "2shop"}, f"name: must be {_FORM}, is '2shop'", {"name": "shop2"}),
        (
            {"name": "postgres"},
            "name: must be a name that RDS does not reserve, is 'postgres'",
            {"name": "postgresql"},
        ),
        ({"user": "admin"}, "user: must be a name that RDS does not reserve, is 'admin'", {"user": "shopadmin"}),
        ({"user": "rdsadmin"}, "user: must be a name that RDS does not reserve, is 'rdsadmin'", {"user": "rd"}),
        ({"user": "pg_app"}, "user: must be a name that RDS does not reserve, is 'pg_app'", {"user": "pgapp"}),
        ({"storage_gib": 19}, "storage_gib: must be at least 20, is 19", {"storage_gib": 20}),
        (
            {"storage_gib": 100, "max_storage_gib": 99},
            "max_storage_gib: must be at least storage_gib (100), is 99",
            {"storage_gib": 100, "max_storage_gib": 100},
        ),
        (
            {"storage_gib": 100, "max_storage_gib": 109},
            "max_storage_gib: must be storage_gib (100), or a tenth above it and more, is 109",
            {"storage_gib": 100, "max_storage_gib": 110},
        ),
        (
            {"replicas": [{"weight": 1}], "backup_days": 0},
            "backup_days: must be at least 1 for an instance with replicas, is 0",
            {"replicas": [{"weight": 1}], "backup_days": 1},
        ),
        (
            {"replicas": [{"weight": 1}, {"weight": 0}]},
            "replicas[1].weight: must be at least 1, is 0",
            {"replicas": [{"weight": 1}, {"weight": 1}]},
        ),
        (
            {"replicas": [{"name": "reads"}, {"name": "reads"}]},
            "replicas[1].name: must be unique, 'reads' is used twice",
            {"replicas": [{"name": "reads"}, {"name": "reports"}]},
        ),
        (
            {"replicas": [{"name": "replica-2"}, {"weight": 1}]},
            "replicas[1].name: must be unique, 'replica-2' is used twice",
            {"replicas": [{"name": "replica-1"}, {"weight": 1}]},
        ),
        (
            {"replicas": [{"name": "primary"}]},
            "replicas[0].name: must not be 'primary', as the instance it follows is called",
            {"replicas": [{"name": "primary-2"}]},
        ),
        (
            {"monitoring_seconds": 20},
            "monitoring_seconds: must be 0, 1, 5, 10, 15, 30 or 60, is 20",
            {"monitoring_seconds": 15},
        ),
        (
            {"backup_window": "3:00-04:00"},
            "backup_window: must be hh:mm-hh:mm, is '3:00-04:00'",
            {"backup_window": "03:00-04:00"},
        ),
        (
            {"backup_window": "23:00-24:00"},
            "backup_window: must be hh:mm-hh:mm, is '23:00-24:00'",
            {"backup_window": "23:00-00:00"},
        ),
        (
            {"backup_window": "23:45-00:14"},
            "backup_window: must be at least 30 minutes long, is '23:45-00:14'",
            {"backup_window": "23:45-00:15"},
        ),
        (
            {"maintenance_window": "sun:04:30-sun:04:59"},
            "maintenance_window: must be at least 30 minutes long, is 'sun:04:30-sun:04:59'",
            {"maintenance_window": "sun:04:30-sun:05:00"},
        ),
        (
            {"maintenance_window": "sunday:04:30-sunday:05:30"},
            "maintenance_window: must be ddd:hh:mm-ddd:hh:mm, such as sun:04:30-sun:05:30, "
            "is 'sunday:04:30-sunday:05:30'",
            {"maintenance_window": "sun:23:30-mon:00:30"},
        ),
        (
            {"backup_window": "04:00-04:31"},
            "backup_window: must not overlap maintenance_window (sun:04:30-sun:05:30), is '04:00-04:31'",
            {"backup_window": "04:00-04:30"},
        ),
        (
            {"maintenance_window": "sun:23:00-mon:00:31", "backup_window": "00:30-01:00"},
            "backup_window: must not overlap maintenance_window (sun:23:00-mon:00:31), is '00:30-01:00'",
            {"maintenance_window": "sun:23:00-mon:00:30", "backup_window": "00:30-01:00"},
        ),
    ],
)
def test_rules(wrong: dict[str, Any], message: str, near: dict[str, Any]) -> None:
    assert_rule("database", wrong, message, near)


def test_a_maintenance_window_of_more_than_a_day_also_overlaps_the_backup() -> None:
    problems = list(Database(maintenance_window="sun:04:30-mon:05:30").problems())
    assert [str(problem) for problem in problems] == [
        "maintenance_window: must be at most a day long, is 'sun:04:30-mon:05:30'",
        "backup_window: must not overlap maintenance_window (sun:04:30-mon:05:30), is '03:00-04:00'",
    ]


def _minutes(start: int, length: int, cycle: int) -> set[int]:
    return {(start + minute) % cycle for minute in range(length)}


def _time(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


@given(st.integers(0, _DAY - 1), st.integers(30, _DAY - 1), st.integers(0, 7 * _DAY - 1), st.integers(30, _DAY - 1))
def test_windows_overlap_when_they_share_a_minute_of_any_day(backup: int, length: int, start: int, lasts: int) -> None:
    end = (start + lasts) % (7 * _DAY)
    database = Database(
        backup_window=f"{_time(backup)}-{_time(backup + length)}",
        maintenance_window=f"{_DAYS[start // _DAY]}:{_time(start)}-{_DAYS[end // _DAY]}:{_time(end)}",
    )
    maintained = {minute % _DAY for minute in _minutes(start, lasts, 7 * _DAY)}
    assert bool(list(database.problems())) == bool(maintained & _minutes(backup, length, _DAY))


@given(st.integers(20, 50_000), st.integers(0, 15_000))
def test_storage_grows_by_a_tenth_at_least_or_not_at_all(storage: int, more: int) -> None:
    refused = bool(list(Database(storage_gib=storage, max_storage_gib=storage + more).problems()))
    assert refused == (more > 0 and more * 10 < storage)


def test_replicas_without_a_name_are_named_by_their_place() -> None:
    assert parse(database={"replicas": [{}, {"name": "reads"}, {}]}).database.replica_names == (
        "replica-1",
        "reads",
        "replica-3",
    )


@pytest.mark.parametrize(
    ("primary", "chosen", "zones", "expected"),
    [
        (1, [None, None, None], 3, [1, 2, 0]),
        (2, [None, None], 2, [0, 1]),
        (1, [1, None], 3, [0, 2]),
    ],
)
def test_replicas_take_the_zones_in_turn_after_the_primary_s(
    primary: int, chosen: list[int | None], zones: int, expected: list[int]
) -> None:
    replicas = [{"zone": zone} for zone in chosen]
    database = parse(database={"zone": primary, "replicas": replicas}, network={"zones": zones}).database
    assert [database.replica_zone(index, zones) for index in range(len(replicas))] == expected
