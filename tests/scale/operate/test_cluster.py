"""A Kubernetes cluster in `scale status` and `scale release`: who asks, what is shown, and how far a roll-out is."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from scale.operate.errors import DeniedError, MissingError, UnavailableError
from scale.operate.find import Finder, Outputs
from scale.operate.release import rollout
from scale.operate.status.cluster import token, workloads
from tests.scale.operate.answers import Answers
from tests.scale.operate.cluster import NAME, Cluster, autoscaler, deployment, serving

OLD, NEW = "ghcr.io/example/shop:1.4.0", f"ghcr.io/example/shop:1.5.0@sha256:{'ab' * 32}"


@pytest.fixture
def cluster(live: Answers) -> Iterator[Cluster]:
    with serving() as found:
        live.give("eks:DescribeCluster", found.described())
        yield found


@pytest.fixture
def on_cluster(finder: Finder, cluster: Cluster) -> Finder:
    return Finder(finder.account, finder.settings, Outputs({"cluster": NAME}))


def test_the_token_is_a_signed_request_for_the_callers_identity(finder: Finder) -> None:
    kind, _, text = token(finder.account, NAME).partition(".")
    url = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
    query = parse_qs(url.query)
    assert kind == "k8s-aws-v1"
    assert (url.netloc, query["Action"]) == ("sts.eu-west-1.amazonaws.com", ["GetCallerIdentity"])
    assert (query["X-Amz-Expires"], query["X-Amz-SignedHeaders"]) == (["60"], ["host;x-k8s-aws-id"])


def test_deployments_show_their_replicas_and_autoscalers_their_conditions(on_cluster: Finder, cluster: Cluster) -> None:
    system = deployment("coredns:1")
    system["metadata"]["namespace"] = "kube-system"
    cluster.deployments = [deployment(NEW, updated=2, available=3), system]
    cluster.autoscalers = [
        autoscaler(("AbleToScale", "True", "ReadyForNewScale"), ("ScalingActive", "False", "FailedGetResourceMetric"))
    ]
    found = workloads(on_cluster)
    assert [(row.cells, row.level) for row in found.rows] == [
        (("deployment", "shop/web", "3 of 4", "2 updated", ""), "warn"),
        (
            (
                "autoscaler",
                "shop/web",
                "4 of 4 (3 to 20)",
                "ScalingActive=False",
                "FailedGetResourceMetric: the text",
            ),
            "bad",
        ),
    ]
    assert {each.split(".")[0] for each in cluster.tokens} == {"Bearer k8s-aws-v1"}


def test_an_autoscaler_at_its_limit_is_a_warning(on_cluster: Finder, cluster: Cluster) -> None:
    cluster.autoscalers = [
        autoscaler(("ScalingActive", "True", "ValidMetricFound"), ("ScalingLimited", "True", "TooManyReplicas")),
        autoscaler(("ScalingActive", "True", "ValidMetricFound"), ("ScalingLimited", "False", "DesiredWithinRange")),
    ]
    assert [(row.cells[3], row.level) for row in workloads(on_cluster).rows] == [
        ("ScalingLimited=True", "warn"),
        ("active", "ok"),
    ]


def test_a_cluster_that_refuses_says_what_the_caller_needs(on_cluster: Finder, cluster: Cluster) -> None:
    cluster.status = 403
    with pytest.raises(DeniedError, match=r"refuses arn:aws:.*AmazonEKSViewPolicy"):
        workloads(on_cluster)


def test_a_cluster_that_nobody_answers_at(on_cluster: Finder, live: Answers) -> None:
    gone = Cluster("http://127.0.0.1:1")
    live.give("eks:DescribeCluster", gone.described())
    with pytest.raises(UnavailableError, match=f"the cluster {NAME} does not answer"):
        workloads(on_cluster)


@pytest.mark.parametrize(
    ("shape", "state", "percent"),
    [
        (deployment(OLD), "waiting", 0),
        (deployment(NEW, updated=1, available=4, total=5), "running", 25),
        (deployment(NEW, updated=4, available=4, total=5), "running", 99),
        (deployment(NEW), "done", 100),
        (deployment(NEW, updated=1, available=1, failed="has timed out"), "failed", 25),
    ],
)
def test_a_roll_out_is_over_when_no_old_pod_is_left(
    on_cluster: Finder, cluster: Cluster, shape: dict[str, object], state: str, percent: int
) -> None:
    cluster.deployments = [shape]
    found = rollout.progress(on_cluster, NEW)
    assert (found.state, found.percent) == (state, percent)
    assert found.reason == ("shop/web: has timed out" if state == "failed" else "")


def test_a_cluster_that_does_not_run_the_application_is_said(on_cluster: Finder, cluster: Cluster) -> None:
    cluster.deployments = [deployment("ghcr.io/example/other:1")]
    with pytest.raises(MissingError, match=r"no deployment on the cluster .* runs ghcr.io/example/shop"):
        rollout.progress(on_cluster, NEW)
