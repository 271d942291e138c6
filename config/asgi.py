"""The ASGI application, for every server: uvicorn, daphne, `runserver`."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()

from config import local  # noqa: E402 - reads the settings
from config.root_path import below_root, strip_root  # noqa: E402 - reads the settings
from rates import garbage_collection  # noqa: E402 - models need the loaded apps
from rates.checks import refuse_bad_settings  # noqa: E402 - models need the loaded apps
from rates.fanout import drain  # noqa: E402 - models need the loaded apps
from rates.fanout.hub import get_hub  # noqa: E402 - models need the loaded apps
from rates.routing import open_gate, websocket_urlpatterns  # noqa: E402 - models need the loaded apps

# Servers that are started by hand know nothing of this folder, and run no checks of Django's.
local.prepare()
refuse_bad_settings()


async def lifespan(_scope: Any, receive: Any, send: Any) -> None:
    """Listen from the server's start to its end."""
    while True:
        kind = (await receive())["type"]
        if kind == "lifespan.shutdown":
            await get_hub().stop()
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


router = ProtocolTypeRouter(
    {"http": open_gate(below_root(http)), "websocket": URLRouter(websocket_urlpatterns), "lifespan": lifespan}
)


def start() -> None:
    """Make this process a web process: listen to publications, and be ready for SIGTERM."""
    get_hub().start()
    drain.install(get_hub())
    garbage_collection.freeze_startup_heap()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve *scope*; the process starts with the first one, because not every server announces its start."""
    if not get_hub().started:
        start()
    await router(strip_root(scope), receive, send)
