"""What the phone provider asks and says (D12, D16): only what it signed is heard, and what it says twice counts once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from crm.core.doors import public
from crm.organization.models import User
from dialer.models import CallAttempt, InboundCall, PhoneAccount, PhoneNumber
from dialer.providers import twilio
from dialer.services.calling import NOT_RUNG, call_ended, number_of, phone_of, text_ended
from dialer.services.inbound import answered, left_message, missed, ring_in, text_in
from dialer.services.on_call import was_hung_up

LARGEST = 64 * 1024  # bytes
WORDS = "Nobody can take your call right now. Leave a message after the tone, and you will be called back."
Answer = Callable[..., HttpResponse]


def signed(view: Callable[..., HttpResponse]) -> Answer:
    """The view with the account and what was sent, for Twilio alone: 403 for everybody else, whatever they know."""

    @csrf_exempt
    @public("POST")
    @wraps(view)
    def heard(request: HttpRequest, account_id: str, **ids: int) -> HttpResponse:
        account = PhoneAccount.objects.filter(public_id=account_id, active=True).first()
        body = request.read(LARGEST + 1)
        if len(body) > LARGEST:
            return HttpResponse(status=413)
        sent = QueryDict(body, encoding="utf-8")
        if account is None or not twilio.is_signed(account, request, sent):
            return HttpResponse(status=403)
        return view(account, _without_nul(sent), **ids)

    return heard


def _without_nul(sent: QueryDict) -> QueryDict:
    """The same without NUL bytes, which the database does not take; it was signed with them."""
    clean = QueryDict(mutable=True)
    for name, values in sent.lists():
        clean.setlist(name, [value.replace("\x00", "") for value in values])
    return clean


def _xml(said: str) -> HttpResponse:
    return HttpResponse(said, content_type="text/xml")


def _attempt(account: PhoneAccount, attempt_id: int) -> CallAttempt:
    rows = CallAttempt.objects.filter(company=account.company_id, provider=twilio.TwilioProvider.code, refused_by="")
    return get_object_or_404(rows.select_related("user", "lead"), pk=attempt_id)


@signed
def bridge(account: PhoneAccount, sent: QueryDict, attempt_id: int) -> HttpResponse:
    """The agent has answered: now ring the lead, once."""
    attempt = _attempt(account, attempt_id)
    if attempt.user is None or attempt.ended_at is not None or not attempt.number:
        return _xml(twilio.hang_up())
    then = reverse("phone-bridged", args=[account.public_id, attempt.pk])
    return _xml(twilio.bridge(number_of(attempt.user), attempt.number, then))


@signed
def bridged(account: PhoneAccount, sent: QueryDict, attempt_id: int) -> HttpResponse:
    """The lead's side is over."""
    _ended(_attempt(account, attempt_id), sent.get("DialCallStatus", ""))
    return _xml(twilio.hang_up())


@signed
def status(account: PhoneAccount, sent: QueryDict, attempt_id: int) -> HttpResponse:
    """The agent's side is over. Unless the lead's was before, it never rang."""
    _ended(_attempt(account, attempt_id), NOT_RUNG)
    return HttpResponse(status=204)


def _ended(attempt: CallAttempt, status: str) -> None:
    call_ended(attempt, status)
    was_hung_up(attempt)


@signed
def text_status(account: PhoneAccount, sent: QueryDict, attempt_id: int) -> HttpResponse:
    text_ended(_attempt(account, attempt_id), sent.get("MessageStatus", ""))
    return HttpResponse(status=204)


def _number(account: PhoneAccount, called: str) -> PhoneNumber:
    rows = PhoneNumber.objects.filter(company=account.company_id, active=True, number=called)
    found = rows.select_related("company", "unit", "away_person__company", "unknown_person__company").first()
    if found is None:
        raise Http404
    return found


@signed
def voice(account: PhoneAccount, sent: QueryDict) -> HttpResponse:
    """Somebody calls one of the company's numbers."""
    number = _number(account, sent.get("To", ""))
    call, way = ring_in(number=number, caller=sent.get("From", ""), ref=sent.get("CallSid", ""))
    if not way.people:
        return _voicemail(account, call)
    then = reverse("phone-rung", args=[account.public_id, call.pk])
    taken = {one: reverse("phone-taken", args=[account.public_id, call.pk, one.pk]) for one in way.people}
    return _xml(twilio.ring({phone_of(one): address for one, address in taken.items()}, then))


def _call(account: PhoneAccount, call_id: int) -> InboundCall:
    rows = InboundCall.objects.filter(company=account.company_id)
    return get_object_or_404(rows.select_related("lead", "holder__company", "number__unit"), pk=call_id)


@signed
def taken(account: PhoneAccount, sent: QueryDict, call_id: int, user_id: int) -> HttpResponse:
    """She answered first."""
    answered(_call(account, call_id), get_object_or_404(User, pk=user_id, company=account.company_id))
    return HttpResponse(status=204)


@signed
def rung(account: PhoneAccount, sent: QueryDict, call_id: int) -> HttpResponse:
    """The phones it rang have stopped: somebody talked with them, or nobody did."""
    call = _call(account, call_id)
    if sent.get("DialCallStatus", "") == "completed":
        answered(call, call.holder)
        return _xml(twilio.hang_up())
    return _voicemail(account, call)


def _voicemail(account: PhoneAccount, call: InboundCall) -> HttpResponse:
    """The miss is written down before the tone: who hangs up there has called all the same."""
    missed(call)
    then = reverse("phone-message", args=[account.public_id, call.pk])
    return _xml(twilio.take_message(WORDS, then))


@signed
def message(account: PhoneAccount, sent: QueryDict, call_id: int) -> HttpResponse:
    """A message was left."""
    left_message(_call(account, call_id), sent.get("RecordingUrl", ""))
    return _xml(twilio.hang_up())


@signed
def text(account: PhoneAccount, sent: QueryDict) -> HttpResponse:
    """Somebody texts one of the company's numbers."""
    text_in(number=_number(account, sent.get("To", "")), sender=sent.get("From", ""), body=sent.get("Body", ""))
    return _xml(twilio.nothing_to_say())
