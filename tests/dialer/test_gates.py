"""The gates (D14): what shuts one, what the record of an attempt holds, and that all and each are told the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from dialer.hours import USUAL
from dialer.models import CallAttempt, CallingHours, Campaign, DoNotCall
from dialer.services.do_not_call import add_numbers, remove_number
from dialer.services.gates import open_leads, permit, standings
from leads.models import Consent, Lead
from leads.services.consenting import mark_do_not_call, record_consent
from permissions.keyring import load_keyring
from tests.factories.campaigns import make_campaign
from tests.factories.leads import make_lead
from tests.factories.people import make_member
from tests.factories.scenes import Brokerage, brokerage

NOON = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)  # a Monday: noon in Phoenix, two in New York
NIGHT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PHOENIX, NEW_YORK = "+16025550100", "+12125550100"


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def gates(lead: Lead, now: datetime = NOON, campaign: Campaign | None = None, kind: str = "call") -> list[str]:
    numbers = list(lead.contact_points.filter(kind="phone").order_by("position", "pk").values_list("value", flat=True))
    (found, *_) = standings(lead=lead, numbers=numbers, campaign=campaign, now=now, kind=kind)
    return [shut.gate.value for shut in found.shut]


def set_rules(harbor: Brokerage, states: Any = None, **fields: Any) -> CallingHours:
    values = {"version": 1, "as_of": date(2026, 1, 1), "states": states or USUAL} | fields
    return CallingHours.objects.create(company=harbor.company, made_by=harbor.broker, **values)


def test_d14_a_lead_may_be_called_by_day(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    assert gates(lead) == []
    assert gates(lead, NIGHT) == ["hours"]


def test_d14_the_next_opening_is_told_in_the_leads_time(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX], postal_code="10001")
    (found,) = standings(lead=lead, numbers=[PHOENIX], campaign=None, now=NIGHT)
    assert found.opens == datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # eight in Phoenix, ten in New York
    assert found.local_times == ["3:00 AM (EST)", "1:00 AM (MST)"]
    assert "disagree" in found.place.words


def test_d14_waiting_does_not_open_what_is_shut_for_good(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX], do_not_call=True)
    (found,) = standings(lead=lead, numbers=[PHOENIX], campaign=None, now=NIGHT)
    assert [shut.gate.value for shut in found.shut] == ["do_not_call", "hours"]
    assert found.opens is None


def test_d14_do_not_call_by_lead_and_by_list(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX, NEW_YORK])
    keyring = load_keyring(harbor.ana)
    mark_do_not_call(keyring=keyring, actor=harbor.ana, lead=lead, on=True)
    lead.refresh_from_db()
    assert gates(lead) == ["do_not_call"]
    mark_do_not_call(keyring=keyring, actor=harbor.ana, lead=lead, on=False)
    lead.refresh_from_db()
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=[PHOENIX], reason="asked")
    assert gates(lead) == ["listed"]
    found = standings(lead=lead, numbers=[PHOENIX, NEW_YORK], campaign=None, now=NOON)
    assert [bool(one.shut) for one in found] == [True, False]
    assert remove_number(actor=harbor.broker, one=DoNotCall.objects.get(), reason="mistake")
    assert gates(lead) == []


def test_d14_the_list_of_another_company_is_not_ours(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    add_numbers(company_id=brokerage().company.pk, user_id=None, numbers=[PHOENIX], reason="")
    assert gates(lead) == []


@pytest.mark.parametrize(
    ("required", "said", "kind", "expected"),
    [
        (False, None, "call", []),
        (True, None, "call", ["consent"]),
        (True, True, "call", []),
        (True, False, "call", ["opted_out"]),
        (False, False, "call", ["opted_out"]),
        (False, None, "text", ["consent"]),  # the usual rule
        (False, True, "text", []),
    ],
)
def test_d14_consent_where_it_is_required(
    harbor: Brokerage, required: bool, said: bool | None, kind: str, expected: list[str]
) -> None:
    set_rules(harbor, consent_for_calls=required)
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    if said is not None:
        held = load_keyring(harbor.ana)
        record_consent(keyring=held, actor=harbor.ana, lead=lead, kind=kind, given=not said)
        record_consent(keyring=held, actor=harbor.ana, lead=lead, kind=kind, given=said, words="on the phone")
    assert gates(lead, kind=kind) == expected


def test_d14_rules_hold_from_their_day_on_and_the_past_keeps_its_own(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX], state="AZ")
    shut = {**USUAL, "AZ": []}
    set_rules(harbor, shut, version=1, as_of=date(2026, 11, 24))
    assert gates(lead, NOON) == []
    assert gates(lead, NOON + timedelta(days=1)) == ["hours"]
    set_rules(harbor, version=2, as_of=date(2026, 11, 24))
    assert gates(lead, NOON + timedelta(days=1)) == []


def test_d14_a_campaign_calls_in_its_own_hours(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    campaign = make_campaign(harbor.north, opens=time(13, 0), closes=time(17, 0))
    assert gates(lead, NOON, campaign) == ["hours"]
    assert gates(lead, NOON + timedelta(hours=1), campaign) == []


# --- the record -------------------------------------------------------------------------------------------------------


def test_d14_every_attempt_keeps_a_permission_record(harbor: Brokerage) -> None:
    set_rules(harbor, version=3)
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=[NEW_YORK], reason="")
    lead = make_lead(harbor.ana, phones=[PHOENIX], postal_code="10001")
    made = permit(lead=lead, user=harbor.ana, campaign=None, number=PHOENIX, now=NOON)
    made.refresh_from_db()
    assert (made.allowed, made.number, made.at, made.user, made.state) == (True, PHOENIX, NOON, harbor.ana, "NY")
    assert made.zones == ["America/New_York", "America/Phoenix"]
    assert made.local_times == ["2:00 PM (EST)", "12:00 PM (MST)"]
    assert (made.by_unit, made.hours_version, made.list_version) == (False, 3, 1)


def test_d14_a_refusal_is_recorded_too(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, phones=["+18005550100"])
    made = permit(lead=lead, user=harbor.ana, campaign=None, number="+18005550100", now=NIGHT)
    assert (made.refused_by, made.by_unit, made.zones) == ("hours", True, ["America/New_York"])
    assert permit(lead=lead, user=harbor.ana, campaign=None, number=PHOENIX, now=NOON).refused_by == "number"


def test_d14_nobody_calls_what_is_not_hers(harbor: Brokerage) -> None:
    lead, campaign = make_lead(harbor.ana, phones=[PHOENIX]), make_campaign(harbor.north, scope="personal")
    assert permit(lead=lead, user=harbor.eve, campaign=None, number=PHOENIX, now=NOON).refused_by == "ownership"
    assert permit(lead=lead, user=harbor.lead, campaign=None, number=PHOENIX, now=NOON).allowed  # by rule h
    assert permit(lead=lead, user=harbor.lead, campaign=campaign, number=PHOENIX, now=NOON).refused_by == "ownership"
    assert permit(lead=lead, user=harbor.ana, campaign=campaign, number=PHOENIX, now=NOON).allowed


@pytest.mark.parametrize(
    "change",
    [{"refused_by": "hours"}, {"zones": []}, {"number": NEW_YORK}, {"hours_version": 9}, {"list_version": 9}],
    ids=str,
)
def test_d14_the_database_refuses_to_rewrite_the_record(harbor: Brokerage, change: dict[str, Any]) -> None:
    lead = make_lead(harbor.ana, phones=[PHOENIX])
    made = permit(lead=lead, user=harbor.ana, campaign=None, number=PHOENIX, now=NOON)
    with pytest.raises(DatabaseError, match="is a record"), transaction.atomic():
        CallAttempt.objects.filter(pk=made.pk).update(**change)
    with pytest.raises(DatabaseError, match="is a record"), transaction.atomic():
        CallAttempt.objects.filter(pk=made.pk).delete()
    CallAttempt.objects.filter(pk=made.pk).update(status="answered", number="")  # what became of it; an erased person


def test_d14_rules_and_lists_are_never_rewritten(harbor: Brokerage) -> None:
    set_rules(harbor)
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=[PHOENIX], reason="asked")
    for rows, change in (
        (CallingHours.objects.all(), {"as_of": date(2020, 1, 1)}),
        (DoNotCall.objects.all(), {"number": "+1"}),
    ):
        for act in (lambda rows=rows, change=change: rows.update(**change), rows.delete):
            with pytest.raises(DatabaseError, match="is a record"), transaction.atomic():
                act()


def test_d14_each_change_is_a_version_of_the_list(harbor: Brokerage) -> None:
    for numbers in ([PHOENIX, NEW_YORK], [NEW_YORK]):
        add_numbers(company_id=harbor.company.pk, user_id=None, numbers=numbers, reason="asked")
    one = DoNotCall.objects.get(number=PHOENIX)
    remove_number(actor=harbor.broker, one=one, reason="mistake")
    assert not remove_number(actor=harbor.broker, one=one, reason="again")
    add_numbers(company_id=harbor.company.pk, user_id=None, numbers=[PHOENIX], reason="asked again")
    rows = DoNotCall.objects.order_by("pk").values_list("number", "added_in", "removed_in")
    assert sorted(rows) == [(NEW_YORK, 1, None), (PHOENIX, 1, 3), (PHOENIX, 5, None)]


# --- all at once ------------------------------------------------------------------------------------------------------

worlds = st.fixed_dictionaries(
    {
        "number": st.sampled_from([PHOENIX, NEW_YORK, "+18005550100", "+493012345678", ""]),
        "postal_code": st.sampled_from(["", "85004", "10001", "96701"]),
        "state": st.sampled_from(["", "AZ", "tx", "Texas"]),
        "time_zone": st.sampled_from(["", "Europe/Paris", "Nonsense"]),
        "do_not_call": st.booleans(),
        "listed": st.booleans(),
        "said": st.sampled_from([None, True, False]),
    }
)


class AllAtOnce(TestCase):
    @settings(deadline=None, max_examples=40)
    @given(
        several=st.lists(worlds, min_size=1, max_size=6),
        hour=st.integers(0, 47),
        required=st.booleans(),
        narrow=st.booleans(),
    )
    def test_d14_the_gates_say_the_same_of_all_as_of_each(
        self, several: list[dict[str, Any]], hour: int, required: bool, narrow: bool
    ) -> None:
        harbor = brokerage()
        set_rules(harbor, {**USUAL, "TX": [[[0, 2], "09:00", "12:00"]]}, consent_for_calls=required)
        hours = {"opens": time(10, 0), "closes": time(16, 30)} if narrow else {}
        campaign, now = make_campaign(harbor.north, **hours), NOON + timedelta(hours=hour)
        leads = [self.lead(harbor, fields) for fields in several]
        found = open_leads(Lead.objects.filter(company=harbor.company), campaign, now)
        expected = {lead.pk for lead in leads if lead.contact_points.exists() and not gates(lead, now, campaign)}
        assert set(found.order_by("pk").values_list("pk", flat=True)) == expected

    def lead(self, harbor: Brokerage, fields: dict[str, Any]) -> Lead:
        own = {name: fields[name] for name in ("postal_code", "state", "time_zone", "do_not_call")}
        lead = make_lead(harbor.lakeside, phones=filter(None, [fields["number"]]), **own)
        if fields["listed"] and fields["number"]:
            add_numbers(company_id=harbor.company.pk, user_id=None, numbers=[fields["number"]], reason="")
        if fields["said"] is not None:
            Consent.objects.create(company=harbor.company, lead=lead, kind="call", given=fields["said"])
        return lead


def test_d14_the_gates_of_many_are_few_statements(harbor: Brokerage, django_assert_num_queries: Any) -> None:
    campaign = make_campaign(harbor.north)
    leads = [make_lead(make_member(harbor.lakeside), phones=[f"602555{1000 + n}"]) for n in range(5)]
    with django_assert_num_queries(3):  # the rules, the zones, the leads
        assert open_leads(Lead.objects.all(), campaign, NOON).count() == len(leads)
