from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PermissionsConfig(AppConfig):
    name = "permissions"

    def ready(self) -> None:
        from permissions import receivers
        from permissions.admin import people, tokens, units  # noqa: F401  # register themselves
        from permissions.grants_sql import grant_to_application

        receivers.connect()
        post_migrate.connect(grant_to_application, sender=self)
