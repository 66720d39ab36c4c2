"""What the fleet at its largest asks of its database and of its own memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model import instances
from model.database import PRIMARY
from model.node_capacity import PodBudget, pod_budget

if TYPE_CHECKING:
    from model.database import Database
    from model.settings import Settings

# RDS for PostgreSQL's default max_connections is LEAST({DBInstanceClassMemory/9531392}, 5000) (RDS guide, "Quotas
# and constraints", maximum number of database connections). DBInstanceClassMemory is what is left of the class's
# memory after the system and RDS's own processes; how much these take is not published, so this is the upper bound.
_BYTES_PER_CONNECTION = 9_531_392
_MOST_CONNECTIONS = 5000

# superuser_reserved_connections (PostgreSQL's default) and rds.rds_superuser_reserved_connections (RDS's).
RESERVED_CONNECTIONS = 3 + 2

# What the system, Docker, nginx, PgBouncer and gunicorn's own process take beside its workers (estimate).
SYSTEM_MEMORY_MIB = 512


@dataclass(frozen=True)
class ConnectionBudget:
    """Connections to one database instance: what the fleet may ask for, and what the instance grants."""

    instance: str
    instance_class: str
    limit: int
    at_maximum: int
    during_refresh: int

    @property
    def fits(self) -> bool:
        """Whether the fleet at its maximum is served."""
        return self.at_maximum <= self.limit

    @property
    def fits_during_refresh(self) -> bool:
        """Whether it is still served while a refresh runs new servers beside old ones."""
        return self.during_refresh <= self.limit


@dataclass(frozen=True)
class MemoryBudget:
    """Memory of one server of an instance type; `memory_mib` is None for a type whose memory is not known."""

    instance_type: str
    memory_mib: int | None
    needed_mib: int

    @property
    def fits(self) -> bool:
        """Whether the workers fit; a type that is not known is not judged."""
        return self.memory_mib is None or self.needed_mib <= self.memory_mib


@dataclass(frozen=True)
class Capacity:
    """The budgets of an environment.

    `servers` is the largest fleet; `open_ended` says that a forecast may lift the group above it, without a limit that
    is known in advance.
    """

    servers: int
    servers_during_refresh: int
    open_ended: bool
    connections_per_server: int
    connections: tuple[ConnectionBudget, ...]
    memory: tuple[MemoryBudget, ...]
    pods: PodBudget | None = None
    """What the cluster's nodes hold; None without a cluster."""


def capacity(settings: Settings) -> Capacity:
    """Return what the environment's fleet, and its pods, need at their largest, and what there is."""
    largest = largest_fleet(settings)
    surge = -(-largest * settings.servers.refresh.max_healthy_percent // 100)
    per_server = connections_per_server(settings)
    pods, pods_in_rollout = pod_connections(settings)
    return Capacity(
        servers=largest,
        servers_during_refresh=surge,
        open_ended=settings.scaling.predictive is not None and settings.scaling.predictive.lifts_maximum,
        connections_per_server=per_server,
        connections=tuple(
            ConnectionBudget(
                name,
                class_name,
                usable_connections(settings.database, class_name),
                largest * per_server + pods,
                surge * per_server + pods_in_rollout,
            )
            for name, class_name in database_classes(settings.database).items()
        ),
        memory=tuple(
            MemoryBudget(name, size.memory_mib if size else None, memory_per_server_mib(settings))
            for name, size in ((name, instances.size(name)) for name in settings.servers.types)
            if settings.compute.servers
        ),
        pods=pod_budget(settings),
    )


def largest_fleet(settings: Settings) -> int:
    """Return the most servers at any time by the settings: the group's maximum or a scheduled one, if any run."""
    if not settings.compute.servers:
        return 0
    return max([settings.servers.max, *(action.max or 0 for action in settings.scaling.scheduled)])


def pod_connections(settings: Settings) -> tuple[int, int]:
    """Return the connections of all pods at their most to each database instance, and those while they are replaced.

    A web pod runs what a server does. A worker process holds one connection, where PgBouncer does not hold the pod's.
    """
    kubernetes = settings.compute.kubernetes
    if kubernetes is None:
        return 0, 0
    each = connections_per_server(settings)
    surge = -(-kubernetes.web.max * kubernetes.web.surge_percent // 100)
    pooled = settings.database.pooling == "pgbouncer"
    groups = kubernetes.tasks.workers if kubernetes.tasks is not None else ()
    tasks = sum(group.max * (each if pooled else group.concurrency) for group in groups)
    migrations = 0 if kubernetes.migration is None else 1
    return kubernetes.web.max * each + tasks, (kubernetes.web.max + surge) * each + tasks + migrations


@dataclass(frozen=True)
class Feedback:
    """An alarm that adds servers for the connections of the fleet itself, and of the pods beside it."""

    above: int
    servers: int
    """How many servers raise it, beside the pods at their most; none where these do by themselves."""
    pods: int
    """What the pods hold at their most."""
    most: int
    """What servers and pods hold together at their most: from an alarm above that on there is no loop."""


def feeds_its_alarm(settings: Settings) -> Feedback | None:
    """Return how connections of the environment's own raise the alarm that adds servers: the fleet then grows to its
    maximum by itself.

    None where it cannot come to that, or there is no such alarm.
    """
    alarm = settings.scaling.database_connections
    if alarm is None or not settings.compute.servers:
        return None
    each, (pods, _) = connections_per_server(settings), pod_connections(settings)
    most = largest_fleet(settings) * each + pods
    if most <= alarm.above:
        return None
    return Feedback(alarm.above, max(0, (alarm.above - pods) // each + 1), pods, most)


def connections_per_server(settings: Settings) -> int:
    """Return the connections that one server may hold to each database instance."""
    if settings.database.pooling == "pgbouncer":
        # The processes' own, those that watch replicas among them, end at the pooler.
        return settings.database.pgbouncer.connections
    pooled = settings.database.pooling == "psycopg-pool"
    a_worker = settings.database.pool_size if pooled else settings.application.threads
    # Where there are replicas, the runtime watches their lag from each process by a connection of its own.
    watching = 1 if settings.database.replicas else 0
    return settings.application.workers * (a_worker + watching)


def pooler_clients(settings: Settings) -> int:
    """Return the connections that a server's processes may hold to its PgBouncer, to all databases together."""
    instances_served = 1 + len(settings.database.replicas)
    watching = 1 if settings.database.replicas else 0
    return settings.application.workers * (settings.application.threads + watching) * instances_served


def memory_per_server_mib(settings: Settings) -> int:
    """Return the memory that one server needs."""
    return settings.application.workers * settings.application.worker_memory_mib + SYSTEM_MEMORY_MIB


def database_classes(database: Database) -> dict[str, str]:
    """Return the class of the primary and of each replica, by name."""
    replicas = zip(database.replica_names, database.replicas, strict=True)
    return {PRIMARY: database.instance_class} | {
        name: replica.instance_class or database.instance_class for name, replica in replicas
    }


def max_connections(database: Database, class_name: str) -> int:
    """Return PostgreSQL's limit on an instance of this class.

    Raises ValueError for a class whose memory is not known, where `database.max_connections` is not set.
    """
    if database.max_connections is not None:
        return database.max_connections
    size = instances.size(class_name)
    if size is None:
        raise ValueError(f"the memory of {class_name} is not known")
    return min(size.memory_mib * 1024 * 1024 // _BYTES_PER_CONNECTION, _MOST_CONNECTIONS)


def usable_connections(database: Database, class_name: str) -> int:
    """Return the connections that an application's user may open on an instance of this class."""
    return max_connections(database, class_name) - RESERVED_CONNECTIONS
