"""Settings of the head-end. Everything that differs between installations is an environment
variable; without any, a SQLite database under var/ makes a complete single-machine system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url

from headend.config import environment, iso4217, privacy
from headend.config.secrets import read_or_create

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DATA = environment.file("OPENPREPAY_DATA", REPOSITORY / "var")


def _file(name: str, default: str) -> Path:
    return environment.file(name, DATA / default)


# --- what this installation is -----------------------------------------------------------------

# Published test keys are allowed only in a demonstration. Seeding one marks its data folder, so
# that commands typed beside it later know.
DEMONSTRATION_FILE = DATA / "demonstration.json"
DEMONSTRATION = environment.flag("OPENPREPAY_DEMONSTRATION") or DEMONSTRATION_FILE.exists()
UTILITY_NAME = environment.text("OPENPREPAY_UTILITY_NAME", "OpenPrepay Demonstration Utility")
UTILITY_TAX_NUMBER = environment.text("OPENPREPAY_UTILITY_TAX_NUMBER")
BASE_CURRENCY = environment.currency("OPENPREPAY_CURRENCY", "ZAR", decimals=iso4217.DECIMALS)
BASE_CURRENCY_MINOR_DIGITS = 2

# --- secrets -----------------------------------------------------------------------------------

SECRET_KEY = read_or_create(_file("OPENPREPAY_SECRET_KEY_FILE", "secret.key"), byte_count=50)
MASTER_KEY_FILE = _file("OPENPREPAY_MASTER_KEY_FILE", "master.key")
# Opens a master key file that is sealed with a passphrase (`manage keys seal-master`).
MASTER_PASSPHRASE_FILE = environment.text("OPENPREPAY_MASTER_PASSPHRASE_FILE")
# New vending keys go into a network security module, if the class that speaks to one is named,
# such as "ours.hsm.Store"; those of DKGA04 otherwise into a PKCS#11 module, if one is named.
NETWORK_KEY_STORE = environment.text("OPENPREPAY_NETWORK_KEY_STORE")
PKCS11_LIBRARY = environment.text("OPENPREPAY_PKCS11_LIBRARY")
PKCS11_TOKEN = environment.text("OPENPREPAY_PKCS11_TOKEN", "openprepay")
PKCS11_PIN_FILE = _file("OPENPREPAY_PKCS11_PIN_FILE", "pkcs11.pin")
AUDIT_KEY_FILE = _file("OPENPREPAY_AUDIT_KEY_FILE", "audit.key")
AUDIT_SEALS = _file("OPENPREPAY_AUDIT_SEALS", "audit-seals")  # a folder, best on another machine

# --- web ---------------------------------------------------------------------------------------

DEBUG = environment.flag("OPENPREPAY_DEBUG")
ALLOWED_HOSTS = environment.hosts("OPENPREPAY_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = environment.origins("OPENPREPAY_TRUSTED_ORIGINS")
_TLS = environment.flag(
    "OPENPREPAY_TLS"
)  # pages are served over HTTPS, by us or by a proxy in front
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_ENGINE = "headend.accounts.session_store"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
ROOT_URLCONF = "headend.config.urls"
WSGI_APPLICATION = "headend.config.wsgi.application"
LOGIN_URL = "/log-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/log-in/"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "headend.design",
    "headend.accounts",
    "headend.audit",
    "headend.ledger",
    "headend.securitymodule",
    "headend.meters",
    "headend.tariffs",
    "headend.currencies",
    "headend.customers",
    "headend.debts",
    "headend.notifications",
    "headend.announcements",
    "headend.fleet",
    "headend.vending",
    "headend.engineering",
    "headend.campaigns",
    "headend.supply",
    "headend.exchange",
    "headend.api",
    "headend.channels.home",
    "headend.channels.till",
    "headend.vendors",
    "headend.housekeeping",
    "headend.webhooks",
]

MIDDLEWARE = [
    "headend.audit.middleware.Origin",
    "headend.api.middleware.ApiFirst",
    "django.middleware.security.SecurityMiddleware",
    "headend.design.policy.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "headend.design.readable.ReadableOnly",
    "headend.accounts.middleware.SessionsEnd",
    "headend.accounts.middleware.LogInFirst",
    "headend.accounts.middleware.SecondFactorFirst",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "headend.design.navigation.navigation",
            ],
        },
    }
]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # serves straight from the packages: no collecting step

# --- people ------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["headend.accounts.backends.Permissions"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# A second factor is "required" of privileged groups, or only "offered" to them. A demonstration
# offers it: its generated passwords are on the trainer's screen, and its pages on this machine.
SECOND_FACTOR = environment.choice("OPENPREPAY_SECOND_FACTOR", ("", "required", "offered"), "")
SESSION_IDLE_SECONDS = 60 * environment.number(
    "OPENPREPAY_SESSION_IDLE_MINUTES", 30, least=1, most=SESSION_COOKIE_AGE // 60
)
# Behind a proxy that appends to X-Forwarded-For, its last entry is where a person logs in from.
BEHIND_PROXY = environment.flag("OPENPREPAY_BEHIND_PROXY")

# --- database ----------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SQLITE_BUSY_SECONDS = 30


def _database() -> dict[str, Any]:
    """Return the default database; SQLite is set up so that writers queue instead of failing."""
    url = environment.database("DATABASE_URL", f"sqlite:///{DATA / 'headend.sqlite3'}")
    database: dict[str, Any] = dict(dj_database_url.parse(url))
    options = database.setdefault("OPTIONS", {})
    if "sqlite3" in database["ENGINE"]:
        database["ENGINE"] = "headend.config.sqlite"
        options |= {
            "timeout": SQLITE_BUSY_SECONDS,
            # Taking the write lock at BEGIN is what makes a reader-turned-writer wait its turn
            # rather than fail at once with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        }
        # Opened anew for each request, it would read the schema and translate all SQL again; the
        # last one that closes also empties the write-ahead log.
        database["CONN_MAX_AGE"] = 600
        return database
    database["CONN_MAX_AGE"] = 600
    database["CONN_HEALTH_CHECKS"] = True
    options.setdefault("application_name", "openprepay")
    # What is prepared (see headend.config.prepared) is looked up by keys: to plan it anew for
    # each sale, as the server would for some, takes longer than to run it.
    options.setdefault("options", "-c plan_cache_mode=force_generic_plan")
    return database


DATABASES = {"default": _database()}

# --- language and time -------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = environment.time_zone("OPENPREPAY_TIME_ZONE", "Africa/Johannesburg")

# --- meters and messages -----------------------------------------------------------------------

MQTT_URL = environment.broker("MQTT_URL", "mqtt://127.0.0.1:1883")
TOPIC_PREFIX = environment.topic("OPENPREPAY_TOPIC_PREFIX", "prepay/v1")
NOTIFICATION_URLS = environment.words("OPENPREPAY_NOTIFICATION_URLS")  # apprise; none: the console
# Webhooks go to the internet by TLS; besides only to these networks, such as 10.1.2.0/24, and
# certificates are trusted of the system's authorities and of those in this file.
WEBHOOK_NETWORKS = environment.networks("OPENPREPAY_WEBHOOK_NETWORKS")
WEBHOOK_AUTHORITIES = environment.certificates("OPENPREPAY_WEBHOOK_AUTHORITIES")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {
        "handlers": ["console"],
        "level": environment.choice(
            "OPENPREPAY_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO"
        ),
    },
}

# --- what others on the machine must not read --------------------------------------------------

privacy.keep_private(
    DATA / name
    for name in (
        *("headend.sqlite3", "headend.sqlite3-wal", "headend.sqlite3-shm"),
        *("secret.key", "master.key", "audit.key", "pkcs11.pin", DEMONSTRATION_FILE.name),
    )
)
