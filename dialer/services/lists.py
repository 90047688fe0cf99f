"""The lists that values of a lead filter are out of: what one may choose from, and what a chosen one is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from crm.organization.models import Unit, User
from dialer.filtering import Fields, Filter, Item, Shape, fields_with
from leads.models import Activity, CustomField, Lead, Pond, Source, Stage
from leads.querysets import sources_in_sight
from permissions.access import Keyring

GONE, UNSEEN = "something that is gone", "a source of leads you cannot see"
Options = list[tuple[str, str]]


def fields_of(company_id: int) -> Fields:
    """All fields of the company's leads."""
    own = CustomField.objects.filter(company=company_id).order_by("label", "pk")
    return fields_with(own.values_list("key", "label", "kind"))


@dataclass
class Lists:
    """Read as they are asked for, each once. Whom and what one may choose is as in every other form (O6, V5)."""

    actor: User
    keyring: Keyring
    _read: dict[str, Options] = field(default_factory=dict)

    @cached_property
    def fields(self) -> Fields:
        return fields_of(self.actor.company_id)

    def options(self, name: str) -> Options:
        if name not in self._read:
            self._read[name] = OPTIONS[name](self)
        return self._read[name]

    def may_choose(self, item: Item) -> bool:
        if self.fields[item.field].shape != Shape.ONE_OF or not item.value:
            return True
        return item.value in dict(self.options(item.field))

    def called(self, item: Item) -> str:
        """What a value is called, whoever chose it; not where the name would tell of leads she cannot see."""
        return dict(self.options(item.field)).get(item.value) or self._others.get((item.field, item.value), GONE)

    def learn(self, filters: Iterable[Filter]) -> None:
        """Find the names of what these filters are about and she may not choose herself."""
        items = [item for one in filters for groups in one for group in groups for item in group]
        unknown = {(item.field, item.value) for item in items if not self.may_choose(item)}
        for name, read in OTHERS.items():
            wanted = {value for key, value in unknown if key == name}
            if wanted:
                self._others.update({(name, value): words for value, words in read(self, wanted)})

    @cached_property
    def _others(self) -> dict[tuple[str, str], str]:
        return {}


def _stages(lists: Lists) -> Options:
    rows = Stage.objects.filter(company=lists.actor.company_id).order_by("position", "pk")
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def _sources(lists: Lists) -> Options:
    return [(str(pk), name) for pk, name in sources_in_sight(lists.keyring).values_list("pk", "name")]


def _ponds(lists: Lists) -> Options:
    rows = Pond.objects.can_be_seen_by(lists.actor).order_by("name", "pk")
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def _people(lists: Lists) -> Options:
    rows = User.objects.can_be_seen_by(lists.actor).order_by("name", "pk")
    return [(f"person-{pk}", name) for pk, name in rows.values_list("pk", "name")]


def _owners(lists: Lists) -> Options:
    rows = Unit.objects.can_be_seen_by(lists.actor).order_by("name", "pk")
    return [(f"unit-{pk}", name) for pk, name in rows.values_list("pk", "name")] + lists.options("holder")


OPTIONS: Mapping[str, Callable[[Lists], Options]] = {
    "stage": _stages,
    "source": _sources,
    "pond": _ponds,
    "owner": _owners,
    "holder": _people,
    "kind": lambda _: [(code, str(label)) for code, label in Lead.Kind.choices],
    "origin": lambda _: [(code, str(label)) for code, label in Lead.Origin.choices],
    "outcome": lambda _: [(code, str(label)) for code, label in Activity.Outcome.choices],
}


def _numbers(values: Iterable[str], kind: str = "") -> list[int]:
    return [int(value.rpartition("-")[2]) for value in values if value.rpartition("-")[0] == kind]


def _other_people(lists: Lists, values: Iterable[str]) -> Options:
    rows = User.objects.of(lists.actor).filter(pk__in=_numbers(values, "person")).order_by("pk")
    return [(f"person-{pk}", name) for pk, name in rows.values_list("pk", "name")]


def _other_owners(lists: Lists, values: Iterable[str]) -> Options:
    rows = Unit.objects.of(lists.actor).filter(pk__in=_numbers(values, "unit")).order_by("pk")
    return [(f"unit-{pk}", name) for pk, name in rows.values_list("pk", "name")] + _other_people(lists, values)


def _other_ponds(lists: Lists, values: Iterable[str]) -> Options:
    rows = Pond.objects.filter(company=lists.actor.company_id, pk__in=_numbers(values)).order_by("pk")
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def _other_sources(lists: Lists, values: Iterable[str]) -> Options:
    rows = Source.objects.filter(company=lists.actor.company_id, pk__in=_numbers(values)).order_by("pk")
    return [(str(pk), UNSEEN) for pk in rows.values_list("pk", flat=True)]


OTHERS: Mapping[str, Callable[[Lists, Iterable[str]], Options]] = {
    "source": _other_sources,
    "pond": _other_ponds,
    "owner": _other_owners,
    "holder": _other_people,
}
