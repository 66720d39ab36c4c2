"""A search for a better policy: fewer instance hours with the objective met, on a part of the trace.

Candidates are drawn in rounds by a seeded generator, the first widely, the later ones around the best so far (an
evolution strategy of the simplest kind). Which process runs a candidate has no influence on what is drawn.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import cast

from model.scaling import ScalingPolicy
from model.servers import Servers
from scale.simulate.outcome import Outcome, hours_of, judge, late_by_step
from scale.simulate.plant.service import Plant
from scale.simulate.run import Run, Scenario, simulate
from scale.simulate.slo import Slo
from scale.simulate.traces import Trace

HELD_OUT = 0.3
"""The last part of the trace, which no candidate is chosen by."""

MARGIN = 0.8
"""The part of the allowed violations that a candidate may use up in the search: what only just meets the objective on
one part of a trace misses it on the next."""

_ELITE = 4


class TuneError(ValueError):
    """A policy with nothing to tune, or a trace too short to keep a part aside."""


@dataclass(frozen=True)
class Candidate:
    """What is varied: the two targets (None switches one off), the warm-up in seconds, the group's minimum."""

    cpu_percent: int | None
    requests_per_target: int | None
    warmup_seconds: int
    minimum: int

    def policy(self, own: ScalingPolicy) -> ScalingPolicy:
        """Return the stack's own policy with this in its place."""
        return own.model_copy(
            update={
                "cpu_percent": self.cpu_percent,
                "requests_per_target": self.requests_per_target,
                "warmup_seconds": self.warmup_seconds,
            }
        )

    def servers(self, own: Servers) -> Servers:
        """Return the stack's own group with this minimum."""
        return own.model_copy(update={"min": self.minimum})


@dataclass(frozen=True)
class Problem:
    """What to tune: a stack's policy and group, the plant, the trace split in two, the objective."""

    policy: ScalingPolicy
    servers: Servers
    plant: Plant
    train: Trace
    held_out: Trace
    slo: Slo
    seed: int = 0

    def run(self, candidate: Candidate, trace: Trace, name: str) -> Run:
        """Replay a part of the trace against a candidate."""
        scenario = Scenario(name, candidate.policy(self.policy), candidate.servers(self.servers), self.plant, self.seed)
        return simulate(scenario, trace)

    @property
    def own(self) -> Candidate:
        """The stack's own values."""
        policy = self.policy
        return Candidate(policy.cpu_percent, policy.requests_per_target, policy.warmup_seconds, self.servers.min)


@dataclass(frozen=True)
class Tuned:
    """The best candidate and how the stack's own and it did on the part kept aside."""

    candidate: Candidate
    tried: int
    train: Outcome
    own: tuple[Run, Outcome]
    best: tuple[Run, Outcome]


def split(trace: Trace) -> tuple[Trace, Trace]:
    """Return the part to search on and the part to report on. Raises TuneError for a trace of too few steps."""
    border = round(len(trace.counts) * (1 - HELD_OUT))
    if not 0 < border < len(trace.counts):
        raise TuneError(f"{trace.name}: {len(trace.counts)} steps are too few to keep a part aside")
    return trace.part(0, border), trace.part(border, len(trace.counts))


def tune(
    problem: Problem,
    *,
    rounds: int = 6,
    each: int = 24,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Tuned:
    """Search in `rounds` of `each` candidates, on all processors by default; `progress` is told done and total.

    The same seed gives the same result on any number of processors. Raises TuneError for a policy whose targets are
    both off: there is nothing to vary.
    """
    if problem.own.cpu_percent is None and problem.own.requests_per_target is None:
        raise TuneError("the policy has neither cpu_percent nor requests_per_target: there is no target to tune")
    source = random.Random(problem.seed)  # noqa: S311 - a search's, to be repeated
    scores: dict[Candidate, tuple[float, float]] = {}
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, initializer=_begin, initargs=(problem,)) as pool:
        for number in range(rounds):
            drawn = list(_draw(problem, source, scores, each, first=number == 0))
            for candidate, score in zip(drawn, pool.map(_score, drawn, chunksize=2), strict=True):
                scores[candidate] = score
                progress(len(scores), rounds * each)
    best = min(scores, key=lambda candidate: scores[candidate])
    own_run = problem.run(problem.own, problem.held_out, "own")
    best_run = problem.run(best, problem.held_out, "tuned")
    return Tuned(
        best,
        len(scores),
        judge(problem.run(best, problem.train, "tuned"), problem.slo),
        (own_run, judge(own_run, problem.slo)),
        (best_run, judge(best_run, problem.slo)),
    )


