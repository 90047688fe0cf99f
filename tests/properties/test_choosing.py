"""O6: whom and which units a person may choose, against a slow reading of product.md over random worlds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings

from crm.organization.models import Unit, User
from tests.properties import oracle
from tests.properties.telling import TELLING
from tests.properties.test_access import in_database
from tests.properties.world import World
from tests.properties.worlds import BASE, worlds

pytestmark = pytest.mark.django_db


@example(world=TELLING[0])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds())
def test_o6_who_may_be_chosen(world: World) -> None:
    with in_database(world) as built:
        for person, user in enumerate(built.users):
            if not user.is_active:
                continue
            units = {number - BASE for number in Unit.objects.can_be_seen_by(user).values_list("pk", flat=True)}
            people = {number - BASE for number in User.objects.can_be_seen_by(user).values_list("pk", flat=True)}
            assert units == oracle.units_to_choose(world, person), person
            assert people == oracle.people_to_choose(world, person), person
