"""Her open offers as a fragment that keeps itself fresh; claiming one, and passing on it."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.views.decorators.cache import never_cache

from crm.core.doors import door
from crm.core.htmx import is_fragment
from crm.organization.models import User
from crm.organization.people import signed_in
from permissions.keyring import load_keyring
from routing.models import Offer, OfferRecipient
from routing.services.claiming import TooLateError, claim_by_button, decline
from routing.services.desk import offers_context
from routing.services.seeing import mark_seen

TOO_LATE = {
    Offer.State.OPEN: "This offer ended at {} and goes to the next agent.",
    Offer.State.EXPIRED: "This offer ended at {} and went to the next agent.",
    Offer.State.DECLINED: "You passed on this offer at {}; it went to the next agent.",
    Offer.State.CLAIMED: "You claimed this one at {}.",
    Offer.State.WITHDRAWN: "This offer was withdrawn at {}.",
}


@door()
@never_cache
def offers(request: HttpRequest) -> HttpResponse:
    return fragment(request) if is_fragment(request) else redirect("today")


@door("POST")
def seen(request: HttpRequest) -> HttpResponse:
    """She has these offers before her: said once by a page that shows any for the first time."""
    mark_seen(user=signed_in(request), public_ids=request.POST.getlist("lead"))
    return HttpResponse(status=204) if is_fragment(request) else redirect("today")


@door("POST")
def claim_offer(request: HttpRequest, public_id: str) -> HttpResponse:
    user = signed_in(request)
    offer = latest_offer(user, public_id)
    try:
        claim_by_button(lead=offer.lead, user=user)
    except TooLateError:
        return too_late(request, offer)
    page = reverse("lead", args=[public_id])
    messages.success(request, format_html('Claimed. <a href="{}">{}</a> is yours.', page, offer.lead.name))
    return answer(request, page)


@door("POST")
def pass_offer(request: HttpRequest, public_id: str) -> HttpResponse:
    user = signed_in(request)
    offer = latest_offer(user, public_id)
    try:
        decline(lead=offer.lead, user=user)
    except TooLateError:
        return too_late(request, offer)
    messages.info(request, passed_words(user, offer))
    return answer(request, reverse("today"))


def passed_words(user: User, offer: Offer) -> str:
    """Who has it now that she passed."""
    if offer.recipients.filter(ended_at=None).exists():
        return "Passed. Your colleagues still have it."
    again = Offer.objects.filter(lead=offer.lead, state=Offer.State.OPEN, recipients__user=user)
    if again.exists():
        return "Passed. So did all others, so it is offered to everybody once more."
    return "Passed on. The next agent has it now."


def latest_offer(user: User, public_id: str) -> Offer:
    """The last time this lead was offered to her; 404 where it never was."""
    among = OfferRecipient.objects.filter(user=user, offer=OuterRef("pk"))
    hers = Offer.objects.filter(Q(user=user) | Exists(among), company=user.company_id, lead__public_id=public_id)
    offer = hers.select_related("lead").order_by("-pk").first()
    if offer is None:
        raise Http404
    return offer


def too_late(request: HttpRequest, offer: Offer) -> HttpResponse:
    """What became of it, in the place of the offer. No name: the lead may be somebody else's by now."""
    offer.refresh_from_db(fields=["state", "closed_at", "user"])
    ended = timezone.localtime(offer.closed_at or offer.deadline)
    words = TOO_LATE[Offer.State(offer.state)]
    if offer.state == Offer.State.CLAIMED and offer.user_id != signed_in(request).pk:
        words = "A colleague claimed this one at {}."
    notice = words.format(date_format(ended, "g:i A"))
    if in_list(request):
        return fragment(request, notice=notice, status=409)
    messages.error(request, notice)
    return leave(request, reverse("today"))


def answer(request: HttpRequest, page: str) -> HttpResponse:
    """Back to the list it was done in, else to `page`."""
    return fragment(request) if in_list(request) else leave(request, page)


def leave(request: HttpRequest, page: str) -> HttpResponse:
    """Go to `page`, as a whole where htmx asked."""
    if not is_fragment(request):
        return HttpResponseRedirect(page)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = page
    return response


def in_list(request: HttpRequest) -> bool:
    return is_fragment(request) and request.headers.get("HX-Target") == "offers"


def fragment(request: HttpRequest, *, notice: str = "", status: int = 200) -> HttpResponse:
    user = signed_in(request)
    context = offers_context(user, load_keyring(user), notice=notice, fresh=True, acted=request.method == "POST")
    return render(request, "routing/offers.html", context, status=status)
