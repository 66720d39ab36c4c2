"""Saved queries of CloudWatch Logs Insights: what one asks of the logs when something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.observability import Observability

Source = Literal["application", "database", "firewall"]

PLACEHOLDER = "REQUEST_ID"
"""What is replaced, in the console, by the id of the request that is looked for."""


@dataclass(frozen=True)
class SavedQuery:
    """A query and whose logs it reads."""

    name: str
    sources: tuple[Source, ...]
    text: str


def saved_queries(observability: Observability, *, firewall: bool) -> tuple[SavedQuery, ...]:
    """Return the queries of a stack, with the firewall's where there is one.

    The fields of the application's lines are django-scale-runtime's (django_scale.logs), those of the firewall's AWS
    WAF's own (AWS WAF guide, "Log fields").
    """
    everywhere: tuple[Source, ...] = (
        ("application", "database", "firewall") if firewall else ("application", "database")
    )
    queries = [
        SavedQuery("slow-requests", ("application",), _slow_requests(observability.slow_seconds)),
        SavedQuery("slow-views", ("application",), _SLOW_VIEWS),
        SavedQuery("errors-by-view", ("application",), _ERRORS_BY_VIEW),
        SavedQuery("recent-errors", ("application",), _RECENT_ERRORS),
        SavedQuery("request-path", everywhere, _REQUEST_PATH),
        SavedQuery("slow-sql", ("database",), _SLOW_SQL),
    ]
    if firewall:
        queries.append(SavedQuery("refused-clients", ("firewall",), _REFUSED_CLIENTS))
    return tuple(queries)


def _slow_requests(seconds: float) -> str:
    return f"""\
fields @timestamp, seconds, method, path, view, status, request_id
| filter logger = "django_scale.access" and seconds > {seconds:.15g}
| sort seconds desc
| limit 200"""


_SLOW_VIEWS = """\
filter logger = "django_scale.access"
| stats count(*) as requests, pct(seconds, 50) as median, pct(seconds, 95) as p95, sum(seconds) as total by view
| sort total desc
| limit 50"""

_ERRORS_BY_VIEW = """\
filter level = "ERROR"
| fields coalesce(view, task, logger) as place
| stats count(*) as errors, latest(request_id) as last_request by place, exception_type
| sort errors desc
| limit 100"""

_RECENT_ERRORS = """\
fields @timestamp, coalesce(view, task, logger) as place, exception_type, message, request_id
| filter level = "ERROR" or level = "CRITICAL"
| sort @timestamp desc
| limit 200"""

# The database's lines are text, and carry the id in a comment; the firewall's have it in the load balancer's trace id.
_REQUEST_PATH = f"""\
fields @timestamp, @log, level, logger, view, task, status, seconds, @message
| filter request_id = "{PLACEHOLDER}" or @message like "{PLACEHOLDER}"
| sort @timestamp asc
| limit 500"""

_SLOW_SQL = """\
fields @timestamp, @logStream
| filter @message like /duration: [0-9.]+ ms/
| parse @message /duration: (?<milliseconds>[0-9.]+) ms/
| parse @message /request_id='(?<request_id>[^']+)'/
| parse @message /(?:view|task)='(?<place>[^']+)'/
| parse @message /ms +[^:]+: (?<statement>.*)/
| fields milliseconds + 0 as slow
| display @timestamp, slow, place, request_id, statement
| sort slow desc
| limit 200"""

_REFUSED_CLIENTS = """\
filter action = "BLOCK"
| stats count(*) as refused by httpRequest.clientIp, terminatingRuleId, responseCodeSent
| sort refused desc
| limit 100"""
