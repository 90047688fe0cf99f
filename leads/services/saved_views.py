"""Saved views of the People list (L6): keeping one, changing, sharing and deleting it; whose right that is."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import QueryDict

from crm.organization.models import Unit, User
from crm.organization.querysets import UnitQuerySet
from leads.filters import NEWEST_FIRST, LeadFilter
from leads.models import Lead, SavedView
from permissions.keyring import load_keyring

LONGEST_QUERY = 4_000  # characters
MOST_VIEWS = 100  # of one person
TEXTS = frozenset({"q", "like", "tag"})  # filters that hold what somebody wrote
NOT_HERS = "A view is changed by whoever made it."


class NameTakenError(Exception):
    """She has a view of that name already."""


class RefusedError(Exception):
    """What the list asks for cannot be kept; says why."""


def read_query(actor: User, query: str) -> str:
    """The query string of a list in its one form, without what the list does not know. Raises RefusedError."""
    if len(query) > LONGEST_QUERY:
        raise RefusedError("This list has too many filters to be kept. Take some off.")
    try:
        data = QueryDict(query.replace("\x00", ""))
    except (TooManyFieldsSent, RequestDataTooBig) as error:
        raise RefusedError("This list has too many filters to be kept. Take some off.") from error
    chosen = LeadFilter(data, Lead.objects.all(), keyring=load_keyring(actor), actor=actor)
    if not chosen.is_valid():
        raise RefusedError("A filter of this list could not be read. Mend it or take it off, then save the view.")
    return chosen.query(view="")


def is_like(query: str, other: str) -> bool:
    """Whether two query strings ask for the same."""
    usual = ("sort", NEWEST_FIRST)
    one, two = (sorted(pair for pair in parse_qsl(text) if pair != usual) for text in (query, other))
    return one == two


def units_to_share_with(user: User) -> UnitQuerySet:
    """Open units she is a member of, and those she manages."""
    hers = Q(pk__in=Unit.objects.joined_by(user).values("pk")) | Q(pk__in=Unit.objects.managed_by(user).values("pk"))
    return Unit.objects.of(user).open().filter(hers)


def may_unshare(user: User, view: SavedView) -> bool:
    """Its maker; and managers of the unit, who keep what hangs on its wall in order when its maker is gone, too."""
    if view.unit_id is None:
        return False
    return view.created_by_id == user.pk or Unit.objects.managed_by(user).filter(pk=view.unit_id).exists()


@transaction.atomic
def save_view(*, actor: User, name: str, query: str, unit: Unit | None) -> SavedView:
    """A new view. Raises NameTakenError, RefusedError, PermissionDenied."""
    _require_reach(actor, unit)
    if SavedView.objects.filter(created_by=actor).count() >= MOST_VIEWS:
        raise RefusedError(f"You have {MOST_VIEWS} views, which is the most there can be. Delete one first.")
    view = SavedView(company_id=actor.company_id, created_by=actor, query=read_query(actor, query))
    return _named(view, name, unit)


@transaction.atomic
def change_view(*, actor: User, view: SavedView, name: str, unit: Unit | None) -> SavedView:
    """Another name, shared with another unit or with nobody. Raises NameTakenError, PermissionDenied."""
    _require_hers(actor, view)
    if unit is None or unit.pk != view.unit_id:
        _require_reach(actor, unit)
    return _named(view, name, unit)


def overwrite_view(*, actor: User, view: SavedView, query: str) -> None:
    """What the list asks for now, under the name it has. Raises RefusedError, PermissionDenied."""
    _require_hers(actor, view)
    SavedView.objects.filter(pk=view.pk).update(query=read_query(actor, query))


def unshare_view(*, actor: User, view: SavedView) -> None:
    """Its maker's alone again. Raises PermissionDenied."""
    if not may_unshare(actor, view):
        raise PermissionDenied("A view is taken from a unit by whoever made it, or by a manager of the unit.")
    SavedView.objects.filter(pk=view.pk).update(unit=None)


def delete_view(*, actor: User, view: SavedView) -> None:
    """Raises PermissionDenied."""
    _require_hers(actor, view)
    SavedView.objects.filter(pk=view.pk).delete()


def _require_hers(actor: User, view: SavedView) -> None:
    if view.created_by_id != actor.pk:
        raise PermissionDenied(NOT_HERS)


def _require_reach(actor: User, unit: Unit | None) -> None:
    if unit is not None and not units_to_share_with(actor).filter(pk=unit.pk).exists():
        raise PermissionDenied("You may share a view with the units you are in, and with those you manage.")


def _named(view: SavedView, name: str, unit: Unit | None) -> SavedView:
    view.name, view.unit = name, unit
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        raise NameTakenError from error
    return view


def forget_in_views(company_id: int, contacts: Collection[str], names: Collection[str]) -> None:
    """Take what is erased out of views: filters that look for it, and names that say it (M9).

    `contacts` are known anywhere; of `names` a filter that holds one as a word; of a view's name only one of two words,
    since “Mark” and “Grant” are other words, too.
    """
    views = SavedView.objects.filter(company=company_id).order_by("pk")
    for view in views.only("name", "query"):
        pairs = parse_qsl(view.query)
        kept = [(name, text) for name, text in pairs if name not in TEXTS or not _tells(text, contacts, names)]
        full = [name for name in names if len(name.split()) > 1]
        is_named = _tells(view.name, contacts, full)
        if is_named or len(kept) != len(pairs):
            view.query, view.name = urlencode(kept), f"View {view.pk}" if is_named else view.name
            view.save(update_fields=["query", "name"])


def _tells(text: str, contacts: Collection[str], names: Collection[str]) -> bool:
    low, digits = text.lower(), re.sub(r"\D", "", text)
    if any(word in low or (word.isdigit() and word in digits) for word in contacts):
        return True
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", low) for name in names)
