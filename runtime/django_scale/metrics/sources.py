"""What is asked of others: connections and sessions of the database, lengths of queues. Each answer may be absent."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from django_scale.cache.multilevel import MultiLevelCache
from django_scale.conf import options
from django_scale.db.pool import PRIMARY, replica_pool

logger = logging.getLogger("django_scale.metrics")

STATEMENT_MILLISECONDS = 2000
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
# What a source may meet when its server is away or refuses it. Anything else is a fault of this program.
UNREADABLE = (DatabaseError, psycopg.Error, redis.RedisError, OSError, ImproperlyConfigured, ValueError)


def _asked(alias: str, sql: str) -> int:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}")
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


def database_connections() -> float | None:
    """Connections of clients to the primary; None without PostgreSQL. Behind PgBouncer these are PgBouncer's own."""
    if connections[PRIMARY].vendor != "postgresql":
        return None
    return _asked(PRIMARY, _CONNECTIONS)


def pgbouncer_waiting() -> float | None:
    """Clients that wait in PgBouncer for a server connection; None without one, or when the user may not ask it."""
    settings_dict: Mapping[str, Any] = connections[PRIMARY].settings_dict
    if not settings_dict.get("DISABLE_SERVER_SIDE_CURSORS") or connections[PRIMARY].vendor != "postgresql":
        return None
    params: dict[str, Any] = {**connections[PRIMARY].get_connection_params(), "dbname": "pgbouncer", "autocommit": True}
    # The console speaks the simple protocol only, which ClientCursor does.
    params["cursor_factory"] = psycopg.ClientCursor
    params.pop("context", None)
    with psycopg.connect(**params) as console:
        rows = console.execute("SHOW POOLS")
        columns = [column.name for column in rows.description or ()]
        place = columns.index("cl_waiting")
        return float(sum(int(row[place]) for row in rows.fetchall()))


def active_sessions() -> float | None:
    """Sessions that have not ended: counted on a replica, or the keys of a session store; None where neither is."""
    engine = str(settings.SESSION_ENGINE)
    if engine.endswith((".db", ".cached_db")):
        model = importlib.import_module(engine).SessionStore.get_model_class()
        serving = [alias for alias, replica in replica_pool().replicas.items() if replica.serves]
        alias = serving[0] if serving else PRIMARY
        return float(model._default_manager.using(alias).filter(expire_date__gte=timezone.now()).count())
    if engine.endswith(".cache"):
        cache: object = caches[settings.SESSION_CACHE_ALIAS]
        # Its servers hold nothing else: the stack gives sessions a store of their own.
        if isinstance(cache, MultiLevelCache) and settings.SESSION_CACHE_ALIAS != "default":
            return float(cache.levels.client.size())
    return None


def queue_lengths() -> dict[str, float]:
    """Tasks that wait, by queue of CELERY_QUEUES; a queue whose length cannot be read is left out."""
    opts = options()
    if not opts.celery_queues or not opts.celery_broker_url:
        return {}
    if urlsplit(opts.celery_broker_url).scheme in {"redis", "rediss"}:
        return _redis_lengths(opts.celery_broker_url, opts.celery_queues)
    if opts.celery_queue_urls:
        return _sqs_lengths({queue: opts.celery_queue_urls[queue] for queue in opts.celery_queues}, opts.region)
    return _kombu_lengths(opts.celery_broker_url, opts.celery_queues)


# Kombu's Redis transport keeps a list a priority: the plain name for 0, with this separator for 3, 6 and 9.
_PRIORITIES = ("", "\x06\x163", "\x06\x166", "\x06\x169")


def _redis_lengths(url: str, queues: tuple[str, ...]) -> dict[str, float]:
    connect: Callable[..., Any] = redis.Redis.from_url  # type: ignore[reportUnknownMemberType]
    with connect(url, socket_timeout=2, socket_connect_timeout=2) as client:
        pipeline = client.pipeline(transaction=False)
        for queue in queues:
            for priority in _PRIORITIES:
                pipeline.llen(f"{queue}{priority}")
        lengths = [float(length) for length in pipeline.execute()]
    width = len(_PRIORITIES)
    return {queue: sum(lengths[i * width : (i + 1) * width]) for i, queue in enumerate(queues)}


def _sqs_lengths(urls: Mapping[str, str], region: str) -> dict[str, float]:
    """Messages that wait, as SQS counts them: approximately, without those that a worker holds."""
    try:
        boto3, config = importlib.import_module("boto3"), importlib.import_module("botocore.config")
    except ImportError as error:
        raise ImproperlyConfigured("queue lengths in Amazon SQS need the extra `cloudwatch`, for boto3") from error
    failures = importlib.import_module("botocore.exceptions")
    quick = config.Config(connect_timeout=2, read_timeout=2, retries={"max_attempts": 1})
    client: Any = boto3.client("sqs", region_name=region or None, config=quick)
    found: dict[str, float] = {}
    for queue, url in urls.items():
        try:
            answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
            found[queue] = float(answer["Attributes"]["ApproximateNumberOfMessages"])
        except (failures.BotoCoreError, failures.ClientError) as error:
            logger.warning("the length of queue %s cannot be read: %s", queue, error)
    return found


def _kombu_lengths(url: str, queues: tuple[str, ...]) -> dict[str, float]:
    try:
        kombu = importlib.import_module("kombu")
    except ImportError as error:
        raise ImproperlyConfigured("queue lengths of this broker need the extra `celery`") from error
    found: dict[str, float] = {}
    with kombu.Connection(url, connect_timeout=2) as connection:
        for queue in queues:
            channel = connection.channel()
            try:
                found[queue] = float(channel.queue_declare(queue=queue, passive=True).message_count)
            except connection.channel_errors as error:
                logger.info("no queue %s: %s", queue, error)
    return found


def read(source: Callable[[], Any]) -> Any:
    """What a source says, None when it cannot be read: absent, never 0."""
    try:
        return source()
    except UNREADABLE as error:
        logger.warning("%s cannot be read: %s", source.__name__, error)
        return None
