"""Live updates: counters in the cache, one per person and topic. A page polls them without touching the database.

They are kept for good, being few; one that vanished only makes the page ask once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import time_ns
from typing import Literal

from django.core.cache import cache
from django.db import transaction

from crm.notifications.models import Notification
from crm.organization.models import User

Topic = Literal["offers", "notifications", "requests", "dialer"]
TOPICS: tuple[Topic, ...] = ("offers", "notifications", "requests", "dialer")


def _key(user_id: int, topic: Topic) -> str:
    return f"live:{user_id}:{topic}"


def bump(user_ids: Iterable[int], topic: Topic) -> None:
    """Tell these people's open pages, once the transaction is committed, that the topic has news."""
    people = sorted(set(user_ids))
    transaction.on_commit(lambda: _bump_now(people, topic))


def _bump_now(user_ids: list[int], topic: Topic) -> None:
    cache.set_many({_key(user_id, topic): time_ns() // 1000 for user_id in user_ids}, None)  # one command for all


def state_of(user_id: int) -> dict[Topic, int]:
    """When there was news of each topic, in microseconds; zero where there was none, or the cache has lost it."""
    found = cache.get_many([_key(user_id, topic) for topic in TOPICS])
    return {topic: int(found.get(_key(user_id, topic), 0)) for topic in TOPICS}


def _unseen(user: User) -> int:
    return Notification.objects.filter(user=user, seen_at=None).count()


_counts: dict[Topic, Callable[[User], int]] = {"notifications": _unseen}


def register_count(topic: Topic, count: Callable[[User], int]) -> None:
    """Declared by higher rooms: what the badge of a topic shows."""
    _counts[topic] = count


def counts_for(user: User) -> dict[Topic, int]:
    """The badges of a person; asked of the database only when there is news."""
    return {topic: count(user) for topic, count in _counts.items()}
