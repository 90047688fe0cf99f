"""Closing a unit (O4): what it owns gets another owner, its people go to the unit above, in one undoable batch."""

from __future__ import annotations

from collections.abc import Sequence

from crm.organization.models import Membership, Unit, User
from crm.organization.querysets import MANAGES
from leads.batches.moving import into, out_of
from leads.batches.restoring import claimed_since
from leads.batches.sight import sight_after
from leads.batches.verb import Act, Moving, NotNowError, Sight, Skip
from leads.batches.verbs.owner import ChangeOwner, UnitAfter, target_of
from leads.models import Batch, Lead
from leads.querysets import LeadQuerySet
from leads.services.closing import begin_closing, finish_closing, hand_over, import_under_way, reopen
from permissions.access import Standing
from permissions.catalog import Permission
from permissions.joining.closing import why_not_close, why_not_reopen
from permissions.managers import members_among
from permissions.profiles.services import RefusedError, manages_company


class CloseUnit(ChangeOwner):
    code = "close"
    label = "Closing"
    permission = Permission.MANAGE_USERS
    offered = False
    whole = True

    def why_not_many(self, actor: User) -> str:
        if not manages_company(actor):
            return "This is for managers of the company."
        if not actor.has_perm(Permission.CHANGE_OWNER):
            return "The profile does not include changing the owner of leads."
        return ""

    def leads(self, act: Act) -> LeadQuerySet:
        return Lead.objects.filter(company=act.batch.company_id, owner_unit=closing_of(act), removed_at=None)

    def check(self, act: Act) -> None:
        unit = closing_of(act)
        refusal = why_not_reopen(unit) if act.batch.undoes_id else why_not_close(act.actor, unit)
        if not refusal and not act.batch.undoes_id and import_under_way(unit):
            refusal = f"An import brings leads to {unit} at the moment. Wait for its end."
        if not refusal and act.params["to"] == f"unit-{unit.pk}":
            refusal = f"{unit} is about to be closed: choose another unit."
        if refusal:
            raise NotNowError(refusal)
        super().check(act)

    def begin(self, act: Act) -> None:
        unit, undone = closing_of(act), act.batch.undoes
        try:
            if undone:
                reopen(unit, act.by, undone.params["kept"])
            else:
                self.alone(act, unit)
                self.keep(act, begin_closing(unit, act.by))
        except RefusedError as refusal:
            raise NotNowError(str(refusal)) from refusal

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        hand_over(lead_ids, heir_of(act), act.by)

    def finish(self, act: Act) -> None:
        if act.batch.undoes_id:
            return
        try:
            self.keep(act, finish_closing(closing_of(act), heir_of(act), act.by))
        except RefusedError as refusal:
            raise NotNowError(str(refusal)) from refusal

    def undo_skips(self, act: Act) -> Sequence[Skip]:
        """The unit is open again by then."""
        return [*self.against_policy(act.actor), claimed_since(act)]

    def words(self, act: Act) -> str:
        return f"Close {closing_of(act)}"

    def loss(self, act: Act) -> str:
        unit = closing_of(act)
        above, to = unit.parent, heir_of(act)
        return (
            f"{unit} cannot be chosen any more. Its people, those who run it too, become members of {above} and see "
            f"what members there see, and its teams and ponds go there. {to} will own its leads; those whose Agent may not "
            "work them there are handed out anew. Places on its roster and open offers end."
        )

    def way_back(self, batch: Batch) -> str:
        return f"{super().way_back(batch)} The unit opens again with it; open offers and clocks that ran do not."

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        unit = closing_of(act)
        people = set(Membership.objects.current().filter(unit=unit).values_list("user", flat=True))
        moving = out_of(unit, people, unit.parent)
        return sight_after(act, leads, UnitAfter(heir_of(act), closing=unit), moving=moving)

    def returning(self, act: Act) -> tuple[Sequence[Standing], Moving | None]:
        undone = act.batch.undoes
        kept = undone.params.get("kept", {}) if undone else {}
        unit, joined = closing_of(act), Membership.objects.current().filter(pk__in=kept.get("joined", []))
        people = set(joined.values_list("user", flat=True))
        former = Membership.objects.filter(pk__in=kept.get("members", []), role__in=MANAGES, user__is_active=True)
        away, back = out_of(unit.parent or unit, people), into(unit, people, set(former.values_list("user", flat=True)))
        return members_among(people, act.actor.company), lambda standing: back(away(standing))


def closing_of(act: Act) -> Unit:
    scope = act.batch.origin.scope
    return Unit.objects.select_related("parent__parent").get(company=act.batch.company_id, pk=scope["unit"])


def heir_of(act: Act) -> Unit:
    to = target_of(act)
    assert isinstance(to, Unit)
    return to
