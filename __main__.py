"""One environment, top to bottom."""

from __future__ import annotations

import pulumi

from components.alarm_topic import AlarmTopic
from components.alarms import NETWORK_BALANCER, Alarms, Watched
from components.cache import Cache
from components.dashboard import Dashboard, Sources
from components.database import Database
from components.firewall import Firewall
from components.fleet import Fleet
from components.fleet_scaling import FleetScaling
from components.haproxy_edge import HaproxyEdge
from components.load_balancer import LoadBalancer
from components.lookups import look_up
from components.network import Network
from components.provider import aws_provider
from components.queries import Queries, Source
from components.queues import Queues
from components.secret import Secret
from components.security_groups import SecurityGroups
from components.stack import read_stack
from components.storage import Storage
from model import environment
from model.environment import CACHE_PORT, Endpoints, container_environment

stack = read_stack()
settings = stack.settings
name = settings.prefix

provider = aws_provider(settings, stack.provider)
opts = pulumi.ResourceOptions(providers=[provider])
lookups = look_up(settings, provider)

topic = AlarmTopic(name, settings.alarms, lookups.account_id, opts)

network = Network(name, settings.network, settings.region, lookups.zone_names, opts)
groups = SecurityGroups(
    name,
    network.vpc_id,
    application_port=settings.application.port,
    database_port=settings.database.port,
    https=settings.application.domain is not None,
    servers=settings.compute.servers,
    proxies=settings.traffic.balancer == "haproxy",
    egress_ports=settings.servers.egress_ports,
    opts=opts,
)

storage = Storage(name, settings.storage, opts)

database = Database(
    f"{name}-db",
    settings.database,
    subnet_ids=network.isolated_subnet_ids,
    security_group_id=groups.database_id,
    zone_names=network.zone_names,
    alarm_topic=topic.arn,
    runbooks=settings.alarms.runbooks,
    secret_generation=settings.deployment.secret_generation,
    opts=opts,
)

caches = {
    role: Cache(
        f"{name}-{role}",
        group,
        engine=settings.cache.engine,
        engine_version=settings.cache.engine_version,
        evicts=role == "cache",
        subnet_ids=network.isolated_subnet_ids,
        security_group_id=groups.cache_id,
        alarm_topic=topic.arn,
        runbooks=settings.alarms.runbooks,
        secret_generation=settings.deployment.secret_generation,
        opts=opts,
    )
    for role, group in (("cache", settings.cache.data), ("sessions", settings.cache.sessions))
    if group is not None
}

weights = settings.compute.weights
watched: list[Watched] = []
firewall = None
pod_targets = None
if groups.proxies_id is not None and lookups.image_id is not None:
    balancer = HaproxyEdge(
        name,
        settings,
        vpc_id=network.vpc_id,
        balancer_subnet_ids=network.public_subnet_ids,
        balancer_group_id=groups.balancer_id,
        server_subnet_ids=network.server_subnet_ids,
        server_group_id=groups.proxies_id,
        image_id=lookups.image_id,
        hosted_zone_id=lookups.hosted_zone_id,
        opts=opts,
    )
    balancer_dimensions = None
    watched += [
        Watched("server", balancer.servers.metric_dimensions, namespace=NETWORK_BALANCER),
        Watched("balancer", balancer.proxies.metric_dimensions, namespace=NETWORK_BALANCER),
    ]
else:
    balancer = LoadBalancer(
        name,
        settings.traffic,
        settings.application,
        settings.compute,
        vpc_id=network.vpc_id,
        subnet_ids=network.public_subnet_ids,
        security_group_id=groups.balancer_id,
        hosted_zone_id=lookups.hosted_zone_id,
        opts=opts,
    )
    balancer_dimensions = balancer.metric_dimensions
    if settings.traffic.firewall is not None:
        firewall = Firewall(name, settings.traffic.firewall, settings.traffic, settings.region, balancer.arn, opts)
    if balancer.servers is not None:
        watched.append(Watched("server", balancer.servers.metric_dimensions, serves=weights.servers > 0))
    if balancer.pods is not None:
        pod_targets = balancer.pods
        watched.append(Watched("pod", pod_targets.metric_dimensions, serves=weights.kubernetes > 0))
application_dimensions = {"Environment": name}
alarms = Alarms(
    name,
    settings.alarms,
    topic_arn=topic.arn,
    balancer_dimensions=balancer_dimensions,
    application_dimensions=application_dimensions,
    targets=watched,
    opts=opts,
)

kubernetes = settings.compute.kubernetes
queues = None if kubernetes is None or kubernetes.tasks is None else Queues(name, kubernetes.tasks, opts)

secret_key = Secret(
    f"{name}-secret-key",
    f"Django's SECRET_KEY in {name}",
    generation=settings.deployment.secret_generation,
    opts=opts,
)
given = {
    variable: Secret(f"{name}-variable-{variable.lower().replace('_', '-')}", f"{variable} in {name}", value, opts=opts)
    for variable, value in stack.secrets.items()
}
passwords = {environment.SECRET_KEY: secret_key, environment.DATABASE_PASSWORD: database.password, **given}
for variable, role in ((environment.CACHE_PASSWORD, "cache"), (environment.SESSION_PASSWORD, "sessions")):
    if role in caches:
        passwords[variable] = caches[role].password


