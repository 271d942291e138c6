"""
`RATES_ROOT_PATH`: the service below a path of its host, such as `/prices`, whether the proxy strips that path or not.

    /prices/coins/BTC/ or /coins/BTC/ ─► routed as /coins/BTC/ ─► Django makes links that begin with /prices
"""

from typing import Any

from django.conf import settings


def strip_root(scope: dict[str, Any]) -> dict[str, Any]:
    """Return *scope* with its path as it is without a root path."""
    root: str = settings.RATES_ROOT_PATH
    path = scope.get("path", "")
    if not root or not (path == root or path.startswith(f"{root}/")):
        return scope
    return {**scope, "root_path": "", "path": path.removeprefix(root) or "/"}


def below_root(application: Any) -> Any:
    """Return Django's *application*, which gets every path with the root path in front, and makes its links so."""

    async def mounted(scope: dict[str, Any], receive: Any, send: Any) -> None:
        root: str = settings.RATES_ROOT_PATH
        if root:
            scope = {**scope, "root_path": root, "path": f"{root}{scope['path']}"}
        await application(scope, receive, send)

    return mounted
