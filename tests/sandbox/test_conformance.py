"""What every sandbox must do, whatever it is made of."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

import pytest
import pytest_asyncio

from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import (
    ExecutionEnd,
    FileRefused,
    Output,
    Sandbox,
    Session,
    SessionFile,
    SessionLimits,
    SessionLost,
)
from perdure.sandbox.session import LocalSession
from tests.patience import PATIENCE_SECONDS
from tests.sandbox.gateway_process import GatewayProcess
from tests.sandbox.talk import ON, Shared, content, printed, run

pytestmark = pytest.mark.asyncio(loop_scope="module")


_ENDLESS = "import time\nwhile True: time.sleep(1)"
# Code that is interrupted may take its time to stop.
_LIMITS = SessionLimits(grace_seconds=PATIENCE_SECONDS)
# Wherever Python, IPython or matplotlib look, and may be written to.
_PLACES = """
import glob, os, pathlib
places = [
    *("/tmp/sitecustomize.py", "/tmp/numpy.py", "/tmp/.local/x.pth", "/dev/shm/x"),
    *("/run/ipython/profile_default/startup/0.py", "/run/jupyter/jupyter_config.py"),
    *("/run/matplotlib/matplotlibrc", "/run/matplotlib/x", "/run/kernel-2.json"),
]
lists = sorted(glob.glob("/run/matplotlib/fontlist*"))
"""
_POISON = f"""{_PLACES}
for place in [*places, *lists]:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "a") as file:
        file.write("poison")
print(bool(lists))
"""
_POISONED = f"""{_PLACES}
print([place for place in places if os.path.exists(place)],
    bool(lists) and not any("poison" in pathlib.Path(place).read_text() for place in lists))
"""


@pytest_asyncio.fixture(
    loop_scope="module",
    scope="module",
    params=["bubblewrap", "gateway"],
)
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Each implementation that runs code."""
    place: Sandbox
    if request.param == "bubblewrap":
        place = LocalSandbox(_LIMITS)
    else:
        gateway: GatewayProcess = request.getfixturevalue("gateway")
        place = gateway.sandbox(limits=_LIMITS, warm=True)
    yield place
    await place.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(sandbox: Sandbox) -> Shared[Session]:
    return Shared(partial(sandbox.start, warm=True))


@pytest_asyncio.fixture(loop_scope="module")
async def session(shared: Shared[Session]) -> Session:
    """A living session, which may have run code."""
    return await shared.session()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def others(sandbox: Sandbox) -> Shared[Session]:
    """A session beside the shared one: fresh for the first test that asks for it."""
    return Shared(partial(sandbox.start, warm=True))


async def test_it_says_what_isolates(sandbox: Sandbox) -> None:
    said = await sandbox.describe()
    if isinstance(sandbox, LocalSandbox):
        assert said == "bubblewrap on this machine"
    else:
        assert re.fullmatch(r"the Jupyter gateway http://127\.0\.0\.1:\d+, kernel pod", said)


async def test_what_the_code_prints_comes_in_order(session: Session) -> None:
    ran = await run(session, "for n in range(3): print(n)\n'last'")
    assert ran.text == "0\n1\n2\n'last'\n"
    assert (ran.errors, ran.images, ran.notes) == ([], [], "")
    assert ran.end == ExecutionEnd(timed_out=False, changed=())


async def test_output_arrives_while_the_code_runs(session: Session) -> None:
    code = f"print('first', flush=True)\n{_ENDLESS}"
    async with aclosing(session.execute(code, seconds=10 * PATIENCE_SECONDS)) as outputs:
        first = await asyncio.wait_for(anext(outputs), PATIENCE_SECONDS)
    assert getattr(first, "text", None) == "first\n"


async def test_what_programs_write_at_the_very_end_is_not_lost(session: Session) -> None:
    code = "import os, subprocess\nsubprocess.run(['echo', '{0}'])\n_ = os.write(2, b'err {0}\\n')"
    for number in range(20):
        ran = await run(session, code.format(number))
        assert sorted(ran.text.splitlines()) == [str(number), f"err {number}"]


async def test_closed_streams_keep_nobody_waiting(session: Session) -> None:
    assert (await run(session, "import os\nkept = os.dup(1)\nos.close(1)\n2")).text == "2\n"
    assert await printed(session, "_ = os.dup2(kept, 1)\nprint('open')") == "open"


async def test_names_stay_and_errors_end_only_the_code(session: Session) -> None:
    await run(session, "kept = 41")
    ran = await run(session, "kept += 1\nprint(kept)\n1 / 0\nprint('never')")
    assert ran.text == "42\n"
    assert len(ran.errors) == 1
    assert "ZeroDivisionError: division by zero" in ran.errors[0]
    assert await printed(session, "print(kept)") == "42"


