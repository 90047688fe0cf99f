"""The pages of the wizard beside upload and result: choices, trial, cancel, templates, taking back (I1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leads import tasks
from leads.imports.running import carry_on
from leads.models import Batch, CustomField, ImportRun, ImportTemplate, Lead
from leads.xlsx import workbook
from tests.factories.leads import make_lead
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.imports.files import bring, csv_of, keeps_lists, people, start, upload
from tests.leads.imports.test_pages import ORDINARY, address, choices, draft, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    queued: list[int] = []
    monkeypatch.setattr(tasks.run_import, "queue", queued.append)
    return queued


def test_i1_a_workbook_of_several_sheets_says_which_is_read(client: Client, harbor: Brokerage) -> None:
    import io

    from openpyxl import Workbook

    made, file = Workbook(), io.BytesIO()
    sheet: Any = made.active
    sheet.append(["Name", "E-mail"])
    sheet.append(["Ana Silva", "ana@mail.example"])
    made.create_sheet("More")["A1"] = "Name"
    made.save(file)
    html = text_of(client.get(draft(client, harbor.ana, file.getvalue())))
    assert "Only the sheet “Sheet” is read." in html
    assert "1 row, 2 columns" in html


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "The workbook is empty."),
        ([["Name"]], "no rows below it"),
        ([["Ana", "a@b.example"], ["x"]], "like a lead already"),
    ],
)
def test_i1_a_workbook_without_leads_is_refused(client: Client, harbor: Brokerage, rows: Any, said: str) -> None:
    from tests.leads.imports.test_pages import send

    response = send(client, harbor.ana, b"".join(workbook(rows)), "x.xlsx")
    assert response.status_code == 422
    assert said in text_of(response)
    assert not ImportRun.objects.exists()


def test_i1_first_what_would_happen_and_then_the_import(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    content = csv_of("Ana,Silva,ana@mail.example,", "Ben,Berg,no mail,", "Ana,Silva,ana@mail.example,")
    where = draft(client, harbor.ana, content)
    client.post(where, ORDINARY | {"act": "try", "tags": "a, b", "duplicates": "skip"})
    assert "Waiting for its turn" in text_of(client.get(where))
    (pk,) = sent
    tasks.run_import(pk)
    assert client.get(where, headers={"HX-Request": "true", "HX-Target": "run"})["HX-Redirect"] == where
    html = text_of(client.get(where))
    assert "What would happen" in html
    assert "“no” is not an e-mail address" in html
    assert "It has the same e-mail as line 2 of this file." in html
    assert not Lead.objects.exists()
    assert client.get(f"{where}rejected.csv").status_code == 200
    edited = text_of(client.get(f"{where}?edit"))
    assert 'value="a, b"' in edited
    client.post(where, {"act": "go"})
    client.post(where, {"act": "go"})
    assert sent == [pk, pk]
    tasks.run_import(pk)
    assert Lead.objects.get().tags == ["a", "b"]
    assert "1 lead added." in text_of(client.get(where))


def test_i1_only_what_was_tried_starts_as_it_was_tried(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    where = draft(client, harbor.ana, people([1]))
    client.post(where, {"act": "go"})
    assert (ImportRun.objects.get().state, sent) == ("draft", [])


@pytest.mark.parametrize(
    ("duplicates", "there", "said"),
    [
        ("skip", False, "Every row can be read, and none is here already."),
        ("update", False, "Every row can be read, and none is here already."),
        ("update", True, "Every row can be read: 1 of them updates a lead that is there."),
        ("create", True, "Every row can be read."),
        ("skip", True, "Here already"),
    ],
)
def test_i1_a_trial_says_of_rows_that_are_here_what_is_true(
    client: Client, harbor: Brokerage, duplicates: str, there: bool, said: str
) -> None:
    if there:
        make_lead(harbor.ana, first_name="Maya", emails=["p1@mail.example"])
    run = start(harbor.ana, harbor.ana, people([1, 2]), duplicates=duplicates, trial=True)
    carry_on(run.pk)
    client.force_login(harbor.ana)
    html = text_of(client.get(reverse("import-run", args=[run.public_id])))
    assert said in html
    assert ("none is here already" in html) == ("none is here already" in said)
    assert ("Every row" in html) == ("Every row" in said)


def test_i1_new_fields_have_kinds_and_choices_of_the_file(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    keeps_lists(harbor.ana)
    header = "Name,Seats,Since,Mood,Note"
    lines = ["Ana,3,3/1/2024,Calm,x", 'Ben,"1,200",2024-02-29,calm ,y', "Cal,many,13/13/2024,Wild,z"]
    where = draft(client, harbor.ana, csv_of(*lines, header=header))
    client.post(where, choices("name,number:,date:,choice:,custom:"))
    tasks.run_import(ImportRun.objects.get().pk)
    fields = CustomField.objects.order_by("key").values_list("key", "kind", "choices")
    assert list(fields) == [
        *(("mood", "choice", ["Calm", "Wild"]), ("note", "text", []), ("seats", "number", []), ("since", "date", [])),
    ]
    ana, ben = Lead.objects.order_by("pk")
    assert ana.custom == {"seats": "3", "since": "2024-03-01", "mood": "Calm", "note": "x"}
    assert ben.custom["seats"] == "1200"
    html = text_of(client.get(where))
    assert "Seats: “many” is not a number. Since: “13/13/2024” is not a day" in html
    again = text_of(client.get(draft(client, harbor.ana, csv_of("Ana,3", header="Name,Seats"))))
    assert '<option value="custom:seats" selected>Seats</option>' in again


def test_i1_a_column_of_too_many_values_is_no_choice(client: Client, harbor: Brokerage) -> None:
    keeps_lists(harbor.ana)
    content = csv_of(*(f"N{n},v{n}" for n in range(150)), header="Name,Code")
    where = draft(client, harbor.ana, content)
    response = client.post(where, choices("name,choice:"))
    assert response.status_code == 422
    assert "keep it as text" in text_of(response)


def test_p4_who_works_them_is_a_managers_to_say(client: Client, harbor: Brokerage, sent: list[int]) -> None:
    content = csv_of(f"Ana,{harbor.ben.email}", header="Name,Agent")
    where = draft(client, harbor.ana, content)
    assert 'value="assigned_to"' not in text_of(client.get(where))
    assert client.post(where, choices("name,assigned_to")).status_code == 422
    where = draft(client, harbor.lead, content)
    assert '<option value="assigned_to" selected>' in text_of(client.get(where))
    response = client.post(where, choices("name,assigned_to"))
    assert "Only a manager of the unit" in text_of(response)
    assert client.post(where, choices("name,assigned_to", owner=f"unit-{harbor.lakeside.pk}")).status_code == 302
    assert len(sent) == 1


def test_i1_cancel_is_a_button(client: Client, harbor: Brokerage) -> None:
    run = start(harbor.ana, harbor.ana, people(range(10)))
    client.force_login(harbor.ana)
    assert "Cancel" in text_of(client.get(address(run)))
    client.post(f"{address(run)}cancel/")
    html = text_of(client.get(address(run)))
    assert "Cancelled. 0 leads came in before that and stay; 10 rows were not read." in html


def test_i1_seconds_left_are_told(client: Client, harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.imports.running.CHUNK", 10)
    run = start(harbor.ana, harbor.ana, people(range(40)))
    carry_on(run.pk, chunks=1)
    now = timezone.now()
    ImportRun.objects.update(started_at=now - timezone.timedelta(seconds=4), touched_at=now)
    client.force_login(harbor.ana)
    assert "about 12 seconds left" in text_of(client.get(address(run)))


def test_i1_taking_back_is_previewed_as_a_mass_action(client: Client, harbor: Brokerage) -> None:
    run = bring(harbor.ana, harbor.ana, people(range(3)))
    client.force_login(harbor.ana)
    assert "Take it back" in text_of(client.get(address(run)))
    response = client.post(f"{address(run)}undo/", follow=True)
    html = text_of(response)
    assert "Take back the import of people.csv" in html
    assert "Take back 3 leads" in html
    batch = Batch.objects.get()
    client.post(reverse("batch-confirm", args=[batch.public_id]))
    tasks.run_batch(batch.pk)
    assert not Lead.objects.filter(removed_at=None).exists()
    html = text_of(client.get(address(run)))
    assert "Taken back" in html
    assert "Take it back" not in html
    assert client.post(f"{address(run)}undo/").status_code == 302


def test_v3_what_is_done_to_a_run_is_its_makers(client: Client, harbor: Brokerage) -> None:
    run = start(harbor.ana, harbor.ana, people([1]))
    template = ImportTemplate.objects.create(company=harbor.company, created_by=harbor.ana, name="Mine")
    for other in (harbor.ben, harbor.broker, stranger()):
        client.force_login(other)
        for act in ("cancel", "undo"):
            assert client.post(f"{address(run)}{act}/").status_code == 404
        assert client.post(reverse("import-template", args=[template.pk]), {"name": "x"}).status_code == 404
    client.force_login(harbor.ana)
    for act in ("cancel", "undo"):
        assert client.get(f"{address(run)}{act}/").status_code == 405
    run.refresh_from_db()
    assert run.state == "queued"


# --- templates --------------------------------------------------------------------------------------------------------

HEADER = "First name,Last name,E-mail,Mobile"


def saved(client: Client, where: str, name: str = "Party", **chosen: str) -> Any:
    given = choices("last_name,first_name,email,", tags="t", **chosen) | {"act": "save", "saved-name": name}
    return client.post(where, given)


def test_i1_choices_are_saved_and_used_again(client: Client, harbor: Brokerage) -> None:
    where = draft(client, harbor.ana, csv_of("Ana,Silva,a@mail.example,", header=HEADER))
    assert "Saved as “Party”." in text_of(saved(client, where, owner=f"unit-{harbor.lakeside.pk}"))
    template = ImportTemplate.objects.get()
    assert template.columns == {"first name": "last_name", "last name": "first_name", "e-mail": "email", "mobile": ""}
    same = text_of(client.get(draft(client, harbor.ana, csv_of("B,C,b@m.example,", header=HEADER.upper()))))
    assert 'value="last_name" selected' in same  # the columns are those of the template
    assert f'value="unit-{harbor.lakeside.pk}" selected' in same
    other = draft(client, harbor.ana, csv_of("B,C", header="Last name,City"))
    assert f'<option value="{template.pk}" selected>' not in text_of(client.get(other))
    html = text_of(client.get(other, {"template": template.pk}))
    assert f'<option value="{template.pk}" selected>' in html
    assert 'value="t"' in html
    saved(client, where, name="PARTY")
    assert ImportTemplate.objects.get().name == "PARTY"


def test_i1_a_template_without_a_name_is_not_saved(client: Client, harbor: Brokerage) -> None:
    where = draft(client, harbor.ana, csv_of("Ana,Silva,a@mail.example,", header=HEADER))
    for name in ("", "x" * 81, "two\nlines"):
        assert saved(client, where, name=name).status_code == 422
    assert not ImportTemplate.objects.exists()


def test_i1_templates_of_others_are_seen_where_they_are_shared(client: Client, harbor: Brokerage) -> None:
    content = csv_of("Ana,Silva,a@mail.example,", header=HEADER)
    saved(client, draft(client, harbor.lead, content), name="For all", **{"saved-shared": "on"})
    saved(client, draft(client, harbor.lead, content), name="My own")
    saved(client, draft(client, harbor.ben, content), name="Of an agent", **{"saved-shared": "on"})
    html = text_of(client.get(draft(client, harbor.ana, content)))
    assert f"For all ({harbor.lead.name})" in html
    assert "My own" not in html
    assert "Of an agent" not in html
    outside = stranger()
    assert "For all" not in text_of(client.get(draft(client, outside, content)))


def test_i1_a_template_of_a_field_that_is_gone_keeps_the_column(client: Client, harbor: Brokerage) -> None:
    keeps_lists(harbor.ana)
    content = csv_of("Ana,1", header="Name,Seat")
    template = ImportTemplate(company=harbor.company, created_by=harbor.ana, name="Old", options={"owner": "unit-0"})
    template.columns = {"name": "name", "seat": "custom:gone"}
    template.save()
    html = text_of(client.get(draft(client, harbor.ana, content)))
    assert '<option value="custom:" selected>' in html


def test_i1_templates_are_renamed_and_thrown_away(client: Client, harbor: Brokerage) -> None:
    one, two = (
        ImportTemplate.objects.create(company=harbor.company, created_by=harbor.ana, name=name) for name in ("A", "B")
    )
    client.force_login(harbor.ana)
    assert 'value="A"' in text_of(client.get("/import/"))
    client.post(reverse("import-template", args=[one.pk]), {"name": "C", "shared": "on"})
    one.refresh_from_db()
    assert (one.name, one.shared) == ("C", False)  # an agent shares nothing
    response = client.post(reverse("import-template", args=[one.pk]), {"name": "b"}, follow=True)
    assert "You have a template of that name already." in text_of(response)
    client.post(reverse("import-template", args=[two.pk]), {"act": "delete"})
    assert list(ImportTemplate.objects.values_list("name", flat=True)) == ["C"]


def test_i1_a_draft_of_many_columns_asks_as_many_queries(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    header = ",".join(["Name", *(f"c{n}" for n in range(190))])
    where = address(upload(harbor.lead, csv_of("Ana", header=header)))
    client.force_login(harbor.lead)
    client.get(where)
    with django_assert_max_num_queries(24):
        client.get(where)


def test_i1_what_speaks_against_a_columns_name_stands_beside_it(client: Client, harbor: Brokerage) -> None:
    content = csv_of(f"Ana,{harbor.ben.name},perhaps", "Ben,Zed <b>,", header="Name,Agent,DNC")
    for person, words in (
        (harbor.lead, "As “Assigned to”, 1 of its first 2 values cannot be read (“Zed &lt;b&gt;” is nobody"),
        (harbor.ben, "Only a manager of the unit that owns the leads may say in a file who works them."),
    ):
        client.force_login(person)
        run = upload(person, content)
        page = client.get(address(run)).content.decode()
        assert words in page
        assert "As “Do not call”, none of its first values can be read (“perhaps” is neither yes nor no)" in page
