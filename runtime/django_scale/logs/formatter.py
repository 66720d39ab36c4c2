"""Log records as JSON: one object a line, with the request that they belong to."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from django_scale.logs.context import current
from django_scale.logs.redaction import Redactor

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Django's request prints its query string; Celery's data are a task's arguments and result.
_DROPPED = frozenset({"request", "server_time", "data"})
# Docker cuts a line after 16 KiB, and half an object is none.
MESSAGE_CHARACTERS = 4_000
TRACEBACK_CHARACTERS = 8_000


class JsonFormatter(logging.Formatter):
    """One JSON object a record; `extra` fields are added, those that JSON cannot carry as text.

    `time` is UTC, RFC 3339. Within a request: `request_id` and `view`; within a task: `request_id` of whoever sent it,
    and `task`. An exception is `exception_type`, and its traceback in `exception`.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._redactor = Redactor()

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        clean = self._redactor.clean
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": clean(record.getMessage())[:MESSAGE_CHARACTERS],
            "process": record.process,
            "thread": record.threadName,
        }
        self._add_context(entry)
        for key, value in vars(record).items():
            if key not in _STANDARD and key not in _DROPPED:
                entry["status" if key == "status_code" else key] = self._redactor.clean_all(value)
        if record.exc_info:
            kind = record.exc_info[0]
            entry["exception_type"] = kind.__qualname__ if kind is not None else ""
            entry["exception"] = clean(self.formatException(record.exc_info))[-TRACEBACK_CHARACTERS:]
        if record.stack_info:
            entry["stack"] = clean(self.formatStack(record.stack_info))[-TRACEBACK_CHARACTERS:]
        return json.dumps(entry, default=self._text, ensure_ascii=False)

    def _add_context(self, entry: dict[str, Any]) -> None:
        context = current.get()
        if context is None:
            return
        entry["request_id"] = context.request_id
        if context.task:
            entry["task"] = context.task
        elif view := context.view:
            entry["view"] = view

    def _text(self, value: object) -> str:
        return self._redactor.clean(str(value))
