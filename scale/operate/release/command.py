"""`scale release`: what it changes, what it waits for, and its exit status."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import typer
from pydantic import ValidationError

from model.application import Application
from scale.operate.account import Account, Stack, open_account, read_stack
from scale.operate.find import Finder, read_outputs
from scale.operate.release import digest, refresh
from scale.operate.release.edit import Edit, edit_image
from scale.operate.release.reference import ImageError, parse
from scale.operate.release.refresh import Progress
from scale.operate.release.waiting import Pace, Watch, wait

DONE, FAILED, WRONG, RUNNING = 0, 1, 2, 3
"""The exit status: written or out; failed, cancelled or rolled back; cannot be done or looked at; not over in time."""


@dataclass(frozen=True)
class Request:
    """What the user asked for. Without `image` nothing is written: a release that is under way is looked at."""

    stack: str
    directory: Path
    image: str | None = None
    digest: str | None = None
    outputs: Path | None = None
    wait: bool = False
    up: bool = False
    show: bool = False
    as_json: bool = False
    pace: Pace = field(default_factory=Pace)


def run(request: Request) -> int:
    """Do what was asked for and return the exit status. Raises what `asking.refusing` turns into a line."""
    stack = read_stack(request.directory, request.stack)
    if request.show:
        return _show(stack, request)
    if request.image is None and not (request.wait or request.up):
        raise ImageError("name the image, or ask for --status or --wait")
    pulumi = _pulumi() if request.up else None
    waits = request.wait or request.up
    finder = _finder(stack, request) if waits else None
    before = _before(finder, begun=request.image is None and not request.up) if finder else None
    image = stack.settings.application.image
    if request.image is not None:
        edit = _edit(stack, request, finder.account if finder else None)
        image = edit.new
        _write(edit, stack, finder, _Out(request.as_json))
    if pulumi is not None:
        code = _run_up(pulumi, stack)
        if code != 0:
            typer.echo(f"pulumi up ended with {code}: nothing is waited for", err=True)
            return FAILED
    if finder is None:
        _Out(request.as_json).say(f"Now: pulumi up -s {stack.name}; then: scale release {stack.name} --wait")
        return DONE
    return _wait(Watch(finder, image, before), request)


def _finder(stack: Stack, request: Request) -> Finder:
    return Finder(open_account(stack), stack.settings, read_outputs(stack, request.outputs))


def _before(finder: Finder, *, begun: bool) -> str | None:
    """Return the newest refresh before the release; none where the release that has begun is itself waited for."""
    if begun or not finder.settings.compute.servers:
        return None
    found = refresh.newest(finder)
    return str(found["InstanceRefreshId"]) if found else None


def _edit(stack: Stack, request: Request, account: Account | None) -> Edit:
    reference = parse(str(request.image))
    found = request.digest or reference.digest
    if not found and reference.tag in ("", "latest"):
        raise ImageError(f"{request.image}: name a tag other than latest, or a digest")
    if not found:
        ecr = reference.ecr is not None
        found = digest.in_ecr(reference, account or open_account(stack)) if ecr else digest.in_registry(reference)
    image = parse(reference.at(found)).at(found)
    try:
        Application.model_validate({**stack.settings.application.model_dump(), "image": image})
    except ValidationError as error:
        raise ImageError(f"{image} is no image that application.image takes") from error
    pinned = stack.settings.servers.launch_template_version
    if pinned is not None:
        raise ImageError(
            f"servers.launch_template_version holds the servers at version {pinned}, whatever the image: take it out "
            f"of {stack.file.path.name} first"
        )
    return edit_image(stack.file, image)


@dataclass(frozen=True)
class _Out:
    """Where lines go: not between those of a JSON document."""

    as_json: bool

    def say(self, text: str) -> None:
        typer.echo(text, err=self.as_json)


def _write(edit: Edit, stack: Stack, finder: Finder | None, out: _Out) -> None:
    if edit.old == edit.new:
        out.say(f"{edit.path.name} has {edit.new} already")
        return
    try:
        edit.write()
    except OSError as error:
        raise ImageError(f"{edit.path} cannot be written: {error.strerror}") from error
    out.say(f"{edit.path.name}: application.image is {edit.new}")
    out.say(f"It was {edit.old}")
    version = refresh.versions(finder)[0] if finder is not None and finder.cluster is None else None
    if version is not None and version.isdigit():
        out.say(f"The way back: {refresh.back_to(stack.name, version)}")
    else:
        out.say(f"The way back: scale release {stack.name} {edit.old}, and pulumi up -s {stack.name}")


def _pulumi() -> str:
    found = shutil.which("pulumi")
    if found is None:
        raise ImageError("--up: the Pulumi CLI is not installed; run pulumi up where it is, and --wait here")
    return found


def _run_up(pulumi: str, stack: Stack) -> int:
    command = [pulumi, "up", "--yes", "--stack", stack.name]
    sys.stdout.flush()
    return subprocess.run(command, cwd=stack.file.directory, check=False).returncode  # noqa: S603 # asked for by --up


def _wait(watch: Watch, request: Request) -> int:
    step = wait(watch.look, request.pace)
    _tell(step, request)
    if step.state == "waiting":
        typer.echo("Nothing has begun: did pulumi up run, and did it change anything?", err=True)
    return _status(step)


def _show(stack: Stack, request: Request) -> int:
    step = Watch(_finder(stack, request), stack.settings.application.image).look()
    _tell(step, request)
    return DONE if step.state == "waiting" else _status(step)


def _status(step: Progress) -> int:
    return {"done": DONE, "failed": FAILED}.get(step.state, RUNNING)


def _tell(step: Progress, request: Request) -> None:
    if request.as_json:
        typer.echo(json.dumps({"stack": request.stack, **step.document()}, indent=2))
        return
    reason = f": {step.reason}" if step.reason else ""
    began = f", began {step.began}" if step.began else ""
    share = "" if step.state == "waiting" else f", {step.percent} %"
    typer.echo(f"{step.what}: {step.status}{share}{began}{reason}")
    for cause in step.causes:
        typer.echo(f"  alarm {cause}")
    if step.way_back:
        typer.echo(f"  the way back: {step.way_back}")
