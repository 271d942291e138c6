"""
Everything that differs between deployments, read from the environment (names: README, "Settings").

A `.env` file in the project's root is read too; real environment variables win, unless they are empty.
"""

import os
import re
import sys
import warnings
from pathlib import Path
from urllib.parse import quote

from config import embedded_redis
from config.environment.addresses import ancestors, host, hosts, in_url, optional_url, origins, root_path, url
from config.environment.coingecko_key import coingecko_key
from config.environment.currencies import currencies, currency
from config.environment.database_address import database
from config.environment.jwt_key import jwt_key
from config.environment.outbound import certificates, no_proxy, proxy
from config.environment.readers import (
    choice,
    load_dotenv,
    number,
    refuse,
    refuse_misspelt_names,
    refuse_secret,
    switch,
    text,
    whole,
    words,
)
from config.environment.redis_address import (
    broker_sentinel,
    broker_tls,
    broker_url,
    channel_host,
    database_number,
    redis_url,
    sentinel,
)
from config.folder import BASE_DIR, DATA_DIR, check_writable, local_secret, open_data_dir, own_files
from config.logging import logging_configuration
from config.masking import passwords_in

in_file = load_dotenv()
# How Linux resolves names. No client's timeout includes that; by default it waits 20 s for a name server that hangs.
os.environ.setdefault("RES_OPTIONS", "timeout:1 attempts:2")

# Django


# Whatever is typed in a folder without settings is for the machine at hand; the container sets this to False.
DEBUG = switch("DEBUG", True)
SECRET_KEY = text("SECRET_KEY") or (local_secret("secret_key") if DEBUG else "")
SECRET_LENGTH = 50
if not DEBUG and (len(SECRET_KEY) < SECRET_LENGTH or SECRET_KEY.startswith("django-insecure-")):
    refuse_secret("SECRET_KEY", f"a secret of at least {SECRET_LENGTH} characters, needed when DEBUG=False")
ALLOWED_HOSTS = hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = origins("CSRF_TRUSTED_ORIGINS", r"(\*\.)?")

INSTALLED_APPS = [
    # Only for `runserver`, which it makes an ASGI server: its Twisted would cost every other process 20 MB.
    *(["daphne"] if "runserver" in sys.argv else []),
    "config.apps.StaffConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rates",
    "dashboard",
]
MIDDLEWARE = [
    "rates.forwarded.forwarded_scheme",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Pages only: WhiteNoise answers before these, with what it has compressed once.
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    # Django's CommonMiddleware, with which probes may use any Host.
    "rates.api.probes.ProbeFriendlyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "dashboard.not_found.own_not_found",
    "rates.database_down.DatabaseDownMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {"default": database("DATABASE_URL", DATA_DIR / "db.sqlite3")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    with own_files():
        open_data_dir()
        Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        check_writable(Path(DATABASES["default"]["NAME"]))
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        **DATABASES["default"].get("OPTIONS", {}),
    }
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
else:
    # Seconds (the second: milliseconds) until a host that is gone is given up, in the middle of a query too; otherwise
    # a tick would wait for minutes, and a stream for hours.
    gone = {"connect_timeout": 2, "tcp_user_timeout": 2000, "keepalives_idle": 2, "keepalives_interval": 1}
    DATABASES["default"]["OPTIONS"] = gone | DATABASES["default"].get("OPTIONS", {})

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "dashboard" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
# The path that the service is mounted at behind a proxy, such as /prices.
RATES_ROOT_PATH = root_path("RATES_ROOT_PATH")
FORCE_SCRIPT_NAME = RATES_ROOT_PATH or None
STATIC_URL = f"{RATES_ROOT_PATH}/static/"
STATIC_ROOT = BASE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "config.static.StaticStorage"
    },
}
# Static files come from the applications too, so that every way to start works before `collectstatic`.
WHITENOISE_USE_FINDERS = True
warnings.filterwarnings("ignore", message="No directory at")
# WhiteNoise hands out files by sync iterators; under ASGI Django says so once per file.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

# Safety


