"""Adding a lead by hand, and editing one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.organization.models import User
from leads.models import Lead
from permissions.models import LedgerEntry, ProfileHolder
from tests.factories.leads import make_lead
from tests.factories.people import make_user
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
ADD = "/people/add/"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def add(client: Client, user: User, **data: Any) -> Any:
    client.force_login(user)
    return client.post(ADD, {"first_name": "Maya", "owner": "me"} | data)


def edit(client: Client, user: User, lead: Lead, **data: Any) -> Any:
    client.force_login(user)
    return client.post(reverse("lead-edit", args=[lead.public_id]), data)


# --- adding -----------------------------------------------------------------------------------------------------------


def test_l1_everything_typed_is_kept(client: Client, harbor: Brokerage) -> None:
    response = add(
        client,
        harbor.ana,
        last_name="Okafor",
        company_name="Okafor & Sons",
        phones="(201) 555-0123\n\n+44 20 7946 0958",
        emails="Maya@Mail.example",
        street="12 Shore Road",
        city="Newark",
        state="nj",
        postal_code="07102",
        time_zone="America/New_York",
        kind="buyer",
        source="Open house",
        price_min="450000",
        price_max="600000",
        score="92",
        tags="waterfront, first home, waterfront",
    )
    lead = Lead.objects.get()
    assert response["Location"] == f"/people/{lead.public_id}/"
    assert (lead.owner, lead.origin, lead.created_by) == (harbor.ana, "agent", harbor.ana)
    assert (lead.state, lead.postal_code, lead.source.name, lead.tags) == (
        *("NJ", "07102", "Open house"),
        ["waterfront", "first home"],
    )
    points = lead.contact_points.order_by("position").values_list("value", "raw")
    assert list(points) == [
        ("maya@mail.example", "Maya@Mail.example"),
        ("+12015550123", "(201) 555-0123"),
        ("+442079460958", "+44 20 7946 0958"),
    ]
    assert "Maya Okafor is added." in client.get(response["Location"]).content.decode()


def test_p4_agents_name_themselves_or_their_units(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    html = client.get(ADD).content.decode()
    assert f'value="unit-{harbor.lakeside.pk}"' in html
    assert f'value="unit-{harbor.hilltop.pk}"' not in html
    assert f'value="unit-{harbor.whole.pk}"' not in html
    for owner in (f"unit-{harbor.hilltop.pk}", f"person-{harbor.ben.pk}", "", "x"):
        assert add(client, harbor.ana, owner=owner).status_code == 422
    assert not Lead.objects.exists()


def test_a_units_lead_goes_to_who_added_it(client: Client, harbor: Brokerage) -> None:
    add(client, harbor.ana, owner=f"unit-{harbor.lakeside.pk}")
    lead = Lead.objects.get()
    assert (lead.owner, lead.agent, lead.origin_unit) == (harbor.lakeside, harbor.ana, harbor.lakeside)
    kinds = LedgerEntry.objects.filter(lead_id=lead.pk).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["created", "assigned"]


def test_a_units_lead_may_go_to_its_rotation(client: Client, harbor: Brokerage) -> None:
    from leads.signals import ready_for_routing

    ready: list[Any] = []

    def note(sender: object, **facts: Any) -> None:
        ready.append((facts["unit_id"], facts["lead_ids"]))

    ready_for_routing.connect(note)
    try:
        response = add(client, harbor.ana, owner=f"unit-{harbor.lakeside.pk}", route="on")
    finally:
        ready_for_routing.disconnect(note)
    assert ready == [(harbor.lakeside.pk, [Lead.objects.get().pk])]
    assert response.status_code == 302
    refused = add(client, harbor.ana, first_name="Own", route="on")
    assert refused.status_code == 422
    assert "Leads of your own stay with you." in refused.content.decode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"phones": "201 555 0123\n12"}, "“12” is not a"),
        ({"emails": "maya@"}, "“maya@” is not an e-mail address."),
        ({"score": "101"}, "A score is 0 to 100."),
        ({"score": "-1"}, "greater than or equal to 0"),
        ({"price_min": "10", "price_max": "5"}, "less than the price it starts from"),
        ({"time_zone": "Mars/Olympus"}, "IANA name"),
        ({"first_name": " "}, "at least a name"),
        ({"tags": "x" * 41}, "at most 40 characters"),
        ({"kind": "martian"}, "martian is not one of the available choices"),
        ({"first_name": "x" * 121}, "at most 120 characters"),
    ],
)
def test_errors_stand_at_their_field_and_nothing_typed_is_lost(
    client: Client, harbor: Brokerage, data: dict[str, str], message: str
) -> None:
    response = add(client, harbor.ana, **({"street": "12 Shore Road"} | data))
    html = response.content.decode()
    assert response.status_code == 422
    assert message in html
    for typed in ("12 Shore Road", *data.values()):
        assert typed.strip() in html
    assert not Lead.objects.exists()


def test_somebody_alike_is_shown_before_a_second_is_made(client: Client, harbor: Brokerage) -> None:
    first = make_lead(harbor.ana, first_name="May", last_name="Okafor", phones=["201-555-0123"])
    response = add(client, harbor.ana, phones="+1 201 555 0123")
    html = response.content.decode()
    assert response.status_code == 422
    assert f'href="/people/{first.public_id}/"' in html
    assert 'name="anyway"' in html
    assert Lead.objects.count() == 1
    assert add(client, harbor.ana, phones="+1 201 555 0123", anyway="1").status_code == 302
    assert Lead.objects.count() == 2


def test_v3_people_alike_whom_one_may_not_see_are_not_told_of(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ben, emails=["maya@mail.example"])
    make_lead(harbor.dee, hidden=True, emails=["maya@mail.example"])
    assert add(client, harbor.ana, emails="maya@mail.example").status_code == 302
    make_lead(harbor.ana, hidden=True, emails=["sam@mail.example"])
    assert add(client, harbor.lead, emails="sam@mail.example").status_code == 302  # she would see it redacted


def test_a_double_click_makes_one_lead(client: Client, harbor: Brokerage) -> None:
    for _ in range(2):
        assert add(client, harbor.ana, token="abc").status_code == 302
    assert Lead.objects.count() == 1


def test_adding_needs_the_permission(client: Client, harbor: Brokerage) -> None:
    nobody = make_user(harbor.company, profile="")
    assert not ProfileHolder.objects.filter(user=nobody).exists()
    client.force_login(nobody)
    assert client.get(ADD).status_code == 403
    assert add(client, nobody).status_code == 403
    client.logout()
    assert client.get(ADD).status_code == 302


# --- editing ----------------------------------------------------------------------------------------------------------


def test_l1_who_works_it_edits_it(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(
        harbor.lakeside, agent=harbor.ana, first_name="Maya", phones=["201-555-0123"], emails=["maya@mail.example"]
    )
    html = _form(client, harbor.ana, lead)
    assert 'value="Maya"' in html
    assert "201-555-0123" in html
    response = edit(
        client, harbor.ana, lead, first_name="Maja", phones="201-555-0199", emails="", source="Referral", tags="lake"
    )
    assert response["Location"] == f"/people/{lead.public_id}/"
    lead.refresh_from_db()
    assert (lead.first_name, lead.source.name, lead.tags) == ("Maja", "Referral", ["lake"])
    assert [point.value for point in lead.contact_points.order_by("pk")] == ["+12015550199"]
    assert Lead.objects.get(search__text__contains="maja") == lead


def _form(client: Client, user: User, lead: Lead) -> str:
    client.force_login(user)
    return client.get(reverse("lead-edit", args=[lead.public_id])).content.decode()


def test_p4_the_owner_is_on_no_edit_form_and_in_no_edit(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    before = Lead.objects.filter(pk=lead.pk).values_list("owner_unit", "owner_user", "agent", "hidden", "origin").get()
    html = _form(client, harbor.ana, lead)
    assert 'name="owner"' not in html
    edit(
        client,
        harbor.ana,
        lead,
        first_name="Taken",
        owner="me",
        owner_user=harbor.ana.pk,
        owner_unit="",
        agent=harbor.ben.pk,
        hidden="on",
        origin="agent",
        company=1,
        privacy=1,
        public_id="mine",
    )
    after = Lead.objects.filter(pk=lead.pk).values_list("owner_unit", "owner_user", "agent", "hidden", "origin").get()
    lead.refresh_from_db()
    assert after == before
    assert lead.first_name == "Taken"


def test_editing_is_refused_below_work_and_to_strangers(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, first_name="Maya")
    assert edit(client, harbor.lead, lead, first_name="No").status_code == 403
    assert edit(client, harbor.eve, lead, first_name="No").status_code == 404
    assert edit(client, stranger(), lead, first_name="No").status_code == 404
    lead.refresh_from_db()
    assert lead.first_name == "Maya"


def test_a_refused_edit_keeps_what_was_typed_and_the_lead_as_it_was(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, first_name="Maya", last_name="Okafor", phones=["201-555-0123"])
    response = edit(client, harbor.ana, lead, first_name="Maja", phones="nonsense")
    html = response.content.decode()
    assert response.status_code == 422
    assert "“nonsense” is not a phone number." in html
    assert 'value="Maja"' in html
    assert "Edit Maya Okafor" in html
    lead.refresh_from_db()
    assert (lead.first_name, lead.contact_points.get().value) == ("Maya", "+12015550123")
