"""The SDK's modules that a plan loads, and their bare import.

`python -m bench.sdk_modules list STACK FILE` plans a stack and writes the modules' names, in the order of their first
import. `... load FILE` imports them and ends. `... load-lean FILE` does so in the program's own way of importing
the SDK, where it has one.
"""

from __future__ import annotations

# As `scale plan` does: the imports alone are measured, and not the collector, which the plan does without as well.
import gc

gc.disable()

import contextlib  # noqa: E402
import importlib  # noqa: E402
import io  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

SDK = ("pulumi", "pulumi_aws", "pulumi_kubernetes", "pulumi_random", "pulumi_tls")
LEAN = "components.lean_sdk"


def listed(stack: str) -> list[str]:
    """Plan a stack in this process and return the modules of the SDK that it has loaded."""
    from scale.plan import command

    with contextlib.redirect_stdout(io.StringIO()):
        command.run(command.Request(stack, Path()))
    return [name for name in sys.modules if name.split(".")[0] in SDK or name == LEAN]


def load(names: list[str]) -> None:
    """Import modules by name, passing over those that only a plan makes."""
    for name in names:
        importlib.import_module(name)


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    match arguments:
        case ["list", stack, file]:
            Path(file).write_text("\n".join(listed(stack)), encoding="utf-8")
        case ["load" | "load-lean" as way, file]:
            names = Path(file).read_text(encoding="utf-8").splitlines()
            if way == "load-lean":
                importlib.import_module(LEAN).install()
            load([name for name in names if name != LEAN])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
