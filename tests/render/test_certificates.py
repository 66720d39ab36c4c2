"""How a pod gets the database's certificates: the program really run, against a server that fails first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from render.certificates import fetch_certificates


@contextmanager
def server(failures: int) -> Generator[str]:
    """Serve certificates on loopback, after so many refusals."""
    left = [failures]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            left[0] -= 1
            self.send_response(503 if left[0] >= 0 else 200)
            self.end_headers()
            self.wfile.write(b"certificates")

        def log_message(self, format: str, *args: object) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}/bundle.pem"
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def run(program: str) -> subprocess.CompletedProcess[str]:
    # No time passes between two attempts here.
    quick = "import time; time.sleep = lambda seconds: None\n" + program
    return subprocess.run([sys.executable, "-c", quick], capture_output=True, text=True, timeout=60, check=False)


def test_the_file_is_there_once_the_server_answers(tmp_path: Path) -> None:
    target = tmp_path / "rds.pem"
    with server(failures=2) as url:
        done = run(fetch_certificates(str(target), url))
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == b"certificates"
    assert done.stdout.count("failed") == 2
    assert list(tmp_path.iterdir()) == [target]


def test_a_server_that_never_answers_keeps_the_pod_from_starting(tmp_path: Path) -> None:
    target = tmp_path / "rds.pem"
    with server(failures=99) as url:
        done = run(fetch_certificates(str(target), url, attempts=2))
    assert done.returncode != 0
    assert not target.exists()
