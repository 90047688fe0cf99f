"""Cover that returns by itself (M10): one lead, many, and all that may happen meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import User
from leads.models import Assignment, Lead
from leads.services.transferring import release_leads, transfer_leads
from leads.tasks import return_covered
from permissions.models import LedgerEntry
from tests.factories.leads import in_pond, make_lead, make_pond
from tests.factories.people import fresh, join, leave_company, leave_unit
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, drafted, outcomes, run, undo

pytestmark = pytest.mark.django_db
UNTIL = "2999-01-01T00:00:00+00:00"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def slots(lead: Lead) -> dict[str, User | None]:
    return {slot.role: slot.user for slot in Assignment.objects.filter(lead=lead).order_by("role")}


def covered(harbor: Brokerage, *leads: Lead) -> None:
    done(harbor.lead, "cover", leads, user=harbor.ben, until=UNTIL)


def pass_the_date() -> None:
    Assignment.objects.filter(until__isnull=False).update(until=Now())
    return_covered()


def test_m10_cover_returns_by_itself_and_the_owner_stays(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    covered(harbor, lead)
    assert slots(lead) == {"agent": harbor.ben, "covered": harbor.ana}
    return_covered()
    assert slots(lead) == {"agent": harbor.ben, "covered": harbor.ana}, "not due yet"
    pass_the_date()
    lead.refresh_from_db()
    assert (slots(lead), lead.owner) == ({"agent": harbor.ana}, harbor.lakeside)
    facts = LedgerEntry.objects.filter(lead_id=lead.pk).order_by("pk").values_list("kind", "role", "to_user_id", "why")
    assert list(facts) == [
        ("assigned", "covered", harbor.ana.pk, "cover until 2998-12-31"),
        ("assigned", "agent", harbor.ben.pk, "cover until 2998-12-31"),
        ("assigned", "agent", harbor.ana.pk, "cover is over"),
        ("unassigned", "covered", None, "cover is over"),
    ]
    assert Notification.objects.filter(user=harbor.ana, title="{lead} is back with you").exists()
    return_covered()
    assert LedgerEntry.objects.filter(lead_id=lead.pk).count() == 4


def test_m10_all_of_an_agents_leads_in_mass_and_undone(harbor: Brokerage) -> None:
    leads = [make_lead(harbor.lakeside, agent=harbor.ana) for _ in range(3)]
    nobodys, bens = make_lead(harbor.lakeside), make_lead(harbor.lakeside, agent=harbor.ben)
    pooled, whole = in_pond(make_lead(harbor.lakeside), make_pond(harbor.lakeside)), make_lead(harbor.south)
    batch = run(drafted(harbor.broker, "cover", [*leads, nobodys, bens, pooled, whole], user=harbor.ben, until=UNTIL))
    found = outcomes(batch)
    assert [found[lead.pk] for lead in leads] == ["changed"] * 3
    assert (found[nobodys.pk], found[bens.pk], found[pooled.pk], found[whole.pk]) == (
        *("nobody", "there", "nobody", "nobody"),
    )
    run(undo(harbor.broker, batch))
    assert all(slots(lead) == {"agent": harbor.ana} for lead in leads)
    assert not Assignment.objects.filter(until__isnull=False).exists()


def leaves(harbor: Brokerage, lead: Lead) -> None:
    leave_company(harbor.ana)


def leaves_the_unit(harbor: Brokerage, lead: Lead) -> None:
    leave_unit(harbor.ana, harbor.lakeside)


@pytest.mark.parametrize("happens", [leaves, leaves_the_unit])
def test_m10_who_may_not_work_it_any_more_gets_nothing_back(
    harbor: Brokerage, happens: Callable[[Brokerage, Lead], None]
) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    covered(harbor, lead)
    happens(harbor, lead)
    pass_the_date()
    assert slots(lead) == {}


def test_m10_the_one_who_covers_lets_go_and_it_returns_at_once(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    covered(harbor, lead)
    release_leads(actor=fresh(harbor.ben), lead_ids=[lead.pk], why="by hand")
    assert slots(lead) == {"agent": harbor.ana}


def test_m10_a_transfer_meanwhile_settles_it(harbor: Brokerage) -> None:
    join(harbor.ana, harbor.hilltop)
    lead, other = (make_lead(harbor.lakeside, agent=harbor.ana) for _ in range(2))
    covered(harbor, lead, other)
    actor = fresh(harbor.broker)
    transfer_leads(actor=actor, lead_ids=[lead.pk], to=harbor.hilltop, why="by hand")
    assert slots(lead) == {"agent": harbor.ana}, "Ben is no member of Hilltop, and Ana is"
    transfer_leads(actor=actor, lead_ids=[other.pk], to=harbor.dee, why="by hand")
    assert slots(other) == {"agent": harbor.dee}
    pass_the_date()
    assert slots(other) == {"agent": harbor.dee}


def ask(client: Client, user: User, lead: Lead, /, **sent: Any) -> Any:
    client.force_login(user)
    return client.post(f"/people/{lead.public_id}/cover/", sent, follow=True)


def test_m10_on_the_leads_page_begun_and_ended_by_hand(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    tomorrow = timezone.localdate() + timedelta(days=1)
    html = ask(client, harbor.lead, lead, user=harbor.ben.pk, until=tomorrow.isoformat()).content.decode()
    assert "covers until" in html
    assert slots(lead) == {"agent": harbor.ben, "covered": harbor.ana}
    html = client.get(f"/people/{lead.public_id}/cover/").content.decode()
    assert "Ben covers for Ana now" in html
    ask(client, harbor.lead, lead, end="1")
    assert slots(lead) == {"agent": harbor.ana}


def test_m10_what_cannot_be_is_refused(client: Client, harbor: Brokerage) -> None:
    lead, nobodys = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside)
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    past = date(2020, 1, 1).isoformat()
    assert "passed already" in ask(client, harbor.lead, lead, user=harbor.ben.pk, until=past).content.decode()
    assert ask(client, harbor.lead, lead, user=harbor.eve.pk, until=tomorrow).status_code == 422
    assert "Nobody has it, so" in ask(client, harbor.lead, nobodys, user=harbor.ben.pk, until=tomorrow).content.decode()
    assert ask(client, harbor.ana, lead, user=harbor.ben.pk, until=tomorrow).status_code == 403
    assert ask(client, harbor.eve, lead, end="1").status_code == 404
    assert slots(lead) == {"agent": harbor.ana}


@pytest.mark.parametrize("pooled", [False, True])
def test_m10_nobody_is_covered_for_where_nobody_has_it(client: Client, harbor: Brokerage, pooled: bool) -> None:
    lead = make_lead(harbor.lakeside)
    if pooled:
        in_pond(lead, make_pond(harbor.lakeside, harbor.ana))
    client.force_login(harbor.lead)
    html = client.get(f"/people/{lead.public_id}/cover/").content.decode()
    assert "Nobody has it, so there is nobody to cover for." in html
    assert "Begin the cover" not in html
    assert "is away" not in html


def test_m10_today_says_who_covers_for_whom(client: Client, harbor: Brokerage) -> None:
    covered(harbor, *(make_lead(harbor.lakeside, agent=harbor.ana) for _ in range(2)))
    for user, words in ((harbor.ben, "You cover 2 leads for Ana"), (harbor.ana, "Ben covers 2 of your leads")):
        client.force_login(user)
        assert words in client.get("/").content.decode()


def test_m10_the_history_says_who_is_away_until_her_last_day(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    covered(harbor, lead)
    client.force_login(harbor.lead)
    html = client.get(f"/people/{lead.public_id}/").content.decode()
    assert "<strong>Ana</strong> is away by <strong>Lead</strong> (cover until 2998-12-31)" in html
    assert "as Away" not in html
