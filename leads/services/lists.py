"""What keeps the company's own lists sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from crm.organization.models import Company
from leads.models import Assignment, Lead, SlotRole, Stage


@contextmanager
def open_stage_kept(company_id: int) -> Iterator[None]:
    """Holds the company's stages, and refuses what would leave none open. Raises ValidationError."""
    with transaction.atomic():
        stages = Stage.objects.filter(company=company_id).order_by("pk")
        list(stages.select_for_update())
        yield
        if not stages.filter(kind=Stage.Kind.OPEN).exists():
            raise ValidationError("One stage must stay open: new leads start there.")


def why_stage_stays(stage: Stage) -> str:
    """Why it cannot be deleted, or nothing. Says no number: there may be leads among them that nobody else may see."""
    if Lead.objects.filter(company=stage.company_id, stage=stage).exists():
        return f"There are leads in {stage}. Move them to another stage first."
    others = Stage.objects.filter(company=stage.company_id, kind=Stage.Kind.OPEN).exclude(pk=stage.pk)
    return "" if others.exists() else "One stage must stay open: new leads start there."


MOST_ROLES = 10


@transaction.atomic
def add_role(company: Company, name: str) -> SlotRole:
    """A role of the company's own, beside Agent, Assistant and Lender. Raises ValidationError for one too many."""
    Company.objects.select_for_update(no_key=True).get(pk=company.pk)
    own = SlotRole.objects.filter(company=company)
    if own.count() >= MOST_ROLES:
        raise ValidationError(f"There are {MOST_ROLES} roles already, the most there can be. Delete one first.")
    if name.strip().lower() in {label.lower() for label in Assignment.Role.labels}:
        raise ValidationError("Every company has this role already.")
    taken = {*own.values_list("code", flat=True), *Assignment.Role.values}
    stem = slugify(name)[:20] or "role"
    code = next(one for one in (stem, *(f"{stem}-{number}" for number in range(2, 20))) if one not in taken)
    return SlotRole.objects.create(company=company, code=code, name=name)


def why_role_stays(role: SlotRole) -> str:
    """Why it cannot be deleted, or nothing. Says no number: there may be leads among them that nobody else may see."""
    used = Assignment.objects.filter(company=role.company_id, role=role.code).exists()
    return f"Somebody is {role} of a lead. End that first." if used else ""
