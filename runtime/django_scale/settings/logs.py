"""LOGGING: text for people, one JSON object a line for collectors."""

from __future__ import annotations

import json
import logging as python_logging
from datetime import UTC, datetime
from typing import Any

from django_scale.settings.environment import Environment, read

_STANDARD = frozenset(vars(python_logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(python_logging.Formatter):
    """One JSON object a record; `extra` fields are added, those that JSON cannot carry as text."""

    def format(self, record: python_logging.LogRecord) -> str:
        """The record as JSON; `time` is UTC, RFC 3339."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "thread": record.threadName,
        }
        entry |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = self.formatStack(record.stack_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


def logging(env: Environment | None = None) -> dict[str, Any]:
    """LOGGING for LOG_LEVEL and LOG_FORMAT; everything goes to standard error."""
    env = env or read()
    formatters: dict[str, Any] = {
        "json": {"()": "django_scale.settings.logs.JsonFormatter"},
        "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": formatters,
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": env.text("LOG_FORMAT")}},
        "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL")},
        # Django's own configuration gives this logger handlers that would print a record twice.
        "loggers": {"django": {"handlers": [], "level": env.text("LOG_LEVEL"), "propagate": True}},
    }
