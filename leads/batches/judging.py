"""Lead by lead, in one expression: does it change, or why is it left alone?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Case, F, JSONField, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable

from leads.batches.standing import standing
from leads.batches.verb import Act, MassVerb, Skip, verb_of
from leads.models import Batch
from leads.querysets import LeadQuerySet
from permissions.access import Level
from permissions.door import seen_by

REASONS = {
    "closed": "Not yours to open",
    "level": "Yours to see, but not to change so",
    "gone": "Not there any more",
    "newer": "Changed since",
    "claimed": "Claimed by another agent since",
    "nobody": "Who had it has left since, or the pond is closed",
    "same": "Nothing to change",
}


def words_for(verb: MassVerb) -> Mapping[str, str]:
    """What the codes of skipped leads mean."""
    return {**REASONS, **verb.reasons}


def judged(leads: LeadQuerySet, act: Act) -> LeadQuerySet:
    """The leads with `reason`: the code of why each is skipped, empty where it is to change."""
    verb = verb_of(act.batch)
    if act.batch.undoes:
        return _judged_for_undo(leads, act, verb, act.batch.undoes)
    inside = _first(verb.skips(act), Value(""))
    refused = _first(verb.refusals(act), Value("level"))
    outside = Case(When(seen_by(act.keyring, Level.VIEW), then=refused), default=Value("closed"))
    return leads.annotate(reason=Case(When(verb.allowed(act.keyring), then=inside), default=outside))


def _judged_for_undo(leads: LeadQuerySet, act: Act, verb: MassVerb, undone: Batch) -> LeadQuerySet:
    """Whoever did it may undo it, though she may have lost the lead by it; a manager, what was or is the company's.

    Undoing an undo does the thing again, and so takes the right to do it; undoing that is an undo like the first.
    """
    item = standing(undone).filter(lead=OuterRef("pk"))
    leads = leads.annotate(
        image=verb.image(act),
        was=Subquery(item.values("before"), output_field=JSONField()),
        became=Subquery(item.values("after"), output_field=JSONField()),
    )
    inside = _first(
        [*([] if verb.revives else [Skip("gone", Q(removed_at__isnull=False))]), *verb.undo_skips(act)],
        Case(When(image=F("became"), then=Value("")), default=Value("newer")),
    )
    hers, anew = undone.actor_id == act.actor.pk, act.batch.does_again
    if hers and verb.gives_away and not anew:
        return leads.annotate(reason=inside)
    may = verb.allowed(act.keyring) if hers or anew else Q()
    if not hers:
        return leads.annotate(
            reason=Case(When(verb.undoable_by_manager(act) & may, then=inside), default=Value("closed"))
        )
    lost = Case(When(image=F("became"), then=Value("closed")), default=Value("newer"))
    return leads.annotate(reason=Case(When(may, then=inside), default=lost))


def _first(skips: Sequence[Skip], otherwise: Combinable) -> Combinable:
    return Case(*(When(skip.when, then=Value(skip.code)) for skip in skips), default=otherwise)
