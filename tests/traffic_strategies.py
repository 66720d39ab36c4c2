"""Any valid traffic policy."""

from __future__ import annotations

from hypothesis import strategies as st

from model.fields import LOG_RETENTIONS
from tests.groups import Group, Groups, group

_retentions = st.sampled_from(LOG_RETENTIONS)


def _limits() -> st.SearchStrategy[Group | None]:
    limit = group({"path": _paths, "per_minute": st.integers(1, 2_000_000)}, burst=st.none() | st.integers(0, 10_000))
    return st.none() | limit


_paths = st.sampled_from(["/", "/api/", "/health/", "/static/", "/static/x.y"]) | st.from_regex(
    r"(/[A-Za-z0-9_~-]{1,8}){1,3}/?", fullmatch=True
)
_CAUSES = ("error", "timeout", "invalid_response", "http_500", "http_502", "http_503", "http_504")


_SECONDS = {
    "connect_seconds": 75,
    "read_seconds": 3600,
    "send_seconds": 3600,
    "queue_seconds": 300,
    "client_header_seconds": 120,
    "client_seconds": 3600,
    "keepalive_seconds": 3600,
}


def _retries() -> Groups:
    return group(
        tries=st.integers(1, 10),
        seconds=st.integers(1, 300),
        causes=st.lists(st.sampled_from(_CAUSES), unique=True),
    )


def _pools() -> Groups:
    return group(
        keepalive=st.integers(1, 1024),
        keepalive_seconds=st.integers(1, 70),
        connections=st.none() | st.integers(1, 100_000),
        max_fails=st.integers(1, 100),
        fail_seconds=st.integers(1, 3600),
    )


@st.composite
def traffic_policies(draw: st.DrawFn) -> Group:
    """Return a traffic policy."""
    groups = ["common", "known-bad-inputs", "sql", "linux", "ip-reputation", "anonymous-ip"]
    firewall = group(
        managed_groups=st.lists(st.sampled_from(groups), unique=True),
        block_large_bodies=st.booleans(),
        log_retention_days=_retentions,
    )
    check = st.integers(5, 300).flatmap(
        lambda interval: group(
            {"interval_seconds": st.just(interval), "timeout_seconds": st.integers(2, min(120, interval - 1))},
            path=st.from_regex(r"/[a-z/]{0,20}", fullmatch=True),
            healthy=st.integers(2, 10),
            unhealthy=st.integers(2, 10),
        )
    )
    policy = draw(
        group(
            balancer=st.sampled_from(["alb", "haproxy"]),
            haproxy=group(interval_seconds=st.integers(2, 60)),
            api=_limits(),
            login=_limits(),
            firewall=st.none() | firewall,
            health_check=check,
            algorithm=st.sampled_from(["round_robin", "least_outstanding_requests", "weighted_random"]),
            draining_seconds=st.integers(0, 3600),
            idle_timeout_seconds=st.integers(1, 4000),
            access_log_days=st.integers(1, 3650),
            deletion_protection=st.booleans(),
            connections_per_client=st.none() | st.sampled_from([1, 65_535]) | st.integers(1, 65_535),
            static_path=_paths.map(lambda path: f"{path.rstrip('/')}/").filter(lambda path: path != "/"),
            compression=st.sampled_from(["none", "static", "all"]),
            hsts_seconds=st.integers(0, 63_072_000),
            retries=_retries(),
            timeouts=group(None, **{name: st.integers(1, most) for name, most in _SECONDS.items()}),
            pool=_pools(),
            sizes=group(body_mib=st.integers(1, 5120), header_kib=st.integers(4, 32)),
        )
    )
    if policy.get("algorithm") == "round_robin":
        policy["slow_start_seconds"] = draw(st.just(0) | st.integers(30, 900))
    if draw(st.integers(0, 9)) == 0:
        policy |= {"api": None, "login": None}
    return policy
