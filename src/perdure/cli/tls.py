"""`perdure tls`: a certificate for a laptop, and the instructions for clients to trust it."""

import json
import shlex
import time
from collections.abc import Iterable
from pathlib import Path

from perdure import settings
from perdure.cli.terminal import line, say
from perdure.tls import self_signed as maker

_DAY_SECONDS = 86_400
_SAID = """\
The certificate is {cert}
and its key {key}
It is for {names}, until {expiry}.

Let the server use it, in perdure.toml:

    tls_cert = {cert_in_toml}
    tls_key = {key_in_toml}

Clients have to trust it. Python (openai, httpx), Node and curl do with these variables:

    export SSL_CERT_FILE={cert_in_shell}
    export NODE_EXTRA_CA_CERTS={cert_in_shell}
    export CURL_CA_BUNDLE={cert_in_shell}

SSL_CERT_FILE and CURL_CA_BUNDLE take the place of what the system trusts. `perdure chat` and the
other commands trust it by themselves where these settings are, and elsewhere with --ca-cert.
"""


def self_signed(
    folder: Path | None,
    names: Iterable[str],
    *,
    days: int,
    data_dir: Path | None,
    config: Path | None,
) -> None:
    """Makes the two files, and prints their use. Raises `ConfigurationError`."""
    chosen = settings.load(data_dir=data_dir, config=config)
    now = time.time()
    where = (folder or chosen.data_dir / "tls").absolute()
    made = maker.make(where, names=names, days=days, now=now)
    expiry = time.strftime("%Y-%m-%d", time.gmtime(now + days * _DAY_SECONDS))
    cert, key = str(made.cert), str(made.key)
    said = _SAID.format(
        cert=line(cert),
        key=line(key),
        names=", ".join(made.names),
        expiry=expiry,
        # a string in TOML is one in JSON
        cert_in_toml=json.dumps(cert),
        key_in_toml=json.dumps(key),
        cert_in_shell=shlex.quote(cert),
    )
    say(said, nl=False)
