"""The guards that watch every test do bite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.test import Client, override_settings
from django.urls import path

from crm.core.doors import public
from crm.core.readonly import WriteInReadError
from crm.organization.models import Company, Unit
from leads.models import Stage
from tests.factories.people import make_company
from tests.support.strict import Undefined, UndefinedVariableError

pytestmark = pytest.mark.django_db
WRITES: list[Callable[[], Any]] = [
    lambda: Company.objects.create(name="Written by a GET"),
    lambda: Company.objects.update(name="Written by a GET"),
    lambda: Stage.objects.all().delete(),
    lambda: Unit.objects.select_for_update().first(),
    lambda: execute("WITH gone AS (DELETE FROM leads_stage RETURNING id) SELECT count(*) FROM gone"),
    lambda: execute("  insert into organization_company (name) values ('x')"),
    lambda: execute("/* a comment */ UPDATE organization_company SET name = 'x'"),
    lambda: execute("-- a comment\nDELETE FROM leads_stage"),
    lambda: execute("MERGE INTO leads_stage USING leads_source ON false WHEN MATCHED THEN DELETE"),
    lambda: execute("TRUNCATE leads_stage"),
]


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@public("GET", "POST")
def writing(request: HttpRequest, number: int) -> HttpResponse:
    WRITES[number]()
    return HttpResponse("done")


@public()
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.GET["body"])


def unmarked(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open to all")


urlpatterns = [path("writing/<int:number>", writing), path("page", page), path("unmarked", unmarked)]
here = override_settings(ROOT_URLCONF=__name__)


@here
@pytest.mark.parametrize("number", range(len(WRITES)))
def test_a_get_cannot_write(client: Client, number: int) -> None:
    make_company()
    with pytest.raises(WriteInReadError):
        client.get(f"/writing/{number}")


@here
def test_a_post_may_write(client: Client) -> None:
    make_company("Before")
    assert client.post("/writing/1").content == b"done"
    assert Company.objects.get().name == "Written by a GET"


@here
def test_an_address_without_a_mark_is_closed(client: Client) -> None:
    assert client.get("/unmarked").status_code == 403


@here
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("{{ lead.name }}", "left over template syntax"),
        ("{% endif %}", "left over template syntax"),
        ("{# why #}", "left over template syntax"),
        ("<script>alert(1)</script>", "inline <script>"),
        ("<style>p {}</style>", "inline <style>"),
        ("<p style='color: blue'>", "style= on <p>"),
        ("<button onclick='go()'>", "onclick= on <button>"),
        ("<a href='javascript:go()'>", "script in an address"),
    ],
)
def test_pages_are_looked_over(client: Client, body: str, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        client.get("/page", {"body": body})


@here
def test_sound_pages_pass(client: Client) -> None:
    body = (
        "<script src='/static/js/app.js'></script><script type='application/json'>{}</script><p class='x'>on time</p>"
    )
    assert client.get("/page", {"body": body}).status_code == 200


def test_an_unknown_variable_in_a_template_of_ours_fails() -> None:
    engine = Engine.get_default()
    assert isinstance(engine.string_if_invalid, Undefined)
    with pytest.raises(UndefinedVariableError, match="password_reset_url"):
        engine.get_template("account/email/password_reset_key_message.txt").render(Context({}))
    assert engine.from_string("somebody else's {{ template }}").render(Context({})) == "somebody else's "


def test_rows_come_in_no_order_nobody_asked_for() -> None:
    company = make_company()
    first = list(Stage.objects.filter(company=company).order_by("pk"))
    assert list(Stage.objects.filter(company=company)) == first[::-1]
    assert list(company.stages.all()) == first[::-1]
    assert list(Stage.objects.filter(company=company).values_list("pk", flat=True)) == [one.pk for one in first[::-1]]
    assert Stage.objects.filter(company=company).first() == first[0]
