"""A stack's configuration as the engine would give it to the program, encrypted values aside."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml
from pulumi.runtime import rpc

from scale.plan.markers import marker
from scale.plan.recording import Mode

if TYPE_CHECKING:
    from model.settings import Settings


class ProgramError(Exception):
    """The settings or the program are wrong; the text is for the user, without a traceback."""


@dataclass(frozen=True)
class Configuration:
    """Configuration by its full keys (`aws:region`), values as the engine's text, objects as JSON."""

    values: Mapping[str, str]
    secret_keys: tuple[str, ...]
    markers: Mapping[str, str]
    """The plaintexts that stand for encrypted values, with where each comes from."""

    @property
    def region(self) -> str:
        """The region that AWS's provider takes from it; us-east-1, as AWS's own clients, where it names none."""
        return self.values.get("aws:region", "us-east-1")


@dataclass(frozen=True)
class StackFile:
    """A project's stack, read from `Pulumi.yaml` and `Pulumi.<stack>.yaml`."""

    directory: Path
    project: str
    stack: str
    program: Path
    raw: Mapping[str, object]
    path: Path
    """The stack's own file."""

    def configuration(self, mode: Mode) -> Configuration:
        """Return what the program is given; encrypted values are unknown in a preview, markers in an update."""
        markers: dict[str, str] = {}
        secret_keys: list[str] = []
        values: dict[str, str] = {}
        for key, value in self.raw.items():
            found: dict[str, str] = {}

            def conceal(path: str, found: dict[str, str] = found) -> str:
                origin = f"the configuration's {path}"
                found[marker(origin)] = origin
                return rpc.UNKNOWN if mode == "preview" else marker(origin)

            opened = _open(value, key.removeprefix(f"{self.project}:"), conceal)
            values[key] = opened if isinstance(opened, str) else json.dumps(opened)
            if found:
                secret_keys.append(key)
                markers |= found
        return Configuration(values, tuple(secret_keys), {} if mode == "preview" else markers)


def read(directory: Path, stack: str) -> StackFile:
    """Read a stack of the project in `directory`. Raises ProgramError where there is none, or no such stack."""
    project, _ = _project(directory)
    stack_file = _path(directory, project, stack)
    if not stack_file.is_file():
        found = stack_file.parent.glob("Pulumi.*.yaml")
        stacks = sorted(path.name.split(".", 1)[1].removesuffix(".yaml") for path in found)
        known = f"the stacks are {', '.join(stacks)}" if stacks else "there is no stack yet"
        raise ProgramError(f"{stack_file.name} does not exist; {known}")
    return _with(directory, stack, _group(_load(stack_file).get("config"), f"{stack_file.name}: config"))


def supposed(directory: Path, stack: str, config: Mapping[str, object]) -> StackFile:
    """Return a stack of the project in `directory` whose file would have this `config`. Raises ProgramError."""
    return _with(directory, stack, config)


def project_name(directory: Path) -> str:
    """Return the name of the project in `directory`. Raises ProgramError where there is none."""
    return _project(directory)[1]


def _with(directory: Path, stack: str, config: Mapping[str, object]) -> StackFile:
    project, name = _project(directory)
    raw = {**_defaults(project), **config}
    full = {key if ":" in key else f"{name}:{key}": value for key, value in raw.items()}
    return StackFile(directory, name, stack, _program(directory, project), full, _path(directory, project, stack))


def _path(directory: Path, project: Mapping[str, object], stack: str) -> Path:
    return directory / str(project.get("stackConfigDir") or ".") / f"Pulumi.{stack}.yaml"


def _project(directory: Path) -> tuple[dict[str, object], str]:
    """Return what the project's file says, and the project's name."""
    project_file = directory / "Pulumi.yaml"
    if not project_file.is_file():
        raise ProgramError(f"{project_file} does not exist: this is not a Pulumi project")
    project = _load(project_file)
    name = project.get("name")
    if not isinstance(name, str):
        raise ProgramError(f"{project_file} has no name")
    return project, name


def _program(directory: Path, project: Mapping[str, object]) -> Path:
    main = directory / str(project.get("main") or ".")
    program = main / "__main__.py" if main.is_dir() else main
    if not program.is_file():
        raise ProgramError(f"{program} does not exist")
    # Modules remember where they were loaded from, which `main: ../..` may say by way of a directory that goes.
    return program.resolve()


def _defaults(project: Mapping[str, object]) -> dict[str, object]:
    """Return the values and defaults in the project's own `config`, whose entries are values or schemas."""
    declared = project.get("config")
    if not isinstance(declared, dict):
        return {}
    values: dict[str, object] = {}
    for key, entry in cast("dict[str, object]", declared).items():
        schema = cast("dict[str, object]", entry) if isinstance(entry, dict) else {"value": entry}
        if "value" in schema or "default" in schema:
            values[key] = schema.get("value", schema.get("default"))
    return values


def _open(value: object, path: str, conceal: Callable[[str], str]) -> object:
    """Return `value` with each `secure: ciphertext` in it replaced by what `conceal` returns for its path."""
    if isinstance(value, dict):
        group = cast("dict[object, object]", value)
        if list(group) == ["secure"] and isinstance(group["secure"], str):
            return conceal(path)
        return {str(key): _open(inner, f"{path}.{key}", conceal) for key, inner in group.items()}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_open(item, f"{path}[{place}]", conceal) for place, item in enumerate(items)]
    return value


_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.CSafeLoader):
    """YAML as Pulumi's CLI reads it (go-yaml 3), unlike PyYAML: `on` and `12:30` are text, and no key comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a group. Raises ConstructorError where a key stands in it twice: the first would be lost unseen."""
        found: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if key.value in found:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value} is there twice", key.start_mark)
                found.add(str(key.value))
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first)
    )


def _load(path: Path) -> dict[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProgramError(f"{path.name} is not text in UTF-8: {error.reason} at byte {error.start}") from error
    try:
        loaded: Any = yaml.load(text, Loader=_Loader)  # noqa: S506 # a safe loader
    except yaml.MarkedYAMLError as error:
        raise ProgramError(f"{path.name} is not YAML: {_said(error, text)}") from error
    except yaml.YAMLError as error:
        raise ProgramError(f"{path.name} is not YAML: {error}") from error
    return _group(loaded, path.name)


def _said(error: yaml.MarkedYAMLError, text: str) -> str:
    """Return where a text is wrong and how, on one line."""
    mark = error.problem_mark
    if mark is None:
        return f"{error.problem}"
    # The end of the text may be a line of its own.
    tab = [*text.split("\n"), ""][mark.line][mark.column : mark.column + 1] == "\t"
    return f"line {mark.line + 1}: {'a tab, where YAML takes spaces' if tab else error.problem}"


def _group(value: object, place: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProgramError(f"{place} must be a group of keys")
    return {str(key): inner for key, inner in cast("dict[object, object]", value).items()}


def settings(file: StackFile) -> Settings:
    """Return a stack's settings, encrypted values as markers. Raises model.errors.SettingsError for wrong ones."""
    # Not before they are needed: pydantic builds its validators on import.
    from model.configuration import project_values
    from model.settings import Settings

    given = file.configuration("update")
    secret = [key.removeprefix(f"{file.project}:") for key in given.secret_keys]
    config = project_values(given.values, file.project)
    return Settings.parse(config, stack=file.stack, region=given.values.get("aws:region"), secret=secret)
