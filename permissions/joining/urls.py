"""Addresses of invitations."""

from django.urls import path

from permissions.joining import views

urlpatterns = [
    path("units/<int:unit_id>/", views.invitations, name="invitations"),
    path("<int:pk>/resend/", views.resend_invitation, name="invitation-resend"),
    path("<int:pk>/withdraw/", views.withdraw_invitation, name="invitation-withdraw"),
    path("accept/<str:token>/", views.accept_invitation, name="invitation-accept"),
]
