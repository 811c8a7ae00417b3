"""The proxies of `deploy/`, started as they are shipped: only addresses, ports and files differ."""

import os
import shutil
import ssl
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from perdure.tls.self_signed import Made
from tests.durability.nodes import free_port
from tests.patience import PATIENCE_SECONDS, wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
_NAME = "perdure.example.com"
_LETS_ENCRYPT = f"/etc/letsencrypt/live/{_NAME}"
# What the system's own file has around those of conf.d.
_NGINX = """
daemon off;
error_log stderr warn;
pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/perdure.conf;
}}
"""
_CADDY = """
{{
    admin off
    persist_config off
    skip_install_trust
    auto_https disable_redirects
    storage file_system {folder}/storage
}}
"""


def program(name: str) -> str:
    """The path of a program of the system, or of the environment of the tests. Skips the test where
    there is none.
    """
    # Debian has nginx where only root's path leads.
    path = f"{sysconfig.get_path('scripts')}:{os.environ.get('PATH', '')}:/usr/sbin"
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is not installed: it is not tested here")
    return found


def substitute(text: str, *changes: tuple[str, str]) -> str:
    """The text with each change made; what is changed must be there once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(folder: Path, servers: Sequence[str], tls: Made) -> Iterator[str]:
    """The URL of nginx with `deploy/nginx.conf` before two servers, of `host:port` each."""
    folder.mkdir()
    port = free_port()
    first, second = servers
    configuration = substitute(
        (DEPLOY / "nginx.conf").read_text(encoding="utf-8"),
        ("10.0.0.11:7373", first),
        ("10.0.0.12:7373", second),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        (f"{_LETS_ENCRYPT}/fullchain.pem", str(tls.cert)),
        (f"{_LETS_ENCRYPT}/privkey.pem", str(tls.key)),
    )
    (folder / "perdure.conf").write_text(configuration, encoding="utf-8")
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder), encoding="utf-8")
    # It reports to a log of its own until it has read its settings.
    command = [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(settings)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr, checked.stderr
    with _running(command, folder, f"https://127.0.0.1:{port}", tls) as url:
        yield url


@contextmanager
def caddy(folder: Path, servers: Sequence[str], tls: Made) -> Iterator[str]:
    """The URL of Caddy with `deploy/Caddyfile` before these servers; the certificate is `tls`'s."""
    folder.mkdir()
    port = free_port()
    domain = "{$DOMAIN:localhost} {"
    shipped = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    # Where it is shipped it gets a certificate by itself.
    configuration = substitute(shipped, (domain, f"{domain}\n\ttls {tls.cert} {tls.key}"))
    settings = folder / "Caddyfile"
    settings.write_text(_CADDY.format(folder=folder) + configuration, encoding="utf-8")
    command = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(settings)]
    environment = {
        "DOMAIN": f"https://127.0.0.1:{port}",
        "SERVERS": " ".join(servers),
        "HOME": str(folder),
    }
    with _running(command, folder, environment["DOMAIN"], tls, environment) as url:
        yield url


PROXIES = {"nginx": nginx, "caddy": caddy}


@contextmanager
def _running(
    command: list[str], folder: Path, url: str, tls: Made, environment: dict[str, str] | None = None
) -> Iterator[str]:
    """Runs a proxy until the end of the block; it is entered when a server answers through it."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    trusting = ssl.create_default_context(cafile=str(tls.cert))

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        # It is refused, or told by a proxy that has not found a server yet.
        with (
            suppress(HTTPError, OSError),
            urlopen(f"{url}/health", context=trusting, timeout=PATIENCE_SECONDS) as answer,
        ):
            return bool(answer.status == 200)
        return False

    try:
        wait_until(answers)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
