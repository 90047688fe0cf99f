"""Addresses of the bell, the poll and the availability switch."""

from django.urls import path

from crm.notifications import views

urlpatterns = [
    path("live/", views.live, name="live"),
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/seen/", views.mark_seen, name="notifications-seen"),
    path("availability/", views.availability, name="availability"),
]
