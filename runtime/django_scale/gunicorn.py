"""A gunicorn configuration: `gunicorn -c python:django_scale.gunicorn project.wsgi`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django_scale import tracing
from django_scale.health import draining
from django_scale.settings.environment import read
from django_scale.settings.logs import logging

_env = read()

bind = f"0.0.0.0:{_env.integer('PORT')}"
workers = _env.integer("WEB_CONCURRENCY")
threads = _env.integer("GUNICORN_THREADS")
worker_class = "gthread"
# Above an ALB's idle time-out of 60 s: the balancer, not the server, closes idle connections, or it answers 502.
keepalive = 75
# A page that takes longer has lost its client: an ALB gives up at 60 s.
timeout = 60
# A container's own file system may be slow, and a blocked heartbeat kills the worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Workers are renewed before leaks matter, not all at the same time.
max_requests = 10_000
max_requests_jitter = 1_000

# gunicorn's own lines, such as those about workers that hang, beside the application's. The access log is
# RequestLogMiddleware's, which knows the view and works under any server.
logconfig_dict: dict[str, Any] = {
    **logging(_env),
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}},
}


def post_worker_init(worker: Any) -> None:
    """With preload_app the application was loaded in the parent, before the worker had its own handlers."""
    draining.install()


def worker_exit(server: Any, worker: Any) -> None:
    """Send the traces that wait, before the process is gone."""
    tracing.shut_down()
