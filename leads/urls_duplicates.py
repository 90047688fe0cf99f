"""The address of duplicates."""

from django.urls import path

from leads.views import duplicates

urlpatterns = [path("", duplicates.duplicates, name="duplicates")]
