"""A Kubernetes cluster in `scale status` and `scale release`: who asks, what is shown, and how far a roll-out is."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from model.kubernetes import Kubernetes
from scale.operate.errors import AccountError, DeniedError, MissingError, UnavailableError
from scale.operate.find import Finder, Outputs
from scale.operate.release import refresh as refreshes
from scale.operate.release import rollout
from scale.operate.release.waiting import Watch
from scale.operate.status.cluster import token, workloads
from scale.operate.status.fleet import activities, servers
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


@pytest.mark.parametrize(
    ("refresh", "pods", "state", "what"),
    [
        ("InProgress", deployment(NEW), "running", "servers"),
        ("Successful", deployment(NEW, updated=1, available=4, total=5), "running", "pods of shop/web"),
        ("Successful", deployment(OLD), "waiting", "pods of shop/web"),
        ("RollbackSuccessful", deployment(NEW), "failed", "servers"),
        ("Successful", deployment(NEW), "done", "servers"),
    ],
)
def test_servers_and_pods_are_both_waited_for(
    on_cluster: Finder,
    cluster: Cluster,
    live: Answers,
    refresh: str,
    pods: dict[str, object],
    state: str,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def launches(*_: object) -> bool:
        return True

    monkeypatch.setattr(refreshes, "launches", launches)
    described = {"InstanceRefreshId": "1", "StartTime": datetime.now(UTC), "Status": refresh}
    live.give("autoscaling:DescribeInstanceRefreshes", {"InstanceRefreshes": [described]})
    cluster.deployments = [pods]
    found = Watch(on_cluster, NEW).look()
    assert (found.state, found.what) == (state, what)


@pytest.fixture
def pods_alone(on_cluster: Finder) -> Finder:
    """The same environment, with no servers of its own and nothing deployed."""
    compute = on_cluster.settings.compute.model_copy(update={"servers": False, "kubernetes": Kubernetes()})
    settings = on_cluster.settings.model_copy(update={"compute": compute})
    nothing = Finder(on_cluster.account, settings, Outputs({}))
    nothing.__dict__["group"] = None
    return nothing


def test_an_environment_of_pods_alone_misses_no_servers(pods_alone: Finder) -> None:
    for section in (servers(pods_alone), activities(pods_alone)):
        assert (section.unread, section.notes) == ("", ("this environment runs on its cluster alone",))


def test_a_cluster_that_is_wanted_and_not_there_is_said(pods_alone: Finder) -> None:
    assert workloads(pods_alone).unread.startswith("no cluster has this environment's tags")
    with pytest.raises(AccountError, match=r"^no cluster has this environment's tags"):
        Watch(pods_alone, NEW).look()


def test_a_cluster_that_does_not_run_the_application_is_said(on_cluster: Finder, cluster: Cluster) -> None:
    cluster.deployments = [deployment("ghcr.io/example/other:1")]
    with pytest.raises(MissingError, match=r"no deployment on the cluster .* runs ghcr.io/example/shop"):
        rollout.progress(on_cluster, NEW)
