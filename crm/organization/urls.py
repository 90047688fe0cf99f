"""Signing in and out, passwords and second factors: the sign-in library's own pages, and of those only the ones we use.

Her address is what a person signs in by; only the company's admins change it, so the pages for several are not routed.
"""

from allauth.account import urls as account
from django.urls import include, path

USED = {
    "account_login",
    "account_logout",
    "account_signup",  # says that people join by invitation
    "account_inactive",
    "account_reauthenticate",
    "account_change_password",
    "account_set_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
}

urlpatterns = [
    *(pattern for pattern in account.urlpatterns if getattr(pattern, "name", None) in USED),
    path("2fa/", include("allauth.mfa.urls")),
]
