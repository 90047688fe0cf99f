"""An import of 100,000 rows beside the COPY of the rows it made, and what the newest rows do to everyone's first page."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from random import Random

from django.conf import settings
from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from crm.bench import people, words
from crm.bench.askers import asking
from crm.bench.building import ADMIN
from crm.bench.database import clone, connected_to
from crm.bench.figures import Figure, Rate
from leads.xlsx import workbook

ROWS = 100_000
OWNER = "Team 050"  # of none of those who are asked for their pages afterwards, but for the company admin
TARGET = "at least 8,000 rows/s, 0.35 of COPY, below 300 MB"
HEADER = "first_name,last_name,company_name,address,city,county,state,zip,phone1,phone2,email,web"
AHEAD = 100_000_000  # added to the ids of copies
# runs a command from a small process: by what Linux says of memory, a child has taken at least what its parent holds
MEASURED = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_maxrss // 1024, usage.ru_utime + usage.ru_stime)
sys.exit(status)
"""

LEAD = (
    "owner_unit_id, origin, origin_unit_id, first_name, last_name, company_name, street, city, state, postal_code,"
    " time_zone, language, kind, source_id, stage_id, tags, score, price_min, price_max, custom, created_by_id"
)
# what an import writes, by table: its own columns, and how a copied row comes by its ids
TABLES = (
    ("leads_lead", f"id, company_id, {LEAD}", f"id + {AHEAD}, company_id, {LEAD}", "id"),
    (
        "leads_contactpoint",
        "company_id, lead_id, kind, value, raw, position",
        f"company_id, lead_id + {AHEAD}, kind, value, raw, position",
        "lead_id",
    ),
    ("leads_leadsearch", "company_id, lead_id, text", f"company_id, lead_id + {AHEAD}, text", "lead_id"),
    (
        "permissions_ledgerentry",
        "company_id, kind, actor_id, lead_id, to_unit_id, why, detail",
        f"company_id, kind, actor_id, lead_id + {AHEAD}, to_unit_id, why, detail",
        "lead_id",
    ),
)


def figures(database: str, rows: int = ROWS) -> Iterator[Figure | Rate]:
    """On a copy of the benchmark's database, dropped afterwards."""
    with clone(database) as copied, connected_to(copied):
        for number, name in enumerate(("leads.csv", "leads.xlsx")):
            last = _scalar("SELECT max(id) FROM leads_lead")
            taken, megabytes, python_s = run_import(copied, name, range(number * rows, (number + 1) * rows))
            copying = copy_again(last)
            ratio = round(copying / taken, 2)
            ours, raw = round(rows / taken), round(rows / copying)
            ok = ours >= 8000 and ratio >= 0.35 and megabytes < 300
            what = f"import of {rows:,} rows, {name}"
            yield Rate(what, "company admin", ours, raw, ratio, megabytes, TARGET, ok, python_s)
        for role in ("company admin", "office admin", "team lead", "small agent"):
            with asking(role) as asker:
                question = people.Question("people first page, after the import")
                yield from people.measure(people.signed_in(asker), asker, question)


def run_import(database: str, name: str, numbers: range) -> tuple[float, int, float]:
    """Seconds of the whole command, its start included; its memory at most in megabytes; its processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        write_file(file, numbers)
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "import_leads", str(file)]
        started = time.monotonic()
        measured = subprocess.run(
            [sys.executable, "-I", "-c", MEASURED, *command, "--as", ADMIN, "--owner", OWNER],
            env=environment(database),
            stdout=subprocess.PIPE,
            text=True,
        )
        taken = time.monotonic() - started
    if measured.returncode != 0:
        raise RuntimeError("the import failed")
    megabytes, processor = measured.stdout.split()
    return taken, int(megabytes), round(float(processor), 1)


def environment(database: str) -> dict[str, str]:
    """What the command sees: this installation, with another database."""
    urls = {
        name: make_conninfo(getattr(settings, name), dbname=database) for name in ("DATABASE_URL", "DATABASE_OWNER_URL")
    }
    return os.environ | urls | {"REDIS_URL": settings.REDIS_URL}


def write_file(path: Path, numbers: range) -> None:
    """A file of people nobody knows yet, in twelve columns."""
    rows = chain([HEADER.split(",")], people_of(numbers))
    if path.suffix == ".xlsx":
        with path.open("wb") as book:
            book.writelines(workbook(rows))
        return
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def people_of(numbers: range) -> Iterator[list[str]]:
    random = Random(len(numbers))  # noqa: S311  # no secret
    for number in numbers:
        first, last = random.choice(words.FIRST_NAMES), random.choice(words.SURNAMES)
        area, rest = 201 + number % 700, f"{200 + number // 700:03}-{number % 10_000:04}"
        address = [f"{number % 990 + 1} Main St", "Springfield", "Greene", random.choice(words.STATES)]
        phones = [f"{area}-{rest}", f"({area}) 555-{number % 10_000:04}"]
        reach = [f"{number % 99_999:05}", *phones, f"{first}.{last}.{number}@example.org", "www.example.org"]
        yield [first, last, f"{last} Company" if number % 3 else "", *address, *reach]


def copy_again(last: int) -> float:
    """Seconds that COPY takes for the rows of leads after id `last`, with all that hangs on them; rolled back."""
    data = {table: copied_out(table, columns, key, last) for table, _, columns, key in TABLES}
    with transaction.atomic(), connection.cursor() as cursor:
        started = time.monotonic()
        for table, columns, _, _ in TABLES:
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                copy.write(data[table])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        taken = time.monotonic() - started
        transaction.set_rollback(True)
    return taken


def copied_out(table: str, columns: str, key: str, last: int) -> bytes:
    buffer = BytesIO()
    with connection.cursor() as cursor:
        statement = f"COPY (SELECT {columns} FROM {table} WHERE {key} > {last} ORDER BY {key}) TO STDOUT"
        with cursor.copy(statement) as copy:
            for part in copy:
                buffer.write(part)
    return buffer.getvalue()


def _scalar(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])
