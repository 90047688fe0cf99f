"""Print one JSON object per figure: ours beside hand-written SQL or COPY of the same work, and the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.bench import arriving, batches, capture, due, exporting, hopper, importing, lead, live, people, reports
from crm.bench.building import build, recipe
from crm.bench.database import CannotBuildError, bench_database, database_name
from crm.core.preparation import collect_static

SECTIONS: dict[str, Callable[[str], Iterator[object]]] = {
    "people": lambda _: people.figures(),
    "lead": lambda _: lead.figures(),
    "importing": importing.figures,
    "batches": batches.figures,
    "exporting": exporting.figures,
    "capture": capture.figures,
    "arriving": arriving.figures,
    "live": lambda _: live.figures(),
    "due": due.figures,
    "reports": reports.figures,
    "hopper": hopper.figures,
}


class Command(BaseCommand):
    help = "Measure the product on a company of many leads, in a database of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--leads", type=int, default=1_000_000, help="a multiple of 1,000 (default a million)")

        parser.add_argument(
            "--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="these sections (default all)"
        )

    def handle(self, *, leads: int, only: Iterable[str], **options: Any) -> None:
        if leads < 1000 or leads % 1000:
            raise CommandError("--leads must be a multiple of 1,000.")
        try:
            name = database_name(leads)
            with bench_database(name, recipe(), lambda: build(leads, self.say), say=self.say):
                collect_static()
                for section in only:
                    self.print(SECTIONS[section](name))
        except CannotBuildError as error:
            raise CommandError(str(error)) from error

    def print(self, figures: Iterable[object]) -> None:
        for figure in figures:
            self.stdout.write(str(figure))
            self.stdout.flush()

    def say(self, words: str) -> None:
        self.stderr.write(words)
        self.stderr.flush()
