"""What is installed beside the package."""

from __future__ import annotations

from importlib.util import find_spec


def installed(module: str) -> bool:
    """Whether a module is there, without importing it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it is missing
        return False
