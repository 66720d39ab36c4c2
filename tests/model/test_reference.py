"""The settings' reference, written from the model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from model.reference import document
from model.settings import SECTIONS, Deployment

_FILE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_reference_is_the_model_s() -> None:
    assert _FILE.read_text(encoding="utf-8") == document(), (
        "the model has changed: python -m model.reference > docs/settings.md"
    )


@pytest.mark.parametrize("key", [*SECTIONS, "secrets"])
def test_every_section_has_its_heading(key: str) -> None:
    assert f"\n## {key}\n" in document()


@pytest.mark.parametrize(
    "row",
    [
        "| `image` | an image with a tag other than latest, or with a digest | **required** |",
        "| `workers` | count, 1 to 64 | `4` | gunicorn worker processes on a server",
        "| `domain` | a host name in lower case such as shop.example.com, or `null` | `null` |",
        "| `cpu_percent` | percent, 10 to 90, or `null` | `70` |",
        "| `above_seconds` | seconds (fractions too), above 0, at most 600 | `2.0` |",
        "| `period_seconds` | seconds, 60 to 3600, a multiple of 60 | `60` |",
        '| `nat` | `per-zone`, `single` or `none` | `"per-zone"` |',
        "| `monitoring_seconds` | seconds: `0`, `1`, `5`, `10`, `15`, `30` or `60` | `60` |",
        "| `multi_az` | `true` or `false` | `true` |",
        "| `replicas` | [groups](#databasereplicas), at most 15 entries | `[]` |",
        "| `refresh` | [a group](#serversrefresh) | as below |",
        '| `api` | [a group](#trafficapi), or `null` | `{"path": "/api/", "per_minute": 100}` |',
        "| `other_instance_types` | list; each a type such as m7g.large, at most 39 entries | `[]` |",
    ],
)
def test_a_row_says_value_unit_bounds_and_default(row: str) -> None:
    assert f"\n{row}" in document()


def test_every_link_leads_to_a_heading() -> None:
    text = document()
    anchors = {re.sub(r"[^a-z0-9_-]", "", heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    links = set(re.findall(r"\(#(.*?)\)", text))
    assert links
    assert links <= anchors


def test_every_row_has_four_cells() -> None:
    rows = [line for line in document().splitlines() if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_the_settings_of_the_stack_itself_come_first() -> None:
    text = document()
    assert all(text.index(f"| `{name}` |") < text.index("\n## application\n") for name in Deployment.model_fields)
