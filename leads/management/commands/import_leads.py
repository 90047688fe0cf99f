"""`manage.py import_leads FILE --as EMAIL --owner NAME-OR-EMAIL [--route] [--hidden]
[--duplicates skip|update|create]`: an import in the foreground (I1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.organization.models import Unit, User
from leads.imports.matching import problems_of
from leads.imports.reading import UnreadableFileError
from leads.imports.running import carry_on
from leads.imports.services import Options, discard_run, start_run
from leads.imports.uploading import create_run
from leads.models import ImportRow, ImportRun
from leads.services.creating import owners_for_new_leads
from leads.services.hiding import starts_hidden

REASONS_SHOWN = 20


class Command(BaseCommand):
    help = "Import leads from a CSV file or a workbook (XLSX); the last line says what became of its rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the file")
        parser.add_argument("--as", dest="email", required=True, help="e-mail of the person who imports")
        parser.add_argument("--owner", required=True, help="who will own the leads: a unit's name, or her own e-mail")
        parser.add_argument("--route", action="store_true", help="hand the leads to the unit's routing")
        parser.add_argument("--hidden", action="store_true", default=None, help="personal leads start hidden")

        parser.add_argument(
            "--duplicates",
            choices=ImportRun.Duplicates.values,
            default="skip",
            help="what becomes of leads that are there",
        )

    def handle(
        self,
        *args: Any,
        file: Path,
        email: str,
        owner: str,
        route: bool,
        hidden: bool | None,
        duplicates: str = "skip",
        **rest: Any,
    ) -> None:
        actor = User.objects.active().filter(email=email.strip().lower()).first()
        if actor is None:
            raise CommandError(f"There is nobody with the e-mail {email} who may sign in.")
        to = owner_named(actor, owner)
        if route and isinstance(to, User):
            raise CommandError("Only a unit's leads can be handed to routing: name a unit as the owner.")
        try:
            hides = starts_hidden(actor, to, asked=hidden)
            run = upload(actor, file)
            options = Options(route=route, hidden=hides, source_name=run.source_name, duplicates=duplicates)
            start_run(actor=actor, run=run, mapping=run.mapping, owner=to, options=options)
        except PermissionDenied as refusal:
            raise CommandError(str(refusal)) from refusal
        carry_on(run.pk)
        self.report(ImportRun.objects.get(pk=run.pk))

    def report(self, run: ImportRun) -> None:
        if run.state != ImportRun.State.DONE:
            raise CommandError(run.error or "Somebody else carries this import on; it is not lost.")
        rejected = ImportRow.objects.filter(run=run, outcome=ImportRow.Outcome.REJECTED).order_by("number")
        for row in rejected[:REASONS_SHOWN]:
            self.stdout.write(f"line {row.number}: {row.reason}")
        if run.rejected > REASONS_SHOWN:
            self.stdout.write(f"and {run.rejected - REASONS_SHOWN} more")
        updated = f"updated {run.updated}, " if run.updated else ""
        self.stdout.write(f"imported {run.imported}, {updated}skipped {run.skipped}, rejected {run.rejected}")


def owner_named(actor: User, text: str) -> Unit | User:
    """Whom she means, of those she may name."""
    people, units = owners_for_new_leads(actor)
    wanted = text.strip().lower()
    for person in people:
        if person.email == wanted:
            return person
    for unit in units:
        if unit.name.lower() == wanted:
            return unit
    names = ", ".join([actor.email, *(unit.name for unit in units)])
    raise CommandError(f"{actor.email} may not name “{text}” as the owner. She may name: {names}.")


def upload(actor: User, path: Path) -> ImportRun:
    try:
        with path.open("rb") as file:
            run = create_run(actor=actor, file=file, name=path.name)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnreadableFileError as error:
        raise CommandError(f"{path}: {error}") from error
    for problem in problems_of(run.header, run.mapping).values():
        discard_run(actor=actor, run=run)
        raise CommandError(f"{path}: {problem}")
    return run
