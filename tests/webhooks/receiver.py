"""Somebody's program that takes webhooks: it checks each with the library's own verifier, as a receiver would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from django.conf import settings
from standardwebhooks import Webhook as Verifier

from crm.organization.models import User
from crm.webhooks.models import Event, Webhook, WebhookDelivery
from crm.webhooks.sending import send_due
from crm.webhooks.services import add
from crm.webhooks.spreading import spread_all


@dataclass
class Message:
    path: str
    headers: dict[str, str]
    body: bytes

    def checked(self, secret: str) -> Any:
        """What it says. Raises WebhookVerificationError where the secret did not sign it."""
        return Verifier(secret).verify(self.body, self.headers)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    url: str = ""
    status: int = 200
    statuses: dict[str, int] = field(default_factory=dict)  # by path, where it is not `status`
    said: dict[str, str] = field(default_factory=dict)  # headers of its answers
    answer: bytes = b""
    messages: list[Message] = field(default_factory=list)

    def hook(self, user: User, *events: Event, path: str = "/a") -> Webhook:
        return add(user=user, name="Accounting", url=self.url + path, events=events or Event.values)

    def told(self, webhook: Webhook) -> list[Any]:
        """All it was told so far, checked with the webhook's secret."""
        path = "/" + webhook.url.rpartition("/")[2]
        return [one.checked(webhook.secret) for one in self.messages if one.path == path]

    @property
    def text(self) -> str:
        return "\n".join(f"{one.headers}\n{one.body.decode()}" for one in self.messages)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """On an address of this machine, which is asked only where the setting allows it."""
    running = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            running.messages.append(Message(self.path, dict(self.headers), body))
            self.send_response(running.statuses.get(self.path, running.status))
            for name, value in running.said.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(running.answer)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    running.url = f"http://127.0.0.1:{server.server_port}"
    assert settings.LOCAL_ADDRESSES
    yield running
    server.shutdown()
    server.server_close()


def tell() -> None:
    """All that is due, as the worker does."""
    spread_all()
    while send_due():
        pass


def later() -> None:
    """The time of the next tries has come."""
    from django.db.models.functions import Now

    WebhookDelivery.objects.filter(state="waiting").update(next_at=Now())
    Webhook.objects.update(rests_until=None)
