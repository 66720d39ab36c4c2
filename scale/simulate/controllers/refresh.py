"""Instance refresh: a fleet replaced in place, within a minimum and a maximum of healthy servers.

Source: Amazon EC2 Auto Scaling user guide, "Instance refresh": percentages of the desired capacity, the minimum rounded
up; at a minimum of 100 % new servers start first; each replaced batch waits for the warm-up.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.servers import Refresh


@dataclass(frozen=True)
class RefreshStep:
    """Servers to start with the new template, and old ones to terminate, now."""

    start: int
    terminate: int


def step(refresh: Refresh, *, desired: int, old: int, new_ready: int, new_starting: int) -> RefreshStep:
    """Return the next step of a refresh; nothing to do when no old server is left.

    `old` are in service with the old template, `new_ready` have warmed up with the new one, `new_starting` have not.
    """
    if old == 0 and new_ready + new_starting >= desired:
        return RefreshStep(0, 0)
    least = -(-desired * refresh.min_healthy_percent // 100)
    most = desired * refresh.max_healthy_percent // 100
    if refresh.min_healthy_percent == 100:
        # With 100 to 100 % nothing could ever start: the service then goes one server above.
        most = max(most, desired + 1)
    terminate = min(old, max(0, old + new_ready - least))
    if terminate == 0 and old + new_ready + new_starting >= most and new_starting == 0:
        # A small group whose percentages leave no room is replaced one by one all the same (inferred).
        terminate = min(old, 1)
    start = max(0, min(desired - new_ready - new_starting, most - (old - terminate) - new_ready - new_starting))
    return RefreshStep(start, terminate)
