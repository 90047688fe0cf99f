"""Sharing many leads with a colleague, and taking such shares back (V8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from crm.core.moments import MomentField
from crm.core.templatetags.core import dated
from crm.organization.models import User
from leads.batches.restoring import restore_shares, shares_image
from leads.batches.sight import sight_of_one
from leads.batches.verb import Act, MassVerb, NotNowError, Sight, Skip, VerbForm
from leads.models import Lead, LeadShare
from leads.querysets import LeadQuerySet
from leads.services.sharing import VERBS
from permissions.access import Keyring, Reason
from permissions.catalog import Permission
from permissions.door import doable
from permissions.grants import permission_on
from permissions.keyring import load_keyring
from permissions.ledger import record_select
from permissions.verbs import Verb

NOT_SHARED = "Not shared"
SHARE = """
WITH given AS (
    INSERT INTO leads_leadshare (company_id, content_object_id, user_id, permission_id, given_by_id, until)
    SELECT company_id, id, %(user)s, %(permission)s, %(actor)s, %(until)s::timestamptz
    FROM leads_lead WHERE id = ANY(%(leads)s)
    ON CONFLICT (user_id, content_object_id) DO UPDATE SET permission_id = EXCLUDED.permission_id,
        given_by_id = EXCLUDED.given_by_id, given_at = now(), until = EXCLUDED.until
    RETURNING company_id, content_object_id, user_id, until
)
"""
SHARED = """
SELECT company_id, 'shared', %(actor)s::bigint, content_object_id, user_id, %(why)s, %(batch)s::bigint,
    jsonb_build_object('verb', %(verb)s::text, 'until', until)
FROM given ORDER BY content_object_id
"""
REVOKE = """
WITH gone AS (
    DELETE FROM leads_leadshare WHERE user_id = %(user)s AND content_object_id = ANY(%(leads)s)
    RETURNING company_id, content_object_id, user_id
)
"""
REVOKED = """
SELECT company_id, 'revoked', %(actor)s::bigint, content_object_id, user_id, %(why)s, %(batch)s::bigint
FROM gone ORDER BY content_object_id
"""


class ColleagueForm(VerbForm):
    user = forms.ModelChoiceField(User.objects.none(), label="Colleague", empty_label="Choose a colleague …")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.can_be_seen_by(self.actor).exclude(pk=self.actor.pk).order_by("name", "pk")
        self.fields["user"].queryset = colleagues  # type: ignore[attr-defined]


class SharingForm(ColleagueForm):
    verb = forms.ChoiceField(
        label="So that she may",
        choices=[
            ("view_lead", "View them: read everything"),
            ("work_lead", "Work them: call, write, note, change the stage"),
        ],
    )
    until = MomentField(required=False, label="Until", help_text="Empty: until it is revoked.")

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and until <= timezone.now():
            raise ValidationError("That moment has passed already. Choose a later one.")
        return until

    @property
    def params(self) -> dict[str, Any]:
        until = self.cleaned_data["until"]
        return {**super().params, "until": until.isoformat() if until else None}


class _Sharing(MassVerb):
    """What is done to the one share that a lead may have with a colleague."""

    permission = Permission.SHARE_LEAD

    def allowed(self, keyring: Keyring) -> Q:
        return doable(keyring, Verb.SHARE)

    def parts(self, act: Act) -> dict[str, Any]:
        return {"shares": shares_image(act.params["user"])}

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        restore_shares(act, lead_ids, act.params["user"])

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        work = permission_on(Lead, "work_lead").pk
        return [_say(one["shares"], work) for one in images]

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        found = list(leads.annotate(image=self.image(act)))
        said = self.told(act, [vars(lead)["image"] for lead in found])
        return [(lead, before, self.becomes(act)) for lead, before in zip(found, said, strict=True)]

    def becomes(self, act: Act) -> str:
        """What any of them comes to be, in the words of `told`."""
        return NOT_SHARED


class Share(_Sharing):
    code = "share"
    label = "Share"
    form = SharingForm
    reasons = {
        "hers": "Belongs to the colleague",
        "there": "Shared just so already",
        "more": "Shared for work already: take that back first",
    }

    def check(self, act: Act) -> None:
        if not act.batch.undoes_id and not colleague_of(act).is_active:
            raise NotNowError(f"{colleague_of(act)} is not active any more.")

    def skips(self, act: Act) -> Sequence[Skip]:
        same = shares_with(act).filter(permission__codename=act.params["verb"], until=act.params["until"])
        skips = [Skip("hers", Q(owner_user=act.params["user"])), Skip("there", Exists(same))]
        if act.params["verb"] == "view_lead":  # nobody comes to do less by being shown something
            skips.append(Skip("more", Exists(shares_with(act).live().filter(permission__codename="work_lead"))))
        return skips

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        permission = permission_on(Lead, act.params["verb"]).pk
        given = {"leads": list(lead_ids), "permission": permission, **act.params, **act.cause}
        columns = ("company_id", "kind", "actor_id", "lead_id", "to_user_id", "why", "batch_id", "detail")
        record_select(columns, SHARED, given, changing=SHARE)

    def words(self, act: Act) -> str:
        may = "view" if act.params["verb"] == "view_lead" else "work"
        return f"Let {colleague_of(act)} {may} them{_until(act.params['until'])}"

    def becomes(self, act: Act) -> str:
        return f"{'View' if act.params['verb'] == 'view_lead' else 'Work'}{_until(act.params['until'])}"

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        given = VERBS[act.params["verb"]]
        return sight_of_one(leads, load_keyring(colleague_of(act)), lambda level: max(level, given))


class Revoke(_Sharing):
    code = "revoke"
    label = "Take a share back"
    form = ColleagueForm
    reasons = {"there": "Not shared with the colleague"}

    def skips(self, act: Act) -> Sequence[Skip]:
        return [Skip("there", ~Exists(shares_with(act)))]

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        columns = ("company_id", "kind", "actor_id", "lead_id", "from_user_id", "why", "batch_id")
        given = {"leads": list(lead_ids), "user": act.params["user"], **act.cause}
        record_select(columns, REVOKED, given, changing=REVOKE)

    def words(self, act: Act) -> str:
        return f"No longer share them with {colleague_of(act)}"

    def sight(self, act: Act, leads: LeadQuerySet) -> list[Sight]:
        keyring = load_keyring(colleague_of(act))
        return sight_of_one(leads, keyring, _without_shares(keyring))


def _say(shares: Sequence[Mapping[str, Any]], work: int) -> str:
    if not shares:
        return NOT_SHARED
    return f"{'Work' if shares[0]['permission_id'] == work else 'View'}{_until(shares[0]['until'])}"


def _until(written: str | None) -> str:
    moment = parse_datetime(written or "")
    return f" until {dated(moment, 'M j, g:i A')}" if moment else ""


def shares_with(act: Act) -> Any:
    return LeadShare.grants().filter(content_object=OuterRef("pk"), user=act.params["user"])


def colleague_of(act: Act) -> User:
    """The person the batch is about, who may have left since."""
    people = User.objects.filter(company=act.batch.company_id).select_related("company", "holding__profile")
    colleague: User = people.get(pk=act.params["user"])
    return colleague


def _without_shares(keyring: Keyring) -> Keyring:
    left = {lead: tuple(key for key in keys if key.reason != Reason.SHARED) for lead, keys in keyring.leads.items()}
    return replace(keyring, leads={lead: keys for lead, keys in left.items() if keys})
