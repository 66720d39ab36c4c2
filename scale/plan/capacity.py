"""What the fleet at its largest asks of its databases and of its own memory, as findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from model.capacity import Capacity, capacity, feeds_its_alarm
from model.errors import SettingsError
from scale.plan import stackfile
from scale.plan.findings import Finding
from scale.plan.kubernetes import check_kubernetes

if TYPE_CHECKING:
    from model.settings import Settings
    from scale.plan.stackfile import StackFile


def settings_of(file: StackFile) -> Settings | None:
    """Return a stack's settings; None where its configuration is another program's."""
    try:
        return stackfile.settings(file)
    except SettingsError:
        # The program has run with this configuration, so it is one that does not read these settings.
        return None


def check_settings(settings: Settings | None, today: date | None = None) -> tuple[Capacity | None, list[Finding]]:
    """Return the budgets of an environment, and what is wrong with them `today`, by default the day it is."""
    if settings is None:
        text = "the configuration holds no settings of django-scale: neither capacity nor guard rails are checked"
        return None, [Finding("info", "capacity", "", text)]
    budgets = capacity(settings)
    findings = [*_connections(budgets, settings), *_memory(budgets, settings.application.workers)]
    if budgets.open_ended:
        text = (
            "a forecast may lift the fleet above its maximum (scaling.predictive.max_breach_percent): no budget holds"
        )
        findings.append(Finding("warning", "open-ended", "", text))
    findings += _feedback(settings)
    if settings.compute.kubernetes is not None and budgets.pods is not None:
        day = today or datetime.now(UTC).date()
        findings += check_kubernetes(settings.compute.kubernetes, budgets.pods, day)
    if settings.application.domain is None:
        text = "there is no domain (application.domain): visitors are served over plain HTTP"
        findings.append(Finding("info", "plain-http", "", text))
    return budgets, findings


def _connections(budgets: Capacity, settings: Settings) -> Iterator[Finding]:
    clients, out = _clients(budgets, settings), _ways_out(budgets, settings)
    for budget in budgets.connections:
        need = f"{budget.instance} ({budget.instance_class}) takes {budget.limit} connections"
        if not budget.fits:
            text = f"{need}; {clients} open {budget.at_maximum}: {out}"
            yield Finding("error", "connections", "", text)
        elif not budget.fits_during_refresh:
            text = f"{need}; a refresh of {budgets.servers} servers, {budgets.servers_during_refresh} at a time, opens "
            if budgets.pods is not None:
                text = f"{need}; while {clients} are replaced they open "
            yield Finding("warning", "connections", "", f"{text}{budget.during_refresh}: {out}")


def _ways_out(budgets: Capacity, settings: Settings) -> str:
    """Return which settings bring connections and database together."""
    bounds = ["servers.max"] if budgets.servers else []
    kubernetes = settings.compute.kubernetes
    if kubernetes is not None:
        bounds += ["compute.kubernetes.web.max"]
        bounds += ["compute.kubernetes.tasks.workers[].max"] if kubernetes.tasks is not None else []
    pooled = settings.database.pooling == "pgbouncer"
    pool = "a lower database.pgbouncer.connections"
    if not pooled:
        pool = f"database.pooling: pgbouncer with fewer than {budgets.connections_per_server} pgbouncer.connections"
    return f"a larger database.instance_class, a lower {' or '.join(bounds)}, or {pool}"


def _clients(budgets: Capacity, settings: Settings) -> str:
    """Return what opens connections at its most: servers, pods, or both."""
    kubernetes = settings.compute.kubernetes
    parts = [f"{budgets.servers} servers"] if budgets.servers else []
    parts += [f"{budgets.pods.web_pods} web pods"] if budgets.pods is not None else []
    parts += ["the tasks' workers"] if kubernetes is not None and kubernetes.tasks is not None else []
    return " and ".join(parts)


def _feedback(settings: Settings) -> Iterator[Finding]:
    loop = feeds_its_alarm(settings)
    if loop is None:
        return
    key = "scaling.database_connections.above"
    if not loop.pods:
        text = f"{loop.servers} servers hold more connections than {key} ({loop.above}) waits for"
    elif not loop.servers:
        text = f"pods at their most hold {loop.pods} connections, more than {key} ({loop.above}) waits for"
    else:
        beside = f"{loop.servers} servers, beside pods that hold {loop.pods} connections at their most,"
        text = f"{beside} hold more than {key} ({loop.above}) waits for"
    out = f"raise it to {loop.most}, or set scaling.database_connections to null"
    yield Finding("warning", "feedback", "", f"{text}: from there on the fleet grows to its maximum by itself; {out}")


def _memory(budgets: Capacity, workers: int) -> Iterator[Finding]:
    for budget in budgets.memory:
        if budget.memory_mib is None:
            text = f"the memory of {budget.instance_type} is not known; {workers} workers need {budget.needed_mib} MiB"
            yield Finding("info", "memory", "", text)
        elif not budget.fits:
            text = f"{budget.instance_type} has {budget.memory_mib} MiB; {workers} workers need {budget.needed_mib} MiB"
            yield Finding("error", "memory", "", text)
