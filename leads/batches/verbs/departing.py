"""The departure kit (O4): a person leaves the company or a unit; what she worked there goes where it was said, in one
undoable batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Exists, OuterRef, Q

from crm.organization.models import Unit, User
from crm.organization.services import LastOwnerError
from leads import signals
from leads.batches.moving import into, out_of
from leads.batches.restoring import claimed_since, restore_slots, slots_image
from leads.batches.sight import Shape, sight_after
from leads.batches.verb import Act, MassVerb, Moving, NotNowError, Sight, Skip
from leads.batches.verbs.assigning import AGENT, COVERED, without_agent
from leads.models import Assignment, Batch, Lead, Pond
from leads.querysets import LeadQuerySet
from leads.services.assigning import assignees_of
from leads.services.departing import (
    Leaving,
    Receiver,
    begin_leaving,
    bring_back,
    finish_leaving,
    hand_on,
    why_not_back,
    why_not_leave,
    worked_by,
)
from leads.services.tasks import pick_up
from permissions.access import Keyring, Lock, Standing
from permissions.catalog import Permission
from permissions.door import doable
from permissions.managers import members_among
from permissions.profiles.services import RefusedError, manages_company
from permissions.verbs import Verb

ROUTING = "routing"


class Depart(MassVerb):
    code = "depart"
    label = "Departure"
    gives_away = True
    permission = Permission.MANAGE_USERS
    offered = False
    whole = True

    def why_not_many(self, actor: User) -> str:
        return "" if manages_company(actor) else "This is for managers of the company."

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.ASSIGN)

    def leads(self, act: Act) -> LeadQuerySet:
        return worked_by(leaving_of(act))

    def check(self, act: Act) -> None:
        if undone := act.batch.undoes:
            if closed := why_not_back(leaving_of(act), undone.params["kept"]):
                raise NotNowError(closed)
            return
        leaving = leaving_of(act)
        if not leaving.user.is_active:
            raise NotNowError(f"{leaving.user} has left already.")
        if leaving.user == act.actor and not leaving.unit:
            raise NotNowError("Ask somebody else to do this for you.")
        if refusal := why_not_leave(leaving, act.actor):
            raise NotNowError(refusal)
        if act.batch.done:
            return  # what is left goes to the routing where a receiver is gone by now
        for written in set(act.params["to"].values()):
            receiver = receiver_of(act, written)
            if isinstance(receiver, User) and not receiver.is_active:
                raise NotNowError(f"{receiver} is not active any more.")
            if isinstance(receiver, Pond) and receiver.closed_at:
                raise NotNowError(f"{receiver} is closed.")

    def begin(self, act: Act) -> None:
        leaving, undone = leaving_of(act), act.batch.undoes
        if undone:
            bring_back(leaving, act.by, undone.params["kept"])
            self._pick_up(act, ~Q(lead__in=undone.items.values("lead")) | Q(lead=None))
        else:
            self.alone(act, leaving.user)
            self.keep(act, begin_leaving(leaving))

    def finish(self, act: Act) -> None:
        if act.batch.undoes_id:
            return
        try:
            self.keep(act, finish_leaving(leaving_of(act), act.by))
        except (RefusedError, LastOwnerError) as refusal:
            raise NotNowError(str(refusal)) from refusal

    def parts(self, act: Act) -> dict[str, Any]:
        return {"slots": slots_image()}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        owners: dict[int, list[int]] = {}
        units = Lead.objects.filter(pk__any_of=list(lead_ids)).order_by("pk").values_list("pk", "owner_unit")
        for pk, unit in units:
            owners.setdefault(unit or 0, []).append(pk)
        user = leaving_of(act).user
        for unit, ids in sorted(owners.items()):
            hand_on(user, ids, self._receiver(act, unit), act.by)

    def _receiver(self, act: Act, unit: int) -> Receiver:
        """As chosen; the unit's routing for one that came since, or whose receiver is not there any more."""
        receiver = receiver_of(act, act.params["to"].get(str(unit), ROUTING))
        if isinstance(receiver, User):
            owner = Unit.objects.select_related("parent").get(pk=unit)
            return receiver if assignees_of(owner).filter(pk=receiver.pk).exists() else None
        return None if receiver and receiver.closed_at else receiver

    def undo_skips(self, act: Act) -> Sequence[Skip]:
        return [claimed_since(act)]

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        ids, actor_id = list(lead_ids), act.actor.pk
        signals.reassigned.send(sender=Lead, company_id=act.batch.company_id, lead_ids=ids, actor_id=actor_id)
        restore_slots(act, lead_ids)
        self._pick_up(act, Q(lead__pk__any_of=ids))

    def _pick_up(self, act: Act, leads: Q) -> None:
        assert act.batch.undoes
        pick_up(leaving_of(act).user, act.batch.undoes.params["kept"].get("tasks", []), leads)

    def words(self, act: Act) -> str:
        leaving = leaving_of(act)
        return f"Departure of {leaving.user}" + (f" from {leaving.unit}" if leaving.unit else "")

    def loss(self, act: Act) -> str:
        person, unit = leaving_of(act).user, leaving_of(act).unit
        if unit:
            return (
                f"{person} is no member of {unit} any more: her assignments, places on rosters and in ponds there end. "
                "What she has elsewhere, and her personal leads, stay hers."
            )
        return (
            f"{person} can no longer sign in: all her assignments, memberships, places on rosters and in ponds end. "
            "Her personal leads stay hers, and as private as they are."
        )

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        person, chosen = str(leaving_of(act).user), act.params["to"]
        return [
            (lead, person, str(receiver_of(act, chosen.get(str(lead.owner_unit_id), ROUTING)) or "Routing"))
            for lead in leads
        ]

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        """Of what goes to a routing, nobody can say yet who will see it."""
        leaving = leaving_of(act)
        hers, locks = Lock.ASSIGNED.of(leaving.user.pk), _locks(act)

        def after(shape: Shape) -> Shape:
            without = replace(shape, slots=tuple(lock for lock in shape.slots if lock != hers))
            return without_agent(without, *locks.get(shape.lead.owner_unit_id, ())) if shape.marked else without

        return sight_after(act, leads, after, mark=_going(leaving.user), moving=_moving(leaving))

    def returning(self, act: Act) -> tuple[Sequence[Standing], Moving | None]:
        leaving = leaving_of(act)
        if leaving.unit is None:
            return [Standing(leaving.user.pk, leaving.user.company_id)], None
        return members_among([leaving.user.pk], act.actor.company), into(leaving.unit, {leaving.user.pk})

    def way_back(self, batch: Batch) -> str:
        return f"{super().way_back(batch)} The person comes back with it; open offers and clocks that ran do not."


