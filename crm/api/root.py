"""All of the API: its description, its refusals in one shape, and the door marks of its addresses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from crm.api import directory, hoppers, leads
from crm.api.problems import FieldProblem, RefusedError, plain, problem
from crm.core.doors import public
from crm.core.pagination import UnknownCursorError
from crm.core.problems import MEDIA_TYPE

logger = logging.getLogger(__name__)
METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "TRACE")
DESCRIPTION = """
Send leads to Fairlead, find them and work them, with the rights of the person whose token you use: what she may not see is
not there (404), and what she may not do is refused (403).

Make a token at *Your settings → Your API tokens*, and send it as `Authorization: Bearer fl_…`. Refusals are
`application/problem+json`. Repeat a POST with the same `Idempotency-Key` as often as you like within a day: it is done
once. A person's programs may ask 600 times a minute; after that the answer is 429 with `Retry-After`.
"""


class Api(NinjaAPI):
    def get_openapi_schema(self, **kwargs: Any) -> Any:
        """Refusals and files have media types of their own, which the library cannot say."""
        schema = super().get_openapi_schema(**kwargs)
        for address in schema["paths"].values():
            for operation in address.values():
                for status, answer in operation["responses"].items():
                    wanted = MEDIA_TYPE if int(status) >= 400 else operation.get("x-media-type")
                    if wanted and "content" in answer:
                        answer["content"] = {wanted: next(iter(answer["content"].values()))}
        return schema


api = Api(title="Fairlead", version="1", description=DESCRIPTION, urls_namespace="api", docs_url="/docs")
api.add_router("/leads", leads.router)
api.add_router("/campaigns", hoppers.router)
api.add_router("", directory.router)


@api.exception_handler(RefusedError)
def refused(request: HttpRequest, error: RefusedError) -> HttpResponse:
    return problem(error.status, error.detail, error.errors)


@api.exception_handler(ValidationError)
def unreadable(request: HttpRequest, error: ValidationError) -> HttpResponse:
    problems = [
        FieldProblem(field=".".join(map(str, one["loc"][2:] or one["loc"][1:])), detail=plain(one["msg"]))
        for one in error.errors
    ]
    return problem(422, "The request cannot be read as this address wants it.", problems)


@api.exception_handler(AuthenticationError)
def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    detail = "Send a token that is valid: “Authorization: Bearer …”."
    return problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


@api.exception_handler(PermissionDenied)
def forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return problem(403, str(error) or "You may not do this.")


@api.exception_handler(Http404)
def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, "There is nothing here that you may see.")


@api.exception_handler(RequestDataTooBig)
def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(413, f"A request may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE >> 20} MB at most.")


@api.exception_handler(SuspiciousOperation)
def suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
    return problem(400, "This request cannot be read.")


@api.exception_handler(UnknownCursorError)
def lost(request: HttpRequest, error: UnknownCursorError) -> HttpResponse:
    return problem(422, "This cursor is not one of this list in this order. Begin again without one.")


@api.exception_handler(Throttled)
def too_many(request: HttpRequest, error: Throttled) -> HttpResponse:
    detail = "Too many requests. Wait a minute."
    return problem(429, detail, headers={"Retry-After": str(error.wait or 60)})


@api.exception_handler(HttpError)
def other(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, str(error))


@api.exception_handler(Exception)
def broken(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("the API broke at %s", request.path, exc_info=error)
    return problem(500, "Something went wrong here. It is noted.")


def _marked(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Open as far as the door goes: each address asks for a token or a session itself."""

    @wraps(view, assigned=("__doc__",), updated=())
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "HEAD":
            request.method = "GET"
        return view(request, *args, **kwargs)

    return csrf_exempt(public(*METHODS)(answer))


def _shown(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that only describes: whatever would write is told so, not asked for a form's token."""
    return csrf_exempt(public("GET")(view))


@csrf_exempt
@public(*METHODS)
def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:
    return problem(404, "There is no such address.")


DESCRIBING = {"openapi-json", "openapi-view"}  # pages of the library that only show


def _patterns() -> list[URLPattern]:
    """Every address once, whatever it takes."""
    found: dict[str, URLPattern] = {}
    for one in api.urls[0]:
        if isinstance(one, URLPattern):
            found.setdefault(str(one.pattern), one)
    for pattern in found.values():
        mark: Callable[[Any], Any] = _shown if pattern.name in DESCRIBING else _marked
        pattern.callback = nothing if pattern.name == "api-root" else mark(pattern.callback)
    return [*found.values(), path("<path:rest>", nothing, name="nothing")]


urls = (_patterns(), "ninja", "api")
