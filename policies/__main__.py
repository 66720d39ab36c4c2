"""The policy pack, as `pulumi preview --policy-pack policies` starts it."""

from __future__ import annotations

import os

from pulumi.runtime import get_config_env
from pulumi_policy import PolicyPack

from policies.catalogue import RULES
from policies.engine import pack
from policies.levels import levels

PolicyPack(
    name="django-scale",
    display_name="django-scale",
    description="What a django-scale environment may never be",
    provider="aws",
    policies=pack(RULES.values(), levels(get_config_env(), os.environ.get("PULUMI_PROJECT", ""))),
)
