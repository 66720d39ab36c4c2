"""The strategies reach what an environment may be: else a property that holds of them says little."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import Phase, given, settings

from model.settings import Settings
from tests.strategies import Stack, stacks


def _vertical_acts(found: Settings) -> bool:
    cluster = found.compute.kubernetes
    return cluster is not None and cluster.vertical is not None and bool(cluster.vertical.acts)


REACHED: dict[str, Callable[[Settings], bool]] = {
    "a domain in another zone": lambda found: found.application.hosted_zone not in (None, found.application.domain),
    "no domain": lambda found: found.application.domain is None,
    "spot instances": lambda found: found.servers.spot_percent > 0,
    "several instance types": lambda found: len(found.servers.types) > 1,
    "a warm pool": lambda found: found.servers.warm_pool is not None,
    "scheduled actions": lambda found: bool(found.scaling.scheduled),
    "predictive scaling": lambda found: found.scaling.predictive is not None,
    "several steps": lambda found: any(len(policy.steps) > 1 for policy, _ in found.scaling.step_policies().values()),
    "no firewall": lambda found: found.traffic.firewall is None,
    "no limits": lambda found: not found.traffic.limits,
    "replicas with and without names": lambda found: len({entry.name is None for entry in found.database.replicas}) > 1,
    "a replica in a zone of its own": lambda found: any(entry.zone for entry in found.database.replicas),
    "no cache at all": lambda found: found.cache.data is None and found.cache.sessions is None,
    "several shards": lambda found: found.cache.data is not None and found.cache.data.shards > 1,
    "no NAT": lambda found: found.network.nat == "none",
    "a pooler on each server": lambda found: found.database.pooling == "pgbouncer",
    "HAProxy in front": lambda found: found.traffic.balancer == "haproxy",
    "three zones": lambda found: found.network.zones == 3,
    "pods beside servers": lambda found: found.compute.servers and found.compute.kubernetes is not None,
    "pods alone": lambda found: not found.compute.servers,
    "a split of traffic": lambda found: found.compute.split is not None,
    "Auto Mode": lambda found: found.compute.kubernetes is not None and found.compute.kubernetes.nodes == "auto",
    "node groups alone": lambda found: found.compute.kubernetes is not None and found.compute.kubernetes.pool is None,
    "workers": lambda found: found.compute.kubernetes is not None and found.compute.kubernetes.tasks is not None,
    "KEDA": lambda found: found.compute.kubernetes is not None and found.compute.kubernetes.metrics == "keda",
    "a VPA that acts": _vertical_acts,
    "secrets": lambda found: bool(found.secrets),
    "a long name": lambda found: len(found.stack) > 60,
}


def test_every_part_of_an_environment_is_generated_now_and_then() -> None:
    missed = set(REACHED)

    @settings(max_examples=400, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
    @given(stacks())
    def generate(stack: Stack) -> None:
        found = stack.settings()
        missed.difference_update([what for what in missed if REACHED[what](found)])

    generate()
    assert not missed
