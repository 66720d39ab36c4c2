"""Error trackers: Sentry by SENTRY_DSN, another by ERROR_TRACKER."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import Any

from django_scale.extras import installed
from django_scale.logs.context import current
from django_scale.logs.redaction import Redactor
from django_scale.settings.environment import Environment, read

logger = logging.getLogger("django_scale.errors")

_redactor = Redactor()


def start() -> None:
    """Start the trackers that the environment names. One that does not start costs a warning."""
    env = read()
    if env.text("SENTRY_DSN"):
        _start_sentry(env)
    if env.text("ERROR_TRACKER"):
        _start_other(env.text("ERROR_TRACKER"))


def _start_sentry(env: Environment) -> None:
    if not installed("sentry_sdk"):
        logger.warning("SENTRY_DSN is set, but the extra `sentry` is not installed: no error is reported")
        return
    sentry: Any = import_module("sentry_sdk")
    try:
        sentry.init(
            dsn=env.text("SENTRY_DSN"),
            # The SDK's own variables, where they are set, say more.
            release=os.environ.get("SENTRY_RELEASE") or env.text("DJANGO_SCALE_RELEASE") or None,
            environment=os.environ.get("SENTRY_ENVIRONMENT") or env.text("DJANGO_SCALE_ENVIRONMENT") or None,
            send_default_pii=False,
            before_send=_complete,
        )
    except ValueError as error:  # BadDsn; its message is without the address
        logger.warning("SENTRY_DSN is not Sentry's: %s", type(error).__name__)


def _complete(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """Add the request's id, and take secrets out of what Sentry does not look into."""
    context = current.get()
    if context is not None:
        tags: dict[str, str] = event.setdefault("tags", {})
        tags["request_id"] = context.request_id
        if context.view or context.task:
            tags["task" if context.task else "view"] = context.task or context.view
    request: dict[str, Any] = event.get("request") or {}
    if query := request.get("query_string"):
        request["query_string"] = f"?{query}"  # as it stands in a URL, which is how its parameters are found
    # Local variables, breadcrumbs and URLs too: what is printed of a request has its query string.
    return _redactor.clean_all(event)


def _start_other(path: str) -> None:
    module, _, name = path.partition(":")
    try:
        getattr(import_module(module), name)()
    except Exception:  # a tracker that fails must not keep the application from serving
        logger.exception("ERROR_TRACKER %s did not start", path)
