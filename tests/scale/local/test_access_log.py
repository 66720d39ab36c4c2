"""The balancers' access logs, which name their fields differently."""

from __future__ import annotations

from pathlib import Path

import pytest

from scale.local.access_log import AccessLog, Request, parse


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        pytest.param(
            b'{"status":200,"seconds":0.125,"upstream":"127.0.0.1:20001","upstream_seconds":"0.120"}',
            Request(200, 0.125, 0.12, "127.0.0.1:20001"),
            id="nginx",
        ),
        pytest.param(
            b'{"status":200,"seconds":1.5,"upstream":"127.0.0.1:1, 127.0.0.1:2","upstream_seconds":"0.000, 1.400"}',
            Request(200, 1.5, 1.4, "127.0.0.1:2"),
            id="nginx, after another server",
        ),
        pytest.param(
            b'{"status":429,"seconds":0.000,"upstream":"","upstream_seconds":""}',
            Request(429, 0.0, None, ""),
            id="nginx, refused",
        ),
        pytest.param(
            b'{"status":200,"milliseconds":125,"upstream":"web-1","upstream_milliseconds":120}',
            Request(200, 0.125, 0.12, "web-1"),
            id="HAProxy",
        ),
        pytest.param(
            b'{"status":503,"milliseconds":-1,"upstream":"<NOSRV>","upstream_milliseconds":-1}',
            Request(503, 0.0, None, ""),
            id="HAProxy, no server",
        ),
        pytest.param(b"[NOTICE] (1) : New worker forked", None, id="HAProxy's own words"),
        pytest.param(b'{"status":2', None, id="half a line"),
        pytest.param(b'{"other":1}', None, id="another object"),
    ],
)
def test_a_line_is_a_request(line: bytes, request_: Request | None) -> None:
    assert parse(line) == request_


def test_what_is_added_is_read_once_and_only_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = AccessLog(path)
    assert log.read() == []
    line = b'{"status":200,"seconds":1,"upstream":"a","upstream_seconds":"1"}\n'
    path.write_bytes(line + line[:20])
    assert len(log.read()) == 1
    with path.open("ab") as more:
        more.write(line[20:])
    assert len(log.read()) == 1
    assert log.read() == []
