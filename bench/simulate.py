"""How long a replay takes: a week and 59 days of one-minute traffic, one process, and whether time is linear.

Run it again with `python -m bench.simulate [TRACE]`; without a trace, one of 59 days is made by repeating the shipped
two. The times are those of `simulate` and `judge` together, the reading of the trace apart; the median of five.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from model.scaling import ScalingPolicy
from model.servers import Servers
from scale.simulate.cluster import GUIDE_HPA, Cluster
from scale.simulate.commands import shipped_trace
from scale.simulate.controllers.hpa_behavior import SYNC_SECONDS
from scale.simulate.controllers.nodes import NodeType
from scale.simulate.kubernetes import simulate_cluster
from scale.simulate.outcome import judge
from scale.simulate.plant.queue import table_for
from scale.simulate.plant.service import Plant
from scale.simulate.run import Scenario, simulate
from scale.simulate.slo import Slo
from scale.simulate.traces import Trace, read_trace

RUNS = 5
DAY = 1440


def seconds(work: Callable[[], object]) -> float:
    """Return the median time of the work in processor seconds, each run with its tables to make anew."""
    taken: list[float] = []
    for _ in range(RUNS):
        table_for.cache_clear()
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return statistics.median(taken)


def whole() -> Trace:
    """Return the trace to replay."""
    if len(sys.argv) > 1:
        return read_trace(Path(sys.argv[1]))
    two = shipped_trace()
    return Trace(two.name, two.start, 60.0, np.tile(two.counts, 30)[: 59 * DAY])


def main() -> None:
    """Print one line for each length."""
    trace = whole()
    scenario = Scenario("bench", ScalingPolicy(), Servers(min=3, max=300), Plant())
    print(f"{trace.name}, peak {trace.peak:,.0f} requests a minute, median of {RUNS}, processor seconds")
    for days in (1, 7, 14, 28, 59):
        # The end of a trace: that of the World Cup is where the traffic is.
        count = min(days * DAY, len(trace.counts))
        part = trace.part(len(trace.counts) - count, len(trace.counts))
        taken = seconds(lambda part=part: judge(simulate(scenario, part), Slo()))
        print(f"{days:3} days  {taken:6.2f} s  {taken / count * 1e6:5.1f} us a minute")
    one = seconds(lambda: simulate(scenario, trace))
    print(f"without the judging, the whole of it: {one:.2f} s")
    cluster = Cluster(GUIDE_HPA, NodeType(cores=1.9, memory=7 * 2**30, most_pods=29), Plant(processors=0.9))
    pods = seconds(lambda: simulate_cluster(cluster, trace))
    print(f"on Kubernetes, in steps of {SYNC_SECONDS:.0f} s, the whole of it: {pods:.2f} s")


if __name__ == "__main__":
    main()
