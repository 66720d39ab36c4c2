"""What every setting has: a unit, bounds, a default that is valid, and words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_origin

import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from model.fields import LOG_RETENTIONS, Form, Section, Unit
from model.reference import kind
from model.settings import SECTIONS, Deployment
from tests.model.parsing import problems

_REQUIRED = {
    "application.image",
    "compute.kubernetes.access[].principal",
    "compute.kubernetes.tasks.app",
    "scaling.database_connections.steps[].add_percent",
    "scaling.response_time.steps[].add_percent",
    "scaling.scheduled[].cron",
    "scaling.scheduled[].name",
    "traffic.api.path",
    "traffic.api.per_minute",
    "traffic.login.path",
    "traffic.login.per_minute",
}


def _fields(key: str, model: type[Section]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every field at any depth with its full key."""
    for name, info in model.model_fields.items():
        place = f"{key}.{name}" if key else name
        yield place, info
        found = kind(info)
        if found.section is not None:
            yield from _fields(f"{place}[]" if found.many else place, found.section)


ALL = dict(pair for key, model in [("", Deployment), *SECTIONS.items()] for pair in _fields(key, model))
NUMBERS = {
    key: info
    for key, info in ALL.items()
    if kind(info).type in (int, float) or (get_origin(kind(info).type) is Literal and kind(info).said(Unit))
}
_GROUPS = (kind(info).section for info in ALL.values())
_MODELS = [Deployment, *SECTIONS.values(), *dict.fromkeys(model for model in _GROUPS if model is not None)]


def _required(info: FieldInfo) -> bool:
    return info.is_required()


def _ids(fields: dict[str, FieldInfo]) -> Any:
    return pytest.mark.parametrize("info", [pytest.param(info, id=key) for key, info in fields.items()])


@pytest.mark.parametrize(
    "key",
    [
        "servers.min",
        "servers.warm_pool.min_size",
        "database.replicas[].weight",
        "database.monitoring_seconds",
        "scaling.response_time.steps[].beyond",
        "scaling.predictive.max_breach_percent",
    ],
)
def test_numbers_are_found_at_every_depth(key: str) -> None:
    assert key in NUMBERS


@_ids(NUMBERS)
def test_a_number_has_a_unit(info: FieldInfo) -> None:
    assert kind(info).said(Unit) is not None


@_ids({key: info for key, info in NUMBERS.items() if kind(info).type in (int, float)})
def test_a_number_has_a_lower_and_an_upper_bound(info: FieldInfo) -> None:
    found = kind(info)
    assert found.said(Ge) or found.said(Gt)
    assert found.said(Le) or found.said(Lt)


@_ids(ALL)
def test_a_field_is_described_in_a_sentence(info: FieldInfo) -> None:
    assert info.description
    assert info.description.strip().endswith(".")


@pytest.mark.parametrize("model", _MODELS)
def test_a_group_is_described(model: type[Section]) -> None:
    assert model.__doc__


def test_few_settings_are_required() -> None:
    assert {key for key, info in ALL.items() if info.is_required()} == _REQUIRED


@pytest.mark.parametrize("model", [model for model in _MODELS if not any(map(_required, model.model_fields.values()))])
def test_the_defaults_of_a_group_are_valid_together(model: type[Section]) -> None:
    assert list(model().problems()) == []


def test_text_has_a_form_that_the_reference_says() -> None:
    texts = {key for key, info in ALL.items() if kind(info).type is str and kind(info).said(Form) is None}
    assert texts == {"cache.engine_version", "scaling.scheduled[].cron"}


@pytest.mark.parametrize("days", LOG_RETENTIONS)
def test_retentions_that_cloudwatch_logs_knows(days: int) -> None:
    assert problems(servers={"log_retention_days": days}) == []


@pytest.mark.parametrize(("days", "nearest"), [(2, 1), (8, 7), (100, 90), (3652, 3653)])
def test_another_retention_is_answered_with_the_nearest(days: int, nearest: int) -> None:
    assert problems(servers={"log_retention_days": days}) == [
        "servers.log_retention_days: must be a number of days that CloudWatch Logs knows "
        f"(the nearest is {nearest}), is {days}"
    ]
