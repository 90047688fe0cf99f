"""The poll behind every live page: 1,000 people with a page open each, asked of one process through its WSGI door."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.urls import reverse

from crm.bench.building import PEOPLE
from crm.bench.figures import Polls
from crm.bench.stopwatch import statements
from crm.notifications.live import bump
from crm.organization.models import User

EVERY = 3  # seconds from one poll of a page to the next (static/js/live.js)
ROUNDS = 5
NEWS = 20  # of so many people one has news in each round
TARGET = f"{PEOPLE / EVERY:.0f} polls/s from one process, no query while nothing is new"


@dataclass
class Tab:
    """A page somebody has open."""

    user: User
    session: SessionStore
    token: str = ""


def figures() -> Iterator[Polls]:
    with open_tabs() as tabs:
        poll_all(tabs)  # each learns where it stands
        yield measured("live poll, nothing new", tabs, news_for=[])
        yield measured(f"live poll, news for one in {NEWS}", tabs, news_for=[tab.user.pk for tab in tabs[::NEWS]])


@contextmanager
def open_tabs() -> Iterator[Sequence[Tab]]:
    """A session for everybody, ended afterwards."""
    people = User.objects.filter(email__endswith="@bench.example").order_by("pk")[:PEOPLE]
    tabs = [Tab(user, signed_in(user)) for user in people]
    try:
        yield tabs
    finally:
        for tab in tabs:
            tab.session.delete()


def signed_in(user: User) -> SessionStore:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session


def measured(name: str, tabs: Sequence[Tab], *, news_for: Iterable[int]) -> Polls:
    """`queries` are those of a poll; where there was news, of one that tells it, since the others ask for nothing."""
    took, processor, queries, news = 0.0, 0.0, 0, 0
    for _ in range(ROUNDS):
        with transaction.atomic():
            bump(news_for, "offers")
        started, busy = time.perf_counter(), time.process_time()
        with statements() as watch:
            news += poll_all(tabs)
        took += time.perf_counter() - started
        processor += time.process_time() - busy
        queries += len(watch.taken)
    polls = ROUNDS * len(tabs)
    return Polls(
        figure=name,
        role=f"{len(tabs):,} people",
        polls_per_s=round(polls / took),
        processor_ms=round(1000 * processor / polls, 2),
        queries=round(queries / (news or polls), 1),
        target=TARGET,
        ok=polls / took >= PEOPLE / EVERY and (bool(news) or not queries),
    )


def poll_all(tabs: Iterable[Tab]) -> int:
    """One poll each; to how many there was news."""
    return sum(poll(tab) for tab in tabs)


def poll(tab: Tab) -> bool:
    said: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        said.append(status)

    cookie = f"{settings.SESSION_COOKIE_NAME}={tab.session.session_key}"
    where = {"SERVER_NAME": urlsplit(settings.PUBLIC_URL).hostname or "", "PATH_INFO": reverse("live")}
    asked = {"QUERY_STRING": urlencode({"key": tab.user.pk, "token": tab.token}), "HTTP_COOKIE": cookie}
    response = product()(environment() | where | asked, start_response)
    body = b"".join(response)
    response.close()
    if said[0].startswith("204"):
        return False
    tab.token = json.loads(body)["token"]
    return True


def environment() -> dict[str, Any]:
    made: dict[str, Any] = {}
    setup_testing_defaults(made)
    return made


@cache
def product() -> Any:
    """As the web processes run it."""
    return get_wsgi_application()
