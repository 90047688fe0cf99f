"""Addresses of the conflict inbox."""

from django.urls import path

from leads.views import conflicts

urlpatterns = [
    path("", conflicts.conflicts, name="conflicts"),
    path("<int:pk>/", conflicts.conflict, name="conflict"),
]
