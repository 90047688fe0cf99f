"""Building the benchmark's company: 20 offices, 100 teams, 1,000 people and as many leads as asked for, by sets."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX as NO_PASSWORD
from django.db import connection, transaction

from crm.bench import statements, words
from crm.bench.database import tidy_up
from crm.bench.lifted import lifted_indexes
from crm.organization.models import Company, Membership, Unit, User
from crm.organization.services import create_company
from leads.models import Lead, Source, Stage
from leads.search import reindex
from permissions.grants import permission_on
from permissions.ledger import record_select
from permissions.models import Profile, ProfileHolder

OFFICES, TEAMS, PEOPLE = 20, 100, 1000
CHUNK = 50_000
TIMELINE_ENTRIES = 500
TABLES = (
    "leads_lead",
    "leads_contactpoint",
    "leads_leadsearch",
    "leads_assignment",
    "leads_activity",
    "permissions_ledgerentry",
)
ADMIN, OFFICE_ADMIN, TEAM_LEAD, SMALL_AGENT, FEW_SHARES, MANY_SHARES = (
    f"{name}@bench.example" for name in ("admin", "office-001", "lead-001", "small", "few-shares", "many-shares")
)
SHARES = {FEW_SHARES: 20, MANY_SHARES: 2000}
OFFERS = 2000
Say = Callable[[str], None]


def recipe() -> str:
    """A fingerprint of what is built and how."""
    here = Path(__file__).parent
    text = "".join((here / name).read_text() for name in ("building.py", "statements.py", "words.py"))
    return hashlib.sha256(text.encode()).hexdigest()


def build(leads: int, say: Say) -> None:
    """Fill an empty, migrated database, committing chunk by chunk. `leads` is a multiple of 1,000."""
    company = build_company()
    with lifted_indexes(TABLES, say):
        for first in range(1, leads + 1, CHUNK):
            with transaction.atomic(), timed(f"leads {first:,} and following", say):
                build_leads(company, first, min(first + CHUNK - 1, leads), leads)
    with timed("shares and offers", say):
        build_keys(leads)
    with timed("tidy up", say):
        tidy_up()


@contextmanager
def timed(what: str, say: Say) -> Iterator[None]:
    started = time.monotonic()
    yield
    say(f"  {what}: {time.monotonic() - started:.1f} s")


@transaction.atomic
def build_company() -> Company:
    """The company with its tree, its people and its sources."""
    company = create_company(name="Bench")
    top = Unit.objects.get(company=company)
    offices = make_units(company, Unit.Kind.OFFICE, [(f"Office {n:03}", top) for n in range(1, OFFICES + 1)])
    in_offices = [(f"Team {n:03}", offices[(n - 1) * OFFICES // TEAMS]) for n in range(1, TEAMS + 1)]
    teams = make_units(company, Unit.Kind.TEAM, in_offices)
    make_people(company, "company_admin", [("admin", top, "owner")])
    make_people(company, "office_admin", [(f"office-{n:03}", unit, "admin") for n, unit in enumerate(offices, 1)])
    make_people(company, "team_lead", [(f"lead-{n:03}", unit, "admin") for n, unit in enumerate(teams, 1)])
    agents = PEOPLE - 1 - OFFICES - TEAMS - 3
    make_people(company, "agent", [(f"agent-{n:03}", teams[n % TEAMS], "member") for n in range(agents)])
    named = [("small", teams[0], "member"), ("few-shares", teams[1], "member"), ("many-shares", teams[2], "member")]
    make_people(company, "agent", named)
    Source.objects.bulk_create([Source(company=company, name=name) for name in words.SOURCES])
    return company


def make_units(company: Company, kind: str, named: list[tuple[str, Unit]]) -> list[Unit]:
    return Unit.objects.bulk_create(
        [Unit(company=company, kind=kind, name=name, parent=parent) for name, parent in named]
    )


def make_people(company: Company, profile: str, placed: list[tuple[str, Unit, str]]) -> None:
    """People named before the @, each in one unit with a role; nobody can sign in by password."""
    holding = Profile.objects.get(company=company, code=profile)
    people = User.objects.bulk_create(
        [
            User(
                company=company,
                email=f"{name}@bench.example",
                name=name.replace("-", " ").title(),
                password=NO_PASSWORD,
            )
            for name, _, _ in placed
        ]
    )
    Membership.objects.bulk_create(
        [
            Membership(company=company, unit=unit, user=user, role=role)
            for user, (_, unit, role) in zip(people, placed, strict=True)
        ]
    )
    ProfileHolder.objects.bulk_create([ProfileHolder(user=user, profile=holding) for user in people])


def build_leads(company: Company, first: int, last: int, total: int) -> None:
    """Leads number `first` to `last` of `total`, with all that belongs to them."""
    small = User.objects.get(email=SMALL_AGENT)
    before = Lead.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    run("SELECT setseed(%(seed)s)", {"seed": first / total})
    run(statements.TEAMS, {"company": company.pk, "small": small.pk})
    run(statements.LEADS, lead_params(company, small) | {"first": first, "last": last, "total": total})
    run("DROP TABLE bench_team", {})
    ids = list(Lead.objects.filter(company=company, pk__gt=before).order_by("pk").values_list("pk", flat=True))
    span = {"first": ids[0], "last": ids[-1]}
    for statement in (statements.CONTACT_POINTS, statements.ASSIGNMENTS, statements.ACTIVITIES):
        run(statement, span)
    reindex(ids)
    ends = ("to_unit_id", "to_user_id", "why")
    record_select(("company_id", "kind", "actor_id", "lead_id", *ends), statements.CREATED, span)
    record_select(("company_id", "kind", "lead_id", "role", "to_user_id", "why"), statements.ASSIGNED, span)
    if first == 1:
        lead = Lead.objects.filter(agent=small, owner_unit__isnull=False).order_by("pk")[0]
        long = {"company": company.pk, "lead": lead.pk, "actor": small.pk, "entries": TIMELINE_ENTRIES}
        run(statements.LONG_TIMELINE, long)


@transaction.atomic
def build_keys(total: int) -> None:
    """What opens single leads: shares, spread evenly over all leads, and open offers to those in their Agent slots."""
    given_by = User.objects.get(email=ADMIN)
    verb = permission_on(Lead, "view_lead")
    for email, count in SHARES.items():
        user = User.objects.get(email=email)
        params = {"user": user.pk, "verb": verb.pk, "given_by": given_by.pk, "step": max(total // count, 1)}
        run(statements.SHARES, params)
    for statement in (statements.ROTATIONS, statements.OFFERS):
        run(statement, {"step": max(total // OFFERS, 1)})


def lead_params(company: Company, small: User) -> dict[str, Any]:
    """What leads are drawn from: in each list the first is the most frequent, but for names."""
    lists: dict[str, list[Any]] = {
        "first_name": words.FIRST_NAMES,
        "surname": words.SURNAMES,
        "state": words.STATES,
        "source": list(Source.objects.filter(company=company).order_by("pk").values_list("pk", flat=True)),
        "stage": list(Stage.objects.filter(company=company).order_by("position").values_list("pk", flat=True)),
    }
    params: dict[str, Any] = {f"{name}s": values for name, values in lists.items()}
    params |= {f"{name}_count": len(values) for name, values in lists.items()}
    top = Unit.objects.get(company=company, kind=Unit.Kind.COMPANY)
    return params | {"company": company.pk, "unit": top.pk, "small": small.pk}


def run(statement: str, params: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
