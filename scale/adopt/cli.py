"""The command `scale adopt`. What it does is imported when it is called: it would slow every other command down."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

WRONG = 2
"""The exit status where nothing was written."""


def register(app: typer.Typer) -> None:
    """Add the command to the `scale` command."""
    app.command("adopt")(adopt_command)


def adopt_command(
    stack: Annotated[str, typer.Argument(help="The stack to describe it with, as in Pulumi.STACK.yaml.")],
    region: Annotated[str, typer.Option("--region", help="Where it runs, such as eu-west-1.")],
    names: Annotated[
        list[str] | None, typer.Option("--name", help="Names with * and ?: groups, balancers, databases, buckets.")
    ] = None,
    arns: Annotated[list[str] | None, typer.Option("--arn", help="The ARN of one of them.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="KEY=VALUE; of several all must hold.")] = None,
    application: Annotated[str | None, typer.Option("--application", help="The application's name.")] = None,
    image: Annotated[
        str | None, typer.Option("--image", help="The application's image, where the start script does not name it.")
    ] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="The profile of AWS's own tools.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder for the files.")] = Path("adopted"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON document.")] = False,
    cwd: Annotated[Path, typer.Option("--cwd", help="The project's directory.")] = Path(),
) -> None:
    """Describe what was built by hand: settings, a file for `pulumi import`, and what would change. It only reads AWS.

    Exit status 1: a database, a cache or a bucket would be built anew; 2: nothing was written.
    """
    from model.errors import SettingsError
    from scale.adopt import command
    from scale.adopt.selection import AdoptError
    from scale.operate.errors import AccountError
    from scale.plan.stackfile import ProgramError

    try:
        request = command.Request(
            stack=stack,
            region=region,
            directory=cwd,
            names=names or (),
            arns=arns or (),
            tags=_tags(tags or []),
            application=application,
            image=image,
            profile=profile,
            out=out,
            force=force,
            as_json=as_json,
        )
        code = command.run(request)
    except (AdoptError, AccountError, ProgramError, SettingsError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(WRONG) from error
    raise typer.Exit(code)


def _tags(texts: list[str]) -> dict[str, str]:
    from scale.adopt.selection import AdoptError

    pairs = [text.partition("=") for text in texts]
    if any(not equals or not key for key, equals, _ in pairs):
        raise AdoptError("--tag must be KEY=VALUE")
    return {key: value for key, _, value in pairs}
