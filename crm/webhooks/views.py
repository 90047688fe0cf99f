"""A person's webhooks: what there is, a new one; one with its settings and what became of its deliveries."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.core.pagination import keyset_along
from crm.organization.people import signed_in
from crm.webhooks import services
from crm.webhooks.forms import LogForm, NewSecretForm, NewWebhookForm, WebhookForm
from crm.webhooks.models import TEST, Event, Webhook, WebhookDelivery
from leads.batches.reading import named
from permissions.access import Keyring
from permissions.keyring import load_keyring

State = WebhookDelivery.State
TONES: dict[str, str] = {State.WAITING: "info", State.DELIVERED: "good", State.DEAD: "bad"}
ROWS = 25
OF_LEAD = ("lead__owner_unit", "lead__owner_user", "webhook")
FULL = f"You have {services.MOST} webhooks, which is as many as one person may have. Delete one first."
KEPT_OFF = "An admin of the company switched it off. Ask there to have it on again."
NOT_NOW = "A test is on its way already, or the webhook is off."


@door("GET", "HEAD", "POST")
@never_cache
def webhooks(request: HttpRequest) -> HttpResponse:
    """Hers; a new one's secret is on the page that answers the form, and nowhere else."""
    user = signed_in(request)
    form = NewWebhookForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and form.is_first_sending(user.pk):
        try:
            made = services.add(user=user, **form.values)
            return _one(request, made, WebhookForm(initial=_values(made)), secret=made.secret)
        except services.TooManyError:
            form.refuse(FULL)
    rows = Webhook.objects.of(user).order_by("name", "pk")
    context = {"form": form, "rows": [(one, _words(one)) for one in rows], "most": services.MOST}
    return render_page(request, "webhooks/index.html", context, status=422 if form.is_bound else 200)


@door("GET", "HEAD", "POST")
@never_cache
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    found = _find(request, pk)
    if request.method != "POST":
        return _one(request, found, WebhookForm(initial=_values(found)))
    form = WebhookForm(request.POST)
    if not form.is_valid():
        return _one(request, found, form, status=422)
    services.change(webhook=found, **form.values)
    messages.success(request, f"{found} is saved.")
    return redirect("webhook", pk)


@door("POST")
@never_cache
def secret(request: HttpRequest, pk: int) -> HttpResponse:
    """A new one, which is on this page only."""
    found, form = _find(request, pk), NewSecretForm(request.POST)
    if not form.is_valid() or not form.is_first_sending(found.user_id):
        messages.warning(request, form.SENT_BEFORE)
        return redirect("webhook", pk)
    made = services.new_secret_for(webhook=found)
    found.refresh_from_db()
    return _one(request, found, WebhookForm(initial=_values(found)), secret=made)


@door("POST")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: on, off, test, now (all that waits), replay (all that was given up), remove."""
    found, do = _find(request, pk), request.POST.get("do")
    if do == "remove":
        services.remove(webhook=found)
        messages.success(request, f"{found} is deleted, with its log.")
        return redirect("webhooks")
    if do == "off":
        services.switch_off(webhook=found)
        messages.success(request, f"{found} is off. What waits goes out once it is on again.")
    elif do == "on":
        _say(request, services.switch_on(webhook=found), f"{found} is on.", KEPT_OFF)
    elif do == "test":
        _test(request, found)
    elif do == "now":
        services.hasten(webhook=found)
        messages.success(request, "What waits goes out now. In a few seconds the log says what came of it.")
    elif do == "replay":
        hers = found.deliveries.shown_to(load_keyring(signed_in(request))).filter(state=State.DEAD)
        count = services.replay(webhook=found, deliveries=hers)
        messages.success(request, f"{count:,} on the way again.")
    return redirect("webhook", pk)


@door("POST")
def replay_one(request: HttpRequest, pk: int, number: UUID) -> HttpResponse:
    """One of the log again, whatever became of it."""
    found = _find(request, pk)
    hers = found.deliveries.shown_to(load_keyring(signed_in(request)))
    one = get_object_or_404(hers.exclude(kind=TEST), number=number)
    services.replay(webhook=found, deliveries=found.deliveries.filter(pk=one.pk))
    messages.success(request, "On the way again, under the same webhook-id.")
    return redirect("webhook", pk)


def _test(request: HttpRequest, found: Webhook) -> None:
    try:
        services.send_test(webhook=found)
        messages.success(request, "A test is on its way. In a few seconds the log says what came of it.")
    except services.NotOnError:
        messages.warning(request, NOT_NOW)


def _say(request: HttpRequest, done: bool, well: str, else_: str) -> None:
    (messages.success if done else messages.warning)(request, well if done else else_)


def _find(request: HttpRequest, pk: int) -> Webhook:
    return get_object_or_404(Webhook.objects.of(signed_in(request)), pk=pk)


def _values(one: Webhook) -> dict[str, Any]:
    return {"name": one.name, "url": one.url, "events": one.events}


def _words(one: Webhook) -> list[str]:
    return [label for value, label in Event.choices if value in one.events]


def _one(
    request: HttpRequest, found: Webhook, form: WebhookForm, *, secret: str = "", status: int = 200
) -> HttpResponse:
    keyring = load_keyring(signed_in(request))
    log = LogForm(request.GET)
    deliveries = found.deliveries.shown_to(keyring).select_related(*OF_LEAD)
    if log.is_valid() and (state := log.cleaned_data["state"]):
        deliveries = deliveries.filter(state=state)
    page = keyset_along(deliveries, along=("-pk",), cursor=request.GET.get("cursor", ""), size=ROWS)
    context = {
        "webhook": found,
        "form": form,
        "secret": secret,
        "new_secret": NewSecretForm(),
        "log": log,
        "page": page,
        "lines": [_line(one, keyring) for one in page.rows],
        "dead": found.deliveries.shown_to(keyring).filter(state=State.DEAD).exclude(kind=TEST).exists(),
    }
    return render_page(request, "webhooks/webhook.html", context, status=status)


def _line(one: WebhookDelivery, keyring: Keyring) -> dict[str, Any]:
    """A delivery as the log shows it: of the lead no more than she may know."""
    lead, url = named(one.lead, keyring) if one.lead else ("", "")
    due = max(one.next_at, one.webhook.rests_until or one.next_at) if one.next_at else timezone.now()
    return {
        "next": due if due > timezone.now() else None,
        "one": one,
        "lead": lead,
        "url": url,
        "tone": TONES[one.state],
        "again": one.kind != TEST and one.state != State.WAITING,
    }
