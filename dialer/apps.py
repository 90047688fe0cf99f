from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DialerConfig(AppConfig):
    name = "dialer"

    def ready(self) -> None:
        from dialer import admin, receivers  # noqa: F401  # the admin's pages register themselves
        from dialer.services.zones import on_migrated

        receivers.connect()
        post_migrate.connect(on_migrated, sender=self, dispatch_uid="dialer.zones")
