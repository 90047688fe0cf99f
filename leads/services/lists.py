"""What keeps the company's own lists sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import transaction

from leads.models import Lead, Stage


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
