"""The demo companies: as the tour describes them, and only once."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db.models import F, Q

from crm.demo.people import HARBOR, PASSWORD, PLACES
from crm.demo.seeding import seed
from crm.organization.models import Company, User
from dialer.models import AgentSkill, Campaign
from leads.models import Activity, Lead
from permissions.ledger import seal, verify
from permissions.models import LedgerEntry
from routing.models import Offer, RosterMember, RoutingPolicy
from tests.factories.people import fresh

pytestmark = pytest.mark.django_db


def seen_by(email: str) -> set[int]:
    user = fresh(User.objects.get(email=email))
    return set(Lead.objects.visible_to(user).values_list("pk", flat=True))


def test_everyone_can_sign_in():
    seed()
    for place in PLACES:
        for person in place.people:
            assert authenticate(None, email=person.email(place.domain), password=PASSWORD) is not None


def test_every_state_of_ownership_is_there():
    seed()
    harbor = Lead.objects.filter(company__name=HARBOR.company)
    for kind in ("company", "office", "team"):
        owned = harbor.filter(owner_unit__kind=kind)
        assert owned.filter(agent=None).exists()
        assert owned.filter(agent__isnull=False).exists()
    assert set(harbor.filter(owner_user__isnull=False).values_list("hidden", flat=True)) == {True, False}
    assert harbor.filter(owner_user__isnull=False, origin="company").exists()
    assert harbor.values("stage").distinct().count() == 8
    assert 200 < harbor.count() < 500
    assert 200 < Lead.objects.filter(company__name="Summit Insurance").count() < 500


def test_people_see_what_is_theirs():
    seed()
    broker, team_lead, ana, eve = (seen_by(f"{name}@harbor.example") for name in ("broker", "lead", "ana", "eve"))
    lakeside = Lead.objects.filter(owner_unit__name="Lakeside")
    unassigned = set(lakeside.filter(agent=None).values_list("pk", flat=True))
    assert unassigned < team_lead - ana
    assert not eve & set(lakeside.values_list("pk", flat=True))
    assert not broker & seen_by("boss@summit.example")


def test_dates_are_of_the_last_weeks():
    seed()
    assert not Lead.objects.filter(
        Q(last_activity_at__lt=F("created_at")) | Q(last_contact_at__gt=F("last_activity_at"))
    )
    assert not Activity.objects.filter(Q(at__lt=F("lead__created_at")) | Q(at__gt=F("lead__last_activity_at")))


def test_rosters_wait_for_leads():
    seed()
    lakeside = RoutingPolicy.objects.get(unit__name="Lakeside")
    assert (lakeside.claim_window.total_seconds(), lakeside.passes) == (3600, 2)
    assert lakeside.fallback is not None
    assert lakeside.fallback.email == "lead@harbor.example"
    places = RosterMember.objects.filter(unit=lakeside.unit, enrolled=True, paused=False, weight=1)
    assert list(places.order_by("position").values_list("user__name", flat=True)) == [
        "Ana Alvarez",
        "Ben Brooks",
        "Cal Chen",
    ]
    assert not Offer.objects.exists()


def test_there_is_a_campaign_to_dial():
    seed()
    campaign = Campaign.objects.get()
    assert Campaign.objects.joinable_by(User.objects.get(email="ana@harbor.example")).get() == campaign
    assert campaign.dispositions.count() == 9
    assert AgentSkill.objects.count() == 3


def test_the_ledger_tells_of_every_lead():
    seed()
    assert LedgerEntry.objects.filter(kind="created").count() == Lead.objects.count()
    assert LedgerEntry.objects.filter(kind="owner_changed").count() == 10
    hidden = set(Lead.objects.filter(hidden=True).values_list("pk", flat=True))
    assert hidden == set(LedgerEntry.objects.filter(kind="hidden").values_list("lead_id", flat=True))
    seal()
    assert not any(verify(company.pk).problem for company in Company.objects.all())


def test_phones_and_emails_are_nobodys():
    seed()
    values = Lead.objects.values_list("contact_points__kind", "contact_points__value")
    assert all(value.endswith("@example.com") if kind == "email" else value[5:10] == "55501" for kind, value in values)


def test_it_seeds_once(settings):
    settings.DEMO = True
    first, second = StringIO(), StringIO()
    call_command("seed_demo", stdout=first)
    leads = Lead.objects.count()
    call_command("seed_demo", stdout=second)
    assert "ana@harbor.example" in first.getvalue()
    assert "already" in second.getvalue()
    assert (Company.objects.count(), Lead.objects.count()) == (2, leads)


def test_it_stays_out_of_a_database_that_was_given(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="FAIRLEAD_DEMO"):
        call_command("seed_demo")
    assert not Company.objects.exists()
