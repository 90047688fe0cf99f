"""Addresses of departure kits."""

from django.urls import path

from leads.views import departures

urlpatterns = [
    path("<int:user_id>/", departures.departure, name="departure"),
    path("<int:user_id>/ask/", departures.ask, name="departure-ask"),
    path("copy/<str:token>/", departures.copy, name="departure-copy"),
    path("units/<int:unit_id>/", departures.closing, name="closing"),
]
