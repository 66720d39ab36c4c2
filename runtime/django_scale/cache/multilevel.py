"""The multi-level cache: L1 in this process, L2 sharded over Redis servers, L3 in the database."""

from __future__ import annotations

import logging
import re
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.exceptions import ImproperlyConfigured
from redis.exceptions import MovedError, ResponseError

from django_scale.cache import levels as processes
from django_scale.cache import stats
from django_scale.cache.asynchronous import AsyncCache
from django_scale.cache.codec import end_of, is_soft, is_stale, milliseconds
from django_scale.cache.database import DatabaseCache
from django_scale.cache.levels import CacheOptions, Levels, addresses
from django_scale.cache.local import MISSING
from django_scale.cache.nodes import Command, Node, UnavailableError
from django_scale.cache.scripts import ADD, INCR, TOUCH
from django_scale.cache.stampede import Stampede

if TYPE_CHECKING:
    from django_scale.cache.table import Table

logger = logging.getLogger("django_scale.cache")

# What Django's own check warns of: longer keys, control characters, spaces.
_PLAIN_KEY = re.compile(r"[!-~\x80-\U0010ffff]{1,250}").fullmatch
_MOMENT = struct.Struct(">Q")
# Whatever L2 says instead of doing: it is lost, or full, or no master any more.
LOST = (UnavailableError, ResponseError)


