"""`make samples`: the samples of azure-ai-agents, as they are, against a server with TLS.

    python -m tests.samples [PART_OF_A_NAME]

They come out of the source package, which is fetched once and never a part of this project. Only
the endpoint and the credential are ours, and an image and a table that the package lacks. The
scripted model answers. `expected.toml` lists the
samples that cannot pass, with the reason. The exit code is 1 if another one fails, or if one of
these passes.
"""

import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID

from PIL import Image

from perdure.clock import SystemClock
from perdure.tls import self_signed
from tests.cli.processes import clean, serving
from tests.patience import PATIENCE_SECONDS

_RELEASE = "azure-ai-agents==1.2.0b6"
# What the samples import besides; the client that comes with the projects is the same.
_BESIDE = (
    *("azure-ai-projects==1.0.0", "aiohttp", "azure-core-tracing-opentelemetry"),
    *("azure-monitor-opentelemetry", "jsonref", "pydantic", "pyyaml", "requests"),
)
_HERE = Path(__file__).parent
_CACHE = _HERE.parents[1] / ".cache" / "samples"
_PACKAGES, _SOURCE = _CACHE / "packages", _CACHE / "source"
# What those that ask how to trace are answered.
_NO_TRACES = "4\n"
_TABLE = "Sector,Operating_Profit\nTRANSPORTATION,1\nENERGY,2\n"
# What is beside the samples in their folder.
_BESIDE_SAMPLES = {"utils", "__init__.py"}
_AT_ONCE = 2
# Some say of a run that failed, and go on.
_FAILED = re.compile(r"run failed|did not succeed|run\w* \w*status: \S*failed", re.IGNORECASE)
# What samples of Azure's services want to know before they ask anything.
_NAMES = (
    *("AZURE_BLOB_URI", "AZURE_DATASET_NAME", "AZURE_DATASET_VERSION"),
    *("AZURE_PLAYWRIGHT_CONNECTION_ID", "BING_CONFIGURATION_NAME"),
    *("AZURE_PLAYWRIGHT_CONNECTION_NAME", "BING_CONNECTION_NAME", "BING_CUSTOM_CONNECTION_NAME"),
    *("BING_RESOURCE_NAME", "DEEP_RESEARCH_MODEL_DEPLOYMENT_NAME", "FABRIC_CONNECTION_NAME"),
    *("PROJECT_OPENAPI_CONNECTION_NAME", "SHAREPOINT_CONNECTION_NAME", "STORAGE_QUEUE_URI"),
    *("STORAGE_SERVICE_ENDPONT", "SUBSCRIPTION_ID"),
)
# A monitor that nobody answers for.
_NO_MONITOR = f"InstrumentationKey={UUID(int=0)};IngestionEndpoint=http://127.0.0.1:9"


class _Ended(NamedTuple):
    name: str
    has_passed: bool
    said: str


def main(part: str) -> int:
    """Runs those whose path has this part; the exit code."""
    _fetch()
    folder = next(_SOURCE.glob("*/samples"))
    found = [path for path in sorted(folder.rglob("*.py")) if not _BESIDE_SAMPLES & {*path.parts}]
    names = [str(path.relative_to(folder)) for path in found]
    expected = tomllib.loads((_HERE / "expected.toml").read_text(encoding="utf-8"))["cannot_pass"]
    wrong = 0
    passed = 0
    with TemporaryDirectory(prefix="perdure-samples-") as work:
        made = self_signed.make(Path(work, "tls"), names=(), days=1, now=SystemClock().now())
        tls = {"PERDURE_TLS_CERT": str(made.cert), "PERDURE_TLS_KEY": str(made.key)}
        with serving(Path(work, "data"), environment=tls) as served:
            environment = _environment(served.url, folder.parent, made.cert)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                chosen = [name for name in names if part in name]
                for ended in pool.map(partial(_run, folder, environment), chosen):
                    passed += ended.has_passed
                    as_expected = ended.has_passed == (ended.name not in expected)
                    wrong += not as_expected
                    print(_line(ended, expected, as_expected=as_expected), flush=True)
    print(f"{passed} of {len(chosen)} samples pass; {wrong} not as expected")
    return 1 if wrong or set(expected) - set(names) else 0


def _fetch() -> None:
    """The source package with the samples, and what they import; kept for the next time."""
    if (_CACHE / "done").is_file():
        return
    _pip("install", "--target", str(_PACKAGES), "--upgrade", _RELEASE, *_BESIDE)
    name = _RELEASE.partition("=")[0]
    _pip("download", "--no-deps", "--no-binary", name, "--dest", str(_CACHE), _RELEASE)
    (archive,) = _CACHE.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        source.extractall(_SOURCE, filter="data")
    for folder in _SOURCE.glob("*/samples/assets"):
        Image.new("RGB", (64, 64), "green").save(folder / "image_file.png")
        (folder / "synthetic_500_quarterly_results.csv").write_text(_TABLE)
    (_CACHE / "done").touch()


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments, "--quiet"], check=True)


def _environment(url: str, root: Path, cert: Path) -> dict[str, str]:
    paths = (_HERE / "credential", _PACKAGES, root)
    return clean(
        {
            **dict.fromkeys(_NAMES, "none"),
            "APPLICATIONINSIGHTS_CONNECTION_STRING": _NO_MONITOR,
            "PROJECT_ENDPOINT": f"{url}/api/projects/samples",
            "MODEL_DEPLOYMENT_NAME": "scripted",
            "PYTHONPATH": ":".join(map(str, paths)),
            "REQUESTS_CA_BUNDLE": str(cert),
            "SSL_CERT_FILE": str(cert),
        }
    )


def _run(folder: Path, environment: Mapping[str, str], name: str) -> _Ended:
    path = folder / name
    try:
        ended = subprocess.run(
            [sys.executable, str(path)],
            cwd=path.parent,
            env=environment,
            input=_NO_TRACES,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _Ended(name, has_passed=False, said="it does not end")
    failed = ended.returncode != 0 or _FAILED.search(ended.stdout)
    return _Ended(name, not failed, ended.stdout)


def _line(ended: _Ended, expected: Mapping[str, str], *, as_expected: bool) -> str:
    if ended.has_passed:
        return f"pass  {ended.name}" + ("" if as_expected else ": was expected to fail")
    if as_expected:
        return f"-     {ended.name}: {expected[ended.name]}"
    return f"FAIL  {ended.name}:\n{ended.said[-2000:]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
