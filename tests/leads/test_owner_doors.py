"""P4: through no door does an agent change the owner of a unit's lead, or make herself the owner of one."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client

from crm.organization.models import User
from leads.models import Activity, Lead
from tests.architecture.addresses import addresses, is_of_the_sign_in_library
from tests.architecture.endpoints import Row, read_table, written_out
from tests.factories.crossing import Crossing, crossing
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import bring

pytestmark = pytest.mark.django_db
OURS = [address for address in addresses() if not is_of_the_sign_in_library(address.view)]
POSTS = [row for row in written_out(read_table(), OURS) if row.method == "POST" and row.name in {a.name for a in OURS}]
Owners = dict[int, tuple[int | None, int | None]]  # by lead: the unit, the person
NAMES = ("owner", "owner_id", "user_id", "to")


def crafted(row: Row, scene: Crossing, agent: User) -> Iterator[dict[str, str]]:
    """What the page sends, and every name an owner might be taken from beside it: herself, and her own unit."""
    sent, unit = row.data(scene), str(scene.harbor.lakeside.pk)
    hers = dict.fromkeys(("owner_user", "owner_user_id", *NAMES), str(agent.pk))
    yield {**hers, **sent, "owner": "me", "owner_unit": "", "owner_unit_id": "", "pool": unit}
    yield {"owner_unit": unit, "owner_unit_id": unit, **dict.fromkeys(NAMES, f"unit-{unit}"), **sent}


def owners() -> Owners:
    return {lead.pk: (lead.owner_unit_id, lead.owner_user_id) for lead in Lead.objects.order_by("pk")}


def is_untouched(before: Owners, after: Owners, agent: User) -> bool:
    """Units' leads are where they were, and no lead of somebody's has become hers."""
    return all(
        after[lead] == (unit, None) if unit else after[lead][1] == person or after[lead][1] != agent.pk
        for lead, (unit, person) in before.items()
    )


@pytest.mark.parametrize("name", ["stranger", "agent", "assigned"])
def test_p4_no_address_takes_an_owner_from_an_agent(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "django")
    scene, client = crossing(), Client()
    agent, before = scene.people[name], owners()
    assert agent is not None
    for row in POSTS:
        for data in crafted(row, scene, agent):
            client.force_login(agent)
            with transaction.atomic():
                client.post(row.path(scene), data)
                assert is_untouched(before, owners(), agent), (str(row), data)
                transaction.set_rollback(True)


def test_p4_a_column_of_the_file_names_no_owner() -> None:
    harbor: Brokerage = brokerage()
    theirs = Lead.objects.filter(owner_unit__isnull=False)
    header = "first_name,email,owner,owner_id,owner_user,owner_unit"
    row = f"Maya,maya@mail.example,Ben,{harbor.ben.pk},{harbor.ben.pk},{harbor.lakeside.pk}"
    bring(harbor.ana, harbor.ana, "\n".join([header, row, ""]).encode())
    lead = Lead.objects.get()
    assert lead.owner == harbor.ana
    assert Activity.objects.get(lead=lead, kind="note").body.startswith("owner: Ben\n")
    assert not theirs.exists()
