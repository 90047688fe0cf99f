"""`manage.py reset_second_factor EMAIL`: let somebody in who lost her phone, where nobody in her company can."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.organization.models import User
from permissions.joining.second_factor import switch_off


class Command(BaseCommand):
    help = "Switch off somebody's two-factor sign-in, so that her password lets her in and she can set it up anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="what she signs in by")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        if not switch_off(User.objects.active().filter(email=email.strip().lower())):
            raise CommandError(f"There is nobody with the e-mail {email} and a second factor.")
        self.stdout.write(f"{email} signs in by password alone now, and is told so.")
