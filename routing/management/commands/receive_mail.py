"""`manage.py receive_mail [--to ADDRESS] < MAIL`: what a mail server hands over to, one mail at a time (C3).

The exit status is of sysexits.h: 75 has the mail server try again later, the others have it tell the sender.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from routing.capture.mail import RefusedMailError, receive
from routing.capture.storing import LARGEST
from routing.tasks import take_in_soon

PIECE = 1 << 16  # bytes


class Command(BaseCommand):
    help = "Take in one mail from standard input for the channels it was sent to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", default="", help="the address it was sent to, if its headers do not say so")

    def handle(self, *args: Any, to: str, **options: Any) -> None:
        if not settings.LEADS_MAIL:
            raise CommandError("LEADS_MAIL is not set: no channel has an address.", returncode=os.EX_CONFIG)
        raw = sys.stdin.buffer.read(LARGEST + 1)
        while sys.stdin.buffer.read(PIECE):
            """The rest of what is too large, so that whoever sends it is not cut off."""
        try:
            channels = receive(raw, to)
        except RefusedMailError as refusal:
            raise CommandError(str(refusal), returncode=refusal.status) from refusal
        except OperationalError as error:
            raise CommandError("The database cannot be reached now.", returncode=os.EX_TEMPFAIL) from error
        take_in_soon()
        self.stdout.write(f"received for {', '.join(channel.name for channel in channels)}")
