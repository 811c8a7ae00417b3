"""Sessions in the kernels of a real Kernel Gateway: what is wrong there is said in a sentence, and
what comes from there is bounded and believed as little as possible.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from perdure import sandboxes, settings
from perdure.errors import ConfigurationError
from perdure.sandbox.gateway.sandbox import GatewaySandbox
from perdure.sandbox.gateway.session import GatewaySession
from perdure.sandbox.sandbox import (
    MIB,
    FileRefused,
    Image,
    Output,
    SessionFile,
    SessionLimits,
    SessionLost,
)
from tests.cli.processes import perdure
from tests.patience import PATIENCE_SECONDS
from tests.sandbox.gateway_process import KERNEL, GatewayProcess
from tests.sandbox.talk import ON, STUBBORN, Shared, content, printed, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LIMITS = SessionLimits(disk_bytes=4 * MIB, image_bytes=MIB, grace_seconds=PATIENCE_SECONDS)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def remote(gateway: GatewayProcess) -> AsyncIterator[GatewaySandbox]:
    """The gateway's kernels, with less room, so that a test costs less of it."""
    sandbox = gateway.sandbox(limits=_LIMITS)
    yield sandbox
    await sandbox.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(remote: GatewaySandbox) -> Shared[GatewaySession]:
    return Shared(remote.start)


@pytest_asyncio.fixture(loop_scope="module")
async def session(shared: Shared[GatewaySession]) -> GatewaySession:
    """A living session, which may have run code."""
    return await shared.session()


