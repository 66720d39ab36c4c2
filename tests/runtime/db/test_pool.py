"""The choice among replicas, without any server."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from django_scale.conf import Options
from django_scale.db.lsn import Token, parse_lsn
from django_scale.db.pool import PRIMARY, ReplicaPool, ReplicasUnavailableError, replicas_exhausted
from django_scale.db.scope import Scope

OPTIONS = Options(max_lag_bytes=1000, max_lag_seconds=5)


def make(weights: dict[str, int] | None = None, **options: Any) -> ReplicaPool:
    return ReplicaPool(weights or {"one": 1, "two": 1}, Options(max_lag_bytes=1000, max_lag_seconds=5, **options))


@pytest.mark.parametrize(("text", "value"), [("0/0", 0), ("0/16B3748", 0x16B3748), ("16/B374D848", 0x16B374D848)])
def test_lsn(text: str, value: int) -> None:
    assert parse_lsn(text) == value


def test_weights_share_the_reads() -> None:
    pool = make({"one": 3, "two": 1, "drained": 0})
    chosen = Counter(pool.choose(Scope()) for _ in range(4000))
    assert set(chosen) == {"one", "two"}
    assert 0.70 < chosen["one"] / 4000 < 0.80


def test_an_ejected_replica_is_left_out_for_longer_each_time() -> None:
    pool = make(ejection_seconds=5, ejection_max_seconds=18)
    times: list[float] = []
    for _ in range(4):
        pool.eject("one", "test")
        assert {pool.choose(Scope()) for _ in range(20)} == {"two"}
        times.append(pool.replicas["one"].ejected_until - time.monotonic())
        pool.replicas["one"].ejected_until = 0
    for found, expected in zip(times, (5, 10, 18, 18), strict=True):
        assert 0.8 * expected - 0.1 <= found <= 1.2 * expected
    pool.restore("one")
    assert {pool.choose(Scope()) for _ in range(50)} == {"one", "two"}
    assert pool.replicas["one"].failures == 0


def test_where_nothing_probes_an_ejected_replica_comes_back_by_time() -> None:
    pool = make(ejection_seconds=0.1)
    pool.eject("one", "test")
    assert {pool.choose(Scope()) for _ in range(20)} == {"two"}
    time.sleep(0.15)
    assert {pool.choose(Scope()) for _ in range(50)} == {"one", "two"}
    assert pool.replicas["one"].failures == 1, "nobody has said that it is well: the next ejection is longer"


def test_a_failure_elsewhere_ejects_nobody() -> None:
    pool = make()
    pool.report_failure(PRIMARY, RuntimeError())
    assert all(replica.serves for replica in pool.replicas.values())


@pytest.mark.parametrize(
    ("replayed", "asked", "lagging"),
    [
        (10_000, 100.0, False),  # has all
        (9_500, 100.0, False),  # a little behind
        (8_999, 100.0, True),  # 1,001 bytes behind
        (9_999, 105.1, True),  # one byte behind, for more than five seconds
        (10_000, 500.0, False),  # idle for long: nothing is missing
    ],
)
def test_lag_in_bytes_and_in_seconds(replayed: int, asked: float, lagging: bool) -> None:
    pool = make()
    pool.observe_primary(99.0, 9_000)
    pool.observe_primary(100.0, 10_000)
    pool.observe_replica("one", asked, replayed)
    assert pool.replicas["one"].lagging is lagging


def test_a_session_reads_only_where_its_write_is_replayed() -> None:
    pool = make()
    pool.observe_primary(1.0, 500)
    pool.observe_replica("one", 1.0, 500)
    pool.observe_replica("two", 1.0, 400)
    assert {pool.choose(Scope(Token(lsn=450))) for _ in range(20)} == {"one"}
    assert pool.choose(Scope(Token(lsn=501))) == PRIMARY
    assert pool.choose(Scope(Token(until=time.time() + 5))) == PRIMARY
    assert pool.choose(Scope(Token(until=time.time() - 5))) != PRIMARY


def test_code_outside_requests_waits_for_a_position_taken_after_its_write() -> None:
    pool, scope = make(), Scope(ambient=True)
    scope.note_write()
    assert pool.choose(scope) == PRIMARY
    pool.observe_primary(scope.written_at - 1, 900)
    assert pool.choose(scope) == PRIMARY, "that position is from before the write"
    pool.observe_primary(scope.written_at + 1, 1000)
    assert pool.choose(scope) == PRIMARY, "no replica has replayed it"
    pool.observe_replica("one", scope.written_at + 1, 1000)
    assert pool.choose(scope) == "one"


def test_without_replicas_reads_fall_back_with_one_alert() -> None:
    pool, alerts = make(), []

    def alert(**kwargs: Any) -> None:
        alerts.append(kwargs["replicas"])

    replicas_exhausted.connect(alert)
    pool.eject("one", "test")
    pool.eject("two", "test")
    assert [pool.choose(Scope()) for _ in range(5)] == [PRIMARY] * 5
    replicas_exhausted.disconnect(alert)
    assert alerts == [("one", "two")]


def test_the_cap_on_reads_from_the_primary() -> None:
    pool = make(primary_fallback_limit=2)
    pool.eject("one", "test")
    pool.eject("two", "test")
    scopes = [Scope(), Scope(), Scope()]
    assert [pool.choose(scope) for scope in scopes[:2]] == [PRIMARY] * 2
    assert pool.choose(scopes[0]) == PRIMARY, "the same request again"
    with pytest.raises(ReplicasUnavailableError):
        pool.choose(scopes[2])
    assert pool.choose(Scope(ambient=True)) == PRIMARY, "commands are not capped"
    pool.release(scopes[0])
    assert pool.choose(scopes[2]) == PRIMARY


def test_a_token_survives_only_as_it_was_signed() -> None:
    token = Token(lsn=0x16B374D848, until=12)
    signed = token.sign()
    assert Token.read(signed) == token
    assert Token.read("f" + signed) is None
    assert Token.read("") is None
    assert token.merge(Token(lsn=5, until=99)) == Token(0x16B374D848, 99)
