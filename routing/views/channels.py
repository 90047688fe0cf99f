"""Channels: which there are and how they are doing, connecting one, its page; and the inbox of what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.core.pagination import keyset_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.models import Lead
from leads.services.disputing import conflicts_for
from permissions.access import Level
from permissions.keyring import load_keyring
from routing.capture import channels as services
from routing.capture import mapping
from routing.capture.fetching import Late, late_of
from routing.capture.inbox import AT_ONCE, discard, shown, try_again
from routing.capture.keys import ending_of, has_old_key
from routing.capture.mail import address_of
from routing.capture.mailbox import mailbox_state
from routing.capture.storing import refused_of
from routing.channel_forms import ChannelForm, KindForm, MappingForm
from routing.models import Channel, InboundLead, InboundRequest
from routing.querysets import InboundRequestQuerySet

MOST_RECENT = 20
A_DAY = timedelta(days=1)
LATELY = Q(received_at__gte=Now() - A_DAY)
MOST_AGAIN = 5000
TAKEN_IN = (InboundLead.State.CREATED, InboundLead.State.INQUIRY, InboundLead.State.IGNORED)


@dataclass(frozen=True)
class Row:
    """A channel as the list shows it. `received`: in the last 24 hours; `stuck`: in the inbox; `late`: not fetched yet."""

    channel: Channel
    last_at: datetime | None
    received: int
    stuck: int
    late: Late | None


@door()
def channels(request: HttpRequest) -> HttpResponse:
    actor = signed_in(request)
    found = Channel.objects.readable_by(actor).select_related("owner_unit", "owner_user", "routing_unit")
    day = Q(requests__received_at__gte=Now() - A_DAY)
    counted: Any = found.annotate(last_at=Max("requests__received_at"), received=Count("requests", filter=day))
    stuck, late = _stuck(actor), late_of(found)
    rows = [
        Row(one, one.last_at, one.received, stuck.get(one.pk, 0), late.get(one.pk))
        for one in counted.order_by("closed_at", "name", "pk")
    ]
    context = {"rows": rows, "stuck": sum(stuck.values()), "conflicts": conflicts_for(load_keyring(actor))}
    return render_page(request, "routing/channels/index.html", context)


def _stuck(actor: User) -> dict[int, int]:
    waiting = InboundRequest.objects.managed_by(actor).in_inbox().order_by("channel")
    return dict(waiting.values_list("channel").annotate(count=Count("pk")))


@door("GET", "POST")
def connect(request: HttpRequest) -> HttpResponse:
    """First of which kind (`kind`), then the rest."""
    actor, kind = signed_in(request), request.GET.get("kind", "")
    kinds = services.kinds_for(actor)
    if kind not in dict(kinds):
        form = KindForm(request.GET if "kind" in request.GET else None, kinds=kinds)
        status = 422 if request.method == "POST" and form.is_bound else 200
        return render_page(request, "routing/channels/kind.html", {"form": form}, status=status)
    form_of = ChannelForm(request.POST or None, actor=actor, kind=kind)
    if form_of.is_valid():
        made = services.connect(actor=actor, kind=kind, settings=form_of.settings)
        messages.success(request, f"{made} is connected. Now send leads to its address.")
        return redirect("channel", made.public_id)
    context = {"form": form_of, "kind": Channel.Kind(kind).label}
    return render_page(request, "routing/channels/connect.html", context, status=422 if form_of.is_bound else 200)


@door("GET", "HEAD", "POST")
def channel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Its address and key, its settings, what came of late. A POST changes the settings.

    Who connected it without managing its unit reads the address, the key and how it is doing, and no more.
    """
    actor, found = signed_in(request), _find(request, public_id)
    manages = Channel.objects.managed_by(actor).filter(pk=found.pk).exists()
    if request.method == "POST" and not manages:
        raise PermissionDenied(services.NOT_MANAGED)
    form = ChannelForm(request.POST or None, actor=actor, kind=found.kind, channel=found)
    if form.is_valid():
        services.change(actor=actor, channel=found, settings=form.settings)
        messages.success(request, "Saved. Leads that come from now on follow this.")
        return redirect("channel", public_id)
    context = {
        "channel": found,
        "form": form,
        "address": request.build_absolute_uri(reverse("inbound", args=[public_id])),
        "kind": Channel.Kind(found.kind).label,
        "form_address": request.build_absolute_uri(reverse("hosted-form", args=[public_id])),
        "has_form": found.kind in services.WITH_FORM,
        "is_facebook": found.kind == Channel.Kind.FACEBOOK,
        "ending": ending_of(found) if has_old_key(found, timezone.now()) else "",
        "late": late_of(Channel.objects.filter(pk=found.pk)).get(found.pk),
        "manages": manages,
        "recent": _recent(actor, found) if manages else [],
        "came": found.requests.aggregate(last_at=Max("received_at"), lately=Count("pk", filter=LATELY)),
        "refused": refused_of(found),
        "takes_mail": found.kind == Channel.Kind.ADF,
        "mail_address": address_of(found),
        "mailbox": mailbox_state(),
    }
    return render_page(request, "routing/channels/channel.html", context, status=422 if form.is_bound else 200)


