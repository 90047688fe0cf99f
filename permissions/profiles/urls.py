"""Addresses of profiles."""

from django.urls import path

from permissions.profiles import views

urlpatterns = [
    path("", views.profiles, name="profiles"),
    path("add/", views.add_profile, name="profile-add"),
    path("<int:pk>/rename/", views.rename_profile, name="profile-rename"),
    path("<int:pk>/delete/", views.delete_profile, name="profile-delete"),
    path("people/", views.profile_people, name="profile-people"),
    path("people/<int:user_id>/", views.give_profile, name="profile-give"),
]
