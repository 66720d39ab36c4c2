"""Does the program build in an update what a preview showed?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pulumi.runtime import rpc

from scale.plan.findings import Finding
from scale.plan.recording import MisuseKind, Recording, Resource
from scale.plan.values import UNKNOWN, Asset, Reference, Secret, Value, leaves, plain

# What the SDK returns for str(output), up to the address of its documentation (pulumi/output.py, Output.__str__).
_PRINTED_OUTPUT = "Calling __str__ on an Output"

_MISUSES: dict[MisuseKind, str] = {
    "condition": "takes an output as a condition: it is always true, whatever its value; decide inside apply, "
    "or on a setting",
    "comparison": "compares an output: it never equals a value; compare inside apply",
    "text": "prints an output: its value is not there yet; use Output.concat or apply",
}


def check_passes(preview: Recording, update: Recording) -> Iterator[Finding]:
    """Yield differences between the passes, decisions on what is unknown in one of them, and URNs met twice."""
    yield from _only_in_one(preview, update)
    for urn, before in preview.resources.items():
        after = update.resources.get(urn)
        if after is not None:
            yield from _differences(before, after)
    yield from _output_differences(preview, update)
    for misuse in (*preview.misuses, *update.misuses):
        yield Finding("error", "unknown-decision", "", f"{misuse.place} {_MISUSES[misuse.kind]}")
    yield from _printed(update)
    for urn in update.transformed:
        text = "has transforms, which only the engine runs: the plan shows its properties before them"
        yield Finding("warning", "transforms", urn, text)
    for resource in update.collisions:
        yield Finding("error", "urn-collision", resource.urn, "is registered twice; one of the two needs another name")


def _only_in_one(preview: Recording, update: Recording) -> Iterator[Finding]:
    for here, other, text in (
        (preview, update, "is in a preview and not in an update"),
        (update, preview, "is in an update and not in a preview; a resource must not be made inside apply"),
    ):
        for urn in here.resources:
            if urn not in other.resources:
                yield Finding("error", "passes-differ", urn, text)


def _differences(before: Resource, after: Resource) -> Iterator[Finding]:
    for path, first, second in _unlike(before.properties, after.properties, ""):
        yield Finding(
            "error",
            "passes-differ",
            after.urn,
            f"{path} is {_show(first)} in a preview and {_show(second)} in an update",
        )
    for option in ("parent", "protect", "ignore_changes", "import_id"):
        if getattr(before, option) != getattr(after, option):
            yield Finding("error", "passes-differ", after.urn, f"the option {option} differs in a preview")


def _output_differences(preview: Recording, update: Recording) -> Iterator[Finding]:
    for path, first, second in _unlike(preview.outputs, update.outputs, ""):
        message = f"the output {path} is {_show(first)} in a preview and {_show(second)} in an update"
        yield Finding("error", "passes-differ", "", message)


def _unlike(
    before: Value | Mapping[str, Value], after: Value | Mapping[str, Value], path: str
) -> Iterator[tuple[str, Value, Value]]:
    """Yield the path and both values wherever a value that a preview knows is another one in the update."""
    match before, after:
        case _ if before is UNKNOWN or (isinstance(before, str) and rpc.UNKNOWN in before):
            return
        case Secret(first), Secret(second):
            yield from _unlike(first, second, path)
        case Secret(first), _:
            # The engine's own rule: a value that is unknown in a preview may turn out to be secret, not the reverse.
            if first is not UNKNOWN:
                yield path, before, after  # pyright: ignore[reportReturnType]
        case _, Secret(second) if not isinstance(before, dict | list):
            yield from _unlike(before, second, path)
        case Mapping(), Mapping():
            for key in sorted({*before, *after}):
                yield from _unlike(before.get(key), after.get(key), f"{path}.{key}" if path else key)
        case list(), list() if len(before) == len(after):
            for place, (first, second) in enumerate(zip(before, after, strict=True)):
                yield from _unlike(first, second, f"{path}[{place}]")
        case Reference(urn, _), Reference(other, _) if urn == other:
            return
        case Asset(kind, content), Asset(other, contents) if kind == other:
            yield from _unlike(content, contents, path)
        case _:
            if before != after:
                yield path, before, after  # pyright: ignore[reportReturnType]


def _show(value: Value) -> str:
    if value is None:
        return "absent"
    text = str(plain(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _printed(update: Recording) -> Iterator[Finding]:
    for resource in update.resources.values():
        if _PRINTED_OUTPUT in resource.name:
            yield Finding("error", "unknown-decision", resource.urn, "is named by an output that was printed")
        for path, value, _ in leaves(dict(resource.properties)):
            if isinstance(value, str) and _PRINTED_OUTPUT in value:
                yield Finding("error", "unknown-decision", resource.urn, f"{path} holds an output that was printed")
    for path, value, _ in leaves(dict(update.outputs)):
        if isinstance(value, str) and _PRINTED_OUTPUT in value:
            yield Finding("error", "unknown-decision", "", f"the output {path} holds an output that was printed")
