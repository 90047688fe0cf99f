"""The page of one lead: what it shows to whom, and what is done on it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import User
from leads.models import Activity, CustomField, Lead, Stage
from permissions.ledger import Fact, record
from permissions.models import LedgerEntry
from tests.factories.leads import assign, make_lead, make_stage
from tests.factories.people import make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def maya(harbor: Brokerage) -> Lead:
    """A lead of Lakeside that Ana works."""
    return make_lead(
        harbor.lakeside,
        agent=harbor.ana,
        first_name="Maya",
        last_name="Okafor",
        phones=["201-555-0123"],
        emails=["maya@mail.example"],
        source="Zillow",
        kind="buyer",
        price_min=450_000,
        price_max=600_000,
        street="12 Shore Road",
        city="Newark",
        state="NJ",
        postal_code="07102",
        time_zone="America/Los_Angeles",
        tags=["waterfront"],
        custom={"county": "Essex"},
    )


def address(lead: Lead, act: str = "") -> str:
    return f"/people/{lead.public_id}/{act}"


def page(client: Client, user: User, lead: Lead, query: str = "") -> str:
    client.force_login(user)
    response = client.get(address(lead) + query)
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, user: User, lead: Lead, act: str, **data: Any) -> Any:
    client.force_login(user)
    return client.post(address(lead, act), data)


def test_l1_shows_contact_and_facts(client: Client, harbor: Brokerage, maya: Lead) -> None:
    CustomField.objects.create(company=harbor.company, key="county", label="County")
    html = page(client, harbor.ana, maya)
    for shown in (
        *("Maya Okafor", "(201) 555-0123", 'href="mailto:maya@mail.example"'),
        *("12 Shore Road", "Newark, NJ 07102", "Buyer", "Zillow", "450,000 to 600,000", "waterfront"),
        *("County", "Essex", "Time there", "Lakeside", harbor.ana.name),
    ):
        assert shown in html, shown


def test_says_whose_it_is_and_why_one_sees_it(client: Client, harbor: Brokerage, maya: Lead) -> None:
    assert "You are assigned to it as Agent." in page(client, harbor.ana, maya)
    assert "You manage Lakeside, which owns it." in page(client, harbor.lead, maya)
    personal = make_lead(harbor.ben)
    assert f"You manage {harbor.ben.name}, who owns it." in page(client, harbor.lead, personal)
    assert "You own it." in page(client, harbor.ben, personal)


@pytest.mark.parametrize("act", ["", "edit/"])
def test_v3_what_one_may_not_see_does_not_exist(client: Client, harbor: Brokerage, maya: Lead, act: str) -> None:
    hidden = make_lead(harbor.ana, hidden=True)
    answers = []
    for user, public_id in (
        (harbor.eve, maya.public_id),
        (harbor.eve, "000000000000"),
        (harbor.eve, "never-existed"),
        (stranger(), maya.public_id),
        (harbor.lead, hidden.public_id),
    ):
        client.force_login(user)
        answers.append(client.get(f"/people/{public_id}/{act}"))
    assert {answer.status_code for answer in answers} == {404}
    # to the same person they are the same bytes, but for what she asked for and the token of each answer
    asked = [answer.request["PATH_INFO"] for answer in answers[:3]]
    bodies = {
        re.sub("[A-Za-z0-9]{64}", "", a.content.decode()).replace(path, "")
        for a, path in zip(answers, asked, strict=False)
    }
    assert len(bodies) == 1


def test_v3_access_ends_with_the_assignment(client: Client, harbor: Brokerage, maya: Lead) -> None:
    page(client, harbor.ana, maya)
    maya.assignments.filter(user=harbor.ana).delete()
    assert client.get(address(maya)).status_code == 404
    assert post(client, harbor.ana, maya, "log/", kind="note", body="Too late").status_code == 404
    assert not maya.activities.exists()


@pytest.mark.parametrize("act", ["log/", "stage/"])
def test_acts_are_posts(client: Client, harbor: Brokerage, maya: Lead, act: str) -> None:
    client.force_login(harbor.ana)
    assert client.get(address(maya, act)).status_code == 405


def test_i6_a_note_for_a_lead_that_was_merged_meanwhile_is_not_lost(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    kept = make_lead(harbor.lakeside, agent=harbor.ana, first_name="Kept", last_name="One")
    Lead.objects.filter(pk=maya.pk).update(merged_into=kept, removed_at="2026-01-01T00:00Z")
    note = {"kind": "note", "body": "Long and thoughtful"}
    client.force_login(harbor.ana)
    for headers in ({}, HTMX):
        answer = client.post(address(maya, "log/"), note, headers=headers)
        html = answer.content.decode()
        assert answer.status_code == 422
        assert "Long and thoughtful</textarea>" in html
        assert "This was merged into Kept One meanwhile. Save again to put it there." in html
        assert f'action="{address(kept, "log/")}"' in html
    assert not kept.activities.exists()
    moved = post(client, harbor.ana, maya, "stage/", stage=kept.stage_id)
    assert (moved.status_code, moved.headers["Location"]) == (302, address(kept))
    assert post(client, harbor.ben, maya, "log/", **note).status_code == 404


def test_sends_strangers_to_sign_in(client: Client, maya: Lead) -> None:
    assert client.get(address(maya)).status_code == 302
    assert client.post(address(maya, "log/")).status_code == 302


def test_reads_in_the_order_a_phone_shows_it(client: Client, harbor: Brokerage, maya: Lead) -> None:
    html = page(client, harbor.ana, maya)
    assert html.index('id="composer"') < html.index('class="lead-who') < html.index('id="timeline"')


def test_a_session_that_ended_keeps_the_page_of_whoever_asks_by_htmx(client: Client, maya: Lead) -> None:
    response = client.post(address(maya, "log/"), headers=HTMX)
    assert response.status_code == 401
    assert "HX-Redirect" not in response


# --- note, call -------------------------------------------------------------------------------------------------------


def test_l3_a_note_goes_on_the_timeline(client: Client, harbor: Brokerage, maya: Lead) -> None:
    Lead.objects.filter(pk=maya.pk).update(last_activity_at=Now() - timedelta(days=3))
    response = post(client, harbor.ana, maya, "log/", kind="note", body="Likes the <lake>")
    assert response.status_code == 302
    note = maya.activities.get()
    assert (note.kind, note.actor, note.body) == (Activity.Kind.NOTE, harbor.ana, "Likes the <lake>")
    html = page(client, harbor.ana, maya)
    assert "wrote a note" in html
    assert "Likes the &lt;lake&gt;" in html
    maya.refresh_from_db()
    assert Lead.objects.filter(
        pk=maya.pk, last_activity_at__gt=Now() - timedelta(minutes=1), last_contact_at=None
    ).exists()


def test_l3_a_call_has_direction_and_outcome(client: Client, harbor: Brokerage, maya: Lead) -> None:
    post(client, harbor.ana, maya, "log/", kind="call", direction="in", outcome="reached", body="")
    call = maya.activities.get()
    assert (call.kind, call.direction, call.outcome) == ("call", "in", "reached")
    assert "took a call: reached" in page(client, harbor.ana, maya)
    maya.refresh_from_db()
    assert maya.last_contact_at is not None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"kind": "note", "body": "  "}, "Write the note first."),
        ({"kind": "call", "body": "We talked", "outcome": ""}, "Say how the call went."),
        ({"kind": "call", "body": "We talked", "outcome": "lied"}, "lied is not one of the available choices."),
        ({"kind": "telepathy", "body": "Hm"}, "What should"),
        ({"kind": "note", "body": "x" * 10_001}, "at most 10000"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_kept(
    client: Client, harbor: Brokerage, maya: Lead, data: dict[str, str], message: str
) -> None:
    response = post(client, harbor.ana, maya, "log/", **data)
    assert response.status_code == 422
    html = response.content.decode()
    assert message in html
    assert data["body"].strip() in html
    assert not maya.activities.exists()


def test_a_double_click_makes_one_activity(client: Client, harbor: Brokerage, maya: Lead) -> None:
    for _ in range(2):
        post(client, harbor.ana, maya, "log/", kind="note", body="Once", token="abc")
    assert maya.activities.count() == 1
    post(client, harbor.ben, maya, "log/", kind="note", body="Not hers", token="abc")
    post(client, harbor.ana, maya, "log/", kind="note", body="Once", token="def")
    assert maya.activities.count() == 2


def test_htmx_gets_the_parts_that_changed(client: Client, harbor: Brokerage, maya: Lead) -> None:
    client.force_login(harbor.ana)
    response = client.post(address(maya, "log/"), {"kind": "note", "body": "Hello there"}, headers=HTMX)
    html = response.content.decode()
    assert response["HX-Trigger"] == "live:offers"
    assert "<html" not in html
    for part in ('id="composer"', 'id="timeline" hx-swap-oob="true"', "Hello there", "is on the timeline", "#toasts"):
        assert part in html
    refused = client.post(address(maya, "log/"), {"kind": "note", "body": ""}, headers=HTMX)
    assert refused.status_code == 422
    assert "<html" not in refused.content.decode()


def test_v2_viewers_get_no_controls_and_crafted_posts_are_refused(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    viewer = make_member(harbor.lakeside, "Viewer", profile="team_lead")  # rule g: she may view her unit's leads
    html = page(client, viewer, maya)
    for control in ('id="composer"', 'popovertarget="stage"', address(maya, "edit/")):
        assert control not in html
    stage = make_stage(harbor.company, "Warm")
    for act, data in (
        ("log/", {"kind": "note", "body": "Crafted"}),
        ("log/", {"kind": "call", "outcome": "reached"}),
        ("stage/", {"stage": stage.pk}),
        ("edit/", {"first_name": "Crafted"}),
    ):
        assert post(client, viewer, maya, act, **data).status_code == 403
    maya.refresh_from_db()
    assert (maya.first_name, maya.activities.count()) == ("Maya", 0)


def test_v2_managers_of_the_owner_log_calls_and_nothing_else(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    html = page(client, harbor.lead, lead)
    assert 'value="call"' in html
    assert 'value="note"' not in html
    assert post(client, harbor.lead, lead, "log/", kind="note", body="No").status_code == 403
    assert post(client, harbor.lead, lead, "log/", kind="call", outcome="busy").status_code == 302
    assert [act.kind for act in lead.activities.order_by("pk")] == ["call"]


# --- stage ------------------------------------------------------------------------------------------------------------


def test_l2_the_stage_changes_once(client: Client, harbor: Brokerage, maya: Lead) -> None:
    stage = Stage.objects.get(company=harbor.company, name="Qualified")
    for _ in range(2):
        assert post(client, harbor.ana, maya, "stage/", stage=stage.pk).status_code == 302
    maya.refresh_from_db()
    assert maya.stage == stage
    assert [act.body for act in maya.activities.order_by("pk")] == ["New → Qualified"]
    html = page(client, harbor.ana, maya)
    assert "moved the stage: New → <strong>Qualified</strong>" in html


def test_l2_stages_of_others_are_refused(client: Client, harbor: Brokerage, maya: Lead) -> None:
    foreign = Stage.objects.filter(company=stranger().company).order_by("pk")[0]
    for value in (foreign.pk, "x", ""):
        response = post(client, harbor.ana, maya, "stage/", stage=value)
        assert response.status_code == 422
        assert "not in the list any more" in response.content.decode()
    maya.refresh_from_db()
    assert maya.stage.name == "New"


# --- timeline and cost ------------------------------------------------------------------------------------------------


def busy(lead: Lead, actors: list[User], entries: int) -> None:
    Activity.objects.bulk_create(
        [
            Activity(
                company_id=lead.company_id, lead=lead, kind="note", actor=actors[n % len(actors)], body=f"Note {n:03}."
            )
            for n in range(entries)
        ]
    )
    for n in range(entries // 10):
        record(
            Fact(
                company_id=lead.company_id,
                kind=LedgerEntry.Kind.EXPIRED,
                lead_id=lead.pk,
                from_user_id=actors[n % len(actors)].pk,
            )
        )


def test_l3_show_earlier_walks_back_to_the_beginning(client: Client, harbor: Brokerage, maya: Lead) -> None:
    busy(maya, [harbor.ana, harbor.ben], 120)
    first = page(client, harbor.ana, maya)
    assert first.count('class="event') >= 50
    before = first.split("?before=")[1].split('"')[0]
    part = client.get(f"{address(maya)}?before={before}", headers=HTMX).content.decode()
    assert "<html" not in part
    assert "Show earlier" in part
    whole = page(client, harbor.ana, maya, f"?before={before}")
    assert "<html" in whole
    assert not set(first.split("Note ")[1:]) & set(part.split("Note ")[1:])


def test_a_forged_cursor_starts_at_the_newest(client: Client, harbor: Brokerage, maya: Lead) -> None:
    busy(maya, [harbor.ana], 3)
    assert "Note 002." in page(client, harbor.ana, maya, "?before=forged")


def test_queries_do_not_grow_with_the_timeline(client: Client, harbor: Brokerage, maya: Lead) -> None:
    CustomField.objects.create(company=harbor.company, key="county", label="County")
    assign(maya, harbor.ben, role="lender")

    def queries(user: User) -> int:
        page(client, user, maya)
        with CaptureQueriesContext(connection) as captured:
            client.get(address(maya))
        return len(captured)

    busy(maya, [harbor.ana, harbor.ben], 10)
    few = queries(harbor.ana), queries(harbor.lead)
    busy(maya, [harbor.ana, harbor.ben, harbor.lead, harbor.broker], 500)
    assert (queries(harbor.ana), queries(harbor.lead)) == few
    assert max(few) <= 15
