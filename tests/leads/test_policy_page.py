"""O5 in the browser: the policy, what a change does to whom, and saving only what was looked at."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from crm.organization.models import Company, Unit, User
from permissions.access import Privacy
from permissions.models import LedgerEntry
from permissions.policy.services import read_policy
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh, make_manager, make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
PAGE = "/admin/policy/"
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def fields(actor: User, **changes: Any) -> dict[str, Any]:
    """What the form sends once `changes` are chosen."""
    values = read_policy(actor.company_id).values()
    sent = values | {"opened": json.dumps(values)} | changes
    return {name: value for name, value in sent.items() if value is not False}


def look(client: Client, actor: User, headers: dict[str, str] | None = None, **changes: Any) -> HttpResponse:
    client.force_login(actor)
    return client.post(PAGE, fields(actor, **changes), headers=headers)  # type: ignore[return-value]


def save(client: Client, looked_at: HttpResponse, data: dict[str, Any]) -> HttpResponse:
    page = text(looked_at)
    hidden = {name: re.search(rf'name="{name}" value="(\w+)"', page) for name in ("seen", "weighed")}
    sent = data | {name: found[1] for name, found in hidden.items() if found} | {"step": "save"}
    return client.post(PAGE, sent)  # type: ignore[return-value]


def text(response: HttpResponse) -> str:
    """The page's words, one after the other, with its tags."""
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def said(response: HttpResponse) -> str:
    """The page's words without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", text(response)))


def policy_of(harbor: Brokerage) -> str:
    return Company.objects.get(pk=harbor.company.pk).personal_leads


# --- it works ---------------------------------------------------------------------------------------------------------


def test_o5_the_page_says_what_each_choice_means(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    page = text(client.get(PAGE))  # type: ignore[arg-type]
    assert re.search(r'value="visible" checked', page)
    assert "no manager sees it, not even after she left" in page
    assert "Save these changes" not in page
    assert 'href="/admin/policy/"' in text(client.get("/admin/"))  # type: ignore[arg-type]


def test_o5_the_consequences_come_before_saving(client: Client, harbor: Brokerage) -> None:
    for owner in (harbor.ana, harbor.ana, harbor.ben, harbor.eve):
        make_lead(owner)
    assign(make_lead(harbor.ana), harbor.lead, "assistant")
    page = said(look(client, harbor.broker, personal_leads="private"))
    assert "Personal leads: Visible → Private" in page
    assert "5 leads of 3 people become invisible to 1 manager of the company." in page
    assert "4 leads of 2 people become invisible to 1 manager of an office." in page
    assert "3 leads of 2 people become invisible to 1 manager of a team." in page  # she works the fourth
    assert policy_of(harbor) == "visible"
    assert not LedgerEntry.objects.filter(kind="policy_changed").exists()


def test_o5_what_was_looked_at_is_saved(client: Client, harbor: Brokerage) -> None:
    data = fields(harbor.broker, personal_leads="managed", whitelist=[harbor.lakeside.pk], phone_region="DE")
    looked = look(client, harbor.broker, **data)
    assert save(client, looked, data).headers["Location"] == PAGE
    assert policy_of(harbor) == "managed"
    assert Unit.objects.get(pk=harbor.lakeside.pk).may_change_ownership
    settings = (
        LedgerEntry.objects.filter(kind="policy_changed").order_by("pk").values_list("detail__setting", flat=True)
    )
    assert list(settings) == ["phone_region", "personal_leads", "may_change_ownership"]


def test_o5_choosing_shows_the_consequences_beside_it(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana)
    answer = look(client, harbor.broker, FRAGMENT, personal_leads="private")
    assert "1 lead of 1 person becomes invisible to 1 manager of a team." in said(answer)
    assert "<html" not in text(answer)
    assert "this is the policy as it stands" in said(look(client, harbor.broker, FRAGMENT))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("private", "visible", "1 lead of 1 person becomes visible to 1 manager of a team."),
        (
            "visible",
            "managed",
            "1 lead of 1 person can be seen, given away, exported and deleted by 1 manager of a team.",
        ),
        ("managed", "visible", "1 lead of 1 person can be looked at, and no more, by 1 manager of a team."),
        ("company_only", "visible", "Nobody gains or loses sight of a lead that is there today."),
    ],
)
def test_o5_each_step_of_the_ladder_has_its_words(
    client: Client, harbor: Brokerage, before: str, after: str, words: str
) -> None:
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads=before)
    make_lead(harbor.ana, privacy=Privacy.MANAGED)
    assert words in said(look(client, fresh(harbor.broker), personal_leads=after))


def test_o5_loosening_never_exposes_what_was_private(client: Client, harbor: Brokerage) -> None:
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="private")
    make_lead(harbor.ana, privacy=Privacy.PRIVATE)
    page = said(look(client, fresh(harbor.broker), personal_leads="managed"))
    assert "Nobody gains or loses sight of a lead that is there today." in page
    assert "keeps that policy’s protection" in page


# --- what it must not tell --------------------------------------------------------------------------------------------


def test_v1_examples_show_no_more_than_the_asker_sees_now(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana, first_name="Openleaf", last_name="Surname")
    make_lead(harbor.ana, first_name="Coverleaf", last_name="Secretname", hidden=True)
    page = text(look(client, harbor.broker, personal_leads="private"))
    assert "Openleaf Surname" in page
    assert "Coverleaf" in page
    assert "Secretname" not in page
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="private")
    page = text(look(client, fresh(harbor.broker), personal_leads="visible"))
    assert (
        "2 leads of 1 person" in said(look(client, fresh(harbor.broker), personal_leads="visible")) or "1 lead" in page
    )
    assert "Openleaf" not in page
    assert "Coverleaf" not in page


def test_v1_private_leads_are_not_counted_for_who_will_not_see_them(client: Client, harbor: Brokerage) -> None:
    """A lead that became personal under `private` stays uncounted whatever is chosen; so do those of unmanaged people."""
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="private")
    make_lead(harbor.ana, privacy=Privacy.PRIVATE)
    make_lead(make_manager(harbor.north, "Alone"), privacy=Privacy.VISIBLE)
    for policy in ("company_only", "visible", "managed"):
        assert "1 lead" not in said(look(client, fresh(harbor.broker), personal_leads=policy))


# --- nothing is lost, nothing is overwritten --------------------------------------------------------------------------


def test_o5_saving_without_having_looked_saves_nothing(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    data = fields(harbor.broker, personal_leads="private")
    answer = client.post(PAGE, data | {"step": "save"})
    assert answer.status_code == 422
    assert "This is not what you looked at" in said(answer)  # type: ignore[arg-type]
    assert policy_of(harbor) == "visible"


def test_o5_another_choice_after_looking_is_shown_first(client: Client, harbor: Brokerage) -> None:
    data = fields(harbor.broker, personal_leads="managed")
    answer = save(client, look(client, harbor.broker, **data), data | {"personal_leads": "private"})
    assert answer.status_code == 422
    assert "Visible → Private" in said(answer)
    assert policy_of(harbor) == "visible"


def test_o5_a_change_meanwhile_is_told_and_what_was_chosen_kept(client: Client, harbor: Brokerage) -> None:
    data = fields(harbor.broker, personal_leads="private", name="Typed")
    looked = look(client, harbor.broker, **data)
    Company.objects.filter(pk=harbor.company.pk).update(reregistration="dispute")
    answer = save(client, looked, data)
    assert answer.status_code == 422
    assert policy_of(harbor) == "visible"
    page = text(answer)
    assert re.search(r'value="private" checked', page)
    assert 'value="Typed"' in page
    assert re.search(r'value="dispute" checked', page)  # what she left alone is as the other one made it
    opened = re.search(r'name="opened" value="([^>]*)" id', page)
    assert opened
    again = data | {"opened": opened[1], "reregistration": "dispute"}
    assert save(client, answer, again).status_code == 302
    assert (policy_of(harbor), Company.objects.get(pk=harbor.company.pk).reregistration) == ("private", "dispute")


def test_o5_a_page_opened_earlier_does_not_undo_what_others_changed(client: Client, harbor: Brokerage) -> None:
    data = fields(harbor.broker, personal_leads="private")
    Company.objects.filter(pk=harbor.company.pk).update(reregistration="dispute")
    looked = look(client, harbor.broker, **data)
    assert "registers again" not in said(looked).partition("What this changes")[2]
    assert "Somebody changed the policy since you opened this page" in said(looked)
    save(client, looked, data)
    assert (policy_of(harbor), Company.objects.get(pk=harbor.company.pk).reregistration) == ("private", "dispute")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"time_zone": "Mars/Olympus"}, "IANA"),
        ({"phone_region": "XX"}, "two letters"),
        ({"name": ""}, "This field is required"),
        ({"personal_leads": "open"}, "not one of the available choices"),
        ({"whitelist": ["99999999"]}, "not one of the available choices"),
        ({"opened": "{"}, "Open the page again"),
        ({"opened": "[]"}, "Open the page again"),
    ],
)
def test_o5_bad_input_changes_nothing_and_is_kept(
    client: Client, harbor: Brokerage, wrong: dict[str, Any], words: str
) -> None:
    answer = look(client, harbor.broker, **{"name": "Typed name"} | wrong)
    assert answer.status_code == 422
    assert words in said(answer)
    assert "Save these changes" not in said(answer)
    assert "name" in wrong or 'value="Typed name"' in text(answer)
    assert words in said(look(client, harbor.broker, FRAGMENT, **wrong))


def test_o5_a_name_that_a_unit_has_is_refused_with_its_reason(client: Client, harbor: Brokerage) -> None:
    data = fields(harbor.broker, name="Lakeside")
    answer = save(client, look(client, harbor.broker, **data), data)
    assert answer.status_code == 422
    assert "There is a unit named Lakeside already" in said(answer)


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["north_admin", "lead", "ana"])
def test_o5_only_managers_of_the_company(client: Client, harbor: Brokerage, who: str) -> None:
    client.force_login(getattr(harbor, who))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, fields(harbor.broker, personal_leads="private") | {"step": "save"}).status_code == 403
    assert policy_of(harbor) == "visible"


def test_o5_of_another_company_nothing_is_seen_or_changed(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.ana)
    other = stranger()
    page = said(look(client, other, personal_leads="private"))
    assert "Nobody gains or loses sight" in page
    assert "Lakeside" not in page
    answer = look(client, other, whitelist=[harbor.lakeside.pk])
    assert answer.status_code == 422


def test_o5_wrong_methods(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.broker)
    assert client.put(PAGE).status_code == 405
    assert client.delete(PAGE).status_code == 405


def test_o5_the_queries_do_not_grow(client: Client, harbor: Brokerage, django_assert_max_num_queries: Any) -> None:
    for team in (harbor.lakeside, harbor.hilltop, harbor.harborfront):
        make_manager(team)
        for _ in range(3):
            make_lead(make_member(team))
    with django_assert_max_num_queries(32):
        page = said(look(client, harbor.broker, personal_leads="private"))
    assert "9 leads of 9 people become invisible to 4 managers of teams." in page


def test_i6_duplicate_keys_are_chosen_looked_at_and_saved(client: Client, harbor: Brokerage) -> None:
    looked = look(client, harbor.broker, duplicate_keys=["phone", "email"])
    assert "What makes two leads one person: same e-mail; same phone and name → same e-mail; same phone" in said(looked)
    assert save(client, looked, fields(harbor.broker, duplicate_keys=["phone", "email"])).status_code == 302
    assert Company.objects.get(pk=harbor.company.pk).duplicate_keys == ["email", "phone"]
    fact = LedgerEntry.objects.get(company=harbor.company, kind="policy_changed")
    assert fact.detail == {"setting": "duplicate_keys", "before": ["email", "phone_name"], "after": ["email", "phone"]}
    assert look(client, harbor.broker, duplicate_keys=["nonsense"]).status_code == 422
    client.force_login(harbor.broker)
    assert "same e-mail; same phone, whatever the name" in said(client.get("/admin/ledger/"))  # type: ignore[arg-type]
