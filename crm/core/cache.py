"""The cache, which may vanish at any moment without taking a page with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class OneClient(RedisCacheClient):
    """Keeps the client of its one server: to make one for every call, as Django does, takes as long as the call."""

    @cached_property
    def _client_of_all(self) -> Any:
        return super().get_client(write=True)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._client_of_all


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache; while the server is away every read misses and every write is dropped, with a log line."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OneClient

    def _or(self, default: Any, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except (RedisError, OSError) as error:
            logger.warning("cache unavailable: %s", type(error).__name__)
            return default

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._or(False, super().add, *args, **kwargs))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._or(default, super().get, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._or(None, super().set, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._or(False, super().touch, *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._or(False, super().delete, *args, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(self._or({}, super().get_many, *args, **kwargs))

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._or(False, super().has_key, *args, **kwargs))

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return int(self._or(0, super().incr, *args, **kwargs))

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return list(self._or(list(data), super().set_many, data, *args, **kwargs))

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._or(None, super().delete_many, *args, **kwargs)
