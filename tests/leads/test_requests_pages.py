"""The inbox of ownership requests, the dialog that asks, and letting go (P4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.organization.models import Company, User
from leads.models import Lead, OwnershipRequest
from leads.services.answering import accept, refuse
from leads.services.asking import ask
from leads.services.transferring import transfer_leads
from permissions.models import Profile
from tests.factories.leads import assign, make_lead, offer
from tests.factories.people import make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def maya(harbor: Brokerage) -> Lead:
    return make_lead(harbor.lakeside, agent=harbor.ana, first_name="Maya", last_name="Okafor")


def page(client: Client, user: User, path: str = "/requests/") -> str:
    client.force_login(user)
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def post(client: Client, user: User, path: str, headers: dict[str, str] | None = None, **data: Any) -> Any:
    client.force_login(user)
    return client.post(path, data, headers=headers, follow=headers is None)


def about(lead: Lead, act: str = "request") -> str:
    return f"/people/{lead.public_id}/{act}/"


def test_p4_the_ownership_card_offers_to_ask_and_says_what_was_asked(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    assert about(maya) in page(client, harbor.ana, f"/people/{maya.public_id}/")
    assert "Transfer it to me" in page(client, harbor.ana, about(maya, "why"))
    assert about(maya) not in page(client, harbor.lead, f"/people/{maya.public_id}/")
    answer = post(client, harbor.ana, about(maya), kind="transfer", note="We met before.")
    html = answer.content.decode()
    assert "Asked. You are told as soon as it is answered." in html
    assert "transfer to me</span>" in html
    assert about(maya) not in html


def test_p4_the_dialog_names_who_decides(client: Client, harbor: Brokerage, maya: Lead) -> None:
    client.force_login(harbor.ana)
    dialog = client.get(about(maya), headers=HTMX).content.decode()
    assert "<dialog" in dialog
    assert "Transfer it to me: I become its owner. Lead decides." in dialog
    assert "Release it" not in dialog
    assert "Let go of it" in dialog


@pytest.mark.parametrize("kind", ["", "release", "give_back", "steal"])
def test_p4_what_cannot_be_asked_is_refused_and_what_was_typed_is_kept(
    client: Client, harbor: Brokerage, maya: Lead, kind: str
) -> None:
    answer = post(client, harbor.ana, about(maya), kind=kind, note="Because of this.")
    assert answer.status_code == 422
    assert "Because of this." in answer.content.decode()
    assert not OwnershipRequest.objects.exists()


def test_p4_the_inbox_shows_what_waits_and_what_accepting_means(client: Client, harbor: Brokerage, maya: Lead) -> None:
    assert "Nobody waits for you" in page(client, harbor.lead)
    ask(asker=harbor.ana, lead=maya, kind="transfer", note="We met <before>.")
    html = page(client, harbor.lead)
    for shown in (
        "<strong>Ana</strong> asks for",
        "Maya Okafor",
        "We met &lt;before&gt;.",
        "Only Ana can give it back.",
    ):
        assert shown in html, shown
    for user in (harbor.ben, harbor.eve, stranger()):
        assert "Maya" not in page(client, user)
    assert "Transfer to me: " in page(client, harbor.ana)


def test_p4_one_click_accepts(client: Client, harbor: Brokerage, maya: Lead) -> None:
    request = ask(asker=harbor.ana, lead=maya, kind="transfer")
    answer = post(client, harbor.lead, f"/requests/{request.pk}/accept/", answer="With pleasure.")
    assert "Accepted. Ana is told." in answer.content.decode()
    maya.refresh_from_db()
    assert maya.owner == harbor.ana
    assert "With pleasure." in page(client, harbor.ana)


def test_p4_one_click_refuses_as_a_fragment(client: Client, harbor: Brokerage, maya: Lead) -> None:
    request = ask(asker=harbor.ana, lead=maya, kind="transfer")
    answer = post(client, harbor.lead, f"/requests/{request.pk}/refuse/", HTMX, answer="Not now.")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.lstrip().startswith('<div id="inbox"')
    assert "Nobody waits for you" in html
    assert "Refused. Ana is told." in html
    assert "Not now." in page(client, harbor.ana)


def test_p4_who_comes_second_is_told_who_was_first(client: Client, harbor: Brokerage, maya: Lead) -> None:
    request = ask(asker=harbor.ana, lead=maya, kind="transfer")
    refuse(decider=harbor.north_admin, request=request)
    for act in ("accept", "refuse"):
        answer = post(client, harbor.lead, f"/requests/{request.pk}/{act}/", HTMX)
        assert answer.status_code == 409
        assert "North Admin refused this request already." in answer.content.decode()
    maya.refresh_from_db()
    assert maya.owner == harbor.lakeside
    assert post(client, harbor.eve, f"/requests/{request.pk}/accept/").status_code == 404


def test_p4_a_request_whose_ground_is_gone_lapses_with_a_sentence(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    request = ask(asker=harbor.ana, lead=maya, kind="transfer")
    maya.assignments.all().delete()
    answer = post(client, harbor.lead, f"/requests/{request.pk}/accept/", HTMX)
    assert answer.status_code == 200
    assert "Ana cannot see this lead any more." in answer.content.decode()
    html = page(client, harbor.ana)
    assert "a lead you cannot see any more" in html
    assert "Maya" not in html


def test_p4_a_personal_lead_is_released_to_the_chosen_unit(client: Client, harbor: Brokerage) -> None:
    hers = make_lead(harbor.ana)
    request = ask(asker=harbor.lead, lead=hers, kind="release")
    assert f'<option value="{harbor.lakeside.pk}">Lakeside</option>' in page(client, harbor.ana)
    for pool in ("", "x", str(harbor.south.pk)):
        assert post(client, harbor.ana, f"/requests/{request.pk}/accept/", HTMX, pool=pool).status_code == 422
    post(client, harbor.ana, f"/requests/{request.pk}/accept/", pool=harbor.lakeside.pk)
    hers.refresh_from_db()
    assert hers.owner == harbor.lakeside


def test_p4_the_asker_withdraws_and_nobody_else(client: Client, harbor: Brokerage, maya: Lead) -> None:
    request = ask(asker=harbor.ana, lead=maya, kind="transfer")
    assert post(client, harbor.lead, f"/requests/{request.pk}/withdraw/").status_code == 404
    assert "Withdrawn." in post(client, harbor.ana, f"/requests/{request.pk}/withdraw/").content.decode()
    assert (
        "Ana has withdrawn this request."
        in post(client, harbor.ana, f"/requests/{request.pk}/withdraw/").content.decode()
    )
    assert "Nobody waits for you" in page(client, harbor.lead)
    assert "</strong> no longer asks: transfer to me" in page(client, harbor.ana, f"/people/{maya.public_id}/")


def test_p4_what_the_policy_forbids_since_can_only_be_refused(client: Client, harbor: Brokerage, maya: Lead) -> None:
    request = ask(asker=harbor.ana, lead=maya, kind="transfer")
    assert ">Accept</button>" in page(client, harbor.lead)
    Company.objects.filter(pk=harbor.company.pk).update(personal_leads="company_only")
    inbox = page(client, harbor.lead)
    assert ">Accept</button>" not in inbox
    assert "The company owns all leads since" in inbox
    post(client, harbor.lead, f"/requests/{request.pk}/refuse/")
    assert "Nobody waits for you" in page(client, harbor.lead)


def test_v2_an_agent_lets_go_of_what_she_works_but_not_of_what_is_on_offer(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    offered = make_lead(harbor.lakeside, agent=harbor.ana)
    offer(offered, harbor.ana)
    assert "Let go of it" not in page(client, harbor.ana, about(offered))
    assert post(client, harbor.ana, about(offered, "release")).status_code == 403
    answer = post(client, harbor.ana, about(maya, "release"))
    assert "Maya Okafor is free for somebody else of Lakeside." in answer.content.decode()
    for lead, agent in ((maya, None), (offered, harbor.ana)):
        lead.refresh_from_db()
        assert lead.agent == agent


def test_the_badge_counts_what_waits(client: Client, harbor: Brokerage, maya: Lead) -> None:
    ask(asker=harbor.ana, lead=maya, kind="transfer")
    for user, count in ((harbor.lead, 1), (harbor.ana, 0)):
        client.force_login(user)
        assert client.get("/live/").json()["counts"]["requests"] == count


def test_the_inbox_costs_the_same_however_much_waits(client: Client, harbor: Brokerage) -> None:
    def everything(person: User) -> None:
        lead = make_lead(harbor.lakeside, agent=person)
        ask(asker=person, lead=lead, kind="transfer")
        back = make_lead(harbor.lakeside)
        transfer_leads(actor=harbor.lead, lead_ids=[back.pk], to=harbor.ana, why="by hand")
        ask(asker=harbor.lead, lead=back, kind="give_back")
        hers = assign(make_lead(harbor.ana), person, "assistant").lead
        ask(asker=person, lead=hers, kind="release")
        answered = ask(asker=harbor.ana, lead=make_lead(harbor.lakeside, agent=harbor.ana), kind="transfer")
        accept(decider=harbor.lead, request=answered)

    def queries(user: User) -> int:
        client.force_login(user)
        client.get("/requests/")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get("/requests/")
        return len(captured)

    everything(harbor.ben)
    few = [queries(user) for user in (harbor.lead, harbor.ana)]
    for number in range(4):
        everything(make_member(harbor.lakeside, f"Member {number}"))
    assert [queries(user) for user in (harbor.lead, harbor.ana)] == few


def test_p3_a_manager_whose_profile_lacks_the_transfer_sees_no_such_request(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    ask(asker=harbor.ana, lead=maya, kind="transfer")
    assert "Maya" in page(client, harbor.lead)
    profile = Profile.objects.get(company=harbor.company, code="team_lead")
    profile.permissions.remove("change_owner")
    profile.save()
    assert "Maya" not in page(client, harbor.lead)
