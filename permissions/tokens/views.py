"""A person's keys to the API: what there is, a new one, and an end to one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from crm.core.doors import door
from crm.core.htmx import render_page
from crm.organization.people import signed_in
from permissions.models import ApiToken
from permissions.tokens.forms import TokenForm
from permissions.tokens.services import SCOPES, issue, revoke, tokens_managed_by


@door("GET", "HEAD", "POST")
def tokens(request: HttpRequest) -> HttpResponse:
    """Her tokens; a new one's key is on the page that answers the form, and nowhere else."""
    user = signed_in(request)
    form = TokenForm(request.POST if request.method == "POST" else None)
    if not form.is_valid() or not form.is_first_sending(user.pk):
        return _page(request, form, status=422 if form.is_bound else 200)
    data = form.cleaned_data
    made, key = issue(user=user, name=data["name"], scopes=data["scopes"], lasts=form.lasting)
    response = _page(request, TokenForm(), made=made, key=key)
    response["Cache-Control"] = "no-store"
    return response


def _page(
    request: HttpRequest, form: TokenForm, *, status: int = 200, made: ApiToken | None = None, key: str = ""
) -> HttpResponse:
    theirs = ApiToken.objects.filter(user=signed_in(request)).select_related("revoked_by").order_by("-pk")
    words = dict(SCOPES)
    rows = [(token, [words.get(scope, scope) for scope in token.scopes], _state(token)) for token in theirs]
    context = {"form": form, "rows": rows, "made": made, "key": key}
    return render_page(request, "permissions/tokens.html", context, status=status)


def _state(token: ApiToken) -> str:
    """Why it no longer opens anything; empty while it does."""
    if token.revoked_at:
        return "revoked"
    return "ended" if token.ends_at and token.ends_at <= timezone.now() else ""


@door("POST")
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    token = get_object_or_404(tokens_managed_by(user).filter(user=user), pk=pk)
    revoke(actor=user, token=token)
    messages.success(request, f"“{token}” opens nothing any more.")
    return redirect("tokens")
