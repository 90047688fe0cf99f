"""Company-originated leads (A1): what is counted, for whom, and that the rest is not there, not even in bytes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.organization.models import Company, Unit, User
from leads.models import Lead
from permissions.access import Privacy
from permissions.models import Profile, ProfileHolder
from tests.factories.leads import assign, make_lead, make_stage
from tests.factories.people import fresh, leave_unit, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.routing.reporting import page, rows
from tests.support.sameness import without_tokens

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def came(unit: Unit, owner: User | Unit | None = None, **fields: Any) -> Lead:
    """A lead that the unit's channel brought, two days ago, whoever owns it now."""
    values = {"origin": "company", "origin_unit": unit, "created_at": timezone.now() - 2 * DAY}
    return make_lead(owner or unit, **(values | fields))


def counts(client: Client, user: User, **query: Any) -> dict[str, int]:
    return {name: int(row["Leads"]) for name, row in rows(client, user, "leads", **query).items()}


# --- What is counted --------------------------------------------------------------------------------------------------


def test_a1_leads_are_told_by_origin_source_agent_stage_and_follow_up(client: Client, harbor: Brokerage) -> None:
    won, now = harbor.company.stages.get(kind="won"), timezone.now()
    came(harbor.lakeside, agent=harbor.ana, source="Zillow", last_contact_at=now - 3 * DAY)
    came(harbor.lakeside, harbor.ben, source="Zillow", stage=won, last_contact_at=now - 20 * DAY)
    came(harbor.hilltop, source="Website")
    came(harbor.whole, last_contact_at=now - 90 * DAY)
    make_lead(harbor.ana)  # of her own
    assert counts(client, harbor.broker) == {"Lakeside": 2, "Hilltop": 1, str(harbor.whole): 1}
    assert counts(client, harbor.broker, by="source") == {"Zillow": 2, "Website": 1, "No source": 1}
    assert counts(client, harbor.broker, by="agent") == {"Nobody": 2, "Ana": 1, "Ben": 1}
    assert counts(client, harbor.broker, by="stage") == {"New": 3, "Closed": 1}
    by_follow_up = rows(client, harbor.broker, "leads", by="follow")
    assert {name: row["Leads"] for name, row in by_follow_up.items()} == {
        "Never contacted": "1",
        "Within 7 days": "1",
        "Within 30 days": "1",
        "Longer ago": "1",
    }
    row = rows(client, harbor.broker, "leads")["Lakeside"]
    assert [row[name] for name in ("Never contacted", "Contacted", "In the last 7 days")] == ["0", "2", "1"]
    assert [row[name] for name in ("Open", "Won", "Conversion", "Agents’ own now")] == ["1", "1", "50 %", "1"]
    assert row["Last contact (UTC)"].startswith(f"{now - 3 * DAY:%Y-%m-%d}")


def test_a1_what_became_of_them_is_a_sentence(client: Client, harbor: Brokerage) -> None:
    won = harbor.company.stages.get(kind="won")
    came(harbor.lakeside, harbor.ben, stage=won, last_contact_at=timezone.now())
    came(harbor.lakeside)
    shown = page(client, harbor.broker, "leads")
    assert "Of 2 leads, 1 were contacted, 1 never, and 1 won (50 %). 1 are agents’ own now." in shown


def test_a1_a_lead_is_counted_where_it_came_from_whoever_has_it_now(client: Client, harbor: Brokerage) -> None:
    """Changed owner, changed stage, and back again: it is counted once, as it is now."""
    lead = came(harbor.lakeside, agent=harbor.ana)
    lost = make_stage(harbor.company, "Lost it", "lost")
    for owner, stage in (({"owner_user": harbor.eve, "privacy": 1}, lost), ({"owner_unit": harbor.south}, lead.stage)):
        Lead.objects.filter(pk=lead.pk).update(**{"owner_unit": None, "owner_user": None, "privacy": None} | owner)
        Lead.objects.filter(pk=lead.pk).update(stage=stage)
        row = rows(client, harbor.broker, "leads")["Lakeside"]
        assert (row["Leads"], row["Open"], row["Lost"]) == ("1", *(("0", "1") if stage == lost else ("1", "0")))
    Lead.objects.filter(pk=lead.pk).update(removed_at=timezone.now())
    assert counts(client, harbor.broker) == {}


