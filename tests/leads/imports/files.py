"""Files to import, and a short way to do it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from crm.organization.models import Unit, User
from leads.imports.running import carry_on
from leads.imports.services import Options, start_run
from leads.imports.uploading import create_run
from leads.models import ImportRow, ImportRun
from permissions.profiles.services import give_profile

CONTACTS = Path(__file__).parents[2] / "data" / "contacts.csv"
HEADER = "first_name,last_name,email,phone"


def csv_of(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def people(numbers: Iterable[int]) -> bytes:
    """A file of so many different people."""
    return csv_of(*(f"First{n},Last{n},p{n}@mail.example,201-{200 + n // 10000:03d}-{n % 10000:04d}" for n in numbers))


def keeps_lists(user: User) -> User:
    """Her profile includes the settings of her company, and so the fields that a file brings."""
    give_profile(user, "company_admin")
    user.refresh_from_db()  # also the profile that it knew
    return user


def upload(actor: User, content: bytes, name: str = "people.csv") -> ImportRun:
    return create_run(actor=actor, file=io.BytesIO(content), name=name)


def start(
    actor: User,
    owner: Unit | User,
    content: bytes,
    *,
    mapping: Sequence[str] = (),
    name: str = "people.csv",
    **given: Any,
) -> ImportRun:
    run = upload(actor, content, name)
    start_run(actor=actor, run=run, mapping=mapping or run.mapping, owner=owner, options=Options(**given))
    return run


def bring(actor: User, owner: Unit | User, content: bytes, **given: Any) -> ImportRun:
    """Upload, start and carry to its end."""
    run = start(actor, owner, content, **given)
    carry_on(run.pk)
    run.refresh_from_db()
    return run


def counts(run: ImportRun) -> tuple[int, int, int]:
    run.refresh_from_db()
    return run.imported, run.skipped, run.rejected


def reasons(run: ImportRun) -> dict[int, str]:
    """Of the rows that did not go in, by line."""
    rows = ImportRow.objects.filter(run=run, outcome__in=("skipped", "rejected")).order_by("number")
    return dict(rows.values_list("number", "reason"))
