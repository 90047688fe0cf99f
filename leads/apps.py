from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        from leads import admin, receivers  # noqa: F401  # the admin's pages register themselves
        from leads.batches.verbs import register_all

        receivers.connect()
        register_all()
