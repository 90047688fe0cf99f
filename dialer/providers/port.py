"""What a provider of calls and texts can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class ProviderError(Exception):
    """The provider did not take it; says why, and what to do."""


@dataclass(frozen=True)
class Outgoing:
    """A call or a text that the gates allow: to which number, from which of the company's, for whom."""

    attempt_id: int
    number: str
    caller: str
    agent_phone: str = ""
    body: str = ""


@dataclass(frozen=True)
class Placed:
    """What the provider took. `ref`: its own name of it; `link`: opens the agent's phone, where she does it herself."""

    ref: str = ""
    link: str = ""


class Provider(Protocol):
    """Neither is called within a transaction: a provider may take its time."""

    code: str

    def call(self, out: Outgoing) -> Placed:
        """Connect the agent with the number. Raises ProviderError."""
        ...

    def text(self, out: Outgoing) -> Placed:
        """Send the body to the number. Raises ProviderError."""
        ...
