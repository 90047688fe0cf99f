"""Every address of the product."""

from django.urls import URLPattern, URLResolver, include, path

from crm.core.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("allauth.urls")),
]
