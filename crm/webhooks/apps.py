from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "crm.webhooks"

    def ready(self) -> None:
        from crm.webhooks import admin  # noqa: F401  # the admin's page registers itself
