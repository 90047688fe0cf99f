"""The agent desktop (D9): one lead, and one next step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import is_fragment
from crm.organization.people import signed_in
from dialer.desk_forms import LONGEST_NOTE, SaidForm, is_about, typed_so_far
from dialer.models import AgentSession, Campaign
from dialer.providers.port import ProviderError
from dialer.services import on_call, serving, sessions
from dialer.services.callbacks import NotThenError
from dialer.services.calling import place
from dialer.services.desk import desk_of
from dialer.services.sessions import NotNowError
from dialer.tasks import load_soon
from dialer.views.filters import VERB, units_of
from permissions.keyring import load_keyring

TAKEN = "The lead before you is gone: it changed hands or may not be called any more, or you went on in another window."
DELETED = "The lead was deleted while you called. That you called, and what came of it, is kept."
MEANWHILE = "This is not where you are any more. Go on from here."
ANOTHER = "This is not where you are any more: another lead is before you by now, and nothing was done with it."


@door()
@never_cache
def desk(request: HttpRequest) -> HttpResponse:
    return show(request)


def show(request: HttpRequest, *, form: SaidForm | None = None, acted: bool = False) -> HttpResponse:
    """The desk as it is now: the page, or what of it changes."""
    user = signed_in(request)
    found = desk_of(user, load_keyring(user))
    said = form or SaidForm(given=found.given, initial=typed_so_far(request.POST, found.session))
    context: dict[str, Any] = {
        "desk": found,
        "form": said,
        "chosen": str(said["disposition"].value() or ""),
        "pauses": AgentSession.Pause.choices,
        "acted": acted and is_fragment(request),
        "may_add": not (found.session or found.joinable) and user.has_perm(VERB) and units_of(user).exists(),
    }
    name = "dialer/desk/desk.html" if is_fragment(request) else "dialer/desk/page.html"
    return render(request, name, context, status=422 if form else 200)


def again(request: HttpRequest) -> HttpResponse:
    return show(request, acted=True) if is_fragment(request) else redirect("desk")


Then = Callable[[HttpRequest], HttpResponse]


def _go_on(session: AgentSession | None) -> None:
    """What was before her is gone: the next lead, if she waits for one."""
    now = sessions.session_of(session.user) if session else None
    if now and now.state == sessions.State.READY:
        serving.next_lead(now)


def acting(act: Callable[[HttpRequest, AgentSession], None], then: Then = again, *, on_lead: bool = False) -> Then:
    """A step of hers, `on_lead` with the lead that she saw; where it does not fit any more, she sees where she is."""

    @door("POST")
    def view(request: HttpRequest) -> HttpResponse:
        session = sessions.session_of(signed_in(request))
        try:
            if session is None or (on_lead and not is_about(request.POST, session)):
                raise NotNowError
            act(request, session)
        except NotNowError:
            messages.warning(request, _meanwhile(request))
            _go_on(session)
            return again(request)
        return then(request)

    view.__doc__ = act.__doc__
    return view


on_her_lead = partial(acting, on_lead=True)


def _meanwhile(request: HttpRequest) -> str:
    """Why nothing was done: she went on in another window, or clicked twice."""
    now, seen = sessions.session_of(signed_in(request)), request.POST.get("lead")
    return ANOTHER if seen and now and now.lead and now.lead.public_id != seen else MEANWHILE


@door("POST")
def join(request: HttpRequest, campaign_id: int) -> HttpResponse:
    user = signed_in(request)
    campaign = get_object_or_404(Campaign.objects.joinable_by(user), pk=campaign_id)
    try:
        serving.next_lead(sessions.log_in(user=user, campaign=campaign))
    except NotNowError:
        messages.warning(request, MEANWHILE)
    load_soon(campaign.pk)
    return again(request)


@door("POST")
def leave(request: HttpRequest) -> HttpResponse:
    session = sessions.session_of(signed_in(request))
    if session is not None:
        sessions.beat(session)
        sessions.end_sessions(session.user)
    return again(request)


@door("POST")
def here(request: HttpRequest) -> HttpResponse:
    """She is there: nothing to say while the desk is still as she sees it."""
    session = sessions.session_of(signed_in(request))
    if session is not None:
        sessions.beat(session)
    if not is_fragment(request):
        return redirect("desk")
    shown, seen = f"{session.state} {session.state_at.isoformat()}" if session else "", request.POST.get("seen", "")
    if seen == shown:
        return HttpResponse(status=204)
    if session and session.state == sessions.State.READY and seen.startswith(sessions.State.PREVIEW):
        messages.warning(request, TAKEN)
        serving.next_lead(session)
    return show(request, acted=True)


@door("POST")
def proceed(request: HttpRequest) -> HttpResponse:
    """The next lead; asked by the page itself (`quietly`), there is nothing to say while there is none."""
    session = sessions.session_of(signed_in(request))
    if session is not None:
        sessions.beat(session)
    found = serving.next_lead(session) if session else None
    if found is None and session and "quietly" in request.POST and is_fragment(request):
        return HttpResponse(status=204)
    return again(request)


@on_her_lead
def skip(request: HttpRequest, session: AgentSession) -> None:
    serving.skip(session, about=session.lead_id)
    serving.next_lead(session)


@on_her_lead
def call(request: HttpRequest, session: AgentSession) -> None:
    number = request.POST.get("number", "").replace("\x00", "")[:254]
    attempt = on_call.dial(session=session, number=number, about=session.lead_id)
    if attempt.refused_by:
        why = attempt.get_refused_by_display()
        messages.error(request, f"{why}: the lead was not called, and goes back to the campaign.")
        serving.next_lead(session)
        return
    try:
        place(actor=session.user, attempt=attempt)
    except ProviderError as error:
        messages.error(request, f"{error} You can dial it on your own phone.")


@partial(on_her_lead, then=partial(show, acted=True))  # not sent elsewhere, as what she has typed is shown again
def ended(request: HttpRequest, session: AgentSession) -> None:
    on_call.hang_up(session, about=session.lead_id)


@acting
def pause(request: HttpRequest, session: AgentSession) -> None:
    sessions.pause(session=session, reason=request.POST.get("reason", ""))


@acting
def resume(request: HttpRequest, session: AgentSession) -> None:
    sessions.resume(session=session)
    serving.next_lead(session)


def _opens(refusal: NotThenError) -> str:
    """From when on it may be, by her own clock."""
    at = timezone.localtime(refusal.opens) if refusal.opens else None
    return f" It may be from {date_format(at, 'l g:i A')} your time." if at else ""


@door("POST")
def dispose(request: HttpRequest) -> HttpResponse:
    """What came of the call; then the next lead, unless she goes on pause."""
    session = sessions.session_of(signed_in(request))
    form = SaidForm(request.POST, given=on_call.dispositions_of(session.campaign) if session else [])
    try:
        if session is None or not is_about(request.POST, session):
            raise NotNowError
        if not form.is_valid():
            return show(request, form=form)
        said = form.said()
        if not on_call.dispose(session=session, said=said, about=session.lead_id):
            messages.warning(request, f"{DELETED}{_unsaved(said.note)}")
        serving.next_lead(session)
    except NotThenError as error:
        form.add_error("call_back", f"{error}{_opens(error)}")
        return show(request, form=form)
    except NotNowError:
        note, lead = (request.POST.get(name, "").replace("\x00", "").strip() for name in ("note", "lead"))
        is_saved = on_call.was_said(signed_in(request), lead)  # by the first of two clicks
        messages.warning(request, f"{MEANWHILE}{'' if is_saved else _unsaved(note[:LONGEST_NOTE])}")
    return again(request)


def _unsaved(note: str) -> str:
    return f" Your note was not saved: “{note}”" if note else ""
