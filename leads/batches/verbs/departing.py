"""The departure kit (O4): a person leaves; what she worked for units goes where it was said, in one undoable batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject

from crm.organization.models import Unit, User
from leads import signals
from leads.batches.restoring import restore_slots, slots_image
from leads.batches.verb import Act, MassVerb, NotNowError
from leads.models import Lead, Pond
from leads.querysets import LeadQuerySet
from leads.services.assigning import assignees_of
from leads.services.departing import Receiver, bring_back, depart, hand_on, last_owner, worked_by
from permissions.access import Keyring
from permissions.catalog import Permission
from permissions.door import doable
from permissions.profiles.services import manages_company
from permissions.verbs import Verb

ROUTING = "routing"


class Depart(MassVerb):
    code = "depart"
    label = "Departure"
    permission = Permission.MANAGE_USERS
    offered = False
    whole = True

    def why_not_many(self, actor: User) -> str:
        return "" if manages_company(actor) else "This is for managers of the company."

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.ASSIGN)

    def leads(self, act: Act) -> LeadQuerySet:
        return worked_by(leaver(act))

    def check(self, act: Act) -> None:
        if act.batch.undoes_id:
            return
        person = leaver(act)
        if not person.is_active:
            raise NotNowError(f"{person} has left already.")
        if person == act.actor:
            raise NotNowError("Ask somebody else to do this for you.")
        if last_owner(person):
            raise NotNowError(f"{person} is the last owner of the company. Make somebody else an owner first.")
        for written in set(act.params["to"].values()):
            receiver = receiver_of(act, written)
            if isinstance(receiver, User) and not receiver.is_active:
                raise NotNowError(f"{receiver} is not active any more.")
            if isinstance(receiver, Pond) and receiver.closed_at:
                raise NotNowError(f"{receiver} is closed.")

    def once(self, act: Act) -> None:
        if act.batch.undoes:
            bring_back(leaver(act), act.by, act.batch.undoes.params["kept"])
            return
        mine = Lead.objects.filter(pk__in=act.batch.items.values("lead"))
        act.batch.params["kept"] = depart(leaver(act), act.by, mine)
        act.batch.save(update_fields=["params"])

    def image(self, act: Act) -> Combinable:
        return JSONObject(slots=slots_image())

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        owners: dict[int, list[int]] = {}
        units = Lead.objects.filter(pk__in=lead_ids).order_by("pk").values_list("pk", "owner_unit")
        for pk, unit in units:
            owners.setdefault(unit or 0, []).append(pk)
        for unit, ids in sorted(owners.items()):
            hand_on(leaver(act), ids, self._receiver(act, unit), act.by)

    def _receiver(self, act: Act, unit: int) -> Receiver:
        """As chosen; the unit's routing for one that came since, or whose receiver is no member of it any more."""
        receiver = receiver_of(act, act.params["to"].get(str(unit), ROUTING))
        if isinstance(receiver, User):
            owner = Unit.objects.select_related("parent").get(pk=unit)
            return receiver if assignees_of(owner).filter(pk=receiver.pk).exists() else None
        return receiver

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        ids, actor_id = list(lead_ids), act.actor.pk
        signals.reassigned.send(sender=Lead, company_id=act.batch.company_id, lead_ids=ids, actor_id=actor_id)
        restore_slots(act, lead_ids)

    def words(self, act: Act) -> str:
        return f"Departure of {leaver(act)}"

    def loss(self, act: Act) -> str:
        person = leaver(act)
        return (
            f"{person} can no longer sign in: all her assignments, memberships, places on rosters and in ponds end. "
            "Her personal leads stay hers, and as private as they are."
        )

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        person, chosen = str(leaver(act)), act.params["to"]
        return [
            (lead, person, str(receiver_of(act, chosen.get(str(lead.owner_unit_id), ROUTING)) or "Routing"))
            for lead in leads
        ]

    def way_back(self, batch: Any) -> str:
        return f"{super().way_back(batch)} The person comes back with it."


def leaver(act: Act) -> User:
    scope = act.batch.undoes.scope if act.batch.undoes else act.batch.scope
    people: Any = User.objects.select_related("company")
    found: User = people.get(company=act.batch.company_id, pk=scope["person"])
    return found


def receiver_of(act: Act, written: str) -> Receiver:
    """Whom `person-5` or `pond-3` means; none for the routing of the leads' unit."""
    kind, _, pk = written.partition("-")
    if kind == "person":
        person: User = User.objects.get(company=act.batch.company_id, pk=pk)
        return person
    return Pond.objects.get(company=act.batch.company_id, pk=pk) if kind == "pond" else None