async def test_code_that_is_no_python_is_an_error_of_the_code(session: Session) -> None:
    ran = await run(session, "def no python")
    assert "SyntaxError" in ran.errors[0]


async def test_there_is_nobody_to_ask(session: Session) -> None:
    ran = await run(session, "input('name?')")
    assert "StdinNotImplementedError" in ran.errors[0]


async def test_a_figure_is_a_picture(session: Session) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.title('Ελλάς')\nplt.show()"
    ran = await run(session, code)
    assert (ran.text, ran.errors) == ("", [])
    [image] = ran.images
    assert image.mime == "image/png"
    assert image.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert image.content.endswith(b"IEND\xaeB`\x82")


async def test_the_packages_that_are_promised_are_there(session: Session) -> None:
    code = """
import numpy, openpyxl, pandas, PIL, scipy.stats
pandas.DataFrame({"a": [1, 2]}).to_excel("table.xlsx")
print(pandas.read_excel("table.xlsx")["a"].sum(), scipy.stats.norm.cdf(0))
"""
    assert await printed(session, code) == "3 0.5"


async def test_the_packages_that_are_named_are_there(session: Session, sandbox: Sandbox) -> None:
    names = await sandbox.packages()
    assert {"numpy", "python-docx", "seaborn", "statsmodels", "tabulate"} <= set(names)
    code = f"""
import importlib.metadata as installed
import bs4, docx, lxml.etree, pptx, reportlab.pdfgen.canvas, sklearn.tree, sympy, tabulate
print([name for name in {names!r} if not installed.version(name)])
"""
    assert await printed(session, code) == "[]"


