"""The Celery application. Tasks are declared through `crm.core.tasks` only."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("fairlead")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
