"""The way out that every e-mail carries (L7): a signed address, by which a lead opts out without signing in."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from leads.messaging.gates import word_of
from leads.models import Activity, Consent, Lead

SIGNER = signing.Signer(salt="leads.way-out", sep=".")
BY_LINK = "By the link in an e-mail"


def address_for(lead: Lead) -> str:
    """It holds for good: who keeps an e-mail for years may still leave by it."""
    return f"{settings.PUBLIC_URL}{reverse('way-out', args=[SIGNER.sign(lead.public_id)])}"


def lead_of(token: str) -> Lead | None:
    """The lead that the address was made for, there or not, or the one it was merged into."""
    try:
        public_id = SIGNER.unsign(token)
    except signing.BadSignature:
        return None
    found = Lead.objects.filter(public_id=public_id).select_related("company").order_by("pk").first()
    while found is not None and found.merged_into_id is not None:
        found = Lead.objects.select_related("company").get(pk=found.merged_into_id)
    return found


@transaction.atomic
def opt_out(lead: Lead) -> None:
    """No more e-mails to the person behind this lead. Once more changes nothing."""
    lead = Lead.objects.in_id_order().get(pk=lead.pk)
    if word_of(lead) is False:
        return
    common = {"company_id": lead.company_id, "lead": lead}
    Consent.objects.create(**common, kind=Consent.Kind.EMAIL, given=False, words=BY_LINK)
    words = "Opted out of e-mails, by the link in one."
    Activity.objects.create(**common, kind=Activity.Kind.SYSTEM, body=words, automatic=True)
