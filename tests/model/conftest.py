"""Shows what differs when an assertion of the shared helper fails."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.model.parsing")
