"""Images in Amazon ECR."""

from __future__ import annotations

import re
from dataclasses import dataclass

_IMAGE = re.compile(
    r"^(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com)/(?P<name>[^:@]+)"
)


@dataclass(frozen=True)
class Repository:
    """A repository: the host of its registry, and its ARN."""

    registry: str
    arn: str


def repository(image: str) -> Repository | None:
    """Return the repository that an image is in; None where that is not of Amazon ECR."""
    found = _IMAGE.match(image)
    if found is None:
        return None
    return Repository(found["registry"], f"arn:aws:ecr:{found['region']}:{found['account']}:repository/{found['name']}")
