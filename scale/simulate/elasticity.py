"""The elasticity metrics of SPEC's research group: how well supply follows demand.

Source: N. Herbst, A. Bauer, S. Kounev et al., "Quantifying Cloud Performance and Dependability: Taxonomy, Metric
Design, and Emerging Challenges", ACM ToMPECS 3(4), 2018, section on elasticity (provisioning accuracy and time share
relative to demand, instability, jitter).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scale.simulate.plant.service import Floats


@dataclass(frozen=True)
class Elasticity:
    """Percent, but for jitter: adaptations a minute of supply beyond those of demand."""

    under_accuracy: float
    over_accuracy: float
    under_time: float
    over_time: float
    instability: float
    jitter: float


def elasticity(demand: Floats, supply: Floats, step_seconds: float) -> Elasticity:
    """Return the metrics of two curves in servers, equal steps, demand at least 1. All 0 for curves of no length.

    With T the length and d, s the curves: accuracy is 100/T sum(max(d-s, 0)/d dt), with s-d for over-provisioning;
    time share counts 1 for each step where it is above 0; instability is the share of steps where the signs of the
    changes of d and s differ; jitter is the difference of their numbers of changes, by T in minutes.
    """
    steps = len(demand)
    if steps == 0:
        return Elasticity(0, 0, 0, 0, 0, 0)
    missing = np.maximum(demand - supply, 0)
    spare = np.maximum(supply - demand, 0)
    moved_demand, moved_supply = np.sign(np.diff(demand)), np.sign(np.diff(supply))
    apart = np.minimum(np.abs(moved_supply - moved_demand), 1)
    changes = int(np.count_nonzero(moved_supply)) - int(np.count_nonzero(moved_demand))
    return Elasticity(
        under_accuracy=100 * float((missing / demand).mean()),
        over_accuracy=100 * float((spare / demand).mean()),
        under_time=100 * float((missing > 0).mean()),
        over_time=100 * float((spare > 0).mean()),
        instability=100 * float(apart.mean()) if steps > 1 else 0.0,
        jitter=changes / (steps * step_seconds / 60),
    )
