"""What is written is found while it is its file's own, and goes in pieces when it is dropped."""

import pytest

from perdure.errors import LeaseLost
from perdure.retrieval import index
from perdure.store.database import Transaction
from tests.retrieval.shelf import Shelf, chunks

NOTHING = {"chunks": 0, "pieces": 0, "segments": 0, "postings": 0, "ingestions": 0}


async def test_only_completed_attempts_are_found(shelf: Shelf) -> None:
    store = await shelf.store()
    await shelf.attempt(store, "file-half", ["the secret recipe for honey"])
    await shelf.file(store, "file-done", "honey is made by bees")
    assert await shelf.found("honey") == ["honey is made by bees"]


async def test_a_removed_file_is_not_found_from_that_moment_on(shelf: Shelf) -> None:
    store = await shelf.store()
    await shelf.file(store, "file-a", "bees make honey")
    await shelf.file(store, "file-b", "honey is sweet")
    await shelf.remove(store, "file-a")
    assert await shelf.found("honey bees") == ["honey is sweet"]


async def test_an_attempt_is_written_in_pieces_and_read_in_order(shelf: Shelf) -> None:
    store = await shelf.store()
    ingestion = await shelf.file(store, "file-a", "one", "two", "three", "four", "five", pieces=3)
    passages = await shelf.search("four")
    assert [(p.text, p.file_id, p.filename) for p in passages] == [("four", "file-a", "file-a.txt")]
    assert (await shelf.counts())["pieces"] == 3

    def texts(tx: Transaction) -> list[tuple[int, str]]:
        return index.texts(tx, ingestion, limit=10)

    assert [position for position, _ in await shelf.database.read(texts)] == [0, 1, 2, 3, 4]


async def test_the_text_of_a_file_is_read_without_the_overlap_page_by_page(shelf: Shelf) -> None:
    store = await shelf.store()
    whole = "It was the best of times, it was the worst of times, it was the age of wisdom."
    cut = [whole[start : start + 20] for start in range(0, len(whole), 12)]
    ingestion = await shelf.attempt(store, "file-a", [])
    piece = index.prepare(chunks(*cut, overlap=8))
    await shelf.database.write(index.write, ingestion, store, piece, embedding=None)
    read, after = "", -1
    while page := await shelf.database.read(index.texts, ingestion, after=after, limit=2):
        assert len(page) <= 2
        read += "".join(text for _, text in page)
        after = page[-1][0]
    assert read == whole


async def test_dropping_in_pieces_leaves_nothing_of_what_was_dropped(shelf: Shelf) -> None:
    store = await shelf.store()
    await shelf.file(store, "file-a", *(f"word{n} other{n} common" for n in range(30)), pieces=4)
    await shelf.file(store, "file-b", "this one stays common")
    before = await shelf.counts()
    await shelf.remove(store, "file-a")
    steps = await shelf.drop(limit=7)
    assert len(steps) > 10
    assert max(steps) <= 8
    assert await shelf.found("common word3") == ["this one stays common"]
    assert before["chunks"] == 31
    assert await shelf.counts() == {
        "chunks": 1, "pieces": 1, "segments": 1, "postings": 4, "ingestions": 1
    }  # fmt: skip
    await shelf.remove(store, "file-b")
    await shelf.drop()
    assert await shelf.counts() == NOTHING


async def test_half_dropped_files_break_no_search(shelf: Shelf) -> None:
    """An expired store keeps its files while their chunks go."""
    store = await shelf.store()
    await shelf.file(store, "file-a", *(f"honey {n}" for n in range(20)), pieces=2)
    await shelf.database.write(
        lambda tx: tx.run("ingestions.drop", vector_store_id=store, file_id="file-a")
    )
    while await shelf.database.write(index.drop, limit=3):
        assert await shelf.found("honey") == []
    assert await shelf.counts() == NOTHING


async def test_an_attempt_that_was_dropped_can_write_nothing_more(shelf: Shelf) -> None:
    store = await shelf.store()
    ingestion = await shelf.attempt(store, "file-a", ["one"])
    await shelf.database.write(
        lambda tx: tx.run("ingestions.drop", vector_store_id=store, file_id="file-a")
    )
    with pytest.raises(LeaseLost, match=f"attempt {ingestion} at a file of vs_1 is gone"):
        await shelf.database.write(
            index.write, ingestion, store, index.prepare(chunks("two")), embedding=None
        )


async def test_a_nul_in_a_text_is_a_space(shelf: Shelf) -> None:
    """PostgreSQL's texts cannot hold it."""
    store = await shelf.store()
    await shelf.file(store, "file-a", "before\x00after")
    assert await shelf.found("after") == ["before after"]


async def test_usage_counts_text_words_and_vectors(shelf: Shelf) -> None:
    store = await shelf.store()
    ingestion = await shelf.attempt(store, "file-a", [])
    write = shelf.database.write
    plain = await write(
        index.write, ingestion, store, index.prepare(chunks("bees bees")), embedding=None
    )
    assert plain == len("bees bees") + 4 + len('[["bee",1,4]]')
    assert await write(index.write, ingestion, store, index.prepare([]), embedding=None) == 0
