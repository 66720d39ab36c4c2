"""A stack's settings, read for a simulation: without the engine, encrypted values left out."""

from __future__ import annotations

from pathlib import Path

from model.settings import Settings
from scale.plan import stackfile


def load(directory: Path, stack: str) -> Settings:
    """Return the settings of a stack of the project in `directory`.

    Raises scale.plan.stackfile.ProgramError where there is no such stack, model.errors.SettingsError for wrong ones.
    """
    return stackfile.settings(stackfile.read(directory, stack))
