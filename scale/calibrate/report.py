"""A calibration and its agreement, as text and as a document."""

from __future__ import annotations

from dataclasses import asdict

from scale.calibrate.measure import LEVELS, MOST_BUSY, Row, Service
from scale.calibrate.servers import Servers
from scale.simulate.plant.service import Calibration, Plant

_NAMES = [*(f"p{level * 100:g}, ms" for level in LEVELS), "mean, ms"]
HEADER = "load   requests/s" + "".join(f"{name:>20}" for name in _NAMES) + "  machine"
BELOW = " " * 17 + "    measured   model" * len(_NAMES) + "     busy"


def measured(service: Service, servers: Servers, model: Plant) -> str:
    """Return what was measured, and what one server then does."""
    found = service.calibration
    middle, late = (found.quantiles[int(level * len(found.quantiles))] for level in (0.5, 0.95))
    return (
        f"{service.requests} requests at {service.rate:.1f} a second, one after another: mean "
        f"{found.mean_seconds * 1000:.1f} ms, p50 {middle * 1000:.1f} ms, p95 {late * 1000:.1f} ms, "
        f"{found.cpu_share:.0%} of it on a processor.\n"
        f"By the model {_count(servers.count, 'server')} of {servers.threads} threads on "
        f"{_count(round(model.processors, 2), 'processor')} each: {model.concurrency} requests at once, "
        f"{model.rate(servers.count):.0f} a second in all."
    )


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def line(row: Row) -> str:
    """Return a load's line of the table."""
    pairs = [*((row.measured[level], row.model[level]) for level in LEVELS), row.means]
    cells = "".join(f"{first * 1000:>12.1f}{second * 1000:>8.1f}" for first, second in pairs)
    return f"{row.load:>4.0%} {row.rate:>12.1f}{cells}{row.machine:>9.0%}{'' if row.comparable else ' *'}"


def agreement(rows: list[Row]) -> str:
    """Return by how much the model differs at most, by level, over the loads whose figures are the servers'."""
    own = [row for row in rows if row.comparable]
    others = (
        f"* At {_count(len(rows) - len(own), 'load')} this machine was more than {MOST_BUSY:.0%} busy, or the "
        "generator fell behind: these figures are of what shares the machine with the servers."
    )
    if not own:
        return f"{others}\nNothing can be said of the model."
    parts = [f"p{level * 100:g} {_worst([row.model[level] / row.measured[level] for row in own])}" for level in LEVELS]
    means = _worst([row.means[1] / row.means[0] for row in own])
    found = f"The model against the measurement, at the worst load: {', '.join(parts)}, mean {means}."
    return found if len(own) == len(rows) else f"{others}\n{found}"


def _worst(ratios: list[float]) -> str:
    worst = max(ratios, key=lambda ratio: max(ratio, 1 / ratio))
    return f"{worst - 1:+.0%}"


def file(calibration: Calibration) -> dict[str, object]:
    """Return what `--calibration` reads: what was measured, and no assumption."""
    names = ("mean_seconds", "scv", "quantiles", "cpu_share", "source")
    return {name: asdict(calibration)[name] for name in names}


def document(service: Service, servers: Servers, model: Plant, rows: list[Row]) -> dict[str, object]:
    """Return all as plain data; times in seconds."""
    return {
        "calibration": file(service.calibration),
        "requests": service.requests,
        "servers": servers.count,
        "threads": servers.threads,
        "at_once": model.concurrency,
        "loads": [
            {
                "load": row.load,
                "requests_per_second": row.rate,
                "measured": {**_named(row.measured), "mean": row.means[0]},
                "model": {**_named(row.model), "mean": row.means[1]},
                "generator_behind": row.behind,
                "machine_busy": row.machine,
                "comparable": row.comparable,
            }
            for row in rows
        ],
    }


def _named(values: dict[float, float]) -> dict[str, float]:
    return {f"p{level * 100:g}": value for level, value in values.items()}
