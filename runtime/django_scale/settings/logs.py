"""LOGGING: text for people, one JSON object a line for collectors."""

from __future__ import annotations

from typing import Any

from django_scale.settings.environment import Environment, read


def logging(env: Environment | None = None) -> dict[str, Any]:
    """LOGGING for LOG_LEVEL and LOG_FORMAT; everything goes to standard error."""
    env = env or read()
    formatters: dict[str, Any] = {
        "json": {"()": "django_scale.logs.JsonFormatter"},
        "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": formatters,
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": env.text("LOG_FORMAT")}},
        "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL")},
        "loggers": {
            # Django's own configuration gives this logger handlers that would print a record twice.
            "django": {"handlers": [], "level": env.text("LOG_LEVEL"), "propagate": True},
            # Switched by ACCESS_LOG: a level that hides what is harmless does not hide requests.
            "django_scale.access": {"level": "INFO"},
        },
    }
