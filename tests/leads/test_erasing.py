"""M9: what is kept of a person is erased everywhere, and what is counted and proved stays."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm.notifications.models import Notification
from crm.organization.models import User
from leads.batches.drafting import draft
from leads.batches.scope import matching
from leads.imports.running import carry_on
from leads.imports.services import Options, start_run
from leads.imports.uploading import create_run
from leads.models import Activity, Lead
from leads.services.asking import ask
from leads.services.erasing import erase
from permissions.ledger import seal, verify
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead, offer
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import done, outcomes, run, undo

pytestmark = pytest.mark.django_db
NAMES: dict[str, Any] = {"first_name": "Mayabel", "last_name": "Stonefield", "company_name": "Stonefield Sons"}
MAIL, PHONE = "mayabel@mail.example", "(617) 201-0001"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage("private")


def traces(*words: str) -> set[str]:
    """The tables in which one of these words stands anywhere."""
    found = set()
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        with connection.cursor() as cursor:
            for word in words:
                cursor.execute(f'SELECT count(*) FROM "{table}" AS row WHERE row::text ILIKE %s', [f"%{word}%"])
                if cursor.fetchone()[0]:
                    found.add(table)
    return found


def everywhere(harbor: Brokerage) -> Lead:
    """A lead that has left its traces in every room."""
    lead = make_lead(
        harbor.lakeside,
        emails=[MAIL],
        phones=[PHONE],
        agent=harbor.ana,
        tags=["mayabel-tag"],
        street="7 Mayabel St",
        custom={"pet": "Mayabel’s cat"},
        **NAMES,
    )
    Activity.objects.create(company=harbor.company, lead=lead, kind="note", body="Mayabel likes boats")
    ask(asker=harbor.ana, lead=lead, kind="transfer", note="Mayabel is my cousin")
    offer(lead, harbor.ana)
    done(harbor.lead, "tags", [lead], add=["hot"], remove=[])
    done(harbor.broker, "tags", "q=mayabel", add=["again"], remove=[])
    draft(actor=fresh(harbor.broker), verb="tags", scope=matching("q=6172010001"))
    return lead


def test_m9_no_trace_of_the_person_stays_in_any_table(harbor: Brokerage) -> None:
    lead = everywhere(harbor)
    assert {"leads_lead", "leads_contactpoint", "leads_activity", "leads_batchitem", "leads_batch"} <= traces("mayabel")
    erase(actor=harbor.broker, kind="email", value=MAIL)
    assert traces("mayabel", "stonefield", "2010001") == set()
    lead.refresh_from_db()
    assert (lead.owner, lead.removed_at is None, lead.assignments.count()) == (harbor.lakeside, False, 0)
    assert Activity.objects.filter(lead=lead, kind="note").count() == 1


def test_m9_rows_of_files_are_erased_too(harbor: Brokerage) -> None:
    hers = f"Mayabel Stonefield,{MAIL},{PHONE}\nMayabel Stonefield,{MAIL},617 201-0001\n"
    rows = f"Name,E-mail,Phone\n{hers}Tom,tom@mail.example,\nTom,tom@mail.example,\n"
    run_ = create_run(actor=harbor.ana, file=BytesIO(rows.encode()), name="list.csv")
    mapping = ["name", "email", "phone"]
    start_run(actor=harbor.ana, run=run_, mapping=mapping, owner=harbor.ana, options=Options(source_name="List"))
    while carry_on(run_.pk):
        pass
    assert "leads_importrow" in traces("mayabel")
    erase(actor=harbor.broker, kind="phone", value="+16172010001")
    assert traces("mayabel", "2010001") == set()
    assert traces("tom@mail.example") != set()


def test_m9_private_leads_that_the_admin_cannot_see_go_too_and_nothing_tells_of_them(
    harbor: Brokerage, client: Client
) -> None:
    lead = make_lead(harbor.ana, emails=[MAIL], **NAMES)
    client.force_login(harbor.broker)
    there = reverse("admin:erasure")
    said = client.post(there, {"contact": MAIL}).content.decode()
    assert "You can see none of them" in said
    assert client.post(there, {"contact": MAIL, "step": "erase"}).status_code == 422
    assert Lead.objects.get(pk=lead.pk).removed_at is None
    assert client.post(there, {"contact": MAIL, "step": "erase", "sure": "on"}).status_code == 302
    assert Lead.objects.get(pk=lead.pk).removed_at is not None
    assert Notification.objects.get(user=harbor.ana).title == "{own lead} was erased"


def test_m9_the_ledger_stays_and_its_chain_holds(harbor: Brokerage) -> None:
    lead = everywhere(harbor)
    before = LedgerEntry.objects.filter(lead_id=lead.pk).count()
    seal()
    erase(actor=harbor.broker, kind="email", value=MAIL)
    seal()
    assert verify(harbor.company.pk).problem == ""
    fact = LedgerEntry.objects.get(lead_id=lead.pk, kind="erased")
    assert (fact.actor_id, fact.from_unit_id, fact.detail) == (harbor.broker.pk, harbor.lakeside.pk, None)
    assert LedgerEntry.objects.filter(lead_id=lead.pk).count() > before


def test_m6_nothing_brings_an_erased_lead_back(harbor: Brokerage) -> None:
    kept = make_lead(harbor.lakeside, emails=[MAIL], **NAMES)
    other = make_lead(harbor.lakeside, emails=[MAIL], **NAMES)
    merged = done(harbor.broker, "merge", "")
    assert merged.changed == 2
    deleted = done(harbor.broker, "delete", [kept])
    erase(actor=harbor.broker, kind="email", value=MAIL)
    for batch in (deleted, merged):
        assert set(outcomes(run(undo(harbor.broker, batch))).values()) == {"newer"}
    assert not Lead.objects.filter(pk__in=[kept.pk, other.pk], removed_at=None).exists()
    assert traces("mayabel") == set()


def test_m9_other_people_and_other_companies_keep_theirs(harbor: Brokerage) -> None:
    beside, foreign = stranger(), make_lead(harbor.lakeside, emails=["tom@mail.example"], first_name="Tom")
    theirs = make_lead(beside, emails=[MAIL], **NAMES)
    erase(actor=harbor.broker, kind="email", value=MAIL)
    for lead in (theirs, foreign):
        assert (Lead.objects.get(pk=lead.pk).removed_at, lead.contact_points.count()) == (None, 1)


@pytest.mark.parametrize("who", ["lead", "ana", "north_admin"])
def test_m9_only_a_company_admin_erases(harbor: Brokerage, client: Client, who: str) -> None:
    user: User = getattr(harbor, who)
    client.force_login(user)
    there = reverse("admin:erasure")
    assert client.get(there).status_code == 403
    assert client.post(there, {"contact": MAIL, "step": "erase", "sure": "on"}).status_code == 403


def test_m9_what_is_no_contact_point_is_refused_with_what_was_typed(harbor: Brokerage, client: Client) -> None:
    client.force_login(harbor.broker)
    answer = client.post(reverse("admin:erasure"), {"contact": "nonsense"})
    assert (answer.status_code, "nonsense" in answer.content.decode()) == (422, True)
