"""Every task is declared on a queue, carries ids only, and may run twice."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from crm.celery import app
from crm.core.tasks import Task, declared
from tests.architecture.tree import assert_only

app.loader.import_default_modules()
# what the tasks that take ids are given: nothing there has this id, so that nothing is to be done
RUN_WITH: dict[str, tuple[Any, ...]] = {
    "dialer.tasks.load_for_newcomer": (0,),
    "dialer.tasks.load_hopper": (0,),
    "dialer.tasks.read_numbers": (0,),
    "leads.tasks.run_batch": (0,),
    "leads.tasks.run_import": (0,),
    "permissions.tasks.check_ledger": (0,),
}
TASKS = sorted(declared.values(), key=lambda task: task.name)


def test_tasks_with_arguments_are_listed() -> None:
    assert_only({task.name for task in TASKS if inspect.signature(task.function).parameters}, set(RUN_WITH))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_task_has_a_queue_and_carries_ids_only(task: Task[...]) -> None:
    assert task.queue_name in {"default", "clock"}
    kinds = {str(one.annotation) for one in inspect.signature(task.function).parameters.values()}
    assert kinds <= {"int", "list[int]"}, f"{task.name} carries {kinds}"
    assert task.__doc__


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_beat_sends_the_tasks_that_take_nothing(task: Task[...]) -> None:
    """The rows say what is due; a task that must be sent by someone is promptness only."""
    takes_nothing = not inspect.signature(task.function).parameters
    assert takes_nothing or task.every is None
    assert (task.name in app.conf.beat_schedule) == (task.every is not None)


@pytest.mark.django_db
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_task_runs_twice(task: Task[...]) -> None:
    for _ in range(2):
        task(*RUN_WITH.get(task.name, ()))
