"""A stack's whole system on one machine: its servers, in the order in which they need each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from model.cache import CacheGroup
from model.environment import pooled_replica_names
from model.settings import Settings
from scale.local.balancer import Files, HaproxyBalancer, LocalBalancer, NginxBalancer
from scale.local.environment import Local, Places, local_environment
from scale.local.fleet import Fleet, in_parallel
from scale.local.guard import Reaper
from scale.local.pooler import LocalPooler
from scale.local.project import Project
from scale.local.servers import Primary, Redis, RedisCluster, Replica, Server, find_binary

BalancerName = Literal["nginx", "haproxy"]
ServerT = TypeVar("ServerT", bound=Server)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Shape:
    """What of a stack is run here. `servers` is at the beginning, `workers` a server's."""

    settings: Settings
    project: Project
    balancer: BalancerName
    servers: int
    workers: int
    pooled: bool
    """Whether PgBouncer stands before PostgreSQL."""
    port: int | None = None
    """The balancer's; a free one by default."""

    def programs(self) -> list[str]:
        """Return the programs that must be installed."""
        found = ["postgres", "initdb", self.balancer]
        found += ["pg_basebackup"] if self.settings.database.replicas else []
        found += ["pgbouncer"] if self.pooled else []
        found += ["redis-server"] if self.settings.cache.data or self.settings.cache.sessions else []
        return found

    def check(self) -> None:
        """Raise MissingBinaryError for the first program that is not installed."""
        for name in self.programs():
            find_binary(name)