# Believe X-Forwarded-For and X-Forwarded-Proto.
TRUSTED_PROXY = switch("TRUSTED_PROXY", False)
# People reach the service by https: cookies never travel without it, and browsers are told to remember that.
HTTPS = switch("HTTPS", not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Of another service on the same host, none of them.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = RATES_ROOT_PATH or "/"
if HTTPS:
    SECURE_HSTS_SECONDS = 365 * 86400
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
if TRUSTED_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Only behind a proxy that says how a request came can we send people from http to https without going in circles;
# elsewhere that is the job of whoever ends TLS.
SECURE_SSL_REDIRECT = HTTPS and TRUSTED_PROXY
SECURE_REDIRECT_EXEMPT = [
    rf"^{re.escape(f'{RATES_ROOT_PATH}/{name}'.lstrip('/'))}$" for name in ("healthz", "readyz", "metrics")
]
SILENCED_SYSTEM_CHECKS = [] if SECURE_SSL_REDIRECT else ["security.W008"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}
# Who may show the embeddable card in a frame: sources of `frame-ancestors`, such as https://www.example.com, or *.
RATES_EMBED_ANCESTORS = ancestors("RATES_EMBED_ANCESTORS", "*")

# Redis: shared memory, channel layer, broker


REDIS_URL = redis_url("REDIS_URL")
REDIS_HOST = host("REDIS_HOST", "")
REDIS_PORT = whole("REDIS_PORT", "6379", 1, 65535)
REDIS_PASSWORD = text("REDIS_PASSWORD")
# What every key, group and queue in Redis, and the plain channel, begin with: two deployments can share one Redis.
RATES_NAMESPACE = text("RATES_NAMESPACE", "rates")
if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", RATES_NAMESPACE):
    refuse("RATES_NAMESPACE", RATES_NAMESPACE, "up to 40 of a-z, A-Z, 0-9 and . _ -, such as rates-staging")
# The plain Redis channel that carries the map of prices.
REDIS_CHANNEL = text("REDIS_CHANNEL", f"{RATES_NAMESPACE}_update")
if not (REDIS_URL or REDIS_HOST) and DEBUG:
    REDIS_URL = embedded_redis.address()
elif not REDIS_URL:
    secret = f":{quote(REDIS_PASSWORD, safe='')}@" if REDIS_PASSWORD else ""
    REDIS_URL = f"redis://{secret}{in_url(REDIS_HOST or '127.0.0.1')}:{REDIS_PORT}/0"
# A Redis of its own for the channel layer; empty: the one above.
RATES_LAYER_URL = redis_url("RATES_LAYER_URL")
REDIS_DATABASE = database_number(REDIS_URL)
# Where Sentinel says who the master is, or empty.
REDIS_SENTINEL = sentinel(REDIS_URL)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "config.channel_layer.PatientLayer",
        "CONFIG": {"hosts": [channel_host(RATES_LAYER_URL or REDIS_URL)], "prefix": RATES_NAMESPACE},
    },
}

# Rates


# CoinGecko ids that an empty coin list starts with.
SUPPORTED_COINS = words("SUPPORTED_COINS", "bitcoin,ethereum,solana,stellar")
for coin in SUPPORTED_COINS:
    if not re.fullmatch(r"[a-z0-9._-]{1,100}", coin):
        refuse("SUPPORTED_COINS", coin, "CoinGecko's API ids, such as bitcoin or avalanche-2, comma-separated")
# What prices are in.
QUOTE_CURRENCY = currency("QUOTE_CURRENCY", "usd")
# What they are offered in too.
RATES_CURRENCIES = currencies("RATES_CURRENCIES", "usd,eur,gbp,jpy,chf,cad,aud")
# Seconds between ticks.
RATES_REFRESH_INTERVAL = number("RATES_REFRESH_INTERVAL", "5", 0.5, 3600)
# Updates kept per coin.
RATES_HISTORY_LENGTH = whole("RATES_HISTORY_LENGTH", "50", 2, 10000)
# Days that candles of a minute and of an hour are kept; those of a day are kept for ever.
RATES_CANDLES_1M_DAYS = whole("RATES_CANDLES_1M_DAYS", "7", 1, 3650)
RATES_CANDLES_1H_DAYS = whole("RATES_CANDLES_1H_DAYS", "730", 7, 36500)
# Who may be asked on a tick, in order of preference.
SOURCES = ("coingecko", "binance", "kraken", "simulated")
RATES_SOURCES = words("RATES_SOURCES", "coingecko,binance,kraken", SOURCES)
if "simulated" in RATES_SOURCES and RATES_SOURCES != ["simulated"]:
    refuse("RATES_SOURCES", ",".join(RATES_SOURCES), "simulated alone, or real sources without it")
# Exchange streams kept open by `manage.py stream_rates`, in order of preference.
STREAMS = ("binance", "kraken", "off")
RATES_STREAM = words("RATES_STREAM", "off" if RATES_SOURCES == ["simulated"] else "binance,kraken", STREAMS)
if "off" in RATES_STREAM:
    if RATES_STREAM != ["off"]:
        refuse("RATES_STREAM", ",".join(RATES_STREAM), "off alone, or a list of binance, kraken")
    RATES_STREAM = []
