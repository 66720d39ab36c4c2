"""A request's id in the database: as the connection's application_name, and as a comment in each statement.

application_name costs no round trip of its own: where it must change, `SET` goes ahead of the request's next statement
in the same message. libpq knows the server's own value, so a rollback, a pool or PgBouncer cannot deceive it.
"""

from __future__ import annotations

import re
from typing import Any

from django.db.backends.postgresql import base

from django_scale.conf import options
from django_scale.logs.context import Context, current

# PostgreSQL keeps 63 bytes (NAMEDATALEN) and replaces what is not printable ASCII: a name that it would change would
# be set anew with every statement.
NAME_BYTES = 63
_UNPRINTABLE = re.compile(r"[^ -~]|['\\]")
# In one message with SET they are one transaction, which these do not mind. Neither does a read in an aborted one.
_RIDES = re.compile(r"[\s(]*(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b", re.IGNORECASE)
_COMMENTED = re.compile(r"[^\w.:=+-]")


def application_name(own: str, context: Context | None) -> str:
    """The name of a connection that serves `context`: its own, and the request's id."""
    name = own if context is None else f"{own}:{context.request_id}"
    return _UNPRINTABLE.sub("_", name)[:NAME_BYTES]


def comment(context: Context) -> str:
    """The comment of a statement: the request's id, and its view or task where that is known.

    In front, as PostgreSQL cuts long statements (track_activity_query_size) at their ends.
    """
    if not context.tag:
        source = ("task", context.task) if context.task else ("view", context.view)
        more = f",{source[0]}='{_COMMENTED.sub('_', source[1])[:80]}'" if source[1] else ""
        text = f"/*request_id='{context.request_id}'{more}*/ "
        if not more:  # the view may become known
            return text
        context.tag = text
    return context.tag


# Django defines it for psycopg 3 alone, which its types do not say.
_DjangoCursor: Any = getattr(base, "Cursor")  # noqa: B009


class Cursor(_DjangoCursor):
    """Below all that watches SQL (Django's wrappers, tracing, error trackers): these see statements as they were."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        """Run a statement with what belongs to its request."""
        chosen = options().database_tags
        if chosen == "none" or not isinstance(query, str):
            return _DjangoCursor.execute(self, query, params, **more)
        context = current.get()
        name = self._new_name(context) if chosen != "comment" and _RIDES.match(query) else None
        if context is not None and chosen != "application_name":
            query = comment(context) + query
        if name is None:
            return _DjangoCursor.execute(self, query, params, **more)
        _DjangoCursor.execute(self, f"SET application_name TO '{name}';{query}", params, **more)
        self.nextset()
        return self

    def _new_name(self, context: Context | None) -> str | None:
        """The name that the connection must be given; None when it has it."""
        connection: Any = self.connection
        wanted = application_name(getattr(connection, "django_scale_name", "django"), context)
        return None if connection.pgconn.parameter_status(b"application_name") == wanted.encode() else wanted
