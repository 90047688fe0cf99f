"""Every setting, and the only reader of the environment. A bad value stops the start with a sentence that names it."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from crm.core.embedded.addresses import addresses
from crm.core.kept import kept
from crm.core.mail import leads_mail, mailbox, outgoing
from crm.core.push_key import make_push_key, push_key

BASE_DIR = Path(__file__).resolve().parent.parent


def read(name: str, default: str = "") -> str:
    """The environment variable `name`, stripped; `default` where it is missing or empty."""
    return os.environ.get(name, "").strip() or default


def read_flag(name: str, default: bool = False) -> bool:
    value = read(name, "1" if default else "0").lower()
    if value not in {"0", "1", "true", "false"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value in {"1", "true"}


def read_port(name: str, default: int) -> int:
    value = read(name, str(default))
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise ImproperlyConfigured(f"{name} must be a port from 1 to 65535, not {value!r}.")
    return int(value)


# --- Where things are -------------------------------------------------------------------------------------------------

DATA = Path(read("FAIRLEAD_DATA", str(BASE_DIR / ".fairlead"))).resolve()
HOST = read("HOST", "127.0.0.1")
PORT = read_port("PORT", 8000)
PUBLIC_URL = read("PUBLIC_URL", f"http://{'localhost' if HOST == '127.0.0.1' else HOST}:{PORT}").rstrip("/")
SECURE = urlsplit(PUBLIC_URL).scheme == "https"
DEBUG = read_flag("FAIRLEAD_DEBUG")
EMBEDDED_DATABASE = not read("DATABASE_URL")
EMBEDDED_REDIS = not read("REDIS_URL")
DEMO = read_flag("FAIRLEAD_DEMO", default=EMBEDDED_DATABASE)
TESTING = "pytest" in sys.modules


# from the environment, else generated once into a file only its owner can read
SECRET_KEY = read("SECRET_KEY") or kept(DATA / "secret-key", lambda: secrets.token_urlsafe(64))

# --- Database, cache, tasks -------------------------------------------------------------------------------------------

_embedded = addresses(DATA)


def database(url: str) -> dict[str, Any]:
    """Django's settings of a PostgreSQL address, read by libpq's own parser (others lose `%2F` hosts and `?host=`)."""
    try:
        parts = conninfo_to_dict(url)
    except Exception as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from error
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0 if TESTING else 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, "application_name": "fairlead", **parts},
    }


DATABASE_URL = read("DATABASE_URL", _embedded.database)
DATABASE_OWNER_URL = read("DATABASE_OWNER_URL", _embedded.owner if EMBEDDED_DATABASE else DATABASE_URL)
DATABASE_APP_ROLE: str = database(DATABASE_URL)["USER"]
AS_OWNER = read_flag("FAIRLEAD_AS_OWNER")  # set by manage.py for the commands that change the schema
DATABASES = {"default": database(DATABASE_OWNER_URL if AS_OWNER else DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = read("REDIS_URL", _embedded.redis)
CACHES = {
    "default": {
        "BACKEND": "crm.core.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}


def broker(url: str) -> str:
    """The Celery address of a Redis address: kombu writes sockets as `redis+socket://` and `virtual_host`."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = dict(parse_qsl(parts.query))
    return f"redis+socket://{parts.path}?virtual_host={query.get('db', '0')}"


CELERY_BROKER_URL = broker(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_PUBLISH_RETRY = False  # a request never waits for a broker that is down: beat picks the work up
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_connect_timeout": 1}
CELERY_TIMEZONE = "UTC"
CELERY_DB_REUSE_MAX = 10**9  # else Celery gives each task a new connection; crm/celery.py looks after the one kept

API_REQUESTS_A_MINUTE = 600  # of one person, by all her tokens
API_WRONG_KEYS_A_MINUTE = 60  # from one address

# --- Applications -----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # what is on its pages registers itself at permissions.admin.site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "django_filters",
    "django_htmx",
    "guardian",
    "lucide",
    "ninja",
    "crm.core",
    "crm.organization",
    "crm.notifications",
    "permissions",
    "leads",
    "routing",
    "dialer",
    "crm.webhooks",
    "crm.demo",
    "crm.bench",
]

MIDDLEWARE = [
    "crm.api.middleware.ProblemsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "permissions.viewing.middleware.ViewingMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "crm.core.readonly.ReadOnlyMiddleware",
    "crm.organization.beginning.SetUpFirstMiddleware",
    "crm.core.doors.SignedInMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"

_loaders = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "django_htmx.templatetags.django_htmx",
                "lucide.templatetags.lucide",
                "crm.core.templatetags.core",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "permissions.context.frame",
            ],
            # cotton and template-partials both want to rewrite the loaders; written out, neither does
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    _loaders if DEBUG else [("django.template.loaders.cached.Loader", _loaders)],
                )
            ],
        },
    }
]

# --- People, sign-in, sessions ----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "organization.User"
AUTHENTICATION_BACKENDS = [
    "permissions.backend.ProfileBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "today"
ACCOUNT_ADAPTER = "crm.organization.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "20/15m/ip,5/15m/key",
    "reset_password": "20/15m/ip,5/15m/key",
}
ANONYMOUS_USER_NAME = None  # object grants are for people only
MFA_ADAPTER = "crm.organization.adapter.SecondFactorAdapter"
MFA_TOTP_ISSUER = "Fairlead"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses come from invitations, not from registration

SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- The web outside --------------------------------------------------------------------------------------------------

ALLOWED_HOSTS = [host for host in read("ALLOWED_HOSTS").split(",") if host] or [
    urlsplit(PUBLIC_URL).hostname or "localhost",
    "localhost",
    "127.0.0.1",
    "[::1]",
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
MEDIA_ROOT = DATA / "files"

STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor/inter", BASE_DIR / "node_modules/@fontsource-variable/inter"),
    ("vendor/chart", BASE_DIR / "node_modules/chart.js/dist"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG or TESTING
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = DEBUG or TESTING
WHITENOISE_AUTOREFRESH = DEBUG

globals().update(outgoing(read("EMAIL_URL"), DATA))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = read("DEFAULT_FROM_EMAIL", "Fairlead <fairlead@localhost>")

# --- Language, time, forms --------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
USE_THOUSAND_SEPARATOR = True
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
FILTERS_EMPTY_CHOICE_LABEL = "Any"

# --- Outside ----------------------------------------------------------------------------------------------------------

PUSH_KEY = push_key(read("PUSH_KEY") or kept(DATA / "push-key", make_push_key))
LOCAL_ADDRESSES = read_flag("FAIRLEAD_LOCAL_ADDRESSES")  # also ask addresses of this machine: for stand-ins in tests
TWILIO_API = read("TWILIO_API", "https://api.twilio.com").rstrip("/")
GRAPH_URL = read("GRAPH_URL", "https://graph.facebook.com/v21.0").rstrip("/")
LEADS_MAIL = leads_mail(read("LEADS_MAIL"))
LEADS_MAILBOX = mailbox(read("LEADS_IMAP_URL"))
if LEADS_MAILBOX and not LEADS_MAIL:
    raise ImproperlyConfigured(
        "LEADS_IMAP_URL needs LEADS_MAIL: the address to which the mails in that mailbox were sent."
    )

# --- Logs -------------------------------------------------------------------------------------------------------------

LOG_LEVEL = read("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise ImproperlyConfigured(f"LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not {LOG_LEVEL!r}.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        name: {"level": "WARNING"}  # else a line or two for every tick
        for name in ("celery.app.trace", "celery.worker.strategy", "celery.worker.request")
    },
}
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # grants are read as keys, not through its backend
