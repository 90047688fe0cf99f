"""Who asks: a program with a token, or a person in her browser, whose token against forged forms counts here too."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import Throttled
from ninja.security import APIKeyCookie, HttpBearer

from crm.api.problems import RefusedError
from crm.core.doors import is_let_in
from crm.organization.models import User
from crm.organization.people import signed_in
from permissions.tokens.services import Scope, token_of

A_MINUTE = 60


class ByToken(HttpBearer):
    """`Authorization: Bearer fl_…`, with the scope that the address asks for."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        address = request.META.get("REMOTE_ADDR", "")
        if cache.get(f"api:wrong:{address}", 0) >= settings.API_WRONG_KEYS_A_MINUTE:
            raise Throttled(A_MINUTE)
        found = token_of(token)
        if found is None:
            _count(f"api:wrong:{address}")
            return None
        if self.scope not in found.scopes:
            raise RefusedError(403, f"This token may not do this: it lacks the scope {self.scope}.")
        request.user = found.user
        return _let_in(found.user)


class BySession(APIKeyCookie):
    """Somebody signed in, for trying the API in the browser."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> User | None:
        if "Authorization" in request.headers or not is_let_in(request):
            return None
        if request.method not in ("GET", "HEAD"):
            self._get_key(request)  # refuses a forged request
        return _let_in(signed_in(request))

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        raise NotImplementedError


def needs(scope: Scope) -> list[Any]:
    """Who may ask an address: a token with this scope, or a session."""
    return [ByToken(scope), BySession()]


def _let_in(user: User) -> User:
    """As many requests a minute as a person may send by all her programs."""
    if _count(f"api:{user.pk}") > settings.API_REQUESTS_A_MINUTE:
        raise Throttled(A_MINUTE)
    timezone.activate(user.time_zone)
    return user


def _count(key: str) -> int:
    """One more within this minute: how many that makes. Without a cache nobody counts."""
    if cache.add(key, 1, timeout=A_MINUTE):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:
        return 1
