"""Whom and what leads can be sent to: people, stages, channels, campaigns."""

from __future__ import annotations

from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router

from crm.api.asking import needs
from crm.api.problems import PROBLEMS
from crm.api.schemas import NO_NUL, CampaignOut, ChannelOut, FieldOut, Named, StageOut, UserOut, UsersOut
from crm.api.showing import owner_of
from crm.core.pagination import keyset_page
from crm.organization.models import User
from crm.organization.people import signed_in
from crm.organization.querysets import UserQuerySet
from dialer.models import Campaign
from leads.models import CustomField, Stage
from leads.spreadsheet import csv_lines
from permissions.tokens.services import Scope
from routing.models import Channel

router = Router(tags=["Directory"], auth=needs(Scope.DIRECTORY_READ))
PAGE = 100
Search = Annotated[str, Query(max_length=200, pattern=NO_NUL)]


@router.get("/users", response={200: UsersOut, **PROBLEMS}, url_name="users")
def find_users(request: HttpRequest, q: Search = "", cursor: str = "") -> UsersOut:
    """The people you may choose, by name; `q` is part of a name or e-mail address."""
    page = keyset_page(_people(request, q), sort="name", descending=False, cursor=cursor, size=PAGE, strict=True)
    users = [UserOut(id=user.pk, name=user.name, email=user.email) for user in page.rows]
    return UsersOut(users=users, next=page.next_cursor)


@router.get(
    "/users.csv", response={200: str, **PROBLEMS}, url_name="users-csv", openapi_extra={"x-media-type": "text/csv"}
)
def user_ids(request: HttpRequest, q: Search = "") -> StreamingHttpResponse:
    """The same people, all of them, as CSV: id, name, e-mail."""
    people = _people(request, q).order_by("name", "pk").values_list("pk", "name", "email")
    lines = csv_lines(("id", "name", "email"), ((str(pk), name, email) for pk, name, email in people))
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")


def _people(request: HttpRequest, q: str) -> UserQuerySet:
    people: UserQuerySet = User.objects.can_be_seen_by(signed_in(request))
    return people.filter(Q(name__icontains=q) | Q(email__icontains=q)) if q else people


@router.get("/stages", response={200: list[StageOut], **PROBLEMS}, url_name="stages")
def list_stages(request: HttpRequest) -> list[StageOut]:
    """The stages of your company, in their order."""
    rows = Stage.objects.filter(company=signed_in(request).company_id).order_by("position", "pk")
    return [StageOut(id=stage.pk, name=stage.name, kind=stage.kind) for stage in rows]


@router.get("/fields", response={200: list[FieldOut], **PROBLEMS}, url_name="fields")
def list_fields(request: HttpRequest) -> list[FieldOut]:
    """The fields of your company's own that leads have beside the usual ones, as `custom`."""
    rows = CustomField.objects.filter(company=signed_in(request).company_id).order_by("label", "pk")
    return [FieldOut(key=one.key, label=one.label, kind=one.kind, choices=one.choices) for one in rows]


@router.get("/channels", response={200: list[ChannelOut], **PROBLEMS}, url_name="channels")
def list_channels(request: HttpRequest) -> list[ChannelOut]:
    """The open channels that a lead of yours may be sent by."""
    rows = Channel.objects.readable_by(signed_in(request)).open().select_related("owner_unit", "owner_user")
    return [
        ChannelOut(id=one.public_id, name=one.name, kind=one.kind, owner=owner_of(one.owner))
        for one in rows.order_by("name", "pk")
    ]


@router.get("/campaigns", response={200: list[CampaignOut], **PROBLEMS}, url_name="campaigns")
def list_campaigns(request: HttpRequest) -> list[CampaignOut]:
    """The campaigns you run, and those you may join."""
    rows = Campaign.objects.fed_by(signed_in(request)).select_related("unit").order_by("name", "pk")
    return [
        CampaignOut(id=one.pk, name=one.name, active=one.active, unit=Named(id=one.unit_id, name=one.unit.name))
        for one in rows
    ]
