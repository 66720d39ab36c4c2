"""Run a Pulumi program, or any callable that registers resources, under the recording monitor."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import io
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, cast

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import ROOT, SETTINGS, Settings, configure
from pulumi.runtime.stack import run_in_stack

from scale.plan import stackfile
from scale.plan.monitor import RecordingMonitor
from scale.plan.outputs import relative, watch_outputs
from scale.plan.recording import Message, Mode, Recording
from scale.plan.stackfile import Configuration, ProgramError, StackFile

P = ParamSpec("P")
T = TypeVar("T")

_SEVERITIES: dict[int, Literal["debug", "info", "warning", "error"]] = {
    engine_pb2.DEBUG: "debug",
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}


@dataclass(frozen=True)
class Passes:
    """The same program run twice: once with every output unknown, once with plausible ones."""

    file: StackFile
    preview: Recording
    update: Recording


def run_stack(directory: Path, stack: str) -> Passes:
    """Run a stack's program as a preview and as an update.

    Raises ProgramError where the stack does not exist, or its settings or its program are wrong.
    """
    file = stackfile.read(directory.resolve(), stack)
    return Passes(file, run_file(file, "preview"), run_file(file, "update"))


def run(
    program: Callable[[], object],
    mode: Mode = "update",
    *,
    project: str = "project",
    stack: str = "stack",
    configuration: Configuration | None = None,
    directory: Path | None = None,
) -> Recording:
    """Run a callable as a program would be run and return what it registered; its result is left aside.

    Nothing of one run reaches the next: each has its own event loop and its own SDK settings. What the program raises
    is raised here. Functions in `directory`, the current one if none is given, are held to account for what they do
    with outputs.
    """
    configuration = configuration or Configuration({}, (), {})
    monitor = RecordingMonitor(mode, project=project, stack=stack, region=configuration.region)
    monitor.recording.markers.update(configuration.markers)
    root = (directory or Path.cwd()).resolve()

    async def session() -> None:
        _configure(monitor, configuration, root)
        await run_in_stack(lambda: _settle(program))

    printed = io.StringIO()
    with (
        _without_collector(),
        asyncio.Runner() as runner,
        _InlineExecutor(max_workers=1) as executor,
        watch_outputs(root, monitor.recording.misuses),
        contextlib.redirect_stdout(printed),
    ):
        loop = runner.get_loop()
        loop.set_default_executor(executor)
        loop.set_exception_handler(lambda _, event: _note(monitor.recording, event))
        runner.run(session(), context=contextvars.copy_context())
    monitor.recording.messages.extend(Message("output", line) for line in printed.getvalue().splitlines())
    return monitor.recording


@contextlib.contextmanager
def _without_collector() -> Generator[None]:
    """Leave cycles alone during a run: the SDK's modules are a large heap, and walking it takes longer than a run."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


async def _settle(program: Callable[[], object]) -> None:
    """Call the program and wait until its outputs stand, or one has failed.

    The SDK waits for the first of all pending outputs again and again, which grows with their square: 2 s of a stack
    of 200 resources. It then finds them done, and raises what has failed.
    """
    program()
    while pending := [output for output in _outputs() if not output.done()]:
        done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
        if any(output.cancelled() or output.exception() for output in done):
            return


def _outputs() -> set[asyncio.Future[object]]:
    # SETTINGS is typed by descriptors that stubs cannot follow.
    return cast("Any", SETTINGS).outputs


def _configure(monitor: RecordingMonitor, configuration: Configuration, root: Path) -> None:
    recording = monitor.recording
    settings = Settings(
        project=recording.project,
        stack=recording.stack,
        monitor=monitor,
        engine=_Engine(recording),
        dry_run=recording.mode == "preview",
        organization="organization",
        root_directory=str(root),
    )
    configure(settings)
    ROOT.set(None)
    set_all_config(dict(configuration.values), list(configuration.secret_keys))


def _note(recording: Recording, event: dict[str, Any]) -> None:
    """Keep what asyncio says of tasks that failed after the first one did; the first is the run's own failure."""
    error = event.get("exception")
    recording.messages.append(Message("debug", f"{event.get('message')}: {error}" if error else str(event)))


class _InlineExecutor(ThreadPoolExecutor):
    """Runs at once, in the caller's thread: the monitor never waits, and the order is the same in every run."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 # a future carries whatever its function raised to who awaits it
            future.set_exception(error)
        return future


class _Engine:
    """The engine's other service: it takes a program's messages."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:  # noqa: N802
        if request.severity != engine_pb2.DEBUG:
            message = Message(_SEVERITIES[request.severity], request.message, request.urn)
            self._recording.messages.append(message)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, _: object) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()


def run_file(file: StackFile, mode: Mode) -> Recording:
    """Run a stack's program in one mode. Raises ProgramError where its settings or its program are wrong."""
    program = str(file.program)
    try:
        with _in_directory(file.program.parent):
            return run(
                lambda: runpy.run_path(program, run_name="__main__"),
                mode,
                project=file.project,
                stack=file.stack,
                configuration=file.configuration(mode),
                directory=file.directory,
            )
    except pulumi.RunError as error:
        raise ProgramError(str(error)) from error
    except SystemExit as error:
        raise ProgramError(f"the program ended itself: {error.code}") from error
    except Exception as error:
        raise ProgramError(_describe(error, file.directory)) from error


@contextlib.contextmanager
def _in_directory(directory: Path) -> Generator[None]:
    """Stand where the engine starts a program: in its directory, which is first in the module path."""
    before, path = Path.cwd(), list(sys.path)
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path[:] = path
        os.chdir(before)


def _describe(error: BaseException, directory: Path) -> str:
    """Return an exception in one or two lines: what, and the last place of the project's own that it passed."""
    head = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    frames = _frames(error, directory)
    return f"{head}\n  at {frames[-1]}" if frames else head


def _frames(error: BaseException | None, directory: Path) -> Sequence[str]:
    seen: set[int] = set()
    # The SDK raises an exception from itself, which makes a ring of causes.
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found = [
            f"{place}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
            if (place := relative(frame.filename, directory))
        ]
        if found:
            return found
        error = error.__cause__ or error.__context__
    return []
