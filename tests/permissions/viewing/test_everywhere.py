"""V7 at every address: while she views as somebody, nothing is written, and nothing is shown that she may not see."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from crm.core.readonly import MAY_BE_WRITTEN, WRITES
from crm.notifications.services import Message, notify
from leads.imports.uploading import create_run
from leads.models import Activity, Lead
from tests.architecture.addresses import addresses
from tests.architecture.endpoints import Answer, Row, ask, read_table, written_out
from tests.factories.crossing import Crossing, crossing
from tests.factories.leads import make_lead

ROWS = written_out(read_table(), list(addresses()))
HER_OWN = {("POST", "view-as-end"), ("POST", "account_logout")}
CONCEALED: dict[str, Any] = {
    "last_name": "Veiledname",
    "company_name": "Veiledcompany",
    "street": "7 Veiledstreet",
    "city": "Veiledcity",
    "tags": ["veiledtag"],
    "source": "Veiledsource",
    "phones": ["201 555 0177"],
    "emails": ["veiled@mail.example"],
}
TELLING = ("veiled", "5550177", "555-0177", "Prudence")


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Crossing]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield with_concealed_leads(crossing())
        transaction.set_rollback(True)


def with_concealed_leads(scene: Crossing) -> Crossing:
    """Ana has a hidden and a private lead, full of what nobody else is to see, and was told of both."""
    ana = scene.harbor.ana
    for name, fields in (("secret_hidden", {"hidden": True}), ("secret_private", {"privacy": 0})):
        lead = make_lead(ana, **{"first_name": "Hida" if "hidden" in fields else "Prudence", **fields, **CONCEALED})
        note = {"kind": Activity.Kind.NOTE, "actor": ana, "body": "Veilednote"}
        Activity.objects.create(company=ana.company, lead=lead, **note)
        notify(ana.company_id, [Message(ana.pk, "offer", "About {lead}", lead_id=lead.pk)])
        scene.leads[name], scene.things[name] = lead, lead.public_id
    run = create_run(actor=ana, file=BytesIO(b"Name,E-mail\nSam Veiledname,veiled@mail.example\n"), name="veiled.csv")
    scene.things["secret_run"] = run.public_id
    return scene


@pytest.fixture(scope="module")
def viewer(scene: Crossing) -> Client:
    """The broker's browser while she views as Ana."""
    client = Client()
    client.force_login(scene.harbor.broker)
    assert client.post(f"/view-as/{scene.harbor.ana.pk}/").status_code == 302
    return client


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Refusals are meant here."""
    with caplog.at_level(logging.CRITICAL, "django"):
        yield


def written_by(client: Client, row: Row, scene: Crossing, method: str) -> tuple[Answer, list[str]]:
    """The answer, and the statements that wrote anything but the session."""
    written = []

    def watch(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if WRITES.match(str(sql)) and not MAY_BE_WRITTEN.search(str(sql)):
            written.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        return ask(client, row, scene, {"HX-Request": "true"}, method=method), written


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.asked)
def test_v7_nothing_is_written_whatever_is_sent(row: Row, scene: Crossing, viewer: Client) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        if (method, row.name) in HER_OWN:
            continue
        response, written = written_by(viewer, row, scene, method)
        assert response.status == 403
        assert "'X-Refusal': ['You are viewing" in response.said
        assert written == []


def about_secrets(rows: list[Row]) -> Iterator[Row]:
    """Each row, and where it is about a lead or an import, the same about those that are concealed."""
    for row in rows:
        yield row
        for thing in ("team", "personal", "hidden", "offered", "run"):
            if thing in row.things:
                for secret in ("secret_run",) if thing == "run" else ("secret_hidden", "secret_private"):
                    yield replace(row, things=tuple(secret if one == thing else one for one in row.things))


@pytest.mark.parametrize(
    "row", dict.fromkeys(about_secrets([row for row in ROWS if row.method == "GET"])), ids=lambda row: row.asked
)
@pytest.mark.parametrize("htmx", [False, True], ids=["page", "fragment"])
def test_v7_no_page_tells_of_a_lead_she_may_not_see(row: Row, scene: Crossing, viewer: Client, htmx: bool) -> None:
    response = ask(viewer, row, scene, {"HX-Request": "true"} if htmx else None)
    page = response.said.lower()
    ids = [scene.things[name] for name in ("secret_hidden", "secret_private", "secret_run")]
    assert [word for word in (*TELLING, *ids) if word.lower() in page.replace(row.path(scene).lower(), "")] == []
    if "<!doctype html" in page:  # a fragment has no banner
        assert "viewing as <strong>ana</strong>" in page or response.status == 302


def test_v7_the_scene_has_something_to_tell(scene: Crossing) -> None:
    """Ana herself finds all of it."""
    client = Client()
    client.force_login(scene.harbor.ana)
    people = client.get("/people/").content.decode()
    assert people.count("Veiledname") == 2
    assert "About Hida Veiledname" in client.get("/notifications/").content.decode()
    lead = client.get(f"/people/{scene.things['secret_hidden']}/").content.decode()
    assert all(word in lead for word in ("Veiledstreet", "veiled@mail.example", "555-0177", "Veilednote", "veiledtag"))
    assert "veiled.csv" in client.get("/import/").content.decode()


@pytest.mark.parametrize("query", ["q=veiledname", "q=2015550177", "tag=veiledtag", "sort=-created"])
def test_v7_no_filter_finds_what_is_concealed(query: str, scene: Crossing, viewer: Client) -> None:
    page = viewer.get(f"/people/?{query}").content.decode()
    assert "Hida" not in page
    assert "Prudence" not in page
    assert Lead.objects.filter(last_name="Veiledname").count() == 2
