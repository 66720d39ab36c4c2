"""Where reads go, on a real primary with two streaming replicas."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from scale.local.servers import Replica
from tests.runtime.real.application import Application, Client, Variables, wait_until

REPLICAS = {"replica_1", "replica_2"}


@pytest.fixture
def delayed(replicas: list[Replica]) -> object:
    """Both replicas replay two seconds late."""
    for replica in replicas:
        replica.set_delay(2)
    yield replicas
    for replica in replicas:
        replica.set_delay(0)
    wait_until(lambda: all(replica.caught_up() for replica in replicas), 15)


def test_reads_go_to_both_replicas_and_one_request_to_one(application: Application) -> None:
    client = Client(application)
    answers = [client.get("/probe/read/").json for _ in range(60)]
    assert {answer["alias"] for answer in answers} == REPLICAS
    assert all(answer["alias"] == answer["again"] for answer in answers)


def test_async_views_read_from_replicas_too(application: Application) -> None:
    answers = [Client(application).get("/probe/read/async/").json for _ in range(40)]
    assert {answer["alias"] for answer in answers} == REPLICAS
    assert all(answer["alias"] == answer["again"] for answer in answers)


def test_the_rules_of_a_request(application: Application) -> None:
    found = Client(application).get("/probe/modes/").json
    assert found["plain"] in REPLICAS
    assert found["using_primary"] == found["atomic"] == found["auth"] == "default"


def test_a_writer_reads_its_writes_while_others_read_from_replicas(
    application: Application, delayed: list[Replica]
) -> None:
    """Two seconds of delay: the writer is never stale, from commit until the replicas have it, and then reads there."""
    seen: Counter[str] = Counter()
    others: Counter[str] = Counter()
    writer, title = Client(application), ""
    for number in range(3):
        writer, title = Client(application), f"delayed-{number}"
        written = writer.post("/probe/write/", {"title": title}).json
        assert written == {"inside": "default", "after": "default", "found": True}
        stale_replica_was_avoided = not Client(application).get(f"/probe/read/?title={title}").json["found"]
        assert stale_replica_was_avoided, "without the cookie, a replica two seconds behind must not have it yet"
        # The replicas have it in two seconds.
        soon = time.monotonic() + 1
        while time.monotonic() < soon:
            answer = writer.get(f"/probe/read/?title={title}").json
            assert answer["found"], f"stale read from {answer['alias']}"
            seen[answer["alias"]] += 1
            others[Client(application).get("/probe/read/").json["alias"]] += 1
    assert set(seen) == {"default"}
    assert set(others) == REPLICAS
    wait_until(lambda: writer.get("/probe/read/").json["alias"] in REPLICAS, 10)
    assert writer.get(f"/probe/read/?title={title}").json["found"]


def test_without_the_cookie_a_stale_read_is_what_one_gets(application: Application, delayed: list[Replica]) -> None:
    """The control of the test above: the delay is real."""
    Client(application).post("/probe/write/", {"title": "control"})
    assert Client(application).get("/probe/read/?title=control").json["found"] is False


def test_a_forged_cookie_changes_nothing(application: Application) -> None:
    client = Client(application)
    client.post("/probe/write/", {"title": "to get a cookie"})
    (cookie,) = [cookie for cookie in client.cookies if cookie.name == "django_scale_lsn"]
    assert cookie.value is not None
    cookie.value = "ffffffffffff" + cookie.value
    assert client.get("/probe/read/").json["alias"] in REPLICAS


def test_a_replica_too_far_behind_is_left_out(
    variables: Variables, replicas: list[Replica], servers_folder: Path
) -> None:
    with Application(servers_folder / "lag", variables | {"DB_REPLICA_MAX_LAG_SECONDS": "1"}) as application:
        client = Client(application)
        assert client.get("/probe/read/").json["alias"] in REPLICAS
        replicas[0].set_delay(6)
        try:
            client.post("/probe/write/", {"title": "lag"})
            wait_until(lambda: Client(application).get("/probe/state/").json["replica_1"]["lagging"], 5)
            aliases = {Client(application).get("/probe/read/").json["alias"] for _ in range(20)}
            assert aliases == {"replica_2"}
        finally:
            replicas[0].set_delay(0)
        wait_until(lambda: Client(application).get("/probe/state/").json["replica_1"]["serves"], 15)


def test_an_idle_primary_does_not_make_replicas_lag(
    variables: Variables, replicas: list[Replica], servers_folder: Path
) -> None:
    with Application(servers_folder / "idle", variables | {"DB_REPLICA_MAX_LAG_SECONDS": "0.5"}) as application:
        wait_until(lambda: all(replica.caught_up() for replica in replicas), 10)
        client = Client(application)
        client.get("/probe/read/")
        wait_until(lambda: client.get("/probe/state/").json["replica_1"]["lag_seconds"] is not None, 5)
        lags = [client.get("/probe/state/").json["replica_1"]["lag_seconds"] for _ in range(20)]
        assert max(lags) == 0


def test_the_page_cache_does_not_hide_a_write_from_its_writer(application: Application) -> None:
    reader, writer = Client(application), Client(application)
    assert reader.get("/probe/page/?title=paged").json["found"] is False
    writer.post("/probe/write/", {"title": "paged"})
    assert reader.get("/probe/page/?title=paged").json["found"] is False, "600 s: the page is served from the cache"
    assert writer.get("/probe/page/?title=paged").json["found"] is True
