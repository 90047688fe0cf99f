"""The locks of a lead: the numbers in the database are those of the rules, and slots keep theirs whatever happens."""

from __future__ import annotations

from functools import partial
from itertools import product
from random import Random
from threading import Barrier
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.organization.models import User
from leads.models import Assignment, Lead
from leads.services.assigning import clear_agent_slots, fill_slots
from permissions.access import Lock, Privacy
from permissions.models import LedgerEntry
from tests.factories.leads import assign, make_lead
from tests.factories.people import company_unit, make_company, make_member
from tests.support.threads import at_once

ROLES = ["agent", "assistant", "lender"]
LARGEST = 2**27 - 1  # the largest id that fits into a lock


def locks_in_words(
    owner_unit: int | None, owner_user: int | None, hidden: bool, privacy: int | None, origin: int | None
) -> set[int]:
    """What product.md and `Lock` say a lead of this kind carries, its slots aside."""
    if owner_unit is not None:
        return {Lock.UNIT.of(owner_unit)}
    assert owner_user is not None
    found = {Lock.OWNER.of(owner_user)}
    if origin is not None:
        found.add((Lock.ORIGIN_HIDDEN if hidden else Lock.ORIGIN).of(origin))
    if privacy != Privacy.PRIVATE:
        found.add((Lock.SHOWN_HIDDEN if hidden else Lock.SHOWN).of(owner_user))
    if privacy == Privacy.MANAGED and not hidden:
        found.add(Lock.MANAGED.of(owner_user))
    return found


@pytest.mark.django_db
def test_v1_the_numbers_of_locks_in_the_database() -> None:
    ids = [1, 15, 16, LARGEST]
    cases: list[tuple[Any, ...]] = [(unit, None, False, None, origin) for unit in ids for origin in [None, unit]]
    cases += product([None], ids, [False, True], list(Privacy), [None, *ids])
    with connection.cursor() as cursor:
        for case in cases:
            slot = Lock.ASSIGNED.of(7)
            cursor.execute("SELECT lead_locks(%s, %s, %s, %s::smallint, %s, %s)", [*case, [slot]])
            assert set(cursor.fetchone()[0]) == {*locks_in_words(*case), slot}, case


@pytest.mark.django_db
def test_v1_ids_that_do_not_fit_a_lock_are_refused() -> None:
    company = make_company()
    with pytest.raises(Exception, match="user_id_fits_a_lock"):
        User.objects.create(pk=LARGEST + 1, company=company, email="late@example.com", name="Late")


# --- slots ------------------------------------------------------------------------------------------------------------

NUMBER = st.integers(0, 3)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(st.tuples(NUMBER, st.sampled_from(ROLES), NUMBER), min_size=1, max_size=6)),
        st.tuples(st.just("give"), st.sets(NUMBER, min_size=1), NUMBER),
        st.tuples(st.just("swap"), NUMBER),
        st.tuples(st.just("fill"), st.dictionaries(NUMBER, NUMBER, min_size=1)),
        st.tuples(st.just("clear"), st.sets(NUMBER, min_size=1)),
        st.tuples(st.just("end"), st.sampled_from(ROLES)),
        st.tuples(st.just("leave"), NUMBER),
    ),
    min_size=1,
    max_size=8,
)


class Slots:
    """Changes of assignments as services, admins and raw SQL might make them, one statement each."""

    def __init__(self) -> None:
        unit = company_unit(make_company())
        self.users = [make_member(unit) for _ in range(4)]
        self.leads = [make_lead(unit) for _ in range(4)]

    def put(self, wanted: list[tuple[int, str, int]]) -> None:
        Assignment.objects.bulk_create(
            [
                Assignment(company_id=self.leads[n].company_id, lead=self.leads[n], role=role, user=self.users[user])
                for (n, role), user in {(n, role): user for n, role, user in wanted}.items()
            ],
            update_conflicts=True,
            unique_fields=["lead", "role"],
            update_fields=["user"],
        )

    def give(self, leads: set[int], user: int) -> None:
        Assignment.objects.filter(lead__in=[self.leads[n] for n in leads]).update(user=self.users[user])

    def swap(self, lead: int) -> None:
        """The agent steps back into the assistant's slot."""
        found = Assignment.objects.filter(lead=self.leads[lead])
        if not found.filter(role="assistant").exists():
            found.filter(role="agent").update(role="assistant")

    def fill(self, wanted: dict[int, int]) -> None:
        pairs = [(self.leads[lead].pk, self.users[user].pk) for lead, user in wanted.items()]
        fill_slots(pairs, actor_id=None, why="test")

    def clear(self, leads: set[int]) -> None:
        clear_agent_slots([self.leads[n].pk for n in leads], actor_id=None, why="test")

    def end(self, role: str) -> None:
        Assignment.objects.filter(role=role).delete()

    def leave(self, user: int) -> None:
        Assignment.objects.filter(user=self.users[user]).delete()


