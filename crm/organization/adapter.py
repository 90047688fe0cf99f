"""How the sign-in library behaves here: nobody registers by herself, answers never tell whether an e-mail is known, and
who must have a second factor keeps it.
"""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from crm.organization.models import User


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        """Who has just signed in is not asked for her password again where the way she signs in is changed."""
        super().login(request, user)
        record_authentication(request, user, method="password", reauthenticated=True)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": "Your company asks for two-factor sign-in: it stays on.",
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not authenticator.user.company.two_factor_required
