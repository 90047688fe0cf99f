"""Doors of the dialer and of tasks, to be left open."""

from __future__ import annotations

import pytest
from django.db.models import Q

from leads.models import Source
from tests.properties.doors import ENOUGH, found_by


@found_by("filter_counted")
def filters_count_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.services.filters.Level", ENOUGH)


@found_by("campaign_counted")
def campaigns_count_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.views.campaigns.Level", ENOUGH)


@found_by("lead_dialing")
def why_a_redacted_lead_is_not_dialed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("views.calling", "services.why"):
        monkeypatch.setattr(f"dialer.{module}.Level", ENOUGH)


@found_by("agents_watched")
def monitors_name_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.services.monitoring.Level", ENOUGH)


@found_by("hopper_watched")
def hoppers_name_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.services.queues.Level", ENOUGH)


@found_by("funnel_counted")
def funnels_count_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.services.funnel.Level", ENOUGH)


@found_by("people_of_a_campaign")
def the_leads_of_any_campaign_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    anybody = "dialer.querysets.CampaignQuerySet.watched_by"
    monkeypatch.setattr(anybody, lambda self, user: self)


@found_by("runs_logged")
def automations_name_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.batches.reading.Level", ENOUGH)


@found_by("runs_counted")
def automations_count_all_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.views.automations.seen_by", lambda keyring, prefix="": Q())


@found_by("lead_calling", "calling_it")
def numbers_of_redacted_leads_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.views.calling.Level", ENOUGH)


@found_by("tasks_of_a_lead")
def tasks_outlive_the_right_to_the_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.querysets.TaskQuerySet.visible_to", lambda self, user, held: self.filter(user=user))


@found_by("planned_with_a_lead")
def what_is_planned_with_redacted_leads_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.views.lead.Level", ENOUGH)


@found_by("planning_with_a_lead")
def readers_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.views.tasks.require", lambda held, lead, level: None)


@found_by("desk")
def a_desk_is_somebody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    of = "dialer.querysets.SessionQuerySet.of"
    monkeypatch.setattr(of, lambda sessions, user: sessions.filter(company=user.company_id))


@found_by("sources_for_a_filter", "filters_named")
def filters_name_all_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = "dialer.services.lists.sources_in_sight"
    monkeypatch.setattr(everything, lambda held: Source.objects.filter(company=held.company_id).order_by("pk"))
