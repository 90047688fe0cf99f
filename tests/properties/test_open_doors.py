"""Leave a door open, one by one, and the surface behind it must be found to show too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.db.models import Q

from crm.api import leads as api_leads
from crm.notifications import live, subjects
from crm.notifications.subjects import Subject
from crm.organization.models import User
from crm.organization.querysets import UserQuerySet
from crm.webhooks.models import DeliveryQuerySet
from leads.admin import SourceAdmin
from leads.batches import listing
from leads.batches.verbs import exporting
from leads.batches.verbs.tags import ChangeTags
from leads.filters import LeadFilter
from leads.models import Lead, Pond, Source
from leads.querysets import LeadQuerySet, PondQuerySet
from leads.views import covering, editing, hands, people, ponds, sharing, why
from permissions import keyring
from permissions.access import Level
from permissions.admin.base import CompanyAdmin
from routing.models import Offer
from routing.services import desk
from routing.views import channels as routing_channels
from routing.views import lead as routing_lead
from tests.architecture.tree import assert_only
from tests.properties import doors_of_figures, doors_of_the_dialer
from tests.properties.doors import ENOUGH, FINDS, Plant, found_by
from tests.properties.every_surface import SURFACES
from tests.properties.surfaces import Surface, Visit
from tests.properties.telling import TELLING
from tests.properties.test_access import in_database

pytestmark = pytest.mark.django_db
MORE = (doors_of_figures, doors_of_the_dialer)  # register themselves
VISIBLE = TELLING[2]


@found_by("channel_of_late")
def a_channel_names_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing_channels, "Level", ENOUGH)


@found_by("rehearsed", "shadowed")
def comparisons_name_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.services.comparing.Level", ENOUGH)


@found_by("report")
def reports_offer_all_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = "routing.reports.asking.sources_in_sight"
    monkeypatch.setattr(everything, lambda held: Source.objects.filter(company=held.company_id).order_by("pk"))


@found_by("report_by_source")
def reports_name_sources_of_leads_one_has_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.reports.speed.seen_by", lambda held, level, prefix: ~Q(pk=0))


@found_by("report_counted")
def reports_count_offers_of_other_units(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = "routing.querysets.OfferQuerySet.reported_to"
    monkeypatch.setattr(everybody, lambda self, user, managed, units: self.filter(company=user.company_id))


@found_by(
    *("people", "people_counted", "people_behind_a_figure", "people_as_another", "mass_action_counted"),
    *("leads_by_the_api", "leads_counted_by_the_api"),
)
def the_list_reads_the_company(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of_them(self: LeadFilter) -> Any:
        everything = self.queryset.filter(company=self.keyring.company_id)
        return self.filter_queryset(everything) if self.is_valid() else everything.none()

    monkeypatch.setattr(LeadFilter, "qs", property(all_of_them))


@found_by(
    *("people_searched", "people_looked_up", "people_filtered", "people_by_something_concealed", "people_of_agents"),
    *("leads_searched_by_the_api", "leads_by_the_api_in_another_order"),
)
def every_filter_keeps_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeadFilter, "level", Level.REDACTED)


@found_by("lead_by_the_api")
def the_api_finds_any_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    anyones = Lead.objects.for_rows()
    monkeypatch.setattr(api_leads, "_find", lambda lead_id, keyring: anyones.get(public_id=lead_id))


@found_by("people", "people_hidden")
def redacted_rows_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from leads import reading

    monkeypatch.setattr(reading, "redacted_row", lambda lead, counts: reading.lead_row(lead))


@found_by("people_counted")
def the_count_is_the_companys(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = people.capped_count
    monkeypatch.setattr(people, "capped_count", lambda rows: honest(Lead.objects.all()))


@found_by("sources_to_choose")
def all_sources_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("leads.filters", "leads.views.editing"):
        monkeypatch.setattr(f"{module}.sources_in_sight", lambda held: Source.objects.filter(company=held.company_id))


@found_by("sources_to_rename")
def the_admin_lists_all_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SourceAdmin, "get_queryset", CompanyAdmin.get_queryset)


@found_by("people_and_units_to_choose")
def all_colleagues_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserQuerySet, "can_be_seen_by", lambda self, user: self.of(user).active())


@found_by("lead_page", "lead_request", "lead_on_a_day")
def pages_open_to_whoever_knows_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.views.lead.Level", ENOUGH)


@found_by("lead_form")
def readers_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "require", lambda held, lead, level: None)


@found_by("lead_sharing")
def readers_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "require_verb", lambda held, lead, verb: None)


@found_by("lead_routing")
def the_way_of_a_redacted_lead_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing_lead, "Level", ENOUGH)


@found_by("lead_explained")
def one_may_ask_about_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(why, "askable_by", lambda asker: User.objects.of(asker))


@found_by("lead_assigning", "lead_transferring")
def readers_hand_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "require_verb", lambda held, lead, verb: None)


@found_by("requests")
def her_requests_name_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.inbox.Level", ENOUGH)


@found_by("conflicts", "conflict")
def conflicts_name_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.evidence.Level", ENOUGH)


@found_by("ledger", "ledger_of_a_person", "ledger_of_a_lead")
def the_ledger_tells_of_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("reading", "forms"):
        monkeypatch.setattr(f"leads.ledger.{module}.Level", ENOUGH)


@found_by("mass_action_foreseen")
def reading_is_enough_to_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChangeTags, "level", Level.VIEW)


@found_by("mass_action_done", "mass_action_skipped")
def results_name_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.batches.reading.Level", ENOUGH)


@found_by("leads_taken_out")
def files_hold_what_is_not_hers_to_take_out(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = Q(company__isnull=False)
    monkeypatch.setattr(exporting.Export, "allowed", lambda self, held: everything)
    monkeypatch.setattr(LeadQuerySet, "doable_by", lambda self, held, verb: self)


@found_by("duplicates", "lead_alike")
def duplicates_are_found_among_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.merging.finding.Level", ENOUGH)


@found_by("leads_to_merge_with")
def anybody_is_found_to_merge_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeadQuerySet, "doable_by", lambda self, held, verb: self)


@found_by("leads_side_by_side")
def readers_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.views.duplicates.require_verb", lambda held, lead, verb: None)


@found_by("erasure_foreseen")
def erasing_names_hidden_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.views.erasure.Level", ENOUGH)


@found_by("ownership_on_a_day")
def ownership_names_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.ledger.as_of.Level", ENOUGH)


@found_by("mass_actions")
def the_list_of_mass_actions_names_a_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_chosen", lambda batch, names: str(batch.items.last().lead))


@found_by("pond")
def ponds_open_to_the_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ponds, "reached_by", lambda user: Pond.objects.of(user))


@found_by("ponds_counted")
def ponds_count_what_she_may_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ponds, "inside", lambda held, pond: Lead.objects.filter(assignments__pond=pond))


@found_by("lead_pond")
def readers_move_to_ponds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "require_verb", lambda held, lead, verb: None)


@found_by("lead_covering")
def readers_arrange_cover(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "require_verb", lambda held, lead, verb: None)


@found_by("people_in_a_pond")
def all_ponds_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PondQuerySet, "can_be_seen_by", lambda self, user: self.of(user))


@found_by("pond_taken")
def who_comes_too_late_is_told_of_the_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ponds, "taker_of", lambda user, there: Lead.objects.filter(public_id=there).first())


@found_by("alike_by_hand")
def adding_tells_of_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "Level", ENOUGH)


@found_by("alike_in_a_file")
def imports_tell_of_redacted_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.imports.duplicates.Level", ENOUGH)


@found_by("people_as_another")
def viewing_as_another_shows_all_she_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.Keyring, "limited_to", lambda self, other: self)


@found_by("examples_of_another_policy")
def examples_are_anybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.services.foreseeing.rows_of", whole_rows)


def whole_rows(leads: Any, held: Any) -> list[Any]:
    from leads import reading

    return [reading.lead_row(lead) for lead in leads]


@found_by("notifications")
def old_news_name_the_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of_them(asked: Mapping[User, set[int]]) -> dict[tuple[int, int], Subject]:
        names = dict(Lead.objects.values_list("pk", "first_name").order_by())
        return {(reader.pk, lead): Subject(names[lead], "/") for reader, leads in asked.items() for lead in leads}

    monkeypatch.setattr(subjects, "_sources", [all_of_them])


@found_by("webhook_log")
def the_log_of_webhooks_lists_every_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeliveryQuerySet, "shown_to", lambda self, held: self)


@found_by("webhook_told", "webhook_deliveries_counted")
def webhooks_tell_of_every_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    of_company = lambda self, held, *_: self.filter(company=held.company_id)  # noqa: E731
    monkeypatch.setattr(LeadQuerySet, "visible_to", of_company)


@found_by("live_count_of_offers")
def the_badge_counts_removed_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(live._counts, "offers", lambda user: Offer.objects.filter(user=user).count())


@found_by("today", "offers")
def past_offers_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "seen_by", lambda held, level, prefix: ~desk.Q(pk=0))
    monkeypatch.setattr("routing.querysets.OfferQuerySet.open_for", lambda self, user: self.filter(user=user))


@found_by("team")
def the_team_page_names_a_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.views.team.in_words", lambda window: str(Lead.objects.order_by("pk").last()))


def is_wrong(surface: Surface) -> bool:
    """Whether somebody, asking about some lead, is shown what she must not see."""
    world = VISIBLE
    with in_database(world) as built:
        for number in range(len(world.leads)):
            for person in [n for n, one in enumerate(world.people) if one.active]:
                try:
                    surface.check(Visit(world, built, person, number, other=number % len(world.people), turn=number))
                except AssertionError:
                    return True
    return False


def test_v1_each_surface_has_a_door_that_may_be_left_open() -> None:
    assert_only({name for names in FINDS.values() for name in names}, set(SURFACES))


@pytest.mark.parametrize(
    ("plant", "surface"),
    [
        pytest.param(plant, SURFACES[name], id=f"{plant.__name__}-{name}")
        for plant, names in FINDS.items()
        for name in names
    ],
)
def test_v1_a_door_left_open_is_found(monkeypatch: pytest.MonkeyPatch, plant: Plant, surface: Surface) -> None:
    plant(monkeypatch)
    assert is_wrong(surface)
