"""I6: the merge form sent again, sent too late, or with a choice that is none."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Batch, CustomField, Lead
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import merged, run, undo

pytestmark = pytest.mark.django_db
ALREADY = "They are merged already"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def form_of(kept: Lead, other: Lead) -> str:
    return reverse("lead-merge", args=[kept.public_id, other.public_id])


def page_of(lead: Lead) -> str:
    return reverse("lead", args=[lead.public_id])


def test_i6_a_merge_form_sent_again_leads_to_the_lead_that_stays(harbor: Brokerage, client: Client) -> None:
    kept, other = make_lead(harbor.lakeside, first_name="Maya"), make_lead(harbor.lakeside, first_name="May")
    client.force_login(harbor.lead)
    assert client.post(form_of(kept, other), {"first_name": "kept"}).status_code == 302
    for there in (form_of(kept, other), form_of(other, kept)):
        for answer in (client.post(there, {"first_name": "other"}, follow=True), client.get(there, follow=True)):
            assert answer.redirect_chain == [(page_of(kept), 302)]
            assert ALREADY in answer.content.decode()
    kept.refresh_from_db()
    assert (kept.first_name, Batch.objects.count()) == ("Maya", 1)
    run(undo(harbor.lead, Batch.objects.get()))
    assert client.post(form_of(kept, other), {"first_name": "other"}).status_code == 302
    kept.refresh_from_db()
    assert kept.first_name == "May"


def test_i6_v3_for_others_a_merge_that_is_done_is_nothing(harbor: Brokerage, client: Client) -> None:
    kept, other, gone = make_lead(harbor.lakeside), make_lead(harbor.hilltop, agent=harbor.dee), make_lead(harbor.lead)
    merged(harbor.broker, kept, other)
    Lead.objects.filter(pk=gone.pk).update(removed_at="2026-01-01T00:00Z")
    for user in (harbor.dee, harbor.ana, stranger()):  # Dee had the one that went
        client.force_login(user)
        assert [client.post(form_of(kept, other)).status_code, client.get(form_of(other, kept)).status_code] == [
            404
        ] * 2
    client.force_login(harbor.broker)
    assert client.post(form_of(kept, other)).status_code == 302
    for nowhere in (form_of(kept, gone), form_of(gone, kept), reverse("lead-merge", args=[kept.public_id, "zzz"])):
        assert (client.get(nowhere).status_code, client.post(nowhere).status_code) == (404, 404)


def test_i6_a_form_sent_after_one_of_them_went_elsewhere_leads_to_what_is_left(
    harbor: Brokerage, client: Client
) -> None:
    kept, other, third = (make_lead(harbor.lakeside, first_name=name) for name in ("Ann", "Bea", "Cat"))
    merged(harbor.lead, third, other)
    client.force_login(harbor.lead)
    answer = client.post(form_of(kept, other), follow=True)
    assert answer.redirect_chain == [(form_of(kept, third), 302)]
    assert "was merged into another lead meanwhile. Nothing was changed." in answer.content.decode()
    assert Lead.objects.filter(merged_into__isnull=False).count() == 1


def test_i6_a_choice_that_is_neither_is_refused_with_words(harbor: Brokerage, client: Client) -> None:
    CustomField.objects.create(company=harbor.company, key="pet", label="Pet", kind="text")
    kept = make_lead(harbor.lakeside, first_name="Maya", city="Austin", custom={"pet": "Cat"})
    other = make_lead(harbor.lakeside, first_name="May", city="Boston", custom={"pet": "Dog"})
    client.force_login(harbor.lead)
    for bad in ("zzz", "", "\x00", "😀" * 99, ["zzz", "other"]):
        sent = {"first_name": "other", "city": bad, "custom:pet": "other"}
        answer = client.post(form_of(kept, other), sent)
        said = unescape(answer.content.decode())
        assert answer.status_code == 422
        assert "Nothing was merged. Choose one of the two for: City." in said
        assert 'name="first_name" value="other" checked' in said  # what was chosen is kept
        assert 'name="custom:pet" value="other" checked' in said
    answer = client.post(form_of(kept, other), {"custom:pet": "zzz", "score": "7"})  # their scores do not differ
    assert (answer.status_code, "for: Score, Pet." in answer.content.decode()) == (422, True)
    assert not Batch.objects.exists()
    assert not Lead.objects.filter(merged_into__isnull=False).exists()
    assert client.post(form_of(kept, other), {"city": "other"}).status_code == 302
    kept.refresh_from_db()
    assert (kept.city, kept.first_name) == ("Boston", "Maya")
