"""See what a program does with an Output that means nothing: ask whether it is true, compare it, print it.

The SDK lets the first two pass (every Output is true, and equal to itself alone), puts a text in place of the third,
and has no hook for any of them. The hooks below stand on its class during a run only, and speak only of the
project's own files.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import Any

import pulumi

from scale.plan.recording import Misuse, MisuseKind

_KINDS: dict[str, MisuseKind] = {"__bool__": "condition", "__eq__": "comparison", "__str__": "text"}


def _always_true(_: object) -> bool:
    return True


@contextlib.contextmanager
def watch_outputs(root: Path, misuses: list[Misuse]) -> Generator[None]:
    """Append to `misuses` each Output taken as a condition, compared or printed in a file below `root`."""

    @cache
    def place_of(filename: str) -> str | None:
        return relative(filename, root)

    def hook(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(*operands: object) -> Any:
            frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
            place = place_of(frame.f_code.co_filename)
            if place is not None:
                misuses.append(Misuse(_KINDS[name], f"{place}:{frame.f_lineno}"))
            return original(*operands)

        return hooked

    own = {name: vars(pulumi.Output)[name] for name in _KINDS if name in vars(pulumi.Output)}
    for name in _KINDS:
        setattr(pulumi.Output, name, hook(name, getattr(pulumi.Output, name, _always_true)))
    try:
        yield
    finally:
        for name in _KINDS:
            if name in own:
                setattr(pulumi.Output, name, own[name])
            else:
                delattr(pulumi.Output, name)


def relative(filename: str, root: Path) -> str | None:
    """Return a source file's path below `root`, or None where it is another's or of a package installed there."""
    path = Path(filename)
    if not path.is_relative_to(root) or "site-packages" in path.parts:
        return None
    return str(path.relative_to(root))
