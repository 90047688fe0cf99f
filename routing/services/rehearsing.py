"""Replaying the leads of the last days through a book of rules: what it would have done, beside what happened (R12)."""

from __future__ import annotations

from datetime import timedelta

from crm.core.moments import database_now
from permissions.access import Keyring
from routing.models import RuleBook
from routing.services.comparing import MOST_LEADS, Comparison, compare
from routing.services.staging import play, routed_by


def rehearse(*, keyring: Keyring, book: RuleBook, days: int) -> Comparison:
    """The leads that the unit of the book routed in the last days, oldest first."""
    since = database_now() - timedelta(days=days)
    newest = routed_by(book.unit).filter(started_at__gte=since).order_by("-started_at", "-pk")[: MOST_LEADS + 1]
    rotations = list(newest)
    made = play(book, rotations[:MOST_LEADS][::-1], shadow=False)
    return compare(keyring=keyring, made=made, version=book.version, cut=len(rotations) > MOST_LEADS)
