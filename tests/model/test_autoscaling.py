"""How pods follow their load: from the servers' policy and the pods' own settings; what two scalers must not share."""

from __future__ import annotations

from typing import Any

import pytest

from model.autoscaling import PodScaling, web_scaling, worker_scaling
from tests.model.parsing import parse, problems

KEY = "compute.kubernetes"
TASKS = {"app": "project", "workers": [{"queues": ["mail", "default"]}]}


def scaling(kubernetes: dict[str, Any] | None = None, **policy: Any) -> PodScaling:
    settings = parse(compute={"kubernetes": kubernetes or {}}, scaling=policy)
    model = settings.compute.kubernetes
    assert model is not None
    return web_scaling(settings.scaling, model.web, model.scaling, model.tasks)


def targets(found: PodScaling) -> dict[str, float | None]:
    return {each.name: each.utilization or each.average or each.value for each in found.targets}


def test_the_defaults_are_the_guides() -> None:
    assert targets(scaling({"tasks": TASKS})) == {
        "cpu": 70,
        "memory": 80,
        "django_requests_per_second": 100,
        "celery_queue_length": 50,
    }


@pytest.mark.parametrize(("a_minute", "a_second"), [(1000, 1000 / 60), (60, 1), (1, 1 / 60)])
def test_a_pod_may_be_held_at_what_a_server_is(a_minute: int, a_second: float) -> None:
    found = scaling({"scaling": {"requests_per_second": None}}, requests_per_target=a_minute)
    assert targets(found)["django_requests_per_second"] == pytest.approx(a_second)


def test_what_the_servers_do_not_follow_pods_do_not() -> None:
    assert set(targets(scaling(cpu_percent=None))) == {"memory", "django_requests_per_second"}
    assert set(targets(scaling(requests_per_target=None))) == {"cpu", "memory"}
    assert scaling(scale_in=False).down.select == "Disabled"
    assert scaling().down.select == "Min"


def test_the_queue_is_the_first_unless_another_is_named() -> None:
    first = scaling({"tasks": TASKS}).targets[-1]
    named = scaling({"tasks": TASKS, "scaling": {"tasks": {"queue": "default"}}}).targets[-1]
    assert (first.queues, named.queues) == (("mail",), ("default",))


def test_workers_follow_all_their_queues_together() -> None:
    settings = parse(compute={"kubernetes": {"tasks": TASKS}})
    model = settings.compute.kubernetes
    assert model is not None
    assert model.tasks is not None
    (only,) = worker_scaling(model.tasks.workers[0], model.scaling).targets
    assert (only.queues, only.average, only.value) == (("mail", "default"), 240, None)


# --- the vertical autoscaler beside it

WAYS_OUT = (
    "which scales the same pods by it. Two ways out: mode: off, which only recommends; or the HPA on processors and "
    "traffic and the VPA on memory alone, with scaling.memory_percent: null and controls: [memory]"
)


def refused(policy: dict[str, Any] | None = None, **kubernetes: Any) -> list[str]:
    return problems(compute={"kubernetes": kubernetes}, scaling=policy or {})


@pytest.mark.parametrize("mode", ["initial", "recreate", "in-place-or-recreate"])
def test_the_vpa_may_not_act_on_what_the_hpa_acts_on(mode: str) -> None:
    assert refused(vertical={"mode": mode}) == [
        f"{KEY}.vertical.controls: must leave cpu and memory to the HPA, {WAYS_OUT}"
    ]
    assert refused(vertical={"mode": mode, "controls": ["memory"]}) == [
        f"{KEY}.vertical.controls: must leave memory to the HPA, {WAYS_OUT}"
    ]


def test_the_first_way_out_is_to_recommend_only() -> None:
    assert refused(vertical={"mode": "off"}) == []