class System:
    """The servers in `folder`. As a context manager it runs inside the block and is ended after it, however it goes.

    Servers are started by threads that live as long as the system: the kernel ends a process when the thread that
    began it ends (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(self, shape: Shape, folder: Path, reaper: Reaper) -> None:
        self.shape, self.folder, self._reaper = shape, folder, reaper
        settings = shape.settings
        self.threads = ThreadPoolExecutor(16, thread_name_prefix="scale-local")
        self.primary = self._guarded(Primary(folder / "primary"))
        self.replicas = [
            self._guarded(Replica(folder / name, self.primary)) for name in settings.database.replica_names
        ]
        self.cache = self._cluster("cache", settings.cache.data)
        self.sessions = self._cluster("sessions", settings.cache.sessions)
        self.pooler = (
            self._guarded(LocalPooler(folder / "pgbouncer", settings.database, self.primary, self.replicas))
            if shape.pooled
            else None
        )
        self.files: Files | None = None
        self.balancer: LocalBalancer = self._guarded(self._balancer())
        self.local: Local = local_environment(settings, self._places(), workers=shape.workers)
        self.fleet = Fleet(
            folder,
            shape.project,
            self.local.variables,
            health_path=settings.traffic.health_check.path,
            draining_seconds=float(settings.traffic.draining_seconds),
            guard=reaper,
        )

    def _balancer(self) -> LocalBalancer:
        shape, files = self.shape, self.folder / "files"
        if shape.balancer == "nginx":
            return NginxBalancer(self.folder / "nginx", shape.settings, files, shape.port)
        self.files = self._guarded(Files(self.folder / "bucket", files, shape.project.python))
        return HaproxyBalancer(self.folder / "haproxy", shape.settings, self.files.address, shape.port)

    def _guarded(self, server: ServerT) -> ServerT:
        server.guard = self._reaper
        return server

    def _cluster(self, name: str, group: CacheGroup | None) -> RedisCluster | None:
        if group is None:
            return None
        cluster = RedisCluster(self.folder / name, group.shards, group.replicas)
        for server in cluster.servers:
            self._guarded(server)
        return cluster

    def _places(self) -> Places:
        return Places(
            balancer=self.balancer.address,
            database_port=self.primary.port,
            replica_ports=[replica.port for replica in self.replicas],
            pooler=self.pooler.port if self.pooler else None,
            replica_names=pooled_replica_names(self.shape.settings.database),
            cache=[server.address for server in self.cache.servers] if self.cache else [],
            sessions=[server.address for server in self.sessions.servers] if self.sessions else [],
            static=self.folder / "files" / self.shape.settings.traffic.static_path.strip("/"),
            media=self.folder / "media",
        )

    @property
    def ending(self) -> bool:
        """Whether it is being stopped."""
        return self._reaper.refusing

    @property
    def url(self) -> str:
        """Where the application is."""
        return f"http://{self.balancer.address}"

    @property
    def shards(self) -> list[Redis]:
        """Every cache server."""
        return [server for each in (self.cache, self.sessions) if each for server in each.servers]

    def fixed(self) -> Iterator[Server]:
        """Yield the servers besides the application's."""
        yield self.primary
        yield from self.replicas
        yield from self.shards
        if self.pooler is not None:
            yield self.pooler
        if self.files is not None:
            yield self.files
        yield self.balancer

    def start(self, say: Say = lambda text: None) -> None:
        """Start everything, and fill the database. ServerError where a part does not start."""
        if os.getuid() == 0:
            # PostgreSQL and PgBouncer run as another user, who must find their folders.
            self.folder.chmod(0o755)
        caches = [self.threads.submit(self._start_cluster, each) for each in (self.cache, self.sessions) if each]
        say("PostgreSQL and the caches")
        self.primary.start()
        self.primary.create_database()
        others = [self.threads.submit(replica.start, 60.0) for replica in self.replicas]
        say("migrations and data")
        self._migrate()
        for command in self.shape.project.fill:
            self._manage(*command)
        _finish([*caches, *others])
        if self.pooler is not None:
            self.pooler.start()
        servers = [self.fleet.new() for _ in range(self.shape.servers)]
        say(f"{len(servers)} application servers")
        _finish([self.threads.submit(self.fleet.bring_in, server) for server in servers])
        say(self.shape.balancer)
        if self.files is not None:
            self.files.start()
        self.balancer.update(self.fleet.serving)
        self.balancer.start()
        self.fleet.attach(self.balancer)

    def _start_cluster(self, cluster: RedisCluster) -> None:
        _finish([self.threads.submit(server.start) for server in cluster.servers])
        cluster.join()

    def _migrate(self) -> None:
        """Migrate and collect the static files: past PgBouncer and the replicas, as in the cloud."""
        for name in ("STATIC_ROOT", "MEDIA_ROOT"):
            Path(self.local.variables[name]).mkdir(parents=True, exist_ok=True)
        static = self.threads.submit(self._manage, "collectstatic", "--noinput", "-v0")
        self._manage("migrate", "--noinput", "-v0")
        _finish([static])

    def _manage(self, *arguments: str) -> None:
        alone = {name: value for name, value in self.local.variables.items() if not name.startswith("DB_REPLICA_")}
        alone |= {"DB_PORT": str(self.primary.port), "DB_POOLING": "direct", "TMPDIR": str(self.folder)}
        self.shape.project.manage(alone, *arguments, guard=self._reaper)

    def balance(self) -> None:
        """Let the balancer read its configuration anew, for the servers as they are."""
        self.balancer.update(self.fleet.serving)

    def deploy(self) -> None:
        """Replace the application servers one by one, after the migrations of the code as it is now."""
        self._migrate()
        self.fleet.deploy()

    def stop(self) -> None:
        """End everything: those that ask before those that are asked. What is starting meanwhile is ended too."""
        self._reaper.refuse()
        self.threads.shutdown(wait=False, cancel_futures=True)
        self._end_all()
        # What was under way in a thread has failed by now, or does at its next step.
        self.threads.shutdown()
        self._end_all()

    def _end_all(self) -> None:
        self.balancer.stop()
        self.fleet.stop()
        rest = [server for server in self.fixed() if server not in (self.balancer, self.primary)]
        in_parallel([server.stop for server in rest])
        self.primary.stop()

    def __enter__(self) -> Self:
        """Nothing yet: call `start`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


def _finish(futures: Iterable[Future[Any]]) -> None:
    """Wait for all; raise what the first failed with."""
    waited = list(futures)
    for future in waited:
        future.exception()
    for future in waited:
        future.result()