# Seconds: the shortest time between two publications from the stream.
RATES_STREAM_INTERVAL = number("RATES_STREAM_INTERVAL", "1", 0.05, 60)
# Seconds without a confirmation from its source until a coin is stale; a stream confirms with its publications.
RATES_STALE_AFTER = number(
    "RATES_STALE_AFTER", str(max(15.0, 3 * RATES_REFRESH_INTERVAL, 3 * RATES_STREAM_INTERVAL)), 1, 86400
)
# Below that, prices would be stale before they can be confirmed, and streams count as silent between two publications.
soonest = max(RATES_REFRESH_INTERVAL, 2 * RATES_STREAM_INTERVAL if RATES_STREAM else 0)
if soonest >= RATES_STALE_AFTER:
    refuse(
        "RATES_STALE_AFTER",
        text("RATES_STALE_AFTER"),
        f"a number above {soonest:g}: above RATES_REFRESH_INTERVAL={RATES_REFRESH_INTERVAL:g} and twice "
        f"RATES_STREAM_INTERVAL={RATES_STREAM_INTERVAL:g}; or nothing, which means three intervals",
    )

COINGECKO_API_URL = url("COINGECKO_API_URL", "https://api.coingecko.com/api/v3/simple/price", ("http", "https"))
COINGECKO_API_KEY, COINGECKO_PLAN = coingecko_key("COINGECKO_API_KEY", "COINGECKO_PLAN")
# Calls a month that the plan pays for; None: no such limit is kept.
COINGECKO_MONTHLY_CREDITS = (
    whole("COINGECKO_MONTHLY_CREDITS", "", 1, 10**9) if text("COINGECKO_MONTHLY_CREDITS") else None
)
BINANCE_WS_API_URL = url("BINANCE_WS_API_URL", "wss://ws-api.binance.com:443/ws-api/v3", ("ws", "wss"))
BINANCE_STREAM_URL = url("BINANCE_STREAM_URL", "wss://data-stream.binance.vision", ("ws", "wss"))
KRAKEN_WS_URL = url("KRAKEN_WS_URL", "wss://ws.kraken.com/v2", ("ws", "wss"))
# REST APIs with historical candles; CoinGecko's is that of its prices.
BINANCE_API_URL = url("BINANCE_API_URL", "https://data-api.binance.vision", ("http", "https"))
KRAKEN_API_URL = url("KRAKEN_API_URL", "https://api.kraken.com", ("http", "https"))
# The European Central Bank's daily file, a slow third opinion on currencies; empty: not asked for.
ECB_RATES_URL = optional_url(
    "ECB_RATES_URL", "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml", ("http", "https")
)
# Whether gaps, and the past of new coins, are fetched from the vendors.
RATES_BACKFILL = choice("RATES_BACKFILL", "on", ("on", "off")) == "on"

# The way to all of them.
HTTP_PROXY, HTTPS_PROXY = proxy("HTTP_PROXY"), proxy("HTTPS_PROXY")
NO_PROXY = no_proxy("NO_PROXY")
# Authorities that are trusted instead of the system's.
REQUESTS_CA_BUNDLE = certificates("REQUESTS_CA_BUNDLE")
# OpenSSL reads this one by itself. It ignores a file that does not exist, and takes an empty name for one.
if not certificates("SSL_CERT_FILE"):
    os.environ.pop("SSL_CERT_FILE", None)

# Percent: sources within this of each other agree.
RATES_AGREEMENT_PCT = number("RATES_AGREEMENT_PCT", "2", 0.01, 50)
# Percent: a change beyond this from the last good price must be confirmed before it is published.
RATES_MAX_JUMP_PCT = number("RATES_MAX_JUMP_PCT", "10", 0.1, 1000)

# The socket


RATES_WS_AUTH = choice("RATES_WS_AUTH", "public", ("public", "jwt"))
RATES_JWT_ALGORITHM = choice("RATES_JWT_ALGORITHM", "HS256", ("HS256", "RS256", "ES256"))
# A shared secret, or a public key as PEM text.
RATES_JWT_KEY = jwt_key("RATES_JWT_KEY", RATES_JWT_ALGORITHM)
if DEBUG and not RATES_JWT_KEY and RATES_JWT_ALGORITHM == "HS256":
    RATES_JWT_KEY = local_secret("jwt_key")
RATES_JWT_AUDIENCE = text("RATES_JWT_AUDIENCE")
RATES_JWT_ISSUER = text("RATES_JWT_ISSUER")
# Extra origins whose pages may open sockets and read the API; * stands for all of them.
RATES_ALLOWED_ORIGINS = origins("RATES_ALLOWED_ORIGINS", or_any=True)
# Sockets, per web process.
RATES_MAX_CONNECTIONS = whole("RATES_MAX_CONNECTIONS", "10000", 1, 1000000)
RATES_MAX_CONNECTIONS_PER_IP = whole("RATES_MAX_CONNECTIONS_PER_IP", "200", 1, 1000000)
# Seconds: a socket hears from us at least this often.
RATES_HEARTBEAT = 10