async def refusal(sandbox: GatewaySandbox) -> str:
    """The sentence with which a session does not start."""
    try:
        with pytest.raises(ConfigurationError) as refused:
            await sandbox.start()
    finally:
        await sandbox.close()
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def kernels(gateway: GatewayProcess) -> set[str]:
    """The ids of the kernels that live."""
    headers = {"Authorization": f"token {gateway.token.get_secret_value()}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        while True:
            async with http.get(f"{gateway.url}/api/kernels") as answer:
                if answer.status == 200:  # else it is about to have one that it does not find yet
                    return {kernel["id"] for kernel in await answer.json()}


async def test_the_settings_choose_the_gateway_and_never_this_machine_in_its_place(
    gateway: GatewayProcess,
) -> None:
    chosen = settings.only(code_gateway_url="http://127.0.0.1:9/", code_gateway_token="t")
    place = sandboxes.connect(chosen)
    assert isinstance(place, GatewaySandbox)
    said = await refusal(place)
    assert said.startswith("The code interpreter's gateway http://127.0.0.1:9 cannot be reached: ")


async def test_a_gateway_that_does_not_take_the_token_is_told_without_the_token(
    gateway: GatewayProcess,
) -> None:
    for token in (SecretStr("wrong-one"), None):
        said = await refusal(GatewaySandbox(gateway.url, token=token))
        assert said == (
            f"The code interpreter's gateway {gateway.url} does not take the token: correct "
            "code_gateway_token."
        )


async def test_a_kernel_that_there_is_not_is_told_with_those_that_there_are(
    gateway: GatewayProcess,
) -> None:
    said = await refusal(gateway.sandbox("spark"))
    assert said.startswith(
        f"The code interpreter's gateway {gateway.url} has no kernel 'spark', only: no-folder, pod,"
    )


@pytest.mark.parametrize(
    ("kernel", "problem"),
    [
        ("no-folder", "/mnt/data cannot be used: No such file or directory"),
        ("read-only", "/mnt/data cannot be used: Read-only file system"),
        ("shared", "/mnt/data is not empty, so kernels seem to share it"),
    ],
)
async def test_a_kernel_without_a_data_folder_of_its_own_is_refused_and_ended(
    gateway: GatewayProcess, kernel: str, problem: str
) -> None:
    before = await kernels(gateway)
    assert await refusal(gateway.sandbox(kernel)) == (
        f"The code interpreter cannot use the kernel {kernel!r} of the gateway {gateway.url}: "
        f"{problem}."
    )
    assert await kernels(gateway) == before


async def test_what_answers_and_is_no_gateway_is_told() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await refusal(GatewaySandbox(url)) == (
            f"What answers at code_gateway_url, {url}, is no Jupyter Kernel Gateway."
        )


async def test_a_start_that_is_given_up_leaves_no_kernel(
    gateway: GatewayProcess, remote: GatewaySandbox
) -> None:
    before = await kernels(gateway)
    for there in (False, True):
        starting = asyncio.create_task(remote.start())
        await asyncio.sleep(0)
        while there and await kernels(gateway) == before:
            pass
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    assert await kernels(gateway) == before


async def test_names_of_the_user_are_left_alone(session: GatewaySession) -> None:
    code = "print([name for name in dir() if not name.startswith('_')], __name__)"
    fresh = await printed(session, code)
    assert re.fullmatch(r"\['In', 'Out', .*'exit', 'get_ipython', .*'quit'\] __main__", fresh)
    await run(session, "import builtins\nname = exec = eval = None\n")
    await session.put("given", b"x")
    assert await content(session, "given") == b"x"


async def test_output_without_end_is_cut_and_ends_with_the_time(session: GatewaySession) -> None:
    code = "import itertools\nfor n in itertools.count(): print(f'{n:01000}')"
    ran = await run(session, code, overtime_after=256 * 1024)
    assert len(ran.text) == 256 * 1024
    assert "more bytes of text" in ran.notes
    assert ran.end.timed_out
    assert await printed(session, "print('still here')") == "still here"


async def test_images_are_weighed_and_checked(session: GatewaySession) -> None:
    code = """
from IPython.display import display
import base64
png = b"\\x89PNG\\r\\n\\x1a\\n"
for data in (base64.b64encode(png + b"good").decode(), "R0lGODlh", "no base64!"):
    display({"image/png": data, "text/plain": "?"}, raw=True)
display({"image/png": base64.b64encode(png + bytes(1 << 20)).decode()}, raw=True)
"""
    ran = await run(session, code)
    assert ran.images == [Image("image/png", b"\x89PNG\r\n\x1a\ngood")]
    assert ran.notes == "[An image was left out: it is none, or too large.]\n" * 2 + (
        "[Left out, because an execution may not show so much: 1 more images, or too large ones.]"
    )


async def test_text_arrives_without_escapes_and_control_characters(session: GatewaySession) -> None:
    code = r"""
import os
print("\x1b[31mred\x1b[0m \x1b]0;title\x07and\x00 \x08bell\x07 tab\tend\r")
print("no text: \udcff \U0001f600", flush=True)
_ = os.write(1, b"bytes: \xff\xfe\x00\n")
"""
    ran = await run(session, code)
    assert ran.text == "red and bell tab\tend\nno text: \ufffd 😀\nbytes: \ufffd\ufffd\n"


# The code has the key of its kernel, so it can say all that a kernel can.
_FORGER = """
import sys
kernel = get_ipython().kernel
parent = kernel.get_parent()
def say(kind, content, of=parent, **more):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=of, **more)
def reply(content, of=parent):
    ident = kernel._parent_ident["shell"]
    kernel.session.send(kernel.shell_stream, "execute_reply", content, parent=of, ident=ident)
"""


_SENSELESS = """
say("stream", {"name": "stdout", "text": {}})
say("stream", {"name": "host", "text": "x"})
say("error", {"traceback": 5})
say("display_data", {"data": []})
say("display_data", {"data": {"image/png": 5}})
say("status", {})
say("status", {"execution_state": "dead"})
say("execute_reply", {"status": "ok"})
say("stream", {"name": "stdout", "text": "of nothing"}, of={})
say("stream", {"name": "stdout", "text": "of another"}, of={"header": {"msg_id": "x"}})
say("comm_open", {"data": 1}, buffers=[b"x" * 1000])
reply({"status": "ok"}, of={"header": {"msg_id": "x"}})
print("end")
"""


async def test_messages_without_sense_are_passed_over(session: GatewaySession) -> None:
    assert (await run(session, _FORGER + _SENSELESS)).text == "end\n"
    assert await printed(session, "print('still here')") == "still here"


async def test_a_forged_end_is_the_end_of_the_output_and_of_nothing_else(
    session: GatewaySession,
) -> None:
    """Code may say that it has ended; it still has the kernel, and has lost its reader."""
    code = f"""{_FORGER}
import time
print("first", flush=True)
reply({{"status": "ok"}})
say("status", {{"execution_state": "idle"}})
time.sleep(0.7)
print("second", flush=True)
"""
    ran = await run(session, code)
    assert ran.text.splitlines()[0] == "first"
    assert await printed(session, "print('still here')") == "still here"


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        "5",
        "{'files': [['x', -1, 0]], 'left_out': 0}",
        "{'files': [['x', 1, 0]] * 1001, 'left_out': 0}",
    ],
)
async def test_what_answers_without_sense_about_files_ends_the_session(
    shared: Shared[GatewaySession], answer: str
) -> None:
    session = await shared.session()
    code = f"""
import sys
inside = sys.modules["perdure_inside.service"]
inside.files = lambda most: inside.JsonOutput(**{answer}) if {answer} != 5 else 5
"""
    with pytest.raises(SessionLost, match=r"The Python process answers without sense\."):
        await run(session, code)
    assert session.lost is not None


