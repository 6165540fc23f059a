"""nginx as a reverse proxy that does TLS with client certificates, on files of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tests.services import process
from tests.services.pki import Pki


class NginxAbsent(Exception):
    """nginx is not on this machine."""


@contextmanager
def in_front_of(socket: Path, directory: Path, pki: Pki, clients: Path) -> Iterator[str]:
    """The URL of a proxy that verifies certificates of the authorities in `clients` and states them to `socket`.

    Raises NginxAbsent.
    """
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise NginxAbsent("nginx is not installed (Debian: nginx-light)")
    directory.mkdir(parents=True, exist_ok=True)
    port = process.free_port()
    configuration, log = directory / "nginx.conf", directory / "nginx.log"
    scratch = "".join(
        f"    {kind}_temp_path {directory / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration.write_text(
        f"""daemon off;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_max_body_size 0;
{scratch}
    upstream feuillet {{ server unix:{socket}; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {pki.server.certificate};
        ssl_certificate_key {pki.server.key};
        ssl_client_certificate {clients};
        ssl_verify_client on;
        ssl_verify_depth 3;
        location / {{
            proxy_pass http://feuillet;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Host $host:{port};
            proxy_set_header Client-Cert $ssl_client_escaped_cert;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""
    )
    running = process.start([program, "-c", configuration, "-e", "stderr", "-p", directory], log=log)
    url = f"https://127.0.0.1:{port}"

    def answers() -> bool:
        with suppress(requests.ConnectionError):
            return requests.get(url, verify=str(pki.ca), cert=pki.client.files, timeout=5).status_code > 0
        return False

    try:
        process.wait_until(answers, running, log=log)
        yield url
    finally:
        process.stop(running)
