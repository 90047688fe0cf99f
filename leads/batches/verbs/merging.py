"""Merging the duplicates among many leads, or two leads side by side (I6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import F, JSONField, OuterRef, Q, Subquery

from leads.batches.scope import leads_of
from leads.batches.verb import Act, MassVerb, NotNowError, Sight, Skip
from leads.merging.doing import merge_leads
from leads.merging.finding import pairs_among
from leads.merging.foreseeing import sight_of_merging
from leads.merging.keys import counting
from leads.merging.undoing import parts, unmerge
from leads.models import Batch, BatchItem, Lead
from leads.querysets import LeadQuerySet
from leads.services.transferring import tell_personal_owners
from permissions.access import Keyring, Level
from permissions.catalog import Permission
from permissions.door import doable, seen_by
from permissions.verbs import Verb

Outcome = BatchItem.Outcome


class Merge(MassVerb):
    """`params["into"]` says which leads go into which. Of two it is given; of many it is found with the preview.

    What a lead becomes that others go into is written when they go, whether it is in their chunk or in an earlier one.
    """

    code = "merge"
    label = "Merge duplicates"
    gives_away = True
    doing = "Merge"
    done = "Merged"
    revives = True
    permission = Permission.MERGE_LEAD
    reasons = {
        "single": "No duplicate of the same owner among these",
        "lost": "What it was to go into is not there any more",
    }

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.MERGE)

    def check(self, act: Act) -> None:
        keys = list(counting(act.actor.company))
        if not act.batch.undoes_id and not {*act.params.get("keys", keys)} <= {*keys}:
            raise NotNowError("By the company’s policy these are no duplicates any more. Begin anew.")
        if act.batch.state == Batch.State.DRAFT and "into" not in act.params:
            act.batch.params["keys"] = keys
            hers = leads_of(act).filter(self.allowed(act.keyring))
            act.batch.params["into"] = {str(gone): kept for gone, kept in pairs_among(hers, act.actor.company).items()}

    def skips(self, act: Act) -> Sequence[Skip]:
        into = into_of(act)
        hers = Lead.objects.filter(self.allowed(act.keyring), pk__any_of=sorted({*into.values()}))
        there = set(hers.order_by("pk").values_list("pk", flat=True))
        return [
            Skip("single", ~Q(pk__any_of=sorted({*into, *into.values()}))),
            Skip("lost", Q(pk__any_of=[gone for gone, kept in into.items() if kept not in there])),
        ]

    def parts(self, act: Act) -> dict[str, Any]:
        return parts()

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        into = {gone: kept for gone, kept in into_of(act).items() if gone in set(lead_ids)}
        kept = Lead.objects.filter(pk__any_of=sorted({*into.values()}), removed_at=None)
        there = set(kept.in_id_order().values_list("pk", flat=True))
        into = {one: other for one, other in into.items() if other in there}
        if not into:
            return
        elsewhere = kept.exclude(pk__any_of=list(lead_ids))
        before = self._images(act, elsewhere)
        merge_leads(into, act.by, act.params.get("take"))
        _keep(act, before, self._images(act, elsewhere))

    def _images(self, act: Act, leads: LeadQuerySet) -> dict[int, object]:
        return dict(leads.annotate(image=self.image(act)).order_by("pk").values_list("pk", "image"))

    def touched(self, act: Act, lead_ids: Collection[int]) -> Collection[int]:
        """What others went into, though it may have had all that they had; or what they came out of again."""
        into = into_of(act)
        if act.batch.undoes_id:
            return {*into.values()}
        merged = Lead.objects.filter(pk__any_of=[pk for pk in lead_ids if pk in into], merged_into__isnull=False)
        return set(merged.order_by("pk").values_list("merged_into_id", flat=True))

    # --- undoing ---

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        unmerge(act, lead_ids)

    def undo_skips(self, act: Act) -> Sequence[Skip]:
        """A lead stays where it went if that one has changed since."""
        into = into_of(act)
        item = BatchItem.objects.filter(batch=act.batch.undoes_id, lead=OuterRef("pk"))
        kept = Lead.objects.filter(pk__any_of=sorted({*into.values()})).annotate(
            image=self.image(act),
            was=Subquery(item.values("before"), output_field=JSONField()),
            became=Subquery(item.values("after"), output_field=JSONField()),
        )
        same = set(kept.filter(Q(image=F("was")) | Q(image=F("became"))).order_by("pk").values_list("pk", flat=True))
        return [Skip("newer", Q(pk__any_of=[gone for gone, other in into.items() if other not in same]))]

    def undoable_by_manager(self, act: Act) -> Q:
        return seen_by(act.keyring, Level.MANAGE, removed=True)

    # --- words ---

    def words(self, act: Act) -> str:
        return "Merge two leads" if act.batch.is_of_one else self.label

    def loss(self, act: Act) -> str:
        return (
            "Of each group of one owner the oldest lead stays, and gets what it has not: contact points, tags, fields,"
            " slots and shares. The others lead to it from then on. Leads of different owners are never merged so."
        )

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        going = set(leads.order_by("pk").values_list("pk", flat=True))
        into = {gone: kept for gone, kept in into_of(act).items() if gone in going}
        return sight_of_merging(into, act.actor.company) if into else []

    def tell(self, act: Act) -> None:
        """Personal owners of what somebody else merged into another lead, or parted from it again (M8)."""
        changed = act.batch.items.filter(outcome=Outcome.CHANGED, lead__pk__any_of=[*into_of(act)]).order_by("number")
        owners = dict(changed.values_list("lead_id", "lead__owner_user"))
        gone = changed.filter(lead__merged_into__isnull=False).exists()
        said = ("was merged into another lead", "were merged into other leads") if gone else ("came back", "came back")
        tell_personal_owners(owners, act.actor, *said, f"By {act.actor}.")


def into_of(act: Act) -> Mapping[int, int]:
    return {int(gone): kept for gone, kept in act.params.get("into", {}).items()}


def _keep(act: Act, before: Mapping[int, object], after: Mapping[int, object]) -> None:
    """Write what became of leads of earlier chunks, unless they were changed by others in between."""
    items = list(act.batch.items.filter(lead__in=before).order_by("number"))
    new = [item for item in items if item.outcome != Outcome.CHANGED]
    for item in new:
        item.outcome, item.reason, item.before = Outcome.CHANGED, "", before[item.lead_id]
    for item in items:
        item.after = after[item.lead_id] if item in new or item.after == before[item.lead_id] else item.after
    BatchItem.objects.bulk_update(items, ["before", "after", "outcome", "reason"], batch_size=500)
    Batch.objects.filter(pk=act.batch.pk).update(changed=F("changed") + len(new))
