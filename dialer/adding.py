"""Adding many leads to a campaign, and taking such leads out (M4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.db import connection
from django.db.models import Exists, OuterRef

from dialer.models import Campaign, CampaignLead
from dialer.services.campaigns import added, leads_of
from leads.batches.verb import Act, MassVerb, NotNowError, Skip, VerbForm
from leads.models import Lead
from leads.querysets import LeadQuerySet
from permissions.access import Level
from permissions.door import seen_by

ADD = """
INSERT INTO dialer_campaignlead (company_id, campaign_id, lead_id, attempts, closed, added_at)
SELECT company_id, %(campaign)s, id, 0, false, now() FROM leads_lead WHERE id = ANY(%(leads)s) ORDER BY id
ON CONFLICT (lead_id, campaign_id) DO UPDATE SET added_at = EXCLUDED.added_at
"""
WAS_ADDED = """
SELECT lead_id FROM leads_batchitem
WHERE batch_id = %s AND lead_id = ANY(%s) AND (before -> 'added')::boolean
"""


class CampaignForm(VerbForm):
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(),
        label="Campaign",
        empty_label="Choose a campaign …",
        help_text="One that you run or may join.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fed = Campaign.objects.fed_by(self.actor).order_by("name", "pk")
        self.fields["campaign"].queryset = fed  # type: ignore[attr-defined]


class _OfCampaign(MassVerb):
    """Whether a lead counts as added to the campaign; how often it was called there stays as it is."""

    form = CampaignForm
    level = Level.VIEW
    adds: ClassVar[bool]

    def check(self, act: Act) -> None:
        if not Campaign.objects.fed_by(act.actor).filter(pk=act.params["campaign"]).exists():
            raise NotNowError("This is no campaign that you run or may join any more.")

    def skips(self, act: Act) -> Sequence[Skip]:
        """Who runs it may put in what she can read, who may join it what she works (D6)."""
        runs = Campaign.objects.managed_by(act.actor).filter(pk=act.params["campaign"]).exists()
        return [] if runs else [Skip("work", ~seen_by(act.keyring, Level.WORK))]

    def parts(self, act: Act) -> dict[str, Any]:
        return {"added": Exists(added(_campaign_of(act)).filter(lead=OuterRef("pk")))}

    def apply(self, act: Act, lead_ids: Sequence[int]) -> None:
        _mark(act, lead_ids, on=self.adds)

    def restore(self, act: Act, lead_ids: Sequence[int]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(WAS_ADDED, [act.batch.undoes_id, list(lead_ids)])
            were = {pk for (pk,) in cursor.fetchall()}
        _mark(act, sorted(were), on=True)
        _mark(act, sorted(set(lead_ids) - were), on=False)

    def steps(self, act: Act, leads: LeadQuerySet) -> list[tuple[Lead, str, str]]:
        now, then = self.told(act, [{"added": not self.adds}, {"added": self.adds}])
        return [(lead, now, then) for lead in leads]

    def told(self, act: Act, images: Sequence[Any]) -> list[str]:
        return ["Added" if one["added"] else "Not added" for one in images]


class AddToCampaign(_OfCampaign):
    code = "campaign"
    label = "Add to a campaign"
    doing = "Add"
    done = "Added"
    adds = True
    reasons = {
        "work": "You may not work it",
        "there": "Is one of its leads already",
        "finished": "The campaign has finished with it",
    }

    def skips(self, act: Act) -> Sequence[Skip]:
        campaign = _campaign_of(act)
        finished = CampaignLead.objects.filter(campaign=campaign, lead=OuterRef("pk"), closed=True)
        return [*super().skips(act), Skip("there", leads_of(campaign)), Skip("finished", Exists(finished))]

    def words(self, act: Act) -> str:
        return f"Add to the campaign {_campaign_of(act)}"


class TakeOutOfCampaign(_OfCampaign):
    code = "uncampaign"
    label = "Take out of a campaign"
    doing = "Take out"
    done = "Taken out"
    adds = False
    reasons = {"work": "You may not work it", "there": "Was not added to it"}

    def skips(self, act: Act) -> Sequence[Skip]:
        there = added(_campaign_of(act)).filter(lead=OuterRef("pk"))
        return [*super().skips(act), Skip("there", ~Exists(there))]

    def words(self, act: Act) -> str:
        return f"Take out of the campaign {_campaign_of(act)}"


def _mark(act: Act, lead_ids: Sequence[int], *, on: bool) -> None:
    pk = act.params["campaign"]
    if on and lead_ids:
        Campaign.objects.filter(pk=pk, has_added=False).update(has_added=True)
        with connection.cursor() as cursor:
            cursor.execute(ADD, {"campaign": pk, "leads": list(lead_ids)})
    elif lead_ids:
        CampaignLead.objects.filter(campaign=pk, lead__pk__any_of=list(lead_ids)).update(added_at=None)


def _campaign_of(act: Act) -> Campaign:
    campaign: Campaign = Campaign.objects.whole().get(company=act.batch.company_id, pk=act.params["campaign"])
    return campaign
