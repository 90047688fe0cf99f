"""`manage.py seed_demo`: two made-up companies to look around in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.demo.people import HARBOR, sign_ins
from crm.demo.seeding import is_there, seed


class Command(BaseCommand):
    help = "Add the demo companies, Harbor Realty and Summit Insurance, unless they are there."

    def handle(self, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This database was given, not made for a demo. Set FAIRLEAD_DEMO=1 if that is meant.")
        if is_there():
            self.stdout.write(f"{HARBOR.company} is there already; nothing was added.")
        else:
            self.stdout.write(f"Added the demo companies with {seed()} leads.")
        self.stdout.write(sign_ins())
