"""Any valid way of running the application: servers, pods on a cluster, or both."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from model import instances
from model.fields import LOG_RETENTIONS
from tests.groups import Group, group

_names = st.sampled_from(["shop", "kube-system", "jobs-2"])
_retentions = st.sampled_from(LOG_RETENTIONS)


@st.composite
def _node_groups(draw: st.DrawFn, types: list[str], zones: int) -> Group:
    low = draw(st.integers(1, 5))
    high = draw(st.integers(low, low + 10))
    return draw(
        group(
            {"instance_types": st.lists(st.sampled_from(types), min_size=1, max_size=3, unique=True)},
            min=st.just(low),
            max=st.just(high),
            desired=st.none() | st.integers(low, high),
            image=st.sampled_from(["bottlerocket", "al2023"]),
            spot_percent=st.integers(0, 100),
            zones=_some_zones(zones),
            volume_gib=st.integers(10, 1024),
        ).map(_sized)
    )


def _sized(given: Group) -> Group:
    """Return a node group whose sizes are all said where one is, so that they stay in order."""
    low, high = given.get("min", 2), given.get("max", given.get("min", 2) + 2)
    given = given | {"min": min(low, high), "max": high}
    if given.get("desired") is not None:
        given["desired"] = max(given["min"], min(given["desired"], high))
    return given


def _some_zones(zones: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, zones), max_size=zones, unique=True)


@st.composite
def kubernetes(draw: st.DrawFn, config: Group, instance_types: Sequence[str]) -> Group:
    """Return a cluster for the application, the network and the database in `config`."""
    application, zones = config["application"], config["network"]["zones"]
    types = [name for name in instance_types if instances.architecture(name) == application["architecture"]]
    pool = group(
        {"instance_types": st.lists(st.sampled_from(types), min_size=1, max_size=4, unique=True)},
        image=st.sampled_from(["bottlerocket", "al2023"]),
        spot=st.booleans(),
        zones=_some_zones(zones),
        max_processors=st.integers(1, 2000),
        consolidate_after_seconds=st.integers(0, 86_400),
        expire_after_days=st.integers(1, 21),
    )
    auto = draw(st.booleans())
    principals = st.sampled_from(["arn:aws:iam::123456789012:role/ops/on-call", "arn:aws:iam::210987654321:user/ops"])
    access = group(
        {"principal": principals, "policy": st.sampled_from(["admin", "edit", "view"])},
        namespaces=st.lists(_names, max_size=2),
    )
    cluster = draw(
        group(
            {
                "nodes": st.just("auto" if auto else "managed"),
                "pool": pool if auto else st.none() | pool,
                "web": st.just(_web(config)),
            },
            version=st.sampled_from(["1.34", "1.35", "1.36"]),
            extended_support=st.booleans(),
            endpoint=group(
                public_cidrs=st.lists(st.just("203.0.113.0/24"), max_size=1),
                private_cidrs=st.lists(st.sampled_from(["10.250.0.0/16", "192.168.7.0/24"]), unique=True),
            ),
            access=st.lists(access, max_size=2, unique_by=lambda each: each["principal"]),
            logs=st.lists(st.sampled_from(["api", "audit", "scheduler"]), unique=True),
            log_retention_days=_retentions,
            deletion_protection=st.booleans(),
        )
    )
    if not auto:
        cluster["groups"] = [draw(_node_groups(types, zones))]
    policy = config.get("scaling", {})
    follows = policy.get("cpu_percent", 70) is not None or policy.get("requests_per_target", 1000) is not None
    return cluster | draw(_workloads(follows))


@st.composite
def _workloads(draw: st.DrawFn, follows: bool) -> Group:
    """Return what else runs in the cluster, and what scales it; `follows` says that the HPA may do without memory."""
    metrics = draw(st.sampled_from(["prometheus-adapter", "keda"]))
    chosen = draw(
        group(
            tasks=st.none() | _tasks(0 if metrics == "keda" else 1),
            migration=st.none() | group(deadline_seconds=st.integers(60, 21_600), attempts=st.integers(1, 10)),
            scaling=group(
                requests_per_second=st.none() | st.floats(0.01, 100_000),
                tasks=st.none() | group(length=st.integers(1, 1_000_000)),
                up=_paces(),
                down=_paces(),
            ),
            vertical=st.none() | group(most_cpu_millicores=st.integers(100, 4000)),
            run_as_user=st.integers(1, 100_000),
            egress_ports=st.lists(st.sampled_from([25, 587, 8443]), unique=True),
        )
    )
    if follows and draw(st.booleans()):
        # Each has a resource of its own.
        chosen["vertical"] = {"mode": draw(st.sampled_from(["initial", "recreate"])), "controls": ["memory"]}
        chosen["scaling"] = {**chosen.get("scaling", {}), "memory_percent": None, "requests_per_second": 50.0}
    return {**chosen, "metrics": metrics}


def _paces() -> st.SearchStrategy[Group]:
    return group(percent=st.integers(1, 100), pods=st.integers(1, 20), stabilization_seconds=st.integers(0, 3600))


def _tasks(least: int) -> st.SearchStrategy[Group]:
    """Return one or two groups of workers, which share no queue."""
    common = {
        "concurrency": st.integers(1, 16),
        "acceptable_delay_seconds": st.integers(1, 600),
        "min": st.integers(least, 2),
    }
    first = group({"queues": st.sampled_from([["default"], ["default", "mail"]])}, **common)
    second = group({"name": st.just("slow"), "queues": st.just(["reports"])}, **common)
    workers = st.builds(lambda *each: list(each), first) | st.builds(lambda *each: list(each), first, second)
    return group({"app": st.just("project"), "workers": workers}, beat=st.booleans(), attempts=st.integers(1, 9))


def _web(config: Group) -> Group:
    """Return web pods with the memory that the application's workers need and the patience that its database does."""
    needed = _memory_of_workers(config)
    statement = config.get("database", {}).get("statement_timeout_ms", 0)
    return {
        "resources": {
            "memory_mib": max(32, -(-needed * 100 // 80)),
            "memory_limit_mib": max(32, -(-needed * 100 // 80)),
        },
        "probes": {"live_seconds": max(120, -(-statement // 1000))},
    }


def _memory_of_workers(config: Group) -> int:
    application = config["application"]
    return application.get("workers", 4) * application.get("worker_memory_mib", 256)


@st.composite
def computes(draw: st.DrawFn, config: Group, instance_types: Sequence[str]) -> Group:
    """Return servers, pods or both; servers alone where the network or the workers' memory lets no pods run."""
    if config["network"].get("nat", "per-zone") == "none" or _memory_of_workers(config) > 1_000_000:
        return {}
    path = draw(st.sampled_from(["servers", "servers", "both", "pods"]))
    if path == "servers":
        return {}
    compute: Group = {"servers": path == "both", "kubernetes": draw(kubernetes(config, instance_types))}
    if path == "both" and draw(st.booleans()):
        compute["split"] = {"servers": draw(st.integers(0, 999)), "kubernetes": draw(st.integers(1, 999))}
    return compute