def test_a1_days_are_those_of_the_unit_or_the_company(client: Client, harbor: Brokerage) -> None:
    Company.objects.update(time_zone="America/New_York")
    Unit.objects.filter(pk=harbor.lakeside.pk).update(time_zone="America/Los_Angeles")
    came(harbor.lakeside, created_at=datetime(2026, 3, 8, 23, 30, tzinfo=ZoneInfo("America/Los_Angeles")))
    days = {"period": "days", "since": "2026-03-08", "until": "2026-03-08"}
    assert counts(client, harbor.broker, **days) == {}
    assert counts(client, harbor.broker, **days | {"unit": harbor.lakeside.pk}) == {"Lakeside": 1}
    assert counts(client, harbor.broker, period="days", since="2026-03-09", until="2026-03-09") == {"Lakeside": 1}


def test_a1_leads_are_narrowed_by_unit_source_and_agent(client: Client, harbor: Brokerage) -> None:
    zillow = came(harbor.lakeside, agent=harbor.ana, source="Zillow").source
    came(harbor.hilltop, agent=harbor.dee)
    came(harbor.south)
    assert zillow is not None
    assert counts(client, harbor.broker, unit=harbor.north.pk) == {"Lakeside": 1, "Hilltop": 1}
    assert counts(client, harbor.broker, source=zillow.pk) == {"Lakeside": 1}
    assert counts(client, harbor.broker, agent="dee") == {"Hilltop": 1}


# --- Who sees what ----------------------------------------------------------------------------------------------------


def test_a1_p2_each_sees_her_own_her_teams_her_offices_or_all(client: Client, harbor: Brokerage) -> None:
    came(harbor.lakeside, agent=harbor.ana)
    came(harbor.lakeside, agent=harbor.ben)
    came(harbor.hilltop, agent=harbor.dee)
    came(harbor.harborfront, agent=harbor.eve)
    for user, seen in (
        (harbor.ana, {"Lakeside": 1}),
        (harbor.lead, {"Lakeside": 2}),
        (harbor.north_admin, {"Lakeside": 2, "Hilltop": 1}),
        (harbor.broker, {"Lakeside": 2, "Hilltop": 1, "Harborfront": 1}),
        (stranger(), {}),
    ):
        assert counts(client, user) == seen
    shown = page(client, harbor.ana, "leads", by="agent")
    assert "These are your own figures." in shown
    assert "Ben" not in shown


def test_a1_an_agent_counts_what_she_has_and_not_what_she_may_see(client: Client, harbor: Brokerage) -> None:
    """A profile that shows her the unit's leads makes them no figures of hers."""
    ProfileHolder.objects.filter(user=harbor.ana).update(
        profile=Profile.objects.get(company=harbor.company, code="team_lead")
    )
    came(harbor.lakeside, agent=harbor.ben)
    mine = came(harbor.lakeside, agent=harbor.ben)
    assign(mine, fresh(harbor.ana), "assistant")
    assert counts(client, fresh(harbor.ana)) == {}


def test_a1_a_team_lead_counts_what_came_to_her_team_and_what_her_people_have(
    client: Client, harbor: Brokerage
) -> None:
    came(harbor.lakeside, harbor.eve)  # rule j: hers to see, wherever it went
    came(harbor.whole, harbor.ana)
    came(harbor.whole, harbor.dee)
    assert counts(client, harbor.lead) == {"Lakeside": 1, str(harbor.whole): 1}
    leave_unit(harbor.ana, harbor.lakeside)
    assert counts(client, harbor.lead) == {"Lakeside": 1}


