"""What an instance type's name says, against what AWS publishes (DescribeInstanceTypes)."""

from __future__ import annotations

import pytest

from model.instances import Service, Size, architecture, is_type, size


@pytest.mark.parametrize(
    ("name", "processors", "gib"),
    [
        ("t4g.nano", 2, 0.5),
        ("t4g.micro", 2, 1),
        ("t3a.small", 2, 2),
        ("t4g.medium", 2, 4),
        ("t3.2xlarge", 8, 32),
        ("m7g.medium", 1, 4),
        ("m7g.large", 2, 8),
        ("m5zn.3xlarge", 12, 48),
        ("m7i-flex.large", 2, 8),
        ("m8i.96xlarge", 384, 1536),
        ("c7gn.xlarge", 4, 8),
        ("c5.9xlarge", 36, 72),
        ("c7a.48xlarge", 192, 384),
        ("r7g.xlarge", 4, 32),
        ("r7iz.large", 2, 16),
        ("r8g.48xlarge", 192, 1536),
        ("db.t4g.micro", 2, 1),
        ("db.m7g.large", 2, 8),
        ("db.r7g.large", 2, 16),
        ("db.c6gd.medium", 1, 2),
    ],
)
def test_size_of_a_known_family(name: str, processors: int, gib: float) -> None:
    assert size(name) == Size(processors, int(gib * 1024))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("c5n.large", "5.25 GiB, not 4"),
        ("c4.large", "3.75 GiB, not 4"),
        ("m4.large", "before memory became uniform"),
        ("t2.micro", "sizes of its own"),
        ("t4g.4xlarge", "does not exist"),
        ("m7g.metal", "a size that is no multiple"),
        ("x2gd.large", "a family that is not in the tables"),
        ("cache.m7g.large", "6.38 GiB for keys of the machine's 8"),
        ("m7g", "not a type"),
    ],
)
def test_a_size_that_is_not_known_is_not_guessed(name: str, reason: str) -> None:
    assert size(name) is None, reason


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("t4g.micro", "arm64"),
        ("m7g.large", "arm64"),
        ("c7gn.xlarge", "arm64"),
        ("r8gd.large", "arm64"),
        ("a1.large", "arm64"),
        ("g5g.xlarge", "arm64"),
        ("im4gn.large", "arm64"),
        ("is4gen.large", "arm64"),
        ("hpc7g.4xlarge", "arm64"),
        ("db.r7g.large", "arm64"),
        ("cache.t4g.small", "arm64"),
        ("t3a.micro", "x86_64"),
        ("m7i-flex.large", "x86_64"),
        ("g4dn.xlarge", "x86_64"),
        ("g5.xlarge", "x86_64"),
        ("gr6.4xlarge", "x86_64"),
        ("p6-b200.48xlarge", "x86_64"),
        ("u-6tb1.56xlarge", "x86_64"),
        ("u7i-12tb.224xlarge", "x86_64"),
    ],
)
def test_architecture(name: str, expected: str) -> None:
    assert architecture(name) == expected


def test_architecture_of_what_is_not_a_type() -> None:
    with pytest.raises(ValueError, match="'large' does not have the form of an instance type"):
        architecture("large")


@pytest.mark.parametrize(
    ("name", "service", "expected"),
    [
        ("m7g.large", None, True),
        ("m7g.large", "db", False),
        ("db.m7g.large", "db", True),
        ("db.m7g.large", None, False),
        ("cache.m7g.large", "cache", True),
        ("cache.m7g.large", "db", False),
        ("db.serverless", "db", False),
        ("m7g.large\n", None, False),
        ("M7g.large", None, False),
        ("mac2.metal", None, False),
        ("mac2-m2pro.metal", None, False),
    ],
)
def test_form_of_a_service_s_types(name: str, service: Service | None, expected: bool) -> None:
    assert is_type(name, service) is expected
