"""The application's place in the cluster, and whom its pods may talk to."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from scale.testing import run
from tests.components.building import component, get
from tests.components.kubernetes.cluster_building import (
    ACCOUNT,
    NAMESPACE,
    NETWORK_POLICY,
    SERVICE,
    build,
    built,
    manifest,
    parsed,
)


def place() -> Any:
    plan = built()
    return plan, component(plan, "ApplicationNamespace")


def test_it_has_exactly_these_resources() -> None:
    plan, found = place()
    assert Counter(each.type.rpartition(":")[2] for each in plan.descendants(found)) == {
        "Namespace": 1,
        "ServiceAccount": 1,
        "Service": 1,
        "NetworkPolicies": 1,
        "NetworkPolicy": 3,
    }


def test_the_namespace_takes_restricted_pods_only() -> None:
    labels = get(built().one(NAMESPACE, "shop-prod-namespace"), "metadata.labels")
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}


def test_no_pod_has_a_token_of_kubernetes() -> None:
    assert get(built().one(ACCOUNT), "automountServiceAccountToken") is False


def test_the_service_sends_to_the_web_pods_and_nobody_waits_for_them() -> None:
    service = manifest(built().one(SERVICE))
    assert service["spec"]["selector"] == {
        "app.kubernetes.io/instance": "shop-prod",
        "app.kubernetes.io/component": "web",
    }
    assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8000, "protocol": "TCP"}]
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def policy(role: str, gunicorn_port: int = 8000) -> dict[str, Any]:
    return manifest(built(gunicorn_port=gunicorn_port).one(NETWORK_POLICY, f"shop-prod-{role}"))["spec"]


def test_nothing_goes_in_or_out_by_default() -> None:
    assert policy("default-deny") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(("gunicorn_port", "scraped"), [(8000, 8000), (8001, 8001)])
def test_the_balancer_and_prometheus_come_in_and_nobody_else(gunicorn_port: int, scraped: int) -> None:
    found = policy("web-ingress", gunicorn_port)
    assert found["ingress"] == [
        {"from": [{"ipBlock": {"cidr": "10.0.128.0/20"}}], "ports": [{"protocol": "TCP", "port": 8000}]},
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "metrics"}}}],
            "ports": [{"protocol": "TCP", "port": scraped}],
        },
    ]


def out(**groups: Any) -> dict[str, list[int]]:
    """Return the ports that pods reach, by block; names for DNS, which has none."""
    plan = run(build(parsed(**groups)))
    rules = manifest(plan.one(NETWORK_POLICY, "shop-prod-egress"))["spec"]["egress"]
    blocks = [rule["to"][0].get("ipBlock", {"cidr": "dns"})["cidr"] for rule in rules]
    return {block: [port["port"] for port in rule["ports"]] for block, rule in zip(blocks, rules, strict=True)}


def test_pods_reach_names_data_their_role_and_the_web() -> None:
    assert out() == {"dns": [53, 53], "10.0.192.0/20": [5432, 6379], "169.254.170.23/32": [80], "0.0.0.0/0": [443]}


def test_pods_reach_further_ports_where_the_settings_say_so() -> None:
    found = out(compute={"kubernetes": {"egress_ports": [587]}}, database={"port": 5433})
    assert found["0.0.0.0/0"] == [443, 587]
    assert found["10.0.192.0/20"] == [5433, 6379]


def test_no_pod_reaches_the_metadata_of_its_node() -> None:
    assert 80 not in out()["0.0.0.0/0"]
