"""Rows of leads that are there: added all the same, or brought into those leads (I1, P4)."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from crm.notifications.models import Notification
from leads.imports.running import carry_on
from leads.models import Activity, ImportChange, ImportRow, ImportRun, Lead, Stage
from leads.search import matches
from permissions.models import LedgerEntry
from tests.factories.leads import assign, make_lead
from tests.factories.people import fresh
from tests.factories.scenes import Brokerage, brokerage
from tests.leads.imports.files import bring, counts, csv_of, keeps_lists, people, reasons, start

pytestmark = pytest.mark.django_db
ANA = "Ana,Silva,ana@mail.example,201-555-0101"


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def update(
    harbor: Brokerage, *lines: str, header: str = "First name,Last name,E-mail,Phone", **given: object
) -> ImportRun:
    return bring(harbor.ana, harbor.ana, csv_of(*lines, header=header), duplicates="update", **given)


def test_i1_an_update_adds_and_replaces_and_takes_nothing_away(harbor: Brokerage) -> None:
    keeps_lists(harbor.ana)
    lead = make_lead(harbor.ana, emails=["ana@mail.example"], first_name="Anna", last_name="Silva", city="Bonn")
    lead.tags, lead.custom, lead.score, lead.price_min = ["Hot"], {"seat": "7", "pet": "cat"}, 50, 100
    lead.save()
    header = "First name,Last name,E-mail,Phone,City,State,Tags,Score,Price to,Seat,Car"
    row = 'Ana,,ANA@mail.example,201-555-0101,,nj,"hot, lake",,200,9,red'
    run = update(harbor, row, header=header, tags=["party"])
    assert (run.imported, run.updated, run.skipped, run.rejected) == (0, 1, 0, 0)
    lead.refresh_from_db()
    assert (lead.first_name, lead.last_name, lead.city, lead.state) == ("Ana", "Silva", "Bonn", "NJ")
    assert (lead.tags, lead.score, lead.price_min, lead.price_max) == (["Hot", "lake", "party"], 50, 100, 200)
    assert lead.custom == {"seat": "9", "pet": "cat", "car": "red"}
    assert sorted(lead.contact_points.values_list("value", flat=True)) == ["+12015550101", "ana@mail.example"]
    assert Lead.objects.filter(matches("201 555", "US")).get() == lead
    told = Activity.objects.get(lead=lead)
    assert (told.kind, told.body, told.actor, told.bulk) == ("system", "Updated from people.csv.", harbor.ana, True)


def test_i1_what_was_before_is_kept(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"], first_name="Anna", last_name="Silva")
    run = update(harbor, ANA)
    change = ImportChange.objects.get(run=run)
    assert (change.lead_id, change.number) == (lead.pk, 2)
    assert change.before == {"fields": {"first_name": "Anna"}, "custom": {}}
    assert change.after == {"fields": {"first_name": "Ana"}, "custom": {}, "points": [["phone", "+12015550101"]]}
    assert ImportRow.objects.get(run=run).lead_id == lead.pk


def test_p4_an_update_changes_neither_owner_nor_stage_nor_people_nor_source(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, emails=["ana@mail.example"], first_name="Anna")
    assign(lead, harbor.ben)
    closed = Stage.objects.filter(company=harbor.company).exclude(pk=lead.stage_id).order_by("pk")[0]
    header = "First name,E-mail,Stage,Source,Assigned to"
    content = csv_of(f"Ana,ana@mail.example,{closed.name},Party,{harbor.ana.email}", header=header)
    run = bring(harbor.lead, harbor.lakeside, content, duplicates="update", route=True)
    assert run.updated == 1
    before = (lead.owner, lead.stage, lead.source)
    lead = Lead.objects.get()
    assert (lead.owner, lead.stage, lead.source) == before
    assert (lead.agent, lead.first_name) == (harbor.ben, "Ana")
    assert not LedgerEntry.objects.filter(why="import").exists()


def test_p4_only_leads_that_she_may_work_are_updated(harbor: Brokerage) -> None:
    harbor.ana.holding.profile.permissions.append("view_unit_lead")
    harbor.ana.holding.profile.save()
    harbor = type(harbor)(**{**harbor.__dict__, "ana": fresh(harbor.ana)})
    lead = make_lead(harbor.lakeside, emails=["ana@mail.example"], first_name="Anna")
    run = update(harbor, ANA)
    assert reasons(run) == {2: "A lead with the same e-mail is there already, and you may not change it."}
    lead.refresh_from_db()
    assert lead.first_name == "Anna"


def test_i6_a_lead_that_she_may_not_see_is_left_alone_and_not_told_of(harbor: Brokerage) -> None:
    make_lead(harbor.eve, emails=["ana@mail.example"], first_name="Anna")
    assert counts(update(harbor, ANA)) == (1, 0, 0)
    assert Lead.objects.get(owner_user=harbor.eve).first_name == "Anna"


def test_i1_a_row_that_fits_several_leads_is_skipped(harbor: Brokerage) -> None:
    make_lead(harbor.ana, emails=["ana@mail.example"])
    make_lead(harbor.ana, phones=["201-555-0101"], first_name="Ana", last_name="Silva")
    assert list(reasons(update(harbor, ANA)).values()) == [
        "Several leads are like it: merge them first, or correct it by hand."
    ]


def test_i1_a_run_updates_a_lead_once(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (1, 100):
        monkeypatch.setattr("leads.imports.running.CHUNK", size)
        Lead.objects.all().delete()
        make_lead(harbor.ana, emails=["a@mail.example", "b@mail.example"])
        run = update(
            harbor, "Ana,Silva,a@mail.example,", "Ben,Berg,b@mail.example,", "Cal,Cook,c@m.example,", "D,,c@m.example,"
        )
        assert reasons(run) == {
            3: "It is the same lead as line 2 of this file.",
            5: "It has the same e-mail as line 4 of this file.",
        }
        assert (run.imported, run.updated) == (1, 1)
        ImportRun.objects.all().delete()
        harbor = brokerage()


def test_i1_a_row_that_brings_nothing_new_is_skipped(harbor: Brokerage) -> None:
    assert counts(update(harbor, ANA)) == (1, 0, 0)
    assert reasons(update(harbor, ANA)) == {2: "The lead has all of it already."}
    assert not ImportChange.objects.exists()


def test_i1_an_update_cannot_break_the_price(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, emails=["ana@mail.example"])
    lead.price_min = 500
    lead.save()
    run = update(harbor, "ana@mail.example,400", "x@mail.example,5", header="E-mail,Price to")
    assert (run.rejected, run.imported) == (1, 1)
    assert reasons(run)[2] == "With it the lead’s price would go from more to less."


def test_i1_duplicates_are_added_where_that_is_asked_for(harbor: Brokerage) -> None:
    for _ in range(2):
        assert counts(bring(harbor.ana, harbor.ana, csv_of(ANA, ANA), duplicates="create")) == (2, 0, 0)
    assert Lead.objects.count() == 4
    assert counts(bring(harbor.ana, harbor.ana, csv_of(ANA))) == (0, 1, 0)


def test_i1_a_killed_update_changes_nothing_twice(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.imports.running.CHUNK", 10)
    bring(harbor.ana, harbor.ana, people(range(25)))
    content = people(range(25)).replace(b"Last", b"Late")
    run = start(harbor.ana, harbor.ana, content, duplicates="update")
    assert carry_on(run.pk, chunks=1)
    carry_on(run.pk)
    carry_on(run.pk)
    run.refresh_from_db()
    assert (run.updated, run.imported, run.state) == (25, 0, "done")
    assert ImportChange.objects.count() == Activity.objects.count() == 25
    assert Lead.objects.filter(last_name__startswith="Late").count() == 25


# --- people, stages and sources of a row ------------------------------------------------------------------------------


def test_i1_rows_say_their_stage_source_and_who_works_them(harbor: Brokerage) -> None:
    stage = Stage.objects.filter(company=harbor.company, kind="open").order_by("-position", "-pk")[0]
    header = "Name,Stage,Lead source,Agent,Tags"
    lines = (f"Ana,{stage.name.upper()},Party,{harbor.ana.name},x", f"Ben,,party,{harbor.ben.email},", "Cal,,,,")
    run = bring(harbor.lead, harbor.lakeside, csv_of(*lines, header=header), tags=["List"], source_name="Old")
    assert counts(run) == (3, 0, 0)
    ana, ben, cal = Lead.objects.order_by("pk").select_related("agent", "source", "stage")
    assert (ana.stage, ana.source and ana.source.name, ana.agent, ana.tags) == (
        stage,
        "Party",
        harbor.ana,
        ["x", "List"],
    )
    assert (ben.source, ben.agent, ben.tags) == (ana.source, harbor.ben, ["List"])
    assert (cal.source and cal.source.name, cal.agent, cal.stage != stage) == ("Old", None, True)
    given = LedgerEntry.objects.filter(kind="assigned").order_by("lead_id").values_list("to_user_id", "actor_id", "why")
    assert list(given) == [(harbor.ana.pk, harbor.lead.pk, "import"), (harbor.ben.pk, harbor.lead.pk, "import")]
    told = Notification.objects.order_by("user_id").values_list("user_id", "title", "body")
    said = ("A lead is assigned to you", f"By {harbor.lead}, from a file.")
    assert list(told) == [(person.pk, *said) for person in (harbor.ana, harbor.ben)]


def test_o6_nobody_is_assigned_who_may_not_be(harbor: Brokerage) -> None:
    names = ("Nobody Known", harbor.eve.email, harbor.broker.email, "'; DROP TABLE x")
    header = "Name,Agent"
    run = start(
        harbor.lead,
        harbor.lakeside,
        csv_of(*(f"N{n},{it}" for n, it in enumerate(names)), header=header),
        mapping=["name", "assigned_to"],
    )
    carry_on(run.pk)
    assert counts(run)[2] == len(names)
    assert "is nobody these leads can be assigned to" in reasons(run)[2]


def test_p4_an_agent_names_nobody(harbor: Brokerage) -> None:
    content = csv_of(f"Ana,{harbor.ben.email}", header="Name,Agent")
    for owner in (harbor.lakeside, harbor.ana):
        with pytest.raises(PermissionDenied, match="manager of the unit"):
            start(harbor.ana, owner, content, mapping=["name", "assigned_to"])
    with pytest.raises(PermissionDenied, match="manager of the unit"):
        start(harbor.lead, harbor.lead, content, mapping=["name", "assigned_to"])
