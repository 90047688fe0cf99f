"""The Celery application. Tasks are declared through `crm.core.tasks` only."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun, worker_process_init
from django.db import close_old_connections

from crm.core.embedded.process import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("fairlead")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def die_with_worker(**kwargs: Any) -> None:
    """A worker killed outright takes the processes of its pool with it."""
    die_with_parent()


@task_prerun.connect
def look_after_connection(**kwargs: Any) -> None:
    """As Django does for each request: a connection that is old or broken is given up, any other is used again."""
    close_old_connections()
