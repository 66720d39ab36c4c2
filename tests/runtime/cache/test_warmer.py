"""The cache warmer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django_scale.cache import CacheWarmer
from django_scale.cache import warmer as registered
from django_scale.cache.warmer import AlreadyWarmingError


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def batches() -> list[list[int]]:
    return []


@pytest.fixture
def warmer(batches: list[list[int]]) -> CacheWarmer:
    made = CacheWarmer()

    @made.register("numbers", ids=lambda: range(10), batch=4, timeout=60)
    def numbers(ids: Sequence[int]) -> Mapping[str, int]:
        batches.append(list(ids))
        return {f"number:{i}": i * i for i in ids}

    return made


def test_it_loads_and_writes_in_batches(warmer: CacheWarmer, batches: list[list[int]]) -> None:
    progress = list(warmer.warm("numbers"))
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [(p.done, p.total, p.stored) for p in progress] == [(4, 10, 4), (8, 10, 8), (10, 10, 10)]
    assert cache.get_many([f"number:{i}" for i in range(10)]) == {f"number:{i}": i * i for i in range(10)}


def test_an_interrupted_run_goes_on_after_its_last_whole_batch(warmer: CacheWarmer, batches: list[list[int]]) -> None:
    run = warmer.warm("numbers")
    next(run)
    run.close()
    assert [p.done for p in warmer.warm("numbers")] == [8, 10]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert next(warmer.warm("numbers")).done == 4, "a whole run leaves nothing to resume"


def test_a_run_can_start_anew(warmer: CacheWarmer, batches: list[list[int]]) -> None:
    run = warmer.warm("numbers")
    next(run)
    run.close()
    assert [p.done for p in warmer.warm("numbers", resume=False)] == [4, 8, 10]


def test_one_server_warms(warmer: CacheWarmer) -> None:
    run = warmer.warm("numbers")
    next(run)
    with pytest.raises(AlreadyWarmingError):
        next(CacheWarmer.warm(warmer, "numbers"))
    run.close()
    assert next(warmer.warm("numbers", resume=False)).done == 4


def test_a_lost_lock_stops_the_run(warmer: CacheWarmer) -> None:
    run = warmer.warm("numbers")
    next(run)
    cache.set("warm:numbers:lock", "another")
    with pytest.raises(AlreadyWarmingError, match="lost"):
        next(run)
    assert cache.get("warm:numbers:lock") == "another", "another's lock is not given back"


def test_only_these_ids(warmer: CacheWarmer, batches: list[list[int]]) -> None:
    assert [p.total for p in warmer.warm("numbers", [3, 5])] == [2]
    assert batches == [[3, 5]]


def test_the_command() -> None:
    @registered.register("command", ids=lambda: [1, 2, 3], batch=2)
    def load(ids: Sequence[int]) -> Mapping[str, int]:
        return {f"c:{i}": i for i in ids}

    out = StringIO()
    call_command("warm_cache", "command", stdout=out)
    assert "command [##############################] 3/3, 3 stored" in out.getvalue()
    call_command("warm_cache", "command", "--ids", "7", stdout=out)
    assert cache.get("c:7") == 7
    cache.add("warm:command:lock", "another")
    call_command("warm_cache", "command", stdout=out)
    assert "skipped, another server warms it" in out.getvalue()
    with pytest.raises(CommandError, match="no warmer 'unknown'"):
        call_command("warm_cache", "unknown")
