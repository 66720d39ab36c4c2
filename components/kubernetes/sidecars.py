"""What runs beside the application in its pods: nginx, PgBouncer.

They are native sidecars, init containers that go on running: they start before the application, end after it, and do
not keep a Job from ending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.container import container_security, resources_of
from model.environment import CERTIFICATES
from model.workload import Resources
from render.places import Pooler, Site, Upstream, networks

NGINX, PGBOUNCER = "nginx", "pgbouncer"
NGINX_FILE, PGBOUNCER_FILE, USERS_FILE = "nginx.conf", "pgbouncer.ini", "users.txt"
_NGINX, _PGBOUNCER = "/etc/django-scale-nginx", "/etc/pgbouncer"
_RUN = {NGINX: "/run/nginx", PGBOUNCER: "/run/pgbouncer"}
_TEMP = "/var/lib/nginx/tmp"

CERTIFICATES_MOUNT: kubernetes.core.v1.VolumeMountArgsDict = {
    "name": "certificates",
    "mount_path": CERTIFICATES.rpartition("/")[0],
    "read_only": True,
}


@dataclass(frozen=True)
class Sidecar:
    """A container and the volumes that it mounts."""

    container: kubernetes.core.v1.ContainerArgsDict
    volumes: Sequence[kubernetes.core.v1.VolumeArgsDict] = field(default=())


def nginx_site(port: int, gunicorn_port: int, trusted: Sequence[str]) -> Site:
    """Return nginx's place in a pod: it listens at `port`, and believes what balancers in `trusted` say of clients."""
    return Site(
        servers=(Upstream("gunicorn", f"127.0.0.1:{gunicorn_port}"),),
        http=f"*:{port}",
        trusted_proxies=networks(trusted),
        run=_RUN[NGINX],
        temp=_TEMP,
        access_log="/dev/stdout",
        error_log="stderr",
    )


def pooler(primary: str, replicas: Sequence[str]) -> Pooler:
    """Return PgBouncer's place in a pod; `primary` and `replicas` are hosts."""
    return Pooler(
        primary=primary,
        replicas=tuple(replicas),
        users=f"{_PGBOUNCER}/{USERS_FILE}",
        certificates=CERTIFICATES,
        run=_RUN[PGBOUNCER],
    )


def users_file(user: str, password: str) -> str:
    """Return PgBouncer's file of users; a quote in a name or a password is doubled (pgbouncer.ini, auth_file)."""
    quoted = (text.replace('"', '""') for text in (user, password))
    return " ".join(f'"{text}"' for text in quoted) + "\n"


def nginx(image: str, resources: Resources, *, port: int, config_map: pulumi.Input[str]) -> Sidecar:
    """Return nginx, with the file NGINX_FILE of `config_map`."""
    return Sidecar(
        {
            **_sidecar(NGINX, image, resources),
            "command": ["nginx", "-e", "stderr", "-c", f"{_NGINX}/{NGINX_FILE}", "-g", "daemon off;"],
            "ports": [{"name": "http", "container_port": port, "protocol": "TCP"}],
            "readiness_probe": {"tcp_socket": {"port": port}, "period_seconds": 5},
            "volume_mounts": [
                {"name": "nginx", "mount_path": _NGINX, "read_only": True},
                {"name": "nginx-run", "mount_path": _RUN[NGINX]},
                {"name": "nginx-temp", "mount_path": _TEMP},
            ],
        },
        [
            {"name": "nginx", "config_map": {"name": config_map}},
            {"name": "nginx-run", "empty_dir": {"size_limit": "16Mi"}},
            # Bodies that do not fit in memory, and answers that clients take slowly.
            {"name": "nginx-temp", "empty_dir": {"size_limit": "4Gi"}},
        ],
    )


def pgbouncer(image: str, resources: Resources, *, config_map: pulumi.Input[str], secret: pulumi.Input[str]) -> Sidecar:
    """Return PgBouncer, with the file PGBOUNCER_FILE of `config_map` and USERS_FILE of `secret`."""
    return Sidecar(
        {
            **_sidecar(PGBOUNCER, image, resources),
            "command": ["pgbouncer", f"{_PGBOUNCER}/{PGBOUNCER_FILE}"],
            "volume_mounts": [
                {"name": "pgbouncer", "mount_path": _PGBOUNCER, "read_only": True},
                {"name": "pgbouncer-run", "mount_path": _RUN[PGBOUNCER]},
                CERTIFICATES_MOUNT,
            ],
        },
        [
            {
                "name": "pgbouncer",
                "projected": {
                    "sources": [
                        {"config_map": {"name": config_map}},
                        {"secret": {"name": secret}},
                    ]
                },
            },
            {"name": "pgbouncer-run", "empty_dir": {"size_limit": "16Mi"}},
        ],
    )


def _sidecar(name: str, image: str, resources: Resources) -> kubernetes.core.v1.ContainerArgsDict:
    return {
        "name": name,
        "image": image,
        "image_pull_policy": "IfNotPresent",
        "restart_policy": "Always",
        "resources": resources_of(resources),
        "security_context": container_security(),
    }
