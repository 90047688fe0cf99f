"""Load one campaign's hopper now, and say what was added and removed and why."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from crm.organization.models import User
from dialer.hopper import ANY
from dialer.models import Campaign, LeadFilter
from dialer.services.loading import Loaded, load


class Command(BaseCommand):
    help = "Load the hopper of a campaign (its id or name) for the agents who are logged in to it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="the id or name of a campaign")

    def handle(self, *, campaign: str, **options: object) -> None:
        known = Q(pk=int(campaign)) if campaign.isdigit() else Q(name__iexact=campaign)
        found = list(Campaign.objects.filter(known).order_by("pk"))
        if len(found) != 1:
            names = ", ".join(f"{one.pk} ({one})" for one in found)
            raise CommandError(f"Several are called so: {names}." if found else f"There is no campaign {campaign}.")
        done = load(found[0].pk, wait=True)
        assert done is not None  # it waited for its turn
        self.stdout.write(f"{found[0]}: {len(done.agents)} logged in.")
        for line in lines_of(done):
            self.stdout.write(line)


def lines_of(done: Loaded) -> list[str]:
    agents = dict(User.objects.filter(pk__in=done.owned).order_by().values_list("pk", "name"))
    skills = dict(LeadFilter.objects.filter(pk__in=done.general).order_by().values_list("pk", "name"))
    skills[ANY] = "all"
    removed = [f"-{number} {why}" for why, number in sorted(done.removed.items())]
    owned = [f"+{number} owned: {agents[pk]}" for pk, number in sorted(done.owned.items())]
    general = [f"+{number} general: {skills[pk]}" for pk, number in done.general.items() if number]
    return [*removed, *owned, *general] or ["Nothing to add or remove."]
