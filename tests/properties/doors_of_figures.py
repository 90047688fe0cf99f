"""Doors of the reports that count leads, left open."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q

from leads.models import Lead
from routing.reports import company_leads, pipeline, which
from routing.reports.counting import CountedFilter
from routing.reports.following import Following
from tests.properties.doors import ENOUGH, found_by


@found_by("company_leads_counted", "company_leads_by_source")
def reports_count_redacted_leads_by_what_they_conceal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "Level", ENOUGH)


@found_by("company_leads_counted")
def reports_count_leads_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(which, "scope_of", lambda reach: Q())


@found_by("company_leads_counted")
def hidden_leads_of_others_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = Lead.objects.filter(removed_at=None)
    monkeypatch.setattr(company_leads.Lead.objects, "visible_to", lambda keyring, level=None: everything)


@found_by("team_board_counted", "team_board_listed")
def a_board_shows_the_company(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(self: Following, figure: which.Which, level: Any = None) -> Any:
        question = self.question
        condition = figure.condition(question.reach, question.keyring, question.unit)
        return Lead.objects.filter(condition, company=question.keyring.company_id)

    monkeypatch.setattr(Following, "rows", rows)


@found_by("people_behind_a_figure_of_leads")
def a_list_shows_redacted_leads_by_what_they_conceal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CountedFilter, "shows_redacted", lambda self, texts: True)
