"""A plan as one page that needs nothing else: the architecture drawn, the findings, the capacity, every resource."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from scale.cost.estimate import sentence
from scale.plan import words
from scale.plan.architecture import Architecture, architecture
from scale.plan.drawing import draw
from scale.plan.findings import SEVERITIES
from scale.plan.values import plain

if TYPE_CHECKING:
    from scale.plan.plan import Plan
    from scale.plan.recording import Recording, Resource


@dataclass(frozen=True)
class _Row:
    noun: str
    name: str
    protected: bool
    properties: str


@dataclass(frozen=True)
class _Section:
    title: str
    name: str
    contents: str
    rows: list[_Row]
    sections: list[_Section]


@cache
def _template() -> jinja2.Template:
    folder = Path(__file__).parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("plan.html.jinja")


def render(plan: Plan) -> str:
    """Return the page. Secrets are shown as `[secret]`."""
    region = plan.passes.file.configuration("update").region
    built = architecture(plan.update, region)
    prefix = words.prefix(plan.update)
    title = f"{prefix or plan.stack} in {region}"
    resources = plan.update.all()
    return _template().render(
        title=title,
        project=plan.passes.file.project,
        stack=plan.stack,
        counts=f"{words.number(len(resources), 'resource')} in "
        f"{words.number(sum(resource.is_component for resource in resources), 'component')}",
        # The drawing escapes every text that it is given.
        picture=Markup(draw(built, f"The architecture of {title}")),  # noqa: S704
        story=_story(built),
        findings=[(finding, _owner(finding.resource)) for finding in plan.findings],
        verdict=_verdict(plan),
        capacity=plan.capacity,
        cost=sentence(plan.cost, plan.stack),
        outputs=[(name, _text(plain(value))) for name, value in plan.update.outputs.items()],
        sections=_sections(plan.update, plan.update.stack_urn, prefix),
        others=[_row(each) for each in plan.update.children(plan.update.stack_urn) if not each.is_component],
    )


def _verdict(plan: Plan) -> list[tuple[str, str]]:
    counted = [(severity, sum(finding.severity == severity for finding in plan.findings)) for severity in SEVERITIES]
    found = [
        (severity, words.number(count, {"info": "note"}.get(severity, severity)))
        for severity, count in counted
        if count
    ]
    return found or [("clean", "nothing found wrong")]


def _owner(urn: str) -> str:
    return words.label(urn.split("::")[2].rpartition("$")[2], urn.rpartition("::")[2]) if urn else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True)


def _sections(update: Recording, parent: str, prefix: str) -> list[_Section]:
    return [
        _Section(
            words.title(component, prefix),
            component.name,
            ", ".join(words.contents(update.descendants(component))),
            [_row(each) for each in _sorted(update.children(component)) if not each.is_component],
            _sections(update, component.urn, prefix),
        )
        for component in update.children(parent)
        if component.is_component
    ]


def _sorted(resources: list[Resource]) -> list[Resource]:
    return sorted(resources, key=lambda resource: (words.noun(resource.type), resource.name))


def _row(resource: Resource) -> _Row:
    properties = json.dumps(plain(dict(resource.properties)), indent=2)
    return _Row(words.noun(resource.type), resource.name, bool(resource.protect), properties)


def _story(built: Architecture) -> list[str]:
    """Return who talks to whom, in sentences."""
    titles = {node.key: node.title for node in built.nodes} | {"internet": "Visitors", "outside": "the internet"}
    targets: dict[str, list[str]] = {}
    for edge in built.edges:
        if edge.source in titles and edge.target in titles:
            place = titles[edge.target]
            targets.setdefault(titles[edge.source], []).append(f"{place} ({edge.label})" if edge.label else place)
    return [f"{source} → {', '.join(dict.fromkeys(names))}" for source, names in targets.items()]
