"""The page on guard rails, its tables written from the rules: `python -m policies.reference > docs/policies.md`."""

from __future__ import annotations

from collections.abc import Iterator

from policies.catalogue import GROUPS, RULES
from policies.rule import Rule

_HEAD = """\
# Guard rails

<!-- Written by `python -m policies.reference > docs/policies.md` from the rules: change them, or the words there. -->

Two things are found before anything is deployed: what an environment may never be, and what AWS would refuse.
`scale plan` says both. The first is a policy pack as well, which Pulumi's engine runs:

```sh
pulumi preview -s prod --policy-pack policies
```

The pack runs in the project's own virtual environment, and both run the same functions over the same resources. A rule
that is `mandatory` stops the deployment and is an error in the plan, one that is `advisory` is a warning, one that is
`disabled` is not looked at. A stack sets what fits it in its own file, by the rule's id; no rule knows a stack's name:

```yaml
config:
  django-scale:policies:
    database-multi-az: advisory
    https: disabled
```

An id that does not exist is a wrong setting. What `pulumi preview --policy-pack-config` says goes before the stack's
own. In a preview a value may not be known yet: no rule fails on it, and each that had to leave one out says so (in the
engine as not applicable, in a plan as a note).

The last column is the control of the AWS Foundational Security Best Practices standard that the rule covers, where
there is one.
"""

_TAIL = """\
## What AWS would refuse

Each refusal is an error of the plan: what AWS would have said, and the setting to change. One finding stands for all
resources that a setting makes. It is asked, in this order:

- The tables of [cfn-lint](https://github.com/aws-cloudformation/cfn-lint): instance types, database classes, engine
  versions and node types of the region, each class by the engine's version, and the values, patterns and bounds of
  CloudFormation's types. Resources are put into CloudFormation's names first.
- The service models of [botocore](https://github.com/boto/botocore): the values, lengths and bounds of the requests.
- Rules of its own where neither knows, each with its source in `scale/plan/refusals`: reserved names, windows that
  overlap, ports, replicas of a primary whose password RDS manages, users of a cache, schedules and time zones, bounds
  of steps, user data, hibernation, the architecture of image and instance, names of balancers, slow start, the
  certificate of CloudFront, capacity and windows of the firewall, subnets too small for the fleet at its largest,
  Docker's own network, regions and zones, tags, default quotas.

The data are read without importing either package, which takes longer than the whole plan, and are as old as the
packages that are installed: `make lock` brings newer ones. A test asks cfn-lint itself the same questions. AWS's answer
may differ where an account has other quotas, or a class is short of capacity; a default quota is a warning therefore.
What only an account can tell (whether an image, a hosted zone or a launch template's version exists) is not known here.
"""


def document() -> str:
    """Return the page."""
    summary = f"There are {len(RULES)} rules.\n"
    return "\n".join([_HEAD, summary, *(part for name, rules in GROUPS.items() for part in _group(name, rules)), _TAIL])


def _group(name: str, rules: tuple[Rule, ...]) -> Iterator[str]:
    yield f"## {name}\n"
    yield "| Rule | Default | Why | How to mend it | Control |"
    yield "| --- | --- | --- | --- | --- |"
    for rule in rules:
        yield f"| `{rule.id}` | {rule.enforcement} | {rule.why} | {rule.mend} | {rule.control or ''} |"
    yield ""


if __name__ == "__main__":
    print(document(), end="")
