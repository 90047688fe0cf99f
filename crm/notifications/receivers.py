"""Who signs out of a browser is not told there any more."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest

from crm.notifications.devices import sleep


def on_signed_out(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    if request.session.session_key:
        sleep(request.session.session_key)


def connect() -> None:
    user_logged_out.connect(on_signed_out, dispatch_uid="crm.notifications.devices")
