"""Making, finding and revoking keys to the API (I3). A key is shown once; what is kept of it cannot be turned back."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from crm.organization.models import User
from permissions.catalog import Permission
from permissions.models import ApiAnswer, ApiToken
from permissions.profiles.services import manages_company

PREFIX = "fl_"
USED_EVERY = timedelta(minutes=1)  # how exactly the last use is known
KEPT = timedelta(days=1)


class Scope(StrEnum):
    """What a token may be used for, of what its person may do."""

    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    DIRECTORY_READ = "directory:read"


SCOPES = (
    (Scope.LEADS_READ.value, "Read leads and their timelines"),
    (Scope.LEADS_WRITE.value, "Add and change leads, write on timelines"),
    (Scope.DIRECTORY_READ.value, "Read people, stages, channels and campaigns"),
)


def issue(*, user: User, name: str, scopes: Collection[str], lasts: timedelta | None) -> tuple[ApiToken, str]:
    """A token of hers, and its key, which nobody can read again."""
    key = PREFIX + secrets.token_urlsafe(30)
    token = ApiToken.objects.create(
        company_id=user.company_id,
        user=user,
        name=name,
        scopes=sorted(scopes),
        hint=key[:8],
        digest=digest_of(key),
        ends_at=Now() + lasts if lasts else None,
    )
    return token, key


def digest_of(key: str) -> bytes:
    """A key is random and long: a plain hash cannot be guessed back."""
    return sha256(key.encode(errors="replace")).digest()


def token_of(key: str) -> ApiToken | None:
    """The live token of an active person with this key; its use is noted."""
    live = ApiToken.objects.filter(Q(ends_at=None) | Q(ends_at__gt=Now()), revoked_at=None, user__is_active=True)
    token = live.select_related("user__company", "user__holding__profile").filter(digest=digest_of(key)).first()
    if token is not None:
        stale = Q(used_at=None) | Q(used_at__lt=Now() - USED_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(used_at=Now())
    return token


def tokens_managed_by(user: User) -> QuerySet[ApiToken]:
    """Her own; for managers of the company who manage people, everybody's."""
    tokens = ApiToken.objects.filter(company=user.company_id)
    if user.has_perm(Permission.MANAGE_USERS) and manages_company(user):
        return tokens
    return tokens.filter(user=user)


def revoke(*, actor: User, token: ApiToken) -> None:
    """End it at once. Raises PermissionDenied. The same again changes nothing."""
    mine = tokens_managed_by(actor).filter(pk=token.pk)
    if not mine.exists():
        raise PermissionDenied("This token is not yours to revoke.")
    mine.filter(revoked_at=None).update(revoked_at=Now(), revoked_by=actor)


def forget_answers() -> None:
    """Throw away what was answered longer ago than a repeated request is known again."""
    ApiAnswer.objects.filter(at__lt=Now() - KEPT).delete()
