"""`deploy/nginx.conf` as it runs outside a container: nothing is changed but ports, folders and the name server."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def make_certificate(folder: Path, name: str = "rates.example.com") -> Path:
    """Write `fullchain.pem`, which is its own authority, and `privkey.pem`; return the former."""
    chain = folder / "fullchain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
               "-keyout", folder / "privkey.pem", "-out", chain]  # fmt: skip
    subprocess.run(command, capture_output=True, check=True)
    return chain


def local_configuration(folder: Path, http: int = 8080, https: int = 8443, web: int = 8000, names: int = 53) -> Path:
    """Write the configuration for these ports; *folder* has the certificate."""
    changes = {
        "listen 80 ": f"listen 127.0.0.1:{http} ",
        "listen 443 ": f"listen 127.0.0.1:{https} ",
        "/etc/nginx/tls": str(folder),
        "/tmp/nginx.pid": f"{folder}/nginx.pid",
        "resolver 127.0.0.11 ": f"resolver 127.0.0.1:{names} ",
        "http://web:8000": f"http://web:{web}",
        "http {": "http {" + "".join(f"\n    {kind}_temp_path {folder}/{kind};" for kind in TEMPORARY),
    }
    text = (ROOT / "deploy/nginx.conf").read_text()
    for old, new in changes.items():
        assert old in text, f"deploy/nginx.conf has no {old!r} any more"
        text = re.sub(re.escape(old), lambda _, new=new: new, text)
    path = folder / "nginx.conf"
    path.write_text(text)
    return path
