"""The departure kit (O4): what stays goes where it was said, nothing is left with her, and all of it comes back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from crm.organization.models import Membership, Unit, User
from leads.batches.drafting import cancel, draft, preview
from leads.batches.running import carry_on
from leads.batches.verb import NotNowError
from leads.models import Assignment, Batch, Lead, PondMember, Task
from leads.services.taking_along import SALT, is_asked
from permissions.access import Level
from permissions.door import access_to
from permissions.keyring import load_keyring
from permissions.models import LedgerEntry
from routing.models import Offer, RosterMember, RoutingPolicy
from tests.factories.leads import assign, make_lead, make_pond, offer
from tests.factories.people import fresh, join, make_manager
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.batches.doing import done, queued, run, undo
from tests.routing.scenes import make_policy, on_roster

pytestmark = pytest.mark.django_db
UNTIL = "2999-01-01T00:00:00+00:00"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def kit(actor: User, person: User, unit: Unit | None = None, **to: str) -> Batch:
    made = draft(actor=fresh(actor), verb="depart", scope={"person": person.pk, "unit": unit and unit.pk})
    return preview(actor=fresh(actor), batch=made, params={"to": to})


def foreseen(batch: Batch) -> dict[tuple[int, str, str], int]:
    sight = (batch.preview or {})["sight"]
    return {(person, one["before"], one["after"]): count for one in sight for person, count in one["people"]}


def levels(leads: list[Lead]) -> dict[tuple[int, int], Level]:
    people = list(User.objects.order_by("pk"))
    return {(user.pk, lead.pk): level(user, lead) for user in people for lead in leads}


def turns(before: dict[tuple[int, int], Level], after: dict[tuple[int, int], Level]) -> dict[tuple[int, str, str], int]:
    changed = [key for key in before if before[key] != after[key]]
    return dict(Counter((key[0], before[key].name.lower(), after[key].name.lower()) for key in changed))


def slots(lead: Lead) -> dict[str, object]:
    return {slot.role: slot.user or slot.pond for slot in lead.assignments.order_by("role")}


def level(user: User, lead: Lead) -> Level:
    lead.refresh_from_db()
    return access_to(load_keyring(fresh(user)), lead).level


def everything() -> list[Any]:
    """All that a departure touches; offers and rotations end for good."""
    rows: list[Any] = [
        User.objects.order_by("pk").values("pk", "is_active", "left_at"),
        Membership.objects.order_by("pk").values("pk", "ended_at", "role"),
        PondMember.objects.order_by("pond", "user").values("pond", "user", "may_claim"),
        RosterMember.objects.order_by("unit", "user").values(
            *("unit", "user", "position", "weight", "paused", "enrolled")
        ),
        RoutingPolicy.objects.order_by("unit").values("unit", "fallback"),
        Assignment.objects.order_by("lead", "role").values("lead", "role", "user", "pond", "until"),
        Lead.objects.order_by("pk").values("pk", "owner_unit", "owner_user", "hidden", "locks"),
    ]
    return [list(one) for one in rows]


def has_nothing(user: User) -> User:
    """The person who left, without a slot, a membership or a place anywhere."""
    gone = User.objects.get(pk=user.pk)
    assert (gone.is_active, gone.left_at is not None) == (False, True)
    assert not Assignment.objects.filter(user=gone).exists()
    assert not Membership.objects.current().filter(user=gone).exists()
    assert not RosterMember.objects.filter(user=gone).exists()
    assert not RoutingPolicy.objects.filter(fallback=gone).exists()
    assert not PondMember.objects.filter(user=gone).exists()
    return gone


def test_o4_what_stays_goes_where_it_was_said_and_all_of_it_comes_back(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.ana, harbor.ben)
    make_policy(harbor.whole)
    make_policy(harbor.lakeside, fallback=harbor.ana)
    on_roster(harbor.whole, harbor.dee)
    on_roster(harbor.lakeside, harbor.ana, weight=3)
    on_roster(harbor.lakeside, harbor.ben)
    teams, offices, wholes = (
        make_lead(unit, agent=harbor.ana) for unit in (harbor.lakeside, harbor.north, harbor.whole)
    )
    assisted, personal = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.ana, hidden=True)
    assign(assisted, harbor.ana, "assistant")
    others = make_lead(harbor.dee)
    assign(others, harbor.ana, "lender")
    before = everything()
    to = {str(harbor.lakeside.pk): f"pond-{pond.pk}", str(harbor.north.pk): f"person-{harbor.ben.pk}"}
    batch = kit(harbor.broker, harbor.ana, **to)
    assert (batch.total, everything()) == (4, before)
    batch = run(batch)
    assert (batch.state, batch.changed) == ("done", 4)
    assert (slots(teams), slots(offices)) == ({"agent": pond}, {"agent": harbor.ben})
    assert slots(wholes) == {"agent": harbor.dee}
    assert Offer.objects.get(lead=wholes).state == "open"
    assert (slots(assisted), slots(others)) == ({"agent": harbor.ben}, {})
    gone = has_nothing(harbor.ana)
    personal.refresh_from_db()
    assert (personal.owner, personal.hidden, level(harbor.lead, personal)) == (gone, True, Level.REDACTED)
    assert LedgerEntry.objects.get(kind="left").batch_id == batch.pk
    run(undo(harbor.broker, batch))
    assert everything() == before
    assert not Offer.objects.filter(state="open").exists()


def test_o4_covers_return_and_what_others_cover_for_her_goes_on(harbor: Brokerage) -> None:
    bens, anas = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.lakeside, agent=harbor.ana)
    done(harbor.lead, "cover", [bens], user=harbor.ana, until=UNTIL)
    done(harbor.lead, "cover", [anas], user=harbor.ben, until=UNTIL)
    batch = run(kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.lead.pk}"}))
    assert batch.changed == 2
    assert (slots(bens), slots(anas)) == ({"agent": harbor.ben}, {"agent": harbor.lead})


def test_o4_offers_are_withdrawn(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    offered = offer(lead, harbor.ana)
    run(kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}))
    offered.refresh_from_db()
    assert (offered.state, slots(lead)) == ("withdrawn", {"agent": harbor.ben})


def test_o4_a_lead_she_got_after_the_preview_does_not_stay_with_her(harbor: Brokerage) -> None:
    batch = kit(harbor.broker, harbor.ana)
    late = make_lead(harbor.lakeside, agent=harbor.ana)
    batch = run(batch)
    assert (batch.state, batch.changed, slots(late)) == ("done", 0, {"agent": harbor.lead})
    run(undo(harbor.broker, batch))
    assert User.objects.get(pk=harbor.ana.pk).is_active


def test_o4_the_preview_says_who_gains_and_loses_sight(harbor: Brokerage) -> None:
    pond = make_pond(harbor.lakeside, harbor.eve)
    pooled = [make_lead(harbor.lakeside, agent=harbor.ana) for _ in range(2)]
    given = [make_lead(harbor.north, agent=harbor.ana)]
    bens = make_lead(harbor.lakeside, agent=harbor.ben)
    done(harbor.lead, "cover", [bens], user=harbor.ana, until=UNTIL)
    assisted = make_lead(harbor.lakeside, agent=harbor.ben)
    assign(assisted, harbor.ana, "assistant")
    leads = [*pooled, *given, bens, assisted]
    before = levels(leads)
    to = {str(harbor.lakeside.pk): f"pond-{pond.pk}", str(harbor.north.pk): f"person-{harbor.dee.pk}"}
    batch = kit(harbor.broker, harbor.ana, **to)
    run(batch)
    assert foreseen(batch) == turns(before, levels(leads))
    assert foreseen(batch)[harbor.eve.pk, "none", "work"] == 2
    assert foreseen(batch)[harbor.dee.pk, "none", "work"] == 1
    assert foreseen(batch)[harbor.ana.pk, "work", "none"] == 5


def test_m4_a_departure_goes_in_chunks_and_she_leaves_with_the_last(harbor: Brokerage) -> None:
    leads = [make_lead(harbor.lakeside, agent=harbor.ana) for _ in range(5)]
    on_roster(harbor.lakeside, harbor.ana)
    before = everything()
    batch = queued(kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}))
    with mock.patch("leads.batches.running.CHUNK", 2):
        assert carry_on(batch.pk, chunks=2)
        assert [next(iter(slots(lead).values())) for lead in leads] == [harbor.ben] * 4 + [harbor.ana]
        assert not RosterMember.objects.filter(user=harbor.ana).exists(), "nothing new comes to her meanwhile"
        assert User.objects.get(pk=harbor.ana.pk).is_active
        assert not carry_on(batch.pk)
        has_nothing(harbor.ana)
        batch.refresh_from_db()
        assert (batch.state, batch.changed) == ("done", 5)
        run(undo(harbor.broker, batch))
    assert everything() == before


def test_m4_a_departure_that_is_stopped_leaves_her_there_and_can_be_undone(harbor: Brokerage) -> None:
    for _ in range(3):
        make_lead(harbor.lakeside, agent=harbor.ana)
    on_roster(harbor.lakeside, harbor.ana)
    before = everything()
    batch = queued(kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}))
    with mock.patch("leads.batches.running.CHUNK", 2):
        assert carry_on(batch.pk, chunks=1)
        cancel(actor=harbor.broker, batch=batch)
        assert not carry_on(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.changed) == ("cancelled", 2)
    assert User.objects.get(pk=harbor.ana.pk).is_active
    run(undo(harbor.broker, batch))
    assert everything() == before


def test_o4_she_leaves_a_unit_and_keeps_what_she_has_elsewhere(harbor: Brokerage) -> None:
    join(harbor.ana, harbor.hilltop)
    pond = make_pond(harbor.lakeside, harbor.ana)
    on_roster(harbor.lakeside, harbor.ana)
    on_roster(harbor.hilltop, harbor.ana)
    there, above, elsewhere, whole = (
        make_lead(unit, agent=harbor.ana) for unit in (harbor.lakeside, harbor.north, harbor.hilltop, harbor.whole)
    )
    before = everything()
    batch = kit(harbor.broker, harbor.ana, harbor.lakeside, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"})
    batch = run(batch)
    assert (batch.state, batch.changed, slots(there)) == ("done", 1, {"agent": harbor.ben})
    assert [slots(lead) for lead in (above, elsewhere, whole)] == [{"agent": harbor.ana}] * 3
    assert not pond.members.exists()
    assert [place.unit for place in RosterMember.objects.filter(user=harbor.ana)] == [harbor.hilltop]
    assert User.objects.get(pk=harbor.ana.pk).is_active
    assert [row.unit for row in Membership.objects.current().filter(user=harbor.ana)] == [harbor.hilltop]
    assert LedgerEntry.objects.get(kind="membership_changed").batch_id == batch.pk
    run(undo(harbor.broker, batch))
    assert everything() == before


def test_o4_what_a_unit_alone_lets_her_work_goes_with_it(harbor: Brokerage) -> None:
    """Her only membership: the office’s leads go too, and the company’s own stay, which anyone may work (M1)."""
    office, whole = make_lead(harbor.north, agent=harbor.ana), make_lead(harbor.whole, agent=harbor.ana)
    before = levels([office])
    batch = kit(harbor.broker, harbor.ana, harbor.lakeside, **{str(harbor.north.pk): f"person-{harbor.dee.pk}"})
    batch = run(batch)
    assert (batch.changed, slots(office), slots(whole)) == (1, {"agent": harbor.dee}, {"agent": harbor.ana})
    assert foreseen(batch) == turns(before, levels([office]))


def test_o4_an_admin_does_not_let_an_owner_go(harbor: Brokerage) -> None:
    owner = make_manager(harbor.north, "Owner", role="owner")
    admin = make_manager(harbor.whole, "Admin")
    with pytest.raises(NotNowError, match="Only an owner"):
        kit(admin, owner, harbor.north)
    with pytest.raises(NotNowError, match="no member"):
        kit(harbor.broker, harbor.ana, harbor.south)
    run(kit(harbor.broker, owner, harbor.north))


def test_o4_o7_who_may_not_leave_so(harbor: Brokerage) -> None:
    with pytest.raises(NotNowError, match="somebody else"):
        kit(harbor.broker, harbor.broker)
    second = fresh(harbor.ana)
    for actor in (harbor.lead, harbor.north_admin, second):
        with pytest.raises(PermissionDenied):
            kit(actor, harbor.ben)
    batch = kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"})
    run(kit(harbor.broker, harbor.ben))
    assert "Ben is not active" in run(batch).problem
    assert User.objects.get(pk=harbor.ana.pk).is_active


def test_o4_from_her_page_in_the_admin_to_the_preview(client: Client, harbor: Brokerage) -> None:
    make_lead(harbor.lakeside, agent=harbor.ana)
    make_lead(harbor.ana)
    client.force_login(harbor.broker)
    there = f"/departures/{harbor.ana.pk}/"
    assert there in client.get(f"/admin/organization/user/{harbor.ana.pk}/change/").content.decode()
    html = client.get(there).content.decode()
    assert "1 lead of Lakeside that she works go" in html
    assert "Works as Agent" in html
    assert client.get(f"{there}?unit={harbor.lakeside.pk}").status_code == 200
    assert client.get(f"{there}?unit={harbor.south.pk}").status_code == 404
    assert 'href="/departures/' in html
    assert "1 personal lead that you see stays" in html
    assert client.post(there, {f"unit-{harbor.lakeside.pk}": f"person-{harbor.eve.pk}"}).status_code == 422
    answer = client.post(there, {f"unit-{harbor.lakeside.pk}": f"person-{harbor.ben.pk}"}, follow=True)
    html = answer.content.decode()
    assert "Departure of Ana" in html
    assert "Go ahead" in html
    assert f'href="{there}"' in html, "the way back"
    assert client.post("/batches/", {"verb": "depart", "lead": "x"}).status_code == 403
    assert "Departure" not in client.get("/people/").content.decode()


def test_o4_m8_she_takes_a_copy_of_her_own_leads(client: Client, harbor: Brokerage) -> None:
    own, _ = make_lead(harbor.ana, first_name="Mine"), make_lead(harbor.lakeside, agent=harbor.ana)
    make_lead(harbor.ben, first_name="Bens")
    client.force_login(harbor.broker)
    client.post(f"/departures/{harbor.ana.pk}/ask/")
    told = Notification.objects.get()
    assert (told.user, told.kind) == (harbor.ana, "departure")
    assert client.get(told.url).status_code == 404, "the link is of use to her alone"
    client.force_login(harbor.ana)
    assert "1 lead with all columns" in client.get(told.url).content.decode()
    assert client.post(told.url, {"format": "exe"}).status_code == 422
    there = client.post(told.url, {"format": "csv"})["Location"]
    batch = Batch.objects.get(verb="take")
    while carry_on(batch.pk):
        pass
    text = b"".join(client.get(f"{there}file/").streaming_content).decode()  # type: ignore[attr-defined]
    assert (len(text.splitlines()), "Mine" in text) == (2, True)
    assert [row.actor for row in LedgerEntry.objects.filter(kind="exported", lead_id=own.pk)] == [harbor.ana]
    client.force_login(harbor.broker)
    assert "Ana took a copy" in client.get(f"/departures/{harbor.ana.pk}/").content.decode()
    assert client.post("/batches/", {"verb": "take", "lead": own.public_id}).status_code == 403


@pytest.mark.parametrize(("policy", "may"), [("private", False), ("visible", False), ("managed", True)])
def test_o5_who_else_may_take_them_out_says_the_policy(client: Client, policy: str, may: bool) -> None:
    harbor = brokerage(policy)
    make_lead(harbor.ana)
    client.force_login(harbor.broker)
    html = client.get(f"/departures/{harbor.ana.pk}/").content.decode()
    assert ("Export the 1 that you may" in html) == may
    asked = {"verb": "export", "all": "1", "query": f"owner=person-{harbor.ana.pk}"}
    there = client.post("/batches/", asked)["Location"]
    preview = client.post(there, {"format": "csv", "columns": ["first_name"]}, follow=True).content.decode()
    assert ("Export 1 lead" in preview) == may


def test_o4_the_link_to_the_copy_is_hers(harbor: Brokerage) -> None:
    token = signing.dumps(harbor.ana.pk, salt=SALT)
    assert is_asked(harbor.ana, token)
    assert not is_asked(harbor.ben, token)
    assert not is_asked(harbor.ana, signing.dumps(harbor.ana.pk, salt="another"))


def test_m6_what_she_planned_comes_back_with_the_leads_that_do(harbor: Brokerage) -> None:
    hers, claimed = make_lead(harbor.lakeside, agent=harbor.ana), make_lead(harbor.lakeside, agent=harbor.ana)
    own = make_lead(harbor.ana)
    due = timezone.now() + timedelta(hours=1)
    values = {
        "company": harbor.company,
        "user": harbor.ana,
        "created_by": harbor.ana,
        "due_at": due,
        "time_zone": "UTC",
    }
    planned = [(hers, "callback"), (claimed, "callback"), (claimed, "task"), (own, "callback"), (None, "task")]
    tasks = [Task.objects.create(lead=lead, kind=kind, title=kind, **values) for lead, kind in planned]
    batch = run(kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}))
    assert not Task.objects.open().exists()
    claimed.assignments.update(user=harbor.lead)
    undone = run(undo(harbor.broker, batch))
    assert undone.changed == 1
    gone = {task.pk for task in tasks if task.lead_id == claimed.pk}
    assert set(Task.objects.open().values_list("pk", flat=True)) == {task.pk for task in tasks} - gone


def test_m6_an_undo_that_is_stopped_goes_on_with_another(harbor: Brokerage) -> None:
    for _ in range(3):
        make_lead(harbor.lakeside, agent=harbor.ana)
    before = everything()
    batch = run(kit(harbor.broker, harbor.ana, **{str(harbor.lakeside.pk): f"person-{harbor.ben.pk}"}))
    undoing = queued(undo(harbor.broker, batch))
    with mock.patch("leads.batches.running.CHUNK", 2):
        assert carry_on(undoing.pk, chunks=1)
        assert User.objects.get(pk=harbor.ana.pk).is_active
        cancel(actor=harbor.broker, batch=undoing)
        assert not carry_on(undoing.pk)
    last = run(undo(harbor.broker, batch))
    assert (last.changed, everything()) == (1, before)
    with pytest.raises(NotNowError, match="undone already"):
        undo(harbor.broker, batch)
    assert undo(harbor.broker, last).total == 3
