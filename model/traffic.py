"""What happens to a request before Django sees it: limits, health checks, balancing, filtering."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from model.edge import Pool, Retries, Sizes, Timeouts
from model.fields import Count, Days, LogRetention, PerMinute, Problem, Seconds, Section, form, rule
from model.haproxy import HaproxyServers

# AWS WAF's rate-based rules know these windows and 120, and no limit below 10 (CreateWebACL, RateBasedStatement).
# 300 seconds is the service's own default; 120 is not used: it counts no better for a slow limit, and forgets sooner.
_WAF_WINDOWS = (60, 300, 600)
_WAF_LOWEST_LIMIT = 10


@dataclass(frozen=True)
class WafRate:
    """A limit of requests in a window of seconds, as a rate-based rule takes it."""

    limit: int
    window_seconds: int


def _plain(path: str) -> str | None:
    """Return what a path must be. nginx compares one without such parts: a limit on one that has them never holds."""
    odd = "//" in path or any(part in (".", "..") for part in path.split("/"))
    return "a path without empty, '.' and '..' parts" if odd else None


Path = Annotated[str, form(r"/[A-Za-z0-9._~/-]*", "a path that begins with /"), rule(_plain)]


class RateLimit(Section):
    """How often one client may call a path."""

    path: Path = Field(max_length=200)
    """The beginning of the path."""

    per_minute: PerMinute = Field(ge=1, le=2_000_000)
    """Requests a client may make in a minute. One in ten minutes, at the slowest, can be enforced: ten a window."""

    burst: Count | None = Field(default=None, ge=0, le=10_000)
    """Requests beyond the first that a client may make at once; by default a fifth of a minute's, 3 to 10,000. AWS
    WAF knows no burst: it counts whole windows."""

    @property
    def at_once(self) -> int:
        """Requests that a client that has been silent may make at once."""
        burst = min(max(self.per_minute // 5, 3), 10_000) if self.burst is None else self.burst
        return 1 + burst

    @property
    def window_ms(self) -> int:
        """The milliseconds in which `at_once` requests are the limit's rate: 12,600 for 21 at 100 a minute."""
        return max(1, round(self.at_once * 60_000 / self.per_minute))

    def waf_rate(self) -> WafRate:
        """Return the limit in the shortest window in which AWS WAF accepts it: 5 a minute is 25 in 300 seconds."""
        rates = [WafRate(self.per_minute * window // 60, window) for window in _WAF_WINDOWS]
        return next(rate for rate in rates if rate.limit >= _WAF_LOWEST_LIMIT)


class HealthCheck(Section):
    """When the load balancer takes a server out, and back in."""

    path: Annotated[str, form(r"/\S*", "a path that begins with /")] = Field(default="/health/ready", max_length=1024)
    """The path that answers 200 when the server can serve."""

    interval_seconds: Seconds = Field(default=15, ge=5, le=300)
    """Time between two checks."""

    timeout_seconds: Seconds = Field(default=5, ge=2, le=120)
    """Time after which a check has failed; shorter than the interval."""

    healthy: Count = Field(default=2, ge=2, le=10)
    """Checks in a row that bring a server in."""

    unhealthy: Count = Field(default=3, ge=2, le=10)
    """Checks in a row that take it out."""

    def problems(self) -> Iterator[Problem]:
        """Yield what CreateTargetGroup would refuse."""
        if self.timeout_seconds >= self.interval_seconds:
            yield Problem(
                "timeout_seconds",
                f"must be below interval_seconds ({self.interval_seconds}), is {self.timeout_seconds}",
            )


ManagedGroup = Literal["common", "known-bad-inputs", "sql", "linux", "ip-reputation", "anonymous-ip"]


class Firewall(Section):
    """The web application firewall in front of the load balancer."""

    managed_groups: tuple[ManagedGroup, ...] = ("ip-reputation", "common", "known-bad-inputs", "sql")
    """AWS's managed rule groups, in the order they are asked."""

    block_large_bodies: bool = False
    """Whether bodies over 8 KB are blocked. By default they are counted, as an application with uploads needs."""

    log_retention_days: LogRetention = 30
    """How long blocked requests are logged."""

    def problems(self) -> Iterator[Problem]:
        """Yield groups that are named twice."""
        for index, group in enumerate(self.managed_groups):
            if group in self.managed_groups[:index]:
                yield Problem(f"managed_groups[{index}]", f"must be unique, {group!r} is named twice")


class TrafficPolicy(Section):
    """Limits, health checks and balancing, the same for every balancer that serves the application."""

    balancer: Literal["alb", "haproxy"] = "alb"
    """Who balances: AWS's Application Load Balancer, or HAProxy servers of the team's own."""

    haproxy: HaproxyServers = HaproxyServers()
    """These servers, with `haproxy`."""

    api: RateLimit | None = RateLimit(path="/api/", per_minute=100)
    """The limit on the API, a client; `null` switches it off."""

    login: RateLimit | None = RateLimit(path="/auth/login/", per_minute=5)
    """The limit on signing in, a client; `null` switches it off."""

    firewall: Firewall | None = Firewall()
    """The firewall that holds these limits; `null` takes it away, and the limits of the load balancer with it."""

    health_check: HealthCheck = HealthCheck()
    """How servers are judged."""

    algorithm: Literal["round_robin", "least_outstanding_requests", "weighted_random"] = "least_outstanding_requests"
    """How the load balancer chooses a server."""

    connections_per_client: Count | None = Field(default=100, ge=1, le=65_535)
    """Requests of one client that nginx or HAProxy serves at the same time; further ones are answered 429. One page
    over HTTP/2 may ask for 100 files at once. `null` switches it off."""

    retries: Retries = Retries()
    """When nginx or HAProxy sends a request to another server."""

    timeouts: Timeouts = Timeouts()
    """How long nginx and HAProxy wait."""

    pool: Pool = Pool()
    """The connections of nginx and HAProxy to the servers."""

    sizes: Sizes = Sizes()
    """The largest request that nginx and HAProxy take."""

    static_path: Path = Field(default="/static/", min_length=2, max_length=200)
    """The beginning of the path of static files, where nginx or HAProxy serves them."""

    compression: Literal["none", "static", "all"] = "static"
    """What nginx and HAProxy compress. Pages that hold a secret and repeat what a client sends should not be: the
    length tells the secret (BREACH), so `all` is for applications that know what they do."""

    hsts_seconds: Seconds = Field(default=63_072_000, ge=0, le=63_072_000)
    """How long browsers insist on HTTPS once they have used it; 0 sends no such header. Two years by default."""

    slow_start_seconds: Seconds = Field(default=0, ge=0, le=900)
    """How long a new server gets a growing share; 0, or 30 and more."""

    draining_seconds: Seconds = Field(default=30, ge=0, le=3600)
    """How long a server that leaves may finish its requests."""

    idle_timeout_seconds: Seconds = Field(default=60, ge=1, le=4000)
    """How long the load balancer waits for a client or a server that says nothing."""

    access_log_days: Days = Field(default=90, ge=1, le=3650)
    """How long the load balancer's access logs are kept."""

    deletion_protection: bool = True
    """Whether the load balancer refuses to be deleted."""

    def problems(self) -> Iterator[Problem]:
        """Yield what the services would refuse together."""
        if not self.static_path.endswith("/"):
            # nginx maps what follows to the folder: after `/static`, `/static../` would lead out of it.
            yield Problem("static_path", f"must end with /, is {self.static_path!r}")
        if 0 < self.slow_start_seconds < 30:
            yield Problem("slow_start_seconds", f"must be 0 or at least 30, is {self.slow_start_seconds}")
        if self.slow_start_seconds and self.algorithm != "round_robin":
            yield Problem(
                "slow_start_seconds", f"must be 0 with the algorithm {self.algorithm}, is {self.slow_start_seconds}"
            )

    @property
    def limits(self) -> dict[str, RateLimit]:
        """The request limits by role."""
        named = {"api": self.api, "login": self.login}
        return {role: limit for role, limit in named.items() if limit is not None}
