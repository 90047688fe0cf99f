"""Who would gain and lose sight of which personal leads under another policy (O5), counted over the whole company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from crm.organization.models import Company, Unit, User
from leads.models import Lead
from leads.reading import LeadRow, RedactedRow, rows_of, with_names
from permissions.access import KINDS as LOCK_KINDS
from permissions.access import Keyring, Level, Lock, LockedLead, Privacy, make_keyring
from permissions.managers import Manager, managers_of
from permissions.policy.foreseeing import Alike, Extent, Shift, foresee

EXAMPLES = 3
KINDS = {
    Unit.Kind.COMPANY: ("manager of the company", "managers of the company"),
    Unit.Kind.OFFICE: ("manager of an office", "managers of offices"),
    Unit.Kind.TEAM: ("manager of a team", "managers of teams"),
}
GAINS = {
    Level.REDACTED: ("is seen, redacted, by", "are seen, redacted, by"),
    Level.VIEW: ("becomes visible to", "become visible to"),
    Level.WORK: ("can be worked by", "can be worked by"),
    Level.MANAGE: (
        "can be seen, given away, exported and deleted by",
        "can be seen, given away, exported and deleted by",
    ),
}
LOSSES = {
    Level.NONE: ("becomes invisible to", "become invisible to"),
    Level.REDACTED: ("is seen, but only redacted, by", "are seen, but only redacted, by"),
    Level.VIEW: ("can be looked at, and no more, by", "can be looked at, and no more, by"),
    Level.WORK: ("can be worked, and no more, by", "can be worked, and no more, by"),
}
# every column that access is decided on; of the slots only those that some manager has a key to
ALIKE = """
SELECT id, owner, origin, hidden, privacy, lead_locks(NULL, owner, hidden, privacy, origin, slots), alike
FROM (
    SELECT min(id) AS id, owner_user_id AS owner, origin_unit_id AS origin, hidden, privacy,
        CASE WHEN slot_locks && %(slots)s::integer[] THEN slot_locks ELSE '{}' END AS slots, count(*) AS alike
    FROM leads_lead WHERE company_id = %(company)s AND owner_user_id IS NOT NULL AND removed_at IS NULL
    GROUP BY owner_user_id, origin_unit_id, hidden, privacy, slots, CASE WHEN id = ANY(%(single)s::bigint[]) THEN id END
) AS lead ORDER BY id
"""


@dataclass(frozen=True)
class Turn:
    """What changes for one kind of managers, as a sentence in three parts, with examples the asker may see now."""

    shift: Shift
    leads: str
    verb: str
    managers: str
    examples: list[LeadRow | RedactedRow]

    @property
    def is_loss(self) -> bool:
        return self.shift.after < self.shift.before

    @property
    def levels(self) -> str:
        return f"{self.shift.before.name} → {self.shift.after.name}".lower()


def turns_of(*, asker: User, policy: Privacy) -> list[Turn]:
    """What happens to everybody's sight of personal leads once the policy is `policy`. The asker manages the company."""
    managers = managers_of(asker.company)
    standings = [(manager.kind.value, manager.standing) for manager in managers]
    found = foresee(standings, groups_of(asker.company, managers), policy, asker.pk)
    keyring = next(make_keyring(standing) for _, standing in standings if standing.user_id == asker.pk)
    examples = _examples(keyring, found)
    return [_turn(shift, found[shift], examples[shift]) for shift in sorted(found)]


def groups_of(company: Company, managers: Sequence[Manager]) -> list[Alike]:
    """The company's personal leads, those together that no manager's keys can tell apart. Reads every one of them."""
    rings = [make_keyring(manager.standing) for manager in managers]
    params: dict[str, Any] = {
        "company": company.pk,
        "slots": sorted(
            {lock for ring in rings for lock in ring.keys if lock % LOCK_KINDS in (Lock.ASSIGNED, Lock.POND)}
        ),
        "single": sorted({lead for ring in rings for lead in ring.leads}),
    }
    with connection.cursor() as cursor:
        cursor.execute(ALIKE, params)
        return [
            Alike(LockedLead(pk, company.pk, None, owner, origin, hidden, privacy, tuple(locks)), count)
            for pk, owner, origin, hidden, privacy, locks, count in cursor.fetchall()
        ]


def _turn(shift: Shift, extent: Extent, examples: list[LeadRow | RedactedRow]) -> Turn:
    hidden = "hidden " if Level.REDACTED in (shift.before, shift.after) else ""
    leads = _counted(extent.leads, f"{hidden}lead", f"{hidden}leads")
    leads += f" of {_counted(extent.people, 'person', 'people')}"
    managers = _counted(len(extent.managers), *KINDS[Unit.Kind(shift.kind)])
    one, many = (GAINS if shift.after > shift.before else LOSSES)[shift.after]
    return Turn(shift, leads, one if extent.leads == 1 else many, managers, examples)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _examples(keyring: Keyring, found: dict[Shift, Extent]) -> dict[Shift, list[LeadRow | RedactedRow]]:
    """For each shift some of its leads, through the door: what she who holds the keyring may see of them now."""
    chosen = {shift: list(extent.groups)[:EXAMPLES] for shift, extent in found.items()}
    ids = {pk for some in chosen.values() for pk in some}
    leads = list(with_names(Lead.objects.visible_to(keyring).filter(pk__in=ids).order_by("pk")))
    rows = dict(zip((lead.pk for lead in leads), rows_of(leads, keyring), strict=True))
    return {shift: [rows[pk] for pk in some if pk in rows] for shift, some in chosen.items()}
