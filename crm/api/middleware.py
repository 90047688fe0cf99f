"""Every refusal below the API's address in its one shape, whoever gives it: Django, a door, a check before the view."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from crm.core.problems import MEDIA_TYPE, problem

BELOW = "/api/v1/"  # as in crm/urls.py
WORDS = {
    400: "This request cannot be read.",
    403: "You may not do this.",
    404: "There is no such address.",
    405: "This address does not take that.",
    500: "Something went wrong here. It is noted.",
}


class ProblemsMiddleware:
    """Stands before all others, so that what one of them refuses passes here too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and _is_no_problem(response) and _is_below(request):
            status = response.status_code
            said = response.headers.get("X-Refusal") or WORDS.get(status) or HTTPStatus(status).phrase
            response.content = problem(status, said).content
            response.headers["Content-Type"] = MEDIA_TYPE
            response.headers["Content-Length"] = str(len(response.content))
        return response


def _is_no_problem(response: HttpResponse) -> bool:
    return response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE


def _is_below(request: HttpRequest) -> bool:
    return request.path_info.startswith(BELOW)
