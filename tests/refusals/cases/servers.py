"""For each rule a stack that AWS refuses, and one that it nearly does."""

from __future__ import annotations

from policies import tokens as t
from tests.policies.stacks import resource
from tests.refusals.cases.builders import Case, group, hibernating, mixed, scheduled, steps, template

SERVERS = (
    Case("user-data", (template(16385),), (template(16384),), "limited to 16384 bytes, and is 16385"),
    Case(
        "user-data",
        (resource(t.LAUNCH_TEMPLATE, {"userData": "#!/bin/sh"}),),
        (template(10),),
        "Invalid BASE64",
    ),
    Case("hibernation", (hibernating("r7g.8xlarge"),), (hibernating("r7g.4xlarge"),), "less than 150"),
    Case("group-size", (group(minSize=3, maxSize=2),), (group(minSize=3, maxSize=3),), "Min size 3 is above"),
    Case(
        "warm-pool",
        (group(warmPool={"poolState": "Stopped"}, mixedInstancesPolicy={"instancesDistribution": {}}),),
        (group(warmPool={"poolState": "Stopped"}),),
        "can't add a warm pool",
    ),
    Case(
        "refresh-range",
        (group(instanceMaintenancePolicy={"minHealthyPercentage": 50, "maxHealthyPercentage": 151}),),
        (group(instanceMaintenancePolicy={"minHealthyPercentage": 50, "maxHealthyPercentage": 150}),),
        "over 100 apart",
    ),
    Case("architecture", (mixed("m7g.large", "m7i.large"),), (mixed("m7g.large", "m6g.large"),), "does not match"),
    Case("cron", (scheduled("30 24 * * 1"),), (scheduled("30 23 * * mon-fri"),), "24 is no hour (0 to 23)"),
    Case("cron", (scheduled("30 6 * *"),), (scheduled("*/15 6,18 1-7 jan 0"),), "4 fields"),
    Case("cron", (scheduled("30 6 ? * 1"),), (scheduled("30 6 * * 7"),), "? is no day"),
    Case("cron", (scheduled("*/0 6 * * 1"),), (scheduled("*/1 6 * * 1"),), "step of 0"),
    Case(
        "time-zone", (scheduled("0 6 * * 1", "Europe/Bonn"),), (scheduled("0 6 * * 1", "Europe/Berlin"),), "Europe/Bonn"
    ),
    Case("step-bounds", (steps(("0", "10"), ("5", None)),), (steps(("0", "10"), ("10", None)),), "overlap"),
    Case("step-bounds", (steps(("0", "10"), ("11", None)),), (steps((None, "10"), ("10", "11")),), "gap"),
    Case(
        "step-bounds",
        (
            steps(
                ("10", "10"),
            ),
        ),
        (steps(("9", "10")),),
        "must be below",
    ),
    Case("step-bounds", (steps((None, None), ("0", None)),), (steps((None, None)),), "leaves no room"),
    Case("step-bounds", (steps(),), (steps(("0", None)),), "at least one"),
)
