"""Monitors (D15): who is at work in the campaigns, what is in their hoppers, where leads fall out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.downloads import download
from crm.core.htmx import is_fragment, render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from dialer.models import AgentSession, Campaign
from dialer.services import queues
from dialer.services.funnel import dialable_of, figures_of, funnel_of, list_of, summary_of
from dialer.services.monitoring import Agent, agents_live, free, lines_of, require_runs
from leads.spreadsheet import csv_lines
from permissions.catalog import Permission
from permissions.keyring import load_keyring
from routing.reports.tables import csv_of

VERB = Permission.VIEW_HOPPER
AGENT_COLUMNS = (
    *("Campaign", "Agent", "State", "Since", "Silent (s)", "Calls today", "Contacts today", "Sales today"),
    *("Owned entries", "General entries", "Dialable leads", "Skill"),
)
NOT_APPLICABLE = "not applicable"


def watched(user: User, campaign_id: int) -> Campaign:
    """The campaign, where its monitors are open to her."""
    known = Campaign.objects.watched_by(user).select_related("company", "unit", "lead_filter")
    found: Campaign = get_object_or_404(known, pk=campaign_id)
    return found


# --- agents -----------------------------------------------------------------------------------------------------------


@door(verb=VERB)
@never_cache
def monitors(request: HttpRequest) -> HttpResponse:
    """All campaigns she may watch, and who is at work in them."""
    user = signed_in(request)
    known = Campaign.objects.watched_by(user).select_related("company", "unit", "lead_filter")
    campaigns = list(known.order_by("-active", "name", "pk"))
    context = {"lines": lines_of(campaigns), "agents": agents_live(campaigns, load_keyring(user)), "several": True}
    return _live(request, "dialer/monitors/index.html", context)


@door(verb=VERB)
@never_cache
def agents(request: HttpRequest, campaign_id: int) -> HttpResponse:
    user = signed_in(request)
    campaign = watched(user, campaign_id)
    context = {
        "campaign": campaign,
        "lines": lines_of([campaign]),
        "agents": agents_live([campaign], load_keyring(user)),
    }
    return _live(request, "dialer/monitors/agents.html", context)


def _live(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The page; to itself, as it asks again and again, nothing while all is as it shows."""
    hers = set(Campaign.objects.managed_by(signed_in(request)).values_list("pk", flat=True))
    context["may_free"] = hers
    shown = render_to_string("dialer/monitors/live.html", context, request)
    seen = blake2b(shown.encode(), digest_size=8).hexdigest()
    if is_fragment(request) and request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    return render_page(request, template, context | {"shown": shown, "seen": seen}, partial="board")


@door("GET", "HEAD", "POST", verb=VERB)
@never_cache
def log_out(request: HttpRequest, session_id: int) -> HttpResponse:
    """Free a session that is stuck: what that means, and doing it."""
    user = signed_in(request)
    live = AgentSession.objects.live().filter(campaign__in=Campaign.objects.watched_by(user).values("pk"))
    session = get_object_or_404(live.select_related("campaign", "user"), pk=session_id)
    require_runs(user, session.campaign)
    if request.method != "POST":
        return render_page(request, "dialer/monitors/log_out.html", {"session": session})
    free(actor=user, session=session)
    messages.success(request, f"{session.user.name} is logged out of {session.campaign}.")
    return redirect("monitor", session.campaign_id)


def _agents_csv(found: Sequence[Agent]) -> Iterator[str]:
    return csv_lines(AGENT_COLUMNS, map(_agent_line, found))


def _agent_line(agent: Agent) -> list[str]:
    session, today = agent.session, agent.today
    counts = (agent.owned, agent.general, agent.dialable)
    pause = f": {session.get_pause_reason_display()}" if session.pause_reason else ""
    return [
        *(session.campaign.name, session.user.name, f"{session.get_state_display()}{pause}"),
        session.state_at.isoformat(timespec="seconds"),
        *map(str, (agent.silent, today.calls, today.contacts, today.sales)),
        *(NOT_APPLICABLE if count is None else str(count) for count in counts),
        agent.skill,
    ]


# --- the hopper -------------------------------------------------------------------------------------------------------


class HopperForm(forms.Form):
    queue = forms.ChoiceField(required=False)
    came = forms.ChoiceField(required=False, label="Source", choices=[("", "Any"), *queues.CAME.items()])

    def __init__(self, data: QueryDict, found: Sequence[queues.Queue]) -> None:
        super().__init__(data)
        choices = [(one.key, f"{one.name} ({one.count:,})") for one in found]
        self.fields["queue"].choices = [("", "All"), *choices]  # type: ignore[attr-defined]

    @property
    def asked(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("queue", "came")}

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in self.data.items() if name in self.fields and value})


@door(verb=VERB)
@never_cache
def hopper(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """What waits, in the order it comes."""
    user = signed_in(request)
    campaign = watched(user, campaign_id)
    keyring, found = load_keyring(user), queues.queues_of(campaign)
    form = HopperForm(request.GET, found)
    context = {"campaign": campaign, "form": form, "queues": found, "total": sum(one.count for one in found)}
    if form.is_valid():
        entries = queues.entries_of(campaign, keyring, **form.asked)
        page = queues.page_of(entries, queue=form.asked["queue"], cursor=request.GET.get("cursor", ""))
        context |= {"page": page, "rows": queues.rows_of(page.rows, keyring), "asked": form.asked}
    return render_page(request, "dialer/monitors/hopper.html", context)


# --- figures ----------------------------------------------------------------------------------------------------------


@door(verb=VERB)
@never_cache
def funnel(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The page at once; its figures as soon as they are counted."""
    user = signed_in(request)
    campaign = watched(user, campaign_id)
    context: dict[str, Any] = {"campaign": campaign}
    if is_fragment(request) or "counted" in request.GET:
        found = figures_of(campaign, load_keyring(user))
        context |= {"found": found, "dialable": dialable_of(found), "scope_url": list_of(campaign)}
        context |= {"funnel": funnel_of(found), "summary": summary_of(found)}
    return render_page(request, "dialer/monitors/funnel.html", context, partial="figures")


@door(verb=VERB)
def file(request: HttpRequest, campaign_id: int, name: str) -> HttpResponseBase:
    """The rows of a monitor as CSV."""
    user = signed_in(request)
    campaign = watched(user, campaign_id)
    keyring = load_keyring(user)
    if name == "agents":
        return download(_agents_csv(agents_live([campaign], keyring)), "agents.csv")
    if name == "hopper":
        form = HopperForm(request.GET, queues.queues_of(campaign))
        if not form.is_valid():
            return hopper(request, campaign_id)
        return download(queues.as_csv(campaign, user, **form.asked), "hopper.csv")
    if name == "funnel":
        return download(csv_of([funnel_of(figures_of(campaign, keyring))]), "funnel.csv")
    if name == "leads":
        return download(csv_of(summary_of(figures_of(campaign, keyring))), "leads.csv")
    raise Http404
