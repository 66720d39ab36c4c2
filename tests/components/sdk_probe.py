"""What a process sees of `pulumi_aws`, as JSON: `python sdk_probe.py ordinary|lean NAME`, with its subject on stdin."""

import functools
import hashlib
import importlib
import inspect
import json
import multiprocessing
import os
import sys
import typing
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any, cast

import pulumi
from pulumi import _types  # pyright: ignore[reportPrivateUsage]
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, mocks

SERVICES = [
    *("acm", "autoscaling", "cloudfront", "cloudwatch", "ec2", "elasticache", "iam", "kms", "lb"),
    *("rds", "route53", "s3", "secretsmanager", "sns", "ssm", "vpc", "wafv2"),
]
Names = dict[str, list[str]]


def load(service: str) -> ModuleType:
    package = importlib.import_module(f"pulumi_aws.{service}")
    _ = package._utilities  # until the first use it is an empty module that the SDK fills on that use
    return package


def origin(value: object) -> str:
    """Where an object comes from, without its address."""
    if isinstance(value, ModuleType):
        return f"module {value.__name__}"
    if inspect.isfunction(value):
        return f"function {value.__module__}.{value.__qualname__} {value.__code__.co_firstlineno}"
    if inspect.isclass(value):
        bases = [base.__qualname__ for base in value.__mro__]
        return f"{type(value).__name__} {value.__module__}.{value.__qualname__} {bases} {sorted(vars(value))}"
    return f"{type(value).__module__}.{type(value).__qualname__}"


def listed(_: None) -> dict[str, dict[str, str]]:
    """All that `dir` lists of each service."""
    return {
        service: {name: origin(getattr(package, name)) for name in dir(package) if name != "__loader__"}
        for service in SERVICES
        for package in [load(service)]
    }


def asked_for(names: Names) -> dict[str, dict[str, str]]:
    """The named members of each service, without ever listing one."""
    return {service: {name: origin(getattr(load(service), name)) for name in names[service]} for service in names}


def starred(_: None) -> Names:
    result: Names = {}
    for service in SERVICES:
        namespace: dict[str, Any] = {}
        exec(f"from pulumi_aws.{service} import *", namespace)  # noqa: S102 - only a module may hold this statement
        result[service] = sorted(namespace)
    return result


def types(names: Names) -> dict[str, str]:
    """The types by which the SDK serializes and deserializes the named classes, and all nested output types."""
    classes = {f"{service}.{name}": getattr(load(service), name) for service in names for name in names[service]}
    for service in names:
        for outputs in [load(service).outputs] if hasattr(load(service), "outputs") else []:
            classes |= {f"{service}.outputs.{name}": getattr(outputs, name) for name in outputs.__all__}
    return {name: resolved(cls) for name, cls in classes.items()}


def alone(names: Names) -> dict[str, str]:
    """What registering each named resource resolves, down to the last nested type, as the only resource of a program.

    Every resource has a fork of its own, so that none finds what another one has brought.
    """
    for service in names:
        load(service)
    resources = [f"{service}.{name}" for service in names for name in names[service]]
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        return dict(zip(resources, pool.map(registered, resources, chunksize=1), strict=True))


def registered(resource: str) -> str:
    service, name = resource.split(".")
    cls = getattr(load(service), name)
    found: dict[str, str] = {}
    queue: list[Any] = [cls, getattr(sys.modules[cls.__module__], f"{name}Args", None)]
    while queue:
        hint = queue.pop()
        path = f"{getattr(hint, '__module__', '')}.{getattr(hint, '__qualname__', '')}"
        queue += typing.get_args(hint)
        if path.startswith("pulumi_aws.") and path not in found:
            is_output, is_input = _types.is_output_type(hint), _types.is_input_type(hint)
            read = _types.output_type_types if is_output else _types.input_type_types if is_input else None
            read = _types.resource_types if hint is cls else read
            found[path] = repr(read(hint)) if read else ""
            queue += read(hint).values() if read else []
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def resolved(cls: Any) -> str:
    readers: list[Callable[[Any], object]] = []
    if _types.is_input_type(cls):
        readers += [_types.input_type_types, _types.input_type_py_to_pulumi_names]
    if _types.is_output_type(cls):
        readers += [_types.output_type_types]
    if issubclass(cls, pulumi.Resource):
        readers += [_types.resource_types, _types.resource_py_to_pulumi_names]
    if typing.is_typeddict(cls):
        readers += [functools.partial(typing.get_type_hints, localns={"Output": pulumi.Output, "T": type(None)})]
    return "\n".join([*(repr(reader(cls)) for reader in readers), str(cls.__doc__)])