# --- Personal leads ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["private", "visible", "managed", "company_only"])
def test_a1_personal_leads_of_agents_are_a_number_and_under_private_not_even_that(
    client: Client, harbor: Brokerage, policy: str
) -> None:
    came(harbor.lakeside, harbor.ana)
    Company.objects.update(personal_leads=policy)
    for privacy in (Privacy.VISIBLE, Privacy.PRIVATE):
        make_lead(harbor.ana, privacy=privacy, first_name="Oona", source="Her church")
    shown = page(client, harbor.broker, "leads")
    assert ("And 1 lead of the agents’ own" in shown) == (policy != "private")
    assert counts(client, harbor.broker) == {"Lakeside": 1}
    if policy == "private":
        assert "Her church" not in shown
        assert "own, not counted" not in shown


PAGES = [(name, by) for name in ("leads", "board") for by in ("unit", "source", "agent", "stage", "follow")]


@pytest.mark.parametrize("who", ["broker", "north_admin", "lead"])
def test_a1_v1_under_private_no_byte_tells_that_agents_have_leads(client: Client, harbor: Brokerage, who: str) -> None:
    """The company-originated ones to the number, and nothing of the rest."""
    Company.objects.update(personal_leads="private")
    for number in range(3):
        came(harbor.lakeside, harbor.ana, privacy=Privacy.PRIVATE, hidden=number == 0, agent=None)
    came(harbor.lakeside, agent=harbor.ana)
    answers = []
    for _ in range(2):
        answers.append(
            [
                (
                    without_tokens(page(client, getattr(harbor, who), name, by=by)),
                    rows(client, getattr(harbor, who), name),
                )
                for name, by in PAGES
                if name == "leads" or by == "unit"
            ]
        )
        for hidden in (True, False):
            mine = make_lead(harbor.ana, privacy=Privacy.PRIVATE, hidden=hidden, source="Her church")
            make_lead(harbor.lead, privacy=Privacy.PRIVATE) if who != "lead" else None
            assign(mine, harbor.ben, "assistant")
    assert answers[0] == answers[1]
    assert sum(counts(client, harbor.broker).values()) == 3
    assert "1 lead that its owner hides from you" in page(client, harbor.broker, "leads")


def test_a1_v5_hidden_leads_are_counted_beside_and_by_nothing_they_conceal(client: Client, harbor: Brokerage) -> None:
    came(harbor.lakeside)
    hers = came(harbor.lakeside, harbor.ana, hidden=True, source="Zillow")
    words = "And 1 lead that its owner hides from you"
    shown = page(client, harbor.lead, "leads", by="source")
    assert words in shown
    assert "Zillow" not in shown
    for query in ({"unit": harbor.lakeside.pk}, {"period": "days", "since": "2020-01-01", "until": "2020-01-01"}):
        assert (words in page(client, harbor.lead, "leads", **query)) == ("unit" not in query)
    Lead.objects.filter(pk=hers.pk).update(hidden=False)
    assert words not in page(client, harbor.lead, "leads")
    assert counts(client, harbor.lead) == {"Lakeside": 2}


# --- As a page --------------------------------------------------------------------------------------------------------


def test_a1_nothing_to_show_says_what_would_be_there(client: Client, harbor: Brokerage) -> None:
    assert "No company-originated leads in these days" in page(client, harbor.broker, "leads")
    assert "No company-originated leads of yours in these days" in page(client, harbor.ana, "leads")
    assert rows(client, harbor.broker, "leads") == {}


@pytest.mark.parametrize("by", ["unit", "source", "agent", "stage", "follow"])
def test_a1_the_report_takes_the_same_queries_for_few_and_many(client: Client, harbor: Brokerage, by: str) -> None:
    came(harbor.lakeside, agent=harbor.ana, source="Zillow")
    page(client, harbor.north_admin, "leads")
    asked = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as found:
            client.get("/reports/leads/", {"by": by})
        asked.append(len(found))
        for number in range(6):
            came(harbor.hilltop, agent=make_member(harbor.hilltop), source=f"Source {number}")
    assert asked[0] == asked[1]
