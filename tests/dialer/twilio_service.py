"""A stand-in for Twilio: it keeps what its REST address is asked, and signs what it sends as Twilio does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.conf import settings
from django.test import Client
from twilio.request_validator import RequestValidator

from crm.organization.models import User
from dialer.models import PhoneAccount, PhoneNumber
from leads.models import Consent, Lead
from tests.dialer.test_gates import PHOENIX
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage

TOKEN, SID = "t" * 32, "AC" + "a" * 32
OURS, AGENT, BENS = "+12015550100", "+12015550111", "+12015550122"
Sent = dict[str, str]


@dataclass
class TwilioService:
    """`asked`: what it was asked, by the last part of the address; `refuses`: with this status and these words."""

    asked: list[tuple[str, Sent]] = field(default_factory=list)
    refuses: tuple[int, str] | None = None
    address: str = ""
    numbers: Any = field(default_factory=lambda: count(1))

    def answer(self, path: str, sent: Sent) -> tuple[int, dict[str, Any]]:
        self.asked.append((path.rpartition("/")[2], sent))
        if self.refuses:
            status, words = self.refuses
            return status, {"code": 21211, "message": words, "status": status}
        kind = "CA" if "Calls" in path else "SM"
        return 201, {"sid": f"{kind}{next(self.numbers):032d}", "account_sid": SID, "status": "queued"}


@contextmanager
def twilio_service() -> Iterator[TwilioService]:
    service = TwilioService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent = {name: ",".join(values) for name, values in parse_qs(body).items()}
            status, said = service.answer(self.path, sent)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """In silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_account(harbor: Brokerage, **fields: Any) -> PhoneAccount:
    """An account with Twilio, and a number of North."""
    PhoneNumber.objects.create(company=harbor.company, number=OURS, unit=harbor.north, **fields)
    made = PhoneAccount.objects.create(company=harbor.company, account_sid=SID, auth_token=TOKEN)
    made.refresh_from_db()
    return made


def says(path: str, sent: Sent, *, token: str = TOKEN, at: str = "") -> Any:
    """What Twilio sends to this address, signed as it signs."""
    there = at or f"{settings.PUBLIC_URL}{path}"
    signature = RequestValidator(token).compute_signature(there, sent)
    headers = {"X-Twilio-Signature": signature}
    browser = Client(enforce_csrf_checks=True)
    return browser.post(path, urlencode(sent), content_type="application/x-www-form-urlencoded", headers=headers)


def of_ana(harbor: Brokerage, **fields: Any) -> Lead:
    return make_lead(harbor.ana, phones=[PHOENIX], **fields)


def press(client: Client, user: User, lead: Lead, what: str = "call", **sent: str) -> Any:
    client.force_login(user)
    return client.post(f"/dialer/lead/{lead.public_id}/{what}/", {"number": PHOENIX} | sent)


def agreed(lead: Lead) -> None:
    Consent.objects.create(company=lead.company, lead=lead, kind="text", given=True)
