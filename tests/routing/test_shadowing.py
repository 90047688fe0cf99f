"""R12: shadow mode notes what a draft would have done, live, and nothing else comes of it."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.notifications.models import Notification
from leads.models import Lead
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from routing.models import Decision, Offer, RosterMember, Rotation, Rule, RuleBook, ShadowDecision
from routing.services.comparing import Comparison
from routing.services.rules import RuleValues, begin_draft, discard_draft, draft_rules, save_rule, turn_on
from routing.services.shadowing import decide_in_shadow, shadowed, start_shadow, stop_shadow, waiting
from routing.services.team import ChangedMeanwhileError
from routing.tasks import decide_in_shadows
from tests.factories.leads import make_lead, make_pond
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, stranger
from tests.routing.scenes import lakeside, route
from tests.support.racing import together


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return lakeside()


@pytest.fixture
def committed(committing_db: str) -> Brokerage:
    return lakeside()


def draft_of(harbor: Brokerage) -> RuleBook:
    draft = draft_rules(harbor.lakeside)
    assert draft is not None
    return draft


def add_rule(harbor: Brokerage, values: RuleValues) -> Rule:
    version = draft_of(harbor).version
    return save_rule(actor=harbor.lead, unit=harbor.lakeside, rule=None, values=values, version=version)


def in_shadow(harbor: Brokerage, *rules: RuleValues) -> RuleBook:
    begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    for values in rules:
        add_rule(harbor, values)
    start_shadow(actor=harbor.lead, unit=harbor.lakeside)
    return draft_of(harbor)


def came(harbor: Brokerage, count: int = 1, **fields: Any) -> list[Lead]:
    leads = [make_lead(harbor.lakeside, **fields) for _ in range(count)]
    for lead in leads:
        route(harbor.lakeside, lead)
    return leads


def seen(harbor: Brokerage, *, as_it_stands: bool = False) -> Comparison:
    keyring = load_keyring(fresh(harbor.lead))
    return shadowed(keyring=keyring, book=draft_of(harbor), days=7, as_it_stands=as_it_stands)


def real_state() -> list[Any]:
    rows = (RosterMember, Offer, Decision, Rotation, Notification, Lead)
    return [list(model.objects.order_by("pk").values()) for model in rows]


def test_r12_what_a_draft_would_do_is_noted_as_leads_come(harbor: Brokerage) -> None:
    came(harbor)  # before it began
    draft = in_shadow(harbor, RuleValues("Arizona", {"state": ["AZ"]}, "person", user_id=harbor.ben.pk))
    Rotation.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    lead, other = came(harbor, state="AZ")[0], came(harbor, state="CA")[0]
    before = real_state()
    assert waiting(draft) == 2
    decide_in_shadows()
    decide_in_shadows()
    assert (real_state(), waiting(draft)) == (before, 0)
    row, last = ShadowDecision.objects.order_by("pk")
    assert (row.rotation.lead, row.chosen, row.method, row.rule) == (lead, harbor.ben, "person", "rule 1, Arizona")
    assert (last.rotation.lead, last.method, last.rule, last.version) == (other, "round_robin", "the last rule", 2)
    assert row.at == Rotation.objects.get(lead=lead).started_at
    found = seen(harbor)
    assert [one.lead for one in found.rows] == [lead, other]
    assert found.by_rule == {"rule 1, Arizona": 1, "the last rule": 1}


def test_r12_real_turns_and_credits_stay_and_the_shadow_keeps_its_own(harbor: Brokerage) -> None:
    """Live, all go to Ana; in shadow they take turns, over several ticks."""
    begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    add_rule(harbor, RuleValues("", {}, "person", user_id=harbor.ana.pk))
    turn_on(actor=harbor.lead, unit=harbor.lakeside, version=draft_of(harbor).version)
    begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    Rule.objects.filter(book=draft_of(harbor)).exclude(position=32_000).delete()
    start_shadow(actor=harbor.lead, unit=harbor.lakeside)
    RosterMember.objects.filter(user=harbor.ben).update(weight=3)
    for _ in range(8):
        came(harbor)
        assert decide_in_shadow(draft_of(harbor).pk) == 1
    shares = {one.name: (was, would) for one, was, would in seen(harbor).shares}
    assert shares == {"Ana": (8, 2), "Ben": (0, 6)}
    assert set(RosterMember.objects.order_by("pk").values_list("credit", flat=True)) == {0}


def test_r12_leads_that_come_at_once_take_turns_and_each_is_decided_once(harbor: Brokerage) -> None:
    draft = in_shadow(harbor)
    leads = [make_lead(harbor.lakeside) for _ in range(4)]
    route(harbor.lakeside, *leads)
    assert [decide_in_shadow(draft.pk, limit=3), decide_in_shadow(draft.pk, limit=3)] == [3, 1]
    chosen = list(ShadowDecision.objects.order_by("pk").values_list("chosen__name", flat=True))
    assert chosen == ["Ana", "Ben"] * 2
    row = ShadowDecision.objects.latest("pk")
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_r12_caps_in_shadow_count_what_the_shadow_gave(harbor: Brokerage) -> None:
    RosterMember.objects.filter(user=harbor.ana).update(daily_cap=1)
    draft = in_shadow(harbor, RuleValues("", {}, "number_one"))
    for _ in range(2):
        came(harbor)
        decide_in_shadow(draft.pk)
    assert list(ShadowDecision.objects.order_by("pk").values_list("chosen__name", flat=True)) == ["Ana", "Ben"]
    assert seen(harbor).rows[1].skipped == [("Ana", "at cap")]
    RosterMember.objects.update(daily_cap=None, open_cap=0)
    came(harbor)
    decide_in_shadow(draft.pk)
    assert ShadowDecision.objects.latest("pk").method == "fallback"


def test_r12_those_who_are_one_by_name_are_told_apart(harbor: Brokerage) -> None:
    harbor.ben.name = "Ana"
    harbor.ben.save()
    draft = in_shadow(harbor, RuleValues("", {}, "person", user_id=harbor.ben.pk))
    came(harbor)
    decide_in_shadow(draft.pk)
    found = seen(harbor)
    assert len(found.changed) == 1
    assert [(one.name, was, would) for one, was, would in found.shares] == [("Ana", 0, 1), ("Ana", 1, 0)]


def test_r12_a_draft_that_fails_harms_nothing(harbor: Brokerage, caplog: pytest.LogCaptureFixture) -> None:
    draft = in_shadow(harbor, RuleValues("", {"state": ["AZ"]}, "person", user_id=harbor.ben.pk))
    rule = draft.rules.exclude(position=32_000).get()
    Rule.objects.filter(pk=rule.pk).update(conditions={"unheard of": ["x"]})
    leads = came(harbor, 2)
    with caplog.at_level(logging.CRITICAL, "routing.tasks"):
        decide_in_shadows()
    assert Offer.objects.filter(lead__in=leads, state="open").count() == 2
    assert (ShadowDecision.objects.count(), waiting(draft)) == (0, 2)
    Rule.objects.filter(pk=rule.pk).update(conditions={})
    decide_in_shadows()
    assert (ShadowDecision.objects.count(), waiting(draft)) == (2, 0)


def test_r12_one_that_fails_does_not_hold_up_another(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = []

    def decide(book_id: int) -> int:
        if not done:
            done.append(0)
            raise ValueError("in the first")
        done.append(book_id)
        return 0

    monkeypatch.setattr("routing.tasks.books_in_shadow", lambda: [1, 2])
    monkeypatch.setattr("routing.tasks.decide_in_shadow", decide)
    with caplog.at_level(logging.CRITICAL, "routing.tasks"):
        decide_in_shadows()
    assert done == [0, 2]


def test_r12_rows_say_of_which_version_they_are(client: Client, harbor: Brokerage) -> None:
    draft = in_shadow(harbor, RuleValues("Old", {}, "person", user_id=harbor.ben.pk))
    came(harbor)
    decide_in_shadow(draft.pk)
    rule = draft.rules.exclude(position=32_000).get()
    values = RuleValues("New", {}, "pond", pond_id=make_pond(harbor.lakeside).pk)
    save_rule(actor=harbor.lead, unit=harbor.lakeside, rule=rule, values=values, version=draft_of(harbor).version)
    came(harbor)
    decide_in_shadow(draft.pk)
    assert list(ShadowDecision.objects.order_by("pk").values_list("rule", "version")) == [
        ("rule 1, Old", 2),
        ("rule 1, New", 3),
    ]
    assert [(row.rule, row.older) for row in seen(harbor).rows] == [("rule 1, Old", True), ("rule 1, New", False)]
    assert seen(harbor).by_rule == {"rule 1, New": 1}
    assert [row.rule for row in seen(harbor, as_it_stands=True).rows] == ["rule 1, New"]
    client.force_login(harbor.lead)
    page = f"/routing/{harbor.lakeside.pk}/shadow/"
    shown = client.get(page).content.decode()
    assert "1 of these 2 leads was decided by its older rules" in shown
    assert "older rules" not in client.get(page, {"days": "7", "rules": "now"}).content.decode()


def test_r12_it_ends_when_the_draft_is_turned_on_or_thrown_away(harbor: Brokerage) -> None:
    draft = in_shadow(harbor)
    came(harbor)
    decide_in_shadow(draft.pk)
    turn_on(actor=harbor.lead, unit=harbor.lakeside, version=draft.version)
    came(harbor)
    assert decide_in_shadow(draft.pk) == 0
    assert not ShadowDecision.objects.exists()
    assert not RuleBook.objects.exclude(shadowed_from=None).exists()
    second = in_shadow(harbor)
    came(harbor)
    assert decide_in_shadow(second.pk) == 1
    discard_draft(actor=harbor.lead, unit=harbor.lakeside)
    assert not ShadowDecision.objects.exists()
    assert decide_in_shadow(second.pk) == 0


def test_r12_stopping_keeps_what_was_noted(harbor: Brokerage) -> None:
    draft = in_shadow(harbor)
    came(harbor)
    decide_in_shadow(draft.pk)
    for _ in range(2):
        stop_shadow(actor=harbor.lead, unit=harbor.lakeside)
    came(harbor)
    assert (decide_in_shadow(draft.pk), waiting(draft_of(harbor)), len(seen(harbor).rows)) == (0, 0, 1)
    told = LedgerEntry.objects.filter(kind="policy_changed", why="shadow").order_by("pk")
    assert [entry.detail["on"] for entry in told] == [True, False]
    discard_draft(actor=harbor.lead, unit=harbor.lakeside)
    for act in (start_shadow, stop_shadow):
        with pytest.raises(ChangedMeanwhileError):
            act(actor=harbor.lead, unit=harbor.lakeside)
        with pytest.raises(PermissionDenied):
            act(actor=harbor.ana, unit=harbor.lakeside)


def test_r12_leads_of_others_are_counted_and_not_shown(client: Client, harbor: Brokerage) -> None:
    draft = in_shadow(harbor, RuleValues("", {}, "person", user_id=harbor.ben.pk))
    [gone] = came(harbor)
    decide_in_shadow(draft.pk)
    Lead.objects.filter(pk=gone.pk).update(owner_unit=None, owner_user=harbor.ana, hidden=True, privacy=1)
    assert (seen(harbor).rows, seen(harbor).unseen) == ([], 1)
    client.force_login(harbor.lead)
    assert "1 that you cannot see is left out" in client.get(f"/routing/{harbor.lakeside.pk}/shadow/").content.decode()


def test_r12_the_page_of_a_shadow_is_for_managers(client: Client, harbor: Brokerage) -> None:
    page, act = (f"/routing/{harbor.lakeside.pk}/{name}/" for name in ("shadow", "act"))
    client.force_login(harbor.lead)
    assert client.get(page).status_code == 302  # no draft
    begin_draft(actor=harbor.lead, unit=harbor.lakeside)
    add_rule(harbor, RuleValues("", {}, "person", user_id=harbor.ben.pk))
    assert "Run in shadow" in client.get(page).content.decode()
    assert client.post(act, {"act": "shadow"}).status_code == 302
    assert "See its shadow" in client.get(f"/routing/{harbor.lakeside.pk}/").content.decode()
    [lead] = came(harbor)
    assert "1 that came is not decided yet" in client.get(page).content.decode()
    decide_in_shadows()
    shown = client.get(page).content.decode()
    assert "1 of 1 lead would have gone elsewhere" in shown
    assert lead.name in shown
    assert "by rule 1" in shown
    assert client.get(page, {"days": "8"}).status_code == 422
    assert client.get(page, {"days": "1", "rules": "x"}).status_code == 422
    assert client.post(page).status_code == 405
    client.post(act, {"act": "stop"})
    assert not draft_of(harbor).in_shadow
    for user, status in ((harbor.ana, 403), (harbor.eve, 404), (stranger(), 404)):
        client.force_login(user)
        assert client.get(page).status_code == status
        assert client.post(act, {"act": "shadow"}).status_code == status
    assert not draft_of(harbor).in_shadow


def test_r12_neither_the_page_nor_a_tick_asks_more_for_many_leads(client: Client, harbor: Brokerage) -> None:
    draft = in_shadow(harbor, RuleValues("", {"state": ["AZ"]}, "person", user_id=harbor.ben.pk))
    client.force_login(harbor.lead)
    asked = []
    for count in (2, 6):
        came(harbor, count, state="AZ")
        came(harbor, count)
        with CaptureQueriesContext(connection) as deciding:
            decide_in_shadow(draft.pk)
        with CaptureQueriesContext(connection) as showing:
            client.get(f"/routing/{harbor.lakeside.pk}/shadow/")
        asked.append((len(deciding), len(showing)))
    assert asked[0] == asked[1]


def test_r12_two_ticks_beside_routing_and_an_edit_decide_of_each_lead_once(committed: Brokerage) -> None:
    """Nobody waits for anybody else in vain, and the lead that comes meanwhile is offered."""
    draft, routed = in_shadow(committed), 0
    for _ in range(8):
        came(committed, 2)
        late = make_lead(committed.lakeside)
        rule = partial(add_rule, committed, RuleValues("", {"state": ["AZ"]}, "number_one"))
        tick = partial(decide_in_shadow, draft.pk)
        together(tick, tick, partial(route, committed.lakeside, late), rule)
        routed += 3
        assert Offer.objects.filter(lead=late, state="open").exists()
    decide_in_shadows()
    assert ShadowDecision.objects.count() == ShadowDecision.objects.values("rotation").distinct().count() == routed
    chosen = Counter(ShadowDecision.objects.values_list("chosen__name", flat=True))
    assert chosen == {"Ana": routed // 2, "Ben": routed // 2}
