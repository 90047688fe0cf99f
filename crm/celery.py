"""The Celery application. Tasks are declared through `crm.core.tasks` only."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from crm.core.embedded.process import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("fairlead")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def die_with_worker(**kwargs: Any) -> None:
    """A worker killed outright takes the processes of its pool with it."""
    die_with_parent()
