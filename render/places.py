"""Where a balancer or a pooler runs: addresses, folders, certificates. What it does there is the model's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from model.environment import PGBOUNCER_PORT

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|\*):(?P<port>\d{1,5})")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
# What configuration files take for more than a character of a word.
_UNSAFE = re.compile(r"[\s;{}#$\"'\\\x00]")


class PlaceError(ValueError):
    """A place that no configuration file can name; the message says which and why."""


@dataclass(frozen=True)
class Upstream:
    """A server of the application or of static files: its name in logs, `host:port`, its share of the requests."""

    name: str
    address: str
    weight: int = 1
    backup: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise PlaceError(f"a server's name must be letters, digits, '.', '_' and '-', is {self.name!r}")
        check_address(self.address)
        if not 1 <= self.weight <= 256:
            raise PlaceError(f"a server's weight must be 1 to 256, is {self.weight}")


@dataclass(frozen=True)
class Discovery:
    """Servers of the application that are found by name: a DNS name's addresses, asked again and again."""

    name: str
    """The host name whose A records are the servers."""
    port: int
    """The port of each."""
    slots: int
    """Servers at most."""
    resolver: str = "169.254.169.253:53"
    """The name server, `host:port`; by default the VPC's own (VPC guide, "Amazon DNS server")."""

    def __post_init__(self) -> None:
        check_address(f"{self.name}:{self.port}")
        check_address(self.resolver)


@dataclass(frozen=True)
class Slots:
    """Servers of the application that HAProxy is told of while it runs, through its control socket: `count` at most.

    Each is `web<number>` of the backend `django`, at `port`, out of service at first. The health check of who is in
    front of this HAProxy, GET /health at `health`, fails until the server `told` of the backend `told` is enabled.
    """

    port: int
    count: int
    health: str = "*:8405"

    def __post_init__(self) -> None:
        check_address(f"slot:{self.port}")
        check_address(self.health)


@dataclass(frozen=True)
class StaticFiles:
    """Where static files are, and how long browsers keep them: those with a hash in their name, and the others."""

    hashed_seconds: int
    unhashed_seconds: int
    folder: str | None = None
    """The folder of files whose path goes on after the policy's `static_path` (nginx only)."""
    servers: tuple[Upstream, ...] = ()
    """Who serves what is not in the folder."""

    def __post_init__(self) -> None:
        check_path(self.folder)


@dataclass(frozen=True, kw_only=True)
class Front:
    """What nginx and HAProxy are told alike.

    `http` and `https` are the addresses to listen at (`*:80`). With both, the first redirects to the second.
    `trusted_proxies` are the networks of the balancers before this one: from these, and no one else, X-Forwarded-For
    and X-Forwarded-Proto count. `proxy_protocol` says that these balancers speak the PROXY protocol instead.
    """

    servers: tuple[Upstream, ...] = ()
    http: str | None = "*:80"
    https: str | None = None
    certificate: str | None = None
    """The certificate and its chain, PEM. HAProxy finds the key in the same file, or beside it in `<file>.key`."""
    certificate_key: str | None = None
    """The key, for nginx; by default in the certificate's file."""
    server_names: tuple[str, ...] = ()
    """Host names to which a redirect to HTTPS may lead; without any, it leads to the host that was asked for."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    proxy_protocol: bool = False
    static: StaticFiles | None = None
    user: str | None = None
    """Whom it becomes once it listens; by default the user that starts it, or the package's own."""

    def __post_init__(self) -> None:
        for address in (self.http, self.https):
            if address is not None:
                check_address(address)
        if self.http is None and self.https is None:
            raise PlaceError("neither http nor https: there is nothing to listen at")
        if self.https is not None and self.certificate is None:
            raise PlaceError("https needs a certificate")
        for path in (self.certificate, self.certificate_key, self.user):
            check_path(path)
        for name in self.server_names:
            if not _NAME.fullmatch(name.removeprefix(".")):
                raise PlaceError(f"a server's host name must be letters, digits, '.' and '-', is {name!r}")
        names = [server.name for server in self.servers]
        if len(set(names)) < len(names):
            raise PlaceError(f"servers must have names of their own, are {', '.join(names)}")
        if self.servers and all(server.backup for server in self.servers):
            raise PlaceError("there must be a server that is no backup")


