"""Twilio, by its own library: calls that bridge agent and lead, texts, and what it says of them afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from requests import RequestException
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Dial, VoiceResponse

from dialer.models import PhoneAccount
from dialer.providers.port import Outgoing, Placed, ProviderError

ITS_ADDRESS = "https://api.twilio.com"
PATIENCE = 10  # seconds
RING = 25  # seconds
SIGNATURE = "X-Twilio-Signature"
FINAL = ["completed"]
ENDS = (".", "!", "?")


class Line(TwilioHttpClient):
    """The library's own, asking the address of the settings."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url.replace(ITS_ADDRESS, settings.TWILIO_API, 1), *args, **kwargs)


class TwilioProvider:
    code = "twilio"

    def __init__(self, account: PhoneAccount) -> None:
        self.account = account
        self.client = Client(account.account_sid, account.auth_token, http_client=Line(timeout=PATIENCE))

    def call(self, out: Outgoing) -> Placed:
        """Ring the agent first; once she answers, Twilio asks `phone-bridge` whom to connect her with."""
        if not out.agent_phone:
            raise ProviderError("Say your own phone number on your page first: it is rung before the lead’s.")
        return self._placed(
            self.client.calls.create,
            to=out.agent_phone,
            from_=out.caller,
            url=self.address("phone-bridge", out.attempt_id),
            status_callback=self.address("phone-status", out.attempt_id),
            status_callback_event=FINAL,
            timeout=RING,
        )

    def text(self, out: Outgoing) -> Placed:
        return self._placed(
            self.client.messages.create,
            to=out.number,
            from_=out.caller,
            body=out.body,
            status_callback=self.address("phone-text-status", out.attempt_id),
        )

    def address(self, name: str, *args: object) -> str:
        return f"{settings.PUBLIC_URL}{reverse(name, args=[self.account.public_id, *args])}"

    def _placed(self, create: Any, **asked: Any) -> Placed:
        if not asked["from_"]:
            raise ProviderError("The company has no number to call from yet.")
        try:
            return Placed(ref=create(**asked).sid)
        except (TwilioException, RequestException) as error:
            why = str(getattr(error, "msg", "") or "it cannot be reached").strip()
            raise ProviderError(f"Twilio did not take it: {why}{'' if why.endswith(ENDS) else '.'}") from error


# --- what it asks and says --------------------------------------------------------------------------------------------


def is_signed(account: PhoneAccount, request: HttpRequest, sent: QueryDict) -> bool:
    """Whether Twilio sent this to just this address with just this in it."""
    there = f"{settings.PUBLIC_URL}{request.get_full_path()}"
    validator = RequestValidator(account.auth_token)
    return bool(validator.validate(there, sent, request.headers.get(SIGNATURE, "")))


def bridge(caller: str, number: str, then: str) -> str:
    """Connect whoever listens with the number; `then` is told how it went."""
    said = VoiceResponse()
    dial = Dial(caller_id=caller, action=then, timeout=RING, answer_on_bridge=True)
    dial.number(number)
    said.append(dial)
    return str(said)


def ring(phones: Mapping[str, str], then: str) -> str:
    """Ring all of these at once; whoever answers first has the call, and her address is told."""
    said = VoiceResponse()
    dial = Dial(action=then, timeout=RING, answer_on_bridge=True)
    for number, taken in phones.items():
        dial.number(number, status_callback=taken, status_callback_event="answered")
    said.append(dial)
    return str(said)


def take_message(words: str, then: str) -> str:
    said = VoiceResponse()
    said.say(words)
    said.record(action=then, max_length=180, play_beep=True)
    return str(said)


def hang_up() -> str:
    said = VoiceResponse()
    said.hangup()
    return str(said)


def nothing_to_say() -> str:
    return str(MessagingResponse())
