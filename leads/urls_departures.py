"""Addresses of departure kits."""

from django.urls import path

from leads.views import departures

urlpatterns = [
    path("<int:user_id>/", departures.departure, name="departure"),
]
