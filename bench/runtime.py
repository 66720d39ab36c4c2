"""What the runtime costs, each figure beside a peer's in the same run: `python -m bench.runtime`.

Peers (group `bench` of the dependencies): django-multidb-router, Django's LocMemCache, django-redis with ShardClient,
django-prometheus, prometheus-client's multiprocess mode. Each pair is timed alternately; figures are medians of rounds.
"""

from __future__ import annotations

import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from rich.console import Console
from rich.table import Table

from scale.local.servers import Redis

ROUNDS = 15
VALUE = {"id": 1, "title": "An article", "tags": ["a", "b"], "body": "text " * 40}
FOLDER = Path(tempfile.mkdtemp(prefix="django-scale-bench-"))
RECYCLES = 300
_PEER_WORKER = """
import os
from prometheus_client import Counter, Histogram
Counter("requests", "r").inc()
Histogram("latency", "l").observe(0.1)
"""


@dataclass(frozen=True)
class Result:
    """Median microseconds of one call, ours and the peer's."""

    name: str
    peer: str
    ours: float
    theirs: float


def measure(call: Callable[[], object], seconds: float = 0.02) -> float:
    """Microseconds a call, over about `seconds`."""
    number, began = 0, time.perf_counter()
    while (taken := time.perf_counter() - began) < seconds:
        for _ in range(10):
            call()
        number += 10
    return taken / number * 1e6


def compare(name: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object]) -> Result:
    """Time both, in turns."""
    pairs = [(measure(ours), measure(theirs)) for _ in range(ROUNDS)]
    mine, other = zip(*pairs, strict=True)
    return Result(name, peer, statistics.median(mine), statistics.median(other))


def configure(shards: list[Redis]) -> None:
    """Django with ours and the peers."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FOLDER / "prometheus")
    (FOLDER / "prometheus").mkdir()
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "db.sqlite3"), "TEST": {}}
    settings.configure(
        SECRET_KEY="bench",  # noqa: S106
        USE_TZ=True,
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["django.contrib.contenttypes", "django_scale"],
        DATABASES={alias: {**database} for alias in ("default", "replica_1", "replica_2")},
        REPLICA_DATABASES=["replica_1", "replica_2"],
        DJANGO_SCALE={
            "REPLICA_WEIGHTS": {"replica_1": 1, "replica_2": 1},
            "METRICS_DIRECTORY": str(FOLDER / "metrics"),
        },
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
            "django-redis": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": [f"redis://{shard.address}/0" for shard in shards],
                "OPTIONS": {"CLIENT_CLASS": "django_redis.client.ShardClient"},
            },
        },
    )
    django.setup()
    logging.disable(logging.WARNING)


def routers() -> Result:
    """db_for_read of a request's second and later reads, with what each checks: transaction and health, or the pin."""
    from django.contrib.contenttypes.models import ContentType
    from django_scale.db import LoadBalancedDatabaseRouter
    from django_scale.db.scope import Scope, current
    from multidb import PinningReplicaRouter

    current.set(Scope())
    ours, theirs = LoadBalancedDatabaseRouter(), PinningReplicaRouter()
    return compare(
        "db_for_read",
        "django-multidb-router",
        lambda: ours.db_for_read(ContentType),
        lambda: theirs.db_for_read(ContentType),
    )


def caches(shards: list[Redis]) -> list[Result]:
    """A hit in L1, one in L2, and 100 keys over three shards."""
    from django.core.cache import caches as django_caches
    from django_scale.cache import MultiLevelCache

    nodes = [shard.address for shard in shards]

    def make(**options: object) -> MultiLevelCache:
        return MultiLevelCache(nodes, {"KEY_PREFIX": "bench", "OPTIONS": {"MODE": "shards", **options}})

    multi, second, local, peer = make(), make(L1_SECONDS=0), django_caches["default"], django_caches["django-redis"]
    many = {f"many:{number}": VALUE for number in range(100)}
    for cache in (multi, second, local, peer):
        cache.set("article:1", VALUE)
        cache.set_many(many)
    while multi.levels.believed() is None:
        time.sleep(0.05)
    multi.get("article:1")
    keys = list(many)
    return [
        compare("L1 hit", "LocMemCache", lambda: multi.get("article:1"), lambda: local.get("article:1")),
        compare("L2 get", "django-redis", lambda: second.get("article:1"), lambda: peer.get("article:1")),
        compare(
            "get_many, 100 keys, 3 shards", "django-redis", lambda: second.get_many(keys), lambda: peer.get_many(keys)
        ),
        compare("set, 3 shards", "django-redis", lambda: second.set("a", VALUE), lambda: peer.set("a", VALUE)),
    ]


def middleware() -> Result:
    """What a request costs beyond the view: the whole chain less a chain of nothing."""
    from django.http import HttpRequest, HttpResponse
    from django.test import RequestFactory
    from django_prometheus.middleware import PrometheusAfterMiddleware, PrometheusBeforeMiddleware
    from django_scale.metrics import ScalingMetricsMiddleware

    request, response = RequestFactory().get("/"), HttpResponse()

    def view(_: HttpRequest) -> HttpResponse:
        return response

    ours: Any = ScalingMetricsMiddleware(view)
    theirs: Any = PrometheusBeforeMiddleware(PrometheusAfterMiddleware(view))
    return compare("middleware a request", "django-prometheus", lambda: ours(request), lambda: theirs(request))


def scrape() -> Result:
    """A scrape after workers were renewed, each having counted one request."""
    from django_scale.metrics import Sample
    from django_scale.metrics.prometheus import render
    from django_scale.metrics.slots import Slots
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    folder, peer_folder = FOLDER / "recycled", FOLDER / "recycled-peer"
    folder.mkdir()
    peer_folder.mkdir()
    own = Slots(folder, 1)
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(peer_folder)}
    for _ in range(RECYCLES):
        child = os.fork()
        if child == 0:
            held = Slots(folder, 1)
            held.begin()
            held.finish(0.1, error=False)
            os._exit(0)
        os.waitpid(child, 0)
    for _ in range(RECYCLES):
        subprocess.run([sys.executable, "-c", _PEER_WORKER], env=env, check=True)  # noqa: S603

    def theirs() -> bytes:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(peer_folder))
        return generate_latest(registry)

    def ours() -> str:
        return render(own.totals(), Sample(time.time(), {}))

    return compare(f"scrape after {RECYCLES} recycles", "prometheus-client", ours, theirs)


def report(results: list[Result]) -> None:
    """Print a table."""
    table = Table(title=f"medians of {ROUNDS} rounds, microseconds a call")
    for column in ("what", "ours", "peer's", "peer", "ratio"):
        table.add_column(column, justify="left" if column in {"what", "peer"} else "right")
    for result in results:
        ratio = f"{result.theirs / result.ours:.2f}"
        table.add_row(result.name, f"{result.ours:.2f}", f"{result.theirs:.2f}", result.peer, ratio)
    Console(width=110).print(table)


def main() -> None:
    """Start three Redis servers, and measure."""
    try:
        with Redis(FOLDER / "1") as one, Redis(FOLDER / "2") as two, Redis(FOLDER / "3") as three:
            shards = [one, two, three]
            configure(shards)
            report([routers(), *caches(shards), middleware(), scrape()])
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    main()