variables = pulumi.Output.all(
    balancer=balancer.dns_name,
    database=database.host,
    replicas=database.replica_hosts,
    cache=caches["cache"].host if "cache" in caches else None,
    sessions=caches["sessions"].host if "sessions" in caches else None,
    static_bucket=storage.static.bucket_name,
    media_bucket=storage.media.bucket_name,
    cdn=storage.domain,
    queues={} if queues is None else queues.urls,
).apply(lambda values: container_environment(settings, Endpoints(**values)))
secret_arns = {variable: passwords[variable].arn for variable in environment.secret_variables(settings)}

fleet: Fleet | None = None
if balancer.servers is not None and groups.servers_id is not None and lookups.image_id is not None:
    fleet = Fleet(
        f"{name}-web",
        settings,
        image_id=lookups.image_id,
        subnet_ids=network.server_subnet_ids,
        security_group_id=groups.servers_id,
        target_group_arn=balancer.servers.arn,
        environment=variables,
        database_hosts=[database.host, *database.replica_hosts],
        secret_arns=secret_arns,
        bucket_arns=[storage.static.arn, storage.media.arn],
        refresh_alarms=alarms.refresh_alarms,
        queue_arns=[] if queues is None else queues.arns,
        opts=opts,
    )
    FleetScaling(
        f"{name}-web",
        settings.scaling,
        group_name=fleet.group_name,
        resource_label=balancer.servers.resource_label,
        balancer_dimensions=balancer_dimensions or {},
        application_dimensions=application_dimensions,
        runbooks=settings.alarms.runbooks,
        opts=opts,
    )

if kubernetes is not None and pod_targets is not None and lookups.deployer_arn is not None:
    # Here, as a stack of servers alone has no use for the SDK of Kubernetes and would wait for it at each run.
    from components.kubernetes.application_pods import ApplicationPods, Uses
    from components.kubernetes.platform import Platform, Surroundings
    from components.kubernetes.workload import Instances

    platform = Platform(
        name,
        kubernetes,
        settings.application.architecture,
        Surroundings(
            region=settings.region,
            account_id=lookups.account_id,
            deployer_arn=lookups.deployer_arn,
            provider=stack.provider,
            tags=settings.tags,
            vpc_id=network.vpc_id,
            subnet_ids=network.server_subnet_ids,
            zone_names=network.zone_names,
            balancer_group_id=groups.balancer_id,
            target_group_arn=pod_targets.arn,
            pod_port=settings.application.port,
            used={"database": (groups.database_id, settings.database.port), "cache": (groups.cache_id, CACHE_PORT)},
        ),
        opts,
    )
    pods = ApplicationPods(
        name,
        settings,
        kubernetes,
        platform,
        Uses(
            environment=variables,
            secrets={variable: passwords[variable].value for variable in secret_arns},
            instances=Instances(database.host, database.replica_hosts),
            bucket_arns=[storage.static.arn, storage.media.arn],
            queue_arns=[] if queues is None else queues.arns,
            target_group_arn=pod_targets.arn,
        ),
        pulumi.ResourceOptions(providers=[provider, platform.provider]),
    )
    pulumi.export("cluster", platform.cluster.name)
    pulumi.export("namespace", pods.namespace)

logs: dict[Source, list[pulumi.Input[str]]] = {"database": [*database.log_group_names]}
if fleet is not None:
    logs["application"] = [fleet.log_group_name]
if firewall is not None:
    logs["firewall"] = [firewall.log_group_name]
Queries(name, settings.observability, log_groups=logs, opts=opts)

dashboard = Dashboard(
    name,
    settings.region,
    Sources(
        balancer=balancer_dimensions,
        targets={f"{each.what}s": each.dimensions for each in watched},
        application=application_dimensions,
        group_name=None if fleet is None else fleet.group_name,
        alarm_arns=alarms.arns,
        databases=database.instance_ids,
        caches={role: cache.node_ids for role, cache in caches.items()},
    ),
    opts,
)

domain = settings.application.domain
pulumi.export("url", f"https://{domain}" if domain else pulumi.Output.concat("http://", balancer.dns_name))
pulumi.export("environment", variables)
pulumi.export("secrets", secret_arns)
if fleet is not None:
    pulumi.export("group", fleet.group_name)
    pulumi.export("launch_template_version", fleet.template_version)
    pulumi.export("log_group", fleet.log_group_name)
pulumi.export("database", database.instance_ids)
pulumi.export("cache", {role: cache.group_id for role, cache in caches.items()})
pulumi.export("load_balancer", balancer.arn)
pulumi.export("alarm_topic", topic.arn)
pulumi.export("dashboard", dashboard.name)
