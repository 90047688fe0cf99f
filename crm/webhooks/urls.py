"""Addresses of a person's webhooks."""

from django.urls import path

from crm.webhooks import views

urlpatterns = [
    path("", views.webhooks, name="webhooks"),
    path("<int:pk>/", views.webhook, name="webhook"),
    path("<int:pk>/act/", views.act, name="webhook-act"),
    path("<int:pk>/secret/", views.secret, name="webhook-secret"),
    path("<int:pk>/replay/<uuid:number>/", views.replay_one, name="webhook-replay"),
]
