"""Which fields of two leads may differ, and what the one that stays takes from the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leads.models import CustomField, Lead
from leads.reading import price_of
from leads.tags import united
from permissions.access import Privacy

MOST_TAGS = 20
CUSTOM = "custom:"
# what is chosen as one: its words, and the columns it is made of
CHOICES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "first_name": ("First name", ("first_name",)),
    "last_name": ("Last name", ("last_name",)),
    "company_name": ("Company name", ("company_name",)),
    "street": ("Address", ("street",)),
    "city": ("City", ("city",)),
    "state": ("State", ("state",)),
    "postal_code": ("Postal code", ("postal_code",)),
    "time_zone": ("Time zone", ("time_zone",)),
    "language": ("Language", ("language",)),
    "kind": ("Type", ("kind",)),
    "stage": ("Stage", ("stage_id",)),
    "score": ("Score", ("score",)),
    "price": ("Price", ("price_min", "price_max")),
}
UNITED = ("source_id", "tags", "custom", "do_not_call", "hidden", "privacy", "last_activity_at", "last_contact_at")
COLUMNS = (*(column for _, columns in CHOICES.values() for column in columns), *UNITED)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that both leads have, and not the same: what each says, and whether the other's is the better guess."""

    code: str
    label: str
    kept: str
    other: str
    take: bool


def differences(kept: Lead, other: Lead) -> list[Difference]:
    """What somebody has to choose."""
    words = {"kind": Lead.get_kind_display, "stage": lambda lead: lead.stage.name, "price": price_of}
    found = []
    for code, (label, columns) in CHOICES.items():
        say = words.get(code, lambda lead, column=columns[0]: str(getattr(lead, column)))
        if any(getattr(kept, column) != getattr(other, column) for column in columns):
            found.append(Difference(code, label, say(kept), say(other), take=not say(kept)))
    return found + _own_fields(kept, other)


def _own_fields(kept: Lead, other: Lead) -> list[Difference]:
    labels = dict(CustomField.objects.filter(company=kept.company_id).order_by("pk").values_list("key", "label"))
    keys = sorted(set(kept.custom) & set(other.custom))
    return [
        Difference(f"{CUSTOM}{key}", labels.get(key, key), str(kept.custom[key]), str(other.custom[key]), take=False)
        for key in keys
        if kept.custom[key] != other.custom[key]
    ]


def unite(kept: Lead, other: Lead, take: Collection[str] | None) -> None:
    """Write into `kept` what it gets from `other`: the fields in `take`; with none given, those it has not itself."""
    for code, (_, columns) in CHOICES.items():
        blank = not any(getattr(kept, column) for column in columns)
        if code in take if take is not None else blank:
            for column in columns:
                setattr(kept, column, getattr(other, column))
    taken = {key: other.custom[key] for key in other.custom if f"{CUSTOM}{key}" in (take or ())}
    kept.custom = {**other.custom, **kept.custom, **taken}
    kept.tags = united(kept.tags, other.tags)[:MOST_TAGS]
    kept.source_id = kept.source_id or other.source_id
    kept.do_not_call |= other.do_not_call
    kept.last_activity_at = max(kept.last_activity_at, other.last_activity_at)
    contacts = [at for at in (kept.last_contact_at, other.last_contact_at) if at]
    kept.last_contact_at = max(contacts, default=None)
    _conceal(kept, other)


def _conceal(kept: Lead, other: Lead) -> None:
    """Nothing private is exposed by the way: of two personal leads the stricter one counts."""
    if kept.privacy is not None and other.privacy is not None:
        kept.hidden |= other.hidden
        kept.privacy = min(Privacy(kept.privacy), Privacy(other.privacy))
