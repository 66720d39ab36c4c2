"""For each rule a stack that breaks it, and one that nearly does."""

from __future__ import annotations

from tests.policies.cases.availability import AVAILABILITY
from tests.policies.cases.builders import Case
from tests.policies.cases.data import DATA
from tests.policies.cases.exposure import EXPOSURE
from tests.policies.cases.hygiene import HYGIENE
from tests.policies.cases.kubernetes import KUBERNETES
from tests.policies.cases.scaling import SCALING

__all__ = ["CASES", "Case"]

CASES = (*DATA, *EXPOSURE, *AVAILABILITY, *SCALING, *KUBERNETES, *HYGIENE)