# The API


# Who may read it: anybody, or who may open a socket with RATES_WS_AUTH=jwt.
RATES_API_AUTH = choice("RATES_API_AUTH", "public", ("public", "jwt"))
# Who may see pages, embedded cards and badges: anybody, or whoever is logged in.
RATES_PAGES_AUTH = choice("RATES_PAGES_AUTH", "public", ("public", "login"))
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "dashboard:login", "dashboard:board", "dashboard:login"
if RATES_PAGES_AUTH == "login":
    MIDDLEWARE.append("dashboard.login.LoginMiddleware")
# Requests a minute for one address, in each web process; 0: no limit.
RATES_API_RATE = whole("RATES_API_RATE", "600", 0, 10**9)
for name, value in {"RATES_WS_AUTH": RATES_WS_AUTH, "RATES_API_AUTH": RATES_API_AUTH}.items():
    if value == "jwt" and not RATES_JWT_KEY:
        refuse("RATES_JWT_KEY", "", f"the key that checks tokens, needed with {name}=jwt")

# What /metrics wants as `Authorization: Bearer ...`; empty: anybody may read it.
METRICS_TOKEN = text("METRICS_TOKEN")
if METRICS_TOKEN and not re.fullmatch(r"[\x21-\x7e]{16,}", METRICS_TOKEN):
    refuse_secret("METRICS_TOKEN", "a secret of at least 16 characters without spaces, or nothing")

# Processes


HOST = host("HOST", "127.0.0.1")
PORT = whole("PORT", "8000", 1, 65535)
# Web processes.
WEB_CONCURRENCY = whole("WEB_CONCURRENCY", "1", 1, 256)

CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_BROKER_USE_SSL = broker_tls(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    # A master that hangs while Sentinel has made another one is noticed within this and the timeout.
    "health_check_interval": 5,
    # Seconds until a tick that a killed worker had fetched is handed to another. It has expired by then and is dropped;
    # or it claims a slot like any other.
    "visibility_timeout": 60,
    **broker_sentinel(REDIS_URL),
    # With the default, the names are Celery's own, so that processes of an earlier release share its queue.
    **({} if RATES_NAMESPACE == "rates" else {"global_keyprefix": f"{RATES_NAMESPACE}:broker:"}),
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Reconnects once a second, and pauses while Redis refuses to write; Celery has settings for neither.
CELERY_WORKER_CONSUMER = "config.celery.consumer:Consumer"
# A Redis that refuses to write (a replica after a failover, a full disk) must not end the worker.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
# Ticks are short and one at a time, so one child is enough. Prefork, because only a child process can be ended when a
# tick hangs: the time limits below do not work with threads. A subclass, because after an outage Celery's own pool
# enforces that limit on a child whose task has finished.
CELERY_WORKER_POOL = "config.celery.pool:TaskPool"
CELERY_WORKER_CONCURRENCY = 1
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# Results would fill Redis, and nobody reads them.
CELERY_TASK_IGNORE_RESULT = True
# Seconds: a tick never outlives its interval. Below 4 s this only catches what its own deadlines did not. No soft one:
# its signal is sent without a look whether the tick has ended meanwhile, and would end a child that is idle again.
CELERY_TASK_TIME_LIMIT = min(max(0.8 * RATES_REFRESH_INTERVAL, 3.0), 30.0) + 1
CELERY_TIMEZONE = "UTC"
# Plans by the monotonic clock, so that a step of the wall clock does not stop it. Its one entry needs no memory, so
# there is no schedule file that could be damaged.
CELERY_BEAT_SCHEDULER = "config.celery.beat:MonotonicScheduler"

# Logs


LOG_LEVEL = choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = choice("LOG_FORMAT", "console", ("console", "json"))
# What neither logs nor error pages show.
SECRETS = (
    SECRET_KEY,
    REDIS_PASSWORD,
    *passwords_in(REDIS_URL),
    *passwords_in(RATES_LAYER_URL),
    COINGECKO_API_KEY,
    *passwords_in(HTTP_PROXY),
    *passwords_in(HTTPS_PROXY),
    RATES_JWT_KEY,
    METRICS_TOKEN,
    str(DATABASES["default"].get("PASSWORD", "")),
    *(str(value) for name, value in DATABASES["default"]["OPTIONS"].items() if "password" in name),
)
# Seven lines of Celery, for which `config.celery.application` has one.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
LOGGING = logging_configuration(LOG_LEVEL, LOG_FORMAT, SECRETS)
LOGGING_CONFIG = "config.logging.configure"
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.error_pages.SecretsFilter"

refuse_misspelt_names(in_file)
