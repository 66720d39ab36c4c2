"""The shape of the project: who may import whom, what is loaded when, and that no test is left out."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from model.settings import Settings

ROOT = Path(__file__).parents[1]
HIDDEN = {"__pycache__", "build", "dist", "node_modules"}


def _files(pattern: str) -> list[Path]:
    """Return the project's own files, relative to its root, of a pattern: nothing hidden, nothing built."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob(pattern) if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") or part in HIDDEN for part in path.parts[:-1]))


SOURCES = _files("*.py")
TESTS = [path for path in SOURCES if path.parts[0] == "tests"]


def _tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


# --- imports

PACKAGES = {"model", "components", "render", "policies", "scale"}
RUNTIME = {path.parts[1] for path in SOURCES if path.match("runtime/*/__init__.py") and len(path.parts) == 3}
MAY_IMPORT = {
    "__main__.py": {"components", "model"},
    "model": {"model"},
    "render": {"render", "model"},
    "components": {"components", "render", "model"},
    "policies": {"policies", "model"},
    "scale": PACKAGES | RUNTIME,
}


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the top of every absolute import, wherever in the file it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("owner", MAY_IMPORT)
def test_imports_go_one_way(owner: str) -> None:
    wrong = {
        f"{path} imports {name}"
        for path in SOURCES
        if path.parts[0] == owner
        for name in _imported(_tree(path))
        if name in (PACKAGES | RUNTIME) - MAY_IMPORT[owner]
    }
    assert not wrong


def test_the_runtime_stands_alone() -> None:
    alone = [path for path in SOURCES if path.parts[0] in ("runtime", "example")]
    assert not {f"{path} imports {name}" for path in alone for name in _imported(_tree(path)) if name in PACKAGES}


@pytest.mark.parametrize("package", ["model", "render"])
def test_model_and_render_know_nothing_of_pulumi(package: str) -> None:
    paths = [path for path in SOURCES if path.parts[0] == package]
    assert not {f"{path} imports {name}" for path in paths for name in _imported(_tree(path)) if "pulumi" in name}


_LOADED_SERVICES = """
import importlib, pkgutil, sys
import components
for module in pkgutil.walk_packages(components.__path__, "components."):
    importlib.import_module(module.name)
# The SDK registers its services lazily: one that was executed has lost its lazy type.
for name, module in list(sys.modules.items()):
    parts = name.split(".")
    if parts[0] in ("pulumi_aws", "pulumi_kubernetes") and len(parts) == 2 and type(module).__name__ != "_LazyModule":
        if hasattr(module, "__path__"):
            print(name)
"""


def test_importing_the_components_executes_no_service_of_the_sdk() -> None:
    command = [sys.executable, "-c", _LOADED_SERVICES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# --- files

LONGEST, LONGEST_TEST = 300, 500
LONGER = {
    Path("scale/plan/answers.py"),  # a table of what AWS would answer
    Path("scale/plan/architecture.py"),  # one drawing
}


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path)) for path in SOURCES if path not in LONGER])
def test_a_file_fits_in_the_head(path: Path) -> None:
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    assert lines <= (LONGEST_TEST if path.parts[0] == "tests" else LONGEST)


_MACHINE = re.compile(r"(?<![\w.])/(?:home|Users)/[A-Za-z0-9_-]+|[A-Z]:\\\\Users")
_TEXT = ("*.py", "*.md", "*.toml", "*.y*ml", "*.j2", "*.sh", "*.html", "*.json", "Makefile", "tools/*")


@pytest.mark.parametrize("pattern", _TEXT)
def test_no_file_names_a_path_of_the_machine_it_was_written_on(pattern: str) -> None:
    here = str(ROOT) if len(ROOT.parts) > 2 else None
    wrong: list[str] = []
    for path in _files(pattern):
        text = (ROOT / path).read_text(encoding="utf-8")
        if _MACHINE.search(text) or (here and here in text):
            wrong.append(str(path))
    assert not wrong


# --- stacks

STACKS = _files("Pulumi.*.yaml")


def test_there_are_three_stacks() -> None:
    assert {"Pulumi.dev.yaml", "Pulumi.staging.yaml", "Pulumi.prod.yaml"} <= {str(path) for path in STACKS}


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path)) for path in STACKS if len(path.parts) == 1])
def test_a_stack_s_file_is_valid(path: Path) -> None:
    raw: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["config"]
    config = {key.partition(":")[2]: value for key, value in raw.items() if key.startswith("django-scale:")}
    stack = path.name.removeprefix("Pulumi.").removesuffix(".yaml")
    settings = Settings.parse(config, stack=stack, region=cast("str", raw["aws:region"]), secret=[])
    assert settings.stack == stack


# --- tests


def _testpaths() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project["tool"]["pytest"]["ini_options"]["testpaths"]


def _is_test_file(path: Path) -> bool:
    return path.name.startswith("test_") or path.stem.endswith("_test")


def _tests(body: list[ast.stmt]) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Return the definitions that pytest would take for tests, were their file collected."""
    return [
        node
        for node in body
        if (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"))
        or (isinstance(node, ast.ClassDef) and node.name.startswith("Test"))
    ]


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """Yield what pytest collects from: the module, and its test classes."""
    yield tree.body
    for node in _tests(tree.body):
        if isinstance(node, ast.ClassDef):
            yield node.body


def test_test_files_stand_where_pytest_looks() -> None:
    outside = [str(path) for path in SOURCES if _is_test_file(path) and path.parts[0] not in _testpaths()]
    assert not outside


def test_tests_stand_in_files_that_pytest_collects() -> None:
    helpers = [path for path in TESTS if not _is_test_file(path)]
    assert not {f"{path}: {node.name}" for path in helpers for node in _tests(_tree(path).body)}


def test_every_test_file_has_a_test() -> None:
    empty = [path for path in TESTS if _is_test_file(path) and not _tests(_tree(path).body)]
    assert not empty


def test_no_test_shadows_another() -> None:
    shadowed: list[str] = []
    for path in TESTS:
        for body in _bodies(_tree(path)):
            names = Counter(node.name for node in _tests(body))
            shadowed += [f"{path}: {name}" for name, count in names.items() if count > 1]
    assert not shadowed


def test_no_test_hides_inside_a_function_or_waits_for_a_plugin() -> None:
    hidden: list[str] = []
    for path in filter(_is_test_file, TESTS):
        tree = _tree(path)
        collected = {id(node) for body in _bodies(tree) for node in _tests(body)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and id(node) not in collected:
                hidden.append(f"{path}: {node.name}")
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_"):
                hidden.append(f"{path}: {node.name}")
    assert not hidden


def test_no_test_class_has_a_constructor_which_keeps_pytest_from_collecting_it() -> None:
    classes = [(path, node) for path in TESTS for node in _tests(_tree(path).body) if isinstance(node, ast.ClassDef)]
    constructed = [
        f"{path}: {node.name}"
        for path, node in classes
        if any(isinstance(entry, ast.FunctionDef) and entry.name == "__init__" for entry in node.body)
    ]
    assert not constructed


def test_test_files_outside_packages_have_names_of_their_own() -> None:
    plain = [path for path in TESTS if _is_test_file(path) and not (ROOT / path).with_name("__init__.py").exists()]
    names = Counter(path.name for path in plain)
    assert not [str(path) for path in plain if names[path.name] > 1]
