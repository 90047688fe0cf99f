"""M7: who owned and who held a lead on a day has an answer, for one lead and for the company."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.organization.models import Unit, User
from leads.models import Lead
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db
Kind = LedgerEntry.Kind
TODAY = timezone.localdate(timezone=ZoneInfo("America/New_York"))  # where the readers are


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def told(lead: Lead, kind: Kind, days_ago: int, to: Unit | User | None = None, role: str = "") -> None:
    unit, user = (to.pk, None) if isinstance(to, Unit) else (None, to.pk if to else None)
    at = timezone.make_aware(datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time())) + timedelta(
        hours=9
    )
    entry = LedgerEntry(
        company=lead.company, kind=kind, lead_id=lead.pk, to_unit_id=unit, to_user_id=user, role=role, at=at
    )
    LedgerEntry.objects.bulk_create([entry])


def with_a_past(harbor: Brokerage) -> Lead:
    lead = make_lead(harbor.lakeside, first_name="Maya", last_name="Stone")
    told(lead, Kind.CREATED, 30, harbor.hilltop)
    told(lead, Kind.ASSIGNED, 30, harbor.dee, "agent")
    told(lead, Kind.UNASSIGNED, 20, None, "agent")
    told(lead, Kind.OWNER_CHANGED, 20, harbor.lakeside)
    told(lead, Kind.ASSIGNED, 10, harbor.ana, "agent")
    return lead


def on(client: Client, lead: Lead, days_ago: int) -> str:
    there = reverse("lead-on", args=[lead.public_id])
    answer = client.get(there, {"day": str(TODAY - timedelta(days=days_ago))}, headers={"HX-Request": "true"})
    return answer.content.decode()


def test_m7_a_lead_knows_whose_it_was_on_any_day(harbor: Brokerage, client: Client) -> None:
    lead = with_a_past(harbor)
    client.force_login(harbor.lead)
    assert "It was not there yet" in on(client, lead, 31)
    said = {days: on(client, lead, days) for days in (30, 21, 20, 10, 0)}
    assert {days: ("Hilltop" in text, "Dee" in text) for days, text in said.items() if days > 20} == dict.fromkeys(
        (30, 21), (True, True)
    )
    assert ("Lakeside" in said[20], "Nobody" in said[20]) == (True, True)
    assert ("Lakeside" in said[10], "Ana" in said[10], "Ana" in said[0]) == (True, True, True)
    assert client.get(reverse("lead-on", args=[lead.public_id]), {"day": "soon"}).status_code == 422
    client.force_login(harbor.eve)
    assert client.get(reverse("lead-on", args=[lead.public_id])).status_code == 404


def test_m7_a_company_admin_sees_every_owner_on_a_day_and_takes_it_out(harbor: Brokerage, client: Client) -> None:
    lead = with_a_past(harbor)
    later = make_lead(harbor.hilltop, first_name="Later")
    told(later, Kind.CREATED, 5, harbor.hilltop)
    hidden = make_lead(harbor.ana, first_name="Concealed", hidden=True)
    told(hidden, Kind.CREATED, 30, harbor.ana)
    client.force_login(harbor.broker)
    there, asked = reverse("admin:ownership"), {"day": str(TODAY - timedelta(days=25))}
    said = client.get(there, asked).content.decode()
    assert ("Maya Stone" in said, "Later" in said, "Concealed" in said) == (True, False, False)
    hilltop, lakeside = f"unit-{harbor.hilltop.pk}", f"unit-{harbor.lakeside.pk}"
    assert "Maya Stone" in client.get(there, {**asked, "owner": hilltop}).content.decode()
    assert "Maya Stone" not in client.get(there, {**asked, "owner": lakeside}).content.decode()
    answer = client.post(reverse("admin:ownership_file"), {**asked, "owner": hilltop})
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[arg-type]
    assert lines[1:] == [f"Maya Stone,Hilltop,Agent: Dee,{reverse('lead', args=[lead.public_id])}"]
    mine = make_lead(harbor.broker, first_name="Mine")
    told(mine, Kind.CREATED, 30, harbor.broker)
    asked["owner"] = f"person-{harbor.broker.pk}"
    answer = client.post(reverse("admin:ownership_file"), asked)
    assert "Broker,Owner: Broker," in b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]
    assert LedgerEntry.objects.filter(kind="exported", actor=harbor.broker).exists()
    fact = LedgerEntry.objects.filter(kind="exported").earliest("pk").detail
    assert fact
    assert (fact["count"], fact["filters"], fact["said"]["owner"]) == (1, ["day", "owner"], "Hilltop")
    assert client.get(there, {"day": "soon"}).status_code == 422


def test_m7_queries_do_not_grow_with_the_leads(harbor: Brokerage, client: Client) -> None:
    client.force_login(harbor.broker)
    counts = []
    for leads in (2, 20):
        for _ in range(leads):
            told(make_lead(harbor.lakeside), Kind.CREATED, 3, harbor.lakeside)
        client.get(reverse("admin:ownership"))
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("admin:ownership"))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_m7_nobody_knows_whose_it_will_be(harbor: Brokerage, client: Client) -> None:
    lead = with_a_past(harbor)
    client.force_login(harbor.lead)
    said = on(client, lead, -1)
    assert ("That day is still to come." in said, "Ana" in said) == (True, False)
    client.force_login(harbor.broker)
    answer = client.get(reverse("admin:ownership"), {"day": str(TODAY + timedelta(days=1))})
    assert (answer.status_code, "That day is still to come." in answer.content.decode()) == (422, True)
