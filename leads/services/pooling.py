"""Ponds: who belongs to them, and what is put into them and taken out (rule e, R8)."""

from __future__ import annotations

from collections.abc import Mapping

from crm.organization.models import User
from leads.models import PondMember


def ponds_of(user: User) -> Mapping[int, bool]:
    """The open ponds she belongs to, and whether she may claim from them."""
    hers = PondMember.objects.filter(user=user, company=user.company_id, pond__closed_at=None)
    return dict(hers.values_list("pond", "may_claim"))
