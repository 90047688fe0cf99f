"""L6: the columns of the People list, and the next step of each lead among them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.organization.models import User
from leads.columns import COLUMN_WORDS, DEFAULT_COLUMNS, day_of
from leads.models import Lead, Task
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db
ALL = "&".join(f"columns={key}" for key, _ in COLUMN_WORDS)


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def page(client: Client, user: User, query: str = "") -> str:
    client.force_login(user)
    answer = client.get(f"/people/?{query}")
    assert answer.status_code == 200, answer
    return answer.content.decode()


def heads(html: str) -> list[str]:
    found = re.search(r"<thead>(.*?)</thead>", html, re.DOTALL)
    assert found
    words = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', found[1], re.DOTALL)
    return [re.sub(r"<svg.*?</svg>|<[^>]+>", "", text, flags=re.DOTALL).strip() for text in words]


def cells(html: str) -> list[str]:
    """What the first row says, cell by cell, its name left out."""
    found = re.search(r"<tr data-row.*?</th>(.*?)</tr>", html, re.DOTALL)
    assert found
    return [re.sub(r"<[^>]+>", "", text).strip() for text in re.findall(r"<td(.*?)</td>", f"{found[1]}", re.DOTALL)]


def shown(html: str) -> dict[str, str]:
    """What the first row says, by its columns’ heads."""
    return dict(zip(heads(html)[1:], (text.rpartition(">")[2] for text in cells(html)), strict=True))


def plan(lead: Lead, title: str, due: timedelta, **fields: Any) -> Task:
    return Task.objects.create(
        company_id=lead.company_id,
        lead=lead,
        title=title,
        due_at=timezone.now() + due,
        time_zone="UTC",
        created_by=fields.pop("by"),
        **fields,
    )


def test_l6_the_usual_columns_are_those_a_row_must_show(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside)
    words = dict(COLUMN_WORDS)
    assert heads(page(client, harbor.lead)) == [
        *("Name", "Stage", "Owned by", "Assigned to", "Next step", "Origin", "Source", "Last activity", "Score")
    ]
    assert {words[key] for key in DEFAULT_COLUMNS} == set(heads(page(client, harbor.lead))) - {"Name"}


def test_l6_columns_are_chosen_and_say_what_they_are_called(client: Client, harbor: Brokerage) -> None:
    fields = {"city": "Zürich 🏡", "state": "NJ", "kind": "buyer", "tags": ["lake"], "price_min": 250_000}
    points: dict[str, Any] = {"phones": ["201 555 0123", "201 555 0124"], "emails": ["m@x.example"]}
    lead = make_lead(harbor.lakeside, agent=harbor.ana, **points, **fields)
    plan(lead, "Send <b>comps</b>", timedelta(days=40), by=harbor.ana)
    says = shown(page(client, harbor.lead, ALL))
    assert list(says) == [words for _, words in COLUMN_WORDS]
    assert [says[words] for words in ("Phone", "E-mail", "City", "State", "Type", "Price", "Tags")] == [
        *("(201) 555-0123", "m@x.example", "Zürich 🏡", "NJ", "Buyer", "from 250,000", "lake")
    ]
    assert says["Next step"].endswith("· Send &lt;b&gt;comps&lt;/b&gt;")
    assert (says["Attempts"], says["Last contact"], says["Assigned to"]) == ("0", "–", harbor.ana.name)


def test_l6_their_order_is_one_and_twice_is_once(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside)
    assert heads(page(client, harbor.lead, "columns=score&columns=phone&columns=phone&columns=stage")) == [
        *("Name", "Stage", "Phone", "Score")
    ]
    empty = client.get("/people/?columns=", follow=True).content.decode()
    assert len(heads(empty)) == 9


@pytest.mark.parametrize("hostile", ["columns=nonsense", "columns=%00", "columns=last_name&columns=stage"])
def test_l6_a_column_that_does_not_exist_is_said_and_shows_nothing(
    client: Client, harbor: Brokerage, hostile: str
) -> None:
    make_lead(harbor.lakeside)
    html = page(client, harbor.lead, hostile)
    assert "filter-chip is-wrong" in html
    assert "row-link" not in html


def test_l6_columns_stay_while_one_filters_sorts_and_turns_the_page(client: Client, harbor: Brokerage) -> None:
    for _ in range(51):
        make_lead(harbor.lakeside, state="NJ")
    html = page(client, harbor.lead, "columns=phone&columns=created&state=NJ&sort=-score")
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="/people/\?([^"]+)"', html)]
    assert len(links) == 6
    assert [link for link in links if not {"columns=phone", "columns=created"} <= set(link.split("&"))] == []
    form = client.get("/people/filters/?columns=phone&state=NJ").content.decode()
    assert '<input type="hidden" name="columns" value="phone">' in form
    assert re.search(r'aria-sort="none"><a href="[^"]*sort=-created', html)


def test_l6_the_form_of_sort_and_columns_keeps_the_rest_of_the_list(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    html = client.get("/people/display/?state=NJ&sort=score&columns=phone&columns=stage").content.decode()
    assert set(re.findall(r'value="(\w+)" checked', html)) == {"phone", "stage"}
    assert '<input type="hidden" name="state" value="NJ">' in html
    assert '<option value="score" selected>' in html
    assert 'href="/people/?state=NJ"' in html
    usual = client.get("/people/display/", headers={"HX-Request": "true"}).content.decode()
    assert set(re.findall(r'value="(\w+)" checked', usual)) == DEFAULT_COLUMNS
    assert "<html" not in usual


# --- the next step ----------------------------------------------------------------------------------------------------


def test_l5_the_next_step_is_what_is_due_first_and_still_to_do(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    now = timezone.now()
    plan(lead, "Done", -timedelta(days=9), by=harbor.ana, done_at=now, done_by=harbor.ana, user=harbor.ana)
    plan(lead, "Dropped", -timedelta(days=8), by=harbor.ana, dropped_at=now, user=harbor.ana)
    assert shown(page(client, harbor.lead))["Next step"] == "–"
    plan(lead, "Later", timedelta(days=60), by=harbor.ana, user=harbor.ana)
    plan(lead, "Sooner", timedelta(days=30), by=harbor.ana, kind="appointment")
    assert shown(page(client, harbor.lead))["Next step"].endswith("· Sooner")
    late = plan(lead, "Late", -timedelta(hours=1), by=harbor.ana, kind="callback", user=harbor.ana)
    assert shown(page(client, harbor.lead))["Next step"] == "Overdue · Late"
    Task.objects.filter(pk=late.pk).update(done_at=now)
    assert shown(page(client, harbor.lead))["Next step"].endswith("· Sooner")


def test_l5_days_are_the_readers() -> None:
    now = datetime.fromisoformat("2026-03-10T22:30:00-04:00")
    with timezone.override("America/New_York"):
        days = [day_of(now + timedelta(hours=hours), now) for hours in (1, 2, 26, 24 * 300)]
    assert days == ["Today", "Tomorrow", "Mar 12", "Jan 4, 2027"]
    with timezone.override("Asia/Tokyo"):
        assert day_of(now + timedelta(hours=2), now) == "Today"


def test_v5_no_column_shows_a_redacted_lead_more(client: Client, harbor: Brokerage) -> None:
    concealed = {"last_name": "Secret", "city": "Secret", "state": "ZQ", "tags": ["secret"], "price_min": 987_654}
    lead = make_lead(
        harbor.ana, hidden=True, first_name="Sam", phones=["201 555 0177"], emails=["secret@x.example"], **concealed
    )
    plan(lead, "Secret step", timedelta(days=2), by=harbor.ana, user=harbor.ana)
    with CaptureQueriesContext(connection) as queries:
        html = page(client, harbor.lead, ALL)
    assert "is-redacted" in html
    row = html[html.index("is-redacted") : html.index("</tbody>")]
    assert [text for text in ("ecret", "0177", "ZQ", "987", "Overdue", "Tomorrow") if text in row] == []
    asked = [
        one["sql"] for one in queries if '"leads_task"."title"' in one["sql"] or "leads_contactpoint" in one["sql"]
    ]
    assert asked == []
    spans = [int(span) for span in re.findall(r'colspan="(\d+)"', row)]
    cells = row.count("<td") - row.count('<td class="tick"')
    assert cells - len(spans) + sum(spans) == len(COLUMN_WORDS)
    assert row.count("0 calls") == 1
    assert "Secret step" in page(client, harbor.ana, ALL)


def test_v5_shown_columns_alone_keep_redacted_rows_whole(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, hidden=True, first_name="Sam", score=77)
    says = shown(page(client, harbor.lead, "columns=score&columns=stage"))
    assert says == {"Stage": "New", "Score": "77"}
    assert "0 calls, 0 texts, 0 e-mails" in page(client, harbor.lead, "columns=phone")


def test_l6_queries_do_not_grow_with_rows_or_columns(client: Client, harbor: Brokerage) -> None:
    def add(rows: int) -> None:
        for number in range(rows):
            lead = make_lead(harbor.lakeside, agent=harbor.ana, phones=[f"201 555 {number:04d}"])
            plan(lead, "Call back", timedelta(days=number), by=harbor.ana, user=harbor.ana)
            make_lead(harbor.ana, hidden=True)

    def queries() -> int:
        page(client, harbor.lead, ALL)
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/people/?{ALL}")
        return len(captured)

    add(1)
    few = queries()
    add(12)
    assert queries() == few <= 13
    with CaptureQueriesContext(connection) as captured:
        client.get("/people/")
    assert len(captured) <= 12


def test_l6_a_full_page_of_long_steps_stays_light(client: Client, harbor: Brokerage) -> None:
    long = {"last_name": "Featherstonehaugh-Wellington", "source": "Zillow Premier Agent Connect", "score": 92}
    User.objects.filter(pk=harbor.ana.pk).update(name="Anastasia Konstantinopoulou")
    for _ in range(52):
        lead = make_lead(harbor.ana, agent=harbor.ana, first_name="Maximiliana-Alexandra", **long)
        plan(lead, "Send the comparable sales of last summer & then call" * 3, timedelta(days=400), by=harbor.ana)
    html = page(client, harbor.broker)
    assert html.count("Send the comparable") == 50
    assert len(html.encode()) < 60_000
