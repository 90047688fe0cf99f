"""Sharing a lead, hiding one, and what the ladder of policies does to new leads (V4, V8, O5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from crm.organization.models import User
from leads.models import Lead, LeadShare
from leads.services.creating import NewLead, create_lead
from leads.services.hiding import set_hidden
from leads.services.sharing import revoke_share, share_lead
from permissions.access import Level, Privacy
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry, Profile
from permissions.profiles.services import give_profile
from tests.factories.leads import make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def level(user: User, lead: Lead) -> Level:
    lead.refresh_from_db()
    return access_to(load_keyring(fresh(user)), lead).level


def share(harbor: Brokerage, lead: Lead, **fields: object) -> None:
    values = {"user": harbor.ben, "verb": "view_lead"} | fields
    share_lead(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=lead, **values)  # type: ignore[arg-type]


def hide(actor: User, lead: Lead, *, hidden: bool) -> None:
    set_hidden(keyring=load_keyring(actor), actor=actor, lead=lead, hidden=hidden)


def let_hide(user: User) -> User:
    profile = Profile.objects.create(
        company=user.company, code="hider", name="Hider", permissions=["hide_lead", "add_lead"]
    )
    give_profile(user, profile.code)
    return fresh(user)


def kinds(lead: Lead) -> list[str]:
    return list(LedgerEntry.objects.filter(lead_id=lead.pk).order_by("pk").values_list("kind", flat=True))


def test_v8_a_share_opens_the_lead_until_it_is_revoked(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    assert level(harbor.ben, lead) == Level.NONE
    share(harbor, lead)
    assert level(harbor.ben, lead) == Level.VIEW
    share(harbor, lead, verb="work_lead")
    assert level(harbor.ben, lead) == Level.WORK
    assert LeadShare.grants().count() == 1
    for _ in range(2):
        revoke_share(keyring=load_keyring(harbor.ana), actor=harbor.ana, lead=lead, user=harbor.ben)
    assert level(harbor.ben, lead) == Level.NONE
    assert kinds(lead) == ["shared", "shared", "revoked"]


def test_v8_a_share_ends_by_itself_on_its_date(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    share(harbor, lead, until=timezone.now() + timedelta(hours=1))
    assert level(harbor.ben, lead) == Level.VIEW
    LeadShare.grants().update(until=timezone.now() - timedelta(seconds=1))
    assert level(harbor.ben, lead) == Level.NONE


def test_v8_only_who_manages_the_lead_shares_it(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    with pytest.raises(PermissionDenied):
        share(harbor, lead)
    assert not LeadShare.grants().exists()


def test_v8_the_page_shares_refuses_and_keeps_what_was_chosen(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    client.force_login(harbor.ana)
    page = f"/people/{lead.public_id}/sharing/"
    assert client.get(page).status_code == 200
    late = client.post(page, {"user": harbor.ben.pk, "verb": "work_lead", "until": "2020-01-01T10:00"})
    assert late.status_code == 422
    assert "passed already" in late.content.decode()
    never = client.post(page, {"user": harbor.ben.pk, "verb": "work_lead", "until": "9999-12-31T23:59"})
    assert never.status_code == 422
    assert "between 1900 and 2199" in never.content.decode()
    foreign = client.post(page, {"user": stranger().pk, "verb": "view_lead"})
    assert foreign.status_code == 422
    assert not LeadShare.grants().exists()
    client.post(page, {"user": harbor.ben.pk, "verb": "view_lead"})
    assert harbor.ben.name in client.get(f"/people/{lead.public_id}/").content.decode()
    client.post(f"{page}{harbor.ben.pk}/revoke/")
    assert not LeadShare.grants().exists()


def test_v8_strangers_and_workers_cannot_open_the_page(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    for user, status in ((harbor.ana, 403), (harbor.eve, 404), (stranger(), 404)):
        client.force_login(user)
        assert client.get(f"/people/{lead.public_id}/sharing/").status_code == status


def test_v4_only_the_owner_hides_and_only_with_the_permission(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    with pytest.raises(PermissionDenied):
        hide(harbor.ana, lead, hidden=True)
    ana = let_hide(harbor.ana)
    hide(ana, lead, hidden=True)
    hide(ana, lead, hidden=True)
    assert level(harbor.lead, lead) == Level.REDACTED
    with pytest.raises(PermissionDenied):
        hide(harbor.lead, lead, hidden=False)
    give_profile(ana, "agent")
    hide(fresh(ana), lead, hidden=False)  # to show her own lead needs no permission
    assert level(harbor.lead, lead) == Level.VIEW
    assert kinds(lead) == ["hidden", "shown"]


def test_v4_the_switch_on_the_lead(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    client.force_login(let_hide(harbor.ana))
    assert "Hide from my managers" in client.get(f"/people/{lead.public_id}/").content.decode()
    client.post(f"/people/{lead.public_id}/hidden/", {"hidden": "1"})
    lead.refresh_from_db()
    assert lead.hidden
    client.force_login(harbor.lead)
    assert client.post(f"/people/{lead.public_id}/hidden/", {"hidden": "0"}).status_code == 404


def test_v4_a_person_may_have_all_her_new_leads_hidden(harbor: Brokerage) -> None:
    User.objects.filter(pk=harbor.ana.pk).update(hide_new_leads=True)
    assert not create_lead(actor=fresh(harbor.ana), owner=fresh(harbor.ana), new=NewLead({})).hidden
    ana = let_hide(harbor.ana)
    assert create_lead(actor=ana, owner=ana, new=NewLead({})).hidden


def test_o5_under_company_only_every_new_lead_is_the_companys_and_worked_by_who_added_it() -> None:
    harbor = brokerage("company_only")
    lead = create_lead(actor=harbor.ana, owner=harbor.whole, new=NewLead({"first_name": "Maya"}))
    assert (lead.owner, lead.agent) == (harbor.whole, harbor.ana)
    for owner in (harbor.ana, harbor.lakeside):
        with pytest.raises(PermissionDenied):
            create_lead(actor=harbor.ana, owner=owner, new=NewLead({}))


@pytest.mark.parametrize(
    ("policy", "seen"), [("private", Level.NONE), ("visible", Level.VIEW), ("managed", Level.MANAGE)]
)
def test_o5_the_ladder_and_loosening_exposes_nothing_of_before(policy: str, seen: Level) -> None:
    harbor = brokerage(policy)
    lead = make_lead(harbor.ana)
    assert lead.privacy == Privacy[policy.upper()]
    assert level(harbor.lead, lead) == level(harbor.broker, lead) == seen
    harbor.company.personal_leads = "managed"
    harbor.company.save()
    assert level(harbor.lead, lead) == level(harbor.broker, lead) == seen
    harbor.company.personal_leads = "private"
    harbor.company.save()
    assert level(harbor.lead, lead) == level(harbor.broker, lead) == Level.NONE
