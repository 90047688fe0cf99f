"""What a book of rules would have decided beside what happened, for one reader (R12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crm.organization.models import Unit, User
from leads.models import Lead, Pond
from permissions.access import Keyring, Level
from routing.models import Decision, Rule, ShadowDecision

MOST_LEADS = 2000


@dataclass(frozen=True)
class Receiver:
    """A person, a pond, everybody on a roster, or nobody. The id tells namesakes apart."""

    name: str
    kind: str = ""
    pk: int | None = None

    def __str__(self) -> str:
        return self.name


NOBODY = Receiver("Nobody")


@dataclass(frozen=True)
class Compared:
    """A lead with who got it first, and who would have, by which rule, past whom. `older`: by an older version.

    `in_turn`: both by the turns of one roster, which stand elsewhere now than they did then.
    """

    lead: Lead
    at: datetime
    was: Receiver
    would: Receiver
    rule: str
    skipped: Sequence[tuple[str, str]]
    older: bool
    in_turn: bool

    @property
    def is_same(self) -> bool:
        return self.in_turn or self.was == self.would


@dataclass
class Comparison:
    """`unseen`: leads that are not the reader's to see, which are left out; `cut`: there were more than are compared."""

    rows: list[Compared] = field(default_factory=list)
    unseen: int = 0
    cut: bool = False

    @property
    def shares(self) -> list[tuple[Receiver, int, int]]:
        """By receiver, how many leads went there first, and how many would have."""
        was, would = Counter(row.was for row in self.rows), Counter(row.would for row in self.rows)
        receivers = sorted({*was, *would}, key=lambda one: (-would[one], one.name, one.pk or 0))
        return [(one, was[one], would[one]) for one in receivers]

    @property
    def by_rule(self) -> Mapping[str, int]:
        """By rule of the version that stands, how many leads it would have caught."""
        return Counter(row.rule for row in self.rows if not row.older)

    @property
    def changed(self) -> list[Compared]:
        """Those that would have gone elsewhere, newest first."""
        return [row for row in reversed(self.rows) if not row.is_same]

    @property
    def older(self) -> int:
        return sum(row.older for row in self.rows)


def compare(*, keyring: Keyring, made: Sequence[ShadowDecision], version: int, cut: bool) -> Comparison:
    """These decisions, oldest first, beside what happened. `version` is that of the book as it stands."""
    ids = {one.rotation.lead_id for one in made}
    hers = Lead.objects.visible_to(keyring, Level.VIEW).filter(pk__in=ids)
    leads = {lead.pk: lead for lead in hers.order_by("pk")}
    shown = [one for one in made if one.rotation.lead_id in leads]
    first, found = _first_decisions(shown), Comparison(unseen=len(made) - len(shown), cut=cut)
    names = _Names(keyring.company_id, [*shown, *first.values()], shown)
    for one in shown:
        was = first.get(one.rotation_id)
        found.rows.append(
            Compared(
                lead=leads[one.rotation.lead_id],
                at=one.at,
                was=names.receiver(was, one.rotation.unit_id) if was else NOBODY,
                would=names.receiver(one, one.unit_id),
                rule=one.rule,
                skipped=[(names.people.get(user, "Somebody"), reason) for user, reason in one.skipped],
                older=one.version != version,
                in_turn=was is not None and _turn(was, one.rotation.unit_id) == _turn(one, one.unit_id) != 0,
            )
        )
    return found


def _turn(decision: Decision | ShadowDecision, unit_id: int) -> int:
    """The unit on whose roster somebody got it in turn; 0 where nobody did."""
    return unit_id if decision.method == Rule.Method.ROUND_ROBIN and decision.chosen_id else 0


def _first_decisions(made: Sequence[ShadowDecision]) -> dict[int, Decision]:
    """By rotation, what really was decided first."""
    rotations = [one.rotation for one in made]
    decisions = Decision.objects.filter(lead__in={one.lead_id for one in rotations}, rotation__in=rotations)
    first: dict[int, Decision] = {}
    for decision in decisions.order_by("rotation", "pk"):
        first.setdefault(decision.rotation_id, decision)
    return first


class _Names:
    """The names of all whom these decisions mean, fetched at once."""

    def __init__(
        self, company_id: int, decisions: Sequence[Decision | ShadowDecision], made: Sequence[ShadowDecision]
    ) -> None:
        ids = {one.chosen_id for one in decisions} | {user for one in made for user, _ in one.skipped}
        ponds = {one.pond_id for one in decisions}
        units = {unit for one in made for unit in (one.unit_id, one.rotation.unit_id)}
        owned = {"company": company_id}
        self.people = dict(User.objects.filter(pk__in=ids - {None}, **owned).order_by("pk").values_list("pk", "name"))
        self.ponds = dict(Pond.objects.filter(pk__in=ponds - {None}, **owned).order_by("pk").values_list("pk", "name"))
        self.units = dict(Unit.objects.filter(pk__in=units, **owned).order_by("pk").values_list("pk", "name"))

    def receiver(self, decision: Decision | ShadowDecision, unit_id: int) -> Receiver:
        """Who got it by this decision on the roster of the unit."""
        if decision.chosen_id:
            return Receiver(self.people.get(decision.chosen_id, "Somebody"), "person", decision.chosen_id)
        if decision.pond_id:
            return Receiver(self.ponds.get(decision.pond_id, "A pond"), "pond", decision.pond_id)
        if decision.method == Rule.Method.FIRST_TO_CLAIM:
            return Receiver(f"Everybody on the roster of {self.units[unit_id]}", "roster", unit_id)
        return NOBODY