async def test_a_file_that_does_not_end_is_taken_as_far_as_it_may_go(
    session: GatewaySession,
) -> None:
    await run(
        session,
        """
import base64, sys
inside = sys.modules["perdure_inside.service"]
def get(name, offset, most):
    return inside.JsonOutput(data=base64.b64encode(bytes(most)).decode())
inside.get = get
""",
    )
    assert len(await content(session, "any")) == 4 * MIB
    await run(
        session, "inside.get = lambda name, offset, most: inside.JsonOutput(data='no base64!')"
    )
    with pytest.raises(SessionLost, match="larger than it may be"):
        await content(session, "any")


async def test_a_file_with_holes_is_a_file(session: GatewaySession) -> None:
    """So are compressed ones, on file systems that compress."""
    await run(session, "import os; os.truncate(os.open('holes', os.O_CREAT | os.O_RDWR), 1 << 20)")
    assert SessionFile("holes", MIB) in await session.files()
    assert await content(session, "holes") == bytes(MIB)
    await run(session, "os.unlink('holes')")


async def test_files_do_not_outgrow_their_room(session: GatewaySession) -> None:
    before = await session.files()
    with pytest.raises(FileRefused, match="big does not fit into the code interpreter: No space"):
        await session.put("big", bytes(4 * MIB + 1))
    assert await session.files() == before
    await session.put("big", bytes(3 * MIB))
    await session.put("big", bytes(4 * MIB - sum(file.size for file in before)))
    await run(session, "import os; os.unlink('big')")


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/b", "", "..", "line\nend"])
async def test_a_name_that_leads_elsewhere_is_refused(session: GatewaySession, name: str) -> None:
    with pytest.raises(FileRefused):
        await session.put(name, b"")


async def test_links_and_pipes_are_no_files(session: GatewaySession) -> None:
    code = """
import os
os.symlink("/etc/passwd", "link")
os.mkfifo("pipe")
os.symlink("/etc", "folder")
"""
    ran = await run(session, code)
    assert ran.changed == []
    assert "3 things in /mnt/data are not offered as files" in ran.notes
    for name in ("link", "pipe", "folder/passwd"):
        with pytest.raises(FileRefused, match="cannot be read"):
            await content(session, name)
    await session.put("link", b"mine")
    assert await content(session, "link") == b"mine"
    await run(session, "for name in ('link', 'pipe', 'folder'): os.unlink(name)")


