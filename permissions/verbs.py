"""What may be done with a lead (P3): both a standing to the lead and a permission. Pure: standard library only.

`why_not` answers for one lead, `permissions.door.doable` for all; both read WAYS.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from permissions.access import Access, Keyring, Level, LockedLead, Reason
from permissions.catalog import Permission


class Verb(StrEnum):
    TRANSFER = "transfer"
    MERGE = "merge"
    EXPORT = "export"
    DELETE = "delete"
    SHARE = "share"
    HIDE = "hide"
    ASSIGN = "assign"


@dataclass(frozen=True)
class Way:
    """One way to be allowed a verb: access of this level or for this reason, and the permission.

    `personal` says of whose leads it speaks: a person's, a unit's, or (None) both.
    """

    standing: Level | Reason
    permission: Permission | None = None
    personal: bool | None = None

    def stands(self, access: Access) -> bool:
        if isinstance(self.standing, Level):
            return access.level >= self.standing
        return any(key.reason == self.standing for key in access.reasons)

    def speaks_of(self, lead: LockedLead) -> bool:
        return self.personal is None or self.personal == (lead.owner_user_id is not None)

    def is_held(self, keyring: Keyring) -> bool:
        return self.permission is None or self.permission in keyring.held


P = Permission
WAYS: dict[Verb, tuple[Way, ...]] = {
    Verb.TRANSFER: (Way(Level.MANAGE, P.CHANGE_OWNER),),
    Verb.MERGE: (Way(Level.MANAGE, P.MERGE_LEAD),),
    Verb.EXPORT: (
        Way(Level.MANAGE, P.EXPORT_PERSONAL_LEAD, personal=True),
        Way(Level.MANAGE, P.EXPORT_UNIT_LEAD, personal=False),
        Way(Reason.ASSIGNED, P.EXPORT_UNIT_LEAD, personal=False),
    ),
    Verb.DELETE: (
        Way(Level.MANAGE, P.DELETE_PERSONAL_LEAD, personal=True),
        Way(Level.MANAGE, P.DELETE_UNIT_LEAD, personal=False),
        Way(Reason.ASSIGNED, P.DELETE_UNIT_LEAD, personal=False),
    ),
    Verb.SHARE: (Way(Level.MANAGE, P.SHARE_LEAD),),
    Verb.HIDE: (Way(Reason.OWNER, P.HIDE_LEAD, personal=True),),
    Verb.ASSIGN: (Way(Level.MANAGE),),
}
IN_WORDS = {
    P.CHANGE_OWNER: "transferring leads",
    P.MERGE_LEAD: "merging leads",
    P.EXPORT_PERSONAL_LEAD: "exporting personal leads",
    P.EXPORT_UNIT_LEAD: "exporting leads of units",
    P.DELETE_PERSONAL_LEAD: "deleting personal leads",
    P.DELETE_UNIT_LEAD: "deleting leads of units",
    P.SHARE_LEAD: "sharing leads",
    P.HIDE_LEAD: "hiding leads",
}


def why_not(keyring: Keyring, lead: LockedLead, verb: Verb) -> str:
    """Why she may not do this with this lead, in a sentence; empty where she may."""
    ways = [way for way in WAYS[verb] if way.speaks_of(lead)]
    if not ways:
        return "It belongs to a unit: this is for personal leads only."
    access = keyring.access(lead)
    standing = [way for way in ways if way.stands(access)]
    if any(way.is_held(keyring) for way in standing):
        return ""
    lacking = next((way.permission for way in standing if way.permission), None)
    if lacking:
        return f"The profile does not include {IN_WORDS[lacking]}."
    if lead.owner_user_id is not None:
        return f"It is a personal lead: it is its owner’s to {verb}."
    return f"It belongs to a unit: only the managers of that unit may {verb} it."


def why_not_many(keyring: Keyring, count: int) -> str:
    """Why she may not act on so many leads at once (P3); empty where she may."""
    if count <= 1 or P.MASS_EDIT_LEAD in keyring.held:
        return ""
    return "The profile does not include changing many leads at once. Change them one by one."
