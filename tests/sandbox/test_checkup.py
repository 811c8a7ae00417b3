"""Where isolation cannot be had, one sentence says so: there is no weaker mode."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure.errors import ConfigurationError
from perdure.sandbox import bubblewrap, checkup, resource_usage, runtime, seal, seccomp
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import Error, Text
from perdure.testing.scripted_sandbox import ScriptedSandbox

_PYTHON = os.path.realpath(sys.executable)
# A bubblewrap that leaves out, or adds, what it is told to.
_WEAKER = """#!{python} -I
import os, sys
said = sys.argv[1:]
if said[0] == "--args":
    with open(int(said[1]), "rb") as file:
        told = file.read().decode().split("\\0")[:-1]
    left_out, added = {left_out!r}, {added!r}
    for argument in left_out:
        if argument in told:
            at = told.index(argument)
            del told[at : at + (2 if argument == "--seccomp" else 1)]
    said = [*told, *added, *said[2:]]
os.execv({bwrap!r}, ["bwrap", *said])
"""


async def refusal(sandbox: LocalSandbox | ScriptedSandbox) -> str:
    """The sentence with which the check fails."""
    try:
        with pytest.raises(ConfigurationError) as refused:
            await checkup.check(sandbox)
    finally:
        await sandbox.close()
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is the whole PATH, and that every user may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        setpriv = shutil.which("setpriv")
        if setpriv is not None:
            Path(folder, "setpriv").symlink_to(setpriv)
        monkeypatch.setenv("PATH", folder)
        yield Path(folder)


def _install(program: Path, text: str) -> None:
    program.write_text(text)
    program.chmod(0o755)


async def test_this_machine_isolates() -> None:
    sandbox = LocalSandbox(warm=False)
    assert (await checkup.check(sandbox)).startswith("a probe in the sandbox reached nothing")
    await sandbox.close()


def test_a_server_that_is_the_first_process_of_a_container_isolates() -> None:
    check = """