@pytest.mark.parametrize("mode", ["initial", "recreate", "in-place-or-recreate"])
def test_the_second_way_out_is_a_resource_for_each(mode: str) -> None:
    assert refused(vertical={"mode": mode, "controls": ["memory"]}, scaling={"memory_percent": None}) == []
    by_traffic = {"cpu_percent": None}
    assert refused(by_traffic, vertical={"mode": mode}, scaling={"memory_percent": None}) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"least_cpu_millicores": 3000}, "most_cpu_millicores: must be at least least_cpu_millicores (3000), is 2000"),
        ({"least_memory_mib": 2049}, "most_memory_mib: must be at least least_memory_mib (2049), is 2048"),
        ({"controls": ["cpu", "cpu"]}, "controls: must name each resource once"),
    ],
)
def test_the_vpas_bounds_are_in_order(wrong: dict[str, Any], message: str) -> None:
    assert refused(vertical=wrong) == [f"{KEY}.vertical.{message}"]


# --- with other sections


def test_something_must_add_a_pod() -> None:
    none = {"cpu_percent": None, "requests_per_target": None}
    assert refused(none, scaling={"memory_percent": None}) == [
        f"{KEY}.scaling.memory_percent: must be set, or scaling.cpu_percent, or scaling.requests_per_target: nothing "
        "would add a pod"
    ]
    assert refused(none) == []


def test_a_container_holds_its_workers_with_room_below_the_memory_at_which_pods_are_added() -> None:
    def with_workers(workers: int, memory: int, percent: int | None = 80) -> list[str]:
        resources = {"memory_mib": memory, "memory_limit_mib": 4096}
        kubernetes = {"web": {"resources": resources}, "scaling": {"memory_percent": percent}}
        return problems(application={"workers": workers}, compute={"kubernetes": kubernetes})

    assert with_workers(4, 1280) == []
    (message,) = with_workers(4, 1279)
    assert message.startswith(f"{KEY}.web.resources.memory_mib: must be at least 1280, is 1279")
    assert with_workers(4, 512, None) == []
    (limited,) = with_workers(17, 4096, None)
    assert limited.startswith(f"{KEY}.web.resources.memory_limit_mib: must be at least 4352")


def test_no_pod_is_restarted_while_a_query_may_still_run() -> None:
    def live(seconds: int, statement_ms: int) -> list[str]:
        kubernetes = {"web": {"probes": {"live_seconds": seconds}}}
        return problems(database={"statement_timeout_ms": statement_ms}, compute={"kubernetes": kubernetes})

    assert live(60, 60_000) == []
    (message,) = live(60, 60_001)
    assert message.startswith(f"{KEY}.web.probes.live_seconds: must be at least 61")


def test_pods_trace_to_an_endpoint_as_no_collector_runs_beside_them() -> None:
    def traced(tracing: dict[str, Any] | None) -> list[str]:
        return problems(observability={"tracing": tracing}, compute={"kubernetes": {}})

    (message,) = traced({"sample_percent": 5})
    assert message.startswith("observability.tracing.endpoint: must be set with compute.kubernetes")
    assert traced({"endpoint": "https://otlp.example.com"}) == traced(None) == []
    assert problems(observability={"tracing": {}}) == []


@pytest.mark.parametrize("name", ["CELERY_BROKER_URL", "CELERY_QUEUES", "CELERY_QUEUE_URLS"])
def test_a_broker_of_ones_own_is_taken_without_tasks_and_refused_beside_them(name: str) -> None:
    own = {"environment": {name: "redis://broker"}}
    tasks = {"kubernetes": {"tasks": {"app": "project"}}}
    assert problems(application=own) == []
    assert problems(application=own, compute=tasks) == [
        f"application.environment.{name}: must be absent with compute.kubernetes.tasks, which writes it"
    ]
    assert problems(secrets={name: "x"}, secret=["secrets"], compute=tasks) == [
        f"secrets.{name}: must be absent with compute.kubernetes.tasks, which writes it"
    ]
