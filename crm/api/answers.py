"""A request with an Idempotency-Key is done once, and answered the same however often it is sent."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Schema

from crm.api.problems import RefusedError
from crm.organization.people import signed_in
from permissions.models import ApiAnswer

LONGEST_KEY = 255
Done = tuple[int, Schema]


@transaction.atomic
def once(request: HttpRequest, do: Callable[[], Done]) -> HttpResponse:
    """What `do` answers; with a key that was used before, what was answered then.

    The key is taken in the transaction of what is done: who asks at the same moment waits, and what fails leaves it free.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return _answer(*do())
    if len(key) > LONGEST_KEY or "\x00" in key:
        raise RefusedError(400, f"An Idempotency-Key has {LONGEST_KEY} characters at most.")
    digest = sha256(f"{request.method} {request.get_full_path()}\n".encode() + request.body).digest()
    asker = signed_in(request)
    ApiAnswer.objects.bulk_create([ApiAnswer(user=asker, key=key, digest=digest)], ignore_conflicts=True)
    found = ApiAnswer.objects.get(user=asker, key=key)
    if bytes(found.digest) != digest:
        raise RefusedError(422, "This Idempotency-Key was used for another request.")
    if found.status:  # which no transaction but the one that took the key sees unanswered
        return JsonResponse(found.body, status=found.status, headers={"Idempotency-Replayed": "true"})
    status, said = do()
    body = said.model_dump(mode="json")
    ApiAnswer.objects.filter(pk=found.pk).update(status=status, body=body)
    return JsonResponse(body, status=status)


def _answer(status: int, said: Schema) -> HttpResponse:
    return JsonResponse(said.model_dump(mode="json"), status=status)
