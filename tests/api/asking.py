"""A program that asks the API with a token."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from crm.organization.models import User
from permissions.tokens.services import Scope, issue


class Program:
    """Asks in the name of a person; answers come as Django's responses."""

    def __init__(self, user: User, *scopes: Scope) -> None:
        _, self.key = issue(user=user, name="Test", scopes=scopes or tuple(Scope), lasts=None)
        self.client = Client()

    def ask(self, method: str, path: str, sent: Any = None, **headers: str) -> HttpResponse:
        body = "" if sent is None else json.dumps(sent)
        given = {"Authorization": f"Bearer {self.key}", **headers}
        found: HttpResponse = self.client.generic(
            method, f"/api/v1/{path}", body, content_type="application/json", headers=given
        )
        return found

    def get(self, path: str) -> Any:
        response = self.ask("GET", path)
        assert response.status_code == 200, response.content
        return json.loads(response.content)

    def post(self, path: str, sent: Any, **headers: str) -> HttpResponse:
        return self.ask("POST", path, sent, **headers)


def said(response: HttpResponse) -> Any:
    return json.loads(response.content)


def refusal(response: HttpResponse, status: int) -> str:
    """The words of a refusal, once its shape is right."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = said(response)
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    return " ".join([body["detail"], *(f"{one['field']}: {one['detail']}" for one in body["errors"])])