async def test_a_session_that_is_not_warm_does_the_same(sandbox: Sandbox) -> None:
    session = await sandbox.start()
    ran = await run(session, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert len(ran.images) == 1
    await session.close()


async def test_a_warning_that_repeats_itself_is_told_once(session: Session) -> None:
    code = """
import sys, warnings
with warnings.catch_warnings():
    warnings.simplefilter("always")
    for _ in range(200):
        print("findfont: Font family 'SimHei' not found.", file=sys.stderr, flush=True)
        warnings.warn("odd", stacklevel=1)
print("done")
"""
    ran = await run(session, code)
    assert ran.text.count("findfont") == ran.text.count("UserWarning: odd") == 1
    assert ran.text.count("done\n") == 1
    assert "[597 lines of repeated warnings are left out.]\n" in ran.text


async def test_files_go_in_and_come_out(session: Session) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(5):
            yield b""
            yield bytes([number]) * 700_000

    await session.put("Größen 1.bin", pieces())
    await session.put("small.csv", b"a,b\n1,2\n")
    await session.put("empty", b"")
    code = "data = open('Größen 1.bin', 'rb').read()\nprint(len(data), open('small.csv').read())"
    assert await printed(session, code) == "3500000 a,b\n1,2"
    code = "import os\nos.makedirs('out', exist_ok=True)\nopen('out/made.bin', 'wb').write(data)"
    ran = await run(session, code)
    assert ran.changed == [SessionFile("out/made.bin", 3_500_000)]
    made = await content(session, "out/made.bin")
    assert made == b"".join(bytes([number]) * 700_000 for number in range(5))
    assert {"Größen 1.bin", "small.csv", "empty", "out/made.bin"} <= {
        file.name for file in await session.files()
    }
    assert await content(session, "empty") == b""


async def test_only_what_changed_is_told(session: Session) -> None:
    await run(session, "open('one', 'w').write('1'); open('two', 'w').write('2')")
    ran = await run(session, "open('two', 'a').write('2'); open('three', 'w').close()")
    assert ran.changed == [SessionFile("three", 0), SessionFile("two", 2)]
    await session.put("given", b"x")
    assert (await run(session, "1")).changed == []


async def test_a_put_file_takes_the_place_of_another(session: Session) -> None:
    await session.put("twice", b"first and longer")
    await session.put("twice", b"second")
    assert await content(session, "twice") == b"second"


async def test_a_content_that_breaks_off_leaves_no_file(session: Session) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield bytes(2_000_000)
        raise OSError("the rest cannot be read")

    async def endless() -> AsyncIterator[bytes]:
        yield bytes(2_000_000)
        arrived.set()
        await asyncio.Event().wait()

    with pytest.raises(OSError, match="the rest cannot be read"):
        await session.put("half", half())
    arrived = asyncio.Event()
    putting = asyncio.create_task(session.put("given up", endless()))
    await arrived.wait()
    putting.cancel()
    await asyncio.wait({putting})
    assert putting.cancelled()
    assert not {"half", "given up"} & {file.name for file in await session.files()}


async def test_a_file_that_is_not_there_is_refused(session: Session) -> None:
    with pytest.raises(FileRefused):
        await content(session, "no-such-file")
    assert await printed(session, "print(1)") == "1"


async def test_reading_may_stop_in_the_middle_of_a_file(session: Session) -> None:
    await session.put("long", bytes(5_000_000))
    async with aclosing(session.get("long")) as pieces:
        assert await anext(pieces)
    assert await printed(session, "print('next')") == "next"


async def test_code_that_takes_too_long_is_interrupted_and_the_session_stays(
    session: Session,
) -> None:
    ran = await run(
        session, f"kept = 7\nprint('on', flush=True)\n{_ENDLESS}", overtime_after=len(ON)
    )
    assert ran.end.timed_out
    assert "KeyboardInterrupt" in ran.errors[0]
    assert await printed(session, "print(kept)") == "7"


async def test_an_interrupt_stops_what_runs(session: Session) -> None:
    code = "print('on', flush=True)\nimport subprocess\nsubprocess.run(['sleep', 'infinity'])"
    seen: list[Output] = []
    async with aclosing(session.execute(code, seconds=PATIENCE_SECONDS)) as outputs:
        async for output in outputs:
            if not seen:
                await session.interrupt()
            seen.append(output)
    assert seen[-1] == ExecutionEnd(timed_out=False, changed=())
    assert await printed(session, "print(1)") == "1"


async def test_an_interrupt_of_nothing_does_nothing(session: Session) -> None:
    await session.interrupt()
    assert await printed(session, "print(1)") == "1"


async def test_who_stops_listening_stops_the_code(session: Session) -> None:
    code = "n = 1\nprint('on', flush=True)\nwhile True: n += 1"
    async with aclosing(session.execute(code, seconds=PATIENCE_SECONDS)) as outputs:
        assert getattr(await anext(outputs), "text", None) == ON
        waiting = asyncio.ensure_future(anext(outputs))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert await printed(session, "print(n > 0)") == "True"


async def test_who_stops_waiting_for_an_answer_does_not_confuse_the_next(session: Session) -> None:
    for _ in range(20):
        asking = asyncio.create_task(session.files())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
    await session.put("after", b"x")
    assert await content(session, "after") == b"x"
    assert await printed(session, "print(1)") == "1"


async def test_calls_wait_for_each_other(session: Session) -> None:
    code = "import time\ntime.sleep(0.1)  # is overtaken by nobody\nprint('{}')"
    both = await asyncio.gather(run(session, code.format(1)), run(session, code.format(2)))
    assert [ran.text for ran in both] == ["1\n", "2\n"]


async def test_sessions_share_nothing(session: Session, others: Shared[Session]) -> None:
    await run(session, "secret = 1; open('secret', 'w').write('x')")
    if isinstance(session, LocalSession):
        assert await printed(session, _POISON) == "True"
    other = await others.session()
    if isinstance(other, LocalSession):
        assert await printed(other, _POISONED) == "[] True"
    said = await printed(other, "import os\nprint('secret' in globals(), os.listdir('.'))")
    assert said == "False []"
    assert await other.files() == ()
    assert await printed(session, "print(secret)") == "1"


async def test_a_close_does_not_wait_for_the_code_and_may_come_twice(
    others: Shared[Session],
) -> None:
    session = await others.session()
    code = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print(1, flush=True)
while True: time.sleep(1)
"""
    async with aclosing(session.execute(code, seconds=10 * PATIENCE_SECONDS)) as outputs:
        await anext(outputs)
        await asyncio.wait_for(session.close(), PATIENCE_SECONDS)
        with pytest.raises(SessionLost, match="was closed"):
            await anext(outputs)
    await session.close()
    with pytest.raises(SessionLost, match="was closed"):
        await run(session, "1")


async def test_a_lost_session_says_so_for_ever(session: Session) -> None:
    with pytest.raises(SessionLost) as lost:
        await run(session, "import os\nos.kill(os.getpid(), 9)")
    assert session.lost == str(lost.value)
    for _ in range(2):
        with pytest.raises(SessionLost):
            await run(session, "1")
    with pytest.raises(SessionLost):
        await session.put("x", b"")
    with pytest.raises(SessionLost):
        await session.files()
    with pytest.raises(SessionLost):
        await content(session, "x")
    await session.close()
    assert session.lost == str(lost.value)
