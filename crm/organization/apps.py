from django.apps import AppConfig


class OrganizationConfig(AppConfig):
    name = "crm.organization"
    label = "organization"
