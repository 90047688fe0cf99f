from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class CoreConfig(AppConfig):
    name = "crm.core"
    label = "core"

    def ready(self) -> None:
        from crm.core import health  # noqa: F401  # its tasks must be known to every process


class StaticFiles(StaticFilesConfig):
    """Static files without what the vendors ship and no page asks for."""

    ignore_patterns = (*StaticFilesConfig.ignore_patterns, "libs", "flags", "payments", "social", "*.rtl.*", "tabler-*")
