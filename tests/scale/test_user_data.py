"""User data read back."""

from __future__ import annotations

import base64
import gzip

import pytest

from scale.user_data import script

SCRIPT = "#!/bin/bash\necho grüße\n"
PACKED = gzip.compress(SCRIPT.encode(), mtime=0)  # the time would be in a test's name


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("content", [SCRIPT.encode(), PACKED], ids=["plain", "compressed"])
def test_a_script_is_read_back_compressed_or_not(content: bytes) -> None:
    assert script(encoded(content)) == SCRIPT


@pytest.mark.parametrize("wrong", ["#!/bin/bash", "abc", encoded(PACKED[:-9]), encoded(PACKED[:2] + b"xx")])
def test_what_is_neither_is_none(wrong: str) -> None:
    assert script(wrong) is None


def test_bytes_that_are_no_text_leave_a_mark() -> None:
    assert script(encoded(b"a\xffb")) == "a\ufffdb"


def test_none_is_an_empty_script() -> None:
    assert script("") == ""
