"""Waiting for a release to be out, with a bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from scale.operate.errors import AccountError, UnavailableError
from scale.operate.find import Finder
from scale.operate.release import refresh, rollout
from scale.operate.release.refresh import Progress as Step

_OVER = ("done", "failed")
_BEHIND = ("failed", "waiting", "running", "done")


@dataclass(frozen=True)
class Watch:
    """What is waited for. `before` is the newest refresh before the release began: it is not the one."""

    finder: Finder
    image: str
    before: str | None = None

    def look(self) -> Step:
        """Return how far the release has come; of servers and pods those that are behind. Raises AccountError."""
        steps: list[Step] = []
        if self.finder.settings.compute.servers:
            steps.append(self._servers())
        if self.finder.cluster is not None:
            steps.append(rollout.progress(self.finder, self.image))
        if not steps:
            raise AccountError("no cluster has this environment's tags: deploy it, or name its outputs (--outputs)")
        return min(steps, key=lambda step: (_BEHIND.index(step.state), step.percent))

    def _servers(self) -> Step:
        found = refresh.newest(self.finder)
        if found is None or found["InstanceRefreshId"] == self.before:
            return Step("servers", "waiting", 0, "no replacement has begun")
        step = refresh.progress(self.finder, found)
        pinned = self.finder.settings.servers.launch_template_version is not None
        # The newest may be an earlier release's, and over.
        if step.state == "done" and not pinned and not refresh.launches(self.finder, self.image):
            return Step("servers", "waiting", 0, f"new servers do not start with {self.image} yet")
        return step


@dataclass(frozen=True)
class Pace:
    """In seconds: between two looks, until the replacement must have begun, and until it must be over."""

    every: float = 15.0
    begin_within: float = 1800.0
    end_within: float = 7200.0


def wait(look: Callable[[], Step], pace: Pace, console: Console | None = None) -> Step:
    """Return the last step: over, or not begun or not over in time. Raises AccountError.

    AWS may be out of reach for a while: that is shown, and asked again.
    """
    begin, unreachable = time.monotonic(), 0
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console or Console(file=sys.stderr)) as bar:
        task = bar.add_task("waiting for the replacement to begin", total=100)
        while True:
            try:
                step, unreachable = look(), 0
            except UnavailableError:
                unreachable += 1
                if unreachable > 5:
                    raise
                step = Step("AWS does not answer, asking again", "running", 0, "unknown")
            waiting = step.state == "waiting"
            told = "waiting for the replacement to begin" if waiting else f"{step.what} ({step.status})"
            bar.update(task, description=told, completed=None if step.status == "unknown" else step.percent)
            spent = time.monotonic() - begin
            if step.state in _OVER:
                return step
            if spent >= (pace.begin_within if waiting else pace.end_within):
                return replace(step, reason=f"waited {spent:.0f} s")
            time.sleep(pace.every)
