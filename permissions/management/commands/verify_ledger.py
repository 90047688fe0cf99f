"""`manage.py verify_ledger`: recompute every company's chain. Exits with 1 where one is broken."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.organization.models import Company
from permissions.ledger import seal, verify


class Command(BaseCommand):
    help = "Recompute the ledger's hash chain of every company and compare it with the seals."

    def handle(self, *args: Any, **options: Any) -> None:
        seal()
        broken = 0
        for company in Company.objects.order_by("pk"):
            verdict = verify(company.pk)
            broken += bool(verdict.problem)
            state = verdict.problem or "verified"
            self.stdout.write(f"{company.name}: {verdict.entries} entries in {verdict.seals} seals, {state}")
        if broken:
            raise CommandError(f"{broken} of the chains are broken.")
