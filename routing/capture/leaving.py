"""Channels of a person who leaves are closed; those of a unit that closes go to the unit above (O4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from crm.organization.models import Unit, User
from leads.services.holdings import Holding
from routing.models import Channel


def channels_held(subject: User | Unit, units: Collection[int] | None) -> list[Holding]:
    """Her open channels, where she leaves the company; those that a unit owns or hands out for."""
    if isinstance(subject, Unit):
        return [Holding("Channels", _concerning(subject).count(), "go to the unit above")]
    count = Channel.objects.open().filter(owner_user=subject).count() if units is None else 0
    return [Holding("Channels", count, "are closed")]


def close_channels(user: User) -> dict[str, Any]:
    """What `bring_channels_back` needs."""
    hers = Channel.objects.open().filter(owner_user=user).order_by("pk")
    kept = {"channels_closed": list(hers.values_list("pk", flat=True))}
    hers.update(closed_at=Now())
    return kept


def hand_channels_on(unit: Unit) -> dict[str, Any]:
    """What `bring_channels_back` needs."""
    owned, routed = _of(unit).order_by("pk"), _routed(unit).order_by("pk")
    ids = {"owned": list(owned.values_list("pk", flat=True)), "routed": list(routed.values_list("pk", flat=True))}
    Channel.objects.filter(pk__in=ids["owned"]).update(owner_unit=unit.parent)
    Channel.objects.filter(pk__in=ids["routed"]).update(routing_unit=unit.parent)
    return {"channels": {"unit": unit.pk, "parent": unit.parent_id, **ids}}


def bring_channels_back(kept: dict[str, Any]) -> None:
    """Open them again, and give them back where nobody has changed them since."""
    Channel.objects.filter(pk__in=kept.get("channels_closed", ())).update(closed_at=None)
    if there := kept.get("channels"):
        unit, parent = there["unit"], there["parent"]
        Channel.objects.filter(pk__in=there["owned"], owner_unit=parent).update(owner_unit=unit)
        Channel.objects.filter(pk__in=there["routed"], routing_unit=parent).update(routing_unit=unit)


def _concerning(unit: Unit) -> Any:
    return Channel.objects.filter(Q(owner_unit=unit) | Q(routing_unit=unit))


def _of(unit: Unit) -> Any:
    return Channel.objects.filter(owner_unit=unit)


def _routed(unit: Unit) -> Any:
    return Channel.objects.filter(routing_unit=unit)
