"""Addresses of a person's tokens."""

from django.urls import path

from permissions.tokens import views

urlpatterns = [
    path("", views.tokens, name="tokens"),
    path("<int:pk>/revoke/", views.revoke_token, name="token-revoke"),
]
