from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "crm.demo"
    label = "demo"

    def ready(self) -> None:
        from crm.core.preparation import announcements
        from crm.demo.seeding import announcement

        announcements.append(announcement)
