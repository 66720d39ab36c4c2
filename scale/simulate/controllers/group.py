"""An Auto Scaling group's policies together: out when any asks for it, in only when all agree.

Source: Amazon EC2 Auto Scaling user guide, "Multiple dynamic scaling policies" and "Target tracking scaling policies".
The very object that simulation drives can be driven by live metrics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.scaling import ScalingPolicy
from scale.simulate.controllers.alarm import PeriodAlarm
from scale.simulate.controllers.scheduled import Bounds
from scale.simulate.controllers.step import StepScaling
from scale.simulate.controllers.target_tracking import CPU_LOW_SHARE, OTHER_LOW_SHARE, TargetTracker, TargetTracking

CPU = "CPUUtilization"
REQUESTS = "RequestCountPerTarget"


@dataclass(frozen=True)
class GroupState:
    """The group as Auto Scaling sees it: servers by what they count for.

    `warmed` are in the group's metrics, `warming` are in service and not yet, `starting` are not in service;
    `terminating` still drain.
    """

    bounds: Bounds
    warmed: int
    warming: int
    starting: int
    terminating: int
    last_scale_in: float = float("-inf")
    """When capacity was last taken away, in seconds."""


@dataclass(frozen=True)
class Decision:
    """A change of the desired capacity, at `at` seconds, with the policy that caused it."""

    at: float
    before: int
    after: int
    policy: str
    reason: str


class Group:
    """The dynamic policies of one group."""

    def __init__(
        self,
        policy: ScalingPolicy,
        *,
        cpu_low_share: float = CPU_LOW_SHARE,
        requests_low_share: float = OTHER_LOW_SHARE,
        sample_seconds: int = 60,
    ) -> None:
        """Build the controllers that the policy stands for.

        The two shares are where AWS's own low alarms stand, as a part of the target; AWS does not publish them.
        """
        self.trackers = [TargetTracker(each) for each in _tracking(policy, cpu_low_share, requests_low_share)]
        self._steps = [
            (
                role,
                alarm.metric,
                StepScaling.adding(step.intervals(), alarm.threshold),
                PeriodAlarm(alarm, sample_seconds=sample_seconds),
            )
            for role, (step, alarm) in policy.step_policies().items()
        ]
        self._scaling_in = [each for each in self.trackers if each.policy.scale_in]

    def decide(
        self, now: float, metrics: Mapping[str, float | None], state: GroupState, *, measured_at: float | None = None
    ) -> Decision | None:
        """Take a minute's values and return a change of the desired capacity, or None.

        `metrics` has a value by the metric's name, None or nothing where it is missing. `measured_at` is when the
        minute began that the values describe, by default the one that ends now.
        """
        for tracker in self.trackers:
            tracker.observe(metrics.get(tracker.policy.metric))
        best: Decision | None = None
        for decision in self._outs(now, metrics, state):
            if best is None or decision.after > best.after:
                best = decision
        if best is not None:
            return best
        return self._in(now, state, now - 60 if measured_at is None else measured_at)

    def _outs(self, now: float, metrics: Mapping[str, float | None], state: GroupState) -> Iterator[Decision]:
        """Yield what each policy asks for above the desired capacity. Every step alarm takes its value."""
        desired, maximum = state.bounds.desired, state.bounds.maximum
        for tracker in self.trackers:
            # A new server takes requests at once but is in the metric only when it has warmed up.
            wanted = tracker.out(state.warmed)
            if wanted is not None and min(wanted, maximum) > desired:
                reason = f"{tracker.policy.metric} {tracker.value:.4g} above {tracker.policy.target:g}"
                yield Decision(now, desired, min(wanted, maximum), tracker.policy.name, reason)
        for role, metric, step, alarm in self._steps:
            if alarm.observe(metrics.get(metric)) == "ALARM" and alarm.value is not None:
                wanted = step.desired(alarm.value, capacity=state.warmed, desired=desired)
                if min(wanted, maximum) > desired:
                    reason = f"{metric} {alarm.value:.4g} above {step.threshold:g}"
                    yield Decision(now, desired, min(wanted, maximum), role, reason)

    def _in(self, now: float, state: GroupState, measured_at: float) -> Decision | None:
        """Return a scale-in that every policy agrees to.

        None starts while servers start or warm up, nor (inferred: otherwise one low minute would be acted on twice)
        on a value measured before the last one ended.
        """
        if not self._scaling_in or state.starting or state.warming or measured_at < state.last_scale_in:
            return None
        wanted = state.bounds.minimum
        leader = self._scaling_in[0]
        for tracker in self._scaling_in:
            down = tracker.down(state.warmed + state.terminating)
            if down is None:
                return None
            if down > wanted:
                wanted, leader = down, tracker
        if wanted >= state.bounds.desired:
            return None
        threshold = leader.policy.target * leader.policy.low_share
        reason = f"all agree; {leader.policy.metric} {leader.value:.4g} below {threshold:g}"
        return Decision(now, state.bounds.desired, wanted, leader.policy.name, reason)


def _tracking(policy: ScalingPolicy, cpu_low: float, requests_low: float) -> Iterator[TargetTracking]:
    if policy.cpu_percent is not None:
        yield TargetTracking("cpu", CPU, policy.cpu_percent, cpu_low, scale_in=policy.scale_in)
    if policy.requests_per_target is not None:
        yield TargetTracking("requests", REQUESTS, policy.requests_per_target, requests_low, scale_in=policy.scale_in)
