"""The images of what runs beside the application's container, on a server and in a pod alike."""

from __future__ import annotations

from model.fields import Image, Section


class Images(Section):
    """Container images by tag or, better, by digest, for the application's processor architecture."""

    nginx: Image = "public.ecr.aws/nginx/nginx:1.28-alpine"
    """nginx, in front of gunicorn: its makers' image, from Amazon's public registry."""

    pgbouncer: Image = "ghcr.io/cloudnative-pg/pgbouncer:1.25.1"
    """PgBouncer, where `database.pooling` is `pgbouncer`: CloudNativePG's image, as PgBouncer's makers have none."""

    haproxy: Image = "public.ecr.aws/docker/library/haproxy:3.0-alpine"
    """HAProxy, where `traffic.balancer` is `haproxy`: Docker's official image, from Amazon's public registry."""
