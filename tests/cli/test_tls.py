"""`perdure serve` over TLS: official clients, a renewal while it runs, what the commands say."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from openai import APIConnectionError, AzureOpenAI, OpenAI

from perdure.clock import SystemClock
from perdure.tls import self_signed, trust
from perdure.tls.self_signed import Made
from tests.cli.processes import Served, clean, perdure, serving
from tests.patience import PATIENCE_SECONDS, wait_until

DAY = 86_400
NOW = SystemClock().now()
AZURE = "2024-05-01-preview"
# Asks with clients that know nothing of TLS but what the environment says.
PROGRAM = f"""
import os, sys
from openai import AzureOpenAI, OpenAI
url = sys.argv[1]
azure = AzureOpenAI(azure_endpoint=url, api_key="any", api_version="{AZURE}")
for client in OpenAI(base_url=url + "/v1", api_key="any"), azure:
    assistant = client.beta.assistants.create(model="scripted")
    thread = client.beta.threads.create(messages=[{{"role": "user", "content": "say: It works."}}])
    given = {{"thread_id": thread.id, "assistant_id": assistant.id}}
    assert client.beta.threads.runs.create_and_poll(**given).status == "completed"
    with client.beta.threads.runs.stream(**given) as stream:
        print("".join(stream.text_deltas))
    content = bytes(range(256)) * 4096
    file = client.files.create(file=("a.bin", content), purpose="assistants")
    assert client.files.content(file.id).read() == content
