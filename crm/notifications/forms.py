"""What a browser says of the address at which it can be told; and until when somebody takes no leads."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import datetime, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from crm.core.moments import MomentField
from crm.core.outgoing import NotPublicError, checked

LONGEST_PAUSE = timedelta(days=366)
UNSAID = "Choose until when you pause."


def decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise ValidationError("This is not Base64.") from error


class DeviceForm(forms.Form):
    """A browser's PushSubscription; `was` is its address until now, where it says so."""

    endpoint = forms.CharField(max_length=1000)
    p256dh = forms.CharField(max_length=100)
    auth = forms.CharField(max_length=40)
    was = forms.CharField(max_length=1000, required=False)

    def clean_endpoint(self) -> str:
        endpoint: str = self.cleaned_data["endpoint"]
        try:
            checked(endpoint)
        except NotPublicError as error:
            raise ValidationError("It must be on the public internet, not on a network of your own.") from error
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return endpoint

    def clean_p256dh(self) -> str:
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

        p256dh: str = self.cleaned_data["p256dh"]
        try:
            EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decoded(p256dh))
        except ValueError as error:
            raise ValidationError("This is not a key of a browser.") from error
        return p256dh

    def clean_auth(self) -> str:
        auth: str = self.cleaned_data["auth"]
        if len(decoded(auth)) != 16:
            raise ValidationError("This is not a secret of a browser.")
        return auth


class PauseForm(forms.Form):
    """Until when she takes no leads, by her own clock."""

    until = MomentField(label="Pause until", error_messages={"required": UNSAID, "invalid": UNSAID})

    def clean_until(self) -> datetime:
        until: datetime = self.cleaned_data["until"]
        now = timezone.now()
        if until <= now:
            raise ValidationError("That time has passed already. Choose a later one.")
        if until > now + LONGEST_PAUSE:
            raise ValidationError("A pause lasts a year at most. Choose “until I am back” for a longer one.")
        return until
