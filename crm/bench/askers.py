"""Who asks in the benchmark, and what an expert would write into a statement for what each of them may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm.bench.building import ADMIN, OFFICE_ADMIN, SMALL_AGENT, TEAM_LEAD
from crm.organization.models import User
from permissions.access import Keyring, Level
from permissions.keyring import load_keyring

ROLES = {"company admin": ADMIN, "office admin": OFFICE_ADMIN, "team lead": TEAM_LEAD, "small agent": SMALL_AGENT}

# a company admin's keys would be thousands, so plain columns take their place
WHOLE_COMPANY = "(owner_unit_id IS NOT NULL OR (privacy >= 1 AND owner_user_id <> ALL(%(unmanaged)s::bigint[])))"
WHOLE_COMPANY_OPEN = (
    "(owner_unit_id IS NOT NULL OR (privacy >= 1 AND NOT hidden AND owner_user_id <> ALL(%(unmanaged)s::bigint[])))"
)
BY_LOCKS = "locks && %(keys)s::integer[]"


@dataclass(frozen=True)
class Asker:
    role: str
    user: User
    keyring: Keyring

    @classmethod
    def of(cls, role: str) -> Asker:
        user = User.objects.select_related("company", "holding__profile").get(email=ROLES[role])
        return cls(role, user, load_keyring(user))

    def seen(self, level: Level) -> tuple[str, Mapping[str, Any]]:
        """The condition by hand, and its parameters."""
        if self.keyring.company is not None:
            unmanaged = sorted(self.keyring.company.unmanaged)
            return WHOLE_COMPANY if level == Level.REDACTED else WHOLE_COMPANY_OPEN, {"unmanaged": unmanaged}
        return BY_LOCKS, {"keys": self.keyring.locks_at(level)}
