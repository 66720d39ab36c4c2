"""The commands `scale status`, `scale verify` and `scale release`.

What they do is imported when they are called: boto3 and the SDK would slow every other command down.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StackArgument = Annotated[str, typer.Argument(help="The stack, as in Pulumi.STACK.yaml.")]
OutputsOption = Annotated[
    Path | None,
    typer.Option("--outputs", help="A file that `pulumi stack output --json` wrote; else the CLI or tags are asked."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document.")]
DirectoryOption = Annotated[Path, typer.Option("--cwd", help="The project's directory.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the `scale` command."""
    app.command("status")(status_command)
    app.command("verify")(verify_command)
    app.command("release")(release_command)


def status_command(
    stack: StackArgument,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", min=1, help="Seconds between two screens.")] = 10,
    seconds: Annotated[float, typer.Option("--time-limit", min=1, help="Seconds for one screen in all.")] = 30,
    outputs: OutputsOption = None,
    as_json: JsonOption = False,
    cwd: DirectoryOption = Path(),
) -> None:
    """Show what STACK's live environment is doing. It only reads.

    Exit status 0: shown, whatever it shows; 2: the account cannot be asked.
    """
    from scale.operate.asking import refusing
    from scale.operate.status import command

    with refusing():
        code = command.run(command.Request(stack, cwd, outputs, as_json, watch, every, seconds))
    raise typer.Exit(code)


def verify_command(
    stack: StackArgument,
    url: Annotated[str | None, typer.Option("--url", help="The address to check, in place of the stack's own.")] = None,
    static_url: Annotated[
        str | None, typer.Option("--static-url", help="A static file to check the headers of.")
    ] = None,
    http_port: Annotated[int, typer.Option("--http-port", help="Where plain HTTP is answered.")] = 80,
    limits: Annotated[
        bool, typer.Option("--limits", help="Try the limits as well: hundreds of requests, and this client locked out.")
    ] = False,
    resources: Annotated[bool, typer.Option(help="Compare the resources with the program.")] = True,
    address: Annotated[bool, typer.Option(help="Check how the address answers.")] = True,
    outputs: OutputsOption = None,
    as_json: JsonOption = False,
    cwd: DirectoryOption = Path(),
) -> None:
    """Compare STACK's live environment with its program, and check how its address answers. It only reads.

    Exit status 0: all is as it should be; 1: something differs; 2: something could not be looked at.
    """
    from scale.operate.asking import refusing
    from scale.operate.verify import command

    request = command.Request(stack, cwd, outputs, as_json, resources, address, url, static_url, http_port, limits)
    with refusing():
        code = command.run(request)
    raise typer.Exit(code)


def release_command(
    stack: StackArgument,
    image: Annotated[str | None, typer.Argument(help="The image, by tag or digest.")] = None,
    digest: Annotated[
        str | None, typer.Option("--digest", help="The image's digest, where it cannot be asked.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the servers or pods run it.")] = False,
    up: Annotated[bool, typer.Option("--up", help="Run `pulumi up --yes`, and wait.")] = False,
    show: Annotated[bool, typer.Option("--status", help="Show how far the newest release has come.")] = False,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two looks.")] = 15,
    begin_within: Annotated[float, typer.Option("--begin-within", min=0, help="Seconds until it must begin.")] = 1800,
    end_within: Annotated[float, typer.Option("--end-within", min=0, help="Seconds until it must be over.")] = 7200,
    outputs: OutputsOption = None,
    as_json: JsonOption = False,
    cwd: DirectoryOption = Path(),
) -> None:
    """Set IMAGE in STACK's file by its digest; wait until it is out. Nothing is deployed without --up.

    Exit status 0: written, or out; 1: failed or rolled back; 2: wrong, or AWS cannot be asked; 3: not over in time.
    """
    from scale.operate.asking import refusing
    from scale.operate.release import command
    from scale.operate.release.waiting import Pace

    pace = Pace(every, begin_within, end_within)
    with refusing():
        code = command.run(
            command.Request(stack, cwd, image, digest, outputs, wait, up, show, as_json=as_json, pace=pace)
        )
    raise typer.Exit(code)
