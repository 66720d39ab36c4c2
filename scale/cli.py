"""The `scale` command."""

from __future__ import annotations

# A plan imports a large part of two SDKs and ends: walking that heap for cycles again and again frees nothing and
# takes longer than the plan itself. It has to be said before the imports; what runs for long takes it back.
import gc

gc.disable()

import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Annotated  # noqa: E402

import typer  # noqa: E402

from scale.adopt import cli as adopt  # noqa: E402
from scale.calibrate import cli as calibrate  # noqa: E402
from scale.cost import cli as cost  # noqa: E402
from scale.load import cli as load  # noqa: E402
from scale.local import cli as local  # noqa: E402
from scale.operate import cli as operate  # noqa: E402
from scale.render import cli as render  # noqa: E402
from scale.simulate import cli as simulate  # noqa: E402

app = typer.Typer(
    help="See, run and tune a Django application's environments on AWS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def scale(context: typer.Context) -> None:
    """See, run and tune a Django application's environments on AWS."""
    if context.invoked_subcommand != "plan":
        gc.enable()


@app.command()
def plan(
    stack: Annotated[str, typer.Argument(help="The stack, as in Pulumi.STACK.yaml.")],
    full: Annotated[bool, typer.Option("--full", help="Show every resource and every output.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with the architecture drawn.")] = None,
    against: Annotated[str | None, typer.Option(help="Show how this other stack differs.")] = None,
    cwd: Annotated[Path, typer.Option(help="The project's directory.")] = Path(),
) -> None:
    """Show what STACK would build and what is wrong with it, with no cloud account.

    Exit status 0: no errors found; 1: errors found; 2: the settings or the program are wrong.
    """
    from scale.plan import command

    raise typer.Exit(command.run(command.Request(stack, cwd, full, as_json, html, against)))


simulate.register(app)
cost.register(app)
adopt.register(app)
operate.register(app)
load.register(app)
calibrate.register(app)
local.register(app)
render.register(app)


def main() -> None:
    """Run the command. A file that cannot be read or written is named on one line; the exit status is 2 then."""
    try:
        app()
    except OSError as error:
        if error.filename is None:
            raise
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
