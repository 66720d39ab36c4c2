"""The collector of a server: the CloudWatch agent, which passes traces on to X-Ray."""

from __future__ import annotations

import json

from model.observability import COLLECTOR_PORTS
from render.templating import template


def configuration(address: str, region: str) -> str:
    """Return the agent's configuration: OTLP over HTTP at `address` (host:port), nothing else.

    Source: CloudWatch user guide, "Collect metrics and traces with OpenTelemetry". The other protocol's receiver
    cannot be left out; it stays on loopback.
    """
    receiver = {"http_endpoint": address, "grpc_endpoint": f"127.0.0.1:{COLLECTOR_PORTS[0]}"}
    traces = {"traces_collected": {"otlp": receiver}}
    return json.dumps({"agent": {"region": region}, "traces": traces}, indent=2)


def collector(address: str, region: str) -> str:
    """Return the part of a server's script that installs and starts the collector. It comes after the application:
    without traces a server still serves."""
    return template("collector.sh.j2").render(configuration=configuration(address, region))
