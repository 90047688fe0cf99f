"""Giving many leads to another owner (M2, M3), and to the former ones again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.organization.models import PersonalLeads, Unit, User
from leads import signals
from leads.batches.restoring import restore_shares, restore_slots, shares_image, slots_image, unlike
from leads.batches.sight import Shape, sight_after
from leads.batches.verb import Act, MassVerb, NotNowError, Sight, Skip, VerbForm
from leads.models import Activity, Assignment, Batch, BatchItem, Lead, Pond
from leads.querysets import LeadQuerySet
from leads.services.assigning import assignees_of
from leads.services.transferring import change_owner, refuse_target, targets_for, tell_former_owners, tell_new_owner
from permissions.access import Keyring, Lock
from permissions.catalog import Permission
from permissions.door import doable
from permissions.keyring import policy_of
from permissions.ledger import record_select
from permissions.verbs import Verb

MOST_NAMED = 3
TO_PEOPLE_FOR = timedelta(hours=24)
BACK = """
WITH moved AS (
    UPDATE leads_lead AS lead SET owner_unit_id = (item.before ->> 'owner_unit')::bigint,
        owner_user_id = (item.before ->> 'owner_user')::bigint, hidden = (item.before ->> 'hidden')::boolean,
        privacy = (item.before ->> 'privacy')::smallint
    FROM leads_batchitem AS item, leads_lead AS former
    WHERE item.batch_id = %(undone)s AND item.lead_id = ANY(%(leads)s) AND lead.id = item.lead_id AND former.id = lead.id
    RETURNING lead.id, lead.company_id, former.owner_unit_id AS from_unit, former.owner_user_id AS from_user,
        lead.owner_unit_id AS to_unit, lead.owner_user_id AS to_user, former.hidden AS was_hidden, lead.hidden
)
"""
FACTS = """
SELECT company_id, fact.kind, %(actor)s::bigint, id, fact.from_unit, fact.from_user, fact.to_unit, fact.to_user, %(why)s,
    %(batch)s::bigint
