"""The reading half of the multi-level cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django_scale.cache import stats
from django_scale.cache.base import LOST, LevelledCache
from django_scale.cache.codec import is_stale
from django_scale.cache.local import MISSING


class ReadingCache(LevelledCache):
    """Reads from the first level that has a key, and fills the levels above it."""

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
