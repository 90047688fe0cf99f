"""Addresses of mass actions."""

from django.urls import path

from leads.views import batches

urlpatterns = [
    path("", batches.batches, name="batches"),
    path("<str:public_id>/", batches.batch, name="batch"),
    path("<str:public_id>/confirm/", batches.confirm, name="batch-confirm"),
    path("<str:public_id>/cancel/", batches.cancel, name="batch-cancel"),
    path("<str:public_id>/discard/", batches.discard, name="batch-discard"),
    path("<str:public_id>/undo/", batches.undo, name="batch-undo"),
    path("<str:public_id>/file/", batches.file, name="batch-file"),
    path("<str:public_id>/skipped.csv", batches.skipped, name="batch-skipped"),
]
