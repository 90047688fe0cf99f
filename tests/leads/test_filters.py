"""The filters of leads: what each keeps, what it refuses, how its chips speak."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from crm.organization.models import User
from leads.filters import LeadFilter
from leads.models import Activity, Lead
from permissions.keyring import load_keyring
from tests.factories.leads import assign, make_lead, make_stage, offer
from tests.factories.people import fresh, leave_company, make_company
from tests.factories.scenes import Brokerage, brokerage

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def chosen(user: User, query: str) -> LeadFilter:
    user = fresh(user)
    return LeadFilter(QueryDict(query), Lead.objects.all(), keyring=load_keyring(user), actor=user)


def found(user: User, query: str) -> set[str]:
    filtered = chosen(user, query)
    assert filtered.is_valid(), filtered.errors
    return {lead.first_name for lead in filtered.qs.order_by("pk")}


def test_m5_each_filter_keeps_what_it_says(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    a = make_lead(harbor.lakeside, first_name="A", stage=warm, kind="buyer", state="NJ", score=80, source="Zillow")
    b = make_lead(harbor.lakeside, first_name="B", agent=harbor.ana, kind="seller", state="NY", tags=["lake"], score=20)
    make_lead(harbor.ana, first_name="C", kind="buyer", state="nj", score=50)
    Lead.objects.filter(pk=b.pk).update(last_activity_at=Now() - timedelta(days=40), created_at="2020-01-01T00:00Z")
    ana, lakeside = harbor.ana.pk, harbor.lakeside.pk
    answers = {
        f"stage={warm.pk}": "A",
        f"source={a.source_id}": "A",
        "kind=buyer": "AC",
        "kind=buyer&kind=seller": "ABC",
        "state=NJ": "A",
        "state=nj": "AC",
        "tag=lake": "B",
        "score_min=50": "AC",
        "score_min=20&score_max=50": "BC",
        f"owner=unit-{lakeside}": "AB",
        f"owner=person-{ana}": "C",
        f"owner=person-{ana}&owner=unit-{lakeside}": "ABC",
        "owner=me": "",
        f"assigned=person-{ana}": "B",
        "assigned=nobody": "A",
        f"assigned=nobody&assigned=person-{ana}": "AB",
        "origin=agent": "C",
        "origin=company": "AB",
        "hidden=no": "ABC",
        "active=7d": "AC",
        "active=over-30d": "B",
        "created_since=2021-01-01": "AC",
        "q=B": "B",
        "q= ": "ABC",
        "kind=buyer&state=NJ&score_min=60": "A",
    }
    assert {query: "".join(sorted(found(harbor.broker, query))) for query in answers} == answers


def test_m5_leads_are_found_by_their_last_contact(harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="A", last_contact_at=timezone.now())
    old = make_lead(harbor.ana, first_name="B", last_contact_at=timezone.now() - timedelta(days=40))
    Lead.objects.filter(pk=old.pk).update(last_activity_at=Now() - timedelta(days=40))
    make_lead(harbor.ana, first_name="C")
    answers = {"never": "C", "1d": "A", "90d": None, "over-30d": "B", "over-90d": "", "over-7d": "B", "30d": "A"}
    for period, names in answers.items():
        if names is not None:
            assert "".join(sorted(found(harbor.broker, f"contacted={period}"))) == names, period
    assert not chosen(harbor.broker, "contacted=90d").is_valid()


def test_m5_leads_are_found_by_who_holds_them_and_by_the_calls_made(harbor: Brokerage) -> None:
    called = make_lead(harbor.lakeside, first_name="A", agent=harbor.ana)
    often = make_lead(harbor.ana, first_name="B")
    offered = make_lead(harbor.lakeside, first_name="C")
    make_lead(harbor.lakeside, first_name="D", agent=harbor.ben)
    call(called, harbor.ana, days=0, outcome="reached")
    for days, outcome in ((50, "busy"), (40, "no_answer"), (60, "reached")):
        call(often, harbor.ana, days=days, outcome=outcome)
    call(offered, harbor.ana, days=1, direction="in")
    offer(offered, harbor.ben)
    answers = {
        f"holder=person-{harbor.ana.pk}": "AB",
        f"holder=person-{harbor.ana.pk}&holder=person-{harbor.ben.pk}": "ABD",
        "holder=me": "",
        "unclaimed=yes": "C",
        "called=never": "CD",
        "called=1d": "A",
        "called=over-30d": "BCD",
        "outcome=no_answer": "B",
        "outcome=no_answer&outcome=reached": "AB",
        "attempts_min=1": "AB",
        "attempts_min=2&attempts_max=3": "B",
        "attempts_max=0": "CD",
    }
    assert {query: "".join(sorted(found(harbor.broker, query))) for query in answers} == answers


def call(lead: Lead, actor: User, *, days: int, outcome: str = "", direction: str = "out") -> None:
    at = Now() - timedelta(days=days)
    facts = {"kind": "call", "at": at, "direction": direction, "outcome": outcome, "actor": actor}
    Activity.objects.create(company_id=lead.company_id, lead=lead, **facts)


def test_mine_is_what_i_hold_or_own(harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Owned")
    make_lead(harbor.lakeside, first_name="Held", agent=harbor.ana)
    assisted = make_lead(harbor.lakeside, first_name="Assisted", agent=harbor.ben)
    assign(assisted, harbor.ana, role="assistant")
    assert found(harbor.ana, "") == {"Owned", "Held", "Assisted"}
    assert found(harbor.ana, "mine=1") == {"Owned", "Held"}


@pytest.mark.parametrize(
    "query",
    [
        "score_min=abc",
        "score_min=101",
        "score_max=-1",
        "kind=martian",
        "stage=99999",
        "stage=x",
        "stage=99999999999999999999",
        "source=%00",
        "state=%00",
        "owner=unit-99999",
        "owner=person-",
        "owner=person-1%00",
        "owner=root",
        "owner=nobody",
        "assigned=unit-1",
        "origin=moon",
        "hidden=perhaps",
        "active=yesterday",
        "created_since=soon",
        "mine=2",
        "holder=nobody",
        "unclaimed=no",
        "called=ever",
        "outcome=fine",
        "attempts_min=-1",
        "attempts_max=many",
        "attempts_max=99999999999999999999",
        "sort=owner__password",
        "q=" + "x" * 201,
    ],
)
def test_a_bad_value_is_named_and_nothing_is_shown(client: Client, harbor: Brokerage, query: str) -> None:
    make_lead(harbor.lakeside)
    filtered = chosen(harbor.lead, query)
    assert not filtered.is_valid()
    assert list(filtered.qs.order_by("pk")) == []
    assert [chip.problem for chip in filtered.chips() if chip.problem]
    client.force_login(harbor.lead)
    response = client.get(f"/people/?{query}")
    assert response.status_code == 200
    assert "is-wrong" in response.content.decode()


@pytest.mark.parametrize("query", ["owner__password=x", "company=1", "locks__overlap=1", "id__gt=0", "owner_user_id=1"])
def test_only_known_fields_and_operators_do_anything(harbor: Brokerage, query: str) -> None:
    make_lead(harbor.lakeside, first_name="A")
    assert found(harbor.lead, query) == {"A"}
    assert chosen(harbor.lead, query).chips() == []
    assert chosen(harbor.lead, query).query() == ""


def test_o6_owners_and_assignees_are_those_she_can_see(harbor: Brokerage) -> None:
    foreign = make_company("Elsewhere")
    gone = leave_company(harbor.ben)
    unseen = (
        f"owner=unit-{harbor.harborfront.pk}",
        f"owner=person-{harbor.eve.pk}",
        f"assigned=person-{harbor.eve.pk}",
    )
    for query in (*unseen, f"owner=unit-{foreign.units.get().pk}", f"owner=person-{gone.pk}"):
        assert not chosen(harbor.ana, query).is_valid(), query
    assert chosen(harbor.broker, unseen[1]).is_valid()
    field = chosen(harbor.ana, "").form.fields["owner"]
    offered = str([*field.choices])
    assert f"unit-{harbor.lakeside.pk}" in offered
    assert f"person-{harbor.eve.pk}" not in offered
    assert f"person-{gone.pk}" not in offered


def test_a_stage_or_source_of_another_company_is_no_choice(harbor: Brokerage) -> None:
    foreign = make_stage(make_company("Elsewhere"), "Secret stage")
    filtered = chosen(harbor.broker, f"stage={foreign.pk}")
    assert not filtered.is_valid()
    assert "Secret stage" not in str(filtered.chips())


def test_chips_speak_words_and_know_the_list_without_them(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    query = (
        f"q=maya&stage={warm.pk}&owner=unit-{harbor.lakeside.pk}&assigned=me&kind=buyer&kind=seller&sort=-score&page=3"
    )
    chips = chosen(harbor.lead, query).chips()
    assert [(chip.name, chip.value) for chip in chips] == [
        ("Search", "maya"),
        ("Stage", "Warm"),
        ("Owned by", "Lakeside"),
        ("Assigned to", "me"),
        ("Type", "Buyer"),
        ("Type", "Seller"),
    ]
    assert chips[4].without == query.replace("&kind=buyer", "").replace("kind=seller", "kind=seller").replace(
        "&page=3", ""
    )


def test_the_form_offers_every_filter(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    html = client.get("/people/filters/?kind=buyer&q=maya").content.decode()
    names = ("stage", "owner", "assigned", "source", "kind", "score_min", "score_max", "active", "created_since")
    for name in (*names, "state", "tag", "origin", "hidden"):
        assert f'name="{name}"' in html or name == "source"
    assert '<input type="hidden" name="q" value="maya">' in html
    part = client.get("/people/filters/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "<form" in part
    assert client.post("/people/filters/").status_code == 405


def test_lists_of_people_come_when_they_are_looked_at(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.lead)
    query = f"owner=person-{harbor.ana.pk}"
    htmx = {"HX-Request": "true"}
    form = client.get(f"/people/filters/?{query}", headers=htmx).content.decode()
    assert harbor.ben.name not in form
    assert f'<input type="hidden" name="owner" value="person-{harbor.ana.pk}">' in form
    field = client.get(f"/people/filters/?{query}&facet=owner", headers=htmx).content.decode()
    assert f'<option value="person-{harbor.ana.pk}" selected>Ana</option>' in field
    assert f'<option value="unit-{harbor.lakeside.pk}">Lakeside</option>' in field
    assert "<form" not in field


def test_empty_fields_of_the_form_leave_the_address(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    response = client.get("/people/?state=NJ&tag=&score_min=")
    assert response["Location"] == "/people/?state=NJ"