"""


def made(folder: Path, *, now: float = NOW) -> Made:
    return self_signed.make(folder, names=(), days=30, now=now)


def settings_of(files: Made) -> dict[str, str]:
    return {"PERDURE_TLS_CERT": str(files.cert), "PERDURE_TLS_KEY": str(files.key)}


def day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        capture_output=True, text=True, env=clean(environment), timeout=PATIENCE_SECONDS,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def served(files: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("served") / "data"
    with serving(data, environment=settings_of(files)) as served:
        yield served


def test_the_banner_says_so(served: Served) -> None:
    lines = [" ".join(line.split()) for line in served.banner.splitlines()]
    assert served.url.startswith("https://127.0.0.1:")
    (about,) = [line for line in lines if line.startswith("TLS ")]
    assert about.startswith("TLS for localhost, 127.0.0.1, ")
    assert about.endswith(f"until {day(NOW + 30 * DAY)}")


def test_official_clients_trust_it_by_a_variable(served: Served, files: Made) -> None:
    """As `perdure tls self-signed` says: the SDK, and its client for Azure."""
    ran = run(PROGRAM, served.url, SSL_CERT_FILE=str(files.cert))
    assert (ran.returncode, ran.stdout) == (0, "It works.\nIt works.\n"), ran.stderr


def test_no_client_takes_it_for_good_by_itself(served: Served) -> None:
    plain = OpenAI(base_url=served.base_url, api_key="any", max_retries=0)
    azure = AzureOpenAI(azure_endpoint=served.url, api_key="any", api_version=AZURE, max_retries=0)
    for client in (plain, azure):
        with client, pytest.raises(APIConnectionError) as refused:
            client.models.list()
        assert "CERTIFICATE_VERIFY_FAILED" in repr(refused.value.__cause__)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_node_trusts_it_by_a_variable(served: Served, files: Made) -> None:
    program = f"fetch('{served.url}/health').then(a => a.text()).then(console.log)"
    environment = clean({"NODE_EXTRA_CA_CERTS": str(files.cert)})
    ran = subprocess.run(
        ["node", "-e", program], capture_output=True, text=True, env=environment,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert ran.stdout == '{"status":"ok"}\n', ran.stderr


def shown(served: Served) -> str:
    """The certificate that a new connection gets."""
    host, port = served.url.removeprefix("https://").split(":")
    return ssl.get_server_certificate((host, int(port)))


def until_logged(served: Served, event: str) -> str:
    assert served.process.stderr is not None
    said = ""
    for line in served.process.stderr:
        said += line
        if event in line:
            return said
    raise AssertionError(f"the server ended without {event}:\n{said}")


def test_a_renewal_needs_no_restart_and_breaks_no_stream(tmp_path: Path) -> None:
    files = made(tmp_path / "tls")
    http = httpx2.Client(verify=trust.only(files.cert), timeout=PATIENCE_SECONDS)
    with (
        serving(tmp_path / "data", environment=settings_of(files)) as served,
        OpenAI(base_url=served.base_url, api_key="any", http_client=http) as client,
    ):
        assistant = client.beta.assistants.create(model="scripted")
        message = {"role": "user", "content": "forever\nwait 5 ms"}
        thread = client.beta.threads.create(messages=[message])  # type: ignore[list-item]
        with client.beta.threads.runs.stream(
            thread_id=thread.id, assistant_id=assistant.id
        ) as stream:
            deltas = iter(stream.text_deltas)
            next(deltas)
            before = shown(served)
            made(files.cert.parent)
            wait_until(lambda: shown(served) != before)
            for _ in range(100):
                next(deltas)
        files.key.write_text("broken")
        said = until_logged(served, "tls_not_renewed")
        assert said.index("tls_renewed") < said.index("tls_not_renewed")
        assert shown(served).split() == files.cert.read_text().split()


def test_what_is_no_tls_is_refused_and_nothing_for_the_log(files: Made, tmp_path: Path) -> None:
    plain = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
    with serving(tmp_path / "data", environment=settings_of(files)) as served:
        host, port = served.url.removeprefix("https://").split(":")
        for said in (plain, os.urandom(1000), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b""):
            with socket.create_connection((host, int(port))) as client:
                client.sendall(said)
                client.shutdown(socket.SHUT_WR)
                assert b"HTTP" not in client.recv(1000)
        assert served.drain() == (0, ["draining"])


def test_a_certificate_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    files, other = made(tmp_path / "a"), made(tmp_path / "b")
    for key, said in ((other.key, "do not belong together."), (tmp_path / "x", "cannot be read:")):
        environment = {**settings_of(files), "PERDURE_TLS_KEY": str(key)}
        ended = perdure("serve", "--port", "0", cwd=tmp_path, environment=environment)
        assert ended.returncode == 1
        assert ended.stderr.startswith("perdure: The ")
        assert said in ended.stderr
        assert ended.stderr.count("\n") == 1
    alone = perdure("serve", cwd=tmp_path, environment={"PERDURE_TLS_CERT": str(files.cert)})
    assert alone.stderr == "perdure: tls_cert and tls_key belong together: set both or none.\n"


def findings(folder: Path, port: str, files: Made) -> list[str]:
    """What the doctor says of the certificate and of the server."""
    flags = ("--data-dir", folder / "data", "--port", port)
    environment = {**settings_of(files), "COLUMNS": "400", "PATH": "/nowhere"}
    ended = perdure("doctor", *flags, cwd=folder, environment=environment)
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    return [line for line in lines if line.split()[1] in ("tls", "server")]


def test_the_doctor_sees_the_running_server_and_when_its_certificate_expires(
    served: Served, files: Made, tmp_path: Path
) -> None:
    port = served.url.rpartition(":")[2]
    about, server = findings(tmp_path, port, files)
    assert about.startswith("ok tls the certificate is for localhost, 127.0.0.1, ")
    assert about.endswith(f", until {day(NOW + 30 * DAY)}")
    assert server == f"ok server it runs and answers at {served.url}"
    _, server = findings(tmp_path, port, made(tmp_path / "other"))
    assert server.startswith(f"fail server what answers at {served.url} shows another certificate")


@pytest.mark.parametrize(
    ("now", "state", "said"),
    [
        (NOW - 40 * DAY, "fail", ", and expired on {}"),
        (NOW - 20 * DAY, "warn", ", and expires on {}"),
        (NOW + 5 * DAY, "fail", ", and not good yet"),
    ],
    ids=["expired", "soon", "not yet"],
)
def test_the_doctor_tells_of_a_certificate_that_is_not_good(
    tmp_path: Path, now: float, state: str, said: str
) -> None:
    files = made(tmp_path / "tls", now=now)
    about, _ = findings(tmp_path, "1", files)
    assert about.startswith(f"{state} tls the certificate is for localhost, ")
    assert about.endswith(said.format(day(now + 30 * DAY)))


def test_the_doctor_tells_of_files_that_do_not_fit_and_of_a_key_that_others_can_read(
    tmp_path: Path,
) -> None:
    files, other = made(tmp_path / "a"), made(tmp_path / "b")
    about, _ = findings(tmp_path, "1", Made(files.cert, other.key, ()))
    assert about.startswith(f"fail tls The certificate in {files.cert} and the key in ")
    assert about.endswith(" do not belong together.")
    files.key.chmod(0o644)
    _, about, _ = findings(tmp_path, "1", files)
    assert about == "warn tls others can read or change key.pem (mode 644)"


def chat(*flags: str | Path, cwd: Path, **environment: str) -> tuple[str, str]:
    ended = perdure("chat", *flags, stdin="say: Good day.\n", cwd=cwd, environment=environment)
    return ended.stdout, ended.stderr


def test_commands_trust_the_certificate_of_their_settings_or_the_one_that_is_named(
    served: Served, files: Made, tmp_path: Path
) -> None:
    port, url = served.url.rpartition(":")[2], ("--url", served.url)
    other, gone = made(tmp_path / "other"), tmp_path / "gone"
    own = {"PERDURE_PORT": port}
    assert "Good day." in chat(cwd=tmp_path, **own, **settings_of(files))[0]
    assert "Good day." in chat(*url, "--ca-cert", files.cert, cwd=tmp_path)[0]
    _, refused = chat(*url, cwd=tmp_path)
    assert refused.startswith(
        f"perdure: The certificate of the server at {served.base_url} is not "
    )
    assert refused.endswith("Name the file of one that you trust with --ca-cert.\n")
    assert "is not trusted" in chat(*url, "--ca-cert", other.cert, cwd=tmp_path)[1]
    assert "is not trusted" in chat(cwd=tmp_path, **own, **settings_of(other))[1]
    _, missing = chat(*url, "--ca-cert", gone, cwd=tmp_path)
    assert missing == f"perdure: The file {gone} cannot be read: No such file or directory.\n"


def test_what_self_signed_says_is_all_that_is_needed(tmp_path: Path) -> None:
    """The settings and the variables, as they are printed, also for a folder with a space."""
    data = tmp_path / "my data"
    made = perdure("tls", "self-signed", "--data-dir", data, "--name", "box.example", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "box.example" in made.stdout
    lines = [line.strip() for line in made.stdout.splitlines()]
    settings = [line for line in lines if line.startswith("tls_")]
    exports = [line for line in lines if line.startswith("export ")]
    (tmp_path / "perdure.toml").write_text("\n".join(settings))
    assert (data / "tls" / "key.pem").stat().st_mode & 0o777 == 0o600
    with serving(tmp_path / "data") as served:
        command = [*exports, f'exec {sys.executable} -W ignore -c "$PROGRAM" {served.url}']
        ran = subprocess.run(
            ["/bin/sh", "-c", "\n".join(command)], capture_output=True, text=True,
            env=clean({"PROGRAM": PROGRAM}), timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, "It works.\nIt works.\n"), ran.stderr


def test_the_demo_runs_a_program_over_tls(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    begin = "import os, sys\nsys.argv.append(os.environ['OPENAI_BASE_URL'][:-3])\n"
    program.write_text(f"{begin}{PROGRAM}")
    ran = perdure("demo", "--tls", program, cwd=tmp_path, environment={"PYTHONWARNINGS": "ignore"})
    assert (ran.returncode, ran.stdout) == (0, "It works.\nIt works.\n"), ran.stderr
    assert "demo: server answers at https://127.0.0.1:" in ran.stderr
