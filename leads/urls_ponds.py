"""Addresses of ponds."""

from django.urls import path

from leads.views import ponds

urlpatterns = [
    path("", ponds.ponds, name="ponds"),
    path("add/", ponds.add, name="pond-add"),
    path("take/", ponds.take_one, name="pond-take"),
    path("<int:pk>/", ponds.pond, name="pond"),
    path("<int:pk>/settings/", ponds.settings, name="pond-settings"),
    path("<int:pk>/members/", ponds.member, name="pond-member-add"),
    path("<int:pk>/members/<int:user_id>/", ponds.change_member, name="pond-member"),
    path("<int:pk>/close/", ponds.close, name="pond-close"),
]
