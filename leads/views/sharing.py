"""Who else may see a lead: hiding it from managers, sharing it with colleagues."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from crm.core.doors import door
from crm.core.htmx import is_fragment, render_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.forms import ShareForm
from leads.services.hiding import set_hidden
from leads.services.sharing import revoke_share, share_lead, shares_of
from leads.views.lead import find_lead
from permissions.door import require_verb
from permissions.keyring import load_keyring
from permissions.verbs import Verb


@door("POST")
def hidden(request: HttpRequest, public_id: str) -> HttpResponse:
    """Hide the lead from managers (`hidden=1`), or show it again."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    found = find_lead(request, public_id, keyring)
    hide = request.POST.get("hidden") == "1"
    set_hidden(keyring=keyring, actor=actor, lead=found, hidden=hide)
    words = "Hidden: managers see no more of it than a first name." if hide else "Shown to your managers again."
    messages.success(request, words)
    return redirect("lead", public_id)


@door("GET", "POST")
def sharing(request: HttpRequest, public_id: str) -> HttpResponse:
    """With whom the lead is shared, and with whom else: a dialog on the lead's page, or a page of its own."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    found = find_lead(request, public_id, keyring)
    require_verb(keyring, found, Verb.SHARE)
    form = ShareForm(request.POST or None, actor=actor, lead=found)
    if form.is_valid():
        try:
            share_lead(keyring=keyring, actor=actor, lead=found, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"Shared with {form.cleaned_data['user']}.")
            return _back(request, public_id)
    context = {"lead": found, "form": form, "shares": shares_of(found)}
    status = 422 if form.is_bound else 200
    return render_page(request, "leads/sharing.html", context, partial="dialog", status=status)


@door("POST")
def revoke(request: HttpRequest, public_id: str, user_id: int) -> HttpResponse:
    """Take a share back."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    found = find_lead(request, public_id, keyring)
    colleague = get_object_or_404(User.objects.of(actor), pk=user_id)
    revoke_share(keyring=keyring, actor=actor, lead=found, user=colleague)
    messages.success(request, f"No longer shared with {colleague}.")
    return _back(request, public_id)


def _back(request: HttpRequest, public_id: str) -> HttpResponse:
    """To the lead's page, whole: what changed stands in several of its cards."""
    response = redirect("lead", public_id)
    if not is_fragment(request):
        return response
    return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})
