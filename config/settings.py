"""
Everything that differs between deployments, read from the environment (names: README, "Settings").

A `.env` file in the project's root is read too; real environment variables win.
"""

from pathlib import Path
from urllib.parse import quote

from config.environment import choice, env, number, refuse, switch, url, whole, words

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / "var"
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

# --- Django ----------------------------------------------------------------------------------------------------------

DEBUG = switch("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    refuse("SECRET_KEY", "", "a secret of at least 50 characters (`make run` makes one for this machine)")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS", "")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rates",
    "dashboard",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "dashboard" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static"

# --- Redis: shared memory, channel layer, broker -----------------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="").strip()
REDIS_HOST = env.str("REDIS_HOST", default="").strip()
REDIS_PORT = whole("REDIS_PORT", "6379", 1, 65535)
REDIS_PASSWORD = env.str("REDIS_PASSWORD", default="")
# The plain Redis channel that carries the map of prices.
REDIS_CHANNEL = env.str("REDIS_CHANNEL", default="rates_update").strip() or "rates_update"
if not REDIS_URL:
    secret = f":{quote(REDIS_PASSWORD, safe='')}@" if REDIS_PASSWORD else ""
    REDIS_URL = f"redis://{secret}{REDIS_HOST or '127.0.0.1'}:{REDIS_PORT}/0"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 5, "socket_connect_timeout": 2}]},
    },
}

# --- Rates -------------------------------------------------------------------------------------------------------------

# CoinGecko ids that an empty coin list starts with.
SUPPORTED_COINS = words("SUPPORTED_COINS", "bitcoin,ethereum,solana,stellar")
# What prices are in.
QUOTE_CURRENCY = env.str("QUOTE_CURRENCY", default="usd").strip().lower() or "usd"
# Seconds between ticks.
RATES_REFRESH_INTERVAL = number("RATES_REFRESH_INTERVAL", "5", 0.5, 3600)
# Seconds without a confirmation from its source until a coin is stale.
RATES_STALE_AFTER = number("RATES_STALE_AFTER", str(max(15.0, 3 * RATES_REFRESH_INTERVAL)), 1, 86400)
# Updates kept per coin.
RATES_HISTORY_LENGTH = whole("RATES_HISTORY_LENGTH", "50", 2, 10000)
# Who may be asked on a tick, in order of preference.
SOURCES = ("coingecko", "binance", "kraken", "simulated")
RATES_SOURCES = words("RATES_SOURCES", "coingecko,binance,kraken", SOURCES)
if not RATES_SOURCES:
    refuse("RATES_SOURCES", "", "a comma-separated list of " + ", ".join(SOURCES))
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

COINGECKO_API_URL = url("COINGECKO_API_URL", "https://api.coingecko.com/api/v3/simple/price", ("http", "https"))
COINGECKO_API_KEY = env.str("COINGECKO_API_KEY", default="").strip()
COINGECKO_PLAN = choice("COINGECKO_PLAN", "demo", ("demo", "pro"))
# Calls a month that the plan pays for; None: no such limit is kept.
COINGECKO_MONTHLY_CREDITS = (
    whole("COINGECKO_MONTHLY_CREDITS", "", 1, 10**9) if env.str("COINGECKO_MONTHLY_CREDITS", default="") else None
)
BINANCE_WS_API_URL = url("BINANCE_WS_API_URL", "wss://ws-api.binance.com:443/ws-api/v3", ("ws", "wss"))
BINANCE_STREAM_URL = url("BINANCE_STREAM_URL", "wss://data-stream.binance.vision", ("ws", "wss"))
KRAKEN_WS_URL = url("KRAKEN_WS_URL", "wss://ws.kraken.com/v2", ("ws", "wss"))

# Percent: sources within this of each other agree.
RATES_AGREEMENT_PCT = number("RATES_AGREEMENT_PCT", "2", 0.01, 50)
# Percent: a change beyond this from the last good price must be confirmed before it is published.
RATES_MAX_JUMP_PCT = number("RATES_MAX_JUMP_PCT", "10", 0.1, 1000)

# --- The socket --------------------------------------------------------------------------------------------------------

RATES_WS_AUTH = choice("RATES_WS_AUTH", "public", ("public", "jwt"))
RATES_JWT_KEY = env.str("RATES_JWT_KEY", default="", multiline=True)
RATES_JWT_ALGORITHM = choice("RATES_JWT_ALGORITHM", "HS256", ("HS256", "RS256", "ES256"))
RATES_JWT_AUDIENCE = env.str("RATES_JWT_AUDIENCE", default="")
RATES_JWT_ISSUER = env.str("RATES_JWT_ISSUER", default="")
# Extra origins that browsers may connect from.
RATES_ALLOWED_ORIGINS = words("RATES_ALLOWED_ORIGINS", "")
# Sockets, per web process.
RATES_MAX_CONNECTIONS = whole("RATES_MAX_CONNECTIONS", "10000", 1, 1000000)
RATES_MAX_CONNECTIONS_PER_IP = whole("RATES_MAX_CONNECTIONS_PER_IP", "200", 1, 1000000)
# Believe X-Forwarded-For and X-Forwarded-Proto.
TRUSTED_PROXY = switch("TRUSTED_PROXY", False)
# Seconds: a socket hears from us at least this often.
RATES_HEARTBEAT = 10

HOST = env.str("HOST", default="127.0.0.1").strip() or "127.0.0.1"
PORT = whole("PORT", "8000", 1, 65535)
# Web processes.
WEB_CONCURRENCY = whole("WEB_CONCURRENCY", "1", 1, 256)

LOG_LEVEL = choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = choice("LOG_FORMAT", "console", ("console", "json"))
