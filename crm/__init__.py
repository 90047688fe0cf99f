"""Wiring on top (settings, urls, celery), shared ground at the bottom (core, organization, notifications)."""

from crm.celery import app as celery_app

__all__ = ["celery_app"]
