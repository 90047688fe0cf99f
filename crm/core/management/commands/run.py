"""Run the whole product: embedded servers where none are given, web, worker, clock worker and beat."""

from __future__ import annotations

import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from crm.core.embedded.process import CannotStart, die_with_parent
from crm.core.supervisor import Supervisor


class Command(BaseCommand):
    help = "Run the whole product until Ctrl-C. HOST, PORT and FAIRLEAD_DATA say where."
    requires_system_checks: list[str] = []  # the database may not be up yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--servers", action="store_true", help="only the embedded PostgreSQL and Valkey")
        parser.add_argument("--tied", type=int, metavar="PID", help="stop when this process, which started it, dies")

    def handle(self, *, servers: bool, tied: int | None, **options: Any) -> None:
        if tied:
            die_with_parent(signal.SIGTERM, parent=tied)
        try:
            Supervisor(servers_only=servers, say=self.say).run()
        except CannotStart as error:
            self.stderr.write(str(error))
            sys.exit(1)

    def say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()
