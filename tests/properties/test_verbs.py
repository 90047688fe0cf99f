"""P3: what a person may do, one lead at a time and as a list, against a slow reading of product.md over random worlds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leads.models import Lead as StoredLead
from permissions.catalog import BUILT_IN
from permissions.door import locked
from permissions.keyring import load_keyring
from permissions.models import Profile, ProfileHolder
from permissions.verbs import Verb, why_not
from tests.properties import oracle
from tests.properties.telling import TELLING
from tests.properties.test_access import in_database
from tests.properties.world import Lead, World
from tests.properties.worlds import BASE, Built, worlds

pytestmark = pytest.mark.django_db
SEEING = {"view_unit_lead", "view_originated_lead"}  # those that decide what is seen stay as the world has them
ACTING = sorted(
    {
        *("change_owner", "merge_lead", "share_lead", "hide_lead"),
        *("export_personal_lead", "delete_personal_lead", "export_unit_lead", "delete_unit_lead"),
    }
)
HOLDINGS = st.lists(st.sets(st.sampled_from(ACTING)), min_size=60, max_size=60)


def allowed(world: World, person: int, lead: Lead, held: set[str]) -> Iterator[str]:
    """P3, with V2's list of what each level may do, V4 and P4."""
    manages = oracle.level(world, person, lead) == "manage"
    works_by_assignment = ("c", "work") in oracle.reasons(world, person, lead)
    personal = lead.owner_person is not None
    if manages:
        yield "assign"
        for verb, permission in (("transfer", "change_owner"), ("merge", "merge_lead"), ("share", "share_lead")):
            if permission in held:
                yield verb
    for verb in ("export", "delete"):
        if personal and manages and f"{verb}_personal_lead" in held:
            yield verb
        if not personal and (manages or works_by_assignment) and f"{verb}_unit_lead" in held:
            yield verb
    if ("a", "manage") in oracle.reasons(world, person, lead) and "hide_lead" in held:
        yield "hide"


def give_holdings(world: World, holdings: list[set[str]]) -> list[set[str]]:
    """Everybody who has a profile gets one of her own with these permissions; who holds what."""
    held: list[set[str]] = []
    for number, person in enumerate(world.people):
        if person.profile is None:
            held.append(set())
            continue
        seeing = SEEING & {permission.value for permission in BUILT_IN[person.profile][1]}
        held.append(holdings[number % len(holdings)] | seeing)
        profile = Profile.objects.create(
            company_id=BASE + person.company, code=f"own-{number}", name="Own", permissions=sorted(held[-1])
        )
        ProfileHolder.objects.filter(user=BASE + number).update(profile=profile)
    return held


def compare(world: World, built: Built, held: list[set[str]]) -> None:
    for person, user in enumerate(built.users):
        keyring = load_keyring(type(user).objects.select_related("company", "holding__profile").get(pk=user.pk))
        expected = [set(allowed(world, person, lead, held[person])) for lead in world.leads]
        for verb in Verb:
            found = {n for n, lead in enumerate(built.leads) if not why_not(keyring, locked(lead), verb)}
            assert found == {n for n, verbs in enumerate(expected) if verb in verbs}, (person, verb)
            listed = StoredLead.objects.doable_by(keyring, verb).values_list("pk", flat=True)
            assert {pk - BASE for pk in listed.order_by("pk")} == found, (person, verb)


@example(world=TELLING[3], holdings=[set(ACTING)])
@example(world=TELLING[1], holdings=[set(ACTING), set()])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds(), holdings=HOLDINGS)
def test_p3_function_and_querysets_follow_the_table(world: World, holdings: list[set[str]]) -> None:
    with in_database(world) as built:
        compare(world, built, give_holdings(world, holdings))
