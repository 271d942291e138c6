"""What a release is made of: packages without known vulnerabilities, a version in one place, an archive that runs."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import rates

ROOT = Path(__file__).resolve().parent.parent


class Advisories(BaseHTTPRequestHandler):
    """A stand-in for OSV's `/v1/query`, which knows one vulnerability of Django."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        package = {"name": "django", "ecosystem": "PyPI"}
        events = [{"introduced": "0"}, {"fixed": "99.0"}]
        hole = {
            "id": "PYSEC-2099-1", "modified": "2026-11-24T00:00:00Z", "summary": "a hole",
            "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
        }  # fmt: skip
        body = json.dumps({"vulns": [hole]} if name == "django" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def advisories() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def audit(address: str, cache: Path) -> "subprocess.CompletedProcess[str]":
    command = [ROOT / ".ci/audit", "--vulnerability-service", "osv", "--osv-url", address, "--cache-dir", cache,
               "--timeout", "5"]  # fmt: skip
    environment = os.environ | {"NO_PROXY": "127.0.0.1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_a_known_vulnerability_fails_and_names_its_package(advisories: str, tmp_path: Path) -> None:
    done = audit(advisories, tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"django \S+ PYSEC-2099-1 is fixed in 99\.0\n", done.stdout)


def test_a_database_that_cannot_be_reached_is_one_line_and_no_failure(tmp_path: Path) -> None:
    done = audit("http://127.0.0.1:9/v1/query", tmp_path)
    assert done.returncode == 0
    assert re.fullmatch(r"Vulnerabilities were not looked for: .+\n", done.stdout)


def test_the_version_is_in_one_place_and_has_its_entry_in_the_changelog() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", rates.__version__)
    assert [path.name for path in ROOT.glob("*.toml") if f'version = "{rates.__version__}"' in path.read_text()] == []
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == "Unreleased" or headings[0].startswith(rates.__version__)
