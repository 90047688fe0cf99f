"""I6: two leads made one, side by side or in mass. Who may, what is united, that no owner changes, and the way back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import User
from leads.batches import running
from leads.batches.drafting import confirm, draft, preview
from leads.batches.running import carry_on
from leads.batches.scope import picked
from leads.models import Activity, Batch, Lead, LeadShare
from leads.services.sharing import share_lead
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from tests.factories.leads import assign, make_lead, make_stage, offer
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import done, drafted, merged, outcomes, run, undo
from tests.properties.test_batches import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def levels() -> dict[tuple[str, int], Level]:
    leads, people = list(Lead.objects.order_by("pk")), User.objects.select_related("company", "holding__profile")
    held = {user.name: load_keyring(user) for user in people.order_by("pk")}
    return {(name, lead.pk): access_to(keyring, lead).level for name, keyring in held.items() for lead in leads}


def test_i6_both_leads_are_in_the_one_that_stays_and_its_owner_is_the_same(harbor: Brokerage) -> None:
    kept = make_lead(harbor.lakeside, emails=["maya@mail.example"], first_name="Maya", last_name="", tags=["a"])
    other = make_lead(
        harbor.lakeside,
        emails=["maya@mail.example", "stone@mail.example"],
        phones=["555 201 0001"],
        agent=harbor.ana,
        last_name="Stone",
        tags=["b", "A"],
        score=90,
        custom={"pet": "Cat"},
        do_not_call=True,
    )
    share_lead(keyring=load_keyring(harbor.broker), actor=harbor.broker, lead=other, user=harbor.eve, verb="view_lead")
    Activity.objects.create(company=harbor.company, lead=other, kind="note", body="Likes boats")
    earlier, seen = picture(), levels()
    batch = merged(harbor.lead, kept, other, "last_name")
    assert outcomes(batch) == {kept.pk: "changed", other.pk: "changed"}
    kept.refresh_from_db()
    other.refresh_from_db()
    assert (kept.name, kept.score, kept.tags, kept.do_not_call) == ("Maya Stone", 0, ["a", "b"], True)
    assert (kept.owner, kept.agent, kept.custom) == (harbor.lakeside, harbor.ana, {"pet": "Cat"})
    points = kept.contact_points.order_by("position", "pk").values_list("value", flat=True)
    assert sorted(points) == ["+15552010001", "maya@mail.example", "stone@mail.example"]
    assert LeadShare.grants().filter(content_object=kept, user=harbor.eve).exists()
    assert (other.merged_into, other.assignments.count()) == (kept, 0)
    assert Lead.objects.filter(search__text__contains="stone@mail.example", search__lead=kept).exists()
    kinds = LedgerEntry.objects.filter(batch_id=batch.pk, kind="merged").order_by("lead_id")
    assert [(one.lead_id, one.detail) for one in kinds] == [
        (kept.pk, {"took": other.pk}),
        (other.pk, {"into": kept.pk}),
    ]
    back = run(undo(harbor.lead, batch))
    assert outcomes(back) == {kept.pk: "changed", other.pk: "changed"}
    assert picture() == earlier
    assert levels() == seen
    again = run(undo(harbor.lead, back))
    assert outcomes(again) == {kept.pk: "changed", other.pk: "changed"}
    other.refresh_from_db()
    assert other.merged_into == kept


def test_i6_between_owners_nobody_gains_sight_and_the_owner_stays(harbor: Brokerage) -> None:
    kept, other = make_lead(harbor.lead), make_lead(harbor.lakeside, agent=harbor.ana)
    seen = levels()
    merged(harbor.lead, kept, other)
    kept.refresh_from_db()
    assert (kept.owner, kept.agent) == (harbor.lead, None)
    after = levels()
    assert {key: after[key] for key in after if after[key] > seen[key]} == {}


def test_v4_of_two_personal_leads_the_stricter_privacy_stays(harbor: Brokerage) -> None:
    kept, other = make_lead(harbor.ana), make_lead(harbor.ana, hidden=True)
    assert levels()["Lead", kept.pk] == Level.VIEW
    merged(harbor.ana, kept, other)
    assert levels()["Lead", kept.pk] == Level.REDACTED


def test_p3_merging_takes_manage_on_both(harbor: Brokerage, client: Client) -> None:
    hers, team = make_lead(harbor.ana), make_lead(harbor.lakeside, agent=harbor.ana)
    client.force_login(harbor.ana)
    for first, second in ((hers, team), (team, hers)):
        there = reverse("lead-merge", args=[first.public_id, second.public_id])
        assert (client.get(there).status_code, client.post(there).status_code) == (403, 403)
    assert outcomes(merged(harbor.ana, hers, team)) == {hers.pk: "same", team.pk: "level"}
    assert not Lead.objects.filter(merged_into__isnull=False).exists()


def test_i6_of_two_who_merge_the_same_pair_one_wins(harbor: Brokerage) -> None:
    one, two = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    batches = []
    for actor, kept, other in ((harbor.lead, one, two), (harbor.broker, two, one)):
        scope = {"leads": [kept.public_id, other.public_id], "given": 2, "of_one": True}
        batch = draft(actor=fresh(actor), verb="merge", scope=scope)
        preview(actor=fresh(actor), batch=batch, params={"into": {str(other.pk): kept.pk}, "take": []})
        confirm(actor=fresh(actor), batch=batch)
        batches.append(batch)
    for batch in batches:
        carry_on(batch.pk)
    two.refresh_from_db()
    one.refresh_from_db()
    assert (two.merged_into, one.removed_at) == (one, None)
    assert outcomes(batches[1]) == {one.pk: "lost", two.pk: "closed"}


def test_i6_old_addresses_lead_along_the_whole_chain(harbor: Brokerage, client: Client) -> None:
    first, second, third = (make_lead(harbor.lakeside, first_name=name) for name in ("Ann", "Bea", "Cat"))
    Activity.objects.create(company=harbor.company, lead=first, kind="note", body="Likes boats")
    merged(harbor.lead, second, first)
    batch = merged(harbor.lead, third, second)
    pages = [reverse("lead", args=[lead.public_id]) for lead in (first, second, third)]
    client.force_login(harbor.lead)
    assert [client.get(page).headers.get("Location") for page in pages] == [pages[2], pages[2], None]
    said = client.get(pages[2]).content.decode()
    assert "Likes boats" in said
    assert "A duplicate was merged into it" in said
    for other in (harbor.eve, stranger()):
        client.force_login(other)
        assert [client.get(page).status_code for page in pages] == [404, 404, 404]
    run(undo(harbor.lead, batch))
    client.force_login(harbor.lead)
    assert [client.get(page).headers.get("Location") for page in pages] == [pages[1], None, None]


def test_m4_duplicates_of_one_owner_are_merged_into_the_oldest(
    harbor: Brokerage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 2)
    mail, phone = ["maya@mail.example"], ["555 201 0001"]
    named: dict[str, Any] = {"first_name": "Maya", "last_name": "Stone"}
    oldest = make_lead(harbor.lakeside, emails=mail, **named)
    lonely = make_lead(harbor.lakeside, phones=phone, first_name="Somebody")
    middle = make_lead(harbor.lakeside, emails=mail, phones=phone, **named)
    elsewhere = make_lead(harbor.hilltop, emails=mail, **named)
    newest = make_lead(harbor.lakeside, phones=phone, company_name="Stones", **named)
    earlier, seen = picture(), levels()
    batch = drafted(harbor.broker, "merge", "")
    assert batch.preview is not None
    assert batch.preview["reasons"] == {"": 3, "single": 2}
    run(batch)
    assert outcomes(batch) == {
        oldest.pk: "changed",
        lonely.pk: "single",
        middle.pk: "changed",
        elsewhere.pk: "single",
        newest.pk: "changed",
    }
    assert batch.changed == 3
    oldest.refresh_from_db()
    assert oldest.company_name == "Stones"
    assert set(Lead.objects.filter(merged_into=oldest)) == {middle, newest}
    back = run(undo(harbor.broker, batch))
    assert back.changed == 3
    assert (picture(), levels()) == (earlier, seen)


def test_m6_a_merge_is_not_taken_back_over_a_newer_change(harbor: Brokerage) -> None:
    kept, other = make_lead(harbor.lakeside), make_lead(harbor.lakeside)
    batch = merged(harbor.lead, kept, other)
    Lead.objects.filter(pk=kept.pk).update(first_name="Newer")
    assert outcomes(run(undo(harbor.lead, batch))) == {kept.pk: "newer", other.pk: "newer"}


def test_m2_an_offer_ends_with_the_lead_that_goes(harbor: Brokerage) -> None:
    kept, other = make_lead(harbor.lakeside), make_lead(harbor.lakeside, agent=harbor.ana)
    offer(other, harbor.ana)
    assign(other, harbor.ben, "assistant")
    merged(harbor.lead, kept, other)
    kept.refresh_from_db()
    assert (kept.agent, [slot.user for slot in kept.assignments.all()]) == (None, [harbor.ben])


def test_i6_two_leads_side_by_side_in_the_browser(harbor: Brokerage, client: Client) -> None:
    warm = make_stage(harbor.company, "Warm")
    kept = make_lead(harbor.lakeside, first_name="Maya", emails=["maya@mail.example"])
    other = make_lead(harbor.hilltop, first_name="May", emails=["maya@mail.example"], stage=warm)
    client.force_login(harbor.broker)
    there = reverse("lead-merge", args=[kept.public_id, other.public_id])
    said = client.get(there).content.decode()
    assert "They have different owners. Lakeside stays the owner" in said
    assert 'name="stage" value="other"' in said
    assert client.get(reverse("lead-merge", args=[kept.public_id, kept.public_id])).status_code == 404
    result = client.post(there, {"first_name": "kept", "stage": "other"}, follow=True)
    assert "Undo" in result.content.decode()
    kept.refresh_from_db()
    assert (kept.first_name, kept.stage, kept.owner) == ("Maya", warm, harbor.lakeside)
    for other_user in (harbor.ana, stranger()):
        client.force_login(other_user)
        assert client.get(there).status_code == 404


def test_p3_a_mass_merge_takes_the_permission(harbor: Brokerage) -> None:
    with pytest.raises(PermissionDenied):
        done(harbor.ana, "merge", "")


def foreseen(batch: Batch) -> set[tuple[str, str, str, int]]:
    """Kind, from and to which level, and who."""
    assert batch.preview is not None
    return {
        (one["kind"], one["before"], one["after"], person)
        for one in batch.preview["sight"]
        for person, _ in one["people"]
    }


def test_m4_the_preview_says_who_loses_sight_and_who_gains_it(harbor: Brokerage) -> None:
    mail = ["maya@mail.example"]
    make_lead(harbor.lakeside, emails=mail)
    other = make_lead(harbor.lakeside, emails=mail, agent=harbor.ana)
    share_lead(keyring=load_keyring(harbor.broker), actor=harbor.broker, lead=other, user=harbor.eve, verb="view_lead")
    batch = drafted(harbor.broker, "merge", "")
    assert foreseen(batch) == {
        ("assigned", "none", "work", harbor.ana.pk),  # of the one that stays; the other one she keeps in it
        ("shared", "none", "view", harbor.eve.pk),
    }
    kept = make_lead(harbor.hilltop, agent=harbor.dee)
    into = {str(other.pk): kept.pk}
    two = draft(actor=fresh(harbor.broker), verb="merge", scope=picked([kept.public_id, other.public_id]))
    assert foreseen(preview(actor=fresh(harbor.broker), batch=two, params={"into": into})) == {
        ("manager", "manage", "none", harbor.lead.pk),
        ("assigned", "work", "none", harbor.ana.pk),
        ("assigned", "none", "work", harbor.dee.pk),
        ("shared", "view", "none", harbor.eve.pk),
    }


def test_m4_the_page_of_two_leads_says_who_loses_sight(harbor: Brokerage, client: Client) -> None:
    kept, other = make_lead(harbor.hilltop), make_lead(harbor.lakeside, agent=harbor.ana)
    client.force_login(harbor.broker)
    there = reverse("lead-merge", args=[kept.public_id, other.public_id])
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", client.get(there).content.decode()))
    assert "Will no longer see them Managers: Lead (1)" in said or "Will no longer see them Assigned: Ana (1)" in said
    assert "Ana (1)" in said
    assert "They share no" not in said
    with CaptureQueriesContext(connection) as few:
        client.get(there)
    for person in (harbor.ben, harbor.eve, harbor.dee):
        assign(make_lead(harbor.lakeside), person)
        share_lead(keyring=load_keyring(harbor.broker), actor=harbor.broker, lead=other, user=person, verb="view_lead")
    with CaptureQueriesContext(connection) as many:
        client.get(there)
    assert len(many) <= len(few) + 2


def test_i6_two_that_share_nothing_are_warned_of(harbor: Brokerage, client: Client) -> None:
    client.force_login(harbor.lead)
    one = make_lead(harbor.lakeside, first_name="Maya", last_name="Stone", emails=["maya@mail.example"])
    others = {
        "name": make_lead(harbor.lakeside, first_name="maya", last_name="STONE"),
        "mail": make_lead(harbor.lakeside, emails=["maya@mail.example"]),
        "nothing": make_lead(harbor.lakeside, emails=["tom@mail.example"]),
        "nameless": make_lead(harbor.lakeside, first_name="", last_name=""),
    }
    warned = {
        what: "These two share no e-mail, phone or name"
        in client.get(reverse("lead-merge", args=[one.public_id, other.public_id])).content.decode()
        for what, other in others.items()
    }
    assert warned == {"name": False, "mail": False, "nothing": True, "nameless": True}


def test_i6_the_other_source_is_not_lost(harbor: Brokerage, client: Client) -> None:
    kept, other = make_lead(harbor.lakeside, source="Website"), make_lead(harbor.lakeside, source="Zillow")
    blank = make_lead(harbor.lakeside)
    client.force_login(harbor.lead)
    there = reverse("lead-merge", args=[kept.public_id, other.public_id])
    assert "<dd>Zillow</dd>" in client.get(there).content.decode()
    batch = merged(harbor.lead, kept, other)
    assert "Website, also Zillow" in client.get(reverse("lead", args=[kept.public_id])).content.decode()
    run(undo(harbor.lead, batch))
    assert "also Zillow" not in client.get(reverse("lead", args=[kept.public_id])).content.decode()
    merged(harbor.lead, blank, other)
    blank.refresh_from_db()
    assert blank.source == other.source
    assert "Zillow, also" not in client.get(reverse("lead", args=[blank.public_id])).content.decode()


def test_m8_owners_are_told_what_somebody_else_merged() -> None:
    harbor = brokerage("managed")
    kept, other = make_lead(harbor.ben), make_lead(harbor.ana)
    batch = merged(harbor.lead, kept, other)
    assert [(one.user, one.title) for one in Notification.objects.order_by("pk")] == [
        (harbor.ana, "{own lead} was merged into another lead")
    ]
    run(undo(harbor.lead, batch))
    assert Notification.objects.latest("pk").title == "{own lead} came back"


def test_i6_what_another_went_into_is_changed_though_it_gained_nothing(harbor: Brokerage) -> None:
    kept = make_lead(harbor.lakeside, emails=["maya@mail.example"])
    other = make_lead(harbor.lakeside, emails=["maya@mail.example"], last_activity_at=kept.last_activity_at)
    batch = drafted(harbor.lead, "merge", "")
    assert batch.preview is not None
    assert batch.preview["reasons"] == {"": 2}
    assert outcomes(run(batch)) == {kept.pk: "changed", other.pk: "changed"}
    assert outcomes(run(undo(harbor.lead, batch))) == {kept.pk: "changed", other.pk: "changed"}


def test_v8_a_share_that_has_ended_does_not_stand_in_the_way_of_one_that_holds(harbor: Brokerage) -> None:
    kept, one, two = (make_lead(harbor.lakeside) for _ in range(3))
    for lead in (kept, one, two):
        share_lead(
            keyring=load_keyring(harbor.broker), actor=harbor.broker, lead=lead, user=harbor.eve, verb="work_lead"
        )
    LeadShare.objects.filter(content_object__in=[kept, one]).update(until=timezone.now() - timedelta(days=1))
    earlier = picture()
    batch = merged(harbor.broker, kept, two)
    assert levels()["Eve", kept.pk] == Level.WORK
    run(undo(harbor.broker, batch))
    assert picture() == earlier
    merged(harbor.broker, kept, one)
    assert levels()["Eve", kept.pk] == Level.NONE


def test_i6_another_lead_to_merge_with_is_searched_for(harbor: Brokerage, client: Client) -> None:
    lead = make_lead(harbor.lakeside, emails=["maya@mail.example"], first_name="Maya")
    twin = make_lead(harbor.lakeside, emails=["maya@mail.example"], first_name="Twin")
    make_lead(harbor.lakeside, first_name="Tom", last_name="Stone")
    make_lead(harbor.hilltop, first_name="Tilda", last_name="Stone")
    make_lead(harbor.ana, first_name="Tim", last_name="Stone")
    there = reverse("lead-merge-with", args=[lead.public_id])
    client.force_login(harbor.lead)
    assert there in client.get(reverse("lead", args=[lead.public_id])).content.decode()
    said = client.get(there).content.decode()
    assert ("Twin" in said, "Tom Stone" in said) == (True, False)
    assert reverse("lead-merge", args=[lead.public_id, twin.public_id]) in said
    said = client.get(there, {"find": "stone\x00"}).content.decode()
    assert [name in said for name in ("Tom", "Tilda", "Tim", "Twin")] == [True, False, False, False]
    assert "No other lead that you may merge fits" in client.get(there, {"find": "nobody"}).content.decode()
    assert client.post(there).status_code == 405
    for user, status in ((harbor.ana, 404), (stranger(), 404)):
        client.force_login(user)
        assert client.get(there).status_code == status
    assign(lead, harbor.ana)
    client.force_login(harbor.ana)
    assert client.get(there).status_code == 403
    assert there not in client.get(reverse("lead", args=[lead.public_id])).content.decode()
