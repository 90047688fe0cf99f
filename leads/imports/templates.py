"""Saved templates of imports: saving one, finding that for a file, renaming, throwing away (I1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from crm.organization.models import User
from leads.imports.lists import may_assign
from leads.models import ImportRun, ImportTemplate


def templates_for(actor: User) -> list[ImportTemplate]:
    """Those she may use, her own first."""
    found = ImportTemplate.objects.usable_by(actor).select_related("created_by").order_by("name", "pk")
    return sorted(found, key=lambda template: template.created_by_id != actor.pk)


def template_for(run: ImportRun, templates: list[ImportTemplate]) -> ImportTemplate | None:
    """The one that was saved for a file of the very same columns, if any."""
    names = {name.lower() for name in run.header}
    return next((template for template in templates if set(template.columns) == names), None)


@transaction.atomic
def save_template(*, actor: User, name: str, shared: bool, kept: Mapping[str, Any]) -> ImportTemplate:
    """Save what was chosen for a file under a name; hers of that name becomes this one. Managers may share."""
    mine = ImportTemplate.objects.of(actor).filter(name__iexact=name).first()
    template = mine or ImportTemplate(company_id=actor.company_id, created_by=actor)
    template.name, template.shared = name, shared and may_share(actor)
    template.columns, template.options = kept["columns"], kept["options"]
    template.save()
    return template


def may_share(actor: User) -> bool:
    """Whether what she saves may be for all: managers' may."""
    return may_assign(actor, None)
