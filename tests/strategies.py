"""Any valid environment, as a stack's file describes it: for properties that must hold whatever the settings are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from model import environment, instances
from model.fields import LOG_RETENTIONS
from model.settings import Settings
from tests.compute_strategies import computes
from tests.groups import Group, Groups, group
from tests.traffic_strategies import traffic_policies


@dataclass(frozen=True)
class Stack:
    """A stack's name, region and configuration, and the keys whose values are encrypted."""

    name: str
    region: str
    config: Group
    secret: tuple[str, ...] = field(default=())

    def settings(self) -> Settings:
        """Return the settings that the configuration stands for."""
        return Settings.parse(self.config, stack=self.name, region=self.region, secret=self.secret)


INSTANCE_TYPES = [
    "t3.micro",
    "t3a.medium",
    "t4g.nano",
    "t4g.2xlarge",
    "m5.large",
    "m6a.metal",
    "m7g.medium",
    "m7i-flex.large",
    "m8g.48xlarge",
    "c5n.large",
    "c6in.32xlarge",
    "c7gn.xlarge",
    "c8g.large",
    "r6idn.xlarge",
    "r7g.xlarge",
    "r8i.96xlarge",
    "g4dn.xlarge",
    "g5g.xlarge",
    "a1.large",
    "x2gd.large",
    "i4i.large",
    "i8g.large",
    "inf2.xlarge",
    "hpc7g.4xlarge",
    "u7i-12tb.224xlarge",
    "z1d.large",
]
DATABASE_CLASSES = [
    "db.t3.micro",
    "db.t4g.medium",
    "db.m5.large",
    "db.m7g.large",
    "db.r6i.xlarge",
    "db.r8g.48xlarge",
    "db.c6gd.large",
]
DATABASE_CLASSES_WITHOUT_MEMORY = ["db.x2g.large", "db.z1d.large", "db.t2.micro"]
NODE_TYPES = [
    "cache.t3.micro",
    "cache.t4g.small",
    "cache.m7g.large",
    "cache.r7g.xlarge",
    "cache.c7gn.large",
    "cache.m5.large",
]
REGIONS = ["eu-west-1", "us-east-1", "ap-southeast-2", "mx-central-1"]

_ARCHITECTURES: tuple[instances.Architecture, ...] = ("arm64", "x86_64")
_names = st.from_regex(r"[a-z][a-z0-9]{0,4}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
_hosts = st.from_regex(r"([a-z0-9][a-z0-9-]{0,8}[a-z0-9]\.){1,2}(com|dev|xn--p1ai)", fullmatch=True)
_retentions = st.sampled_from(LOG_RETENTIONS)
_lines = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30)
_digests = st.sampled_from(["@sha256:" + "0123456789abcdef" * 4])
_images = st.one_of(
    st.sampled_from(["shop:1.4.0", "ghcr.io/example/shop:1", "localhost:5000/shop/web:v2_final.1"]),
    st.builds("{}{}".format, st.sampled_from(["ghcr.io/example/shop", "shop:latest"]), _digests),
    st.just("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/shop:7"),
)


def _flags(*keys: str) -> dict[str, st.SearchStrategy[bool]]:
    return dict.fromkeys(keys, st.booleans())


@st.composite
def applications(draw: st.DrawFn) -> Group:
    """Return an application, its architecture aside."""
    application = draw(
        group(
            {"image": _images},
            name=st.from_regex(r"[a-z][a-z0-9]{1,9}(-[a-z0-9]{1,10})?", fullmatch=True),
            port=st.integers(1024, 65535).filter(lambda port: port not in (8001, 6432)),
            workers=st.integers(1, 64),
            threads=st.integers(1, 64),
            worker_memory_mib=st.integers(32, 65536),
            allowed_hosts=st.lists(st.builds("{}{}".format, st.sampled_from(["", "."]), _hosts), max_size=3),
            environment=st.dictionaries(st.from_regex(r"[a-z_][A-Za-z0-9_]{0,15}", fullmatch=True), _lines, max_size=4),
        )
    )
    domain = draw(st.none() | _hosts | _hosts.map("www.{}".format))
    if domain is not None:
        application["domain"] = domain
        zones = [None, domain, domain.split(".", 1)[1]] if domain.count(".") > 1 else [None, domain]
        zone = draw(st.sampled_from(zones))
        if zone is not None:
            application["hosted_zone"] = zone
    return application


