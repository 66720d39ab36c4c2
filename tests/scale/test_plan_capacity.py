"""What the plan says of connections, memory and HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model.settings import Settings
from scale.plan import stackfile
from scale.plan.capacity import check_settings, settings_of
from tests.scale.projects import project

IMAGE = {"image": "ghcr.io/example/shop:1.0.0", "domain": "shop.example.com"}


def found(**sections: dict[str, Any]) -> list[tuple[str, str]]:
    config = {"application": IMAGE, **sections}
    settings = Settings.parse(config, stack="dev", region="eu-west-1")
    return [(finding.severity, finding.rule) for finding in check_settings(settings)[1]]


def servers(largest: int, workers: int = 4, threads: int = 1) -> dict[str, dict[str, Any]]:
    return {
        "servers": {"instance_type": "m7g.large", "min": 1, "max": largest},
        "application": {**IMAGE, "workers": workers, "threads": threads},
    }


def test_a_fleet_that_its_database_serves_has_no_finding() -> None:
    assert found(**servers(20), database={"instance_class": "db.r7g.large"}) == []


@pytest.mark.parametrize(
    ("largest", "expected"),
    # Of 100 connections 5 are reserved; a server holds 4, and a refresh runs half as many servers again.
    [
        (15, []),
        (16, [("warning", "connections")]),
        (23, [("warning", "connections")]),
        (24, [("error", "connections")]),
    ],
)
def test_a_database_must_serve_the_fleet_and_should_serve_its_refresh(
    largest: int, expected: list[tuple[str, str]]
) -> None:
    database = {"instance_class": "db.r7g.large", "max_connections": 100}

    quiet = {"database_connections": None}
    assert found(**servers(largest), database=database, scaling=quiet) == expected


def test_workers_must_fit_into_a_servers_memory() -> None:
    many = servers(2, workers=40)

    assert ("error", "memory") in found(**many, database={"instance_class": "db.r7g.large"})


def test_without_a_domain_the_plan_says_that_it_is_plain_http() -> None:
    assert found(application={"image": IMAGE["image"]}) == [("info", "plain-http")]


def test_a_program_with_other_settings_is_told_so(tmp_path: Path) -> None:
    file = stackfile.read(project(tmp_path, "", "{shop:size: 3}"), "dev")

    assert settings_of(file) is None
    assert [finding.rule for finding in check_settings(None)[1]] == ["capacity"]


def test_a_forecast_that_may_lift_the_maximum_leaves_no_budget_to_hold() -> None:
    lifted = {"predictive": {"mode": "forecast-and-scale", "max_breach_percent": 10}}
    assert ("warning", "open-ended") in found(scaling=lifted)
    assert ("warning", "open-ended") not in found(scaling={"predictive": {"mode": "forecast-and-scale"}})


def test_a_fleet_whose_own_connections_raise_the_alarm_that_adds_servers_is_warned_of() -> None:
    warned = ("warning", "feedback")
    large = {"instance_class": "db.r7g.large"}
    assert warned in found(**servers(21, workers=4, threads=1), database=large)
    assert warned not in found(**servers(20, workers=4, threads=1), database=large)
    assert warned not in found(
        **servers(21, workers=4, threads=1), database=large, scaling={"database_connections": {"above": 84}}
    )
    assert warned not in found(**servers(21), database=large, scaling={"database_connections": None})
