"""PgBouncer's configuration: the pooler on a server, between its processes and the database instances.

Valid from PgBouncer 1.18 (Debian 12) on.
"""

from __future__ import annotations

from model.database import Database
from model.environment import pooled_replica_names
from render.places import Pooler, host_and_port
from render.templating import template


def pgbouncer_ini(database: Database, pooler: Pooler) -> str:
    """Return pgbouncer.ini for a database at a pooler's place.

    Raises ValueError where the pooler knows another number of replicas than the database has.
    """
    names = (database.name, *pooled_replica_names(database))
    places = [host_and_port(address, database.port) for address in (pooler.primary, *pooler.replicas)]
    instances = [(name, host, port) for name, (host, port) in zip(names, places, strict=True)]
    return template("pgbouncer.ini.j2").render(database=database, pooler=pooler, instances=instances)
