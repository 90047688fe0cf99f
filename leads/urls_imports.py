"""Addresses of imports."""

from django.urls import path

from leads.views import imports

urlpatterns = [
    path("", imports.imports, name="import"),
    path("templates/<int:pk>/", imports.import_template, name="import-template"),
    path("<str:public_id>/", imports.import_run, name="import-run"),
    path("<str:public_id>/discard/", imports.discard, name="import-discard"),
    path("<str:public_id>/cancel/", imports.cancel, name="import-cancel"),
    path("<str:public_id>/undo/", imports.take_back, name="import-undo"),
    path("<str:public_id>/<str:outcome>.csv", imports.import_rows, name="import-rows"),
]
