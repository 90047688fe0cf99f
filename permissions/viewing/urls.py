"""Addresses of viewing as another person."""

from django.urls import path

from permissions.viewing import views

urlpatterns = [
    path("", views.view_as, name="view-as"),
    path("<int:user_id>/", views.begin, name="view-as-begin"),
    path("end/", views.end, name="view-as-end"),
]
