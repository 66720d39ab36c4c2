"""What `scale simulate` does where pods serve: the stack's HPA on the trace, and others beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from model.scaling import ScalingPolicy
from model.settings import Settings
from scale.simulate import prices
from scale.simulate.cluster import cluster_of, comparisons, hpa_of
from scale.simulate.kubernetes import simulate_cluster
from scale.simulate.outcome import Outcome, judge
from scale.simulate.plant.service import Plant
from scale.simulate.run import Run
from scale.simulate.slo import Slo
from scale.simulate.traces import Trace


@dataclass(frozen=True)
class Replayed:
    """A run and its outcome for each HPA, what there is to say of them, and the HPAs as plain data."""

    pairs: list[tuple[Run, Outcome]]
    notes: list[str]
    hpas: dict[str, dict[str, object]]


def replay(
    settings: Settings,
    plant: Plant,
    traffic: Trace,
    objective: Slo,
    *,
    name: str,
    seed: int,
    price: float | None,
    compare: bool,
    policies: Mapping[str, ScalingPolicy],
) -> Replayed:
    """Replay the trace against the stack's HPA, called `name`, and those that the `policies` would be.

    `price` is a node's, US dollars an hour, by default the project's own. Raises SloError, TraceError or FitError.
    """
    own = replace(cluster_of(settings, plant, seed=seed), name=name)
    clusters = [own, *(comparisons(own) if compare else ())]
    clusters += [own.following(each, hpa_of(settings, scaling)) for each, scaling in policies.items()]
    hourly = price if price is not None else prices.hourly(settings.region, own.node_type)
    pairs: list[tuple[Run, Outcome]] = []
    notes: list[str] = []
    for cluster in clusters:
        found = simulate_cluster(cluster, traffic)
        outcome = judge(found.run, objective, unit="pod")
        pairs.append((found.run, replace(outcome, cost=None if hourly is None else found.node_hours * hourly)))
        notes += [f"{cluster.name}: {note}" if len(clusters) > 1 else note for note in found.notes()]
    notes.append(
        f"The price of {own.node_type} is not known here; give it with --price."
        if hourly is None
        else f"The cost is the nodes', {own.node_type} at ${hourly:g} an hour; the control plane's is not in it."
    )
    return Replayed(pairs, notes, {each.name: asdict(each.hpa) for each in clusters})
