"""Message templates (L7): whose they are, who may change them, saving and deleting them."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from crm.organization.models import User
from leads.models import MessageTemplate
from permissions.catalog import Permission


class NameTakenError(Exception):
    """There is such a template by that name already."""


def may_edit_companys(user: User) -> bool:
    """Whoever writes the scripts of campaigns, which everybody reads out, writes the templates for everybody."""
    return user.has_perm(Permission.MANAGE_CAMPAIGN)


def may_change(user: User, template: MessageTemplate) -> bool:
    return template.user_id == user.pk or (template.user_id is None and may_edit_companys(user))


@transaction.atomic
def save_template(
    *, actor: User, template: MessageTemplate | None, companys: bool, kind: str, name: str, subject: str, body: str
) -> MessageTemplate:
    """A new template, or one changed; never from one's own to the company's without the right to its. Raises
    PermissionDenied, NameTakenError.
    """
    if (companys and not may_edit_companys(actor)) or (template and not may_change(actor, template)):
        raise PermissionDenied("The company’s templates are changed by whoever may manage campaigns.")
    saved = template or MessageTemplate(company_id=actor.company_id, kind=kind)
    saved.user = None if companys else actor
    saved.name, saved.body = name, body
    saved.subject = subject if saved.kind == MessageTemplate.Kind.EMAIL else ""
    saved.changed_at = Now()
    try:
        with transaction.atomic():
            saved.save()
    except IntegrityError as error:
        raise NameTakenError from error
    return saved


def delete_template(*, actor: User, template: MessageTemplate) -> None:
    """What was written by it stays. Raises PermissionDenied."""
    if not may_change(actor, template):
        raise PermissionDenied("The company’s templates are changed by whoever may manage campaigns.")
    MessageTemplate.objects.filter(pk=template.pk).delete()
