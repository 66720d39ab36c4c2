"""What EKS supports, and what is run beside the application: versions, each with the day it was looked up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

Version = Literal["1.34", "1.35", "1.36"]
AddOn = Literal["vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "metrics-server"]

SUPPORT_STATED_ON = date(2026, 4, 24)
"""When the dates below were read off AWS's calendar (EKS guide, "Understand the Kubernetes version lifecycle").

1.34's is the guide's own; 1.35's is second-hand, from a copy that AWS's samples (sample-apex-skills) checked that day.
"""

END_OF_STANDARD_SUPPORT: Mapping[Version, date | None] = {
    "1.34": date(2026, 12, 2),
    "1.35": date(2027, 3, 27),
    "1.36": None,  # It was released after the calendar was read: `aws eks describe-cluster-versions` knows its end.
}
"""The last day without the surcharge of extended support, None where it is not known here."""

# Versions that ran together on clusters of that version, as others published them (second-hand);
# `aws eks describe-addon-versions` says what a region has, and `compute.kubernetes.add_ons` takes it.
_ADD_ONS: Mapping[Version, Mapping[AddOn, str]] = {
    "1.34": {
        "vpc-cni": "v1.21.1-eksbuild.1",
        "coredns": "v1.12.4-eksbuild.1",
        "kube-proxy": "v1.34.1-eksbuild.2",
        "eks-pod-identity-agent": "v1.3.10-eksbuild.2",
        "metrics-server": "v0.8.0-eksbuild.6",
    },
    "1.35": {
        "vpc-cni": "v1.21.1-eksbuild.3",
        "coredns": "v1.13.2-eksbuild.1",
        "kube-proxy": "v1.35.0-eksbuild.2",
        "eks-pod-identity-agent": "v1.3.10-eksbuild.2",
        "metrics-server": "v0.8.0-eksbuild.6",
    },
    "1.36": {
        "vpc-cni": "v1.22.4-eksbuild.3",
        "coredns": "v1.14.3-eksbuild.16",
        "kube-proxy": "v1.36.0-eksbuild.21",
        "eks-pod-identity-agent": "v1.3.10-eksbuild.3",
        "metrics-server": "v0.8.0-eksbuild.6",
    },
}

KARPENTER_CHART = "1.15.0"
"""Karpenter's chart and its CRDs', which are of one version (Karpenter's guide, "Upgrading", CRD upgrades).

Released on 2026-10-10; Kubernetes 1.35 needs 1.9 or later, 1.36 needs 1.13 (the guide's compatibility matrix).
"""

BALANCER_CONTROLLER_CHART = "1.17.1"
"""The AWS Load Balancer Controller's chart, of its v2.17.1; from 1.5 they take Kubernetes 1.22 and later (README)."""


def add_on_version(version: Version, add_on: AddOn) -> str:
    """Return the version of an add-on for a version of Kubernetes."""
    return _ADD_ONS[version][add_on]
