"""Addresses of the bell, the poll, the devices and the availability switch."""

from django.urls import path

from crm.notifications import device_views, views

urlpatterns = [
    path("live/", views.live, name="live"),
    path("notifications/", views.notifications, name="notifications"),
    path("notifications/seen/", views.mark_seen, name="notifications-seen"),
    path("notifications/devices/", device_views.devices, name="devices"),
    path("notifications/devices/renew/", device_views.renew, name="device-renew"),
    path("notifications/devices/test/", device_views.send_test, name="devices-test"),
    path("notifications/devices/<int:device_id>/stop/", device_views.stop, name="device-stop"),
    path("sw.js", device_views.worker, name="service-worker"),
    path("availability/", views.availability, name="availability"),
]
