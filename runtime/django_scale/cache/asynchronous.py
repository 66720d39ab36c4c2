"""The async half of the cache contract: the sync half in a thread, a batch still being one round trip a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache


class AsyncCache(BaseCache):
    """Django's own `aget_many` and its like make a call a key; these do not.

    `thread_sensitive`: whether calls must share the ORM's thread, which a level in the database asks for.
    """

    thread_sensitive = True

    def _thread(self, method: Callable[..., Any]) -> Callable[..., Any]:
        return sync_to_async(method, thread_sensitive=self.thread_sensitive)

    async def aget(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """See get."""
        return await self._thread(self.get)(key, default, version)

    async def aset(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """See set."""
        await self._thread(self.set)(key, value, timeout, version)

    async def aadd(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """See add."""
        return await self._thread(self.add)(key, value, timeout, version)

    async def atouch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """See touch."""
        return await self._thread(self.touch)(key, timeout, version)

    async def adelete(self, key: Any, version: int | None = None) -> bool:
        """See delete."""
        return await self._thread(self.delete)(key, version)

    async def aget_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """See get_many."""
        return await self._thread(self.get_many)(keys, version)

    async def aset_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[Any]:
        """See set_many."""
        return await self._thread(self.set_many)(data, timeout, version)

    async def adelete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        """See delete_many."""
        await self._thread(self.delete_many)(keys, version)

    async def ahas_key(self, key: Any, version: int | None = None) -> bool:
        """See has_key."""
        return await self._thread(self.has_key)(key, version)

    async def aincr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """See incr."""
        return await self._thread(self.incr)(key, delta, version)

    async def adecr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """See decr."""
        return await self._thread(self.incr)(key, -delta, version)

    async def aget_or_set(
        self, key: Any, default: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> Any:
        """See get_or_set; `default` is called in a thread."""
        return await self._thread(self.get_or_set)(key, default, timeout, version)

    async def aclear(self) -> None:
        """See clear."""
        await self._thread(self.clear)()