def score(run: Run, slo: Slo) -> tuple[float, float]:
    """Return how bad a run is: by how much its late share misses the objective less a margin, then its hours."""
    requests = float(run.attempts.sum())
    share = float(late_by_step(run, slo).sum()) / requests if requests else 0.0
    return (max(0.0, share - MARGIN * (1 - slo.level)), hours_of(run))


def settings(problem: Problem, candidate: Candidate) -> dict[str, object]:
    """Return what differs from the stack's own settings, as they are written in its file."""
    found: dict[str, dict[str, object]] = {}
    for name in ("cpu_percent", "requests_per_target", "warmup_seconds"):
        value = getattr(candidate, name)
        if value != getattr(problem.own, name):
            found.setdefault("scaling", {})[name] = value
    if candidate.minimum != problem.own.minimum:
        found["servers"] = {"min": candidate.minimum}
    return dict(found)


def config(found: Mapping[str, object], raw: Mapping[str, object], project: str) -> dict[str, object]:
    """Return whole groups of a stack's configuration: those of `raw` that `settings` has found something for, with it.

    A group can be given once only in a stack's file, so that these take the place of the ones that are there.
    """
    whole: dict[str, object] = {}
    for group, values in found.items():
        own = raw.get(f"{project}:{group}")
        whole[f"{project}:{group}"] = {**_mapping(own), **_mapping(values)}
    return whole


def _mapping(value: object) -> dict[str, object]:
    return {str(key): each for key, each in cast("Mapping[object, object]", value).items()} if value else {}


_problem: list[Problem] = []


def _begin(problem: Problem) -> None:
    _problem[:] = [problem]


def _score(candidate: Candidate) -> tuple[float, float]:
    problem = _problem[0]
    return score(problem.run(candidate, problem.train, "candidate"), problem.slo)


def _draw(
    problem: Problem,
    source: random.Random,
    scores: dict[Candidate, tuple[float, float]],
    count: int,
    *,
    first: bool,
) -> Iterator[Candidate]:
    """Yield new candidates; in the first round the stack's own is one of them."""
    seen = set(scores)
    if first:
        seen.add(problem.own)
        yield problem.own
        count -= 1
    elite = sorted(scores, key=lambda candidate: scores[candidate])[:_ELITE]
    for _ in range(count * 20):
        if count == 0:
            return
        candidate = _around(problem, source, elite) if elite else _anywhere(problem, source)
        if candidate not in seen and _valid(problem, candidate):
            seen.add(candidate)
            count -= 1
            yield candidate


def _anywhere(problem: Problem, source: random.Random) -> Candidate:
    able = problem.plant.rate_per_server * 60
    kind = source.random()
    cpu = None if kind < 0.15 else source.randint(30, 90)
    requests = None if kind > 0.7 else round(able * source.uniform(0.2, 0.95) / 10) * 10
    return Candidate(cpu, requests, source.randrange(60, 421, 30), source.randint(1, problem.servers.max))


def _around(problem: Problem, source: random.Random, elite: Sequence[Candidate]) -> Candidate:
    base = source.choice(elite)
    cpu, requests = base.cpu_percent, base.requests_per_target
    return replace(
        base,
        cpu_percent=None if cpu is None else _bounded(cpu + source.gauss(0, 6), 10, 90),
        requests_per_target=None
        if requests is None
        else _bounded(requests * source.lognormvariate(0, 0.12), 1, 10_000_000),
        warmup_seconds=_bounded(base.warmup_seconds + 30 * source.choice((-1, 0, 0, 1)), 30, 3600),
        minimum=_bounded(base.minimum + source.choice((-2, -1, -1, 0, 1)), 1, problem.servers.max),
    )


def _bounded(value: float, low: int, high: int) -> int:
    return max(low, min(high, round(value)))


def _valid(problem: Problem, candidate: Candidate) -> bool:
    """Return whether the settings would be accepted with it."""
    if candidate.cpu_percent is None and (candidate.requests_per_target is None or problem.policy.predictive):
        return False
    return all(action.max is None or action.max >= candidate.minimum for action in problem.policy.scheduled)
