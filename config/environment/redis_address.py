"""
The address of Redis, and what each of its three users makes of it: our own client, the channel layer, Celery's broker.

    redis://user:secret@host:6379/0
    rediss://user:secret@host:6379/0?ssl_ca_certs=/path/to/ca.pem      also ssl_certfile and ssl_keyfile
    unix:///path/to.sock?db=0
    sentinel://user:secret@host1:26379,host2:26379/mymaster/0?sentinel_password=secret
    sentinels://…                                   the same over TLS, to sentinels and servers; options as with rediss://
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.connection import ConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from config.environment.addresses import is_address, without_secrets
from config.environment.readers import refuse, text

FORMS = (
    "redis://host:6379/0, rediss://host:6379/0, unix:///path/to.sock, sentinel://host1:26379,host2:26379/mymaster/0 or "
    "the same with sentinels://"
)
TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
TLS_OPTIONS = (*TLS_FILES, "ssl_check_hostname", "ssl_cert_reqs")
SENTINEL_SCHEMES = ("sentinel", "sentinels")
SENTINEL_PORT = 26379
# Seconds. Sentinels are asked in turn, each whenever a connection is made, so each must answer or fail soon.
SENTINEL_TIMEOUT = 1.0

# redis-py's own defaults must not be relied on: see docs/operations.md, "Redis".
CHANNEL_OPTIONS: Mapping[str, Any] = {
    # Seconds. Finite, or a frozen Redis would hang a publisher for ever; under 6, which is the longest that any call
    # may take. The pub/sub layer polls, so no read of it waits for long on purpose.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 10,
    # A second publication does no harm (it carries a number), and without this the first call after a restart of Redis
    # fails. Timeouts are not retried: they have cost their seconds already.
    "retry": AsyncRetry(ExponentialBackoff(cap=0.5, base=0.05), 3, supported_errors=(RedisConnectionError,)),
}


def redis_url(name: str) -> str:
    """Return the address in the variable *name*; empty when there is none."""
    value = text(name)
    if value and not _is_usable(value):
        refuse(name, without_secrets(value), FORMS)
    if "protocol" in _options(value):
        refuse(name, without_secrets(value), "an address without protocol=: Celery's client has no such option")
    for option, path in _options(value).items():
        if option in TLS_FILES and not Path(path).is_file():
            refuse(name, f"…{option}={path}", "the path of a file that can be read")
    return value


def _is_usable(value: str) -> bool:
    if value.startswith("unix://"):
        return len(value) > len("unix://")
    if urlsplit(value).scheme in SENTINEL_SCHEMES:
        try:
            return bool(sentinel(value)["master_name"]) and _knows_options(value)
        except ValueError:
            return False
    return is_address(value, ("redis", "rediss")) and _can_be_connected_to(value)


def _options(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def _knows_options(url: str) -> bool:
    """Return whether every option of the sentinels' *url* means something."""
    tls = {name: value for name, value in _options(url).items() if name != "sentinel_password"}
    return not tls or (
        _has_tls(url) and tls.keys() <= set(TLS_OPTIONS) and _can_be_connected_to(f"rediss://x?{urlencode(tls)}")
    )


def _has_tls(url: str) -> bool:
    return urlsplit(url).scheme in ("rediss", "sentinels")


def _can_be_connected_to(url: str) -> bool:
    """Return whether the client knows every option of *url*; nothing is connected here."""
    try:
        int(urlsplit(url).path.strip("/") or 0)
        ConnectionPool.from_url(url).make_connection()
    except (TypeError, ValueError, RedisError):
        return False
    return True


def sentinel(url: str, retry: type = Retry) -> dict[str, Any]:
    """
    Return the parts of an address of sentinels, named as `channels_redis` wants them; empty for any other.

    Raises:
        ValueError: when it cannot be read.
    """
    parts = urlsplit(url)
    if parts.scheme not in SENTINEL_SCHEMES:
        return {}
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    master, _, database = parts.path.strip("/").partition("/")
    tls = {"ssl": True, **_tls_options(url)} if _has_tls(url) else {}
    return {
        "sentinels": [_place(place) for place in places.split(",")],
        "master_name": unquote(master),
        "sentinel_kwargs": {
            "password": _options(url).get("sentinel_password"),
            "socket_timeout": SENTINEL_TIMEOUT,
            "socket_connect_timeout": SENTINEL_TIMEOUT,
            "retry": retry(NoBackoff(), 0),
            **tls,
        },
        "db": int(database or 0),
        "username": unquote(user) or None,
        "password": unquote(password) or None,
        **tls,
    }


def _place(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError(place)
    return parts.hostname, parts.port or SENTINEL_PORT


def database_number(url: str) -> int:
    """Return the number of the database at *url*."""
    parts = urlsplit(url)
    path = parts.path.strip("/").rpartition("/")[2] if parts.scheme in SENTINEL_SCHEMES else parts.path.strip("/")
    chosen = _options(url).get("db") or ("" if parts.scheme == "unix" else path)
    return int(chosen) if chosen.isdecimal() else 0


def channel_host(url: str) -> dict[str, Any]:
    """Return the host of the channel layer."""
    keepalive = {} if url.startswith("unix://") else {"socket_keepalive": True}
    return {**(sentinel(url, AsyncRetry) or {"address": url}), **CHANNEL_OPTIONS, **keepalive}


def broker_url(url: str) -> str:
    """Return the address as Celery writes it; what stood behind its question mark is in the other settings."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={_options(url).get('db', '0')}"
    if known := sentinel(url):
        login = f"{quote(known['username'] or '', safe='')}:{quote(known['password'] or '', safe='')}@"
        hosts = (f"[{host}]" if ":" in host else host for host, _ in known["sentinels"])
        ports = (port for _, port in known["sentinels"])
        head = login if known["password"] else ""
        return ";".join(f"sentinel://{head}{h}:{p}/{known['db']}" for h, p in zip(hosts, ports, strict=True))
    database = _options(url).get("db")
    return parts._replace(path=f"/{database}" if database else parts.path, query="").geturl()


def broker_tls(url: str) -> dict[str, Any] | None:
    """Return Celery's TLS options; None without TLS."""
    return _tls_options(url) if _has_tls(url) else None


def _tls_options(url: str) -> dict[str, Any]:
    chosen = {name: value for name, value in _options(url).items() if name in TLS_OPTIONS}
    if "ssl_check_hostname" in chosen:
        return {"ssl_cert_reqs": "required", **chosen, "ssl_check_hostname": chosen["ssl_check_hostname"] != "false"}
    return {"ssl_cert_reqs": "required", **chosen}


def broker_sentinel(url: str) -> dict[str, Any]:
    """Return what Celery's transport must know of the sentinels; empty without."""
    return {name: value for name, value in sentinel(url).items() if name in ("master_name", "sentinel_kwargs")}