def used_by_name(names: Names) -> Names:
    """The nested input types that a resource's file uses as values, which its star import must give it."""
    result: Names = {}
    for service in names:
        files = {getattr(load(service), name).__module__ for name in names[service]}
        for file in sorted(files - {f"pulumi_aws.{service}._inputs"}):
            module = sys.modules[file]
            code = cast(Any, module.__loader__).get_code(file)
            inputs = getattr(load(service), "_inputs", None)
            result[file] = sorted(identifiers(code) & set(inputs.__all__ if inputs else ()) - set(vars(module)))
    return {file: missing for file, missing in result.items() if missing}


def identifiers(code: CodeType) -> set[str]:
    nested = [identifiers(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*nested)


class Answers(Mocks):
    """Every resource comes out as it went in, so that the objects among its inputs exercise its output types."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = cast(dict[str, Any], args.inputs)  # pyright: ignore[reportUnknownMemberType]
        return f"{args.name}-id", {**inputs, "arn": f"arn:aws:mock:::{args.name}"}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return {**cast(dict[str, Any], args.args), "id": "answer"}, []  # pyright: ignore[reportUnknownMemberType]


class Recorder(mocks.MockMonitor):
    """Keeps each registration as the bytes that the engine would receive."""

    def __init__(self) -> None:
        super().__init__(Answers())
        self.requests: dict[str, str] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self.requests[f"{request.type} {request.name}"] = request.SerializeToString(deterministic=True).hex()
        return super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType]


def registrations(_: None) -> dict[str, dict[str, str]]:
    """The registrations of `sdk_program`, and the types and values of the outputs of its resources."""
    monitor = Recorder()
    mocks.set_mocks(Answers(), project="probe", stack="test", preview=False, monitor=monitor)
    seen: dict[str, str] = {}

    def build() -> pulumi.Output[Any]:
        program = importlib.import_module("sdk_program")
        found: dict[str, Any] = dict(vars(program))
        for name, resource in vars(program).items():
            if isinstance(resource, pulumi.Resource):
                found |= {f"{name}.{key}": value for key, value in vars(resource).items() if not key.startswith("_")}
        return pulumi.Output.all(*(keep(name, value) for name, value in found.items()))

    def keep(name: str, value: Any) -> Any:
        def see(known: Any) -> None:
            seen[name] = described(known)

        return cast(Any, value).apply(see) if isinstance(value, pulumi.Output) else None

    pulumi.runtime.test(build)()  # pyright: ignore[reportUnknownMemberType]
    return {"requests": monitor.requests, "outputs": seen}


def described(value: Any) -> str:
    """A value with the types of all its parts."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, list):
        return f"{kind}[{', '.join(described(item) for item in cast(list[Any], value))}]"
    if isinstance(value, dict):
        items = sorted(cast(dict[str, Any], value).items())
        return f"{kind}({', '.join(f'{key}={described(item)}' for key, item in items)})"
    return f"{kind} {value if isinstance(value, str | int | float | None) else described(vars(value))}"


def result_of(script: str) -> Any:
    """Whatever a snippet leaves in `result`."""
    namespace: dict[str, Any] = {}
    exec(script, namespace)  # noqa: S102 - a test's own text
    return namespace["result"]


if __name__ == "__main__":
    if sys.argv[1] == "lean":
        importlib.import_module("components.lean_sdk").install()  # importing `components` is enough, and this is plain
    elif any(name.partition(".")[0] == "components" for name in sys.modules):
        sys.exit("components are imported: this process is no longer an ordinary one")
    print(json.dumps(globals()[sys.argv[2]](json.load(sys.stdin))))
