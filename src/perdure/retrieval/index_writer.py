"""The only writer of chunks and postings, which searches read.

An ingestion of a file writes its chunks in several pieces. Searches find them once the ingestion is
the file's own (`vector_store_files.ingestion`), and no longer as soon as it is not. The rows of
dropped ingestions are removed later, little by little.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from perdure.errors import LeaseLost
from perdure.retrieval import segments
from perdure.storage.database import Transaction

# Both need numpy, which is imported in the threads that compute, with the first file.
if TYPE_CHECKING:
    from perdure.retrieval.postings import Words
    from perdure.retrieval.vectors import PackedVectors, Vectors

# PostgreSQL's texts cannot hold it, and nobody can read it.
_NUL = "\x00"


class IndexableChunk(Protocol):
    """A chunk of a file's text. In characters, `start` is its position in the text, and `heading`
    the length of the heading that it begins with.

    What a chunk repeats at its beginning, such as a heading, counts as though it stood right before
    the rest: so it is overlap where the text is put together again.
    """

    @property
    def text(self) -> str: ...
    @property
    def tokens(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def heading(self) -> int: ...


class PreparedChunks(NamedTuple):
    """Neighbouring chunks, ready to be written."""

    chunks: Sequence[IndexableChunk]
    words: "Words"
    vectors: "Vectors | None"


def ensure_model(tx: Transaction, vector_store_id: str, configured: str | None) -> str | None:
    """Returns the name of the model that a vector store's vectors are of; None if it has none.

    A vector store that has no chunks yet takes the configured one, and stays with it.
    """
    row = tx.one("chunks.model", vector_store_id=vector_store_id)
    if row is None or row["has_chunks"]:
        noted: str | None = row["embedding"] if row is not None else None
        return noted
    if row["embedding"] != configured:
        tx.run("chunks.note_model", vector_store_id=vector_store_id, embedding=configured)
    return configured


def prepare(
    chunks: Sequence[IndexableChunk], embedded: "Vectors | None" = None, *, name: str = ""
) -> PreparedChunks:
    """Computes what `write` stores, outside of the transaction that all others wait for. `name` is
    that of the file.

    It takes about 0.3 ms a chunk. A hundred chunks make a good piece: a search reads a row a piece
    for each of its words, and a write of more keeps other writers waiting.
    """
    from perdure.retrieval import postings

    if embedded is not None and len(embedded) != len(chunks):
        raise ValueError(f"{len(chunks)} chunks have {len(embedded)} vectors")
    return PreparedChunks(chunks, postings.pack(chunks, name=name), embedded)


def write(
    tx: Transaction,
    ingestion: int,
    vector_store_id: str,
    prepared: PreparedChunks,
    *,
    embedding: str | None,
) -> int:
    """Adds the next chunks of an ingestion. Returns the bytes that they take, as a vector store
    counts its usage.

    `embedding`: the model that their vectors are of. Raises `LeaseLost` if the vector store or the
    ingestion is gone, or if the vector store has another model by now.
    """
    store = tx.one(
        "chunks.store_of_ingestion", ingestion=ingestion, vector_store_id=vector_store_id
    )
    if store is None:
        raise LeaseLost(f"ingestion {ingestion} of a file into {vector_store_id} is gone")
    if prepared.vectors is not None and store["embedding"] != embedding:
        raise LeaseLost(f"{vector_store_id} has vectors of {store['embedding']} by now")
    if not prepared.chunks:
        return 0
    written = tx.one("chunks.written", ingestion=ingestion)
    assert written is not None  # noqa: S101 # an aggregate has a row
    first: int = written["count"]
    packed = None if prepared.vectors is None else _packed(prepared.vectors)
    segment = segments.add(tx, store["seq"], prepared.words, chunks=len(prepared.chunks))
    tx.run(
        "chunks.insert_piece",
        ingestion=ingestion,
        segment=segment,
        first=first,
        chunks=len(prepared.chunks),
        words=prepared.words.total,
        signs=packed and packed.signs,
    )
    tx.many(
        "chunks.insert",
        (
            {
                "ingestion": ingestion,
                "position": first + place,
                "start": chunk.start,
                "tokens": chunk.tokens,
                "heading": chunk.heading,
                "text": chunk.text.replace(_NUL, " "),
                "vector": packed and packed.vectors[place],
            }
            for place, chunk in enumerate(prepared.chunks)
        ),
    )
    return _bytes(prepared) + (packed.size if packed else 0)


def read_texts(
    tx: Transaction, ingestion: int, *, after: int = -1, limit: int
) -> list[tuple[int, str]]:
    """Returns the text that was read of a file, in order: positions, and the text of each chunk as
    far as the chunks before did not have it. `after` is a position.
    """
    rows = tx.all("chunks.texts", ingestion=ingestion, low=max(0, after), limit=limit + 1)
    found: list[tuple[int, str]] = []
    end = 0
    for row in rows:
        if row["position"] > after and len(found) < limit:
            found.append((row["position"], row["text"][max(0, end - row["start"]) :]))
        end = max(end, row["start"] + len(row["text"]))
    return found


class StoredChunk(NamedTuple):
    """A chunk as it is stored: see `IndexableChunk`. Those of a file are counted from 0."""

    position: int
    start: int
    tokens: int
    heading: int
    text: str


def read_chunks(
    tx: Transaction, ingestion: int, *, low: int, high: int, limit: int, last: bool
) -> list[StoredChunk]:
    """Returns chunks between two positions, which are not among them: the first ones, or the last
    ones in their opposite order.
    """
    rows = tx.all(
        f"chunks.{'last' if last else 'first'}",
        ingestion=ingestion,
        low=low,
        high=high,
        limit=limit,
    )
    return [StoredChunk(*(row[name] for name in StoredChunk._fields)) for row in rows]


def has_chunk(tx: Transaction, ingestion: int, position: int) -> bool:
    """Returns True if an ingestion has a chunk at this position."""
    return tx.one("chunks.any_at", ingestion=ingestion, position=position) is not None


def drop(tx: Transaction, *, limit: int) -> int:
    """Removes about `limit` rows of what was dropped: ingestions with their chunks, and segments.
    Returns their number; 0 if nothing is left to be removed, or another server removes it.
    """
    row = tx.one("chunks.dropped")
    if row is None:
        return segments.remove(tx, limit=limit)
    ingestion = row["id"]
    # First, so that a search never finds a piece without its chunks.
    for piece in tx.all("chunks.drop_pieces", ingestion=ingestion):
        tx.run("segments.thin", segment=piece["segment"], chunks=piece["chunks"])
    removed = tx.run("chunks.drop_chunks", ingestion=ingestion, limit=limit)
    if removed < limit:
        removed += tx.run("chunks.drop_ingestion", ingestion=ingestion)
    return removed


def _packed(embedded: "Vectors") -> "PackedVectors":
    from perdure.retrieval import vectors

    return vectors.pack(embedded)


def _bytes(prepared: PreparedChunks) -> int:
    written = sum(len(chunk.text.encode()) for chunk in prepared.chunks)
    return written + len(prepared.words.packed) + len(prepared.words.directory)
