"""An installation begins empty: until there is a company, every page leads to the set-up (O7), which asks for a code.

The code is told as the product starts, and in the log: who can read that may set it up, and nobody else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from crm.organization.models import Company

logger = logging.getLogger(__name__)
OPEN = {"setup", "healthz"}
_begun = False


def has_begun() -> bool:
    """Whether there is a company: asked of the database until there is one, and by this process never again.

    Call it outside of a transaction, since a company that is rolled back would be remembered.
    """
    global _begun
    _begun = _begun or Company.objects.exists()
    return _begun


def code() -> str:
    """Made of the secret key, so that every process of the installation knows the same one and none has to keep it."""
    return salted_hmac("fairlead.setup", "code", algorithm="sha256").hexdigest()[:20]


def is_code(text: str) -> bool:
    return constant_time_compare(text.strip(), code())


def announcement() -> str:
    """Where to set up; empty once that is done."""
    address = f"{settings.PUBLIC_URL}{reverse('setup')}?code={code()}"
    return "" if has_begun() else f"There is no company yet. Set up yours at {address}"


@cache
def _tell_log() -> None:
    logger.warning(announcement())


class SetUpFirstMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if (match is not None and match.view_name in OPEN) or has_begun():
            return None
        _tell_log()
        return HttpResponse(status=401) if request.headers.get("HX-Request") else redirect("setup")