@st.composite
def networks(draw: st.DrawFn) -> Group:
    """Return a network."""
    prefix = draw(st.integers(16, 23))
    start, blocks = draw(st.sampled_from([("10", 256), ("192.168", 1), ("172.18", 1), ("172.31", 1)]))
    second = f".{draw(st.integers(0, blocks - 1))}" if blocks > 1 else ""
    third = draw(st.integers(0, 2 ** (prefix - 16) - 1)) << (24 - prefix)
    return draw(
        group(
            {"zones": st.integers(2, 3), "cidr": st.just(f"{start}{second}.{third}.0/{prefix}")},
            nat=st.sampled_from(["per-zone", "single", "none"]),
            flow_logs=st.booleans(),
            flow_log_retention_days=_retentions,
        )
    )


@st.composite
def servers(draw: st.DrawFn, architecture: instances.Architecture) -> Group:
    """Return a fleet of one architecture, its smallest and largest size said."""
    types = [name for name in INSTANCE_TYPES if instances.architecture(name) == architecture]
    low = draw(st.integers(1, 20))
    fleet = draw(
        group(
            {
                "instance_type": st.sampled_from(types),
                "min": st.just(low),
                "max": st.integers(low, low + 50),
            },
            refresh=st.integers(0, 100).flatmap(
                lambda least: group(
                    {"min_healthy_percent": st.just(least), "max_healthy_percent": st.integers(100, 100 + least)}
                )
            ),
            launch_template_version=st.none() | st.integers(1, 10000),
            ami=st.sampled_from(["keep", "latest", "ami-0123456789abcdef0", "ami-01234567"]),
            root_volume_gib=st.integers(8, 1024),
            grace_seconds=st.integers(0, 7200),
            log_retention_days=_retentions,
            egress_ports=st.lists(st.sampled_from([25, 587, 8443]), unique=True),
        )
    )
    match draw(st.sampled_from(["plain", "plain", "mixed", "warm"])):
        case "mixed":
            fleet |= draw(
                group(
                    other_instance_types=st.lists(st.sampled_from(types), max_size=4, unique=True),
                    spot_percent=st.integers(0, 100),
                    on_demand_base=st.integers(0, 10),
                )
            )
        case "warm":
            fleet["warm_pool"] = draw(_warm_pools())
            size = instances.size(fleet["instance_type"])
            if fleet["warm_pool"].get("state") == "hibernated" and size is not None:
                needed = -(-size.memory_mib // 1024) + 8
                if needed > 1024:
                    fleet["warm_pool"]["state"] = "stopped"
                else:
                    fleet["root_volume_gib"] = max(needed, fleet.get("root_volume_gib", 30))
        case _:
            pass
    return fleet


def _warm_pools() -> Groups:
    return group(
        min_size=st.integers(0, 10),
        max_prepared=st.none() | st.integers(0, 50),
        state=st.sampled_from(["stopped", "hibernated", "running"]),
        reuse=st.booleans(),
    )


@st.composite
def step_policies(draw: st.DrawFn, threshold: str, thresholds: st.SearchStrategy[Any]) -> Group:
    """Return a step policy, its threshold under the key `threshold`."""
    period = draw(st.integers(1, 60)) * 60
    periods = draw(st.integers(1, 60 if period == 3600 else min(60, 86400 // period)))
    policy: Group = {"period_seconds": period, "periods": periods, "datapoints": draw(st.integers(1, periods))}
    begins = sorted(draw(st.sets(st.floats(0.5, 1_000_000), max_size=4)))
    steps = [group({"add_percent": st.integers(1, 1000)}), *(_step(begin) for begin in begins)]
    if draw(st.booleans()):
        policy["steps"] = [draw(step) for step in steps]
    return policy | draw(group(None, **{threshold: thresholds}))


def _step(begin: float) -> Groups:
    return group({"beyond": st.just(begin), "add_percent": st.integers(1, 1000)})


@st.composite
def scheduled_actions(draw: st.DrawFn, name: str, low: int, high: int) -> Group:
    """Return a scheduled action on a group of `low` to `high` servers."""
    action: Group = {"name": name, "cron": draw(st.sampled_from(["30 6 * * 1", "*/5 8-18 1,15 jan-mar mon-fri"]))}
    least = draw(st.none() | st.integers(0, high))
    most = draw(st.none() | st.integers(low if least is None else least, 1000))
    bounds = (low if least is None else least, high if most is None else most)
    desired = draw(st.integers(*bounds) if least is None and most is None else st.none() | st.integers(*bounds))
    given = {"min": least, "max": most, "desired": desired}
    if draw(st.booleans()):
        action["time_zone"] = draw(st.sampled_from(["Etc/UTC", "Europe/Dublin", "America/Argentina/Buenos_Aires"]))
    return action | {key: value for key, value in given.items() if value is not None}


@st.composite
def scaling_policies(draw: st.DrawFn, low: int, high: int) -> Group:
    """Return a scaling policy of a group of `low` to `high` servers."""
    names = draw(st.lists(_names, max_size=3, unique=True))
    policy = draw(
        group(
            cpu_percent=st.none() | st.integers(10, 90),
            requests_per_target=st.none() | st.integers(1, 10_000_000),
            warmup_seconds=st.integers(0, 3600),
            scale_in=st.booleans(),
            database_connections=st.none() | step_policies("above", st.integers(1, 100_000)),
            response_time=st.none() | step_policies("above_seconds", st.floats(0.001, 600)),
            scheduled=st.tuples(*(scheduled_actions(name, low, high) for name in names)).map(list),
        )
    )
    if policy.get("cpu_percent", 70) is not None and draw(st.booleans()):
        policy["predictive"] = draw(
            group(
                mode=st.sampled_from(["forecast-only", "forecast-and-scale"]),
                ahead_seconds=st.integers(0, 3599),
                max_breach_percent=st.none() | st.integers(0, 100),
            )
        )
    return policy


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@st.composite
def _windows(draw: st.DrawFn) -> Group:
    """Return a backup window, and a maintenance window between it and the next day's."""
    start, length = draw(st.integers(0, 1439)), draw(st.integers(30, 12 * 60))
    free = 1440 - length
    gap = draw(st.integers(0, free - 30))
    begin = draw(st.integers(0, 6)) * 1440 + start + length + gap
    end = begin + draw(st.integers(30, free - gap))
    return {
        "backup_window": f"{_time(start)}-{_time(start + length)}",
        "maintenance_window": f"{_day(begin)}:{_time(begin)}-{_day(end)}:{_time(end)}",
    }


def _day(minute: int) -> str:
    return _DAYS[minute // 1440 % 7]


def _time(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


@st.composite
def databases(draw: st.DrawFn, zones: int) -> Group:
    """Return a database with any number of replicas in a network of `zones` zones."""
    known = draw(st.booleans())
    classes = st.sampled_from(DATABASE_CLASSES if known else DATABASE_CLASSES + DATABASE_CLASSES_WITHOUT_MEMORY)
    limit = st.integers(20, 5000)
    names = draw(st.lists(_names.filter(lambda name: name != "primary"), max_size=4, unique=True))
    replica = group(weight=st.integers(1, 100), instance_class=classes, zone=st.integers(1, zones))
    replicas = [
        ({"name": name} if draw(st.booleans()) and not name.startswith("replica") else {}) | draw(replica)
        for name in names
    ]
    storage = draw(st.integers(20, 20_000))
    enough = st.integers(-(-storage * 11 // 10), 65536)
    database = draw(
        group(
            {"storage_gib": st.just(storage), "max_storage_gib": st.just(storage) | enough}
            | ({} if known else {"max_connections": limit}),
            engine_version=st.sampled_from(["13", "15.8", "16", "17.6", "18"]),
            instance_class=classes,
            name=st.sampled_from(["shop", "app_2", "a" * 63]),
            user=st.sampled_from(["shop", "app_user", "a" * 16]),
            port=st.integers(1024, 65535),
            zone=st.integers(1, zones),
            backup_days=st.integers(1 if replicas else 0, 35),
            replicas=st.just(replicas),
            pooling=st.sampled_from(["pgbouncer", "direct", "psycopg-pool"]),
            pgbouncer=_poolers(),
            pool_size=st.integers(1, 100),
            connection_max_age_seconds=st.integers(0, 3600),
            replica_max_lag_seconds=st.integers(1, 3600),
            insights=st.sampled_from(["standard", "advanced"]),
            monitoring_seconds=st.sampled_from([0, 1, 5, 10, 15, 30, 60]),
            cpu_alarm_percent=st.integers(1, 100),
            storage_alarm_percent=st.integers(1, 90),
            connections_alarm_percent=st.integers(1, 100),
            **_flags("multi_az", "deletion_protection"),
            **{f"{name}_ms": st.integers(0, 3_600_000) for name in _TIMEOUTS},
        )
    )
    database.setdefault("backup_days", 7)
    return database | (draw(_windows()) if draw(st.booleans()) else {})


def _poolers() -> Groups:
    return group(
        pool_size=st.integers(1, 1000),
        reserve=st.integers(0, 1000),
        reserve_seconds=st.integers(1, 60),
        wait_seconds=st.integers(1, 120),
        idle_seconds=st.integers(10, 86_400),
        lifetime_seconds=st.integers(60, 86_400),
    )


_TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_timeout", "slow_statement")


@st.composite
def _cache_groups(draw: st.DrawFn) -> Group:
    replicas = draw(st.integers(0, 5))
    return draw(
        group(
            {"replicas": st.just(replicas), "shards": st.integers(1, 6)},
            node_type=st.sampled_from(NODE_TYPES),
            snapshot_days=st.integers(0, 35),
            memory_alarm_percent=st.integers(1, 100),
            cpu_alarm_percent=st.integers(1, 100),
            evictions_alarm=st.integers(0, 10_000_000),
        )
    )


def caches() -> Groups:
    """Return both caches, one of them, or none."""
    versions = [("valkey", "7.2"), ("valkey", "8.1"), ("valkey", "9.0"), ("redis", "7.1")]
    return st.sampled_from(versions).flatmap(
        lambda engine: group(
            {"engine": st.just(engine[0]), "engine_version": st.just(engine[1])},
            data=st.none() | _cache_groups(),
            sessions=st.none() | _cache_groups(),
        )
    )


def storages() -> Groups:
    """Return the buckets' settings."""
    return group(
        price_class=st.sampled_from(["PriceClass_100", "PriceClass_200", "PriceClass_All"]),
        hashed_seconds=st.integers(0, 31_536_000),
        unhashed_seconds=st.integers(0, 31_536_000),
        old_version_days=st.integers(1, 3650),
        force_destroy=st.booleans(),
    )


def alarms() -> Groups:
    """Return subscribers and thresholds."""
    return group(
        emails=st.lists(st.builds("{}@{}".format, _names, _hosts), max_size=3, unique=True),
        https=st.lists(st.builds("https://{}/sns".format, _hosts), max_size=2, unique=True),
        error_percent=st.floats(0.01, 100),
        slow_seconds=st.floats(0.001, 600),
        period_seconds=st.integers(1, 60).map(lambda minutes: minutes * 60),
        runbooks=st.sampled_from(["docs/runbooks", "https://wiki.example.com/" + "a" * 375]),
    )


def observabilities() -> Groups:
    """Return logs and traces."""
    tracing = group(
        sample_percent=st.floats(0.000001, 100),
        endpoint=st.none() | st.builds("{}://{}:4318/otlp".format, st.sampled_from(["http", "https"]), _hosts),
    )
    return group(
        log_level=st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
        access_log=st.booleans(),
        slow_seconds=st.floats(0.001, 600),
        database_tags=st.sampled_from(["both", "application_name", "comment", "none"]),
        error_tracker=st.sampled_from([None, "shop.errors:start", "errors:start"]),
        tracing=st.none() | tracing,
    )


def stack_names() -> st.SearchStrategy[str]:
    """Return names that Pulumi takes, short and long."""
    return st.sampled_from(["dev", "prod", "feature_checkout-redesign.2026", "P" * 100]) | st.from_regex(
        r"[A-Za-z0-9_.-]{1,40}", fullmatch=True
    )


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """Return any valid stack: every section, or none but the application."""
    architecture: instances.Architecture = draw(st.sampled_from(_ARCHITECTURES))
    application = draw(applications()) | {"architecture": architecture}
    network, fleet = draw(networks()), draw(servers(architecture))
    config: Group = {"application": application, "network": network, "servers": fleet}
    config |= draw(
        group(
            scaling=scaling_policies(fleet["min"], fleet["max"]),
            traffic=traffic_policies(),
            database=databases(network["zones"]),
            cache=caches(),
            storage=storages(),
            alarms=alarms(),
            observability=observabilities(),
            account=st.just("123456789012"),
            tags=st.dictionaries(st.sampled_from(["Team", "CostCenter", "owner:mail"]), st.sampled_from(["", "a b"])),
            secrets=st.dictionaries(_variables(), st.just("hidden"), max_size=3),
        )
    )
    config["compute"] = draw(computes(config, INSTANCE_TYPES))
    _settle_balancer(config, draw(st.none() | _types_of(architecture)), without_pods=draw(st.booleans()))
    tracing = config.get("observability", {}).get("tracing")
    if "kubernetes" in config["compute"] and tracing is not None and tracing.get("endpoint") is None:
        tracing["endpoint"] = "https://otlp.example.com"
    secret = ("secrets",) if "secrets" in config else ()
    return Stack(draw(stack_names()), draw(st.sampled_from(REGIONS)), config, secret)


def _types_of(architecture: instances.Architecture) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name in INSTANCE_TYPES if instances.architecture(name) == architecture])


def _settle_balancer(config: Group, instance_type: str | None, *, without_pods: bool) -> None:
    """Take away what HAProxy servers do not go with, or HAProxy where there are pods."""
    traffic = config.get("traffic", {})
    haproxy = traffic.get("haproxy", {})
    if instance_type is not None:
        traffic["haproxy"] = haproxy = {**haproxy, "instance_type": instance_type}
    if traffic.get("balancer") != "haproxy":
        return
    if without_pods:
        config["compute"] = {}
    if "kubernetes" in config["compute"]:
        traffic["balancer"] = "alb"
        return
    traffic["firewall"] = None
    traffic["draining_seconds"] = max(traffic.get("draining_seconds", 30), 2 * haproxy.get("interval_seconds", 10))
    config["scaling"] = {**config.get("scaling", {}), "requests_per_target": None, "response_time": None}


def _variables() -> st.SearchStrategy[str]:
    names = st.from_regex(r"[A-Z][A-Z0-9_]{0,15}", fullmatch=True)
    return names.filter(lambda name: not environment.is_written(name))
