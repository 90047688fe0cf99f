"""The pages of automations (D13): what is saved, what is refused and why, for whom they are, and what the log shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crm.organization.models import User
from dialer.models import Automation, AutomationRun, Disposition
from permissions.models import LedgerEntry
from tests.factories.campaigns import make_campaign, make_filter
from tests.factories.leads import make_lead, make_pond, make_stage
from tests.factories.scenes import Brokerage, brokerage, stranger


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def sent(**changes: Any) -> dict[str, Any]:
    """An automation as the form sends it when nothing is changed but this; None: the field is not sent."""
    values: dict[str, Any] = {"name": "Fresh", "active": "on", "trigger": "created", "tag": "Fresh", "version": "0"}
    return {name: value for name, value in (values | changes).items() if value is not None}


def add(client: Client, harbor: Brokerage, **changes: Any) -> Any:
    return client.post(f"/dialer/automations/new/{harbor.north.pk}/", sent(**changes))


def test_d13_an_automation_is_set_up_and_changed(client: Client, harbor: Brokerage) -> None:
    sale = Disposition.objects.get(company=harbor.company, name="Sale")
    west, one = make_campaign(harbor.lakeside), make_filter(harbor.north)
    client.force_login(harbor.north_admin)
    changes = {"trigger": "disposition", "disposition": sale.pk, "days": "3", "campaigns": [west.pk]}
    changes |= {"lead_filter": one.pk, "new_owner": "submitter", "told": "managers", "message": "Sold"}
    assert add(client, harbor, **changes)["Location"] == "/dialer/automations/"
    made = Automation.objects.get()
    assert (made.unit, made.author, made.disposition, made.days) == (harbor.north, harbor.north_admin, sale, None)
    assert (made.campaigns.get(), made.lead_filter, made.new_owner) == (west, one, "submitter")
    assert "A disposition is set: Sale" in client.get("/dialer/automations/").content.decode()

    path = f"/dialer/automations/{made.pk}/"
    client.force_login(harbor.broker)
    assert "It acts with the rights of North Admin" in client.get(path).content.decode()
    assert client.post(path, sent(**changes, name="Sold", active=None, version="1")).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.active, made.version, made.author) == ("Sold", False, 2, harbor.broker)
    facts = LedgerEntry.objects.filter(why="automation").order_by("pk")
    assert [fact.detail["after"]["name"] for fact in facts] == ["Fresh", "Sold"]
    client.post(path, sent(**changes, name="Sold", active=None, version="2"))
    assert facts.count() == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trigger": "disposition"}, "Say which"),
        ({"trigger": "stage"}, "Say which"),
        ({"trigger": "cold"}, "Say which"),
        ({"trigger": "cold", "days": "-1"}, "greater than or equal to 0"),
        ({"trigger": "cold", "days": "40000"}, "Ten years at most"),
        ({"trigger": "cold", "days": "3", "new_owner": "submitter"}, "Nobody did it"),
        ({"trigger": ""}, "required"),
        ({"tag": ""}, "Choose at least one thing that it does"),
        ({"new_owner": "agent", "clear": "on"}, "Choose one of these"),
        ({"task": "Call"}, "Say in how many days"),
        ({"task": "Call", "task_days": "30000"}, "in ten years at most"),
        ({"told": "agent"}, "Say what they are told"),
        ({"name": "taken"}, "There is an automation of this name already"),
        ({"name": "two\nlines"}, "one line"),
        ({"lead_filter": "0"}, "Select a valid choice"),
    ],
)
def test_d13_the_form_refuses_and_says_why(
    client: Client, harbor: Brokerage, changes: dict[str, Any], said: str
) -> None:
    Automation.objects.create(
        company=harbor.company, unit=harbor.south, author=harbor.broker, name="Taken", trigger="created"
    )
    client.force_login(harbor.north_admin)
    response = add(client, harbor, **({"name": "Kept"} | changes))
    html = response.content.decode()
    assert response.status_code == 422
    assert said in html
    assert f'value="{changes.get("name", "Kept")}"' in html
    assert Automation.objects.count() == 1


def test_d13_what_is_not_hers_cannot_be_chosen(client: Client, harbor: Brokerage) -> None:
    other = stranger()
    theirs = make_stage(other.company, "Theirs")
    far, beside = make_pond(harbor.harborfront, name="Far"), make_campaign(harbor.south)
    client.force_login(harbor.north_admin)
    for changes in ({"new_stage": theirs.pk}, {"pond": far.pk}, {"campaigns": [beside.pk]}):
        assert add(client, harbor, **changes).status_code == 422
    assert not Automation.objects.exists()


def test_d13_two_who_change_it_at_once(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    add(client, harbor)
    path = f"/dialer/automations/{Automation.objects.get().pk}/"
    assert client.post(path, sent(name="First", version="1")).status_code == 302
    late = client.post(path, sent(name="Second", version="1"))
    assert "Somebody changed this automation while you had it open" in late.content.decode()
    assert 'value="Second"' in late.content.decode()
    assert client.post(path, sent(name="Second", version="2")).status_code == 302


def test_d13_it_is_for_who_manages_campaigns_of_the_unit(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    add(client, harbor)
    path = f"/dialer/automations/{Automation.objects.get().pk}/"
    south = User.objects.get(pk=harbor.broker.pk)
    answers = [(harbor.ana, 403), (harbor.lead, 403), (south, 200), (stranger(), 404)]
    for person, status in answers:
        client.force_login(person)
        assert client.get(path).status_code == status, person
        assert client.post(path, sent(name="Mine")).status_code == (422 if status == 200 else status), person


def test_d13_the_log_is_filtered_and_pages(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.north_admin)
    add(client, harbor)
    made = Automation.objects.get()
    lead, lost = make_lead(harbor.lakeside, first_name="Zoe", last_name="Quill"), make_lead(harbor.harborfront)
    rows = [("done", lead)] * 55 + [("refused", lead), ("done", lost)]
    AutomationRun.objects.bulk_create(
        [
            AutomationRun(company=harbor.company, automation=made, lead=one, outcome=outcome, said=[f"{outcome}!"])
            for outcome, one in rows
        ]
    )
    html = client.get("/dialer/automations/log/").content.decode()
    assert html.count("Zoe Quill") == 50
    assert "Older" in html
    assert "55 done" in client.get("/dialer/automations/").content.decode()
    refused = client.get("/dialer/automations/log/?outcome=refused").content.decode()
    assert refused.count("Zoe Quill") == 1
    assert "refused!" in refused
    wrong = client.get("/dialer/automations/log/?automation=999999").content.decode()
    assert "A filter could not be read" in wrong
    assert "Zoe" not in wrong
    assert client.get("/dialer/automations/log/?cursor=nonsense").status_code == 200


def test_d13_the_number_of_queries_does_not_grow(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    client.force_login(harbor.north_admin)
    for n in range(6):
        add(client, harbor, name=f"One {n}")
    for made in Automation.objects.order_by("pk"):
        lead = make_lead(harbor.lakeside)
        AutomationRun.objects.create(company=harbor.company, automation=made, lead=lead, outcome="done", said=["Done."])
    for path in ("/dialer/automations/", "/dialer/automations/log/"):
        client.get(path)
        with django_assert_max_num_queries(16):
            assert client.get(path).status_code == 200
