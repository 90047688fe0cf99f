"""A push service that stands in for the browsers' own: it reads what it is sent, as the browser would."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import Client
from py_vapid import Vapid

from crm.notifications.devices import tell_on
from crm.notifications.models import PushSubscription
from crm.notifications.pushing import public_key
from crm.organization.models import User


def written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Browser:
    """One browser's subscription, with the private key that never leaves it."""

    endpoint: str
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"sixteen letters."

    @property
    def says(self) -> dict[str, str]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": self.endpoint, "p256dh": written(point), "auth": written(self.auth)}

    def reads(self, body: bytes) -> dict[str, str]:
        told: dict[str, str] = json.loads(
            http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        )
        return told

    def used_by(self, user: User) -> PushSubscription:
        """She signs in there and agrees to be told."""
        client = Client()
        client.force_login(user)
        session_key = client.session.session_key or ""
        return tell_on(user=user, session_key=session_key, device="Firefox on Linux", **self.says)


@dataclass
class Push:
    """What was left at the service for one browser: the headers, and what the browser shows."""

    path: str
    headers: Any
    told: dict[str, str]

    @property
    def claims(self) -> dict[str, Any]:
        """Of its signature, once that has been checked."""
        signed, _, key = self.headers["Authorization"].removeprefix("vapid t=").partition(",k=")
        assert key == public_key()
        head, claims, signature = signed.split(".")
        signer = Vapid.from_raw_public(key.encode())
        assert signer.verify_token(f"{head}.{claims}".encode(), signature)
        found: dict[str, Any] = json.loads(read(claims))
        return found


@dataclass
class PushService:
    url: str = ""
    status: int = 201
    said: dict[str, str] = field(default_factory=dict)  # headers of its answers
    pushes: list[Push] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # all paths, in order
    statuses: dict[str, int] = field(default_factory=dict)  # by path, where it is not `status`
    browsers: dict[str, Browser] = field(default_factory=dict)

    def browser(self, name: str = "a") -> Browser:
        made = Browser(f"{self.url}/{name}")
        self.browsers[f"/{name}"] = made
        return made

    @property
    def told(self) -> list[str]:
        return [push.told["title"] for push in self.pushes]


@contextmanager
def push_service() -> Iterator[PushService]:
    """On an address of this machine, which is asked only where the setting allows it."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = service.statuses.get(self.path, service.status)
            service.asked.append(self.path)
            if status == 201:
                told = service.browsers[self.path].reads(body)
                service.pushes.append(Push(self.path, self.headers, told))
            self.send_response(status)
            for name, value in service.said.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    assert settings.LOCAL_ADDRESSES
    yield service
    server.shutdown()
    server.server_close()
