"""Where e-mails to leads lead to."""

from django.urls import path

from leads.views import mail

urlpatterns = [path("<str:token>/", mail.way_out, name="way-out")]
