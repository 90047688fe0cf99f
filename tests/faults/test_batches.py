"""The product's worker dies again and again while a mass action runs: it goes on by itself, nothing twice (M4, 10)."""

from __future__ import annotations

import random
import time

import pytest
from django.db import connection

from leads.models import Batch, Lead
from permissions import ledger
from permissions.models import LedgerEntry
from tests.factories.leads import make_lead
from tests.factories.people import company_unit, make_company, make_manager, make_member, make_team
from tests.leads.batches.doing import drafted, queued
from tests.leads.batches.test_crashing import MANY
from tests.support.product import Product, wait_until


def begin(leads: int) -> Batch:
    """A team's leads, all on their way to one of its members."""
    team = make_team(company_unit(make_company()))
    first = make_lead(team)
    with connection.cursor() as cursor:
        cursor.execute(MANY, [leads - 1, first.pk])
    return queued(drafted(make_manager(team), "assign", "", user=make_member(team)))


@pytest.mark.soak
def test_10_a_batch_of_twenty_thousand_outlives_twenty_deaths_of_its_worker(running_product: Product) -> None:
    chance = random.Random()
    with running_product.database():
        batch = begin(20_000)
        for _ in range(20):
            time.sleep(chance.uniform(0.2, 3))
            try:
                running_product.kill("worker")
            except ProcessLookupError:
                pass  # dead already, and not yet started again
        wait_until(lambda: Batch.objects.get(pk=batch.pk).has_ended, seconds=300, what="the end of the batch")
        batch.refresh_from_db()
        assert (batch.state, batch.changed) == ("done", 20_000)
        assert Lead.objects.filter(company=batch.company, agent__isnull=False).count() == 20_000
        facts = LedgerEntry.objects.filter(batch_id=batch.pk)
        assert facts.count() == facts.values("lead_id").distinct().count() == 20_000
        ledger.seal()
        assert ledger.verify(batch.company_id).problem == ""
    running_product.wait_until_well()
