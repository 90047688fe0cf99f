"""Message templates."""

from django.urls import path

from leads.views import templates

urlpatterns = [
    path("", templates.templates, name="templates"),
    path("new/", templates.add, name="template-add"),
    path("<int:template_id>/", templates.template, name="template"),
    path("<int:template_id>/delete/", templates.delete, name="template-delete"),
]
