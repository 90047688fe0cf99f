from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DialerConfig(AppConfig):
    name = "dialer"

    def ready(self) -> None:
        from dialer import admin, receivers  # noqa: F401  # the admin's pages register themselves
        from dialer.adding import AddToCampaign, TakeOutOfCampaign
        from dialer.services.zones import on_migrated
        from leads.batches.verb import register

        receivers.connect()
        for verb in (AddToCampaign(), TakeOutOfCampaign()):
            register(verb)
        post_migrate.connect(on_migrated, sender=self, dispatch_uid="dialer.zones")