def assert_slots_are_true() -> None:
    for lead in Lead.objects.all():
        slots = dict(Assignment.objects.filter(lead=lead).values_list("role", "user_id"))
        assert sorted(lead.slot_locks) == sorted({Lock.ASSIGNED.of(user) for user in slots.values()}), slots
        assert lead.agent_id == slots.get("agent"), slots
        assert set(lead.slot_locks) <= set(lead.locks)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_v1_slots_keep_their_locks_through_any_changes(changes: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        slots = Slots()
        for name, *arguments in changes:
            getattr(slots, name)(*arguments)
            assert_slots_are_true()
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_v1_a_slot_never_moves_to_another_lead() -> None:
    slots = Slots()
    assignment = assign(slots.leads[0], slots.users[0])
    with pytest.raises(ProgrammingError, match="stays with its lead"), transaction.atomic():
        Assignment.objects.filter(pk=assignment.pk).update(lead=slots.leads[1])


def test_v3_two_who_assign_one_lead_at_once_leave_no_stale_lock(committing_db: str) -> None:
    slots = Slots()
    lead, (ana, ben, *_) = slots.leads[0], slots.users
    for _ in range(15):
        start = Barrier(2)

        def change(role: str, user: User, start: Barrier = start) -> None:
            start.wait()
            with transaction.atomic():
                Assignment.objects.filter(lead=lead, role=role).delete()
                assign(lead, user, role)

        at_once(lambda: change("agent", ana), lambda: change("assistant", ben))
        assert_slots_are_true()
        at_once(
            lambda: Assignment.objects.filter(lead=lead, role="agent").delete(), lambda: assign(lead, ben, "lender")
        )
        assert_slots_are_true()
        Assignment.objects.filter(lead=lead).delete()


def test_v3_a_lock_waits_for_the_transaction_that_changes_the_slots(committing_db: str) -> None:
    """The second writer recomputes from what the first has committed, however late that is."""
    slots = Slots()
    lead, (ana, ben, *_) = slots.leads[0], slots.users
    first_wrote = Barrier(2)

    def first() -> None:
        with transaction.atomic():
            assign(lead, ana, "agent")
            first_wrote.wait()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.3)")

    def second() -> None:
        first_wrote.wait()
        assign(lead, ben, "assistant")

    at_once(first, second)
    assert_slots_are_true()


def test_m7_crowds_that_assign_the_same_leads_tell_one_story(committing_db: str) -> None:
    """Whoever comes second takes over from the first: no deadlock, and no ledger row that skips a holder."""
    slots = Slots()
    unit = slots.leads[0].owner_unit
    assert unit is not None
    slots.leads += [make_lead(unit) for _ in range(60)]

    def work(seed: int) -> None:
        chance = Random(seed)
        for _ in range(12):
            some = [lead.pk for lead in chance.sample(slots.leads, 20)]
            if chance.random() < 0.3:
                clear_agent_slots(some, actor_id=None, why="test")
            else:
                fill_slots([(lead, slots.users[seed].pk) for lead in some], actor_id=None, why="test")

    at_once(*(partial(work, seed) for seed in range(4)))
    assert_slots_are_true()
    holders: dict[int | None, int | None] = {}
    for entry in LedgerEntry.objects.filter(role="agent").order_by("pk"):
        assert entry.from_user_id == holders.get(entry.lead_id), entry
        holders[entry.lead_id] = entry.to_user_id
    assert holders == {lead.pk: lead.agent_id for lead in Lead.objects.filter(pk__in=holders)}
