"""Print one JSON object per figure: ours beside hand-written SQL or COPY of the same work, and the target."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.bench import batches, importing, lead, people
from crm.bench.building import build, recipe
from crm.bench.database import CannotBuildError, bench_database, database_name
from crm.core.preparation import collect_static


class Command(BaseCommand):
    help = "Measure the product on a company of many leads, in a database of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--leads", type=int, default=1_000_000, help="a multiple of 1,000 (default a million)")

    def handle(self, *, leads: int, **options: Any) -> None:
        if leads < 1000 or leads % 1000:
            raise CommandError("--leads must be a multiple of 1,000.")
        try:
            name = database_name(leads)
            with bench_database(name, recipe(), lambda: build(leads, self.say), say=self.say):
                collect_static()
                for figure in chain(people.figures(), lead.figures(), importing.figures(name), batches.figures(name)):
                    self.stdout.write(str(figure))
                    self.stdout.flush()
        except CannotBuildError as error:
            raise CommandError(str(error)) from error

    def say(self, words: str) -> None:
        self.stderr.write(words)
        self.stderr.flush()