def leaving_of(act: Act) -> Leaving:
    scope = act.batch.origin.scope
    people: Any = User.objects.select_related("company")
    person: User = people.get(company=act.batch.company_id, pk=scope["person"])
    units = Unit.objects.select_related("parent__parent").filter(company=act.batch.company_id)
    return Leaving(person, units.get(pk=scope["unit"]) if scope.get("unit") else None)


def receiver_of(act: Act, written: str) -> Receiver:
    """Whom `person-5` or `pond-3` means; none for the routing of the leads' unit."""
    kind, _, pk = written.partition("-")
    if kind == "person":
        person: User = User.objects.get(company=act.batch.company_id, pk=pk)
        return person
    return Pond.objects.get(company=act.batch.company_id, pk=pk) if kind == "pond" else None


def _locks(act: Act) -> dict[int | None, tuple[int, ...]]:
    """By unit, the lock that opens its leads to whoever gets them."""
    kinds = {"person": Lock.ASSIGNED, "pond": Lock.POND}
    written = {int(unit): to.partition("-") for unit, to in act.params["to"].items()}
    return {unit: (kinds[kind].of(int(pk)),) for unit, (kind, _, pk) in written.items() if kind in kinds}


def _going(user: User) -> Any:
    """Her slots as Agent, also of what others cover for her; not those in which she covers for somebody."""
    away = Assignment.objects.filter(lead=OuterRef("lead"), role=COVERED)
    covering = Q(role=AGENT, until__isnull=False) & Exists(away.exclude(user=user))
    return Assignment.objects.filter(user=user, role__in=(AGENT, COVERED)).exclude(covering)


def _moving(leaving: Leaving) -> Any:
    if leaving.unit:
        return out_of(leaving.unit, {leaving.user.pk})
    gone = leaving.user.pk
    return lambda stands: Standing(gone, stands.company_id) if stands.user_id == gone else stands
