from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        from leads import admin, receivers  # noqa: F401  # the admin's pages register themselves

        receivers.connect()
