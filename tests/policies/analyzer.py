"""The pack's process, started and spoken to as Pulumi's engine does."""

# gRPC and the protocol's generated modules come without complete types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, engine_pb2, engine_pb2_grpc

from policies.view import Resource
from scale.plan import recording as recorded
from scale.plan.values import Value, encode

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policies"


class _Engine(engine_pb2_grpc.EngineServicer):
    """The engine's service to its plugins, which takes their messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def Log(self, request: engine_pb2.LogRequest, context: object) -> empty_pb2.Empty:  # noqa: N802
        self.messages.append(request.message)
        return empty_pb2.Empty()


@dataclass(frozen=True)
class Analyzer:
    """A running pack."""

    stub: analyzer_pb2_grpc.AnalyzerStub
    process: subprocess.Popen[str]


@contextlib.contextmanager
def analyzer(policies: Mapping[str, str] | None = None) -> Generator[Analyzer]:
    """Start the pack with a stack's own levels, and end it."""
    engine = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), engine)
    port = engine.add_insecure_port("127.0.0.1:0")
    engine.start()
    process = start(f"127.0.0.1:{port}", policies)
    try:
        assert process.stdout is not None
        address = f"127.0.0.1:{int(process.stdout.readline())}"
        with grpc.insecure_channel(address) as channel:
            yield Analyzer(analyzer_pb2_grpc.AnalyzerStub(channel), process)
    finally:
        process.terminate()
        process.communicate(timeout=10)
        engine.stop(None)


def start(engine_address: str, policies: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the pack as the engine does, with the stack in its environment."""
    config = {"aws:region": "eu-west-1", "django-scale:policies": json.dumps(policies or {})}
    environment = {
        **os.environ,
        "PULUMI_PROJECT": "django-scale",
        "PULUMI_STACK": "prod",
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps(config),
    }
    return subprocess.Popen(
        # Unbuffered, or the port stays in the process.
        [sys.executable, "-u", "-m", "pulumi.policy", engine_address, str(PACK)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=PACK,
    )


def analyze_request(resource: Resource) -> analyzer_pb2.AnalyzeRequest:
    """Return the engine's question about one resource."""
    request = analyzer_pb2.AnalyzeRequest(type=resource.type, urn=resource.urn, name=resource.name)
    request.properties.update(cast("dict[str, Any]", resource.values))
    request.options.protect = resource.protect
    request.options.ignoreChanges.extend(resource.ignore_changes)
    return request


def stack_request(resources: Sequence[Resource]) -> analyzer_pb2.AnalyzeStackRequest:
    """Return the engine's question about a stack."""
    return analyzer_pb2.AnalyzeStackRequest(resources=[_analyzer_resource(each) for each in resources])


def _analyzer_resource(resource: Resource) -> analyzer_pb2.AnalyzerResource:
    request = analyzer_pb2.AnalyzerResource(type=resource.type, urn=resource.urn, name=resource.name)
    request.properties.update(cast("dict[str, Any]", resource.values))
    request.options.protect = resource.protect
    request.options.ignoreChanges.extend(resource.ignore_changes)
    for key, urns in resource.property_dependencies.items():
        request.propertyDependencies[key].urns.extend(urns)
    return request


def of_recording(recording: recorded.Recording, unknown: str) -> list[Resource]:
    """Return what a program registered, as the engine hands it to a pack; `unknown` stands for unknown values."""
    return [
        Resource(
            values={key: _sent(value, unknown) for key, value in each.properties.items()},
            type=each.type,
            name=each.name,
            urn=each.urn,
            protect=bool(each.protect),
            ignore_changes=each.ignore_changes,
            property_dependencies=each.property_dependencies,
        )
        for each in recording.all()
    ]


def _sent(value: Value, unknown: str) -> object:
    """Return a value with the sentinel that packs know in place of the one that programs send."""
    return json.loads(json.dumps(encode(value)).replace(_PROGRAMS_UNKNOWN, unknown))


_PROGRAMS_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
