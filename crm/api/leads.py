"""Leads: send, find, read, change; their timelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django_filters import ChoiceFilter, Filter
from ninja import Router

from crm.api.answers import once
from crm.api.asking import needs
from crm.api.inserting import insert
from crm.api.problems import PROBLEMS, FieldProblem, RefusedError
from crm.api.schemas import (
    ActivitiesOut,
    ActivityIn,
    ActivityOut,
    BatchIn,
    BatchOut,
    Inserted,
    LeadChange,
    LeadOut,
    LeadsOut,
    Named,
    NewLeadIn,
)
from crm.api.showing import shown
from crm.core.pagination import capped_count, keyset_page
from crm.organization.models import User
from crm.organization.people import signed_in
from leads.contact import UnreadableContactError
from leads.filters import LeadFilter
from leads.merging.doing import absorbed_by
from leads.models import Activity, CustomField, Lead, Stage
from leads.own_values import UnreadableValueError, read_all
from leads.services.creating import source_named
from leads.services.working import NobodyLeftError, change_stage, edit_lead, log_activity
from permissions.access import Keyring, Level
from permissions.keyring import load_keyring
from permissions.tokens.services import Scope

router = Router(tags=["Leads"])
READ, WRITE = needs(Scope.LEADS_READ), needs(Scope.LEADS_WRITE)
PAGE = 50
OF_THE_PAGE = {"columns", "view"}  # how People shows its list


def _schema(one: Filter) -> dict[str, Any]:
    """Where it takes one of a few words, those."""
    words = one.extra.get("choices", ()) if isinstance(one, ChoiceFilter) else ()
    return {"type": "string", **({"enum": [word for word, _ in words]} if words else {})}


FILTERS = [
    {"name": name, "in": "query", "description": f"{one.label}.", "required": False, "schema": _schema(one)}
    for name, one in LeadFilter.base_filters.items()
    if name not in OF_THE_PAGE
]
CURSOR = {
    "name": "cursor",
    "in": "query",
    "description": "`next` of the page before.",
    "required": False,
    "schema": {"type": "string"},
}
STATUSES = {"created": 201, "existing": 200, "updated": 200}


@router.post("", auth=WRITE, response={201: Inserted, 200: Inserted, **PROBLEMS}, url_name="leads")
def send_a_lead(request: HttpRequest, lead: NewLeadIn) -> HttpResponse:
    """Send one lead: 201 where it was made, 200 where the person was there already."""
    actor = signed_in(request)

    def do() -> tuple[int, Inserted]:
        (done,) = insert(actor, load_keyring(actor), [lead])
        if done.outcome == "refused":
            raise RefusedError(422, done.detail)
        return STATUSES[done.outcome], done

    return once(request, do)


@router.post("/batch", auth=WRITE, response={200: BatchOut, **PROBLEMS}, url_name="leads-batch")
def send_leads(request: HttpRequest, batch: BatchIn) -> HttpResponse:
    """Send up to 1,000 leads. Each has its own outcome; one that is refused leaves the others alone."""
    actor = signed_in(request)
    return once(request, lambda: (200, BatchOut(results=insert(actor, load_keyring(actor), batch.leads))))


@router.get("", auth=READ, response={200: LeadsOut, **PROBLEMS}, openapi_extra={"parameters": [*FILTERS, CURSOR]})
def find_leads(request: HttpRequest) -> LeadsOut:
    """The leads you may see, a page at a time: all filters of the People page by their names there, `q` to search."""
    keyring = load_keyring(signed_in(request))
    asked = QueryDict(request.META.get("QUERY_STRING", ""))
    chosen = LeadFilter(asked, keyring=keyring, actor=signed_in(request))
    if unknown := chosen.unknown | (OF_THE_PAGE & set(asked)):
        raise RefusedError(422, f"There is no filter “{min(unknown)}”.")
    if not chosen.is_valid():
        problems = [FieldProblem(field=name, detail=" ".join(map(str, said))) for name, said in chosen.errors.items()]
        raise RefusedError(422, "These filters cannot be read.", problems)
    found = chosen.qs
    count, _ = capped_count(found)
    page = keyset_page(
        found.for_rows(),
        sort=chosen.sort_column,
        descending=chosen.descending,
        cursor=asked.get("cursor", ""),
        size=PAGE,
        count=count,
        strict=True,
    )
    return LeadsOut(leads=shown(page.rows, keyring), next=page.next_cursor, count=count)


@router.get("/{lead_id}", auth=READ, response={200: LeadOut, **PROBLEMS}, url_name="lead")
def read_a_lead(request: HttpRequest, lead_id: str) -> Any:
    keyring = load_keyring(signed_in(request))
    return _shown(_find(lead_id, keyring), keyring)


@router.patch("/{lead_id}", auth=WRITE, response={200: LeadOut, **PROBLEMS})
def change_a_lead(request: HttpRequest, lead_id: str, change: LeadChange) -> Any:
    """Change what is known of a lead you work, or its stage; never its owner."""
    actor = signed_in(request)
    keyring = load_keyring(actor)
    lead = _find(lead_id, keyring)
    sent = change.model_fields_set
    fields = change.columns()
    if "source" in sent:
        fields["source"] = source_named(actor.company_id, change.source)
    try:
        if sent - {"stage_id"}:
            edit_lead(
                keyring=keyring,
                lead=lead,
                fields=fields,
                custom=_own(actor, change.custom),
                phones=change.phones if "phones" in sent else None,
                emails=change.emails if "emails" in sent else None,
            )
    except (UnreadableContactError, UnreadableValueError, NobodyLeftError) as error:
        raise RefusedError(422, str(error)) from error
    if change.stage_id:
        change_stage(keyring=keyring, actor=actor, lead=lead, stage=_stage(actor.company_id, change.stage_id))
    return _shown(_find(lead_id, load_keyring(actor)), keyring)


@router.get("/{lead_id}/activities", auth=READ, response={200: ActivitiesOut, **PROBLEMS}, url_name="lead-activities")
def read_a_timeline(request: HttpRequest, lead_id: str, cursor: str = "") -> ActivitiesOut:
    """What was done with a lead, newest first."""
    lead = _find(lead_id, load_keyring(signed_in(request)))
    rows = Activity.objects.filter(lead__in=[lead.pk, *absorbed_by(lead.pk)]).select_related("actor")
    page = keyset_page(rows, sort="at", descending=True, cursor=cursor, size=PAGE, strict=True)
    return ActivitiesOut(activities=[_activity(one) for one in page.rows], next=page.next_cursor)


@router.post("/{lead_id}/activities", auth=WRITE, response={201: ActivityOut, **PROBLEMS})
def write_on_a_timeline(request: HttpRequest, lead_id: str, activity: ActivityIn) -> HttpResponse:
    """Log what was done with a lead you work."""
    actor = signed_in(request)

    def do() -> tuple[int, ActivityOut]:
        keyring = load_keyring(actor)
        logged = log_activity(
            keyring=keyring,
            actor=actor,
            lead=_find(lead_id, keyring),
            kind=Activity.Kind(activity.kind),
            body=activity.body,
            direction=activity.direction,
            outcome=activity.outcome,
        )
        logged.refresh_from_db(fields=["at"])
        return 201, _activity(logged)

    return once(request, do)


def _find(lead_id: str, keyring: Keyring) -> Lead:
    """The lead, where she may read it in full; else there is none (V3)."""
    if "\x00" in lead_id:
        raise Http404
    lead = Lead.objects.visible_to(keyring, Level.VIEW).for_rows().filter(public_id=lead_id).first()
    if lead is None:
        raise Http404
    return lead


def _own(actor: User, sent: Mapping[str, str]) -> dict[str, str]:
    fields = CustomField.objects.filter(company=actor.company_id, key__in=sent).order_by("pk")
    return read_all(sent, {field.key: field for field in fields}, actor.company.phone_region)


def _stage(company_id: int, pk: int) -> Stage:
    stage = Stage.objects.filter(company=company_id, pk=pk).first()
    if stage is None:
        raise RefusedError(422, "There is no such stage.")
    return stage


def _shown(lead: Lead, keyring: Keyring) -> Any:
    return shown([lead], keyring)[0]


def _activity(one: Activity) -> ActivityOut:
    by = Named(id=one.actor.pk, name=one.actor.name) if one.actor else None
    return ActivityOut(
        at=one.at,
        kind=one.kind,
        by=by,
        direction=one.direction,
        outcome=one.outcome,
        body=one.body,
        automatic=one.automatic,
    )
