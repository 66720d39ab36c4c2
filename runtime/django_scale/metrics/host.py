"""CPU and memory of the container: its cgroup (version 2 or 1), else the machine by psutil. Never waits."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

# cgroup version 1 says "no limit" with a number near 2**63.
NO_LIMIT = 2**60


@dataclass(frozen=True)
class CpuReading:
    """CPU time used until `at`, both in seconds, and the number of CPUs that may be used."""

    at: float
    used: float
    cpus: float


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _fields(text: str) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in text.splitlines())}


class Host:
    """Reads what `root` (the cgroup file system) has; percentages are of what the container may use."""

    def __init__(self, root: Path = Path("/sys/fs/cgroup")) -> None:
        self._root = root
        self._last: CpuReading | None = None

    def cpu_percent(self) -> float | None:
        """CPU used since the last call; None at the first, and where it cannot be read."""
        reading, last = self._cpu(), self._last
        self._last = reading
        if reading is None:
            return None
        if last is None or reading.at <= last.at or reading.used < last.used:
            return None
        return min(100.0, 100 * (reading.used - last.used) / ((reading.at - last.at) * reading.cpus))

    def _cpu(self) -> CpuReading | None:
        now, machine = time.monotonic(), float(os.cpu_count() or 1)
        stat = _read(self._root / "cpu.stat")
        if stat is not None and "usage_usec" in stat:
            quota, _, period = (_read(self._root / "cpu.max") or "max").partition(" ")
            cpus = machine if quota == "max" else min(machine, int(quota) / int(period))
            return CpuReading(now, _fields(stat)["usage_usec"] / 1e6, cpus)
        used = _read(self._root / "cpuacct" / "cpuacct.usage")
        if used is not None:
            quota = _read(self._root / "cpu" / "cpu.cfs_quota_us") or "-1"
            period = _read(self._root / "cpu" / "cpu.cfs_period_us") or "100000"
            cpus = machine if int(quota) <= 0 else min(machine, int(quota) / int(period))
            return CpuReading(now, int(used) / 1e9, cpus)
        return self._machine_cpu(now, machine)

    def _machine_cpu(self, now: float, cpus: float) -> CpuReading | None:
        try:
            import psutil  # type: ignore[import-not-found]
        except ImportError:
            return None
        times = psutil.cpu_times()
        return CpuReading(now, sum(times) - times.idle - getattr(times, "iowait", 0.0), cpus)

    def memory_percent(self) -> float | None:
        """Memory used that cannot be given back at once, of the limit; None where it cannot be read."""
        version2 = self._memory("memory.current", "memory.max", "memory.stat", "inactive_file")
        version1 = self._memory(
            "memory/memory.usage_in_bytes", "memory/memory.limit_in_bytes", "memory/memory.stat", "total_inactive_file"
        )
        found = version2 if version2 is not None else version1
        return found if found is not None else self._machine_memory()

    def _memory(self, used: str, limit: str, stat: str, cache: str) -> float | None:
        used_text, limit_text, stat_text = (_read(self._root / name) for name in (used, limit, stat))
        if used_text is None or limit_text is None:
            return None
        bytes_limit = NO_LIMIT if limit_text == "max" else int(limit_text)
        if bytes_limit >= NO_LIMIT:
            bytes_limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        reclaimable = _fields(stat_text).get(cache, 0) if stat_text else 0
        return 100 * max(0, int(used_text) - reclaimable) / bytes_limit

    def _machine_memory(self) -> float | None:
        try:
            import psutil  # type: ignore[import-not-found]
        except ImportError:
            return None
        return float(psutil.virtual_memory().percent)
