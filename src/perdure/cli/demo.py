"""`perdure demo`: runs an unmodified program against a server that ends with it."""

import asyncio
import os
import shutil
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from perdure.cli import demo_settings, logs
from perdure.cli.server import end_like_interrupt, open_server, run
from perdure.cli.terminal import tell
from perdure.errors import ConfigurationError
from perdure.settings import Settings
from perdure.urls import without_password

_SECONDS_TO_END = 5


def demo(program: list[str] | None, flags: Mapping[str, object], *, tls: bool = False) -> int:
    """Runs the program, or the quickstart, against a server of its own. Returns the exit code."""
    arguments = _runnable(program or [str(_quickstart())])
    with tempfile.TemporaryDirectory(prefix="perdure-demo-") as folder:
        settings = demo_settings.choose(Path(folder), flags, tls=tls)
        logs.configure(settings)
        code = run(lambda: _demo(settings, arguments))
    _say(f"server stopped, data removed, the program's exit code is {code}")
    return code


async def _demo(settings: Settings, arguments: list[str]) -> int:
    end_like_interrupt()
    async with open_server(settings, takes_signals=False) as server, asyncio.TaskGroup() as group:
        answering = group.create_task(server.run_until_stopped())
        await server.ready.wait()
        _say(f"server answers at {server.url}/v1, the model is {_model(settings)}")
        for name in demo_settings.skipped_webhooks(settings):
            _say(f"the webhook {name} is left out: it leads away from this machine")
        environment = {
            **os.environ,
            **demo_settings.environment(server.url, settings),
            "PYTHONUNBUFFERED": "1",
            **_trusting(settings.tls_cert),
        }
        _say(f"running: {' '.join(arguments)}")
        async with _started(arguments, environment) as process:
            code = await process.wait()
        server.stop()
        await answering
    return code if code >= 0 else 128 - code


@asynccontextmanager
async def _started(
    arguments: list[str], environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process that does not outlive the block."""
    process = await asyncio.create_subprocess_exec(*arguments, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_SECONDS_TO_END):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _trusting(cert: Path | None) -> dict[str, str]:
    """Returns the variables that make a program trust the certificate, besides what it trusted
    before: those of Python's ssl and httpx, requests, curl and Node.
    """
    if cert is None:
        return {}
    bundle = cert.with_name("bundle.pem")
    known = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    before = Path(known).read_bytes() if known and Path(known).is_file() else b""
    bundle.write_bytes(before + b"\n" + cert.read_bytes())
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return {**dict.fromkeys(names, str(bundle)), "NODE_EXTRA_CA_CERTS": str(cert)}


def _model(settings: Settings) -> str:
    if settings.model_base_url:
        return f"served by {without_password(settings.model_base_url)}"
    return "the scripted one (--model-base-url names another)"


def _runnable(program: list[str]) -> list[str]:
    is_python = program[0].endswith(".py")
    if not (Path(program[0]).is_file() if is_python else shutil.which(program[0])):
        raise ConfigurationError(f"There is no program {program[0]}.")
    return [sys.executable, *program] if is_python else program


def _quickstart() -> Path:
    """Returns the example: in the package when installed, in `examples/` of a checkout."""
    if find_spec("openai") is None:
        raise ConfigurationError(
            "The quickstart needs the official SDK: pip install openai, or name a program of yours."
        )
    package = Path(__file__).parent
    checkout = package.parents[2] / "examples" / "quickstart.py"
    return checkout if checkout.is_file() else package / "quickstart.py"


def _say(text: str) -> None:
    tell(f"demo: {text}")
