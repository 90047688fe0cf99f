"""The agent's own phone: a link opens it, and she says how it went."""

from __future__ import annotations

from dialer.providers.port import Outgoing, Placed


class LinkProvider:
    code = "link"

    def call(self, out: Outgoing) -> Placed:
        return Placed(link=f"tel:{out.number}")

    def text(self, out: Outgoing) -> Placed:
        return Placed(link=f"sms:{out.number}")
