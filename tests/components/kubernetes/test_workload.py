"""The application's pods: what runs in them, with what, after what, and what they may not do."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest

from components.kubernetes.migration import release
from model.workload import Migration
from scale.testing import Recording, Resource, Secret, run
from tests.components.building import component, get, waits_for
from tests.components.kubernetes.cluster_building import (
    BUDGET,
    CONFIG_MAP,
    DEPLOYMENT,
    ENVIRONMENT,
    JOB,
    NAME,
    SECRET_OBJECT,
    SECRETS,
    VARIANTS,
    build,
    built,
    manifest,
    parsed,
    pod,
)


def deployment(role: str = "web", variant: str = "tasks", gunicorn_port: int = 8000) -> Resource:
    return built(variant, gunicorn_port).one(DEPLOYMENT, f"{NAME}-{role}")


@cache
def planned(**groups: int) -> Recording:
    return run(build(parsed(traffic=dict(groups))))


def all_pods(variant: str, gunicorn_port: int = 8000) -> list[dict[str, Any]]:
    plan = built(variant, gunicorn_port)
    return [pod(each) for each in [*plan.all(DEPLOYMENT), *plan.all(JOB)]]


def test_it_has_exactly_these_components_and_objects() -> None:
    plan = built("tasks")
    below = plan.descendants(component(plan, "Workload"))
    assert Counter(each.type.rpartition(":")[2] for each in below) == {
        "PodConfiguration": 1,
        "ConfigMap": 1,
        "Secret": 1,
        "MigrationJob": 1,
        "Job": 1,
        "WebDeployment": 1,
        "TaskWorkers": 1,
        "Deployment": 4,
        "PodDisruptionBudget": 3,
    }


# --- variables and secrets


def test_the_variables_are_those_of_a_server_plain_and_secret() -> None:
    plan = built()
    assert get(plan.one(CONFIG_MAP), "data") == ENVIRONMENT
    assert get(plan.one(SECRET_OBJECT), "stringData") == SECRETS
    container = pod(deployment())["containers"][0]
    assert [next(iter(source)) for source in container["envFrom"]] == ["configMapRef", "secretRef"]
    assert "env" not in container


def test_no_secret_stands_in_the_clear() -> None:
    plan = built("pooled", 8001)
    for each in plan.all(SECRET_OBJECT):
        assert isinstance(each.properties["stringData"], Secret)
    for each in plan.all():
        if each.type != SECRET_OBJECT:
            assert "plain-password" not in str(each.properties)


@pytest.mark.parametrize("kind", [CONFIG_MAP, SECRET_OBJECT])
def test_another_content_is_another_object_which_starts_other_pods(kind: str) -> None:
    for each in built("pooled", 8001).all(kind):
        assert get(each, "immutable") is True
        assert get(each, "metadata.name") is None


def test_the_pods_refer_to_the_objects_by_the_names_that_they_got() -> None:
    plan = built()
    sources = pod(deployment(variant="as it is"))["containers"][0]["envFrom"]
    assert sources[0]["configMapRef"]["name"] == plan.one(CONFIG_MAP).state["metadata"]["name"]  # type: ignore[index,call-overload]
    assert sources[1]["secretRef"]["name"] == plan.one(SECRET_OBJECT).state["metadata"]["name"]  # type: ignore[index,call-overload]


# --- what no pod may do


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_container_is_restricted_and_has_requests_and_limits(variant: str) -> None:
    for spec in all_pods(variant, 8001):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
        for container in [*spec["initContainers"], *spec["containers"]]:
            security = container["securityContext"]
            assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True)
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]["requests"]) == set(container["resources"]["limits"]) == {"cpu", "memory"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_mounted_is_there_and_what_is_there_is_mounted(variant: str) -> None:
    for spec in all_pods(variant, 8001):
        containers = [*spec["initContainers"], *spec["containers"]]
        mounted = {mount["name"] for container in containers for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}


# --- web


def test_the_autoscaler_owns_the_replicas() -> None:
    for each in built("tasks").all(DEPLOYMENT):
        assert ("replicas" in manifest(each)["spec"]) == (each.name == f"{NAME}-beat")


def test_the_probes_ask_gunicorn_for_life_and_for_readiness() -> None:
    container = pod(deployment(gunicorn_port=8001))["containers"][0]
    paths = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {
        "startup": {"path": "/health/live", "port": 8001},
        "liveness": {"path": "/health/live", "port": 8001},
        "readiness": {"path": "/health/ready", "port": 8001},
    }


@pytest.mark.parametrize(("startup", "live"), [(120, 120), (61, 45), (1800, 3600)])
def test_a_slow_start_and_a_silence_are_given_their_time(startup: int, live: int) -> None:
    probes = {"startup_seconds": startup, "live_seconds": live}
    plan = run(build(parsed(compute={"kubernetes": {"web": {"probes": probes}}})))
    container = pod(plan.one(DEPLOYMENT))["containers"][0]
    for kind, seconds in (("startup", startup), ("liveness", live)):
        probe = container[f"{kind}Probe"]
        allowed = probe["failureThreshold"] * probe["periodSeconds"]
        assert seconds <= allowed < seconds + probe["periodSeconds"]
    deadline = manifest(plan.one(DEPLOYMENT))["spec"]["progressDeadlineSeconds"]
    timeouts = plan.one(DEPLOYMENT).custom_timeouts
    assert timeouts is not None
    # The cluster gives up before the engine does, and says why.
    assert startup < deadline < int(timeouts.update.removesuffix("s"))


@pytest.mark.parametrize("draining", [0, 30, 3600])
def test_a_pod_that_leaves_serves_for_longer_than_the_balancer_drains_it(draining: int) -> None:
    spec = pod(planned(draining_seconds=draining).one(DEPLOYMENT))
    before_stop = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert before_stop > draining
    # Then gunicorn has the 30 s that it gives its workers.
    assert spec["terminationGracePeriodSeconds"] >= before_stop + 30


def test_a_rollout_takes_no_pod_away_before_another_serves() -> None:
    assert manifest(deployment())["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": 0}


def test_a_budget_lets_nodes_go_whatever_the_number_of_pods() -> None:
    budgets = built("tasks").all(BUDGET)
    assert len(budgets) == 3
    for each in budgets:
        spec = manifest(each)["spec"]
        # A share is rounded up, so that it is never none.
        assert 0 < int(spec["maxUnavailable"].rstrip("%")) <= 100
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize(("variant", "zones"), [("as it is", "ScheduleAnyway"), ("required zones", "DoNotSchedule")])
def test_pods_spread_over_zones_and_nodes(variant: str, zones: str) -> None:
    spread = pod(deployment(variant=variant))["topologySpreadConstraints"]
    assert {each["topologyKey"]: each["whenUnsatisfiable"] for each in spread} == {
        "topology.kubernetes.io/zone": zones,
        "kubernetes.io/hostname": "ScheduleAnyway",
    }
    assert all(each["labelSelector"] == manifest(deployment())["spec"]["selector"] for each in spread)


def test_a_deployment_selects_its_own_pods_and_no_others() -> None:
    plan = built("tasks")
    for each in plan.all(DEPLOYMENT):
        chosen = manifest(each)["spec"]["selector"]["matchLabels"].items()
        matching = [
            other.name
            for other in [*plan.all(DEPLOYMENT), *plan.all(JOB)]
            if chosen <= manifest(other)["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert matching == [each.name]


def test_prometheus_finds_the_web_pods_by_annotation() -> None:
    annotations = manifest(deployment(gunicorn_port=8001))["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8001",
        "prometheus.io/path": "/metrics",
    }


@pytest.mark.parametrize(("draining", "longest"), [(30, 300), (3600, 20_000)])
def test_the_engine_waits_for_pods_that_leave_in_their_own_time(draining: int, longest: int) -> None:
    tasks = {"app": "project", "beat": True, "workers": [{"longest_task_seconds": longest}]}
    plan = run(build(parsed(traffic={"draining_seconds": draining}, compute={"kubernetes": {"tasks": tasks}})))
    for each in plan.all(DEPLOYMENT):
        grace = pod(each)["terminationGracePeriodSeconds"]
        assert int(each.custom_timeouts.delete.removesuffix("s")) >= grace + 300


# --- sidecars


def names(spec: dict[str, Any]) -> list[str]:
    return [container["name"] for container in spec["initContainers"]]


@pytest.mark.parametrize(
    ("variant", "gunicorn_port", "web", "others"),
    [
        ("as it is", 8000, ["certificates"], ["certificates"]),
        ("as it is", 8001, ["certificates", "nginx"], ["certificates"]),
        ("pooled", 8000, ["certificates", "pgbouncer"], ["certificates", "pgbouncer"]),
        ("pooled", 8001, ["certificates", "pgbouncer", "nginx"], ["certificates", "pgbouncer"]),
    ],
)
def test_sidecars_run_where_they_are_used(variant: str, gunicorn_port: int, web: list[str], others: list[str]) -> None:
    plan = built(variant, gunicorn_port)
    assert names(pod(plan.one(DEPLOYMENT))) == web
    assert names(pod(plan.one(JOB))) == others


def test_sidecars_go_on_running_and_do_not_keep_a_job_from_ending() -> None:
    for kind in (DEPLOYMENT, JOB):
        for container in pod(built("pooled", 8001).one(kind))["initContainers"][1:]:
            assert container["restartPolicy"] == "Always"


def test_nginx_passes_on_to_gunicorn_and_believes_the_balancer_alone() -> None:
    plan = built("as it is", 8001)
    conf = get(plan.one(CONFIG_MAP, f"{NAME}-nginx"), "data")["nginx.conf"]
    assert "127.0.0.1:8001" in conf
    assert "listen *:8000" in conf
    assert "set_real_ip_from 10.0.128.0/20;" in conf
    assert conf.count("set_real_ip_from") == 1


def test_pgbouncer_knows_every_instance_and_its_password_is_in_a_secret() -> None:
    plan = built("pooled")
    ini = get(plan.one(CONFIG_MAP, f"{NAME}-pgbouncer"), "data")["pgbouncer.ini"]
    assert "host=db.example.com" in ini
    assert "host=replica-0.example.com" in ini
    assert "plain-password" not in ini
    users = get(plan.one(SECRET_OBJECT, f"{NAME}-secret-files"), "stringData")["users.txt"]
    assert users == '"app" "plain-password"\n'


# --- migration


def test_the_migration_runs_before_every_pod_of_the_release() -> None:
    plan = built("tasks")
    job = plan.one(JOB)
    assert all(waits_for(plan, each, job) for each in plan.all(DEPLOYMENT))
    assert not any(waits_for(plan, job, each) for each in plan.all(DEPLOYMENT))


def test_without_a_migration_nobody_waits() -> None:
    assert built("required zones").all(JOB) == []
    assert len(built("required zones").all(DEPLOYMENT)) == 1


def test_the_job_is_named_for_its_release_and_another_release_is_another_job() -> None:
    migration = Migration()
    own = release("shop:1", migration)
    assert own == release("shop:1", Migration())
    assert own != release("shop:2", migration)
    assert own != release("shop:1", Migration(command=("python", "manage.py", "migrate")))
    assert built().one(JOB).name == f"{NAME}-migrate-{release('registry.example.com/shop:1', migration)}"


def test_what_replaces_the_job_starts_once_it_has_ended() -> None:
    assert built().one(JOB).delete_before_replace is True
    assert get(built().one(JOB), "metadata.name") is None


def test_a_finished_job_stays_so_that_no_refresh_runs_it_again() -> None:
    assert get(built().one(JOB), "spec.ttlSecondsAfterFinished") is None


def test_a_job_that_failed_is_run_again_by_the_next_deployment() -> None:
    assert get(built().one(JOB), "metadata.annotations") == {"pulumi.com/replaceUnready": "true"}


def test_the_job_ends_in_time_and_is_tried_as_often_as_the_settings_say() -> None:
    plan = run(build(parsed(compute={"kubernetes": {"migration": {"deadline_seconds": 600, "attempts": 2}}})))
    spec = get(plan.one(JOB), "spec")
    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"], spec["parallelism"]) == (600, 1, 1)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    timeouts = plan.one(JOB).custom_timeouts
    assert timeouts is not None
    assert timeouts.create == "660s"


def test_no_node_is_emptied_under_a_migration_for_its_cost() -> None:
    def annotations(kind: str) -> dict[str, str]:
        return manifest(built().one(kind))["spec"]["template"]["metadata"]["annotations"]

    assert annotations(JOB) == {"karpenter.sh/do-not-disrupt": "true"}
    assert "karpenter.sh/do-not-disrupt" not in annotations(DEPLOYMENT)


# --- tasks


def test_a_worker_takes_its_own_queues_and_is_given_the_time_of_its_longest_task() -> None:
    spec = pod(deployment("worker-reports"))
    command = spec["containers"][0]["command"]
    assert command[:4] == ["celery", "-A", "project", "worker"]
    given = dict(zip(command[4::2], command[5::2], strict=False))
    assert given["--queues"] == "reports"
    assert (given["--concurrency"], given["--time-limit"], given["--prefetch-multiplier"]) == ("4", "900", "1")
    assert spec["terminationGracePeriodSeconds"] > 900


def test_beat_runs_once_and_never_twice_at_a_time() -> None:
    spec = manifest(deployment("beat"))["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert spec["template"]["spec"]["containers"][0]["command"][:4] == ["celery", "-A", "project", "beat"]


def test_without_beat_there_is_none() -> None:
    plan = run(build(parsed(compute={"kubernetes": {"tasks": {"app": "project"}}})))
    assert [each.name for each in plan.all(DEPLOYMENT)] == [f"{NAME}-web", f"{NAME}-worker-default"]
