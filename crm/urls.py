"""Every address of the product."""

from django.urls import URLPattern, URLResolver, include, path

from crm.api.root import urls as api_urls
from crm.core.gallery import gallery
from crm.core.health import healthz
from crm.organization.views import me
from permissions.admin.site import site
from permissions.joining.address_views import new_address
from permissions.joining.setup_views import first_steps, setup

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("routing.urls")),
    path("", include("crm.notifications.urls")),
    path("dialer/", include("dialer.urls")),
    path("people/", include("leads.urls")),
    path("tasks/", include("leads.urls_tasks")),
    path("out/", include("leads.urls_mail")),
    path("templates/", include("leads.urls_templates")),
    path("requests/", include("leads.urls_requests")),
    path("conflicts/", include("leads.urls_conflicts")),
    path("import/", include("leads.urls_imports")),
    path("duplicates/", include("leads.urls_duplicates")),
    path("batches/", include("leads.urls_batches")),
    path("ponds/", include("leads.urls_ponds")),
    path("invitations/", include("permissions.joining.urls")),
    path("profiles/", include("permissions.profiles.urls")),
    path("view-as/", include("permissions.viewing.urls")),
    path("departures/", include("leads.urls_departures")),
    path("admin/", site.urls),
    path("accounts/", include("crm.organization.urls")),
    path("me/", me, name="me"),
    path("me/tokens/", include("permissions.tokens.urls")),
    path("me/webhooks/", include("crm.webhooks.urls")),
    path("api/v1/", api_urls),
    path("setup/", setup, name="setup"),
    path("first-steps/", first_steps, name="first-steps"),
    path("me/address/", new_address, name="new-address"),
    path("gallery/", gallery, name="gallery"),
    path("healthz", healthz, name="healthz"),
]
