"""A plan on a terminal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from scale.cost.estimate import sentence
from scale.plan import words
from scale.plan.differences import Group as Differences
from scale.plan.differences import differences
from scale.plan.findings import SEVERITIES, Finding, Severity
from scale.plan.values import UNKNOWN, Value, plain, reveal

if TYPE_CHECKING:
    from model.capacity import Capacity
    from scale.plan.plan import Plan
    from scale.plan.recording import Recording, Resource

WIDTH, FULL_WIDTH = 80, 160
"""Columns of a report that is not written to a terminal: the short one and the full one."""

_STYLES: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def write(plan: Plan, stream: TextIO | None = None, *, full: bool = False) -> None:
    """Write the report of a plan; with `full` every resource and every output."""
    sections = [
        _head(plan),
        _full_tree(plan) if full else _tree(plan),
        *_spaced(_outputs(plan, full=full), _capacity(plan.capacity), _cost(plan), _messages(plan, full=full)),
        Text(),
        *_findings(plan),
    ]
    _write(sections, stream or sys.stdout, full=full)


def write_differences(plan: Plan, other: Plan, stream: TextIO | None = None) -> None:
    """Write what differs between two stacks."""
    groups = differences(plan, other)
    here = sum(len(group.only_here) for group in groups.values())
    there = sum(len(group.only_there) for group in groups.values())
    unlike = words.number(sum(len(group.properties) for group in groups.values()), "property")
    counts = f"{here} resources only in {plan.stack}, {there} only in {other.stack}, {unlike} differ"
    sections: list[RenderableType] = [Text.assemble((f"{plan.stack} against {other.stack}", "bold"), f": {counts}")]
    for component, group in groups.items():
        sections += [Text(), Text(component, "bold"), *_group(group, plan.stack, other.stack)]
    _write(sections, stream or sys.stdout, full=True)


def _group(group: Differences, here: str, there: str) -> Iterator[RenderableType]:
    for stack, names in ((here, group.only_here), (there, group.only_there)):
        if names:
            yield Text(f"  only in {stack}: {', '.join(names)}")
    for each in group.properties:
        yield Text(f"  {each.resource} {each.path}: {_brief(each.here)} | {_brief(each.there)}")


def _brief(value: Value) -> str:
    if value is None:
        return "absent"
    if isinstance(value, list) and all(item is UNKNOWN for item in value):
        return words.number(len(value), "value")
    return value if isinstance(value, str) else json.dumps(plain(value), sort_keys=True)


def _spaced(*sections: RenderableType | None) -> Iterator[RenderableType]:
    for section in sections:
        if section is not None:
            yield Text()
            yield section


def _write(sections: Iterable[RenderableType], stream: TextIO, *, full: bool) -> None:
    """Write to a terminal as it is; elsewhere without colour, at a fixed width and with no blanks at line ends."""
    if stream.isatty():
        Console(file=stream, highlight=False, emoji=False, markup=False).print(*sections, sep="\n")
        return
    text = io.StringIO()
    width = FULL_WIDTH if full else WIDTH
    target = Console(
        file=text, width=width, force_terminal=False, color_system=None, highlight=False, emoji=False, markup=False
    )
    target.print(*sections, sep="\n")
    stream.writelines(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _head(plan: Plan) -> Text:
    resources = plan.update.all()
    components = sum(resource.is_component for resource in resources)
    counts = f"{words.number(len(resources), 'resource')} in {words.number(components, 'component')}"
    region = plan.passes.file.configuration("update").region
    return Text.assemble((f"{plan.passes.file.project} {plan.stack}", "bold"), f" in {region}: {counts}")


def _line(*parts: str | tuple[str, str]) -> Text:
    text = Text.assemble(*parts)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _tree(plan: Plan) -> Tree:
    update, prefix = plan.update, words.prefix(plan.update)
    root = Tree(_line((prefix or plan.stack, "bold")), guide_style="dim")
    for resource in update.children(update.stack_urn):
        if resource.is_component:
            below = update.descendants(resource)
            count = sum(not each.is_component for each in below)
            label = f"{words.title(resource, prefix):<22} {count:>3}  "
            root.add(_line(label, (", ".join(words.contents(below)), "dim")))
        else:
            root.add(_line(words.label(resource.type, resource.name)))
    return root


def _full_tree(plan: Plan) -> Tree:
    prefix = words.prefix(plan.update)
    root = Tree(_line((prefix or plan.stack, "bold")), guide_style="dim")
    _add_children(root, plan.update, plan.update.stack_urn, prefix)
    return root


def _add_children(branch: Tree, update: Recording, parent: str, prefix: str) -> None:
    for resource in sorted(update.children(parent), key=lambda each: (not each.is_component, each.type, each.name)):
        if resource.is_component:
            count = len(update.descendants(resource))
            label = _line((words.title(resource, prefix), "bold"), f"  {count}")
        else:
            label = _line(words.label(resource.type, resource.name), (_remark(resource), "dim"))
        _add_children(branch.add(label), update, resource.urn, prefix)


def _remark(resource: Resource) -> str:
    marks = [mark for mark, holds in (("protected", resource.protect), ("exists", resource.read)) if holds]
    marks += [f"ignores {', '.join(resource.ignore_changes)}"] if resource.ignore_changes else []
    return f"  ({'; '.join(marks)})" if marks else ""


def _outputs(plan: Plan, *, full: bool) -> RenderableType | None:
    outputs = plan.update.outputs
    if not outputs:
        return None
    short = {name: value for name, value in outputs.items() if not isinstance(reveal(value), dict | list)}
    width = max((len(name) for name in short), default=0)
    parts: list[RenderableType] = [Text("Outputs", "bold")]
    parts += [_line(f"  {name:<{width}}  {plain(value)}") for name, value in short.items()]
    groups = [name for name in outputs if name not in short]
    if full:
        parts += [Text(f"  {name}  {json.dumps(plain(outputs[name]), indent=2)}") for name in groups]
    elif groups:
        parts.append(_line(f"  and {', '.join(groups)} (--full)"))
    return Group(*parts)


def _capacity(capacity: Capacity | None) -> RenderableType | None:
    if capacity is None:
        return None
    grid = Table.grid(padding=(0, 2))
    for budget in capacity.connections:
        grid.add_row(
            f"  {budget.instance}",
            budget.instance_class,
            f"{budget.at_maximum} of {budget.limit} connections",
            f"{budget.during_refresh} during a refresh",
            style="" if budget.fits else _STYLES["error"],
        )
    for memory in capacity.memory:
        size = "an unknown size" if memory.memory_mib is None else str(memory.memory_mib)
        grid.add_row(
            "  server",
            memory.instance_type,
            f"{memory.needed_mib} of {size} MiB",
            style="" if memory.fits else _STYLES["error"],
        )
    pods = capacity.pods
    if pods is not None:
        room = "an unknown size" if pods.room is None else f"{pods.room.millicores / 1000:g}"
        grid.add_row(
            "  nodes",
            words.number(pods.nodes, "node"),
            f"{pods.asked.millicores / 1000:g} of {room} processors",
            f"{pods.addresses} of {pods.addresses_there} addresses",
            style="" if pods.fits and pods.schedulable and pods.addressable else _STYLES["error"],
        )
    return Group(Text(f"Capacity with {_largest(capacity)}", "bold"), grid)


def _largest(capacity: Capacity) -> str:
    parts: list[str] = []
    if capacity.servers:
        servers = words.number(capacity.servers, "server")
        parts.append(f"{servers} ({capacity.servers_during_refresh} during a refresh)")
    if capacity.pods is not None:
        parts.append(words.number(capacity.pods.web_pods, "web pod"))
    return f"{' and '.join(parts)}, {words.number(capacity.connections_per_server, 'connection')} each"


def _cost(plan: Plan) -> RenderableType | None:
    text = sentence(plan.cost, plan.stack)
    return Text.assemble(("Cost", "bold"), f"  {text}") if text else None


def _messages(plan: Plan, *, full: bool) -> RenderableType | None:
    wanted = ("warning", "error", "info", "output") if full else ("warning", "error")
    lines = [
        Text(f"  {message.severity}: {message.text}") for message in plan.update.messages if message.severity in wanted
    ]
    return Group(Text("The program says", "bold"), *lines) if lines else None


def _findings(plan: Plan) -> Iterator[RenderableType]:
    if plan.findings:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for finding in plan.findings:
            grid.add_row(Text(finding.severity, _STYLES[finding.severity]), finding.rule, _sentence(finding))
        yield grid
    counts = [
        words.number(sum(finding.severity == severity for finding in plan.findings), word)
        for severity, word in zip(SEVERITIES, ("error", "warning", "note"), strict=True)
    ]
    yield Text(", ".join(counts), "bold red" if plan.failed else "bold green")


def _sentence(finding: Finding) -> str:
    if not finding.resource:
        return finding.message
    name, type_ = finding.resource.rpartition("::")[2], finding.resource.split("::")[2].rpartition("$")[2]
    return f"{words.noun(type_)} {name} {finding.message}"
