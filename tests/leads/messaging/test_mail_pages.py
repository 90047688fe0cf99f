"""L4: writing an e-mail on a lead's page; L7: the way out that it carries."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as post
from django.test import Client

from crm.organization.models import User
from leads.messaging.gates import word_of
from leads.messaging.posting import send_due
from leads.messaging.way_out import address_for
from leads.models import Activity, Consent, Lead, Mail
from tests.factories.leads import make_lead, offer
from tests.factories.scenes import Brokerage, brokerage, stranger

pytestmark = pytest.mark.django_db
SAID = {"kind": "email", "to": "maya@mail.example", "subject": "Hello", "message": "It is free."}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def maya(harbor: Brokerage) -> Lead:
    return make_lead(harbor.lakeside, agent=harbor.ana, first_name="Maya", emails=["maya@mail.example"])


def send(client: Client, user: User, lead: Lead, **data: Any) -> Any:
    client.force_login(user)
    headers = data.pop("headers", None)
    return client.post(f"/people/{lead.public_id}/log/", SAID | data, headers=headers)


def way_out_of(lead: Lead) -> str:
    return re.sub("^https?://[^/]+", "", address_for(lead))


def test_l4_written_on_the_page_it_is_on_the_timeline_and_goes(client: Client, harbor: Brokerage, maya: Lead) -> None:
    client.force_login(harbor.ana)
    html = client.get(f"/people/{maya.public_id}/?log=email").content.decode()
    assert 'value="email" checked' in html
    assert f"From {harbor.ana.name} via {harbor.company.name}" in html
    assert send(client, harbor.ana, maya).status_code == 302
    html = client.get(f"/people/{maya.public_id}/").content.decode()
    assert "sent an e-mail: being sent" in html
    (mail,) = Mail.objects.order_by("pk")
    assert f"/people/{maya.public_id}/mails/{mail.pk}/" in html
    send_due()
    line = client.get(f"/people/{maya.public_id}/mails/{mail.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "sent an e-mail" in line
    assert "being sent" not in line
    assert "hx-get" not in line
    assert [sent.subject for sent in post.outbox] == ["Hello"]


def test_l4_sent_twice_by_a_double_click_it_goes_once(client: Client, harbor: Brokerage, maya: Lead) -> None:
    for _ in range(2):
        send(client, harbor.ana, maya, token="abcdefg")
    assert Mail.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"to": "other@mail.example"}, "Select a valid choice"),
        ({"to": ""}, "Say to which address."),
        ({"subject": " "}, "Give it a subject."),
        ({"message": ""}, "Write the e-mail first."),
    ],
)
def test_l4_what_is_wrong_is_said_and_what_was_typed_is_kept(
    client: Client, harbor: Brokerage, maya: Lead, wrong: dict[str, str], words: str
) -> None:
    answer = send(client, harbor.ana, maya, **wrong)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in html
    kept = SAID | wrong
    assert kept["message"] in html
    assert not Mail.objects.exists()


def test_l4_who_opted_out_is_refused_with_the_reason_and_the_text_kept(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    Consent.objects.create(company=harbor.company, lead=maya, kind="email", given=False)
    answer = send(client, harbor.ana, maya)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Not sent. Opted out of e-mails." in html
    assert "It is free." in html
    assert not Activity.objects.filter(lead=maya, kind="email").exists()


def test_l7_where_the_company_asks_for_consent_nobody_is_written_to_without(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    harbor.company.consent_for_emails = True
    harbor.company.save()
    assert "no consent is recorded" in send(client, harbor.ana, maya).content.decode()
    client.post(f"/dialer/lead/{maya.public_id}/consent/", {"said": "email-yes"})
    assert word_of(maya) is True
    assert send(client, harbor.ana, maya).status_code == 302


def test_v2_a_manager_of_the_owner_may_email_and_nothing_else(client: Client, harbor: Brokerage) -> None:
    personal = make_lead(harbor.ana, emails=["maya@mail.example"])
    assert send(client, harbor.lead, personal).status_code == 302
    hidden = make_lead(harbor.ana, hidden=True, emails=["maya@mail.example"])
    assert send(client, harbor.lead, hidden).status_code == 404
    assert send(client, harbor.eve, personal).status_code == 404
    assert send(client, stranger(), personal).status_code == 404
    assert Mail.objects.count() == 1


def test_v2_who_only_views_cannot_email(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ben, origin="company", origin_unit=harbor.lakeside, emails=["maya@mail.example"])
    harbor.ben.memberships.update(ended_at=lead.created_at + timedelta(seconds=1))
    answer = send(client, harbor.north_admin, lead)
    assert answer.status_code in (403, 404)
    assert not Mail.objects.exists()


@pytest.mark.parametrize("claiming", ["broad", "strict"])
def test_r6_an_email_by_the_agent_claims(client: Client, harbor: Brokerage, claiming: str) -> None:
    harbor.company.claiming = claiming
    harbor.company.save()
    lead = make_lead(harbor.lakeside, agent=harbor.ana, emails=["maya@mail.example"])
    offer(lead, harbor.ana)
    send(client, harbor.ana, lead)
    assert lead.offers.get().claimed_by == "email"


def test_l7_the_way_out_writes_nothing_by_a_get_and_opts_out_by_a_post(harbor: Brokerage, maya: Lead) -> None:
    anybody = Client(enforce_csrf_checks=True)
    page = anybody.get(way_out_of(maya))
    assert "Do you want no more e-mails" in page.content.decode()
    assert "maya" not in page.content.decode().lower()
    assert not Consent.objects.exists()
    for _ in range(2):
        assert anybody.post(way_out_of(maya), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Consent.objects.filter(lead=maya, kind="email", given=False).count() == 1
    assert Activity.objects.filter(lead=maya, body__startswith="Opted out of e-mails").count() == 1
    assert "sends you no more" in anybody.get(way_out_of(maya)).content.decode()


def test_l7_who_opted_out_stays_out_as_another_lead_of_the_company(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    again = make_lead(harbor.ben, emails=["MAYA@mail.example"])
    elsewhere = stranger()
    other = make_lead(elsewhere, emails=["maya@mail.example"])
    Client().post(way_out_of(maya))
    assert (word_of(again), word_of(other)) == (False, None)
    assert send(client, harbor.ben, again).status_code == 422
    client.post(f"/dialer/lead/{again.public_id}/consent/", {"said": "email-yes"})
    assert word_of(maya) is True  # her latest word, whoever wrote it down


def test_l7_the_way_out_follows_a_merged_lead(harbor: Brokerage, maya: Lead) -> None:
    kept = make_lead(harbor.ana, emails=["kept@mail.example"])
    Lead.objects.filter(pk=maya.pk).update(merged_into=kept, removed_at=kept.created_at)
    Client().post(way_out_of(maya))
    assert Consent.objects.get().lead == kept


@pytest.mark.parametrize("token", ["nothing", "a.b", "abcdefghijkl.AAAA", "é"])
def test_l7_a_way_out_that_nobody_signed_leads_nowhere(token: str) -> None:
    assert Client().post(f"/out/{token}/").status_code == 404


def test_v3_mails_of_other_leads_are_not_there(client: Client, harbor: Brokerage, maya: Lead) -> None:
    send(client, harbor.ana, maya)
    mail = Mail.objects.get()
    other = make_lead(harbor.ana)
    for user, lead in ((harbor.eve, maya), (stranger(), maya), (harbor.ana, other)):
        client.force_login(user)
        for path in ("", "again/"):
            ask = client.post if path else client.get
            assert ask(f"/people/{lead.public_id}/mails/{mail.pk}/{path}").status_code == 404


def test_l7_fields_typed_by_hand_are_filled_in(client: Client, harbor: Brokerage, maya: Lead) -> None:
    typed = {"subject": "For {first_name}", "message": "Hi {first_name|there}, {city|your town} waits. {agent}"}
    assert send(client, harbor.ana, maya, **typed).status_code == 302
    send_due()
    assert post.outbox[0].subject == "For Maya"
    assert str(post.outbox[0].body).startswith(f"Hi Maya, your town waits. {harbor.ana.name}")
    assert "{" not in Activity.objects.get(lead=maya).body


@pytest.mark.parametrize("name", ["subject", "message"])
@pytest.mark.parametrize(
    ("text", "words"), [("Hi {firstname}", "There is no {firstname}."), ("Hi {", "A brace stands")]
)
def test_l7_a_field_that_there_is_none_of_is_refused(
    client: Client, harbor: Brokerage, maya: Lead, name: str, text: str, words: str
) -> None:
    refused = send(client, harbor.ana, maya, **{name: text})
    assert refused.status_code == 422
    assert words in refused.content.decode()
    assert text in refused.content.decode()
    assert not Mail.objects.exists()
