"""How every command that asks AWS begins and ends."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path

import typer

from model.errors import SettingsError
from scale.operate.account import Stack, open_account, read_stack
from scale.operate.errors import WRONG, AccountError
from scale.operate.find import Finder, OutputsError, read_outputs
from scale.plan.stackfile import ProgramError


@contextlib.contextmanager
def refusing() -> Generator[None]:
    """Turn what the user can put right into a message on standard error and exit status 2."""
    try:
        yield
    except (ProgramError, SettingsError, OutputsError, AccountError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(WRONG) from error


def finder(directory: Path, name: str, outputs: Path | None = None) -> tuple[Stack, Finder]:
    """Return a stack and what finds its live resources, its account checked.

    Raises ProgramError, SettingsError, OutputsError or AccountError.
    """
    stack = read_stack(directory, name)
    given = read_outputs(stack, outputs)
    return stack, Finder(open_account(stack), stack.settings, given)
