"""For each rule of our own on what AWS refuses: a stack that it refuses, and one that it nearly does."""

from __future__ import annotations

from tests.refusals.cases.account import ACCOUNT
from tests.refusals.cases.balancing import BALANCING
from tests.refusals.cases.builders import Case
from tests.refusals.cases.cache import CACHE
from tests.refusals.cases.database import DATABASE
from tests.refusals.cases.network import NETWORK
from tests.refusals.cases.servers import SERVERS

__all__ = ["CASES", "Case"]

CASES = (*DATABASE, *CACHE, *SERVERS, *BALANCING, *NETWORK, *ACCOUNT)
