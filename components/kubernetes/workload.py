"""The application on Kubernetes: its configuration, its migration, its pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.kubernetes import sidecars
from components.kubernetes.migration import MigrationJob
from components.kubernetes.pod_configuration import PodConfiguration
from components.kubernetes.pod_spec import Pods
from components.kubernetes.task_workers import TaskWorkers
from components.kubernetes.web_pods import WebDeployment
from model.application import Application
from model.database import Database
from model.environment import DATABASE_PASSWORD
from model.images import Images
from model.kubernetes import Kubernetes
from model.traffic import TrafficPolicy
from render.nginx import nginx_conf
from render.pgbouncer import pgbouncer_ini


@dataclass(frozen=True)
class Place:
    """Where the pods run: the namespace, their service account, the blocks that the load balancer is in.

    The service account's output is resolved once its role stands: pods that start before go without.
    """

    namespace: pulumi.Input[str]
    service_account: pulumi.Input[str]
    balancer_blocks: Sequence[str]


@dataclass(frozen=True)
class Instances:
    """The hosts of the database's primary and of its replicas."""

    primary: pulumi.Input[str]
    replicas: Sequence[pulumi.Input[str]] | pulumi.Output[list[str]] = ()


class Workload(pulumi.ComponentResource):
    """Web pods, workers and beat, after the release's migration."""

    deployment_name: pulumi.Output[str]
    """The web pods' Deployment."""
    worker_names: dict[str, pulumi.Output[str]]
    """The workers' Deployments, by the name of the group."""

    def __init__(
        self,
        name: str,
        kubernetes: Kubernetes,
        application: Application,
        *,
        images: Images,
        traffic: TrafficPolicy,
        database: Database,
        instances: Instances,
        place: Place,
        gunicorn_port: int,
        environment: pulumi.Input[Mapping[str, str]],
        secrets: Mapping[str, pulumi.Input[str]],
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the pods' objects with the Kubernetes provider of `opts`; `name` is the environment's.

        `environment` holds the container's plain variables and `secrets` the value of each other one: the same as on a
        server. Pods start once what is in `after` stands. Where `gunicorn_port` is not `application.port`, nginx stands
        before gunicorn.
        """
        super().__init__("django-scale:kubernetes:Workload", name, None, opts)
        self._name = name
        self._kubernetes = kubernetes
        self._images = images
        self._child = pulumi.ResourceOptions(parent=self)
        files, secret_files = dict[str, pulumi.Input[str]](), dict[str, pulumi.Input[str]]()
        proxied, pooled = gunicorn_port != application.port, database.pooling == "pgbouncer"
        if proxied:
            site = sidecars.nginx_site(application.port, gunicorn_port, place.balancer_blocks)
            files[sidecars.NGINX_FILE] = nginx_conf(traffic, site)
        if pooled:
            files[sidecars.PGBOUNCER_FILE] = _pooler_file(database, instances)
            secret_files[sidecars.USERS_FILE] = pulumi.Output.secret(secrets[DATABASE_PASSWORD]).apply(
                lambda password: sidecars.users_file(database.user, password)
            )
        configuration = PodConfiguration(
            name,
            namespace=place.namespace,
            environment=environment,
            secrets=secrets,
            files=files,
            secret_files=secret_files,
            opts=self._child,
        )
        pods = Pods(
            prefix=name,
            image=application.image,
            namespace=place.namespace,
            service_account=place.service_account,
            config_map=configuration.variables,
            secret=configuration.secrets,
            run_as_user=kubernetes.run_as_user,
            sidecars=self._pooler(configuration) if pooled else (),
        )
        released = self._migrate(pods, after)
        web = WebDeployment(
            name,
            kubernetes.web,
            pods,
            gunicorn_port=gunicorn_port,
            draining_seconds=traffic.draining_seconds,
            sidecars=self._proxy(configuration, application.port) if proxied else (),
            after=released,
            opts=self._child,
        )
        self.deployment_name = web.deployment_name
        tasks = kubernetes.tasks
        workers = None if tasks is None else TaskWorkers(name, tasks, pods, after=released, opts=self._child)
        self.worker_names = {} if workers is None else workers.deployment_names
        self.register_outputs({"deployment_name": self.deployment_name, "worker_names": self.worker_names})

    def _migrate(self, pods: Pods, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        """Return what the release's pods come after."""
        migration = self._kubernetes.migration
        if migration is None:
            return list(after)
        return [*after, MigrationJob(self._name, migration, pods, after=after, opts=self._child)]

    def _proxy(self, configuration: PodConfiguration, port: int) -> list[sidecars.Sidecar]:
        config_map = configuration.files[sidecars.NGINX_FILE]
        resources = self._kubernetes.sidecars.nginx
        return [sidecars.nginx(self._images.nginx, resources, port=port, config_map=config_map)]

    def _pooler(self, configuration: PodConfiguration) -> list[sidecars.Sidecar]:
        config_map, secret = configuration.files[sidecars.PGBOUNCER_FILE], configuration.secret_files
        resources = self._kubernetes.sidecars.pgbouncer
        if secret is None:
            raise ValueError("PgBouncer's users are in no Secret")
        return [sidecars.pgbouncer(self._images.pgbouncer, resources, config_map=config_map, secret=secret)]


def _pooler_file(database: Database, instances: Instances) -> pulumi.Output[str]:
    return pulumi.Output.all(primary=instances.primary, replicas=instances.replicas).apply(
        lambda hosts: pgbouncer_ini(database, sidecars.pooler(hosts["primary"], hosts["replicas"]))
    )
