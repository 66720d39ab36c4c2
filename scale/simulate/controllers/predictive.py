"""Predictive scaling: a forecast of the hours to come, and the capacity it asks for.

Source: Amazon EC2 Auto Scaling user guide, "Predictive scaling": 24 hours of history before the first forecast, at most
14 days of it, hourly forecasts of 48 hours, renewed every 6 hours; it never scales in, and honours the maximum
unless told otherwise. The forecast's own method is not published: here it is the mean of the same hour of the week,
and, for an hour of the week not seen yet, of the same hour of the day.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from model.scaling import Predictive

HISTORY_HOURS = 14 * 24
LEAST_HOURS = 24
FORECAST_HOURS = 48
RENEW_SECONDS = 6 * 3600.0


@dataclass(frozen=True)
class Forecast:
    """Servers needed in each hour from `start` (seconds since 1970, a whole hour)."""

    start: float
    need: tuple[int, ...]

    def at(self, now: float) -> int | None:
        """Return the need of the hour that holds `now`; None outside the forecast."""
        hour = math.floor((now - self.start) / 3600)
        return self.need[hour] if 0 <= hour < len(self.need) else None


class Forecaster:
    """Learns a load that is spread over the servers (their CPU percents added up) and forecasts its hours."""

    def __init__(self, policy: Predictive, *, target: float) -> None:
        """Forecast for servers that are to carry `target` of the load each."""
        self.policy = policy
        self.forecast: Forecast | None = None
        self._target = target
        self._hours: deque[tuple[int, float]] = deque(maxlen=HISTORY_HOURS)
        self._current: int | None = None
        self._sum = 0.0
        self._count = 0
        self._renewed = -math.inf

    def observe(self, now: float, load: float | None) -> None:
        """Take the load of the time before `now`; a missing one is left out of its hour."""
        hour = math.floor(now / 3600)
        if self._current is not None and hour != self._current:
            if self._count:
                self._hours.append((self._current, self._sum / self._count))
            self._sum, self._count = 0.0, 0
        self._current = hour
        if load is not None:
            self._sum += load
            self._count += 1
        if now - self._renewed >= RENEW_SECONDS and len(self._hours) >= LEAST_HOURS:
            self.forecast = Forecast(hour * 3600.0, self._need(hour))
            self._renewed = now

    def _need(self, first: int) -> tuple[int, ...]:
        weekly: dict[int, list[float]] = {}
        daily: dict[int, list[float]] = {}
        for hour, load in self._hours:
            weekly.setdefault(hour % 168, []).append(load)
            daily.setdefault(hour % 24, []).append(load)
        need: list[int] = []
        for hour in range(first, first + FORECAST_HOURS):
            seen = weekly.get(hour % 168) or daily.get(hour % 24) or [0.0]
            need.append(math.ceil(round(sum(seen) / len(seen) / self._target, 9)))
        return tuple(need)

    def maximum(self, now: float, *, maximum: int) -> int:
        """Return the group's maximum from `now` on: where the policy lets it, lifted to the forecast and its buffer.

        A lifted maximum stays until somebody sets it (PredictiveScalingConfiguration, MaxCapacityBreachBehavior).
        """
        need, breach = self._wanted(now), self.policy.max_breach_percent
        if need is None or breach is None:
            return maximum
        return max(maximum, math.floor(need * (100 + breach) / 100))

    def floor(self, now: float, *, maximum: int) -> int | None:
        """Return the fewest servers that the forecast wants at `now`, within the maximum.

        None in forecast-only mode and before the first forecast. Servers are wanted `ahead_seconds` before the hour.
        """
        need = self._wanted(now)
        return None if need is None else min(need, maximum)

    def _wanted(self, now: float) -> int | None:
        if self.policy.mode == "forecast-only" or self.forecast is None:
            return None
        needs = [self.forecast.at(now), self.forecast.at(now + self.policy.ahead_seconds)]
        return max((each for each in needs if each is not None), default=None)
