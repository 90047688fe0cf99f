"""Answering to a new e-mail address that was proposed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from crm.core.doors import door
from crm.organization.people import signed_in
from permissions.joining.addresses import answer_address
from permissions.profiles.services import RefusedError


@door("GET", "HEAD", "POST")
def new_address(request: HttpRequest) -> HttpResponse:
    """What she is asked, and her answer."""
    user = signed_in(request)
    if request.method != "POST":
        return render(request, "permissions/new_address.html")
    accepted = request.POST.get("answer") == "accept"
    try:
        answer_address(user=user, email=request.POST.get("email", ""), accepted=accepted)
    except RefusedError as refused:
        messages.warning(request, str(refused))
        return redirect("new-address")
    messages.success(request, "From now on you sign in with it." if accepted else "Your address stays as it is.")
    return redirect("me")