@dataclass(frozen=True, kw_only=True)
class Site(Front):
    """Where nginx runs."""

    run: str = "/run/nginx"
    """The folder of the process identifier; it must exist."""
    temp: str = "/var/lib/nginx/tmp"
    """The folder of bodies that do not fit in memory; it must exist."""
    access_log: str = "/var/log/nginx/access.log"
    """A file, or `/dev/stdout`."""
    error_log: str = "/var/log/nginx/error.log"
    """A file, or `stderr`."""
    mime_types: str = "/etc/nginx/mime.types"
    brotli_modules: str | None = None
    """The folder of nginx's Brotli modules (Debian: /usr/lib/nginx/modules); None where there are none."""
    status: str | None = "127.0.0.1:8405"
    """The loopback address at which nginx tells its connections, at /status."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.servers:
            raise PlaceError("there must be a server of the application")
        for path in (self.run, self.temp, self.access_log, self.error_log, self.mime_types, self.brotli_modules):
            check_path(path)
        _check_loopback(self.status)


@dataclass(frozen=True, kw_only=True)
class Edge(Front):
    """Where HAProxy runs. Either `servers`, `discovery` or `slots` names the application's servers."""

    discovery: Discovery | None = None
    slots: Slots | None = None
    run: str = "/run/haproxy"
    """The folder of the control socket; it must exist."""
    log: str = "/dev/log"
    """A syslog socket, `host:port` of a syslog server, or `stdout`."""
    chroot: str | None = None
    stats: str | None = "127.0.0.1:8404"
    """The loopback address of /stats and /metrics."""
    stats_user: str = "scale"
    """Who may read them, with the password whose crypt(3) hash is in the environment's HAPROXY_STATS_HASH."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if sum((bool(self.servers), self.discovery is not None, self.slots is not None)) != 1:
            raise PlaceError("there must be servers of the application, or a way to find them, and not both")
        for path in (self.run, self.log, self.chroot, self.stats_user):
            check_path(path)
        _check_loopback(self.stats)


@dataclass(frozen=True, kw_only=True)
class Pooler:
    """Where PgBouncer runs.

    `primary` and `replicas` are hosts, or `host:port` where one listens at another port than the database's settings
    say; a process finds them by the names that `model.environment` writes.
    """

    primary: str
    replicas: tuple[str, ...] = ()
    port: int = PGBOUNCER_PORT
    """The port on loopback."""
    clients: int = 1000
    """Connections of processes at most."""
    users: str = "/etc/pgbouncer/users.txt"
    """The file of users and their passwords, `"user" "password"`; it is not written here."""
    certificates: str | None = None
    """The certificates that sign the database's, PEM; without them the connections are not encrypted."""
    run: str = "/run/pgbouncer"
    """The folder of the process identifier; it must exist."""
    log: str | None = None
    """The log's file; by default standard error."""

    def __post_init__(self) -> None:
        for host in (self.primary, *self.replicas):
            host_and_port(host, 1)
        for path in (self.users, self.certificates, self.run, self.log):
            check_path(path)


def networks(blocks: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks that `blocks` (`10.0.0.0/16`) stand for. Raises PlaceError for what is none."""
    found: list[IPv4Network | IPv6Network] = []
    for block in blocks:
        try:
            found.append(ip_network(block))
        except ValueError as error:
            raise PlaceError(f"{block!r} is no network: {error}") from None
    return tuple(found)


def check_address(address: str) -> None:
    """Hold that `address` is `host:port`."""
    match = _ADDRESS.fullmatch(address)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise PlaceError(f"an address must be host:port, is {address!r}")


def host_and_port(address: str, port: int) -> tuple[str, int]:
    """Return the host and the port of `host:port`, or of a host alone, to which `port` belongs. Raises PlaceError."""
    given = address if _ADDRESS.fullmatch(address) else f"{address}:{port}"
    check_address(given)
    host, _, number = given.rpartition(":")
    return host, int(number)


def check_path(path: str | None) -> None:
    """Hold that `path` can stand in a configuration file."""
    if path is not None and (not path or _UNSAFE.search(path)):
        raise PlaceError(f"a path must have no spaces, quotes, ; {{ }} # $ or backslashes, is {path!r}")


def _check_loopback(address: str | None) -> None:
    if address is None:
        return
    check_address(address)
    if not address.startswith(("127.", "[::1]:", "localhost:")):
        raise PlaceError(f"what tells about the server must be on loopback, is at {address}")
