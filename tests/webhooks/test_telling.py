"""What webhooks tell, in whose name, and of which leads (I5, V1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.organization.models import User
from crm.webhooks.models import Event, Webhook, WebhookDelivery, WebhookEvent
from crm.webhooks.sending import send_due
from crm.webhooks.spreading import spread_all
from dialer.models import Disposition
from dialer.services.gates import permit
from leads.models import Assignment, Lead
from leads.services.assigning import assign_leads
from leads.services.creating import NewLead, create_lead
from leads.services.erasing import erase
from leads.services.transferring import transfer_leads
from permissions.ledger import Fact, record_all
from permissions.models import LedgerEntry
from permissions.tokens.services import Scope, issue
from routing.services.claiming import claim
from tests.factories.crossing import MAY_KNOW, crossing
from tests.factories.leads import make_lead, offer
from tests.factories.marks import told
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.webhooks.receiver import Receiver, later, tell

pytestmark = pytest.mark.django_db


def add_lead(user: User, owner: Any, **fields: Any) -> Lead:
    new = NewLead({"first_name": "Maya", "last_name": "Okafor 🏡", **fields}, emails=("maya@mail.example",))
    return create_lead(actor=user, owner=owner, new=new)


def of_the_api(user: User, lead: Lead) -> Any:
    _, key = issue(user=user, name="Test", scopes=[Scope.LEADS_READ], lasts=None)
    return Client().get(f"/api/v1/leads/{lead.public_id}", headers={"Authorization": f"Bearer {key}"}).json()


def created(*leads: Lead) -> None:
    """Facts about leads that were there before the webhooks."""
    record_all(Fact(one.company_id, LedgerEntry.Kind.CREATED, lead_id=one.pk) for one in leads)


def test_i5_a_new_lead_is_told_of_as_the_api_shows_it(there: Receiver, harbor: Brokerage) -> None:
    webhook = there.hook(harbor.ana, Event.CREATED)
    lead = add_lead(harbor.ana, harbor.ana)
    tell()
    [said] = there.told(webhook)
    assert said["type"] == "lead.created"
    assert said["data"]["lead"] == of_the_api(harbor.ana, lead)
    assert (said["data"]["lead"]["last_name"], said["data"]["lead"]["emails"]) == ("Okafor 🏡", ["maya@mail.example"])
    assert said["data"]["by"] == {"id": harbor.ana.pk, "name": "Ana"}
    assert said["timestamp"].endswith("Z")
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status, delivery.tries) == ("delivered", 200, 1)
    assert not WebhookEvent.objects.exists()


def test_i5_all_five_events_say_what_happened(there: Receiver, harbor: Brokerage) -> None:
    webhook = there.hook(harbor.broker)
    lead = add_lead(harbor.lead, harbor.lakeside, first_name="Mia")
    assign_leads([lead.pk], harbor.ben, actor_id=harbor.lead.pk, why="by hand")
    offer(lead, harbor.ben)
    assert claim(lead_id=lead.pk, user=harbor.ben, act="call")
    attempt = permit(lead=lead, user=harbor.ben, campaign=None, number="+16025550100", now=timezone.now())
    attempt.disposition = Disposition.objects.get(company=lead.company, name="Sale")
    for _ in range(2):  # the same again is no news
        attempt.save(update_fields=["disposition"])
    transfer_leads(actor=harbor.lead, lead_ids=[lead.pk], to=harbor.ben, why="by hand")
    tell()
    said = [(one["type"], one["data"]) for one in there.told(webhook)]
    kinds = [kind for kind, _ in said]
    assert {*kinds} == {*Event.values}
    assert kinds.count("lead.disposition") == 1
    data = dict(said)
    ben = {"id": harbor.ben.pk, "name": "Ben", "kind": "person"}
    lakeside = {"id": harbor.lakeside.pk, "name": "Lakeside", "kind": "team"}
    assert (data["lead.owner_changed"]["from"], data["lead.owner_changed"]["to"]) == (lakeside, ben)
    assigned = [(one["to"], one["role"]) for kind, one in said if kind == "lead.assigned"]  # in whatever order
    assert (ben, "agent") in assigned
    assert data["lead.claimed"]["to"] == ben
    assert data["lead.disposition"]["disposition"]["name"] == "Sale"
    assert data["lead.disposition"]["disposition"]["sale"] is True
    assert data["lead.disposition"]["by"]["name"] == "Ben"
    assert all(one["lead"]["id"] == lead.public_id for _, one in said)


def test_i5_only_the_events_that_were_chosen(there: Receiver, harbor: Brokerage) -> None:
    few, none = there.hook(harbor.ana, Event.CLAIMED), there.hook(harbor.ana, Event.CREATED, path="/b")
    add_lead(harbor.ana, harbor.ana)
    tell()
    assert (len(there.told(few)), len(there.told(none))) == (0, 1)


def test_i5_everybody_is_told_of_what_she_may_see_and_of_no_more(there: Receiver) -> None:
    scene = crossing()
    Webhook.objects.all().delete()
    for person, user in scene.people.items():
        if user is not None:
            there.hook(user, path=f"/{person}")
    there.messages.clear()
    created(*scene.leads.values())
    tell()
    for person in scene.people:
        said = "\n".join(one.body.decode() for one in there.messages if one.path == f"/{person}")
        expected = MAY_KNOW[person]
        assert told(said) == expected, person
    redacted = [one.body.decode() for one in there.messages if '"redacted": true' in one.body.decode()]
    assert len(redacted) == 3
    assert all('"by"' not in one and scene.leads["hidden"].public_id not in one for one in redacted)


def test_i5_private_leads_are_told_to_their_owner_alone(there: Receiver) -> None:
    harbor = brokerage("private")
    people = (harbor.ana, harbor.ben, harbor.lead, harbor.north_admin, harbor.broker)
    for user in people:
        there.hook(user, path=f"/{user.pk}")
    created(make_lead(harbor.ana))
    tell()
    assert [one.path for one in there.messages] == [f"/{harbor.ana.pk}"]
    assert WebhookDelivery.objects.count() == 1  # not even a row for anybody else


def test_i5_what_she_may_no_longer_see_is_not_sent_and_leaves_no_trace(there: Receiver, harbor: Brokerage) -> None:
    there.hook(harbor.ben)
    lead = make_lead(harbor.ana, agent=harbor.ben, first_name="Zoe")
    created(lead)
    spread_all()
    assert WebhookDelivery.objects.count() == 1
    Assignment.objects.filter(lead=lead).delete()
    send_due()
    assert there.messages == []
    assert not WebhookDelivery.objects.exists()


def test_i5_each_try_shows_the_lead_as_she_may_see_it_then(there: Receiver, harbor: Brokerage) -> None:
    webhook = there.hook(harbor.lead)
    lead = make_lead(harbor.ana, first_name="Zoe", last_name="Quill")
    there.status = 503
    created(lead)
    tell()
    assert there.told(webhook)[0]["data"]["lead"]["last_name"] == "Quill"
    Lead.objects.filter(pk=lead.pk).update(hidden=True)
    there.status = 200
    later()
    tell()
    first, second = there.messages
    assert first.id == second.id
    assert "Quill" not in second.body.decode()
    assert second.checked(webhook.secret)["data"]["lead"]["redacted"] is True


def test_i5_nothing_of_an_erased_person_is_kept_or_sent(there: Receiver, harbor: Brokerage) -> None:
    there.hook(harbor.ana)
    there.status = 500
    add_lead(harbor.ana, harbor.ana)
    tell()
    rows = [vars(one) for one in WebhookDelivery.objects.order_by("pk")]
    assert rows
    assert "Maya" not in str(rows)
    assert "maya@" not in str(rows)
    erase(actor=harbor.broker, kind="email", value="maya@mail.example")
    there.status, before = 200, len(there.messages)
    later()
    tell()
    assert len(there.messages) == before
    assert not WebhookDelivery.objects.filter(state="waiting").exists()


def test_i5_another_company_is_told_of_nothing(there: Receiver, harbor: Brokerage) -> None:
    there.hook(stranger())
    add_lead(harbor.ana, harbor.ana)
    assert not WebhookEvent.objects.exists()
    tell()
    assert there.messages == []


def test_i5_who_is_deactivated_is_told_of_nothing_more(there: Receiver, harbor: Brokerage) -> None:
    there.hook(harbor.ana)
    add_lead(harbor.ana, harbor.ana)
    spread_all()
    User.objects.filter(pk=harbor.ana.pk).update(is_active=False)
    tell()
    add_lead(harbor.lead, harbor.lakeside)
    tell()
    assert there.messages == []


def test_i5_hostile_names_arrive_as_they_are(there: Receiver, harbor: Brokerage) -> None:
    webhook = there.hook(harbor.ana, Event.CREATED)
    add_lead(harbor.ana, harbor.ana, first_name='<img src=x onerror="alert(1)">', last_name="\u2028'); DROP")
    tell()
    [said] = there.told(webhook)
    assert said["data"]["lead"]["first_name"] == '<img src=x onerror="alert(1)">'
