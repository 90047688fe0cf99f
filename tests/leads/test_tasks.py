"""Tasks, appointments and callbacks (L5): planned, changed, done; whose they are; reminders that fall due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from crm.notifications.models import Notification
from crm.notifications.subjects import notices_for
from crm.organization.models import User
from leads import signals
from leads.merging.doing import merge_leads
from leads.models import Activity, Lead, Task
from leads.services.erasing import erase
from leads.services.tasks import TooFarError, add_task, change_task, drop_tasks, pick_up, remind_due, set_done
from leads.services.transferring import Cause
from leads.tasks import remind
from permissions.keyring import load_keyring
from tests.factories.leads import assign, make_lead
from tests.factories.people import make_member
from tests.factories.scenes import Brokerage, brokerage, stranger

MORNING = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@pytest.fixture
def harbor(db: None) -> Brokerage:
    return brokerage()


def planned(actor: User, lead: Lead | None = None, hours: float = 1, **fields: Any) -> Task:
    values = {"user": actor, "kind": "task", "title": "Send the papers", "remind": timedelta(0)} | fields
    due_at = timezone.now() + timedelta(hours=hours)
    return add_task(keyring=load_keyring(actor), actor=actor, lead=lead, due_at=due_at, **values)


def due(task: Task) -> None:
    """Let its reminder be due."""
    Task.objects.filter(pk=task.pk).update(remind_at=Now() - timedelta(minutes=1))


def told() -> list[tuple[int, str]]:
    return list(Notification.objects.filter(kind="task").order_by("pk").values_list("user", "title"))


def sent(**changes: Any) -> dict[str, Any]:
    tomorrow = timezone.localtime() + timedelta(days=1)
    values = {"title": "Show the house", "due_at": f"{tomorrow:%Y-%m-%dT14:00}", "remind": "60"}
    return values | changes


# --- on the lead ------------------------------------------------------------------------------------------------------


def test_l5_an_appointment_is_planned_with_a_lead(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    client.force_login(harbor.ana)
    path = f"/people/{lead.public_id}/task/"
    assert "Show the house" not in client.get(path).content.decode()
    there = client.post(path, sent(kind="appointment", who=str(harbor.ana.pk)))["Location"]
    assert there == f"/people/{lead.public_id}/"
    task = Task.objects.get()
    assert (task.kind, task.user, task.lead, task.remind_at) == (
        "appointment",
        harbor.ana,
        lead,
        task.due_at - timedelta(hours=1),
    )
    line = Activity.objects.get(lead=lead, kind="task")
    assert line.body.startswith("Appointment, ")
    assert line.body.endswith(": Show the house")
    html = client.get(f"/people/{lead.public_id}/tasks/", headers={"HX-Request": "true"}).content.decode()
    assert "Show the house" in html
    assert "<html" not in html
    assert f"/people/{lead.public_id}/tasks/" in client.get(there).content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": " "}, "This field is required"),
        ({"title": "two\nlines"}, "one line"),
        ({"due_at": "soon"}, "Enter a valid date"),
        ({"due_at": "1066-10-14T09:00"}, "Choose a year"),
        ({"kind": "callback"}, "Select a valid choice"),
        ({"who": "0"}, "Select a valid choice"),
        ({"remind": "7"}, "Select a valid choice"),
    ],
)
def test_l5_what_cannot_be_planned_is_refused(
    client: Client, harbor: Brokerage, changes: dict[str, str], said: str
) -> None:
    lead = make_lead(harbor.ana)
    client.force_login(harbor.ana)
    response = client.post(f"/people/{lead.public_id}/task/", sent(kind="task", who="anyone") | changes)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Task.objects.exists()


def test_l5_a_form_sent_twice_plans_once(client: Client, harbor: Brokerage) -> None:
    client.force_login(harbor.ana)
    for _ in range(2):
        client.post("/tasks/new/", sent(token="once"))
    assert Task.objects.count() == 1


@pytest.mark.parametrize(("kind", "act"), [("task", "task"), ("callback", "task"), ("appointment", "meeting")])
def test_r6_planning_is_work_on_the_lead(harbor: Brokerage, kind: str, act: str) -> None:
    acts: list[str] = []

    def listen(sender: object, act: str, **kwargs: Any) -> None:
        acts.append(act)

    signals.worked.connect(listen)
    try:
        planned(harbor.ana, make_lead(harbor.ana), kind=kind)
        planned(harbor.ana)
    finally:
        signals.worked.disconnect(listen)
    assert acts == [act]


def test_v2_who_only_reads_a_lead_plans_nothing_and_changes_nothing(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    task = planned(harbor.ana, lead)
    client.force_login(harbor.lead)
    assert client.get(f"/people/{lead.public_id}/task/").status_code == 403
    assert client.post(f"/people/{lead.public_id}/task/", sent(kind="task", who="anyone")).status_code == 403
    assert "Send the papers" in client.get(f"/tasks/{task.pk}/").content.decode()
    assert client.post(f"/tasks/{task.pk}/", sent(who="anyone")).status_code == 403
    assert client.post(f"/tasks/{task.pk}/done/", {"done": "1"}).status_code == 403
    with pytest.raises(PermissionDenied):
        planned(harbor.lead, lead)


def test_v3_a_task_is_not_there_where_its_lead_is_not(client: Client, harbor: Brokerage) -> None:
    hidden, own = make_lead(harbor.ana, hidden=True), planned(harbor.ana)
    task = planned(harbor.ana, hidden)
    for user in (harbor.lead, harbor.eve, stranger()):
        client.force_login(user)
        for one in (task, own):
            assert client.get(f"/tasks/{one.pk}/").status_code == 404
            assert client.post(f"/tasks/{one.pk}/done/", {"done": "1"}).status_code == 404
        assert client.get(f"/people/{hidden.public_id}/tasks/").status_code == 404
        assert client.get(f"/people/{hidden.public_id}/task/").status_code == 404


def test_v3_who_loses_the_lead_loses_its_tasks(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ben)
    task = planned(harbor.ben, lead)
    client.force_login(harbor.ben)
    assert "Send the papers" in client.get("/tasks/").content.decode()
    lead.assignments.all().delete()
    assert "Send the papers" not in client.get("/tasks/").content.decode()
    assert client.post(f"/tasks/{task.pk}/done/", {"done": "1"}).status_code == 404


# --- the list ---------------------------------------------------------------------------------------------------------


def test_l5_the_list_is_by_when_and_whose(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    assign(lead, harbor.ben, "assistant")
    planned(harbor.ana, hours=-2, title="Late")
    planned(harbor.ana, lead, hours=24 * 3, title="Midweek", kind="appointment")
    planned(harbor.ana, lead, hours=24 * 30, title="Next month", kind="callback")
    planned(harbor.ana, lead, title="Whoever", user=None)
    planned(harbor.ana, lead, title="For Ben", user=harbor.ben)
    client.force_login(harbor.ana)

    def shown(**asked: str) -> set[str]:
        html = client.get("/tasks/", asked).content.decode()
        return {title for title in ("Late", "Midweek", "Next month", "Whoever", "For Ben") if title in html}

    assert shown() == {"Late", "Midweek", "Next month"}
    assert shown(when="overdue") == {"Late"}
    assert "Midweek" in shown(when="week")
    assert "Next month" not in shown(when="week")
    assert shown(whose="anyone") == {"Whoever"}
    assert shown(whose="given") == {"Whoever", "For Ben"}
    assert shown(kind="callback") == {"Next month"}
    assert shown(when="nonsense", whose="nonsense", kind="nonsense") == shown()
    client.force_login(harbor.ben)
    assert shown() == {"For Ben"}
    assert shown(whose="anyone") == {"Whoever"}


def test_l5_done_and_not_done_after_all(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    task = planned(harbor.ana, lead)
    client.force_login(harbor.ana)
    assert client.post(f"/tasks/{task.pk}/done/", {"done": "1", "next": "/"})["Location"] == "/"
    task.refresh_from_db()
    assert (task.done_by, task.is_open) == (harbor.ana, False)
    assert "Send the papers" not in client.get("/tasks/").content.decode().partition('id="toasts"')[0]
    assert "Send the papers" in client.get("/tasks/", {"when": "done"}).content.decode()
    assert client.post(f"/tasks/{task.pk}/done/", {"done": "0", "next": "//evil.example"})["Location"] == "/tasks/"
    task.refresh_from_db()
    assert task.is_open
    bodies = Activity.objects.filter(lead=lead, kind="task").order_by("pk").values_list("body", flat=True)
    assert list(bodies)[1:] == ["Done: Send the papers", "Not done after all: Send the papers"]
    assert not set_done(keyring=load_keyring(harbor.ana), actor=harbor.ana, task=task, done=False)
    assert client.get(f"/tasks/{task.pk}/done/").status_code == 405


def test_l5_a_task_is_changed(client: Client, harbor: Brokerage) -> None:
    task = planned(harbor.ana, make_lead(harbor.ana))
    client.force_login(harbor.ana)
    html = client.get(f"/tasks/{task.pk}/").content.decode()
    assert 'value="Send the papers"' in html
    assert client.post(f"/tasks/{task.pk}/", sent(who="anyone", remind=""))["Location"] == "/tasks/"
    task.refresh_from_db()
    assert (task.title, task.user, task.remind_at) == ("Show the house", None, None)


def test_l5_the_list_asks_no_more_of_more_tasks(
    client: Client, harbor: Brokerage, django_assert_max_num_queries: Any
) -> None:
    for n in range(60):
        planned(harbor.ana, make_lead(harbor.ana, time_zone="America/Phoenix"), hours=n - 3)
    client.force_login(harbor.ana)
    with django_assert_max_num_queries(14):
        html = client.get("/tasks/").content.decode()
    assert html.count("Send the papers") >= 50
    assert "(MST) there" in html
    assert "More" in html
    assert "cursor=" in html


def test_l5_today_shows_callbacks_then_tasks_that_are_due(client: Client, harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana)
    client.force_login(harbor.ana)
    assert "Callbacks due" not in client.get("/").content.decode()
    planned(harbor.ana, lead, hours=-1, title="Papers")
    planned(harbor.ana, lead, hours=-2, kind="callback", title="Ring back")
    planned(harbor.ana, lead, hours=48, title="Some other day")
    html = client.get("/").content.decode()
    places = [html.index(words) for words in ("Callbacks due", "Ring back", "Tasks due", "Papers", "New and untouched")]
    assert places == sorted(places)
    assert "Some other day" not in html


# --- reminders --------------------------------------------------------------------------------------------------------


def test_l5_a_reminder_falls_due_once(harbor: Brokerage) -> None:
    lead = make_lead(harbor.ana, first_name="Maya", last_name="")
    task, later = planned(harbor.ana, lead, kind="callback", title="Ask for Maya"), planned(harbor.ana)
    assert remind_due() == 0
    due(task)
    remind()
    remind()
    assert told() == [(harbor.ana.pk, "Callback with {lead}")]
    (notice,) = notices_for(harbor.ana, Notification.objects.order_by("pk"))
    assert (notice.title, notice.url) == ("Callback with Maya", f"/people/{lead.public_id}/")
    assert "Maya" not in notices_for(harbor.eve, Notification.objects.order_by("pk"))[0].title
    assert later.is_open


def test_l5_a_reminder_says_when_it_is_due_by_her_own_clock(harbor: Brokerage) -> None:
    User.objects.filter(pk=harbor.ana.pk).update(time_zone="Europe/Berlin")
    due(planned(harbor.ana, make_lead(harbor.ana)))
    Task.objects.update(due_at=datetime(2030, 7, 1, 7, 30, tzinfo=UTC))
    assert remind_due() == 1
    assert Notification.objects.get().body == "Due Mon, Jul 1, 2030, 9:30 AM"


def test_l5_what_is_done_dropped_or_has_no_reminder_reminds_nobody(harbor: Brokerage) -> None:
    done, dropped, quiet = planned(harbor.ana), planned(harbor.ana), planned(harbor.ana, remind=None)
    for task in (done, dropped):
        due(task)
    set_done(keyring=load_keyring(harbor.ana), actor=harbor.ana, task=done, done=True)
    Task.objects.filter(pk=dropped.pk).update(dropped_at=Now())
    assert remind_due() == 0
    assert quiet.remind_at is None


def test_l5_what_is_anyones_reminds_whoever_holds_the_lead(harbor: Brokerage) -> None:
    held, free = make_lead(harbor.lakeside, agent=harbor.ben), make_lead(harbor.lakeside)
    for lead in (held, free):
        due(planned(harbor.lead, lead, user=None))
    assert remind_due() == 2
    assert told() == [(harbor.ben.pk, "Task with {lead}")]


def test_l5_a_changed_task_reminds_anew_and_the_deactivated_are_not_told(harbor: Brokerage) -> None:
    task = planned(harbor.ana)
    due(task)
    assert remind_due() == 1
    change_task(
        keyring=load_keyring(harbor.ana), task=task, user=harbor.ana, title="x", due_at=MORNING, remind=timedelta(0)
    )
    assert Task.objects.get(pk=task.pk).reminded_at is None
    User.objects.filter(pk=harbor.ana.pk).update(is_active=False)
    due(task)
    assert remind_due() == 1
    assert len(told()) == 1


def test_l5_many_reminders_are_few_statements(harbor: Brokerage, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        due(planned(make_member(harbor.lakeside)))
    with django_assert_max_num_queries(12):
        assert remind_due() == 20


# --- who leaves, who is merged, who is erased -------------------------------------------------------------------------


def test_o4_her_open_tasks_go_with_her_and_come_back(harbor: Brokerage) -> None:
    on_unit, own = planned(harbor.ana, make_lead(harbor.lakeside, agent=harbor.ana)), planned(harbor.ana)
    done = planned(harbor.ana)
    set_done(keyring=load_keyring(harbor.ana), actor=harbor.ana, task=done, done=True)
    assert drop_tasks(harbor.ana, [harbor.lakeside.pk]) == [on_unit.pk]
    assert drop_tasks(harbor.ana, None) == [own.pk]
    assert not Task.objects.open().exists()
    pick_up(harbor.ana, [on_unit.pk, own.pk], Q(lead=on_unit.lead))
    assert Task.objects.open().filter(pk__in=[on_unit.pk, own.pk]).get() == on_unit
    pick_up(harbor.ana, [on_unit.pk, own.pk], Q())
    assert Task.objects.open().count() == 2


def test_l5_open_tasks_of_a_merged_lead_go_with_it(harbor: Brokerage) -> None:
    kept, gone = make_lead(harbor.ana), make_lead(harbor.ana)
    task = planned(harbor.ana, gone)
    merge_leads({gone.pk: kept.pk}, Cause(harbor.ana, "merge"))
    task.refresh_from_db()
    assert task.lead == kept


def test_m9_erasing_takes_tasks_with_it(harbor: Brokerage) -> None:
    planned(harbor.ana, make_lead(harbor.ana, emails=["maya@mail.example"]), title="Call Maya")
    erase(actor=harbor.broker, kind="email", value="maya@mail.example")
    task = Task.objects.get()
    assert (task.title, task.is_open) == ("Erased", False)


# --- callbacks and who holds the lead ---------------------------------------------------------------------------------


def test_d11_callbacks_go_with_whoever_holds_the_lead_and_back(harbor: Brokerage) -> None:
    lead = make_lead(harbor.lakeside, agent=harbor.ana)
    callback = planned(harbor.ana, lead, kind="callback")
    Task.objects.filter(pk=callback.pk).update(reminded_at=Now())
    stay = [planned(harbor.ana, lead), planned(harbor.lead, lead, kind="callback"), planned(harbor.ana, lead)]
    done = planned(harbor.ana, lead, kind="callback")
    set_done(keyring=load_keyring(harbor.ana), actor=harbor.ana, task=done, done=True)
    before = [task.user_id for task in (*stay, done)]
    for holder in (harbor.ben, harbor.ana):
        lead.assignments.update(user=holder)
        callback.refresh_from_db()
        assert (callback.user, callback.reminded_at) == (holder, None)
    lead.assignments.all().delete()
    callback.refresh_from_db()
    assert callback.user is None  # anyone's who works it
    assign(lead, harbor.ben)
    callback.refresh_from_db()
    assert callback.user is None
    anyone = planned(harbor.ben, lead, kind="callback", user=None)
    lead.assignments.update(user=harbor.ana)  # who promised it has the lead again
    callback.refresh_from_db()
    anyone.refresh_from_db()
    assert (callback.user, anyone.user) == (harbor.ana, None)
    assert [Task.objects.get(pk=task.pk).user_id for task in (*stay, done)] == before


@pytest.mark.parametrize("kind", ["task", "appointment"])
@pytest.mark.parametrize(("year", "words"), [(2126, "more than ten years ahead"), (1926, "more than a year ago")])
def test_l5_nothing_is_planned_in_another_century(
    client: Client, harbor: Brokerage, kind: str, year: int, words: str
) -> None:
    lead = make_lead(harbor.ana)
    client.force_login(harbor.ana)
    asked = sent(kind=kind, who=str(harbor.ana.pk), due_at=f"{year}-01-05T10:00")
    refused = client.post(f"/people/{lead.public_id}/task/", asked)
    assert (refused.status_code, words in refused.content.decode()) == (422, True)
    assert f'value="{year}-01-05T10:00"' in refused.content.decode()
    with pytest.raises(TooFarError, match=words):
        planned(harbor.ana, lead, hours=24 * 366 * (10 if year > 2000 else -2), kind=kind)
    assert not Task.objects.exists()


def test_l5_what_was_planned_too_far_may_be_changed_but_not_moved_further(harbor: Brokerage) -> None:
    task = planned(harbor.ana)
    far = timezone.now() + timedelta(days=36_500)
    Task.objects.filter(pk=task.pk).update(due_at=far)
    hers: Any = {"keyring": load_keyring(harbor.ana), "task": task, "user": harbor.ana, "remind": None}
    change_task(**hers, title="Another title", due_at=far)
    with pytest.raises(TooFarError):
        change_task(**hers, title="Another title", due_at=far + timedelta(days=1))
