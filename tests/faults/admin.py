"""Staff who work in the admin of a running system, by HTTP as a browser does it."""

import re
from html import unescape
from http.cookiejar import CookieJar
from typing import Self
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from tests.faults.processes import System

LIST = "/admin/rates/coin/"
BOUNDARY = "a-line-that-is-in-no-file"


class Staff:
    """Somebody who is logged in."""

    def __init__(self, system: System) -> None:
        self._url = f"http://{system.address}"
        self._cookies = CookieJar()
        self._rows: dict[str, str] = {}
        self._opener = build_opener(HTTPCookieProcessor(self._cookies))

    @classmethod
    def log_in(cls, system: System) -> Self:
        """Make an account, and log in with it."""
        system.manage(
            "createsuperuser", "--noinput", "--username", "staff", "--email", "a@example.com",
            DJANGO_SUPERUSER_PASSWORD="correct horse battery",
        )  # fmt: skip
        staff = cls(system)
        staff.get("/admin/login/")
        status, page = staff.post("/admin/login/", username="staff", password="correct horse battery", next=LIST)
        assert status == 200, page
        rows = re.findall(r'value="(\d+)" class="action-select" aria-label="[^"]*\((\w+)\)"', page)
        staff._rows = {symbol: number for number, symbol in rows}
        return staff

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body."""
        return self._ask(Request(self._url + path))

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Send a form."""
        body = urlencode({**fields, "csrfmiddlewaretoken": self._token()}).encode()
        return self._ask(Request(self._url + path, data=body, headers={"Referer": self._url + path}))

    def _token(self) -> str:
        return next(str(cookie.value) for cookie in self._cookies if cookie.name == "csrftoken")

    def bring_in(self, file: str) -> tuple[int, str]:
        """Import a CSV: choose it, look at the preview, confirm."""
        path = f"{LIST}import/"
        self.get(path)
        head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
        token = f'{head}"csrfmiddlewaretoken"\r\n\r\n{self._token()}\r\n'
        body = f'{token}{head}"file"; filename="coins.csv"\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n'
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Referer": self._url + path}
        _, preview = self._ask(Request(self._url + path, data=body.encode(), headers=kind))
        signed = re.search(r'name="confirm" value="([^"]+)"', preview)
        assert signed, preview
        return self.post(path, confirm=unescape(signed[1]))

    def switch(self, symbol: str, on: bool) -> tuple[int, str]:
        """Put a coin on the board, or take it off."""
        return self.post(LIST, action="enable" if on else "disable", _selected_action=self._rows[symbol])

    def _ask(self, request: Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
