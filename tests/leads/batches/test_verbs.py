"""What each verb does to many leads, to whom it does not, what it tells, and how it is taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import Unit, User
from leads.batches.drafting import act_of
from leads.batches.reading import examples_of
from leads.batches.running import carry_on
from leads.batches.undoing import why_not_undo
from leads.batches.verb import NotNowError, find_verb
from leads.models import Activity, Assignment, Batch, Lead, LeadShare
from permissions.access import Level, Privacy
from permissions.door import access_to
from permissions.grants import permission_on
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry, Profile
from permissions.profiles.services import give_profile
from routing.models import Offer
from tests.factories.leads import assign, make_lead, offer
from tests.factories.people import fresh, leave_company, make_manager
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import done, drafted, outcomes, queued, run, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def level(user: User, lead: Lead) -> str:
    return access_to(load_keyring(fresh(user)), Lead.objects.get(pk=lead.pk)).level.name


def facts(batch: Batch) -> list[str]:
    return list(LedgerEntry.objects.filter(batch_id=batch.pk).order_by("pk").values_list("kind", flat=True))


def give(user: User, *permissions: str) -> None:
    held = user.holding.profile.permissions
    profile = Profile.objects.create(
        company=user.company, code=f"more-{user.pk}", name=f"More {user.pk}", permissions=[*held, *permissions]
    )
    give_profile(user, profile.code)


def sight(batch: Batch) -> dict[tuple[str, str, str], dict[int, int]]:
    assert batch.preview is not None
    return {(one["kind"], one["before"], one["after"]): dict(one["people"]) for one in batch.preview["sight"]}


# --- assign, release --------------------------------------------------------------------------------------------------


def test_m1_assigning_changes_who_works_and_not_who_owns(harbor: Brokerage) -> None:
    free, anas = make_lead(harbor.lakeside), make_lead(harbor.lakeside, agent=harbor.ana)
    bens, personal = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.ana)
    batch = drafted(harbor.lead, "assign", [free, anas, bens, personal], user=harbor.ben)
    assert sight(batch) == {
        ("assigned", "none", "work"): {harbor.ben.pk: 2},
        ("assigned", "work", "none"): {harbor.ana.pk: 1},
    }
    run(batch)
    assert outcomes(batch) == {free.pk: "changed", anas.pk: "changed", bens.pk: "there", personal.pk: "level"}
    assert set(Lead.objects.filter(owner_unit=harbor.lakeside).values_list("agent", flat=True)) == {harbor.ben.pk}
    assert facts(batch) == ["assigned", "assigned"]
    told = Notification.objects.get(user=harbor.ben)
    assert told.title == "2 leads are assigned to you"
    since = Assignment.objects.get(lead=bens).since
    again = run(undo(harbor.lead, batch))
    assert [level(harbor.ana, lead) for lead in (free, anas, bens)] == ["NONE", "WORK", "NONE"]
    assert facts(again) == ["unassigned", "assigned"]
    assert Assignment.objects.get(lead=bens).since == since


def test_m1_assignees_are_members_of_the_owning_unit_or_below(harbor: Brokerage) -> None:
    leads = [make_lead(unit) for unit in (harbor.lakeside, harbor.hilltop, harbor.north, harbor.whole)]
    batch = done(harbor.broker, "assign", leads, user=harbor.dee)
    assert list(outcomes(batch).values()) == ["outsider", "changed", "changed", "changed"]


def test_m1_an_open_offer_ends_when_somebody_decides(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    offer(lead, harbor.ana)
    done(harbor.lead, "assign", [lead], user=harbor.ben)
    assert Offer.objects.get().state == "withdrawn"
    assert (level(harbor.ana, lead), level(harbor.ben, lead)) == ("NONE", "WORK")


def test_m10_covered_leads_are_left_alone(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assign(lead, harbor.ben, "covered")
    for verb, params in (("assign", {"user": harbor.dee}), ("release", {})):
        assert outcomes(done(harbor.broker, verb, [lead], **params))[lead.pk] in ("cover", "outsider")


def test_m2_releasing_clears_the_agent_slot_and_undo_fills_it(harbor: Brokerage) -> None:
    held, free, personal = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.whole), make_lead(harbor.lead)
    batch = drafted(harbor.broker, "release", [held, free])
    assert sight(batch) == {("assigned", "work", "none"): {harbor.ana.pk: 1}}
    run(batch)
    assert outcomes(batch) == {held.pk: "changed", free.pk: "there"}
    assert outcomes(done(harbor.lead, "release", [personal])) == {personal.pk: "personal"}
    assert (level(harbor.ana, held), facts(batch)) == ("NONE", ["released"])
    leave_company(harbor.ana)
    again = run(undo(harbor.broker, batch))
    assert facts(again) == []  # who has left gets nothing back
    assert outcomes(again) == {held.pk: "nobody"}


# --- change owner -----------------------------------------------------------------------------------------------------


def whitelist(unit: Unit) -> None:
    Unit.objects.filter(pk=unit.pk).update(may_change_ownership=True)


def change(actor: User, leads: list[Lead], to: str, **params: Any) -> Batch:
    return drafted(actor, "owner", leads, **{"to": to, "keep_assistants": False} | params)


def test_m3_owners_change_in_mass_for_company_managers_and_whitelisted_teams(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    to = f"person-{harbor.ben.pk}"
    change(harbor.broker, [lead], to)
    for manager in (harbor.lead, harbor.north_admin):
        with pytest.raises(PermissionDenied, match=r"none of your teams \(.*Lakeside\) change owners in mass"):
            change(manager, [lead], to)
    whitelist(harbor.hilltop)
    with pytest.raises(PermissionDenied):
        change(harbor.lead, [lead], to)
    change(harbor.north_admin, [lead], to)
    whitelist(harbor.lakeside)
    change(harbor.lead, [lead], to)
    give(harbor.ana, "mass_edit_lead")
    with pytest.raises(PermissionDenied):
        change(harbor.ana, [make_lead(harbor.ana)], to)


def test_m2_to_a_person_and_back_with_slots_and_shares(harbor: Brokerage) -> None:
    whitelist(harbor.lakeside)
    lead, personal = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.ana)
    assign(lead, harbor.dee, "assistant")
    assign(lead, harbor.eve, "lender")
    LeadShare.objects.create(
        company=harbor.company,
        content_object=lead,
        user=harbor.dee,
        given_by=harbor.lead,
        permission=permission_on(Lead, "view_lead"),
    )
    before = picture(lead)
    batch = change(harbor.lead, [lead, personal], f"person-{harbor.ben.pk}", keep_assistants=True)
    assert batch.preview is not None
    assert batch.preview["reasons"] == {"": 1, "personal": 1}
    assert ("assigned", "work", "none") in sight(batch)
    run(batch)
    assert [level(user, lead) for user in (harbor.ben, harbor.ana, harbor.dee, harbor.eve, harbor.lead)] == [
        *("MANAGE", "NONE", "WORK", "NONE", "VIEW")
    ]
    assert sorted(facts(batch)) == ["assigned", "owner_changed", "revoked", "unassigned", "unassigned"]
    assert Notification.objects.get(user=harbor.ben, kind="owned")
    undoing = run(undo(harbor.lead, batch))
    assert outcomes(undoing) == {lead.pk: "changed"}
    assert Notification.objects.get(user=harbor.ben, kind="owner_changed").title == "{own lead} went back"
    assert picture(lead) == before
    assert sorted(facts(undoing)) == ["assigned", "assigned", "owner_changed", "shared"]


def picture(lead: Lead) -> list[Any]:
    """All that ownership is."""
    slots = lead.assignments.order_by("role").values_list("role", "user", "pond", "since", "until")
    shares = LeadShare.grants().filter(content_object=lead).order_by("user")
    row = Lead.objects.filter(pk=lead.pk).values()
    return [list(row), list(slots), list(shares.values_list("user", "permission", "given_by", "given_at", "until"))]


def test_m6_a_transfer_to_a_person_comes_back_for_a_day_or_until_she_works_it(harbor: Brokerage) -> None:
    worked, left = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    batch = run(change(harbor.broker, [worked, left], f"person-{harbor.ben.pk}"))
    note = {"company": harbor.company, "lead": worked, "actor": harbor.ben, "kind": "note"}
    Activity.objects.create(**note, at=Now() + timedelta(seconds=1))
    undoing = run(undo(harbor.broker, batch))
    assert outcomes(undoing) == {worked.pk: "worked", left.pk: "changed"}
    other = run(change(harbor.broker, [left], f"person-{harbor.ben.pk}"))
    assert why_not_undo(fresh(harbor.broker), other) == ""
    Batch.objects.filter(pk=other.pk).update(ended_at=F("ended_at") - timedelta(hours=25))
    other.refresh_from_db()
    assert "time to undo this is over" in why_not_undo(fresh(harbor.broker), other)
    to_unit = run(change(harbor.broker, [make_lead(harbor.lakeside)], f"unit-{harbor.hilltop.pk}"))
    Batch.objects.filter(pk=to_unit.pk).update(ended_at=F("ended_at") - timedelta(days=99))
    to_unit.refresh_from_db()
    assert why_not_undo(fresh(harbor.broker), to_unit) == ""


def test_m6_who_undoes_need_not_manage_the_leads_any_more(harbor: Brokerage) -> None:
    whitelist(harbor.lakeside)
    harbor.company.personal_leads = "private"
    harbor.company.save()
    lead = make_lead(harbor.lakeside)
    batch = run(change(harbor.lead, [lead], f"person-{harbor.ben.pk}"))
    assert (level(harbor.lead, lead), level(harbor.broker, lead)) == ("VIEW", "VIEW")
    for user in (harbor.north_admin, make_manager(harbor.lakeside, "Second"), harbor.ben):
        assert "Only Lead can undo this" in why_not_undo(fresh(user), batch)
    assert outcomes(run(undo(harbor.broker, batch))) == {lead.pk: "changed"}
    assert level(harbor.lead, lead) == "MANAGE"


def test_m6_leads_do_not_return_to_who_has_left(harbor: Brokerage) -> None:
    harbor.company.personal_leads = "managed"
    harbor.company.save()
    lead = make_lead(harbor.ana, privacy=Privacy.MANAGED)
    batch = run(change(harbor.broker, [lead], f"unit-{harbor.lakeside.pk}"))
    leave_company(harbor.ana)
    assert outcomes(run(undo(harbor.broker, batch))) == {lead.pk: "left"}


def test_m6_a_hidden_lead_is_hidden_again(harbor: Brokerage) -> None:
    give(harbor.ana, "hide_lead")
    lead = make_lead(harbor.broker, hidden=True)
    batch = run(change(harbor.broker, [lead], f"unit-{harbor.lakeside.pk}"))
    assert facts(batch) == ["owner_changed", "shown"]
    undoing = run(undo(harbor.broker, batch))
    assert facts(undoing) == ["hidden", "owner_changed"]
    lead.refresh_from_db()
    assert (lead.hidden, lead.owner_user) == (True, harbor.broker)


def test_m3_a_target_that_is_gone_stops_the_batch(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside)
    batch = queued(change(harbor.broker, [lead], f"person-{harbor.ben.pk}"))
    leave_company(harbor.ben)
    carry_on(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.problem) == ("failed", "Ben is not active any more.")
    with pytest.raises(NotNowError):
        change(harbor.broker, [lead], f"person-{harbor.ben.pk}")
    harbor.company.personal_leads = "company_only"
    harbor.company.save()
    with pytest.raises(NotNowError, match="policy"):
        change(harbor.broker, [lead], f"unit-{harbor.hilltop.pk}")


# --- hide, show -------------------------------------------------------------------------------------------------------


def test_v4_hiding_in_mass_is_for_ones_own_and_undone_by_oneself(harbor: Brokerage) -> None:
    give(harbor.ana, "hide_lead", "mass_edit_lead")
    open_, hidden = make_lead(harbor.ana), make_lead(harbor.ana, hidden=True)
    unit, bens = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.ben)
    assign(bens, harbor.ana, "assistant")
    batch = drafted(harbor.ana, "hide", [open_, hidden, unit, bens])
    assert sight(batch)["manager", "view", "redacted"].keys() == {
        *(one.pk for one in (harbor.lead, harbor.north_admin, harbor.broker))
    }
    run(batch)
    assert outcomes(batch) == {open_.pk: "changed", hidden.pk: "there", unit.pk: "unit", bens.pk: "others"}
    assert (level(harbor.lead, open_), facts(batch)) == ("REDACTED", ["hidden"])
    assert "Only Ana can undo this" in why_not_undo(fresh(harbor.broker), batch)
    run(undo(harbor.ana, batch))
    assert level(harbor.lead, open_) == "VIEW"
    shown = done(harbor.ana, "show", [open_, hidden])
    assert outcomes(shown) == {open_.pk: "there", hidden.pk: "changed"}


def test_v4_hiding_goes_up_to_five_thousand(harbor: Brokerage) -> None:
    hide, stage = find_verb("hide"), find_verb("stage")
    assert hide is not None
    assert stage is not None
    assert (hide.limit, stage.limit) == (5_000, 100_000)
    with pytest.raises(PermissionDenied):
        drafted(harbor.lead, "hide", [make_lead(harbor.lead)])


# --- share, revoke ----------------------------------------------------------------------------------------------------


def test_v8_sharing_in_mass_and_taking_it_back(harbor: Brokerage) -> None:
    mine, there = make_lead(harbor.lead), make_lead(harbor.lakeside)
    until = (timezone.now() + timedelta(days=3)).isoformat()
    first = done(harbor.lead, "share", [there], user=harbor.dee, verb="view_lead", until=until)
    batch = drafted(harbor.lead, "share", [mine, there], user=harbor.dee, verb="work_lead", until=None)
    assert sight(batch) == {
        ("shared", "none", "work"): {harbor.dee.pk: 1},
        ("shared", "view", "work"): {harbor.dee.pk: 1},
    }
    run(batch)
    assert [level(harbor.dee, lead) for lead in (mine, there)] == ["WORK", "WORK"]
    assert facts(first) == ["shared"]
    assert outcomes(done(harbor.lead, "share", [mine], user=harbor.dee, verb="work_lead", until=None)) == {
        mine.pk: "there"
    }
    run(undo(harbor.lead, batch))
    assert [level(harbor.dee, lead) for lead in (mine, there)] == ["NONE", "VIEW"]
    assert LeadShare.objects.get().until == datetime.fromisoformat(until)
    taken = drafted(harbor.lead, "revoke", [mine, there], user=harbor.dee)
    assert sight(taken) == {("shared", "view", "none"): {harbor.dee.pk: 1}}
    run(taken)
    assert outcomes(taken) == {mine.pk: "there", there.pk: "changed"}
    assert level(harbor.dee, there) == "NONE"
    run(undo(harbor.lead, taken))
    assert level(harbor.dee, there) == "VIEW"


def test_v8_sharing_to_view_takes_no_work_away(harbor: Brokerage) -> None:
    worked, viewed, neither = (make_lead(harbor.lakeside, last_name=name) for name in ("Worked", "Viewed", "Neither"))
    done(harbor.lead, "share", [worked], user=harbor.dee, verb="work_lead", until=None)
    done(harbor.lead, "share", [viewed], user=harbor.dee, verb="view_lead", until="2999-01-01T12:00:00+00:00")
    batch = drafted(harbor.lead, "share", [worked, viewed, neither], user=harbor.dee, verb="view_lead", until=None)
    assert sight(batch) == {("shared", "none", "view"): {harbor.dee.pk: 1}}
    shown = [(one.before, one.after) for one in examples_of(act_of(batch, fresh(harbor.lead)))]
    assert [(before.partition(",")[0], after) for before, after in shown] == [
        ("View until Jan 1", "View"),
        ("Not shared", "View"),
    ]
    assert outcomes(run(batch)) == {worked.pk: "more", viewed.pk: "changed", neither.pk: "changed"}
    assert level(harbor.dee, worked) == "WORK"
    LeadShare.objects.filter(content_object=worked).update(until="2020-01-01T00:00Z")
    again = done(harbor.lead, "share", [worked], user=harbor.dee, verb="view_lead", until=None)
    assert outcomes(again) == {worked.pk: "changed"}


# --- who acts ---------------------------------------------------------------------------------------------------------


def test_4_rights_are_asked_again_at_every_chunk(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.batches.running.CHUNK", 2)
    leads = [make_lead(harbor.lakeside) for _ in range(6)]
    batch = queued(drafted(harbor.lead, "assign", leads, user=harbor.ben))
    assert carry_on(batch.pk, chunks=1)
    leave_company(harbor.lead)
    assert not carry_on(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.problem, batch.changed) == ("failed", "Lead is deactivated.", 2)
    assert Lead.objects.filter(agent=harbor.ben).count() == 2
    assert outcomes(run(undo(harbor.broker, batch))) == {lead.pk: "changed" for lead in leads[:2]}


def test_4_leads_lost_since_the_preview_are_skipped(harbor: Brokerage) -> None:
    kept, lost, removed = (make_lead(harbor.lakeside) for _ in range(3))
    batch = drafted(harbor.lead, "assign", [kept, lost, removed], user=harbor.ben)
    Lead.objects.filter(pk=lost.pk).update(owner_unit=harbor.hilltop)
    Lead.objects.filter(pk=removed.pk).update(removed_at=Now())
    assert outcomes(run(batch)) == {kept.pk: "changed", lost.pk: "closed", removed.pk: "closed"}


def test_5_foreign_ids_are_counted_and_never_touched(harbor: Brokerage) -> None:
    hers, foreign = [make_lead(harbor.lakeside) for _ in range(5)], [make_lead(stranger()) for _ in range(3)]
    theirs = [make_lead(harbor.hilltop) for _ in range(2)]
    before = list(Lead.objects.filter(pk__in=[one.pk for one in [*foreign, *theirs]]).order_by("pk").values())
    batch = done(harbor.lead, "assign", [*hers, *foreign, *theirs], user=harbor.ben)
    assert batch.preview is not None
    assert (batch.total, batch.changed, batch.preview["unknown"]) == (5, 5, 5)
    assert list(Lead.objects.filter(pk__in=[one.pk for one in [*foreign, *theirs]]).order_by("pk").values()) == before


def test_v1_the_preview_names_only_whom_the_asker_may_know(harbor: Brokerage) -> None:
    from leads.batches.sight import named

    lead = make_lead(harbor.lakeside, agent=harbor.eve)
    batch = drafted(harbor.lead, "assign", [lead], user=harbor.ben)
    assert batch.preview is not None
    lines = named(batch.preview["sight"], fresh(harbor.lead))
    assert [(line.group, line.names, line.others) for line in lines] == [
        ("Will see them", [("Ben", 1)], 0),
        ("Will no longer see them", [], 1),
    ]
    assert Level.NONE < Level.VIEW