class MultiLevelCache(AsyncCache):
    """Django's cache contract over three levels; LOCATION is a list of host:port, OPTIONS those of CacheOptions.

    What two processes must agree on (`add`, `incr`, `touch`) is decided in L2. A level that is lost degrades: reads
    miss, `add` says False, `set_many` names what was not stored; nothing raises but `incr` on a key that is not there.
    """

    def __init__(self, location: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(params)
        self.options = CacheOptions.read(params.get("OPTIONS", {}))
        self._addresses = addresses(location)
        self._generation = -1
        self._own: Levels | None = None
        self.thread_sensitive = bool(self.options.l3)
        self._stampede = Stampede(self)

    @property
    def levels(self) -> Levels:
        """What this process shares; made anew after a fork."""
        if self._own is None or self._generation != processes.generation:
            self._generation = processes.generation
            self._own = processes.shared(self._addresses, self.options, self.key_prefix)
        return self._own

    @property
    def table(self) -> Table | None:
        """L3's rows, None without an L3."""
        if not self.options.l3 or not self.options.l3_seconds:
            return None
        cache: object = caches[self.options.l3]
        if not isinstance(cache, DatabaseCache):
            raise ImproperlyConfigured(f"L3 is the alias of a DatabaseCache, not {self.options.l3!r}")
        return cache.table

    def made(self, key: Any, version: int | None = None) -> str:
        """The key as the levels have it, checked."""
        made: str = self.make_key(key, version)
        if not _PLAIN_KEY(made):
            self.validate_key(made)
        return made

    def seconds(self, timeout: Any) -> float | None:
        """Seconds of a timeout; None for ever, 0 or less for one that deletes."""
        return self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout

    # Reading

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value from the first level that has it, or `default`."""
        made, own = self.made(key, version), self.levels
        l1 = own.believed()
        if l1 is None:
            value, _ = self.read_below(made)
            return default if value is MISSING else value
        value = l1.get(made)
        if value is not MISSING:
            return value
        token, left = l1.begin(made), 0.0
        try:
            value, left = self.read_below(made)
        finally:
            l1.fill(made, token, value, left)
        return default if value is MISSING else value

    def read_below(self, made: str) -> tuple[Any, float]:
        """The value from L2 or L3, and for how many seconds L1 may have it."""
        own, raw = self.levels, made.encode()
        try:
            data = own.client.call(raw, "GET", raw)
        except LOST as error:
            self.degraded("get", error)
            data = None
        if data is not None and not is_stale(data):
            stats.count("L2", 1, 0)
            return own.codec.decode(data), self.l1_seconds(data)
        stats.count("L2", 0, 1)
        found = self._read_table([made])
        if made not in found:
            return MISSING, 0.0
        payload = found[made]
        return own.codec.decode(payload), self.l1_seconds(payload)

    def _read_table(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Payloads of L3; L2 gets them back for what is left of their time."""
        table = self.table
        if table is None or not keys:
            return {}
        found = table.get(keys)
        stats.count("L3", len(found), len(keys) - len(found))
        for key, (payload, left) in found.items():
            until = () if left is None else ("PX", max(1, int(left * 1000)))
            try:
                # NX: what was written meanwhile is newer.
                self.levels.client.call(key.encode(), "SET", key, payload, "NX", *until)
            except LOST as error:
                self.degraded("set", error)
        return {key: payload for key, (payload, _) in found.items()}

    def l1_seconds(self, data: bytes) -> float:
        """For how long L1 may keep a payload: no longer than it lasts, and no integer, whose end only Redis knows."""
        end = end_of(data)
        return self.options.l1_seconds if end is None else min(self.options.l1_seconds, end - time.time())

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """The values that exist: one round trip a shard, one statement for L3."""
        wanted = {self.made(key, version): key for key in keys}
        own = self.levels
        l1 = own.believed()
        found: dict[str, Any] = {}
        if l1 is not None:
            found = {made: value for made in wanted if (value := l1.get(made)) is not MISSING}
        below = [made for made in wanted if made not in found]
        tokens = {made: l1.begin(made) for made in below} if l1 is not None else {}
        read: dict[str, tuple[Any, float]] = {}
        try:
            read = self._read_many_below(below) if below else {}
        finally:
            if l1 is not None:
                for made, token in tokens.items():
                    value, left = read.get(made, (MISSING, 0.0))
                    l1.fill(made, token, value, left)
        found.update({made: value for made, (value, _) in read.items()})
        return {wanted[made]: found[made] for made in wanted if made in found}

    def _read_many_below(self, keys: list[str]) -> dict[str, tuple[Any, float]]:
        own = self.levels
        raw = {made.encode(): made for made in keys}
        try:
            answers = own.client.get_many(list(raw))
        except LOST as error:
            self.degraded("get_many", error)
            answers = {}
        payloads = {raw[key]: data for key, data in answers.items() if not is_stale(data)}
        stats.count("L2", len(payloads), len(keys) - len(payloads))
        payloads |= self._read_table([made for made in keys if made not in payloads])
        return {made: (own.codec.decode(data), self.l1_seconds(data)) for made, data in payloads.items()}

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """True when the key exists."""
        return self.get(key, MISSING, version) is not MISSING

    # Writing

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Set in all levels; a timeout of None is for ever, of 0 or less deletes."""
        seconds = self.seconds(timeout)
        if seconds is not None and seconds <= 0:
            self.delete(key, version)
            return
        self.store(self.made(key, version), value, seconds)

    def store(self, made: str, value: Any, seconds: float | None, *, stale_seconds: float = 0) -> bytes:
        """Write a value to all levels; gives its payload."""
        own = self.levels
        end = None if seconds is None else time.time() + seconds
        payload = own.codec.encode(value, end, soft=stale_seconds > 0 and seconds is not None)
        kept = None if seconds is None else seconds + (stale_seconds if is_soft(payload) else 0)
        self._write(made, [set_command(made, payload, kept)], value, seconds)
        self._write_table({made: payload}, seconds)
        return payload

    def _write(self, made: str, commands: list[Command], value: Any, seconds: float | None) -> list[Any] | None:
        """Run commands on a key in L2, tell the others, and keep `value` in L1; None when L2 is lost."""
        own, raw = self.levels, made.encode()
        if own.l1 is not None:
            own.l1.begin_write(made)
        kept: Any = MISSING
        try:
            try:
                answers = own.client.batch(raw, [*commands, *self.messages([made])])
            except LOST as error:
                self.degraded(str(commands[0][0]), error, made)
                return None
            kept = value
            return answers
        finally:
            if own.l1 is not None:
                longest = self.options.l1_seconds
                own.l1.end_write(made, kept, longest if seconds is None else min(longest, seconds))

    def messages(self, keys: Sequence[str] | None) -> list[Command]:
        """What tells the other processes of a write."""
        invalidation = self.levels.invalidation
        return [] if invalidation is None else [invalidation.message(keys)]

    def _write_table(self, payloads: Mapping[str, bytes], seconds: float | None) -> None:
        """Write to L3. Integers are counters, which change in L2 alone: their rows are deleted."""
        table = self.table
        if table is None:
            return
        longest = self.options.l3_seconds
        left = longest if seconds is None else min(longest, seconds)
        rows = {made: (payload, left) for made, payload in payloads.items() if payload[0] & 0x80}
        if rows:
            table.put(rows)
        counters = [made for made in payloads if made not in rows]
        if counters:
            table.delete(counters)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set unless the key exists; False when it does, and when L2 is lost and cannot tell."""
        made, own, seconds = self.made(key, version), self.levels, self.seconds(timeout)
        if seconds is not None and seconds <= 0:
            return not self.has_key(key, version)
        end = None if seconds is None else time.time() + seconds
        payload = own.codec.encode(value, end)
        try:
            added = own.client.script(made.encode(), ADD, milliseconds(time.time()), payload, pexpire(seconds))
        except LOST as error:
            self.degraded("add", error)
            return False
        if not added:
            return False
        self._forget([made])
        self._write_table({made: payload}, seconds)
        return True

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Move the end of a key; False when it does not exist or L2 is lost."""
        made, seconds = self.made(key, version), self.seconds(timeout)
        if seconds is not None and seconds <= 0:
            return self.delete(key, version)
        end = _MOMENT.pack(milliseconds(None if seconds is None else time.time() + seconds))
        soft = None if seconds is None else seconds + self.options.stale_seconds
        try:
            touched = self.levels.client.script(
                made.encode(), TOUCH, milliseconds(time.time()), pexpire(seconds), pexpire(soft), end
            )
        except LOST as error:
            self.degraded("touch", error)
            return False
        self._forget([made])
        table = self.table
        if touched and table is not None:
            table.touch(made, self.options.l3_seconds if seconds is None else min(seconds, self.options.l3_seconds))
        return bool(touched)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Add to a number; ValueError when the key does not exist, or when L2 is lost."""
        made, own = self.made(key, version), self.levels
        raw = made.encode()
        try:
            value = own.client.script(raw, INCR, delta)
        except ResponseError:
            return self._incr_value(made, delta)
        except UnavailableError as error:
            self.degraded("incr", error)
            value = None
        if value is None:
            raise ValueError(f"Key {made!r} not found")
        self._forget([made])
        return int(value)

    def _incr_value(self, made: str, delta: int) -> int:
        """A number that Redis cannot add to, a float for one: read and written, its end kept, but not in one step."""
        own, raw = self.levels, made.encode()
        data = own.client.call(raw, "GET", raw)
        if data is None or is_stale(data):
            raise ValueError(f"Key {made!r} not found")
        value = own.codec.decode(data) + delta
        payload = own.codec.encode(value, end_of(data), soft=is_soft(data))
        self._write(made, [("SET", made, payload, "KEEPTTL")], MISSING, None)
        if self.table is not None:
            self.table.delete([made])
        return value

    def _forget(self, keys: Sequence[str]) -> None:
        """Drop keys from every process's L1."""
        own = self.levels
        if own.l1 is None:
            return
        for made in keys:
            own.l1.invalidate(made)
        try:
            own.client.batch(keys[0].encode(), self.messages(keys))
        except LOST as error:
            self.degraded("publish", error)

    def set_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        """Set all in one round trip a shard; gives the keys that L2 did not take."""
        seconds, own = self.seconds(timeout), self.levels
        if seconds is not None and seconds <= 0:
            self.delete_many(data, version)
            return []
        end = None if seconds is None else time.time() + seconds
        names = {self.made(key, version): key for key in data}
        payloads = {made: own.codec.encode(data[key], end) for made, key in names.items()}
        lost = self._scatter(list(names), lambda made: set_command(made, payloads[made], seconds))
        self._write_table(payloads, seconds)
        return [names[made] for made in lost]

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Delete from all levels; True when the key was there."""
        made = self.made(key, version)
        answers = self._write(made, [("DEL", made)], MISSING, None)
        table = self.table
        in_table = table is not None and table.delete([made])
        return in_table or bool(answers and answers[0])

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        """Delete all in one round trip a shard."""
        made = [self.made(key, version) for key in keys]
        self._scatter(made, lambda key: ("UNLINK", key))
        if self.table is not None and made:
            self.table.delete(made)

    def _scatter(self, keys: list[str], command: Callable[[str], Command]) -> list[str]:
        """One command a key, one round trip a shard; gives the keys that L2 did not take. L1 forgets them all."""
        own = self.levels
        if own.l1 is not None:
            for made in keys:
                own.l1.begin_write(made)
        lost: list[str] = []
        try:
            raw = {made.encode(): made for made in keys}
            groups = own.client.group(list(raw))
            reached = {key for group in groups.values() for key in group}
            lost = [made for key, made in raw.items() if key not in reached]
            batches = {
                node: [*(command(raw[key]) for key in group), *self.messages([raw[key] for key in group])]
                for node, group in groups.items()
            }
            for node, answers in own.client.scatter(batches):
                lost += self._refused(node, [raw[key] for key in groups[node]], answers, command)
        finally:
            if own.l1 is not None:
                for made in keys:
                    own.l1.end_write(made, MISSING, 0)
        return lost

    def _refused(
        self, node: Node, keys: list[str], answers: list[Any] | None, command: Callable[[str], Command]
    ) -> list[str]:
        if answers is None:
            for made in keys:
                node.owe_delete(made.encode())
            return keys
        refused = [made for made, answer in zip(keys, answers, strict=False) if isinstance(answer, Exception)]
        moved = [m for m, a in zip(keys, answers, strict=False) if isinstance(a, MovedError)]
        taken = [made for made in moved if self._write(made, [command(made)], MISSING, None) is not None]
        return [made for made in refused if made not in taken]

    def clear(self) -> None:
        """Delete the keys of this cache's prefix from all levels; a shared server's other keys stay."""
        own = self.levels
        if own.l1 is not None:
            own.l1.clear()
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", self.key_prefix) + ":*"
        for node in own.client.topology.nodes():
            try:
                _clear(node, pattern)
                node.roundtrip(self.messages(None) or [("PING",)])
            except UnavailableError as error:
                self.degraded("clear", error)
        if own.l1 is not None:
            own.l1.clear()
        if self.table is not None:
            self.table.clear(f"{self.key_prefix}:")

    def get_or_set(self, key: Any, default: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> Any:
        """The value, made by calling `default` when it is not there.

        One caller makes it, of all processes; the others get the value that has just ended, or wait for the new one.
        """
        seconds = self.seconds(timeout)
        if not callable(default) or (seconds is not None and seconds <= 0):
            return super().get_or_set(key, default, timeout, version)
        return self._stampede.get_or_make(self.made(key, version), default, seconds)

    def degraded(self, what: str, error: BaseException, written: str | None = None) -> None:
        """Note that L2 did not do something; a write that it missed is made good before its server is used again."""
        logger.debug("L2 did not %s: %s", what, error)
        if isinstance(error, ResponseError):
            # Not an outage but a refusal: full, read-only after a failover, or not allowed.
            logger.warning("L2 refused to %s: %s", what, error)
            self.levels.client.topology.lost()
        elif written is not None:
            try:
                self.levels.client.topology.node_for(written.encode()).owe_delete(written.encode())
            except UnavailableError:
                logger.warning("L2 has no server for a write of %s", written)


def pexpire(seconds: float | None) -> int:
    """Milliseconds for Redis; 0 for ever."""
    return 0 if seconds is None else max(1, int(seconds * 1000))


def set_command(made: str, payload: bytes, seconds: float | None) -> Command:
    """SET for a time, or for ever."""
    return ("SET", made, payload) if seconds is None else ("SET", made, payload, "PX", pexpire(seconds))


def _clear(node: Node, pattern: str) -> None:
    cursor: Any = b"0"
    while True:
        cursor, keys = node.roundtrip([("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)])[0]
        if keys:
            # One command a key: UNLINK takes keys of one slot only in a cluster.
            node.roundtrip([("UNLINK", key) for key in keys])
        if cursor == b"0":
            return