import asyncio, os
from perdure.sandbox import checkup
from perdure.sandbox.local import LocalSandbox
assert os.getpid() == 1
print(asyncio.run(checkup.check(LocalSandbox(warm=False))))
"""
    user = [] if os.getuid() == 0 else ["--user", "--map-current-user"]
    ended = subprocess.run(
        ["unshare", *user, "--pid", "--fork", "--mount-proc", _PYTHON, "-c", check],
        env={
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "PATH": os.defpath,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    assert ended.stdout.startswith("a probe in the sandbox reached nothing of this machine")


async def undescribed(sandbox: LocalSandbox) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await sandbox.describe()
    return str(caught.value)


async def test_without_bubblewrap_there_is_no_sandbox(path: Path) -> None:
    sentence = (
        "The code interpreter needs bubblewrap, which is not installed: apt install bubblewrap, "
        "dnf install bubblewrap, or whatever your system has."
    )
    assert await refusal(LocalSandbox()) == sentence
    assert await undescribed(LocalSandbox()) == sentence


async def test_an_old_bubblewrap_is_refused(path: Path) -> None:
    _install(path / "bwrap", "#!/bin/sh\necho bubblewrap 0.6.1\n")
    assert await refusal(LocalSandbox()) == (
        f"The code interpreter needs bubblewrap 0.8 or newer; {path}/bwrap says 'bubblewrap 0.6.1'."
    )


async def test_a_machine_that_forbids_namespaces_is_told_with_bubblewraps_words(
    path: Path,
) -> None:
    words = "bwrap: No permissions to create new namespace"
    _install(
        path / "bwrap",
        '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit\n'
        f"echo {words} >&2\nexit 1",
    )
    sentence = f"The code interpreter's sandbox does not start on this machine: {words}"
    assert await refusal(LocalSandbox()) == sentence
    assert await undescribed(LocalSandbox()) == sentence


@pytest.mark.parametrize(
    ("left_out", "added", "problem"),
    [
        (["--unshare-net"], [], "it has a network"),
        ([], ["--cap-add", "CAP_NET_RAW"], "it has rights of the system"),
        (["--seccomp"], [], "its system calls are not filtered"),
        ([], ["--ro-bind", "{folder}", "{folder}"], "it reads a file of this machine"),
        ([], ["--tmpfs", "/"], None),
    ],
)
async def test_isolation_with_a_hole_is_found_by_trying(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    left_out: list[str],
    added: list[str],
    problem: str | None,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(path))  # where the check lays out its file
    added = [argument.format(folder=path) for argument in added]
    bwrap = shutil.which("bwrap", path=os.defpath)
    assert bwrap is not None
    program = _WEAKER.format(python=_PYTHON, bwrap=bwrap, left_out=left_out, added=added)
    _install(path / "bwrap", program)
    said = await refusal(LocalSandbox(warm=False))
    if problem is None:
        assert said.startswith("The code interpreter's sandbox does not start on this machine: ")
    else:
        assert said == (
            f"The code interpreter's sandbox does not isolate on this machine: {problem}."
        )


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("exec sleep 60", "the kernel does not tell which processes there are in it"),
        ("sleep 60 & wait", "its system calls are not filtered"),
    ],
)
def test_processes_that_are_not_shut_in_are_told_from_a_sandbox(program: str, problem: str) -> None:
    """On a kernel that does not tell of children, a sandbox looks like the first of these."""
    with subprocess.Popen(
        ["/bin/sh", "-c", f"echo begun; {program}"],
        stdout=subprocess.PIPE,
        process_group=0,
    ) as first:
        assert first.stdout is not None
        while len(list(resource_usage.processes(first.pid))) <= program.count("&"):
            pass
        assert (seal.flaw(first.pid) or "").startswith(problem)
        os.killpg(first.pid, signal.SIGKILL)


async def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "PACKAGES", (*runtime.PACKAGES, "no_such_one", "nor_this"))
    assert await refusal(LocalSandbox()) == (
        "The code interpreter needs Python packages that are not installed (no_such_one, "
        "nor_this): install Perdure with its extra code-interpreter."
    )


async def test_a_data_folder_that_would_be_seen_is_refused() -> None:
    said = await refusal(LocalSandbox(private=[Path("/usr/share/perdure")]))
    assert said.startswith("The code interpreter would see /usr/share/perdure")
    assert said.endswith("keep it in another folder.")


async def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert await refusal(LocalSandbox()) == (
        "The code interpreter needs Linux: nothing else can isolate it."
    )


async def test_other_processors_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert await refusal(LocalSandbox()) == (
        "The code interpreter has no system call filter: processors of the kind riscv64 are not "
        "supported."
    )


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"token": 1}', "x" * 100])
async def test_a_sandbox_that_does_not_run_the_probe_is_refused(said: str) -> None:
    sandbox = ScriptedSandbox(lambda _: [Text(said, "stdout")])
    assert await refusal(sandbox) == (
        "The code interpreter's sandbox does not run code as it should."
    )


async def test_a_probe_that_fails_is_told() -> None:
    sandbox = ScriptedSandbox(lambda _: [Error("Traceback\nOSError: no")])
    assert await refusal(sandbox) == "The code interpreter's probe failed: OSError: no."


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_a_program_that_the_kernel_can_take(machine: str) -> None:
    """Whole instructions, fewer than the kernel's 4096, and the last one lets pass."""
    program = seccomp.program(machine)
    assert len(program) % 8 == 0
    assert len(program) // 8 < 4096
    assert program[-8:] == bytes.fromhex("06 00 00 00 00 00 ff 7f")


def test_a_server_of_an_ordinary_user_isolates_in_the_same_way() -> None:
    """These tests may run as root; then another user is taken, who can read what Python needs."""
    check = """
import asyncio, os
from perdure.sandbox import checkup
from perdure.sandbox.local import LocalSandbox
assert os.getuid() != 0
print(asyncio.run(checkup.check(LocalSandbox(warm=False))))
"""
    command = [_PYTHON, "-c", check]
    tools, found = bubblewrap.find(), runtime.find()
    if os.getuid() == 0:
        whole = bubblewrap.command(tools, found, arguments=0, program=[])
        command = [*whole[: whole.index("--args") - 1], *command]
    ended = subprocess.run(
        command,
        env={
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "PATH": os.defpath,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    assert ended.stdout.startswith("a probe in the sandbox reached nothing of this machine")
