"""Assign and Transfer on a lead's own page (M1, M2): two verbs, two dialogs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from crm.notifications.models import Notification
from crm.organization.models import User
from leads.models import Activity, Assignment, Batch, Lead, SlotRole
from permissions.models import LedgerEntry
from tests.factories.leads import assign, make_lead, offer
from tests.factories.people import leave_company
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


Ask = Callable[..., Any]


@pytest.fixture
def ask(client: Client) -> Ask:
    def send(user: User, lead: Lead, what: str, /, **sent: object) -> Any:
        client.force_login(user)
        return client.post(f"/people/{lead.public_id}/{what}/", sent)

    return send


def slots(lead: Lead) -> dict[str, User | None]:
    return {slot.role: slot.user for slot in Assignment.objects.filter(lead=lead).order_by("role")}


def facts(lead: Lead) -> list[tuple[str, str, int | None, int | None]]:
    rows = LedgerEntry.objects.filter(lead_id=lead.pk).order_by("pk")
    return list(rows.values_list("kind", "role", "from_user_id", "to_user_id"))


def test_m1_assigning_changes_who_works_it_and_never_who_owns_it(harbor: Brokerage, ask: Ask) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    answer = ask(harbor.lead, lead, "assign", role="agent", user=harbor.ben.pk)
    assert answer.headers["Location"] == f"/people/{lead.public_id}/"
    lead.refresh_from_db()
    assert (lead.owner, slots(lead)) == (harbor.lakeside, {"agent": harbor.ben})
    assert facts(lead) == [("assigned", "agent", harbor.ana.pk, harbor.ben.pk)]
    told = Notification.objects.get(kind="assigned")
    assert (told.user, told.lead_id) == (harbor.ben, lead.pk)
    ask(harbor.lead, lead, "assign", role="agent", user=harbor.ben.pk)
    assert len(facts(lead)) == 1


def test_m1_every_role_has_a_slot_of_its_own_the_companys_included(harbor: Brokerage, ask: Ask, client: Client) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    SlotRole.objects.create(company=harbor.company, code="closer", name="Closing desk")
    for role in ("assistant", "lender", "closer"):
        ask(harbor.lead, lead, "assign", role=role, user=harbor.ben.pk)
    assert slots(lead) == {"agent": harbor.ana} | dict.fromkeys(("assistant", "lender", "closer"), harbor.ben)
    assert "Closing desk" in client.get(f"/people/{lead.public_id}/").content.decode()
    assert ask(harbor.lead, lead, "assign", role="lender").status_code == 302
    assert facts(lead)[-1] == ("unassigned", "lender", harbor.ben.pk, None)
    ask(harbor.lead, lead, "assign", role="agent")
    assert facts(lead)[-1] == ("released", "agent", harbor.ana.pk, None)
    assert set(slots(lead)) == {"assistant", "closer"}
    assert ask(harbor.lead, lead, "assign", role="janitor", user=harbor.ben.pk).status_code == 422


def test_m1_a_units_lead_is_worked_by_its_own_people_only(harbor: Brokerage, ask: Ask) -> None:
    lead, personal = make_lead(harbor.lakeside), make_lead(harbor.ana)
    leave_company(harbor.ben)
    for outsider in (harbor.eve, harbor.ben, stranger()):
        assert ask(harbor.broker, lead, "assign", role="agent", user=outsider.pk).status_code == 422
    assert slots(lead) == {}
    assert ask(harbor.ana, personal, "assign", role="assistant", user=harbor.lead.pk).status_code == 302
    assert slots(personal) == {"assistant": harbor.lead}


def test_m10_the_slot_of_a_covered_agent_waits(harbor: Brokerage, ask: Ask) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben)
    assign(lead, harbor.ana, "covered")
    assert "covers" in ask(harbor.lead, lead, "assign", role="agent", user=harbor.lead.pk).content.decode()
    assert slots(lead)["agent"] == harbor.ben


def test_r5_assigning_by_hand_takes_the_lead_out_of_its_rotation(harbor: Brokerage, ask: Ask) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    opened = offer(lead, harbor.ana)
    ask(harbor.lead, lead, "assign", role="agent", user=harbor.ben.pk)
    opened.refresh_from_db()
    assert opened.state == "withdrawn"


def test_m1_transfer_says_what_is_lost_asks_and_can_be_undone(harbor: Brokerage, ask: Ask, client: Client) -> None:
    lead = make_lead(harbor.ana, agent=harbor.ana)
    answer = ask(harbor.ana, lead, "transfer", to=f"person-{harbor.ben.pk}")
    there = answer.headers["Location"]
    page = client.get(there).content.decode()
    assert "You will no longer decide about it: only Ben can give it back." in page
    assert "You can undo this for 24 hours, or until Ben has worked it." in page
    lead.refresh_from_db()
    assert lead.owner == harbor.ana
    done = client.post(f"{there}confirm/", follow=True).content.decode()
    lead.refresh_from_db()
    assert (lead.owner, slots(lead)) == (harbor.ben, {"agent": harbor.ben})
    assert 'form="undo"' in done
    assert LedgerEntry.objects.get(kind="owner_changed").why == "by hand"
    undoing = client.post(f"{there}undo/").headers["Location"]
    client.post(f"{undoing}confirm/")
    lead.refresh_from_db()
    assert (lead.owner, slots(lead)) == (harbor.ana, {"agent": harbor.ana})


def test_m6_a_transfer_that_was_worked_stays(harbor: Brokerage, ask: Ask, client: Client) -> None:
    lead = make_lead(harbor.ana)
    there = ask(harbor.ana, lead, "transfer", to=f"person-{harbor.ben.pk}").headers["Location"]
    client.post(f"{there}confirm/")
    note = {"company": harbor.company, "lead": lead, "actor": harbor.ben, "kind": "note"}
    Activity.objects.create(**note, at=Now() + timedelta(seconds=1))
    undoing = client.post(f"{there}undo/").headers["Location"]
    assert "Its new owner has worked it" in client.get(undoing).content.decode()
    client.post(f"{undoing}confirm/")
    lead.refresh_from_db()
    assert lead.owner == harbor.ben


def test_m1_whoever_leaves_the_transfer_is_back_at_the_lead(harbor: Brokerage, ask: Ask, client: Client) -> None:
    lead = make_lead(harbor.ana)
    there = ask(harbor.ana, lead, "transfer", to=f"unit-{harbor.lakeside.pk}").headers["Location"]
    assert client.post(f"{there}discard/").headers["Location"] == f"/people/{lead.public_id}/"
    assert not Batch.objects.exists()


def test_p3_one_lead_needs_no_right_to_many_and_gives_none(harbor: Brokerage, ask: Ask, client: Client) -> None:
    lead = make_lead(harbor.ana)
    assert not harbor.ana.has_perm("mass_edit_lead")
    assert ask(harbor.ana, lead, "transfer", to=f"person-{harbor.ben.pk}").status_code == 302
    sent = {"verb": "owner", "lead": lead.public_id, "of_one": "1"}
    assert client.post("/batches/", sent).status_code == 403


def test_v3_there_is_no_dialog_for_a_lead_one_may_not_see(harbor: Brokerage, client: Client) -> None:
    lead, hers = make_lead(harbor.ana, privacy=0), make_lead(harbor.lakeside, agent=harbor.ben)
    client.force_login(harbor.lead)
    for what in ("assign", "transfer"):
        assert client.get(f"/people/{lead.public_id}/{what}/").status_code == 404
    client.force_login(harbor.ben)
    for what in ("assign", "transfer"):
        assert client.get(f"/people/{hers.public_id}/{what}/").status_code == 403
        assert client.put(f"/people/{hers.public_id}/{what}/").status_code == 405
        assert f"/{what}/" not in client.get(f"/people/{hers.public_id}/").content.decode()


def test_m1_the_dialog_comes_as_a_part_and_leads_on_in_the_browser(harbor: Brokerage, client: Client) -> None:
    lead = make_lead(harbor.lakeside)
    client.force_login(harbor.lead)
    htmx = {"HX-Request": "true"}
    part = client.get(f"/people/{lead.public_id}/assign/", headers=htmx).content.decode()
    assert "<dialog" in part
    assert "<html" not in part
    sent = {"role": "agent", "user": harbor.ana.pk}
    answer = client.post(f"/people/{lead.public_id}/assign/", sent, headers=htmx)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"/people/{lead.public_id}/")
