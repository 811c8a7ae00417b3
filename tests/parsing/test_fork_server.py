"""The processes that parse: nothing outlives what it was made for, and nothing leaks into it."""

import asyncio
import resource
import signal
import sys
from contextlib import aclosing
from pathlib import Path

import pypdfium2_raw
import pytest

from perdure.parsing.formats import Unparsable
from perdure.parsing.limits import MiB, ParsingLimits
from perdure.parsing.parser import Parser
from tests.parsing import hostile, samples
from tests.parsing.processes import ending, fork_server, holding
from tests.parsing.reading import chunks_of, limited, outcome
from tests.patience import PATIENCE_SECONDS, pass_time

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


async def test_whoever_stops_early_ends_the_child(parser: Parser, long: Path) -> None:
    async with aclosing(parser.passages(long, "long.txt")) as passages:
        assert len(await anext(passages)) == 100
        with ending(holding(long)):
            await passages.aclose()


async def test_whoever_is_cancelled_ends_the_child(parser: Parser, tmp_path: Path) -> None:
    path = tmp_path / "slow.pdf"
    path.write_bytes(hostile.repeated_pdf(100_000))
    assert "Page 1." in await outcome(parser, _quick(tmp_path))
    parsing = asyncio.create_task(chunks_of(parser, path))
    while not (children := holding(path)):
        assert "Page 1." in await outcome(parser, _quick(tmp_path))
    with ending(children):
        parsing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await parsing


async def test_a_child_knows_nothing_of_the_server_and_has_limits(
    long: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_MODEL_API_KEY", "the secret")
    async with (
        limited(seconds=700, memory_bytes=900 * MiB) as parser,
        aclosing(parser.passages(long, "long.txt")) as passages,
    ):
        await anext(passages)
        [child] = holding(long)
        assert set(child.environ()) <= {"PYTHONPATH", "MALLOC_ARENA_MAX", "LC_CTYPE"}
        assert child.cwd() == "/"
        assert child.rlimit(resource.RLIMIT_CPU) == (701, 701)
        assert child.rlimit(resource.RLIMIT_AS) == (900 * MiB, 900 * MiB)
        assert child.rlimit(resource.RLIMIT_FSIZE) == (0, 0)
        assert child.rlimit(resource.RLIMIT_NOFILE) == (64, 64)
        assert child.rlimit(resource.RLIMIT_CORE) == (0, 0)
        assert child.net_connections("inet") == []
        # its own socket, the file, and what wakes the fork server; no other file, no database
        assert [each.path for each in child.open_files()] == [str(long)]


async def test_a_nursery_that_is_gone_is_not_the_fault_of_the_file(
    parser: Parser, long: Path, tmp_path: Path
) -> None:
    async with aclosing(parser.passages(long, "long.txt")) as passages:
        await anext(passages)
        fork_server().kill()
        with pytest.raises(Unparsable) as caught:
            async for _ in passages:
                pass
    told = "The file could not be parsed: the parser was stopped."
    assert (caught.value.code, caught.value.message) == ("server_error", told)
    assert "Page 1." in await outcome(parser, _quick(tmp_path))


async def test_a_child_that_is_gone_is_the_fault_of_the_file(parser: Parser, long: Path) -> None:
    async with aclosing(parser.passages(long, "long.txt")) as passages:
        await anext(passages)
        [child] = holding(long)
        child.kill()
        with pytest.raises(Unparsable) as caught:
            async for _ in passages:
                pass
    assert (caught.value.code, caught.value.message) == (
        "invalid_file",
        "The file could not be parsed: it is damaged, or takes more than 2,048 MiB of memory or "
        f"{PATIENCE_SECONDS:g} seconds of processor time.",
    )


async def test_the_nursery_outlives_signals_that_are_meant_for_the_server(
    parser: Parser, tmp_path: Path
) -> None:
    assert "Page 1." in await outcome(parser, _quick(tmp_path))
    before = fork_server()
    before.send_signal(signal.SIGTERM)
    assert "Page 1." in await outcome(parser, _quick(tmp_path))
    assert fork_server() == before


async def test_time_does_not_run_against_a_file_while_nobody_asks(
    long: Path, tmp_path: Path
) -> None:
    async with limited() as parser, aclosing(parser.passages(long, "long.txt")) as passages:
        await anext(passages)
        pass_time(PATIENCE_SECONDS)
        assert "Page 1." in await outcome(parser, _quick(tmp_path))
        pass_time(PATIENCE_SECONDS)
        assert sum([len(batch) async for batch in passages]) > 1000


async def test_the_library_for_pdf_is_loaded_before_there_is_a_file_and_from_its_package(
    parser: Parser, long: Path
) -> None:
    """Not from a folder that other users may write to."""
    async with aclosing(parser.passages(long, "long.txt")) as passages:
        await anext(passages)
        loaded = {Path(each.path) for each in fork_server().memory_maps()}
    package = Path(pypdfium2_raw.__file__).parent
    assert {each.parent for each in loaded if "pdfium" in each.name} == {package}


async def test_many_files_are_parsed_at_once(parser: Parser, tmp_path: Path) -> None:
    paths = []
    for number in range(20):
        paths.append(tmp_path / f"{number}.txt")
        paths[-1].write_text(f"text {number}")
    found = await asyncio.gather(*(outcome(parser, path) for path in paths))
    assert found == [f"text {number}" for number in range(20)]


async def test_a_file_that_is_not_there_is_an_error_of_the_server(
    parser: Parser, tmp_path: Path
) -> None:
    told = "server_error: The file could not be parsed: it cannot be read."
    assert await outcome(parser, tmp_path / "gone.txt") == told


async def test_a_parser_that_is_closed_has_left_nothing(tmp_path: Path) -> None:
    parser = Parser(ParsingLimits())
    await parser.close()
    assert "Page 1." in await outcome(parser, _quick(tmp_path))
    with ending([fork_server()]):
        await parser.close()


def _quick(folder: Path) -> Path:
    path = folder / "quick.pdf"
    path.write_bytes(samples.pdf())
    return path


async def test_a_nursery_that_does_not_start_is_an_error_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with limited() as parser:
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", "/bin/false")
            told = "server_error: The file could not be parsed: the parser could not be started."
            assert await outcome(parser, _quick(tmp_path)) == told
        assert "Page 1." in await outcome(parser, _quick(tmp_path))
