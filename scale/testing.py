"""For tests of components and of whole stacks: run them with no account and look at what they register.

    from scale.testing import UNKNOWN, Secret, run

    def test_the_database_is_encrypted() -> None:
        plan = run(lambda: Database("shop-prod-db", settings, network))

        primary = plan.one("aws:rds/instance:Instance", "shop-prod-db-primary")
        assert primary.properties["storageEncrypted"] is True
        assert isinstance(primary.properties["password"], Secret)
        assert primary.protect
        assert len(plan.children(plan.one("django-scale:database:Database"), "aws:rds/instance:Instance")) == 3

Outputs belong to the run in which they are made: make them inside the callable. Properties carry the provider's names
(`storageEncrypted`), as the engine sees them. `run(..., mode="preview")` runs the same with every output unknown
(`UNKNOWN`). `plan_stack` runs a stack's own program both ways.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from scale.plan import program
from scale.plan.markers import marker
from scale.plan.program import Passes
from scale.plan.recording import Alias, CustomTimeouts, Invoke, Message, Mode, Recording, Resource
from scale.plan.stackfile import Configuration, ProgramError
from scale.plan.values import UNKNOWN, Asset, Reference, Secret, Value, leaves, plain, reveal

__all__ = [
    "UNKNOWN",
    "Alias",
    "Asset",
    "CustomTimeouts",
    "Invoke",
    "Message",
    "Mode",
    "Passes",
    "ProgramError",
    "Recording",
    "Reference",
    "Resource",
    "Secret",
    "Value",
    "leaves",
    "plain",
    "plan_stack",
    "reveal",
    "run",
    "run_both",
    "secret_value",
]


def run(
    build: Callable[[], object],
    mode: Mode = "update",
    *,
    project: str = "project",
    stack: str = "stack",
    region: str = "eu-west-1",
    config: Mapping[str, object] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Recording:
    """Run `build`, which creates resources and may export outputs, and return what it registered.

    `config` is the stack's configuration; a key without a colon is the project's. `secrets` are encrypted values in
    it: their plaintexts are found wherever they end up. Raises whatever `build` raises.
    """
    encrypted = {_full(key, project): value for key, value in (secrets or {}).items()}
    given = {_full(key, project): _text(value) for key, value in (config or {}).items()}
    values = {"aws:region": region, **given, **encrypted}
    markers = {value: f"the configuration's {key}" for key, value in encrypted.items()}
    configuration = Configuration(values, tuple(encrypted), markers)
    return program.run(build, mode, project=project, stack=stack, configuration=configuration)


def run_both(build: Callable[[], object], *, region: str = "eu-west-1") -> tuple[Recording, Recording]:
    """Run `build` as a preview, with every output unknown, and as an update."""
    return run(build, "preview", region=region), run(build, "update", region=region)


def plan_stack(stack: str, directory: Path | str = ".") -> Passes:
    """Run the program of the project in `directory` for a stack, as `scale plan` does, both ways.

    Raises ProgramError where the settings or the program are wrong.
    """
    return program.run_stack(Path(directory), stack)


def secret_value(name: str) -> str:
    """Return a plaintext for `secrets` that cannot be met by chance."""
    return marker(name)


def _full(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
