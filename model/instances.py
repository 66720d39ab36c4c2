"""What an instance type's name says: processor architecture, virtual processors, memory.

Source: "Amazon EC2 instance types", naming conventions and the tables of the general purpose (m, t), compute
(c) and memory (r) families. A family that is not in these tables gives None, never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Architecture = Literal["arm64", "x86_64"]
Service = Literal["db", "cache"]

_NAME = re.compile(
    r"(?P<service>db\.|cache\.)?(?!mac)(?P<family>[a-z]+(?:-\d+tb)?)(?P<generation>\d+)"
    r"(?P<attributes>[a-z]*)(?P<variant>-[a-z0-9]+)?\.(?P<size>[a-z0-9-]+)"
)
_GIB_PER_PROCESSOR = {"c": 2, "m": 4, "r": 8}
_PROCESSORS = {"medium": 1, "large": 2, "xlarge": 4}
_BURSTABLE = {  # size: (virtual processors, GiB), for t3, t3a and t4g
    "nano": (2, 0.5),
    "micro": (2, 1.0),
    "small": (2, 2.0),
    "medium": (2, 4.0),
    "large": (2, 8.0),
    "xlarge": (4, 16.0),
    "2xlarge": (8, 32.0),
}


@dataclass(frozen=True)
class Size:
    """Virtual processors and memory of an instance type."""

    processors: int
    memory_mib: int


def is_type(name: str, service: Service | None = None) -> bool:
    """Return whether `name` has the form of a type of `service`; of one that runs Linux, so no Mac."""
    match = _NAME.fullmatch(name)
    return match is not None and match["service"] == (f"{service}." if service else None)


def architecture(name: str) -> Architecture:
    """Return the processor architecture of an instance type, a database class or a cache node type.

    A `g` directly after the generation is a Graviton processor (m7g, c7gn, t4g); `a1` was the first of them.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} does not have the form of an instance type")
    if match["family"] == "a" and match["generation"] == "1":
        return "arm64"
    return "arm64" if match["attributes"].startswith("g") else "x86_64"


def size(name: str) -> Size | None:
    """Return the processors and the memory of an instance type or database class.

    None for a family that is not known here, and for a cache's node, which shows its engine less than the machine has.
    """
    match = _NAME.fullmatch(name)
    if match is None or match["service"] == "cache.":
        return None
    if match["family"] == "t" and int(match["generation"]) >= 3:
        burstable = _BURSTABLE.get(match["size"])
        return Size(burstable[0], int(burstable[1] * 1024)) if burstable else None
    if int(match["generation"]) < 5 or (match["family"], match["generation"], match["attributes"]) == ("c", "5", "n"):
        return None  # Memory a processor became uniform in a family with its fifth generation; c5n is the exception.
    per_processor = _GIB_PER_PROCESSOR.get(match["family"])
    processors = _processors(match["size"])
    if per_processor is None or processors is None:
        return None
    return Size(processors, processors * per_processor * 1024)


def _processors(size_name: str) -> int | None:
    if size_name in _PROCESSORS:
        return _PROCESSORS[size_name]
    multiple = re.fullmatch(r"(\d+)xlarge", size_name)
    return 4 * int(multiple[1]) if multiple else None
