"""The verbs of a person over an import: start it or try it, cancel it, throw it away (I1). What goes on is `running`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Now

from crm.organization.models import Unit, User
from leads.imports.lists import Kinds, may_assign, without_field
from leads.imports.matching import CUSTOM, PERSON
from leads.models import CustomField, ImportRow, ImportRun
from leads.querysets import ImportRunQuerySet
from leads.services.creating import owners_for_new_leads
from leads.services.hiding import starts_hidden
from permissions.catalog import Permission

DRAFTS_LAST = timedelta(days=7)
NO_NEW_FIELDS = "Your company has no field for {}, and only who may change its settings makes one. Leave it out."
State = ImportRun.State
Duplicates = ImportRun.Duplicates
AT_ZERO: Mapping[str, int] = {"handled": 0, "imported": 0, "updated": 0, "skipped": 0, "rejected": 0, "tries": 0}


class NotDraftError(Exception):
    """The run has started already."""


@dataclass(frozen=True)
class Options:
    """What is chosen beside the columns and the owner. Whether leads start hidden, her own switch says where that is None.

    `kinds` are those of the custom fields to be made, by key; `trial` only finds out what would happen.
    """

    route: bool = False
    hidden: bool | None = None
    source_name: str = "Import"
    tags: Sequence[str] = ()
    duplicates: str = Duplicates.SKIP.value
    kinds: Kinds = field(default_factory=dict)
    trial: bool = False


@transaction.atomic
def start_run(
    *, actor: User, run: ImportRun, mapping: Sequence[str], owner: Unit | User, options: Options | None = None
) -> None:
    """Let a draft begin. Queue `leads.tasks.run_import` with it, or carry it on yourself.

    Raises PermissionDenied for an owner she may not name and for what she may not hide, assign or make a field of,
    ValueError for routing without a unit, NotDraftError.
    """
    chosen = options or Options()
    hides = check_rights(actor, owner, mapping, chosen.hidden)
    if missing := without_field(actor, mapping):
        raise PermissionDenied(NO_NEW_FIELDS.format(", ".join(f"“{run.header[number]}”" for number in missing)))
    if chosen.route and not isinstance(owner, Unit):
        raise ValueError("only a unit's leads can be routed")
    started = ImportRun.objects.of(actor).filter(pk=run.pk, state=State.DRAFT)
    changed = started.update(
        mapping=list(mapping),
        kinds={key: list(kind) for key, kind in chosen.kinds.items()},
        owner_unit=owner if isinstance(owner, Unit) else None,
        owner_user=owner if isinstance(owner, User) else None,
        route=chosen.route,
        hidden=hides,
        source_name=chosen.source_name.strip()[:80],
        tags=list(chosen.tags),
        duplicates=chosen.duplicates,
        trial=chosen.trial,
        state=State.QUEUED,
        cancel_asked=False,
        touched_at=Now(),
        started_at=None,
        **AT_ZERO,
    )
    if not changed:
        raise NotDraftError
    ImportRow.objects.filter(run=run).delete()  # of a trial
    if not chosen.trial:
        _make_fields(run, mapping, chosen.kinds)


def _make_fields(run: ImportRun, mapping: Sequence[str], kinds: Kinds) -> None:
    """The custom fields of the mapping that are not there yet."""
    titles = {
        field.removeprefix(CUSTOM): name for name, field in zip(run.header, mapping, strict=True) if CUSTOM in field
    }
    made = []
    for key, name in titles.items():
        kind, choices = kinds.get(key, (CustomField.Kind.TEXT.value, ()))
        made.append(CustomField(company_id=run.company_id, key=key, label=name[:80], kind=kind, choices=list(choices)))
    CustomField.objects.bulk_create(made, ignore_conflicts=True)


def check_rights(actor: User, owner: Unit | User | None, mapping: Sequence[str], hidden: bool | None) -> bool:
    """Whether the leads start hidden, if she may do so at all. Raises PermissionDenied."""
    people, units = owners_for_new_leads(actor)
    if not actor.is_active or not actor.has_perm(Permission.IMPORT_LEAD):
        raise PermissionDenied("Your profile does not include imports.")
    if owner is None or owner not in [*people, *units]:
        raise PermissionDenied("You may import leads for yourself and for your own units.")
    if PERSON in mapping and not may_assign(actor, owner):
        raise PermissionDenied("Only a manager of the unit that owns the leads may say in a file who works them.")
    return starts_hidden(actor, owner, asked=hidden)


@transaction.atomic
def cancel_run(*, actor: User, run: ImportRun) -> None:
    """Stop a run that is under way: at once where nobody works on it yet, else after the chunk in hand. A trial ends as
    the draft that it was.
    """
    hers = ImportRun.objects.of(actor).filter(pk=run.pk)
    waiting = hers.filter(state=State.QUEUED)
    if waiting.filter(trial=True).update(state=State.DRAFT, trial=False):
        return
    if waiting.update(state=State.CANCELLED, finished_at=Now()):
        run.parts.all().delete()
    else:
        hers.filter(state=State.RUNNING).update(cancel_asked=True)


@transaction.atomic
def discard_run(*, actor: User, run: ImportRun) -> None:
    """Throw a draft away, file and all, also while it is read. Raises NotDraftError."""
    if not _delete_drafts(ImportRun.objects.of(actor).filter(pk=run.pk)):
        raise NotDraftError


@transaction.atomic
def forget_drafts() -> None:
    """Throw away drafts that were left alone for long."""
    _delete_drafts(ImportRun.objects.filter(created_at__lt=Now() - DRAFTS_LAST))


def _delete_drafts(runs: ImportRunQuerySet) -> int:
    """Those of the runs that have not started, locked first so that none can: how many."""
    unstarted = runs.filter(state__in=(State.READING, State.DRAFT))
    drafts = list(unstarted.order_by("pk").select_for_update().values_list("pk", flat=True))
    ImportRun.objects.filter(pk__in=drafts).delete()
    return len(drafts)
