"""What the cells of a file may name of the company's own: stages, people, custom fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db.models import QuerySet

from crm.organization.models import Unit, User
from leads.imports.matching import CUSTOM
from leads.imports.values import Lists
from leads.models import CustomField, ImportRun, Stage
from leads.services.assigning import assignees_of
from permissions.catalog import Permission

Kinds = Mapping[str, tuple[str, Sequence[str]]]


def lists_for(actor: User, owner: Unit | User | None = None, kinds: Kinds | None = None) -> Lists:
    """`owner` of the leads to be, where that is known; `kinds` of the custom fields that are to be made."""
    stages = Stage.objects.filter(company=actor.company_id).order_by("-position", "-pk").values_list("name", "pk")
    customs = CustomField.objects.filter(company=actor.company_id).order_by("pk")
    there = {field.key: (field.kind, field.choices) for field in customs}
    return Lists(
        stages={name.lower(): pk for name, pk in stages},
        people=_named(assignable(actor, owner)),
        customs={**(kinds or {}), **there},
    )


def lists_of(run: ImportRun) -> Lists:
    return lists_for(run.created_by, run.owner, {key: (kind, choices) for key, (kind, choices) in run.kinds.items()})


def may_assign(actor: User, owner: Unit | User | None) -> bool:
    """Whether she may say in a file who works its leads: a manager of the unit that owns them (O6, P4)."""
    managed = Unit.objects.managed_by(actor)
    if isinstance(owner, User):
        return False
    return (managed.filter(pk=owner.pk) if owner else managed).exists()


def may_make_fields(actor: User) -> bool:
    """Whether a file of hers may bring fields that the company does not have yet: who keeps its lists may."""
    return actor.has_perm(Permission.MANAGE_POLICY)


def without_field(actor: User, mapping: Sequence[str], customs: Collection[str] | None = None) -> list[int]:
    """The columns that would be fields which the company does not have, and which she may not make. `customs`: the keys of
    those it has, where they were asked for already.
    """
    if not any(field.startswith(CUSTOM) for field in mapping) or may_make_fields(actor):
        return []
    own = CustomField.objects.filter(company=actor.company_id).order_by("pk")
    there = own.values_list("key", flat=True) if customs is None else customs
    known = {f"{CUSTOM}{key}" for key in there}
    return [number for number, field in enumerate(mapping) if field.startswith(CUSTOM) and field not in known]


def assignable(actor: User, owner: Unit | User | None) -> QuerySet[User]:
    """The people whom she may name."""
    seen: QuerySet[User] = User.objects.can_be_seen_by(actor)
    if not may_assign(actor, owner):
        return seen.none()
    return seen.filter(pk__in=assignees_of(owner).values("pk")) if isinstance(owner, Unit) else seen


def _named(people: QuerySet[User]) -> dict[str, int | None]:
    """By name and by e-mail; nobody where several have a name."""
    found: dict[str, int | None] = {}
    for pk, name, email in people.order_by("pk").values_list("pk", "name", "email"):
        key = " ".join(name.lower().split())
        found[key] = None if key in found else pk
        found[email.lower()] = pk
    return found
