"""The address at which leads arrive. It keeps what came, and says so only once that is committed (C4, C5)."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from crm.core.doors import public
from routing.capture.hostile import why_refused
from routing.capture.keys import admits, admits_subscription, has_key, is_signed
from routing.capture.storing import LARGEST, count_refusal, store
from routing.models import Channel
from routing.tasks import take_in_soon

MOST_REFUSED = 30  # in a minute, of one channel from one address


@csrf_exempt
@public("GET", "POST", machines=True)
def receive(request: HttpRequest, public_id: str) -> HttpResponse:
    channel = Channel.objects.open().filter(public_id=public_id).first()
    if channel is None:
        return _problem(404, "There is no channel at this address.")
    sender = f"inbound:{channel.pk}:{request.META.get('REMOTE_ADDR', '')}"
    if request.method != "POST":
        return _subscribe(request, channel, sender)
    if _length(request) > LARGEST:
        return _problem(413, "A request may have 1 MB at most.")
    signed = is_signed(request)  # a key by itself is checked before the body is read
    if not signed and not admits(channel, request, b"", timezone.now()):
        return _refuse(channel, sender, sent=has_key(request))
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return _problem(413, "A request may have 1 MB at most.")
    if signed and not admits(channel, request, body, timezone.now()):
        return _refuse(channel, sender, sent=True)
    if not body.strip():
        return _problem(400, "The request is empty.")
    content_type = request.headers.get("Content-Type", "")
    if refused := why_refused(body, content_type, request.headers.get("Content-Encoding", "")):
        count_refusal(channel)
        return _problem(*refused)
    store(channel, body, content_type)
    take_in_soon()
    return JsonResponse({"status": "received"})


def _subscribe(request: HttpRequest, channel: Channel, sender: str) -> HttpResponse:
    """Facebook asks once whether the address is ours, and wants its own word back."""
    if channel.kind != Channel.Kind.FACEBOOK or request.GET.get("hub.mode") != "subscribe":
        return _problem(405, "Leads are sent here by POST.", {"Allow": "POST"})
    if not admits_subscription(channel, request.GET.get("hub.verify_token", ""), timezone.now()):
        return _refuse(channel, sender, sent=True)
    return HttpResponse(request.GET.get("hub.challenge", "")[:200], content_type="text/plain")


def _refuse(channel: Channel, sender: str, *, sent: bool) -> HttpResponse:
    """Nothing is kept of it but that it was. What is right is not limited: senders share addresses with who guesses."""
    if cache.get(sender, 0) >= MOST_REFUSED:
        return _problem(429, "Too many requests with a wrong key. Wait a minute.", {"Retry-After": "60"})
    cache.add(sender, 0, timeout=60)
    cache.incr(sender)
    count_refusal(channel)
    if sent:
        return _problem(403, "The key or signature is wrong.")
    return _problem(401, "A key or signature is missing.", {"WWW-Authenticate": 'Basic realm="channel"'})


def _length(request: HttpRequest) -> int:
    text = request.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> HttpResponse:
    return JsonResponse({"status": status, "detail": detail}, status=status, headers=headers or {})
