"""The collector of a server: the CloudWatch agent, which passes traces on to X-Ray."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


def configuration(address: str, region: str) -> str:
    """Return the agent's configuration: OTLP over HTTP at `address` (host:port), nothing else.

    Source: CloudWatch user guide, "Collect metrics and traces with OpenTelemetry". The other protocol's receiver
    cannot be left out; it stays on loopback.
    """
    receiver = {"http_endpoint": address, "grpc_endpoint": "127.0.0.1:4317"}
    traces = {"traces_collected": {"otlp": receiver}}
    return json.dumps({"agent": {"region": region}, "traces": traces}, indent=2)


def collector(address: str, region: str) -> str:
    """Return the part of a server's script that installs and starts the collector. It comes after the application:
    without traces a server still serves."""
    return _template().render(configuration=configuration(address, region))


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701 - the result is a shell script, which knows no HTML to escape
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string((Path(__file__).with_name("templates") / "collector.sh.j2").read_text())
