"""A channel's own form (C9), for who has no website: a page by itself, or within any other page. It sets no cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from hashlib import sha256
from time import time
from urllib.parse import urlencode

from csp.decorators import csp_replace
from django import forms
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt

from crm.core.doors import public
from leads.contact import UnreadableContactError, read_email, read_phone
from routing.capture.channels import WITH_FORM
from routing.capture.storing import store
from routing.models import Channel
from routing.tasks import take_in_soon

LASTS = timedelta(days=1)
QUICKEST = 2  # seconds; nobody fills in a form faster
MOST_SENT = 20  # in an hour, to one channel from one address
STALE = "This page was open for too long, or was sent too quickly. Nothing is lost: send it once more."
SALT = "hosted-form"


def opened_now(channel: Channel) -> str:
    return signing.dumps([channel.public_id, time()], salt=SALT)


class HostedForm(forms.Form):
    """`opened` proves that the page was opened some time before; `website` is for machines only."""

    name = forms.CharField(max_length=200, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.CharField(
        max_length=254,
        required=False,
        label="E-mail",
        widget=forms.TextInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    phone = forms.CharField(
        max_length=40, required=False, widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"})
    )
    message = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    consent = forms.BooleanField(error_messages={"required": "Tick this, or it cannot be sent."})
    website = forms.CharField(required=False)
    opened = forms.CharField(widget=forms.HiddenInput, required=False)  # without it the form says to send once more

    def __init__(self, data: object = None, *, channel: Channel) -> None:
        super().__init__(data, initial={"opened": opened_now(channel)})  # type: ignore[arg-type]
        self.channel = channel
        if channel.form_consent:
            self.fields["consent"].label = channel.form_consent
        else:
            del self.fields["consent"]

    def clean_email(self) -> str:
        return self._as_typed("email", read_email)

    def clean_phone(self) -> str:
        return self._as_typed("phone", partial(read_phone, region=self.channel.company.phone_region))

    def _as_typed(self, name: str, read: Callable[[str], str]) -> str:
        text: str = self.cleaned_data[name]
        try:
            if text:
                read(text)
        except UnreadableContactError as error:
            raise ValidationError(str(error)) from error
        return text

    def clean(self) -> None:
        if not self.errors and not (self.cleaned_data["email"] or self.cleaned_data["phone"]):
            self.add_error("email", "Say how to reach you: by e-mail or by phone.")
        if not self.errors and not self._was_open():
            self.data = {**self.data.dict(), "opened": opened_now(self.channel)}  # type: ignore[attr-defined]
            self.add_error(None, STALE)

    def _was_open(self) -> bool:
        """For this channel, between two seconds and a day ago."""
        try:
            channel, at = signing.loads(self.cleaned_data.get("opened", ""), salt=SALT, max_age=LASTS)
        except (signing.BadSignature, ValueError, TypeError):
            return False
        return bool(channel == self.channel.public_id and time() - at >= QUICKEST)

    def body(self) -> bytes:
        """As a website would send it: what was agreed to in words, and an id, so that a double click sends it once."""
        data = {name: self.cleaned_data[name] for name in ("name", "email", "phone", "message", "website")}
        consent = {"consent": self.channel.form_consent} if self.cleaned_data.get("consent") else {}
        once = sha256(f"{self.cleaned_data['opened']} {urlencode(data)}".encode()).hexdigest()
        return urlencode({**data, **consent, "submission_id": once}).encode()


@csrf_exempt  # within another page a browser sends no cookie; `opened` stands for the token
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]
@public("GET", "POST")
def form(request: HttpRequest, public_id: str) -> HttpResponse:
    channel = Channel.objects.open().filter(public_id=public_id, kind__in=WITH_FORM).select_related("company").first()
    if channel is None:
        raise Http404
    filled = HostedForm(request.POST if request.method == "POST" else None, channel=channel)
    sent = filled.is_valid() and _within_limits(request, filled)
    if sent:
        store(channel, filled.body(), "application/x-www-form-urlencoded")
        take_in_soon()
    context = {"channel": channel, "form": filled, "sent": sent}
    return render(request, "routing/hosted.html", context, status=422 if filled.is_bound and not sent else 200)


def _within_limits(request: HttpRequest, filled: HostedForm) -> bool:
    key = f"hosted:{filled.channel.pk}:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, timeout=3600)
    if cache.incr(key) <= MOST_SENT:
        return True
    filled.add_error(None, "Too much was sent from your connection. Try again in an hour, or call us.")
    return False
