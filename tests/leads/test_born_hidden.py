"""V4: leads that start hidden, added by hand or imported."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client

from crm.organization.models import Company, User
from leads.imports.running import carry_on
from leads.models import ImportRun, Lead
from leads.services.creating import NewLead, create_lead
from permissions.catalog import AGENT, Permission
from permissions.models import LedgerEntry, Profile
from permissions.profiles.services import give_profile
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import CONTACTS, people, start

pytestmark = pytest.mark.django_db
BOX = 'name="hidden"'
REFUSED = "Only a personal lead of your own can be hidden"
HTMX = {"HX-Request": "true"}
MAYA = {"first_name": "Maya", "owner": "me"}
COLUMNS = {f"column-{n}": name for n, name in enumerate(("first_name", "last_name", "email", "phone"))}
FILE = COLUMNS | {"owner": "me", "source_name": "List"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def ana(client: Client, harbor: Brokerage) -> User:
    """An agent whose profile includes hiding, signed in."""
    permissions = sorted({*AGENT, Permission.HIDE_LEAD})
    Profile.objects.create(company=harbor.company, code="hider", name="Hider", permissions=permissions)
    give_profile(harbor.ana, "hider")
    client.force_login(harbor.ana)
    return fresh(harbor.ana)


def facts() -> list[tuple[Any, ...]]:
    """Who hid what and why, in the order of the ledger."""
    rows = LedgerEntry.objects.filter(kind="hidden").order_by("pk")
    return list(rows.values_list("actor", "lead_id", "why", "to_user_id"))


def page(response: HttpResponse) -> str:
    return unescape(response.content.decode())


def box(text: str) -> str:
    """The tag of the check box; empty where it is not on the page."""
    return text.split(BOX)[1].split(">")[0] if BOX in text else ""


def draft(client: Client) -> str:
    return str(client.post("/import/", {"file": SimpleUploadedFile("list.csv", people([1, 2]))})["Location"])


# --- By hand ----------------------------------------------------------------------------------------------------------


def test_v4_a_lead_is_hidden_as_it_is_added(client: Client, harbor: Brokerage, ana: User) -> None:
    assert client.post("/people/add/", MAYA | {"hidden": "on"}).status_code == 302
    lead = Lead.objects.get()
    assert lead.hidden
    assert facts() == [(ana.pk, lead.pk, "by hand", None)]
    kinds = LedgerEntry.objects.filter(lead_id=lead.pk).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["created", "hidden"]
    client.force_login(harbor.lead)
    assert client.get(f"/people/{lead.public_id}/").status_code == 404


def test_v4_her_setting_is_where_the_box_starts_and_no_more(client: Client, ana: User) -> None:
    assert "checked" not in box(page(client.get("/people/add/")))  # type: ignore[arg-type]
    User.objects.filter(pk=ana.pk).update(hide_new_leads=True)
    assert "checked" in box(page(client.get("/people/add/")))  # type: ignore[arg-type]
    client.post("/people/add/", MAYA)
    assert not Lead.objects.get().hidden
    assert facts() == []


def test_v4_without_a_word_her_setting_says(ana: User) -> None:
    ana.hide_new_leads = True
    leads = [create_lead(actor=ana, owner=ana, new=NewLead({}), hidden=asked) for asked in (None, False, True)]
    assert [lead.hidden for lead in leads] == [True, False, True]
    assert [fact[1] for fact in facts()] == [leads[0].pk, leads[2].pk]


def test_v4_who_may_not_hide_is_not_asked_and_a_crafted_form_is_refused(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    assert not box(page(client.get("/people/add/")))  # type: ignore[arg-type]
    response = client.post("/people/add/", MAYA | {"hidden": "on"})
    assert response.status_code == 422
    assert REFUSED in page(response)  # type: ignore[arg-type]
    with pytest.raises(PermissionDenied, match=REFUSED):
        create_lead(actor=harbor.ana, owner=harbor.ana, new=NewLead({}), hidden=True)
    assert not Lead.objects.exists()


def test_v4_a_units_lead_cannot_be_hidden(client: Client, harbor: Brokerage, ana: User) -> None:
    response = client.post("/people/add/", MAYA | {"owner": f"unit-{harbor.lakeside.pk}", "hidden": "on"})
    assert response.status_code == 422
    assert REFUSED in page(response)  # type: ignore[arg-type]
    with pytest.raises(PermissionDenied, match=REFUSED):
        create_lead(actor=ana, owner=harbor.lakeside, new=NewLead({}), hidden=True)
    User.objects.filter(pk=ana.pk).update(hide_new_leads=True)
    assert not create_lead(actor=fresh(ana), owner=harbor.lakeside, new=NewLead({})).hidden


def test_v4_the_page_follows_the_owner_and_comes_back_to_her_setting(
    client: Client, harbor: Brokerage, ana: User
) -> None:
    User.objects.filter(pk=ana.pk).update(hide_new_leads=True)
    team = page(client.get("/people/add/", {"owner": f"unit-{harbor.lakeside.pk}"}, headers=HTMX))  # type: ignore[arg-type]
    assert "<html" not in team
    assert "disabled" in box(team)
    assert "checked" not in box(team)
    mine = box(page(client.get("/people/add/", {"owner": "me"}, headers=HTMX)))  # type: ignore[arg-type]
    assert "disabled" not in mine
    assert "checked" in mine
    whole = page(client.get("/people/add/", {"owner": f"unit-{harbor.lakeside.pk}"}))  # type: ignore[arg-type]
    assert "disabled" not in box(whole)  # it must work by itself


def test_o5_under_company_only_there_is_nothing_to_hide(client: Client, ana: User) -> None:
    Company.objects.update(personal_leads="company_only")
    assert not box(page(client.get("/people/add/")))  # type: ignore[arg-type]


# --- Imports ----------------------------------------------------------------------------------------------------------


def test_v4_an_import_is_hidden_as_a_whole_and_the_ledger_has_each(client: Client, ana: User) -> None:
    where = draft(client)
    assert box(page(client.get(where)))  # type: ignore[arg-type]
    assert client.post(where, FILE | {"hidden": "on"}).status_code == 302
    run = ImportRun.objects.get()
    carry_on(run.pk)
    leads = list(Lead.objects.order_by("pk"))
    assert [lead.hidden for lead in leads] == [True, True]
    assert facts() == [(ana.pk, lead.pk, "import", None) for lead in leads]
    assert LedgerEntry.objects.filter(kind="hidden", detail={"import": run.pk}).count() == 2
    assert "hidden from managers" in page(client.get(where))  # type: ignore[arg-type]


def test_v4_an_import_that_is_not_hidden_says_nothing_of_hiding(ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(hide_new_leads=True)
    ana = fresh(ana)
    hidden, shown = start(ana, ana, people([1])), start(ana, ana, people([2]), hidden=False)
    for run in (hidden, shown):
        carry_on(run.pk)
    assert list(Lead.objects.order_by("pk").values_list("hidden", flat=True)) == [True, False]
    assert len(facts()) == 1


def test_v4_a_crafted_import_is_refused(client: Client, harbor: Brokerage, ana: User) -> None:
    where = draft(client)
    response = client.post(where, FILE | {"owner": f"unit-{harbor.lakeside.pk}", "hidden": "on"})
    assert response.status_code == 422
    assert REFUSED in page(response)  # type: ignore[arg-type]
    client.force_login(harbor.ben)
    where = draft(client)
    assert not box(page(client.get(where)))  # type: ignore[arg-type]
    assert client.post(where, FILE | {"hidden": "on"}).status_code == 422
    with pytest.raises(PermissionDenied, match=REFUSED):
        start(harbor.ben, harbor.ben, people([1]), hidden=True)


def test_v4_an_import_stops_where_hiding_was_taken_from_her_meanwhile(ana: User) -> None:
    run = start(ana, ana, people([1]), hidden=True)
    give_profile(ana, "agent")
    carry_on(run.pk)
    run.refresh_from_db()
    assert run.state == ImportRun.State.FAILED
    assert REFUSED in run.error
    assert not Lead.objects.exists()


def test_v4_the_command_hides_too(harbor: Brokerage, ana: User) -> None:
    given = {"email": ana.email, "verbosity": 0}
    with pytest.raises(CommandError, match=REFUSED):
        call_command("import_leads", str(CONTACTS), owner="Lakeside", hidden=True, **given)
    assert not ImportRun.objects.exists()
    call_command("import_leads", str(CONTACTS), owner=ana.email, hidden=True, **given)
    assert set(Lead.objects.values_list("hidden", flat=True)) == {True}
