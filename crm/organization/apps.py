from django.apps import AppConfig


class OrganizationConfig(AppConfig):
    name = "crm.organization"
    label = "organization"

    def ready(self) -> None:
        from crm.core.preparation import announcements
        from crm.organization.beginning import announcement

        announcements.append(announcement)
