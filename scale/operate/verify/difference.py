"""One way in which the live environment is not what its program says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Danger(IntEnum):
    """What a difference can lead to, the worst first."""

    DATA = 1
    """Data can be lost, or read by others."""
    OUTAGE = 2
    """Users can be cut off."""
    SILENCE = 3
    """Nobody would be told."""
    SCALING = 4
    """The fleet does not follow the traffic."""
    DRIFT = 5
    """It is otherwise than written, and works."""

    @property
    def word(self) -> str:
        """The danger in one word."""
        return self.name.lower()


UP = "`pulumi up --refresh` puts it back; if it is meant, write it in the stack's file"
BUILD = "`pulumi up --refresh` builds it again"
UNDO = "take it away in the console, or add it to the stack's file"


def write(setting: str) -> str:
    """Return the way to mend what a setting decides."""
    return f"`pulumi up --refresh` puts it back; if it is meant, set {setting} in the stack's file"


@dataclass(frozen=True)
class Difference:
    """What differs on a resource, by its name in the program, and the way to mend it."""

    danger: Danger
    resource: str
    what: str
    wanted: str
    found: str
    mend: str

    def document(self) -> dict[str, str]:
        """Return it as JSON can hold it."""
        return {
            "danger": self.danger.word,
            "resource": self.resource,
            "what": self.what,
            "wanted": self.wanted,
            "found": self.found,
            "mend": self.mend,
        }


def ordered(differences: Iterable[Difference]) -> list[Difference]:
    """Return differences, the most dangerous first."""
    return sorted(differences, key=lambda each: (each.danger, each.resource, each.what))
