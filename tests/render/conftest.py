"""What tests of rendered files share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scale.local.servers.process import run_tool
from tests.render.needs import need


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where they keep their files; nginx's workers are another user than root, and must reach it."""
    made = Path(tempfile.mkdtemp(prefix="django-scale-edge-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def certificate(folder: Path) -> str:
    """A certificate for localhost, its key in the same file."""
    need("openssl")
    path = folder / "localhost.pem"
    run_tool(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(path)),
        ]
    )
    path.write_bytes(path.read_bytes() + (folder / "key.pem").read_bytes())
    return str(path)
