"""P4 and M6: what one gave away by mistake, and cannot take back oneself, one asks for, though one sees it no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import Company, User
from leads.batches.drafting import draft, preview
from leads.models import Activity, Batch, Lead, OwnershipRequest
from leads.services.answering import accept
from leads.services.asking import ask, askable
from leads.services.transferring import transfer_leads
from leads.services.working import log_activity
from permissions.keyring import load_keyring
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import run, undo

pytestmark = pytest.mark.django_db
UNSEEN = "A lead you cannot see now"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def maya(harbor: Brokerage) -> Lead:
    return make_lead(harbor.ana, first_name="Maya", last_name="Okafor")


@pytest.fixture
def given(harbor: Brokerage, maya: Lead) -> Batch:
    """By mistake to Ben, who has worked it since."""
    batch = transferred(harbor.ana, harbor.ben, maya)
    lead = Lead.objects.get(pk=maya.pk)
    log_activity(keyring=load_keyring(harbor.ben), actor=harbor.ben, lead=lead, kind=Activity.Kind.CALL, body="Hello")
    return batch


def transferred(actor: User, to: User, *leads: Lead) -> Batch:
    """As her own pages do it."""
    scope = {"leads": [lead.public_id for lead in leads], "given": len(leads), "of_one": len(leads) == 1}
    batch = draft(actor=fresh(actor), verb="owner", scope=scope)
    params = {"to": f"person-{to.pk}", "keep_assistants": False}
    return run(preview(actor=fresh(actor), batch=batch, params=params))


def page(client: Client, user: User, path: str) -> str:
    client.force_login(user)
    return client.get(path, follow=True).content.decode()


def about(lead: Lead) -> str:
    return f"/people/{lead.public_id}/request/"


def may_ask(user: User, lead: Lead) -> list[str]:
    found = Lead.objects.for_rows().get(pk=lead.pk)
    return [one.kind.value for one in askable(fresh(user), load_keyring(fresh(user)), found)]


def test_p4_what_she_gave_away_and_cannot_undo_she_asks_for(
    client: Client, harbor: Brokerage, maya: Lead, given: Batch
) -> None:
    undoing = undo(harbor.ana, given)
    html = page(client, harbor.ana, f"/batches/{undoing.public_id}/")
    assert UNSEEN in html
    assert f'href="{about(maya)}"' in html
    asking = page(client, harbor.ana, about(maya))
    assert "Ask about a lead you gave away" in asking
    assert "Give it back to me: it was moved by mistake. Ben decides." in asking
    assert "Transfer it to me" not in asking
    assert "Maya" not in html + asking
    client.post(about(maya), {"kind": "give_back", "note": "A slip."})
    (request,) = OwnershipRequest.objects.order_by("pk")
    assert "Ana asks you to give Maya Okafor back" in page(client, harbor.ben, "/notifications/")
    accept(decider=fresh(harbor.ben), request=request)
    maya.refresh_from_db()
    assert maya.owner_user == harbor.ana


def test_p4_unseen_she_asks_for_nothing_else(harbor: Brokerage, maya: Lead, given: Batch) -> None:
    assert may_ask(harbor.ana, maya) == ["give_back"]
    for kind in ("transfer", "release"):
        with pytest.raises(ValidationError):
            ask(asker=fresh(harbor.ana), lead=maya, kind=kind)
    assert not Notification.objects.filter(kind="request").exists()


def test_p4_nobody_else_learns_that_it_is_there(client: Client, harbor: Brokerage, maya: Lead, given: Batch) -> None:
    for user in (harbor.dee, harbor.eve, stranger()):
        assert may_ask(user, maya) == []
        client.force_login(user)
        assert client.get(about(maya)).status_code == 404
        assert client.post(about(maya), {"kind": "give_back"}).status_code == 404


def test_p4_who_moved_what_was_never_hers_has_nothing_to_ask_for(client: Client, harbor: Brokerage) -> None:
    """As a company admin does with the leads of who leaves."""
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="managed")
    lead = make_lead(fresh(harbor.ana))
    transfer_leads(actor=fresh(harbor.broker), lead_ids=[lead.pk], to=harbor.ben, why="by hand")
    assert not Lead.objects.handed_over_by(harbor.broker).exists()
    assert not Lead.objects.handed_over_by(harbor.ana).exists()
    Lead.objects.filter(pk=lead.pk).update(privacy=0)
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="private")
    assert may_ask(harbor.broker, lead) == []
    client.force_login(harbor.broker)
    assert client.get(about(lead)).status_code == 404


def test_p4_once_it_went_on_it_is_out_of_her_hands(client: Client, harbor: Brokerage, maya: Lead, given: Batch) -> None:
    transfer_leads(actor=fresh(harbor.ben), lead_ids=[maya.pk], to=harbor.lakeside, why="by hand")
    assert may_ask(harbor.ana, maya) == []
    client.force_login(harbor.ana)
    assert client.get(about(maya)).status_code == 404
    assert about(maya) not in page(client, harbor.ana, f"/batches/{undo(harbor.ana, given).public_id}/")


@pytest.mark.parametrize("hours", [1, 25])
def test_p4_the_transfer_itself_offers_to_ask_once_no_undo_can_come(
    client: Client, harbor: Brokerage, maya: Lead, hours: int
) -> None:
    batch = transferred(harbor.ana, harbor.ben, maya)
    Batch.objects.filter(pk=batch.pk).update(ended_at=timezone.now() - timedelta(hours=hours))
    html = page(client, harbor.ana, f"/batches/{batch.public_id}/")
    assert UNSEEN in html
    assert ('form="undo"' in html, about(maya) in html) == (hours == 1, hours == 25)
    assert about(maya) not in page(client, harbor.broker, f"/batches/{batch.public_id}/")


def test_p4_it_costs_the_same_for_many(client: Client, harbor: Brokerage, django_assert_max_num_queries: Any) -> None:
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="private")
    batch = transferred(harbor.broker, harbor.ben, *(make_lead(harbor.broker) for _ in range(30)))
    for lead in Lead.objects.order_by("pk"):
        log_activity(keyring=load_keyring(harbor.ben), actor=harbor.ben, lead=lead, kind=Activity.Kind.CALL, body="Hi")
    undone = run(undo(harbor.broker, batch))
    client.force_login(harbor.broker)
    with django_assert_max_num_queries(20):
        html = client.get(f"/batches/{undone.public_id}/").content.decode()
    assert html.count("Ask for it back") == 30
