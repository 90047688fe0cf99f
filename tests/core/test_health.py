"""`/healthz`: every part with "ok" or a reason, quickly whatever is down, to anyone who asks."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from crm.core import health

PARTS = ("database", "broker", "worker", "clock", "beat")


@pytest.fixture
def all_heard() -> None:
    for part in health.PARTS:
        health.heard(part)


@pytest.fixture
def broker_down(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with redis.Redis.from_url("unix:///nowhere/valkey.sock") as nothing:
        monkeypatch.setattr(health, "_valkey", lambda: nothing)
        yield


def ask() -> tuple[int, dict[str, str]]:
    response = Client().get("/healthz")
    return response.status_code, response.json()


@pytest.mark.django_db
@pytest.mark.usefixtures("all_heard")
def test_all_well() -> None:
    assert ask() == (200, dict.fromkeys(PARTS, "ok"))


@pytest.mark.django_db
@pytest.mark.usefixtures("all_heard")
@pytest.mark.parametrize("silent", health.PARTS)
def test_a_part_that_is_not_heard_is_named(silent: str) -> None:
    health._valkey().delete(f"fairlead:heard:{silent}")
    status, state = ask()
    assert status == 503
    assert {part for part, reason in state.items() if reason != "ok"} == {silent}


@pytest.mark.django_db
def test_signs_of_life_go_out_by_themselves() -> None:
    health.worker_pulse()
    health.clock_pulse()
    for part in ("worker", "clock"):
        assert 0 < health._valkey().ttl(f"fairlead:heard:{part}") <= health.HEARD_FOR
    health.forget()
    assert ask()[1]["worker"] != "ok"


@pytest.mark.django_db
@pytest.mark.usefixtures("broker_down")
def test_without_the_broker_nobody_is_heard_and_the_database_is_still_told() -> None:
    status, state = ask()
    assert status == 503
    assert state["database"] == "ok"
    assert state["broker"].startswith("unreachable")
    assert state["beat"] == "unknown while the broker is away"


@pytest.mark.usefixtures("all_heard")
def test_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("connection to 10.0.0.1 refused for user secret")

    monkeypatch.setattr(health, "_database", refuse)
    assert ask() == (503, dict.fromkeys(PARTS, "ok") | {"database": "unreachable (OperationalError)"})


@pytest.mark.usefixtures("broker_down")
def test_servers_that_do_not_answer_cost_less_than_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_database", lambda: time.sleep(3))
    monkeypatch.setattr(health, "_silent", lambda: time.sleep(3))
    begun = time.monotonic()
    status, state = ask()
    assert time.monotonic() - begun < 2
    assert (status, state["database"], state["broker"]) == (503, "no answer within 1.5 s", "no answer within 1.5 s")


def test_beat_is_heard_as_long_as_it_ticks() -> None:
    from crm.celery import app

    scheduler = health.PulsingScheduler(app=app, lazy=True)
    scheduler.schedule.clear()
    scheduler.tick()
    assert health._silent() == ["worker", "clock"]


def test_asking_writes_nothing_and_wants_no_other_method() -> None:
    assert Client().post("/healthz").status_code == 405
    assert cache.get("anything") is None
