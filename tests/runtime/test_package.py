"""What the package as a whole keeps to."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scale.local.servers import MissingBinaryError
from tests.runtime import conftest

PACKAGE = Path(__file__).resolve().parents[2] / "runtime" / "django_scale"
ALLOWED = {"django", "psycopg", "redis", "asgiref", "django_scale", "psutil", "zstandard"}
# Folders whose modules are imported once it is known that their extra is installed.
OF_EXTRAS = {"tracing": {"opentelemetry"}}


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_it_stands_alone() -> None:
    """Only the standard library and what it depends on; extras are imported where they are used."""
    import sys

    files = list(PACKAGE.rglob("*.py"))
    assert len(files) > 40
    for path in files:
        assert _imports(path) - set(sys.stdlib_module_names) <= ALLOWED | OF_EXTRAS.get(path.parent.name, set()), path


def _missing(name: str) -> Path:
    raise MissingBinaryError(f"{name} is not installed")


def test_missing_servers_skip_and_fail_where_ci_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "find_binary", _missing)
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="postgres is not installed"):
        conftest.need("postgres")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="postgres is not installed"):
        conftest.need("postgres")