FROM moved CROSS JOIN LATERAL (VALUES
    ('owner_changed', moved.from_unit, moved.from_user, moved.to_unit, moved.to_user, true),
    ('hidden', NULL, NULL, NULL, NULL, moved.hidden AND NOT moved.was_hidden),
    ('shown', NULL, NULL, NULL, NULL, moved.was_hidden AND NOT moved.hidden)
) AS fact (kind, from_unit, from_user, to_unit, to_user, holds)
WHERE fact.holds ORDER BY id, fact.kind
"""
COLUMNS = (
    *("company_id", "kind", "actor_id", "lead_id", "from_unit_id", "from_user_id", "to_unit_id", "to_user_id"),
    *("why", "batch_id"),
)


class OwnerForm(VerbForm):
    to = forms.ChoiceField(label="New owner")
    keep_assistants = forms.BooleanField(
        required=False,
        label="Keep the assistants",
        help_text="Counts where a person is the new owner: assistants stay, everybody else’s assignment ends.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people, units = targets_for(self.actor)
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            ("", "Choose a unit or a person …"),
            ("Units", [(f"unit-{pk}", name) for pk, name in units.order_by("name", "pk").values_list("pk", "name")]),
            (
                "People",
                [(f"person-{pk}", name) for pk, name in people.order_by("name", "pk").values_list("pk", "name")],
            ),
        ]


class ChangeOwner(MassVerb):
    code = "owner"
    label = "Change owner"
    gives_away = True
    form = OwnerForm
    permission = Permission.CHANGE_OWNER
    reasons = {
        "there": "Belongs there already",
        "personal": "Somebody’s own lead",
        "left": "Its former owner has left",
        "policy": "The company owns all leads now",
        "worked": "Its new owner has worked it",
    }

    def why_not_many(self, actor: User) -> str:
        """M3: managers of the company always, those of offices and teams where a team of theirs is on the whitelist."""
        if refusal := super().why_not_many(actor):
            return refusal
        allowed = Q(kind=Unit.Kind.COMPANY) | Q(kind=Unit.Kind.TEAM, may_change_ownership=True)
        managed = Unit.objects.managed_by(actor).open()
        if managed.filter(allowed).exists():
            return ""
        teams = list(managed.filter(kind=Unit.Kind.TEAM).order_by("name", "pk").values_list("name", flat=True))
        named = f" ({', '.join(teams[:MOST_NAMED])}{' and others' if teams[MOST_NAMED:] else ''})" if teams else ""
        return f"The company lets none of your teams{named} change owners in mass. Change them one by one."

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.TRANSFER)

    def check(self, act: Act) -> None:
        if act.batch.undoes_id:
            return
        to = target_of(act)
        people, units = targets_for(act.actor)
        try:
            refuse_target(act.actor.company, to)
        except ValidationError as refusal:
            raise NotNowError(" ".join(refusal.messages)) from refusal
        if not (units if isinstance(to, Unit) else people).filter(pk=to.pk).exists():
            raise NotNowError(f"{to} is nobody you can choose any more.")

    def refusals(self, act: Act) -> Sequence[Skip]:
        return [Skip("personal", Q(owner_user__isnull=False))]

    def skips(self, act: Act) -> Sequence[Skip]:
        to = target_of(act)
        return [Skip("there", Q(owner_unit=to) if isinstance(to, Unit) else Q(owner_user=to))]

    def parts(self, act: Act) -> dict[str, Any]:
        owner = {"owner_unit": "owner_unit_id", "owner_user": "owner_user_id", "hidden": "hidden", "privacy": "privacy"}
        return {**owner, "slots": slots_image(), "shares": shares_image()}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        keep = act.params["keep_assistants"]
        change_owner(lead_ids, target_of(act), act.by, keep_assistants=keep, tell=False)

    # --- undoing ---

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        given = {"leads": list(lead_ids), "undone": act.batch.undoes_id, **act.cause}
        record_select(COLUMNS, FACTS, given, changing=BACK)
        changed = unlike(act, lead_ids, "slots", "shares")
        if changed:
            restore_slots(act, changed)
            restore_shares(act, changed)
        company_id = act.batch.company_id
        signals.owner_changed.send(sender=Lead, company_id=company_id, lead_ids=list(lead_ids), actor_id=act.actor.pk)

    def undone_for(self, batch: Batch) -> timedelta | None:
        return TO_PEOPLE_FOR if batch.takes_back or batch.params["to"].startswith("person-") else None

    def undo_skips(self, act: Act) -> Sequence[Skip]:
        undone = act.batch.undoes
        assert undone is not None
        people = User.objects.filter(company=undone.company_id, left_at__gte=undone.confirmed_at)
        units = Unit.objects.filter(company=undone.company_id, closed_at__gte=undone.confirmed_at)
        hers = Activity.objects.filter(lead=OuterRef("pk"), actor=OuterRef("owner_user"), at__gt=undone.confirmed_at)
        return [
            Skip("left", Q(was__owner_user__in=_ids(people)) | Q(was__owner_unit__in=_ids(units))),
            *self.against_policy(act.actor),
            Skip("worked", Exists(hers.filter(automatic=False, bulk=False))),
        ]

    def against_policy(self, actor: User) -> list[Skip]:
        if actor.company.personal_leads != PersonalLeads.COMPANY_ONLY:
            return []
        whole = Unit.objects.get(company=actor.company, kind=Unit.Kind.COMPANY)
        return [Skip("policy", ~Q(was__owner_unit=whole.pk))]

    def undoable_by_manager(self, act: Act) -> Q:
        """What a unit owned was in her reach, wherever it is now."""
        return super().undoable_by_manager(act) | Q(was__owner_user=None)

    # --- words ---

    def words(self, act: Act) -> str:
        return f"Change the owner to {target_of(act)}"

    def loss(self, act: Act) -> str:
        to, them = target_of(act), "it" if act.batch.is_of_one else "them"
        if isinstance(to, Unit):
            return (
                f"{to} will own {them}: only its managers decide about {them} then, and slots of people outside it end."
            )
        kept = ", but for the assistants," if act.params["keep_assistants"] else ""
        ended = f"All other assignments{kept} end, and so do shares and open offers."
        hours = f"You can undo this for 24 hours, or until {to} has worked {them}."
        if to == act.actor:
            return f"You will own {them}, and nobody else decides about {them}. {ended} {hours}"
        managed = act.actor.company.personal_leads == PersonalLeads.MANAGED
        back = f"{to} and who manages her" if managed else f"only {to}"
        return f"You will no longer decide about {them}: {back} can give {them} back. {ended} {hours}"

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        new = str(target_of(act))
        return [(lead, str(lead.owner), new) for lead in leads.select_related("owner_unit", "owner_user")]

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        units = Unit.objects.filter(company=act.batch.company_id, pk__in=[one["owner_unit"] or 0 for one in images])
        people = User.objects.filter(company=act.batch.company_id, pk__in=[one["owner_user"] or 0 for one in images])
        named = {("owner_unit", unit.pk): unit.name for unit in units.order_by("pk")}
        named |= {("owner_user", person.pk): person.name for person in people.order_by("pk")}
        kinds = ["owner_unit" if one["owner_unit"] else "owner_user" for one in images]
        return [named.get((kind, one[kind]), "") for kind, one in zip(kinds, images, strict=True)]

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        to = target_of(act)
        if isinstance(to, Unit):
            return sight_after(act, leads, UnitAfter(to))
        after = partial(person_after, to=to, privacy=policy_of(act.actor.company))
        kept = Assignment.objects.filter(role=Assignment.Role.ASSISTANT)
        return sight_after(act, leads, after, shares_end=True, mark=kept if act.params["keep_assistants"] else None)

    def tell(self, act: Act) -> None:
        """Former owners and the new one, once for all leads (M8)."""
        changed = act.batch.items.filter(outcome=BatchItem.Outcome.CHANGED).order_by("number")
        owners = dict(changed.exclude(before__owner_user=None).values_list("lead_id", "before__owner_user"))
        if act.batch.takes_back:
            tell_former_owners(owners, "back", act.actor)
            return
        to = target_of(act)
        tell_former_owners(owners, f"to {to}", act.actor)
        if isinstance(to, User):
            tell_new_owner(list(changed.values_list("lead_id", flat=True)), to, act.by)


def _ids(rows: QuerySet[Any]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True))


def target_of(act: Act) -> Unit | User:
    """The unit or person of `unit-7` or `person-31`, who may have left since."""
    kind, _, pk = act.params["to"].partition("-")
    rows: QuerySet[Any] = Unit.objects.select_related("parent") if kind == "unit" else User.objects.all()
    target: Unit | User = rows.get(company=act.batch.company_id, pk=pk)
    return target


def person_after(shape: Shape, *, to: User, privacy: int) -> Shape:
    """A lead of this kind as a personal lead of hers, with the assistants that stay."""
    stricter = privacy if shape.lead.privacy is None else min(shape.lead.privacy, privacy)
    owned = replace(shape.lead, owner_unit_id=None, owner_user_id=to.pk, privacy=stricter)
    return replace(shape, lead=owned, agent=to.pk, slots=tuple(sorted({*shape.marked, Lock.ASSIGNED.of(to.pk)})))


class UnitAfter:
    """A lead of some kind as a lead of this unit: of its slots those stay who may work the unit's leads."""

    def __init__(self, unit: Unit, closing: Unit | None = None) -> None:
        line = [unit.pk, unit.parent_id, unit.parent.parent_id if unit.parent else None]
        serving = Q(unit__in=line) | Q(unit__parent=unit) | Q(unit__parent__parent=unit)
        if closing:  # its ponds are those of the unit above it then
            above = Q(unit=closing, unit__parent__in=line) | Q(unit=closing, unit__parent__parent=unit)
            serving = serving & ~Q(unit=closing) | above
        ponds = Pond.objects.filter(serving).values_list("pk", flat=True)
        self.unit = unit
        self.stays = {Lock.ASSIGNED.of(pk) for pk in assignees_of(unit).values_list("pk", flat=True)}
        self.stays |= {Lock.POND.of(pk) for pk in ponds}

    def __call__(self, shape: Shape) -> Shape:
        owned = replace(shape.lead, owner_unit_id=self.unit.pk, owner_user_id=None, hidden=False, privacy=None)
        return replace(shape, lead=owned, slots=tuple(lock for lock in shape.slots if lock in self.stays))
