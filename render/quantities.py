"""Kubernetes' quantities in the form that the API server writes them: another form is a change at each refresh."""

from __future__ import annotations


def number(value: float) -> str:
    """Return a number: whole, or in thousandths (`100`, `16667m`)."""
    return cores(round(value * 1000))


def cores(millicores: int) -> str:
    """Return processor time (`2`, `750m`)."""
    return f"{millicores // 1000}" if millicores % 1000 == 0 else f"{millicores}m"


def mebibytes(mib: int) -> str:
    """Return memory (`2Gi`, `1536Mi`)."""
    return f"{mib // 1024}Gi" if mib % 1024 == 0 else f"{mib}Mi"
