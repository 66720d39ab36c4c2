"""nginx or HAProxy before the application servers, with the configuration that `render` writes for the stack."""

from __future__ import annotations

import contextlib
import http.client
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from model.settings import Settings
from model.storage import Storage
from model.traffic import TrafficPolicy
from render.haproxy import haproxy_cfg
from render.nginx import nginx_conf
from render.places import Edge, Site, StaticFiles, Upstream, networks
from scale.local.servers import Haproxy, Nginx, Server, free_port
from scale.local.servers.process import wait_for

_LOOPBACK = networks(["127.0.0.0/8"])
_MIME_TYPES = ("/etc/nginx/mime.types", "/usr/local/etc/nginx/mime.types", "/opt/homebrew/etc/nginx/mime.types")
_BROTLI = Path("/usr/lib/nginx/modules")

_RELOAD_SECONDS = 20.0


class Named(Protocol):
    """A server of the application: its name and its `host:port`."""

    @property
    def name(self) -> str:
        """The name in logs."""
        ...

    @property
    def address(self) -> str:
        """`host:port`."""
        ...


class NginxBalancer(Nginx):
    """nginx. It serves the static files itself; `files` is the folder in which the policy's static path is."""

    def __init__(self, folder: Path, settings: Settings, files: Path, port: int | None = None) -> None:
        super().__init__(folder, "", port or free_port())
        self._status = f"127.0.0.1:{free_port()}"
        self._policy = settings.traffic
        self._static = _static(settings.storage, folder=str(files / self._policy.static_path.strip("/")))

    @property
    def access_log(self) -> Path:
        """The file of one line a request."""
        return self.folder / "access.log"

    def update(self, servers: Sequence[Named]) -> None:
        """Send requests to these servers and no others. Where it runs, return when it has gone over."""
        site = Site(
            servers=_upstreams(servers),
            http=self.address,
            trusted_proxies=_LOOPBACK,
            static=self._static,
            run=str(self.folder),
            temp=str(self.folder),
            access_log=str(self.access_log),
            error_log="stderr",
            mime_types=next((path for path in _MIME_TYPES if Path(path).exists()), _MIME_TYPES[0]),
            brotli_modules=str(_BROTLI) if (_BROTLI / "ngx_http_brotli_filter_module.so").exists() else None,
            status=self._status,
        )
        _take_over(self, nginx_conf(self._policy, site))

    def alive(self) -> bool:
        """Whether it answers for itself."""
        return _answers(self._status, "/status")


class HaproxyBalancer(Haproxy):
    """HAProxy, with a server of static files behind it: it serves none itself."""

    def __init__(self, folder: Path, settings: Settings, files: str, port: int | None = None) -> None:
        # Nobody needs to sign in to what it tells about itself: without the password's hash, nobody can.
        super().__init__(folder, "", port or free_port(), environment={"HAPROXY_STATS_HASH": "*"})
        self._status = f"127.0.0.1:{free_port()}"
        self._policy: TrafficPolicy = settings.traffic
        self._static = _static(settings.storage, servers=(Upstream("static", files),))

    @property
    def access_log(self) -> Path:
        """The file of one line a request, among what HAProxy says of itself."""
        return self.folder / "log"

    def update(self, servers: Sequence[Named]) -> None:
        """Send requests to these servers and no others. Where it runs, return when it has gone over."""
        edge = Edge(
            servers=_upstreams(servers),
            http=self.address,
            trusted_proxies=_LOOPBACK,
            static=self._static,
            run=str(self.folder),
            log="stdout",
            stats=self._status,
        )
        _take_over(self, haproxy_cfg(self._policy, edge))

    def alive(self) -> bool:
        """Whether it answers for itself."""
        return _answers(self._status, "/stats")


LocalBalancer = NginxBalancer | HaproxyBalancer


class Files(Server):
    """A server of files over HTTP: what a bucket is in the cloud, to a balancer that serves no files itself."""

    def __init__(self, folder: Path, files: Path, python: str) -> None:
        super().__init__(folder)
        self._files, self._python = files, python

    def command(self) -> list[str]:
        """Python's own."""
        options = ["--bind", self.host, "--directory", str(self._files), "--protocol", "HTTP/1.1"]
        return [self._python, "-I", "-m", "http.server", str(self.port), *options]


def _static(storage: Storage, **places: Any) -> StaticFiles:
    return StaticFiles(storage.hashed_seconds, storage.unhashed_seconds, **places)


def _upstreams(servers: Sequence[Named]) -> tuple[Upstream, ...]:
    return tuple(Upstream(server.name, server.address) for server in servers)


def _take_over(balancer: LocalBalancer, text: str) -> None:
    """Write the configuration; where the balancer runs, let it go over to it."""
    if not balancer.running:
        balancer.write(text)
        return
    before = [pid for pid in balancer.members() if pid != balancer.pid]
    balancer.reload(text)
    wait_for(
        lambda: not balancer.running or not any(listens(pid, balancer.port) for pid in before),
        _RELOAD_SECONDS,
        f"{balancer.folder.name} has not gone over to its new configuration",
        balancer.log,
    )


def listens(pid: int, port: int) -> bool:
    """Return whether a process listens at a port of 127.0.0.1 (proc(5), /proc/net/tcp: state 0A, inode the tenth)."""
    local = f"0100007F:{port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    sockets = {f"socket:[{fields[9]}]" for fields in lines if fields[1] == local and fields[3] == "0A"}
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.readlink(entry) in sockets:
                    return True
    return False


def _answers(address: str, path: str) -> bool:
    """Return whether any answer comes, whatever its status."""
    connection = http.client.HTTPConnection(address, timeout=2.0)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
