"""Addresses of ownership requests."""

from django.urls import path

from leads.views import requests

urlpatterns = [
    path("", requests.requests, name="requests"),
    path("<int:pk>/accept/", requests.accept_request, name="request-accept"),
    path("<int:pk>/refuse/", requests.refuse_request, name="request-refuse"),
    path("<int:pk>/withdraw/", requests.withdraw_request, name="request-withdraw"),
]
