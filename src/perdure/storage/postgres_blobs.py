"""Blob store in PostgreSQL: a blob is rows of up to a megabyte, which go with the blob's row.

Its connections are its own, so that neither reads nor the grouped writer wait for contents. Each
block is a transaction: a client that is slow holds no connection and no snapshot.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from perdure import blocking_calls
from perdure.errors import Unavailable
from perdure.storage import statements
from perdure.storage.blobs import DATABASE, Stored, to_blocks
from perdure.storage.postgres import check_url, connection_settings
from perdure.storage.writer import disk_full_error, unavailable_error

T = TypeVar("T")

_Cursor = psycopg.Cursor[DictRow]
_Pool = ConnectionPool[psycopg.Connection[DictRow]]

# It belongs to the stored form: with another number, blobs that exist could not be read.
_BLOCK_BYTES = 1024 * 1024
_CONNECTIONS = 4
_DELETED_AT_ONCE = 16
_LISTED_AT_ONCE = 500
_LIMITS = "SET statement_timeout = '30s'; SET lock_timeout = '10s'"


class PostgresBlobs:
    """Blobs in the database. `url` is a libpq connection URL, `postgresql://…`; a call waits for
    a connection for up to `wait_seconds`.
    """

    block_bytes = _BLOCK_BYTES
    location = DATABASE

    def __init__(self, url: str, *, wait_seconds: float = 10) -> None:
        self._url = url
        self._wait_seconds = wait_seconds
        self._named = statements.load("postgres")
        self._pool: _Pool | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def open(self, *, to_look: bool = False) -> None:  # noqa: ARG002 # it makes nothing
        check_url(self._url)
        self._pool = ConnectionPool(
            self._url,
            connection_class=psycopg.Connection[DictRow],
            kwargs={"autocommit": True, "row_factory": dict_row, **connection_settings(self._url)},
            configure=_limit,
            min_size=0,
            max_size=_CONNECTIONS,
            timeout=self._wait_seconds,
            name="perdure-blobs",
            open=False,
        )
        self._threads = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="perdure-blobs")

    async def write(self, blob_id: str, blocks: AsyncIterable[bytes]) -> int:
        size = number = 0
        waiting: bytes | None = None
        async for block in to_blocks(blocks, _BLOCK_BYTES):
            if waiting is not None:
                await self._put(blob_id, number, waiting, is_last=False)
                number += 1
            waiting = block
            size += len(block)
        if waiting is not None:
            await self._put(blob_id, number, waiting, is_last=True)
        return size

    async def read(self, blob_id: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        while start < stop:
            number, offset = divmod(start, _BLOCK_BYTES)
            count = min(_BLOCK_BYTES - offset, stop - start)
            row = await self._one(
                "get", blob_id=blob_id, number=number, start=offset + 1, count=count
            )
            if row is None or len(row["bytes"]) != count:
                raise Unavailable("A part of the content is missing.")
            start += count
            yield row["bytes"]

    async def size(self, blob_id: str) -> int | None:
        row = await self._one("size", blob_id=blob_id)
        return None if row is None else row["bytes"]

    async def delete(self, blob_id: str) -> None:
        def some(cursor: _Cursor) -> int:
            params = {"blob_id": blob_id, "limit": _DELETED_AT_ONCE}
            return cursor.execute(self._named["blob_blocks.delete"], params).rowcount

        while await self._run(some) == _DELETED_AT_ONCE:
            pass

    async def all(self) -> AsyncGenerator[Stored, None]:
        after = ""

        def page(cursor: _Cursor) -> list[DictRow]:
            params = {"after": after, "limit": _LISTED_AT_ONCE}
            return cursor.execute(self._named["blob_blocks.page"], params).fetchall()

        while rows := await self._run(page):
            for row in rows:
                yield Stored(row["blob_id"], row["bytes"])
            after = rows[-1]["blob_id"]

    async def close(self) -> None:
        threads, self._threads = self._threads, None
        pool, self._pool = self._pool, None
        if threads is not None and pool is not None:
            await blocking_calls.run(threads.shutdown)
            await blocking_calls.run(pool.close)

    async def _put(self, blob_id: str, number: int, block: bytes, *, is_last: bool) -> None:
        params = {"blob_id": blob_id, "number": number, "bytes": block, "is_last": is_last}
        await self._run(lambda cursor: cursor.execute(self._named["blob_blocks.put"], params))

    async def _one(self, statement: str, **params: object) -> DictRow | None:
        sql = self._named[f"blob_blocks.{statement}"]
        return await self._run(lambda cursor: cursor.execute(sql, params).fetchone())

    async def _run(self, work: Callable[[_Cursor], T]) -> T:
        pool = self._pool
        if pool is None:
            raise Unavailable("The database is closed.")
        return await blocking_calls.run(lambda: _attempt(pool, work), self._threads)


def _attempt(pool: _Pool, work: Callable[[_Cursor], T]) -> T:
    """Does the work, and once more if its connection turns out to be gone."""
    try:
        pool.open()
        try:
            return _once(pool, work)
        except (PoolTimeout, errors.DiskFull):
            raise
        except psycopg.OperationalError:
            # A fault such as a restart breaks all connections.
            pool.check()
            return _once(pool, work)
    except errors.DiskFull as error:
        raise disk_full_error() from error
    except errors.ForeignKeyViolation as error:
        raise Unavailable(
            "The upload was silent for too long and was given up. Please retry."
        ) from error
    except psycopg.Error as error:
        raise unavailable_error(error) from error


def _once(pool: _Pool, work: Callable[[_Cursor], T]) -> T:
    # Binary: as text, bytes are twice as long.
    with pool.connection() as connection, connection.cursor(binary=True) as cursor:
        return work(cursor)


def _limit(connection: psycopg.Connection[Any]) -> None:
    connection.execute(_LIMITS)
