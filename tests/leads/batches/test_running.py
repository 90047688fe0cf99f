"""The engine (M4, M6) with its simplest verbs: preview, chunks, judging again, undo."""

from __future__ import annotations

import pytest

from leads.batches import running
from leads.batches.drafting import act_of
from leads.batches.reading import examples_of
from leads.batches.verbs.tags import TagsForm
from leads.models import Activity, Lead
from tests.factories.leads import make_lead, make_stage
from tests.factories.scenes import Brokerage, brokerage, stranger
from tests.leads.batches.doing import done, drafted, outcomes, run, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def harbor() -> Brokerage:
    return brokerage()


def stages(*leads: Lead) -> list[str]:
    return [Lead.objects.select_related("stage").get(pk=lead.pk).stage.name for lead in leads]


def test_m4_a_preview_says_what_will_change_and_why_others_will_not(harbor: Brokerage) -> None:
    warm = make_stage(harbor.company, "Warm")
    new, there = make_lead(harbor.lakeside), make_lead(harbor.lakeside, stage=warm)
    looked_at, closed = make_lead(harbor.ana), make_lead(harbor.hilltop)
    foreign = make_lead(stranger())
    batch = drafted(harbor.lead, "stage", [new, there, looked_at, closed, foreign], stage=warm)
    assert batch.preview["reasons"] == {"": 1, "there": 1, "level": 1}
    assert batch.preview["unknown"] == 2
    assert stages(new, there, looked_at) == ["New", "Warm", "New"]
    assert outcomes(run(batch)) == {new.pk: "changed", there.pk: "there", looked_at.pk: "level"}
    assert stages(new, there, looked_at, closed) == ["Warm", "Warm", "New", "New"]
    assert (batch.state, batch.total, batch.done, batch.changed) == ("done", 3, 3, 1)
    told = Activity.objects.get(lead=new)
    assert (told.body, told.bulk, told.actor) == ("New → Warm", True, harbor.lead)


def test_m6_undo_restores_and_leaves_alone_what_is_newer(harbor: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 2)
    warm, hot = make_stage(harbor.company, "Warm"), make_stage(harbor.company, "Hot")
    leads = [make_lead(harbor.lakeside) for _ in range(5)]
    batch = done(harbor.lead, "stage", "", stage=warm)
    assert stages(*leads) == ["Warm"] * 5
    Lead.objects.filter(pk=leads[2].pk).update(stage=hot)
    undoing = undo(harbor.lead, batch)
    assert undoing.preview["reasons"] == {"": 4, "newer": 1}
    assert outcomes(run(undoing)) == {lead.pk: "changed" for lead in leads} | {leads[2].pk: "newer"}
    assert stages(*leads) == ["New", "New", "Hot", "New", "New"]
    again = run(undo(harbor.lead, undoing))
    assert stages(*leads) == ["Warm", "Warm", "Hot", "Warm", "Warm"]
    assert again.changed == 4


def test_m4_a_tag_is_the_same_however_it_is_written(harbor: Brokerage) -> None:
    vip, other = make_lead(harbor.lakeside, tags=["vip", "Lake"]), make_lead(harbor.lakeside, tags=["ViP", "Öl"])
    batch = drafted(harbor.lead, "tags", [vip, other], add=["VIP", "new"], remove=["öl", "LAKE"])
    shown = [example.after for example in examples_of(act_of(batch, harbor.lead))]
    run(batch)
    tags = list(Lead.objects.order_by("pk").values_list("tags", flat=True))
    assert tags == [["vip", "new"], ["ViP", "new"]]
    assert shown == [", ".join(row) for row in tags]
    again = done(harbor.lead, "tags", [vip, other], add=["Vip"], remove=["lake"])
    assert outcomes(again) == {vip.pk: "there", other.pk: "there"}
    run(undo(harbor.lead, batch))
    assert list(Lead.objects.order_by("pk").values_list("tags", flat=True)) == [["vip", "Lake"], ["ViP", "Öl"]]


def test_m4_tags_cannot_be_added_and_taken_off_at_once(harbor: Brokerage) -> None:
    form = TagsForm({"add": "VIP, new", "remove": "vip"}, actor=harbor.lead)
    assert form.non_field_errors() == ["“VIP” cannot be added and taken off at once."]


def test_m4_tags_are_added_and_taken_off_and_come_back_in_their_order(harbor: Brokerage) -> None:
    one = make_lead(harbor.lakeside, tags=["a", "b", "c"])
    two = make_lead(harbor.lakeside)
    batch = done(harbor.lead, "tags", "", add=["x", "c"], remove=["b"])
    tags = lambda: list(Lead.objects.order_by("pk").values_list("tags", flat=True))  # noqa: E731
    assert tags() == [["a", "c", "x"], ["x", "c"]]
    assert outcomes(done(harbor.lead, "tags", [one, two], add=["x"], remove=["b"])) == {
        one.pk: "there",
        two.pk: "there",
    }
    run(undo(harbor.lead, batch))
    assert tags() == [["a", "b", "c"], []]
