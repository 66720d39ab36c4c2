"""Wrong settings, told in the user's own words."""

from __future__ import annotations

from typing import Any

import pytest

from model.errors import SettingsError, dotted, nearest
from model.fields import Problem
from tests.model.parsing import parse, problems


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (["database"], "database"),
        (["database", "replicas", 1, "weight"], "database.replicas[1].weight"),
        (["a", 0, 2, "b"], "a[0][2].b"),
    ],
)
def test_a_location_reads_as_the_user_wrote_it(location: list[int | str], expected: str) -> None:
    assert dotted(location) == expected


def test_a_name_is_answered_with_the_nearest_known_one() -> None:
    assert nearest("instance_typ", ["min", "instance_type", "max"]) == "did you mean 'instance_type'?"


def test_a_name_like_no_other_is_answered_with_all_that_are_known() -> None:
    assert nearest("colour", ["min", "max"]) == "known are max, min"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"database": {"replicas": [{}, {"weight": 0}]}}, "database.replicas[1].weight: must be at least 1, is 0"),
        ({"servers": {"max": 1001}}, "servers.max: must be at most 1000, is 1001"),
        (
            {"scaling": {"response_time": {"above_seconds": 0}}},
            "scaling.response_time.above_seconds: must be above 0, is 0",
        ),
        ({"alarms": {"period_seconds": 90}}, "alarms.period_seconds: must be a multiple of 60, is 90"),
        ({"servers": {"min": "two"}}, "servers.min: must be a whole number, is 'two'"),
        ({"servers": {"min": "2"}}, "servers.min: must be a whole number, is '2'"),
        ({"servers": {"min": 2.0}}, "servers.min: must be a whole number, is 2.0"),
        ({"servers": {"min": True}}, "servers.min: must be a whole number, is true"),
        ({"servers": {"min": None}}, "servers.min: must be a whole number, is null"),
        ({"alarms": {"slow_seconds": "5"}}, "alarms.slow_seconds: must be a number, is '5'"),
        ({"alarms": {"slow_seconds": False}}, "alarms.slow_seconds: must be a number, is false"),
        ({"network": {"flow_logs": "maybe"}}, "network.flow_logs: must be true or false, is 'maybe'"),
        ({"network": {"flow_logs": 2}}, "network.flow_logs: must be true or false, is 2"),
        (
            {"database": {"engine_version": 17}},
            "database.engine_version: must be text (in quotes, where YAML would read a number), is 17",
        ),
        ({"network": {"nat": "two"}}, "network.nat: must be 'per-zone', 'single' or 'none', is 'two'"),
        ({"alarms": {"emails": "a@b.example"}}, "alarms.emails: must be a list, is 'a@b.example'"),
        ({"servers": {"refresh": 5}}, "servers.refresh: must be a group of settings, is 5"),
        ({"servers": "large"}, "servers: must be a group of settings, is 'large'"),
        ({"servers": None}, "servers: must be a group of settings, is null"),
        ({"tags": ["shop"]}, "tags: must be a group of settings, is ['shop']"),
        ({"traffic": {"api": {"path": "/api/"}}}, "traffic.api.per_minute: is required"),
        (
            {"scaling": {"response_time": {"steps": []}}},
            "scaling.response_time.steps: must have at least 1 entry, is []",
        ),
        (
            {"servers": {"other_instance_types": ["a1.large"] * 40}},
            "servers.other_instance_types: must have at most 39 entries, is "
            "['a1.large', 'a1.large', 'a1.large', 'a1.large', 'a1.large', 'a1.large', 'a1....",
        ),
        ({"application": {"name": "s"}}, "application.name: must have at least 2 characters, is 's'"),
        (
            {"database": {"user": "a" * 17}},
            "database.user: must have at most 16 characters, is 'aaaaaaaaaaaaaaaaa'",
        ),
        (
            {"network": {"cidr": "10.0.0.1/16"}},
            "network.cidr: must be a block of IPv4 addresses such as 10.0.0.0/16, is '10.0.0.1/16'",
        ),
    ],
)
def test_each_kind_of_wrong_value_names_its_key_the_rule_and_what_was_given(
    config: dict[str, Any], message: str
) -> None:
    assert problems(**config) == [message]


def test_a_long_value_is_shown_shortened() -> None:
    (told,) = problems(storage={"price_class": "x" * 500})
    assert told.endswith(f"is '{'x' * 76}...")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"servrs": {}}, "servrs: is not a setting; did you mean 'servers'?"),
        ({"tag": {}}, "tag: is not a setting; did you mean 'tags'?"),
        ({"servers": {"mni": 2}}, "servers.mni: is not a setting; did you mean 'min'?"),
        (
            {"servers": {"warm_pool": {"minsize": 2}}},
            "servers.warm_pool.minsize: is not a setting; did you mean 'min_size'?",
        ),
        (
            {"database": {"replicas": [{}, {"wieght": 2}]}},
            "database.replicas[1].wieght: is not a setting; did you mean 'weight'?",
        ),
        (
            {"scaling": {"response_time": {"steps": [{"beyon": 0, "add_percent": 10}]}}},
            "scaling.response_time.steps[0].beyon: is not a setting; did you mean 'beyond'?",
        ),
        (
            {"cache": {"sessions": {"shard": 2}}},
            "cache.sessions.shard: is not a setting; did you mean 'shards'?",
        ),
        (
            {"servers": {"refresh": {"colour": 1}}},
            "servers.refresh.colour: is not a setting; known are max_healthy_percent, min_healthy_percent",
        ),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_at_any_depth(config: dict[str, Any], message: str) -> None:
    assert problems(**config) == [message]


def test_a_wrong_entry_does_not_make_its_list_too_short_as_well() -> None:
    wrong = {"response_time": {"steps": [{"add_percent": 0}]}}
    assert problems(scaling=wrong) == ["scaling.response_time.steps[0].add_percent: must be at least 1, is 0"]


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_settings() -> None:
    with pytest.raises(SettingsError) as raised:
        parse(
            storge={},
            database={"replicas": [{"weight": 0}], "port": 80},
            servers={"min": 5, "max": 3},
            application={"image": "shop"},
        )
    assert str(raised.value).splitlines() == [
        "5 settings are wrong:",
        "  storge: is not a setting; did you mean 'storage'?",
        "  application.image: must be an image with a tag other than latest, or with a digest, is 'shop'",
        "  servers.max: must be at least servers.min (5), is 3",
        "  database.port: must be at least 1024, is 80",
        "  database.replicas[0].weight: must be at least 1, is 0",
    ]


def test_one_problem_is_told_in_the_singular() -> None:
    error = SettingsError([Problem("servers.min", "must be at least 1, is 0")])
    assert str(error) == "1 setting is wrong:\n  servers.min: must be at least 1, is 0"
