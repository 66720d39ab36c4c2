"""What the pages say is what happens: every command in them is run, every setting they name exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

from model.settings import SECTIONS, Deployment

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

# Commands that no test can run, and why.
NOT_RUN = {
    "make test": "it is what runs this test",
    "make check": "it is the other half of what runs before anything lands",
    "make soak": "it takes longer than the whole suite may",
}
ELSEWHERE = ("pulumi", "source")
"""Programs of `sh` blocks: the Pulumi CLI and an account are not at hand in a test, so nothing claims their output."""


@dataclass(frozen=True)
class Command:
    """A command of a `console` block and the lines that follow it; `...` stands for any number of lines."""

    page: str
    text: str
    output: tuple[str, ...]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> Iterator[Command]:
    for page in PAGES:
        for block in blocks(page, "console"):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                first, *rest = part.rstrip("\n").split("\n")
                yield Command(page.relative_to(ROOT).as_posix(), first, tuple(line.rstrip() for line in rest))


COMMANDS = list(commands())
RUN = [command for command in COMMANDS if command.text not in NOT_RUN]


@pytest.mark.parametrize("command", RUN, ids=lambda command: f"{command.page}: {command.text}")
def test_a_command_prints_what_its_page_shows(command: Command, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    for variable in ("MAKEFLAGS", "MAKELEVEL", "COLUMNS", "FORCE_COLOR"):
        environment.pop(variable, None)
    done = subprocess.run(
        ["bash", "-c", command.text],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    printed = [line.rstrip() for line in (done.stdout + done.stderr).rstrip("\n").split("\n")]
    assert done.returncode in (0, 1, 2), done.stderr
    assert matches(printed, command.output), "\n".join(printed)


def matches(printed: list[str], shown: tuple[str, ...]) -> bool:
    """Return whether the printed lines are the shown ones, `...` being any number of lines."""
    pattern = "\n".join("(?s:.*)" if line == "..." else re.escape(line) for line in shown)
    return re.fullmatch(pattern, "\n".join(printed)) is not None


def test_an_elided_line_stands_for_any_number_of_lines_and_nothing_else() -> None:
    assert matches(["a", "b", "c", "d"], ("a", "...", "d"))
    assert not matches(["a", "b"], ("a",))
    assert not matches(["a", "b", "x"], ("a", "...", "d"))


def test_the_readme_begins_with_the_plan_and_the_tests() -> None:
    first = [command.text for command in COMMANDS if command.page == "README.md"][:2]
    assert first == ["make plan STACK=prod", "make test"]


def test_commands_that_no_test_runs_are_these_and_no_others() -> None:
    used = {command.text for command in COMMANDS if command.text in NOT_RUN}
    programs = {
        shlex.split(line, comments=True)[0]
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.splitlines()
        if line.strip() and not line.startswith("#")
    }
    assert used <= set(NOT_RUN)
    assert programs <= set(ELSEWHERE)


SCRIPTS = [
    (page, command)
    for page in PAGES
    for block in blocks(page, "bash")
    for command in re.findall(r"^python manage\.py (\w+)", block, re.MULTILINE)
]


@pytest.mark.parametrize(("page", "command"), SCRIPTS, ids=lambda value: getattr(value, "name", value))
def test_what_a_script_asks_of_django_is_there(page: Path, command: str) -> None:
    done = subprocess.run(
        [ROOT / ".venv/bin/python", "example/manage.py", "help", command], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{page.name}: {done.stderr}"


def named_settings() -> list[tuple[str, str]]:
    """Return the settings that pages name in code, as `database.replicas` or `django-scale:account`, with the page."""
    found: list[tuple[str, str]] = []
    for page in PAGES:
        if page.name == "settings.md":
            continue
        text = page.read_text(encoding="utf-8")
        sections = "|".join(SECTIONS)
        for match in re.finditer(rf"[`':]((?:{sections})\.[a-z_0-9.]+)", text):
            found.append((page.name, match[1].rstrip(".")))
        found += [(page.name, match[1]) for match in re.finditer(r"django-scale:([a-z_]+)(?![a-z_.]*\.)", text)]
    return sorted(set(found))


@pytest.mark.parametrize(("page", "key"), named_settings())
def test_a_setting_that_a_page_names_exists(page: str, key: str) -> None:
    head, *rest = key.split(".")
    if head in {"secrets", *Deployment.model_fields}:
        return
    model: type[BaseModel] = SECTIONS[head]
    for part in rest:
        assert part in model.model_fields, f"{page} names {key}"
        nested = [kind for kind in _models(model.model_fields[part].annotation) if issubclass(kind, BaseModel)]
        if nested:
            model = nested[0]


def _models(annotation: object) -> Iterator[type]:
    """Return the classes that an annotation is made of."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_example_of_a_users_own_tests_passes(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "docs/testing.md", "python")
    example = tmp_path / "test_example.py"
    example.write_text(block, encoding="utf-8")
    done = subprocess.run(
        [
            ROOT / ".venv/bin/pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--rootdir={ROOT}",
            "-c",
            ROOT / "pyproject.toml",
            example,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{block.count('def test_')} passed" in done.stdout
