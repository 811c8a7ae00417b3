"""What is written is found while it is its file's own, and goes in pieces when it is dropped."""

import pytest

from perdure.errors import LeaseLost
from perdure.parsing import chunks as cutting
from perdure.parsing import text_marks
from perdure.parsing.headings import heading_finder
from perdure.retrieval import index_writer
from perdure.storage.database import Transaction
from tests.retrieval.filled_stores import FilledStore, chunks

NOTHING = {"chunks": 0, "pieces": 0, "segments": 0, "postings": 0, "ingestions": 0}


async def test_only_completed_attempts_are_found(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.attempt(store, "file-half", ["the secret recipe for honey"])
    await filled.file(store, "file-done", "honey is made by bees")
    assert await filled.found("honey") == ["honey is made by bees"]


async def test_a_removed_file_is_not_found_from_that_moment_on(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "bees make honey")
    await filled.file(store, "file-b", "honey is sweet")
    await filled.remove(store, "file-a")
    assert await filled.found("honey bees") == ["honey is sweet"]


async def test_an_attempt_is_written_in_pieces_and_read_in_order(filled: FilledStore) -> None:
    store = await filled.store()
    ingestion = await filled.file(store, "file-a", "one", "two", "three", "four", "five", pieces=3)
    passages = await filled.search("four")
    assert [(p.text, p.file_id, p.filename) for p in passages] == [("four", "file-a", "file-a.txt")]
    assert (await filled.counts())["pieces"] == 3

    def texts(tx: Transaction) -> list[tuple[int, str]]:
        return index_writer.read_texts(tx, ingestion, limit=10)

    assert [position for position, _ in await filled.database.read(texts)] == [0, 1, 2, 3, 4]


async def test_the_text_of_a_file_is_read_without_the_overlap_page_by_page(
    filled: FilledStore,
) -> None:
    store = await filled.store()
    whole = "It was the best of times, it was the worst of times, it was the age of wisdom."
    cut = [whole[start : start + 20] for start in range(0, len(whole), 12)]
    ingestion = await filled.attempt(store, "file-a", [])
    piece = index_writer.prepare(chunks(*cut, overlap=8))
    await filled.database.write(index_writer.write, ingestion, store, piece, embedding=None)
    read, after = "", -1
    while page := await filled.database.read(
        index_writer.read_texts, ingestion, after=after, limit=2
    ):
        assert len(page) <= 2
        read += "".join(text for _, text in page)
        after = page[-1][0]
    assert read == whole


async def test_the_text_of_a_file_has_once_what_its_chunks_repeat(filled: FilledStore) -> None:
    store = await filled.store()
    whole = "# Birds\n\n" + "".join(f"The heron of day {day} waits.\n\n" for day in range(40))
    heading_at = heading_finder(text_marks.mark_markdown(whole), 60)
    for share, file_id in enumerate(("file-a", "file-b")):
        cut = [*cutting.chunks(whole, max_tokens=60, overlap=30 * share, heading_at=heading_at)]
        assert all(chunk.text.startswith("Birds\n") for chunk in cut[1:])
        ingestion = await filled.attempt(store, file_id, [])
        piece = index_writer.prepare(cut)
        await filled.database.write(index_writer.write, ingestion, store, piece, embedding=None)
        read = await filled.database.read(index_writer.read_texts, ingestion, limit=100)
        assert "".join(text for _, text in read) == whole.strip()


async def test_dropping_in_pieces_leaves_nothing_of_what_was_dropped(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", *(f"word{n} other{n} common" for n in range(30)), pieces=4)
    await filled.file(store, "file-b", "this one stays common")
    before = await filled.counts()
    await filled.remove(store, "file-a")
    steps = await filled.drop(limit=7)
    assert len(steps) > 10
    assert max(steps) <= 8
    assert await filled.found("common word3") == ["this one stays common"]
    assert before["chunks"] == 31
    assert await filled.counts() == {
        "chunks": 1, "pieces": 1, "segments": 1, "postings": 4, "ingestions": 1
    }  # fmt: skip
    await filled.remove(store, "file-b")
    await filled.drop()
    assert await filled.counts() == NOTHING


async def test_half_dropped_files_break_no_search(filled: FilledStore) -> None:
    """An expired store keeps its files while their chunks go."""
    store = await filled.store()
    await filled.file(store, "file-a", *(f"honey {n}" for n in range(20)), pieces=2)
    await filled.database.write(
        lambda tx: tx.run("ingestions.drop", vector_store_id=store, file_id="file-a")
    )
    while await filled.database.write(index_writer.drop, limit=3):
        assert await filled.found("honey") == []
    assert await filled.counts() == NOTHING


async def test_an_attempt_that_was_dropped_can_write_nothing_more(filled: FilledStore) -> None:
    store = await filled.store()
    ingestion = await filled.attempt(store, "file-a", ["one"])
    await filled.database.write(
        lambda tx: tx.run("ingestions.drop", vector_store_id=store, file_id="file-a")
    )
    with pytest.raises(LeaseLost, match=f"ingestion {ingestion} of a file into vs_1 is gone"):
        await filled.database.write(
            index_writer.write,
            ingestion,
            store,
            index_writer.prepare(chunks("two")),
            embedding=None,
        )


async def test_a_nul_in_a_text_is_a_space(filled: FilledStore) -> None:
    """PostgreSQL's texts cannot hold it."""
    store = await filled.store()
    await filled.file(store, "file-a", "before\x00after")
    assert await filled.found("after") == ["before after"]


async def test_usage_counts_text_words_and_vectors(filled: FilledStore) -> None:
    store = await filled.store()
    ingestion = await filled.attempt(store, "file-a", [])
    write = filled.database.write
    plain = await write(
        index_writer.write,
        ingestion,
        store,
        index_writer.prepare(chunks("bees bees")),
        embedding=None,
    )
    assert plain == len("bees bees") + 4 + len('[["bee",1,4]]')
    assert (
        await write(index_writer.write, ingestion, store, index_writer.prepare([]), embedding=None)
        == 0
    )