async def test_too_much_at_once_ends_the_session(shared: Shared[GatewaySession]) -> None:
    session = await shared.session()
    code = f"{_FORGER}\nsay('display_data', {{'data': {{'text/plain': 'x' * (33 << 20)}}}})"
    with pytest.raises(SessionLost, match="It wrote too much at once"):
        await run(session, code)


async def test_code_that_no_interrupt_stops_ends_with_its_kernel(
    gateway: GatewayProcess, shared: Shared[GatewaySession]
) -> None:
    session = await shared.session()
    before = await kernels(gateway)
    code = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("on", flush=True)
while True: pass
"""
    session._limits = session._limits._replace(grace_seconds=0.3)
    with pytest.raises(SessionLost, match=re.escape(STUBBORN)):
        await run(session, code, overtime_after=len(ON))
    assert len(before - await kernels(gateway)) == 1


async def test_a_kernel_that_dies_is_told_and_not_replaced(
    gateway: GatewayProcess, shared: Shared[GatewaySession]
) -> None:
    session = await shared.session()
    before = await kernels(gateway)
    with pytest.raises(SessionLost, match=r"The Python process ended unexpectedly\."):
        await run(session, "import os\nos.kill(os.getpid(), 9)")
    await session.close()
    assert len(before - await kernels(gateway)) == 1


async def test_a_kernel_that_somebody_else_ends_is_lost_at_the_next_look(
    shared: Shared[GatewaySession],
) -> None:
    """As the gateway does with idle ones, if it is told to."""
    session = await shared.session()
    await session._client.look()
    assert session.lost is None
    await session._client.kernel.delete()
    await session._client.look()
    with pytest.raises(SessionLost, match=r"The gateway of the code interpreter has ended it\."):
        await run(session, "1")


async def test_the_doctor_finds_what_is_open(gateway: GatewayProcess, tmp_path: Path) -> None:
    """These kernels are isolated by nothing."""
    ended = await asyncio.to_thread(
        perdure,
        "doctor",
        cwd=tmp_path,
        environment={
            "COLUMNS": "600",
            "PERDURE_CODE_GATEWAY_URL": gateway.url,
            "PERDURE_CODE_GATEWAY_TOKEN": gateway.token.get_secret_value(),
            "PERDURE_CODE_GATEWAY_KERNEL": KERNEL,
        },
    )
    said = " ".join(ended.stdout.split())
    assert ended.stderr == ""
    assert f"warn code the gateway {gateway.url} started a kernel in " in said
    assert ", which does not isolate well: " in said
    assert "; the root file system can be written to (readOnlyRootFilesystem);" in said
    assert "; code reaches the gateway" in said
    assert gateway.token.get_secret_value() not in said


async def test_the_doctor_tells_of_a_gateway_that_is_away(tmp_path: Path) -> None:
    ended = await asyncio.to_thread(
        perdure,
        "doctor",
        cwd=tmp_path,
        environment={"COLUMNS": "600", "PERDURE_CODE_GATEWAY_URL": "http://127.0.0.1:9"},
    )
    said = " ".join(ended.stdout.split())
    assert (
        "warn code no code interpreter: The code interpreter's gateway http://127.0.0.1:9 cannot "
        "be reached: "
    ) in said


async def test_a_gateway_that_starts_again_in_the_middle_has_lost_the_session(
    gateway: GatewayProcess, shared: Shared[GatewaySession], remote: GatewaySandbox
) -> None:
    session = await shared.session()
    seen: list[Output] = []

    async def see() -> None:
        code = "print(1, flush=True)\nimport time\nwhile True: time.sleep(1)"
        async with aclosing(session.execute(code, seconds=10 * PATIENCE_SECONDS)) as outputs:
            async for output in outputs:
                seen.append(output)
                await asyncio.to_thread(gateway.kill)

    with pytest.raises(
        SessionLost, match=r"The gateway of the code interpreter closed the connection\."
    ):
        await asyncio.wait_for(see(), PATIENCE_SECONDS)
    assert len(seen) == 1
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        await remote.start()
    await asyncio.to_thread(gateway.start)
    assert await printed(await shared.session(), "print('back')") == "back"
