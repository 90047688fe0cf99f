"""Which leads a batch is about: those picked by hand, those a filter finds, or those another batch changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.http import QueryDict

from crm.organization.models import User
from leads.batches.standing import standing
from leads.batches.verb import Act, NotNowError, verb_of
from leads.filters import LeadFilter
from leads.models import Lead
from leads.querysets import LeadQuerySet
from permissions.access import Keyring, Level

PUBLIC_ID = re.compile(r"[0-9A-Za-z]{1,12}")


def picked(given: Iterable[str]) -> dict[str, Any]:
    """The scope of public ids as a form or an address gives them, each once; what cannot be an id is counted only."""
    written = dict.fromkeys(part for text in given for part in re.split(r"[\s,]+", text) if part)
    return {"leads": [text for text in written if PUBLIC_ID.fullmatch(text)], "given": len(written)}


def one(lead: Lead) -> dict[str, Any]:
    """The scope of a single lead, from its own page: what is done to it is no mass action."""
    return {"leads": [lead.public_id], "given": 1, "of_one": True}


def matching(query: str) -> dict[str, Any]:
    """The scope of all that match the query string of the People list."""
    return {"query": query}


def filter_of(scope: dict[str, Any], keyring: Keyring, actor: User) -> LeadFilter:
    return LeadFilter(QueryDict(scope["query"]), Lead.objects.all(), keyring=keyring, actor=actor)


def leads_of(act: Act) -> LeadQuerySet:
    """The leads of the scope that she sees now. Ids given by hand are known only of leads that she may read.

    Raises NotNowError where the filter cannot be read any more.
    """
    scope = act.batch.scope
    if act.batch.undoes:
        return Lead.objects.filter(company=act.batch.company_id, pk__in=standing(act.batch.undoes).values("lead"))
    if (own := verb_of(act.batch).leads(act)) is not None:
        return own
    if "leads" in scope:
        return Lead.objects.visible_to(act.keyring, Level.VIEW).filter(public_id__in=scope["leads"])
    chosen = filter_of(scope, act.keyring, act.actor)
    if not chosen.is_valid() or chosen.unknown:
        raise NotNowError("A filter could not be read. Go back to the list and mend it or take it off.")
    return chosen.qs


def said_of(act: Act) -> list[tuple[str, str]]:
    """The filters of the scope, as the list says them."""
    scope = act.batch.scope
    return filter_of(scope, act.keyring, act.actor).said() if "query" in scope else []
