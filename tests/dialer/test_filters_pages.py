"""The pages of lead filters (D3): built with plain forms or in place, counted as far as one may read, kept while in use."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from dialer.models import AgentSkill, LeadFilter
from permissions.models import LedgerEntry
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import make_lead
from tests.factories.people import make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger

HTMX = {"HX-Request": "true"}
NEW = "/dialer/filters/new/"


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def line(at: str, field: str, operator: str = "", value: str = "") -> dict[str, str]:
    return {f"{at}-field": field, f"{at}-operator": operator, f"{at}-value": value}


def page(client: Client, path: str, sent: dict[str, Any], **headers: str) -> str:
    return str(client.post(path, sent, headers=headers).content.decode())


def count_in(html: str) -> str | None:
    found = re.search(r'class="matches">([\d,+]+)<', html)
    return found[1] if found else None


def places(html: str) -> list[str]:
    return re.findall(r'name="(\d+-\d+-\d+)-field"', html)


def test_d3_a_filter_is_built_by_buttons_and_saved(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    sent = {"name": "West", "unit": harbor.north.pk, "version": "0"}
    sent |= line("0-0-0", "state", "is", "AZ, CA") | line("0-1-0", "owner", "empty")
    assert places(page(client, NEW, sent | {"step": "add-0-0"})) == ["0-0-0", "0-0-1", "0-1-0"]
    assert places(page(client, NEW, sent | {"step": "add-0"})) == ["0-0-0", "0-1-0", "0-2-0"]
    assert places(page(client, NEW, sent | {"step": "add"})) == ["0-0-0", "0-1-0", "1-0-0"]
    assert places(page(client, NEW, sent | {"step": "drop-0-0-0"})) == ["0-0-0"]
    assert not LeadFilter.objects.exists()
    assert client.post(NEW, sent | {"step": "save"}).status_code == 302
    made = LeadFilter.objects.get()
    assert (made.unit, made.name, made.version) == (harbor.north, "West", 1)
    assert made.sets == [
        [
            [{"field": "state", "operator": "is", "value": "AZ, CA"}],
            [{"field": "owner", "operator": "empty", "value": ""}],
        ]
    ]
    listed = client.get("/dialer/filters/").content.decode()
    assert "State is AZ or CA, and lead owner is nobody: general leads" in listed
    fact = LedgerEntry.objects.get(why="lead filter")
    assert (fact.kind, fact.actor_id, fact.to_unit_id) == ("policy_changed", harbor.north_admin.pk, harbor.north.pk)


@pytest.mark.parametrize("step", ["add-9", "add-0-9", "drop-9-9-9", "drop", "drop-0", "add-0-0-0", "add-x", "nonsense"])
def test_d3_buttons_of_another_page_do_nothing(client: Client, harbor: Brokerage, step: str) -> None:
    client.force_login(harbor.broker)
    sent = line("0-0-0", "score", "is", "5") | {"step": step}
    assert places(page(client, NEW, sent)) == ["0-0-0"]


def test_d3_a_field_that_is_changed_gets_what_fits_it(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    html = page(client, NEW, line("0-0-0", "score", "begins", "850") | {"step": "look"}, **HTMX)
    assert not html.startswith("<!doctype")
    assert '<option value="at_least" selected>' in html
    assert 'value="850"' not in html
    html = page(client, NEW, line("0-0-0", "stage", "is", "850") | {"step": "look"})
    assert "850" not in html


def test_d3_the_number_of_matches_is_told_as_it_is_edited(client: Client, harbor: Brokerage) -> None:
    """What she may read, and no more: a hidden lead that she sees redacted would tell what is concealed (V5)."""
    for state in ("AZ", "az", "CA"):
        make_lead(harbor.lakeside, state=state)
    make_lead(harbor.ana, state="AZ")
    make_lead(harbor.ana, state="AZ", hidden=True)
    make_lead(harbor.harborfront, state="AZ")
    make_lead(stranger().memberships.get().unit, state="AZ")
    counts = {}
    for user in (harbor.broker, harbor.north_admin):
        client.force_login(user)
        html = page(client, NEW, line("0-0-0", "state", "is", "AZ") | {"step": "count"}, **HTMX)
        assert "<form" not in html
        counts[user.name] = count_in(html)
    assert counts == {"Broker": "4", "North Admin": "3"}
    client.force_login(harbor.broker)
    assert count_in(page(client, NEW, line("0-0-0", "score", "is", "x") | {"step": "count"})) is None


def test_d3_very_many_are_not_counted_to_the_end(
    client: Client, harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialer.services.filters.capped_count", lambda rows: (10_000, True))
    client.force_login(harbor.broker)
    assert count_in(page(client, NEW, line("0-0-0", "score", "is", "5") | {"step": "count"})) == "10,000+"


def test_d3_what_takes_too_long_to_count_is_said_and_can_be_saved(
    client: Client, harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(rows: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")

    monkeypatch.setattr("dialer.services.filters.capped_count", slow)
    monkeypatch.setattr("dialer.services.filters.PATIENCE", 50)
    client.force_login(harbor.broker)
    asked = line("0-0-0", "score", "is", "5")
    html = page(client, NEW, asked | {"step": "count"})
    assert "they are not counted while you edit" in html
    assert count_in(html) is None
    sent = {"name": "Rare", "unit": harbor.north.pk, "version": "0", "step": "save"}
    assert client.post(NEW, asked | sent).status_code == 302
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "two\nlines"}, "one line"),
        ({"name": "taken"}, "There is a lead filter of this name already"),
        ({"unit": "0"}, "Select a valid choice"),
        ({"0-0-0-value": "many"}, "Write a whole number"),
        ({"0-0-0-operator": "begins"}, "Choose how it is compared"),
        ({"0-0-0-field": "colour"}, "This field is not there any more"),
        ({"0-0-0-field": ""}, "Say at least one thing"),
        ({"0-0-0-field": "stage", "0-0-0-operator": "is", "0-0-0-value": "99999999"}, "This can no longer be chosen"),
        ({"0-0-0-field": "owner", "0-0-0-operator": "is", "0-0-0-value": "person-1"}, "This can no longer be chosen"),
    ],
)
def test_d3_what_is_wrong_is_said_and_what_was_typed_is_kept(
    client: Client, harbor: Brokerage, change: dict[str, str], said: str
) -> None:
    make_filter(harbor.south, name="Taken")
    client.force_login(harbor.broker)
    sent = {"name": "Kept", "unit": str(harbor.north.pk), "version": "0", "step": "save"}
    sent |= line("0-0-0", "score", "at_least", "50") | line("0-1-0", "city", "is", "Queen Creek")
    sent |= {"0-1-0-field": ""} if said.startswith("Say at least") else {}
    response = client.post(NEW, sent | change)
    html = response.content.decode()
    assert response.status_code == 422
    assert said in html
    assert "Queen Creek" in html or "Say at least" in html
    assert LeadFilter.objects.count() == 1


def test_d3_of_two_who_edit_at_once_neither_undoes_the_other_unseen(client: Client, harbor: Brokerage) -> None:
    one = make_filter(harbor.north, ("score", "is", "5"), name="Old")
    path = f"/dialer/filters/{one.pk}/"
    client.force_login(harbor.north_admin)
    sent = {"version": "1", "step": "save"} | line("0-0-0", "score", "is", "6")
    assert client.post(path, sent | {"name": "First"}).status_code == 302
    refused = client.post(path, sent | {"name": "Second"})
    assert refused.status_code == 422
    assert "Somebody changed this filter" in refused.content.decode()
    one.refresh_from_db()
    assert (one.name, one.version) == ("First", 2)
    again = re.search(r'name="version" value="(\d+)"', refused.content.decode())
    assert again
    assert client.post(path, sent | {"name": "Second", "version": again[1]}).status_code == 302
    one.refresh_from_db()
    assert one.name == "Second"


def test_d3_a_filter_in_use_says_where_and_stays(client: Client, harbor: Brokerage) -> None:
    one, free = make_filter(harbor.north, name="Used"), make_filter(harbor.north, name="Free")
    make_campaign(harbor.lakeside, name="West", lead_filter=one)
    AgentSkill.objects.create(company=harbor.company, user=harbor.ana, lead_filter=one)
    AgentSkill.objects.create(company=harbor.company, user=harbor.eve, lead_filter=one)
    client.force_login(harbor.north_admin)
    html = client.get(f"/dialer/filters/{one.pk}/").content.decode()
    assert "Used in the campaign West, and as the skills of Ana and 1 other:" in html
    assert "Delete this filter" not in html
    refused = client.post(f"/dialer/filters/{one.pk}/delete/", follow=True).content.decode()
    assert "Used is used in the campaign West" in refused
    assert "Delete this filter" in client.get(f"/dialer/filters/{free.pk}/").content.decode()
    client.post(f"/dialer/filters/{free.pk}/delete/")
    assert list(LeadFilter.objects.all()) == [one]


def test_d3_what_another_chose_may_stay_and_is_called_by_its_name(client: Client, harbor: Brokerage) -> None:
    """A source only hidden leads have is not named to who cannot read them."""
    hers = make_lead(harbor.ana, source="Secret party", hidden=True)
    assert hers.source
    one = make_filter(
        harbor.lakeside, ("source", "is", str(hers.source.pk)), ("owner", "is", f"person-{harbor.eve.pk}"), name="Odd"
    )
    client.force_login(harbor.north_admin)
    listed = client.get("/dialer/filters/").content.decode()
    assert "Source is a source of leads you cannot see, and lead owner is Eve" in listed
    path = f"/dialer/filters/{one.pk}/"
    html = client.get(path).content.decode()
    assert "Secret party" not in html
    assert f'<option value="person-{harbor.eve.pk}" selected>Eve</option>' in html
    sent = line("0-0-0", "source", "is", str(hers.source.pk)) | line("0-1-0", "owner", "is", f"person-{harbor.eve.pk}")
    sent |= line("0-2-0", "state", "is", "AZ") | {"name": "Odd", "version": "1", "step": "save"}
    assert client.post(path, sent).status_code == 302
    fresh = sent | {"unit": str(harbor.north.pk), "name": "New", "version": "0"}
    assert client.post(NEW, fresh).status_code == 422


def test_d3_a_filter_on_a_field_that_is_gone_matches_nothing_and_says_so(client: Client, harbor: Brokerage) -> None:
    one = make_filter(harbor.lakeside, ("custom:hobby", "is", "golf"))
    make_lead(harbor.lakeside, custom={"hobby": "golf"})
    client.force_login(harbor.lead)
    harbor.lead.holding.profile.permissions.append("manage_campaign")
    harbor.lead.holding.profile.save()
    assert "A field it asks about is gone" in client.get("/dialer/filters/").content.decode()
    assert "This field is not there any more" in client.get(f"/dialer/filters/{one.pk}/").content.decode()


def test_d3_filters_are_for_those_who_run_the_units_campaigns(client: Client, harbor: Brokerage) -> None:
    one = make_filter(harbor.north, name="Mine")
    paths = [f"/dialer/filters/{one.pk}/", f"/dialer/filters/{one.pk}/delete/"]
    south = make_manager(harbor.south, "South Admin")
    for user, status in ((harbor.ana, 403), (harbor.lead, 403), (south, 404), (stranger(), 404)):
        client.force_login(user)
        assert {client.post(path, {"step": "save"}).status_code for path in paths} == {status}
        assert client.get(paths[0]).status_code == status
    client.force_login(south)
    assert "Mine" not in client.get("/dialer/filters/").content.decode()
    sent = {"name": "Theirs", "unit": harbor.north.pk, "version": "0", "step": "save"}
    assert client.post(NEW, sent | line("0-0-0", "score", "is", "5")).status_code == 422
    assert LeadFilter.objects.get() == one


def test_the_list_asks_no_more_for_more_filters(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    client.force_login(harbor.broker)
    for person in (harbor.ana, harbor.eve):
        make_filter(harbor.north, ("owner", "is", f"person-{person.pk}"), ("stage", "is", "1"))
    with django_assert_max_num_queries(40) as first:
        client.get("/dialer/filters/")
    for person in (harbor.ben, harbor.dee, harbor.broker, harbor.lead):
        make_filter(harbor.south, ("owner", "is", f"person-{person.pk}"), ("stage", "is", "2"))
    with django_assert_max_num_queries(len(first)):
        client.get("/dialer/filters/")
