"""botocore's events, to change what AWS answers and to see what it is asked."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

Change = Callable[[dict[str, Any]], object]


def minutes_ago(minutes: int) -> datetime:
    """Return a time so long ago and some seconds: a command says so many minutes even when it has taken a while."""
    return datetime.now(UTC) - timedelta(minutes=minutes, seconds=5)


class Answers:
    """By call, as `rds:DescribeDBInstances`: answers that are given, changed or refused; `asked` is every call made."""

    def __init__(self) -> None:
        """Begin without any."""
        self.asked: set[str] = set()
        self._given: dict[str, list[dict[str, Any]]] = {}
        self._changes: dict[str, list[Change]] = {}
        self._refused: dict[str, str] = {}
        self.before: dict[str, Callable[..., object]] = {}
        """What sees a call's parameters before it is made, by call."""

    def give(self, call: str, *answers: dict[str, Any]) -> None:
        """Answer a call with these, one after another; the last one stays."""
        self._given[call] = list(answers)

    def change(self, call: str, change: Change) -> None:
        """Change what comes back of a call."""
        self._changes.setdefault(call, []).append(change)

    def refuse(self, call: str, code: str = "AccessDenied") -> None:
        """Refuse a call."""
        self._refused[call] = code

    def register(self, events: Any) -> None:
        """Stand between botocore and AWS."""
        events.register("before-parameter-build", self._building)
        events.register("before-call", self._before)
        events.register("after-call", self._after)

    def handle(self, name: str, **arguments: Any) -> object:
        """Do what is registered for an event."""
        handlers = {"before-parameter-build": self._building, "before-call": self._before, "after-call": self._after}
        return handlers[name](**arguments)

    def _building(self, model: Any, params: dict[str, Any], **_: object) -> None:
        see = self.before.get(f"{model.service_model.service_name}:{model.name}")
        if see is not None:
            see(params)

    def _before(self, model: Any, **_: object) -> object:
        call = f"{model.service_model.service_name}:{model.name}"
        self.asked.add(call)
        if call in self._refused:
            refusal: dict[str, Any] = {"Error": {"Code": self._refused[call], "Message": "no."}}
            return SimpleNamespace(status_code=403), refusal
        if call in self._given:
            queue = self._given[call]
            answer: dict[str, Any] = copy.deepcopy(queue.pop(0) if len(queue) > 1 else queue[0])
            answer["ResponseMetadata"] = {}
            return SimpleNamespace(status_code=200), answer
        return None

    def _after(self, model: Any, parsed: dict[str, Any], **_: object) -> None:
        for change in self._changes.get(f"{model.service_model.service_name}:{model.name}", []):
            if "Error" not in parsed:
                change(parsed)


class Current:
    """Stands between botocore and AWS for the last of some answers, which a test brings and takes away again."""

    def __init__(self, stack: list[Answers]) -> None:
        """Take the list that tests append to."""
        self._stack = stack

    def register(self, events: Any) -> None:
        """Stand between botocore and AWS."""
        for name in ("before-parameter-build", "before-call", "after-call"):
            events.register(name, self._handler(name))

    def _handler(self, name: str) -> Callable[..., object]:
        def handle(**arguments: Any) -> object:
            return self._stack[-1].handle(name, **arguments) if self._stack else None

        return handle
