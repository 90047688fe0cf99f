"""What templates say: times, names, icons, and what the browser remembers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.template import Context, Template
from django.test import RequestFactory

from crm.core.templatetags import core

NOW = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=-59), "now"),
        (timedelta(minutes=-1), "1 min ago"),
        (timedelta(minutes=-59, seconds=-59), "59 min ago"),
        (timedelta(hours=-23), "23 h ago"),
        (timedelta(days=-6, hours=-23), "6 d ago"),
        (timedelta(days=-7), "Mar 1"),
        (timedelta(days=-90), "Dec 8, 2025"),
        (timedelta(minutes=90), "in 1 h"),
    ],
)
def test_a_moment_is_said_as_people_say_it(away: timedelta, words: str) -> None:
    assert core.spoken(NOW + away, NOW) == words


def test_a_day_of_another_year_is_said_with_it() -> None:
    soon, far = NOW + timedelta(days=9), NOW.replace(year=NOW.year + 100)
    assert [core.dated(at, "M j", NOW) for at in (soon, far)] == ["Mar 17", "Mar 8, 2126"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0:00"), (65, "1:05"), (3599, "59:59"), (3600, "1 h 00 min"), (90000, "1 d 1 h"), (600000, "6 d 22 h")],
)
def test_time_left_is_written_like_a_clock(seconds: int, words: str) -> None:
    assert core.clock(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "state"), [(-1, 'class="countdown is-due"'), (299, "is-urgent"), (300, 'class="countdown"')]
)
def test_a_countdown_turns_urgent_in_its_last_five_minutes(seconds: int, state: str) -> None:
    with time_machine.travel(NOW, tick=False):
        html = render("{% countdown deadline %}", deadline=NOW + timedelta(seconds=seconds))
    assert state in html
    assert f'data-now="{NOW.isoformat(timespec="milliseconds")}"' in html


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Ruiz", "AR"), ("Theodore van Dyk", "TD"), ("Sam", "S"), ("", ""), ("(no) name", "N"), ("Élodie Ça", "ÉÇ")],
)
def test_initials_are_of_the_first_and_the_last_word(name: str, letters: str) -> None:
    assert core.initials(name) == letters


def test_a_name_keeps_its_colour() -> None:
    assert core.hue("Ana Ruiz") == core.hue("Ana Ruiz")
    assert {core.hue(f"Person {number}") for number in range(200)} == {1, 2, 3, 4, 5, 6}


def test_what_is_to_come_is_told_from_what_has_passed() -> None:
    with time_machine.travel(NOW, tick=False):
        assert core.ahead(NOW + timedelta(minutes=1)) == NOW + timedelta(minutes=1)
        assert core.ahead(NOW - timedelta(minutes=1)) is None
        assert core.ahead(None) is None


def test_only_known_looks_are_taken_from_cookies() -> None:
    request = RequestFactory().get("/")
    request.COOKIES = {"theme": "dark", "density": '"><script>', "rail": "narrow"}
    assert render("{% appearance %}", request=request) == 'data-theme="dark" data-rail="narrow"'
    assert render("{% appearance %}") == ""


@pytest.mark.parametrize(
    ("path", "url", "mark"),
    [
        ("/people/", "/people/", 'aria-current="page"'),
        ("/people/abc/", "/people/", 'aria-current="true"'),
        ("/peoples/", "/people/", ""),
        ("/people/", "/", ""),
    ],
)
def test_the_rail_marks_where_one_is(path: str, url: str, mark: str) -> None:
    assert render("{% current url %}", request=RequestFactory().get(path), url=url) == mark


def test_an_icon_is_hidden_from_screen_readers() -> None:
    assert 'aria-hidden="true"' in render('{% icon "phone" %}')
