"""The writing half of the multi-level cache."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from redis.exceptions import MovedError, ResponseError

from django_scale.cache.base import LOST, LevelledCache, pexpire, set_command
from django_scale.cache.codec import end_of, is_soft, is_stale, milliseconds
from django_scale.cache.local import MISSING
from django_scale.cache.nodes import Command, Node, UnavailableError
from django_scale.cache.scripts import ADD, INCR, TOUCH

_MOMENT = struct.Struct(">Q")


class WritingCache(LevelledCache):
    """Writes to all levels; what two processes must agree on is decided in L2."""

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


def _clear(node: Node, pattern: str) -> None:
    cursor: Any = b"0"
    while True:
        cursor, keys = node.roundtrip([("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)])[0]
        if keys:
            # One command a key: UNLINK takes keys of one slot only in a cluster.
            node.roundtrip([("UNLINK", key) for key in keys])
        if cursor == b"0":
            return
