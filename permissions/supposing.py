"""What a person could see of a lead if something were otherwise: facts, and changes of facts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from permissions.access import Access, Key, Keyring, Level, Lock, LockedLead, Privacy, Reason, Standing, make_keyring


@dataclass(frozen=True)
class Names:
    """How the sentences call them; `origin` is the unit that generated the lead, `pond` the pond it is in."""

    person: str
    owner: str
    origin: str = ""
    pond: str = ""


@dataclass(frozen=True)
class Facts:
    """One person, one lead, and how they stand to each other.

    `standing.joined_units` holds all her units, whether or not her profile shows their leads. `manages_owner` says whom
    she manages whatever the owner's switch *private and hide from team* (`owner_hides`) says; `owner_above`, that the owner
    manages every unit she could be reached through: nobody manages upward.
    """

    names: Names
    standing: Standing
    lead: LockedLead
    assigned: frozenset[int] = frozenset()
    pond: int | None = None
    active: bool = True
    manages_owner: bool = False
    owner_hides: bool = False
    owner_above: bool = False

    def keyring(self) -> Keyring:
        standing = self.standing
        return make_keyring(standing) if self.active else Keyring(standing.user_id, standing.company_id)

    def access(self) -> Access:
        return self.keyring().access(self.lead)

    def say(self, words: str) -> str:
        return words.format(**vars(self.names))


def locks_of(lead: LockedLead, assigned: Iterable[int], pond: int | None = None) -> tuple[int, ...]:
    """The locks the database would give this lead, as its function `lead_locks` does; a test compares the two."""
    slots = tuple(Lock.ASSIGNED.of(person) for person in sorted(assigned))
    slots += (Lock.POND.of(pond),) if pond else ()
    if lead.owner_unit_id is not None:
        return (Lock.UNIT.of(lead.owner_unit_id), *slots)
    owner, privacy = lead.owner_user_id or 0, lead.privacy or Privacy.PRIVATE
    locks = [Lock.OWNER.of(owner)]
    if privacy >= Privacy.VISIBLE:
        locks.append((Lock.SHOWN_HIDDEN if lead.hidden else Lock.SHOWN).of(owner))
    if privacy == Privacy.MANAGED and not lead.hidden:
        locks.append(Lock.MANAGED.of(owner))
    if lead.origin_unit_id is not None:
        locks.append((Lock.ORIGIN_HIDDEN if lead.hidden else Lock.ORIGIN).of(lead.origin_unit_id))
    return (*locks, *slots)


def with_lead(facts: Facts, **columns: Any) -> Facts:
    changed = replace(facts.lead, **columns)
    return replace(facts, lead=replace(changed, locks=locks_of(changed, facts.assigned, facts.pond)))


def with_standing(facts: Facts, **changes: Any) -> Facts:
    return replace(facts, standing=replace(facts.standing, **changes))


def with_company(facts: Facts, **changes: Any) -> Facts:
    company = facts.standing.company
    return with_standing(facts, company=replace(company, **changes)) if company else facts


def own(facts: Facts) -> Facts:
    owner = {"owner_user_id": facts.standing.user_id, "owner_unit_id": None}
    return with_lead(facts, **owner, hidden=False, privacy=facts.standing.policy)


def assign(facts: Facts) -> Facts:
    return with_lead(replace(facts, assigned=facts.assigned | {facts.standing.user_id}))


def open_by(reason: Reason) -> Callable[[Facts], Facts]:
    """An offer, or a share to work it."""
    return lambda facts: with_standing(facts, leads=(*facts.standing.leads, (facts.lead.id, Key(Level.WORK, reason))))


def is_open_by(facts: Facts, reason: Reason) -> bool:
    return any(lead == facts.lead.id and key.reason == reason for lead, key in facts.standing.leads)


def manage_unit(facts: Facts, unit: int | None) -> Facts:
    return with_standing(facts, managed_units=facts.standing.managed_units | ({unit} if unit else set()))


def manages_unit(facts: Facts, unit: int | None) -> bool:
    return facts.standing.company is not None or unit in facts.standing.managed_units


def belongs_to_pond(facts: Facts) -> bool:
    return facts.pond in facts.standing.ponds | facts.standing.ponds_looked_at


def join_pond(facts: Facts) -> Facts:
    pond = facts.pond
    return with_standing(facts, ponds=facts.standing.ponds | ({pond} if pond else set()))


def join(facts: Facts) -> Facts:
    unit = facts.lead.owner_unit_id
    return with_standing(facts, joined_units=facts.standing.joined_units | ({unit} if unit else set()))


def reaches_owner(facts: Facts) -> bool:
    company = facts.standing.company
    return facts.lead.owner_user_id not in company.unmanaged if company else facts.manages_owner


def reach_owner(facts: Facts) -> Facts:
    """Her manager; a company manager becomes that once the owner is a member of anything."""
    owner = facts.lead.owner_user_id or 0
    company = facts.standing.company
    if company is not None:
        return with_company(facts, unmanaged=company.unmanaged - {owner})
    return _settle(replace(facts, manages_owner=True))


def show_to_team(facts: Facts) -> Facts:
    return _settle(replace(facts, owner_hides=False))


def _settle(facts: Facts) -> Facts:
    """Whom she manages in the eyes of the rules: not those who keep private from their team."""
    owner = facts.lead.owner_user_id or 0
    reached = {owner} if facts.manages_owner and not facts.owner_hides else set()
    return with_standing(facts, managed_people=facts.standing.managed_people | reached)


def set_policy(privacy: Privacy) -> Callable[[Facts], Facts]:
    return lambda facts: replace(facts, standing=under(privacy, facts.standing))


def under(privacy: Privacy, standing: Standing) -> Standing:
    """The same person while the company's policy is another."""
    company = replace(standing.company, privacy=privacy) if standing.company else None
    return replace(standing, policy=privacy, company=company)
