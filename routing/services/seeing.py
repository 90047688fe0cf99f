"""That an agent has an offer before her: the step of speed to lead between being told and acting."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Now

from crm.organization.models import User
from routing.models import Offer


@transaction.atomic
def mark_seen(*, user: User, public_ids: Collection[str]) -> None:
    """She sees her open offers of these leads, the first time. It claims nothing (R6); what just ends is left alone."""
    fresh = Offer.objects.open_for(user).filter(lead__public_id__in=public_ids, seen_at=None).order_by("pk")
    held = fresh.select_for_update(of=("self",), skip_locked=True, no_key=True).values_list("pk", flat=True)
    Offer.objects.filter(pk__in=list(held)).update(seen_at=Now())
