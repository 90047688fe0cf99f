"""L7: bulk e-mail, through the same gates, marked as bulk on the timeline."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail as post
from django.test import Client

from leads.batches.drafting import draft
from leads.batches.scope import picked
from leads.messaging.posting import send_due
from leads.messaging.templates import save_template
from leads.models import Activity, Batch, Consent, Lead, Mail
from tests.factories.leads import make_lead, offer
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, drafted, outcomes, run

pytestmark = pytest.mark.django_db
SAID: dict[str, Any] = {"subject": "For {first_name|you}", "body": "Hi {first_name|there}"}


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def maya(harbor: Brokerage) -> Lead:
    return make_lead(
        harbor.lakeside, agent=harbor.ana, first_name="Maya", emails=["maya@mail.example", "b@mail.example"]
    )


def test_l7_each_gets_one_in_the_name_of_its_agent_marked_as_bulk(harbor: Brokerage, maya: Lead) -> None:
    noah = make_lead(harbor.lakeside, first_name="", emails=["noah@mail.example"])
    batch = done(harbor.lead, "email", [maya, noah], **SAID)
    assert outcomes(batch) == {maya.pk: "changed", noah.pk: "changed"}
    assert send_due() == 2
    sent = {one.to[0]: one for one in post.outbox}
    assert sent["maya@mail.example"].subject == "For Maya"
    assert sent["maya@mail.example"].from_email.startswith(f"{harbor.ana.name} via")
    assert str(sent["noah@mail.example"].body).startswith("Hi there")
    assert sent["noah@mail.example"].from_email.startswith(f"{harbor.lead.name} via")
    lines = Activity.objects.filter(lead__in=[maya, noah], kind="email")
    assert {(one.bulk, one.automatic, one.outcome, one.actor) for one in lines} == {(True, False, "", harbor.lead)}


def test_l7_who_is_skipped_and_why(harbor: Brokerage, maya: Lead) -> None:
    out = make_lead(harbor.lakeside, emails=["out@mail.example"])
    Consent.objects.create(company=harbor.company, lead=out, kind="email", given=False)
    alike = make_lead(harbor.lakeside, emails=["out@mail.example"])
    without = make_lead(harbor.lakeside)
    seen = make_lead(harbor.ana, emails=["c@mail.example"])
    unseen = make_lead(harbor.eve, emails=["d@mail.example"])
    batch = drafted(harbor.lead, "email", [maya, out, alike, without, seen, unseen], **SAID)
    expected = {maya.pk: "", out.pk: "opted_out", alike.pk: "opted_out", without.pk: "no_address", seen.pk: "level"}
    assert outcomes(batch) == expected
    run(batch)
    assert Mail.objects.count() == 1


def test_l7_an_address_gets_one_e_mail_whoever_has_it(harbor: Brokerage, maya: Lead) -> None:
    twin = make_lead(harbor.lakeside, first_name="Twin", emails=["Maya@Mail.example", "else@mail.example"])
    other = make_lead(harbor.lakeside, emails=["b@mail.example"])  # Maya’s second address
    batch = drafted(harbor.lead, "email", [maya, twin, other], **SAID)
    assert outcomes(batch) == {maya.pk: "", twin.pk: "same_address", other.pk: ""}
    run(batch)
    assert sorted(Mail.objects.values_list("to", flat=True)) == ["b@mail.example", "maya@mail.example"]
    assert not Activity.objects.filter(lead=twin).exists()
    assert outcomes(done(harbor.lead, "email", [twin], **SAID)) == {twin.pk: "changed"}  # in another batch


def test_v3_a_lead_that_is_not_e_mailed_is_not_told_of_by_its_address(harbor: Brokerage) -> None:
    make_lead(harbor.eve, emails=["same@mail.example"])
    seen = make_lead(harbor.ana, emails=["same@mail.example"])
    hers = make_lead(harbor.lakeside, emails=["same@mail.example"])
    unseen = Lead.objects.exclude(pk__in=[seen.pk, hers.pk]).get()
    batch = drafted(harbor.lead, "email", [unseen, seen, hers], **SAID)
    assert outcomes(batch) == {seen.pk: "level", hers.pk: ""}


def test_l7_consent_where_the_company_asks_for_it(harbor: Brokerage, maya: Lead) -> None:
    harbor.company.consent_for_emails = True
    harbor.company.save()
    agreed = make_lead(harbor.lakeside, emails=["agreed@mail.example"])
    Consent.objects.create(company=harbor.company, lead=agreed, kind="email", given=True)
    assert outcomes(done(harbor.lead, "email", [maya, agreed], **SAID)) == {maya.pk: "no_consent", agreed.pk: "changed"}


def test_l7_who_opts_out_after_the_preview_gets_none(harbor: Brokerage, maya: Lead) -> None:
    batch = drafted(harbor.lead, "email", [maya], **SAID)
    Consent.objects.create(company=harbor.company, lead=maya, kind="email", given=False)
    run(batch)
    assert not Mail.objects.exists()


@pytest.mark.parametrize("bulk_claims", [False, True])
def test_r6_bulk_claims_only_where_the_company_says_so(harbor: Brokerage, bulk_claims: bool) -> None:
    harbor.company.bulk_claims = bulk_claims
    harbor.company.save()
    lead = make_lead(harbor.lakeside, agent=harbor.lead, emails=["maya@mail.example"])
    offer(lead, harbor.lead)
    done(harbor.lead, "email", [lead], **SAID)
    assert lead.offers.get().state == ("claimed" if bulk_claims else "open")


def test_m4_the_pages_say_who_gets_it_how_it_reads_and_that_there_is_no_way_back(
    client: Client, harbor: Brokerage, maya: Lead
) -> None:
    client.force_login(harbor.lead)
    batch = draft(actor=fresh(harbor.lead), verb="email", scope=picked([maya.public_id]))
    path = f"/batches/{batch.public_id}/"
    wrong = client.post(path, {"subject": "Hi {firstname}", "body": "Hello"})
    assert wrong.status_code == 422
    assert "There is no {firstname}." in wrong.content.decode()
    assert client.post(path, {}).status_code == 422
    saved = {"kind": "email", "name": "A", "subject": "House in {city|town}", "body": "Dear {first_name}"}
    made = save_template(actor=fresh(harbor.lead), template=None, companys=False, **saved)
    assert client.post(path, {"template": made.pk}).status_code == 302
    html = client.get(path).content.decode()
    for words in ("House in town: Dear Maya", "maya@mail.example", "what is sent is sent", "E-mail 1 lead"):
        assert words in html, words
    client.post(f"{path}confirm/")
    run_html = client.get(path).content.decode()
    assert "Undo" not in run_html


def test_p3_without_the_right_to_mass_actions_nobody_is_mailed(client: Client, harbor: Brokerage, maya: Lead) -> None:
    client.force_login(harbor.ana)
    answer = client.post("/batches/", {"verb": "email", "lead": maya.public_id})
    assert answer.status_code == 403
    assert not Batch.objects.exists()
