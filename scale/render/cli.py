"""The commands `scale render nginx`, `haproxy` and `pgbouncer`.

What they do is imported when they are called: the templates would slow every other command down.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StackArgument = Annotated[str, typer.Argument(help="The stack, as in Pulumi.<stack>.yaml.")]
ServerOption = Annotated[
    list[str] | None,
    typer.Option("--server", help="A server of the application: [NAME=]HOST:PORT[,weight=N][,backup]. Repeatable."),
]
StaticServerOption = Annotated[
    list[str] | None,
    typer.Option("--static-server", help="A server of static files, written likewise. Repeatable."),
]
TrustedOption = Annotated[
    list[str] | None,
    typer.Option("--trusted", help="A network of the balancers in front, such as 10.0.0.0/24. Repeatable."),
]
HttpOption = Annotated[str | None, typer.Option("--http", help="Where to listen, such as *:80; 'none' for nowhere.")]
HttpsOption = Annotated[str | None, typer.Option("--https", help="Where to listen for HTTPS, such as *:443.")]
CertificateOption = Annotated[
    str | None, typer.Option("--certificate", help="The file of the certificate, its chain and its key, PEM.")
]
ProxyOption = Annotated[bool, typer.Option("--proxy-protocol", help="The balancers in front speak the PROXY protocol.")]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="Write the file into this folder.")]
DirectoryOption = Annotated[Path, typer.Option("--cwd", help="The project's directory.")]

render = typer.Typer(
    help="Print a stack's nginx.conf, haproxy.cfg or pgbouncer.ini.", no_args_is_help=True, add_completion=False
)


def register(app: typer.Typer) -> None:
    """Add the commands to the `scale` command."""
    app.add_typer(render, name="render")


@render.command("nginx")
def nginx_command(
    stack: StackArgument,
    server: ServerOption = None,
    static_server: StaticServerOption = None,
    static_folder: Annotated[str | None, typer.Option("--static-folder", help="The folder of static files.")] = None,
    trusted: TrustedOption = None,
    http: HttpOption = None,
    https: HttpsOption = None,
    certificate: CertificateOption = None,
    proxy_protocol: ProxyOption = False,
    brotli: Annotated[
        str | None, typer.Option("--brotli-modules", help="The folder of nginx's Brotli modules, where it has them.")
    ] = None,
    out: OutOption = None,
    cwd: DirectoryOption = Path(),
) -> None:
    """Print nginx.conf: by default that of a server, in front of its gunicorn. Exit status 2 for anything wrong."""
    from scale.render import command

    asked = command.Asked(stack, cwd, out, server, static_server, trusted, http, https, certificate, proxy_protocol)
    raise typer.Exit(command.nginx(asked, static_folder=static_folder, brotli=brotli))


@render.command("haproxy")
def haproxy_command(
    stack: StackArgument,
    server: ServerOption = None,
    static_server: StaticServerOption = None,
    trusted: TrustedOption = None,
    http: HttpOption = None,
    https: HttpsOption = None,
    certificate: CertificateOption = None,
    proxy_protocol: ProxyOption = False,
    out: OutOption = None,
    cwd: DirectoryOption = Path(),
) -> None:
    """Print haproxy.cfg, before the servers that are named. Exit status 2 for anything wrong."""
    from scale.render import command

    asked = command.Asked(stack, cwd, out, server, static_server, trusted, http, https, certificate, proxy_protocol)
    raise typer.Exit(command.haproxy(asked))


@render.command("pgbouncer")
def pgbouncer_command(
    stack: StackArgument,
    primary: Annotated[str, typer.Option("--primary", help="The primary's host.")] = "primary",
    replica: Annotated[
        list[str] | None, typer.Option("--replica", help="A replica's host, in the settings' order. Repeatable.")
    ] = None,
    out: OutOption = None,
    cwd: DirectoryOption = Path(),
) -> None:
    """Print pgbouncer.ini. Hosts that are not given stand by their names in the settings. Exit status 2 for errors."""
    from scale.render import command

    raise typer.Exit(command.pgbouncer(command.Asked(stack, cwd, out), primary, replica))
