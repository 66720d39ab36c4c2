"""The command `scale cost`. What it does is imported when it is called: it would slow every other command down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_VOLUMES = "A month's data and requests"


def register(app: typer.Typer) -> None:
    """Add the command to the `scale` command."""
    app.command("cost")(cost_command)


def cost_command(
    stack: Annotated[str, typer.Argument(help="The stack, as in Pulumi.<stack>.yaml.")],
    trace: Annotated[
        Path | None, typer.Option("--trace", help="The typical month's traffic; by default two days that ship.")
    ] = None,
    peak: Annotated[
        float | None, typer.Option("--peak", min=0, help="Scale the trace to this peak, in requests a minute.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", help="Measured service times, JSON, as for scale simulate.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask AWS again for prices that are kept.")] = False,
    no_network: Annotated[
        bool, typer.Option("--no-network", help="Ask nobody: the project's own dated table alone.")
    ] = False,
    response_kib: Annotated[
        float | None,
        typer.Option(
            "--response-kib",
            min=0,
            help="Mean answer of the load balancer, in KiB: gives its capacity units, and egress.",
            rich_help_panel=_VOLUMES,
        ),
    ] = None,
    egress_gb: Annotated[
        float | None, typer.Option("--egress-gb", min=0, help="GB to the internet.", rich_help_panel=_VOLUMES)
    ] = None,
    nat_gb: Annotated[
        float | None, typer.Option("--nat-gb", min=0, help="GB through NAT gateways.", rich_help_panel=_VOLUMES)
    ] = None,
    logs_gb: Annotated[
        float | None,
        typer.Option("--logs-gb", min=0, help="GB of logs that programs write.", rich_help_panel=_VOLUMES),
    ] = None,
    vended_logs_gb: Annotated[
        float | None,
        typer.Option("--vended-logs-gb", min=0, help="GB of flow and firewall logs.", rich_help_panel=_VOLUMES),
    ] = None,
    storage_gb: Annotated[
        float | None, typer.Option("--storage-gb", min=0, help="GB in buckets.", rich_help_panel=_VOLUMES)
    ] = None,
    delivery_gb: Annotated[
        float | None, typer.Option("--delivery-gb", min=0, help="GB from CloudFront.", rich_help_panel=_VOLUMES)
    ] = None,
    delivery_requests: Annotated[
        float | None,
        typer.Option("--delivery-requests", min=0, help="Requests to CloudFront.", rich_help_panel=_VOLUMES),
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0, help="US dollars: exit status 1 if the typical month is above.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    cwd: Annotated[Path, typer.Option("--cwd", help="The project's directory.")] = Path(),
) -> None:
    """Show what a month of STACK costs: at its minimum, on a trace, at its maximum.

    Exit status 1: above --budget; 2: the settings, the program or the trace are wrong.
    """
    from scale.cost import command
    from scale.cost.items import Given

    given = Given(
        egress_gb=egress_gb,
        response_kib=response_kib,
        nat_gb=nat_gb,
        logs_gb=logs_gb,
        vended_logs_gb=vended_logs_gb,
        storage_gb=storage_gb,
        delivery_gb=delivery_gb,
        delivery_requests=delivery_requests,
    )
    request = command.Request(
        stack,
        cwd,
        trace,
        peak,
        calibration,
        given,
        refresh=refresh,
        network=not no_network,
        budget=budget,
        as_json=as_json,
    )
    raise typer.Exit(command.run(request))
