from django.apps import AppConfig


class DialerConfig(AppConfig):
    name = "dialer"

    def ready(self) -> None:
        from dialer import admin, receivers  # noqa: F401  # the admin's pages register themselves

        receivers.connect()
