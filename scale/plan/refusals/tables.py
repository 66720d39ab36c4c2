"""What cfn-lint and botocore know of AWS, read from their data files.

Importing cfn-lint takes 1.5 to 3 s (it loads sympy and networkx for a template's conditions) and botocore's
sessions 0.3 to 0.6 s; their data, for the types of a production plan, takes a tenth of a second. Tests hold what is
read here against cfn-lint's own verdicts and botocore's own models.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

Table = Mapping[str, Any]


@cache
def _package(name: str) -> Path:
    """Return a package's folder, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed")
    return Path(spec.origin).parent


@cache
def _schemas() -> Path:
    return _package("cfnlint") / "data" / "schemas"


@cache
def regions() -> frozenset[str]:
    """Return AWS's regions."""
    files = (_schemas() / "providers").glob("*-*-*.json")
    return frozenset(file.stem for file in files)


@cache
def _types(region: str) -> Mapping[str, str]:
    """Return the file of each resource type that a region has."""
    path = _schemas() / "providers" / f"{region}.json"
    return cast("Mapping[str, str]", json.loads(path.read_bytes()))


@cache
def resource_schema(region: str, kind: str) -> Table | None:
    """Return the schema of a CloudFormation type in a region, None where the region does not have it."""
    file = _types(region).get(kind)
    return None if file is None else _read(_schemas() / "resources" / f"{file}.json")


@cache
def extension(folder: str, name: str) -> Table:
    """Return a schema that cfn-lint adds to a type, such as the classes that an engine runs on."""
    return _read(_schemas() / "extensions" / folder / f"{name}.json")


@cache
def service_model(service: str) -> Table:
    """Return the newest API description of a service that botocore has: operations and shapes."""
    versions = (_package("botocore") / "data" / service).glob("*/service-2.json.gz")
    newest = max(versions, key=lambda path: path.parent.name)
    return cast("Table", json.loads(gzip.decompress(newest.read_bytes())))


def _read(path: Path) -> Table:
    return cast("Table", json.loads(path.read_bytes()))
