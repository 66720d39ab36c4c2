"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_PACKAGES = ("pulumi", "pulumi-aws", "aws-cdk-lib", "jsii")


def machine() -> str:
    """Return, in two lines: the date, cores, processor and load; the versions of Python and of what is measured."""
    cores, load = os.cpu_count(), os.getloadavg()
    versions = ", ".join(f"{package} {_version(package)}" for package in _PACKAGES)
    today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"{today}, {cores} cores, {_processor()}, load {load[0]:.1f} (1 min) {load[2]:.1f} (15 min)\n"
        f"Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
