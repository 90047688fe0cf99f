"""Who asks in the benchmark, and what an expert would write into a statement for what each of them may see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from crm.bench.building import ADMIN, FEW_SHARES, MANY_SHARES, OFFICE_ADMIN, SMALL_AGENT, TEAM_LEAD
from crm.organization.models import Company, PersonalLeads, User
from permissions.access import Keyring, Level, Privacy
from permissions.keyring import load_keyring

# each by e-mail, with the company's policy while she asks
ROLES = {
    "company admin": (ADMIN, PersonalLeads.VISIBLE),
    "company admin, managed": (ADMIN, PersonalLeads.MANAGED),
    "company admin, private": (ADMIN, PersonalLeads.PRIVATE),
    "office admin": (OFFICE_ADMIN, PersonalLeads.VISIBLE),
    "team lead": (TEAM_LEAD, PersonalLeads.VISIBLE),
    "small agent": (SMALL_AGENT, PersonalLeads.VISIBLE),
    "agent, 20 shares": (FEW_SHARES, PersonalLeads.VISIBLE),
    "agent, 2,000 shares": (MANY_SHARES, PersonalLeads.VISIBLE),
}

# a company admin's keys would be thousands, so plain columns take their place
SHOWN = "privacy >= 1 AND owner_user_id <> ALL(%(unmanaged)s::bigint[])"
ORIGINATED = "origin_unit_id IS NOT NULL"
BY_LOCKS = "(locks && %(keys)s::integer[] OR leads_lead.id = ANY(%(leads)s::bigint[]))"


@dataclass(frozen=True)
class Asker:
    role: str
    user: User
    keyring: Keyring

    def seen(self, level: Level) -> tuple[str, Mapping[str, Any]]:
        """The condition by hand, and its parameters."""
        reach = self.keyring.company
        if reach is None:
            return BY_LOCKS, {"keys": self.keyring.locks_at(level), "leads": self.keyring.leads_at(level)}
        personal = ORIGINATED if reach.privacy == Privacy.PRIVATE else f"({SHOWN} OR {ORIGINATED})"
        open_to_her = personal if level == Level.REDACTED else f"({personal} AND NOT hidden)"
        return f"(owner_unit_id IS NOT NULL OR {open_to_her})", {"unmanaged": sorted(reach.unmanaged)}


@contextmanager
def asking(role: str) -> Iterator[Asker]:
    """The asker of a role, while the company has the policy under which she asks."""
    email, policy = ROLES[role]
    companies = Company.objects.filter(people__email=email)
    before = companies.values_list("personal_leads", flat=True).get()
    companies.update(personal_leads=policy)
    try:
        user = User.objects.select_related("company", "holding__profile").get(email=email)
        yield Asker(role, user, load_keyring(user))
    finally:
        companies.update(personal_leads=before)
