"""An HPA on pods, with nodes under it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from scale.simulate import stacks
from scale.simulate.cli import register
from scale.simulate.cluster import Cluster, cluster_of
from scale.simulate.controllers.hpa_behavior import Rate, Rules
from scale.simulate.controllers.nodes import FitError
from scale.simulate.kubernetes import ClusterRun, simulate_cluster
from scale.simulate.outcome import judge
from scale.simulate.plant.service import Plant
from scale.simulate.slo import Slo
from scale.simulate.traces import Trace
from tests.components.kubernetes.cluster_building import HPA, built, manifest
from tests.model.parsing import parse

ROOT = Path(__file__).parents[3]
CLUSTER = cluster_of(stacks.load(ROOT, "prod"), Plant())


def run(counts: list[float], cluster: Cluster = CLUSTER) -> ClusterRun:
    return simulate_cluster(cluster, Trace("test", 897264000.0, 60.0, np.array(counts)))


def test_pods_follow_a_surge() -> None:
    found = run([1000.0] * 10 + [8000.0] * 40)
    assert found.run.in_service[0] == 3
    assert found.run.in_service[-1] > 10


def test_a_scale_up_waits_for_its_window_and_its_rate() -> None:
    found = run([1000.0] * 10 + [8000.0] * 40)
    surge = found.run.trace.start + 600
    first = next(each for each in found.run.decisions if each.at > surge)
    assert first.at - surge >= 60
    assert first.after - first.before <= 5


def test_a_scale_down_takes_ten_percent_or_two_pods_a_minute() -> None:
    found = run([9000.0] * 30 + [500.0] * 40)
    down = [each for each in found.run.decisions if each.after < each.before]
    assert all(each.before - each.after <= 2 for each in down)
    fall = found.run.trace.start + 1800
    first = next(each.at for each in down if each.at > fall)
    assert 240 <= first - fall <= 360


def test_pods_wait_for_nodes() -> None:
    slow = replace(CLUSTER, node=replace(CLUSTER.node, start_seconds=300.0))
    found = run([1000.0] * 10 + [8000.0] * 40, slow)
    assert found.waiting.max() > 0
    assert found.run.in_service[-1] > 10
    assert not run([1000.0] * 60).waiting.any()


def test_a_cluster_has_an_end() -> None:
    small = replace(CLUSTER, most_nodes=3)
    found = run([9000.0] * 40, small)
    assert found.nodes.max() <= 3 + found.run.in_service[0] // 2
    assert found.run.in_service.max() <= max(found.run.in_service[0], 6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.floats(0, 40_000), st.just(float("nan"))), min_size=1, max_size=30))
def test_bounds_conservation_and_the_clairvoyant_hold_for_pods(counts: list[float]) -> None:
    found = run(counts).run
    assert found.desired.min() >= CLUSTER.hpa.minimum
    assert found.desired.max() <= CLUSTER.hpa.maximum
    lost = float(found.dropped.sum() + found.timed_out.sum())
    assert found.served.sum() + lost + found.backlog[-1] == pytest.approx(found.attempts.sum(), abs=1e-6)
    assert judge(found, Slo(), unit="pod").regret_hours >= -1e-6


def test_the_command() -> None:
    app = typer.Typer()
    register(app)
    found = CliRunner().invoke(
        app, ["simulate", "prod", "--cwd", str(ROOT), "--kubernetes", "--peak", "6000", "--json"]
    )
    assert found.exit_code == 0
    document = json.loads(found.stdout)
    assert document["policies"][0]["unit"] == "pod"
    assert any("node hours" in note for note in document["notes"])


def command(*arguments: str) -> dict[str, Any]:
    app = typer.Typer()
    register(app)
    common = ["simulate", "prod", "--cwd", str(ROOT), "--kubernetes", "--peak", "6000", "--json"]
    found = CliRunner().invoke(app, [*common, *arguments])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_other_hpas_are_set_beside_the_stacks(tmp_path: Path) -> None:
    path = tmp_path / "calm.yaml"
    path.write_text("scaling: {cpu_percent: 40, requests_per_target: null, predictive: null}\n", encoding="utf-8")
    document = command("--compare", "--policy", str(path))
    hpas = document["hpas"]
    assert [each["name"] for each in document["policies"]] == ["prod", "guide", "Kubernetes defaults", "calm"]
    assert list(hpas) == ["prod", "guide", "Kubernetes defaults", "calm"]
    assert [each["utilization"] for each in hpas["Kubernetes defaults"]["metrics"]] == [80]
    assert hpas["Kubernetes defaults"]["down"]["stabilization_seconds"] == 300
    assert [each["utilization"] for each in hpas["calm"]["metrics"]] == [40]
    assert all((each["minimum"], each["maximum"]) == (3, 50) for each in hpas.values())
    hours = {each["name"]: each["instance_hours"] for each in document["policies"]}
    assert hours["Kubernetes defaults"] < hours["prod"] == hours["guide"] < hours["calm"]


def test_the_cost_is_the_nodes() -> None:
    found = command("--price", "0.5")
    nodes = next(float(note.split()[1]) for note in found["notes"] if note.startswith("Nodes: "))
    assert found["policies"][0]["cost"] == pytest.approx(0.5 * nodes, abs=0.05)
    assert any("m7g.large at $0.5 an hour" in note for note in found["notes"])
    assert command()["policies"][0]["cost"] == pytest.approx(0.091 * nodes, abs=0.01)


def test_nodes_without_a_price_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scale.cost.table.TABLE", {})
    found = command()
    assert found["policies"][0]["cost"] is None
    assert "The price of m7g.large is not known here; give it with --price." in found["notes"]


def test_a_decision_says_what_was_measured_against_what() -> None:
    decisions = command()["policies"][0]["decisions_made"]
    assert decisions
    assert all(re.fullmatch(r"\d+ % of the request, held at 70 %", each["why"]) for each in decisions)


def own(**kubernetes: Any) -> Cluster:
    return cluster_of(parse(compute={"kubernetes": kubernetes}), Plant())


def test_without_a_cluster_it_is_the_guides_hpa() -> None:
    hpa = CLUSTER.hpa
    assert (hpa.minimum, hpa.maximum) == (3, 50)
    assert [(metric.name, metric.utilization, metric.average) for metric in hpa.metrics] == [
        ("cpu", 70, None),
        ("django_requests_per_second", None, 100),
    ]
    assert hpa.up == Rules(60, (Rate("Percent", 50, 60), Rate("Pods", 5, 60)))
    assert hpa.down == Rules(300, (Rate("Percent", 10, 60), Rate("Pods", 2, 60)), "Min")
    assert "guide's HPA" in run([1000.0] * 5).notes()[0]


def test_a_stack_with_a_cluster_is_replayed_with_its_own() -> None:
    cluster = own(
        web={"min": 5, "max": 9, "resources": {"cpu_millicores": 1500, "memory_mib": 2048}},
        scaling={"requests_per_second": 20.0, "up": {"stabilization_seconds": 0}},
        vertical=None,
    )
    assert (cluster.hpa.minimum, cluster.hpa.maximum) == (5, 9)
    assert cluster.hpa.metrics[1].average == 20
    assert cluster.hpa.up.stabilization_seconds == 0
    # With nginx 1.55 cores and 2112 MiB, of which a node of 3.72 cores holds two.
    assert (cluster.requested_cores, cluster.pod_cores, cluster.pod_memory) == (1.5, 1.55, 2112 * 2**20)
    assert cluster.plant.processors == pytest.approx(1.5 + (3.72 - 2 * 1.55) / 2)
    found = run([1000.0] * 10, cluster)
    assert found.run.in_service[0] == 5
    assert found.recommendation is None
    assert "compute.kubernetes" in found.notes()[0]


def test_a_pod_gets_no_more_than_its_limit() -> None:
    limited = own(web={"resources": {"cpu_millicores": 1500, "cpu_limit_millicores": 1600}})
    assert limited.plant.processors == 1.6


@pytest.mark.parametrize("millicores", [250, 500, 750, 1000])
def test_a_pod_that_is_busy_all_the_time_is_above_its_target_however_small_it_is(millicores: int) -> None:
    cluster = own(web={"resources": {"cpu_millicores": millicores, "cpu_limit_millicores": millicores}}, vertical=None)
    assert cluster.cores(1.0) / cluster.request >= 0.7
    found = run([200.0] * 10 + [3000.0] * 30, cluster)
    assert found.run.in_service[-1] > found.run.in_service[0]


def test_what_is_replayed_is_what_is_deployed() -> None:
    """The HPA that the components register, read back, is the simulated one, but for what traffic says nothing of."""
    deployed = manifest(built().one(HPA, "shop-prod-web-horizontal"))["spec"]
    simulated = own().hpa
    assert (deployed["minReplicas"], deployed["maxReplicas"]) == (simulated.minimum, simulated.maximum)
    for key, rules in (("scaleUp", simulated.up), ("scaleDown", simulated.down)):
        behavior = deployed["behavior"][key]
        assert (behavior["stabilizationWindowSeconds"], behavior["selectPolicy"]) == (
            rules.stabilization_seconds,
            rules.select,
        )
        assert [(each["type"], each["value"], each["periodSeconds"]) for each in behavior["policies"]] == [
            (rate.kind, rate.value, rate.period_seconds) for rate in rules.rates
        ]
    targets = {
        metric.get("resource", metric.get("pods", {}).get("metric"))["name"]: metric for metric in deployed["metrics"]
    }
    assert targets["cpu"]["resource"]["target"]["averageUtilization"] == simulated.metrics[0].utilization
    held = targets["django_requests_per_second"]["pods"]["target"]["averageValue"]
    assert float(held) == simulated.metrics[1].average


def test_nodes_and_their_number_are_the_settings() -> None:
    small = own(pool={"instance_types": ["m7g.large"], "max_processors": 8})
    large = own(pool={"instance_types": ["m7g.xlarge"], "max_processors": 64})
    assert large.node.cores > 2 * small.node.cores - 0.1
    assert small.most_nodes < large.most_nodes


def test_pods_that_do_not_follow_traffic_are_not_replayed() -> None:
    settings = parse(
        compute={"kubernetes": {}}, scaling={"cpu_percent": None, "requests_per_target": None, "predictive": None}
    )
    with pytest.raises(FitError, match="neither processors nor requests"):
        cluster_of(settings, Plant())