def _recent(actor: User, found: Channel) -> list[dict[str, Any]]:
    """The last leads of the channel, each with a link to the lead where she may read it.

    Where there is none for her, it is only said that it was taken in: whether it was known tells of a colleague's (V3).
    """
    rows = list(InboundLead.objects.filter(channel=found.pk).select_related("request").order_by("-pk")[:MOST_RECENT])
    ids = [row.lead_id for row in rows if row.lead_id]
    leads = {lead.pk: lead for lead in Lead.objects.visible_to(actor, Level.VIEW).filter(pk__in=ids).order_by("pk")}
    shown = [(row, leads.get(row.lead_id) if row.lead_id else None) for row in rows]
    return [{"row": row, "lead": lead, "untold": lead is None and row.state in TAKEN_IN} for row, lead in shown]


def _decide(request: HttpRequest, actor: User, found: InboundRequestQuerySet) -> None:
    again, away = request.POST.get("again", ""), request.POST.get("discard", "")
    chosen = list(found.order_by("received_at", "pk").values_list("pk", flat=True)[:MOST_AGAIN])
    chosen = chosen if again == "all" else [pk for pk in chosen if str(pk) == (again or away)]
    count = try_again(actor=actor, request_ids=chosen) if again else discard(actor=actor, request_ids=chosen)
    done = "tried again now" if again else "thrown away, and kept under Thrown away"
    messages.success(
        request, f"{count:,} {'is' if count == 1 else 'are'} {done}." if count else "Nothing was left to do."
    )


@door("POST")
def act(request: HttpRequest, public_id: str) -> HttpResponse:
    """A new key, an end to the old one, closing, opening again (`do`: key, forget, close, open)."""
    actor, found, do = signed_in(request), _find(request, public_id), request.POST.get("do")
    if do == "key":
        _rotate(request, actor, found)
    elif do == "forget":
        services.forget_old(actor=actor, channel=found)
        messages.success(request, "The key before is refused from now on.")
    elif do in ("close", "open"):
        services.close(actor=actor, channel=found, closed=do == "close")
        words = "takes no leads any more" if do == "close" else "takes leads again"
        messages.success(request, f"{found} {words}.")
    return redirect("channel", public_id)


def _rotate(request: HttpRequest, actor: User, found: Channel) -> None:
    try:
        services.rotate(actor=actor, channel=found, ending=request.POST.get("ending", ""))
        messages.success(request, "It has a new key. The one before is good for 7 more days.")
    except services.OldKeyGoodError:
        words = (
            "Nothing was changed: it had a new key a short while ago, and the one before that is still good. See below."
        )
        messages.warning(request, words)


@door("GET", "HEAD", "POST")
def fields(request: HttpRequest, public_id: str) -> HttpResponse:
    """What the questions of one of its forms (`form`) mean."""
    actor, found = signed_in(request), _find(request, public_id)
    if not Channel.objects.managed_by(actor).filter(pk=found.pk).exists():
        raise PermissionDenied(services.NOT_MANAGED)  # the answers that it shows are other people's
    forms = mapping.forms_of(found)
    form_id = request.GET.get("form", "")
    form_id = form_id if form_id in forms else next(iter(forms), "")
    asked, chosen = mapping.asked(found, form_id), mapping.mapping_of(found, form_id)
    data = request.POST if request.method == "POST" else None
    form = MappingForm(data, asked=asked, chosen=chosen, places=mapping.places_for(found.company_id))
    if form.is_valid():
        mapping.set_mapping(actor=actor, channel=found, form_id=form_id, fields=form.meanings)
        messages.success(
            request, "Saved. What comes from now on is read so, and what waits in the inbox when it is tried again."
        )
        return redirect("channel", public_id)
    context = {"channel": found, "form": form, "forms": forms, "form_id": form_id}
    return render_page(request, "routing/channels/fields.html", context, status=422 if form.is_bound else 200)


def _find(request: HttpRequest, public_id: str) -> Channel:
    """One that she may read. What she does with it asks again whether she manages it."""
    hers = Channel.objects.readable_by(signed_in(request)).select_related("owner_unit", "owner_user", "routing_unit")
    found: Channel = get_object_or_404(hers, public_id=public_id)
    return found


@door("GET", "HEAD", "POST")
def inbox(request: HttpRequest) -> HttpResponse:
    """What could not be read or fetched; with `away`, what was thrown away. A POST has one or `all` of it tried `again`, or
    one thrown away (`discard`).
    """
    actor, away = signed_in(request), request.GET.get("away") == "1"
    hers = InboundRequest.objects.managed_by(actor)
    found = hers.thrown_away() if away else hers.in_inbox()
    if chosen := request.GET.get("channel", "").replace("\x00", ""):
        found = found.filter(channel__public_id=chosen[:12])
    if request.method == "POST":
        _decide(request, actor, found)
        return redirect(request.get_full_path())
    found = found.select_related("channel").prefetch_related("leads")
    page = keyset_page(found, sort="received_at", descending=True, cursor=request.GET.get("cursor", ""), size=AT_ONCE)
    context = {
        "page": page,
        "rows": [shown(one, away=away) for one in page.rows],
        "channels": Channel.objects.managed_by(actor).order_by("name", "pk"),
        "chosen": chosen,
        "away": away,
    }
    return render_page(request, "routing/channels/inbox.html", context)
