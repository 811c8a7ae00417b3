"""A row that cannot be read is told with its id, and hides nothing of what else is wrong."""

import sqlite3
from pathlib import Path

import pytest

from perdure import invariants, storage
from perdure.bus.memory import MemoryBus
from perdure.storage.database import Database
from perdure.webhooks import deliveries
from perdure.webhooks.deliveries import WebhookSubscription
from tests.commands.acts import PROJECT, Acts
from tests.commands.filled_stores import FilledStore
from tests.storage.raw import Raw, raw

TABLES = (
    *("assistants", "threads", "messages", "runs", "run_steps"),
    *("files", "uploads", "vector_stores", "file_batches"),
)
UNREADABLE = "holds something that is no object of the API"


async def fill(database: Database) -> None:
    """Two rows of each kind, at least."""
    acts, filled = Acts(database), FilledStore(database)
    hook = WebhookSubscription("hook", PROJECT, "thread.run.completed")
    await database.write(deliveries.configure, [hook], now=acts.now)
    for _ in range(2):
        await acts.complete(await acts.writing())
        file_id = await filled.file()
        made = await filled.store()
        await filled.batch(made, [file_id])
        await filled.finish(await filled.begin(), "A colony of bees")
        await filled.upload(2)


def _first(plant: Raw, table: str) -> str:
    ((row_id,),) = plant.run(f"SELECT id FROM {table} ORDER BY seq LIMIT 1")
    return str(row_id)


async def told(database: Database) -> dict[str, list[str]]:
    """All that is found, by the row."""
    found: dict[str, list[str]] = {}
    for each in await database.read(lambda tx: list(invariants.check(tx))):
        found.setdefault(each.id, []).append(each.text)
    return found


@pytest.mark.parametrize("damage", ['{"id":', "[]", "[" * 100_000, '{"id": "a\\u0000b"}', ""])
async def test_damage_in_every_table_is_told_of_every_row(
    database: Database, database_url: str | None, data_dir: Path, damage: str
) -> None:
    await fill(database)
    with raw(database_url, data_dir) as plant:
        expected = [_first(plant, table) for table in TABLES]
        for table, row_id in zip(TABLES, expected, strict=True):
            plant.set(table, row_id, body=damage)
        ((seq, run_id),) = plant.run("SELECT seq, run_id FROM events ORDER BY seq LIMIT 1")
        plant.run("UPDATE events SET data = ? WHERE seq = ?", damage, seq)
        ((delivery,),) = plant.run("SELECT id FROM webhook_deliveries ORDER BY id LIMIT 1")
        plant.run("UPDATE webhook_deliveries SET data = ? WHERE id = ?", damage, delivery)
        plant.run("UPDATE vector_store_files SET body = ?", damage)
        files = plant.run("SELECT vector_store_id, file_id FROM vector_store_files")
    found = await told(database)
    expected += [f"event {seq} of {run_id}", f"{delivery} to hook"]
    expected += [f"{store_id}/{file_id}" for store_id, file_id in files]
    for row_id in expected:
        assert any(text.startswith(UNREADABLE) for text in found.get(row_id, ())), row_id


async def test_what_is_wrong_beside_damage_is_told(
    database: Database, database_url: str | None, data_dir: Path
) -> None:
    """In the same run, the same page and the same segment."""
    await fill(database)
    with raw(database_url, data_dir) as plant:
        run_id, step_id = _first(plant, "runs"), _first(plant, "run_steps")
        message_id, assistant_id = _first(plant, "messages"), _first(plant, "assistants")
        plant.set("run_steps", step_id, body="{")
        plant.edit("runs", run_id, expires_at=9)
        ((written,),) = plant.run("SELECT id FROM messages WHERE run_id = ?", run_id)
        plant.edit("messages", written, role="user")
        plant.set("assistants", assistant_id, body="{")
        ((other,),) = plant.run("SELECT id FROM assistants ORDER BY seq DESC LIMIT 1")
        listed = {"code_interpreter": {"file_ids": ["file-\0"]}}
        plant.edit("assistants", other, tool_resources=listed)
        plant.edit("messages", message_id, status="incomplete")
        plant.run("UPDATE postings SET packed = ? WHERE word IN ('bee', 'coloni')", b"\1\2\3")
        ((segment,),) = plant.run("SELECT id FROM segments ORDER BY id LIMIT 1")
    found = await told(database)
    assert [text[: len(UNREADABLE)] for text in found[step_id]] == [UNREADABLE]
    assert "in its row and 9 in its body" in found[run_id][0]
    assert "has role assistant in its row and user in its body" in found[written]
    assert [text[: len(UNREADABLE)] for text in found[assistant_id]] == [UNREADABLE]
    assert found[other] == ["lists the file file-\0, of which none is"]
    assert any("added by hand and is incomplete" in text for text in found[message_id])
    assert [text.split()[3] for text in found[f"segment {segment}"]] == ["'bee'", "'coloni'"]


async def test_a_step_that_cannot_be_read_is_not_missed_as_well(
    database: Database, database_url: str | None, data_dir: Path
) -> None:
    """One damaged row is one finding: that its message, its usage and what was told of it lack
    their counterpart goes without saying.
    """
    await fill(database)
    with raw(database_url, data_dir) as plant:
        step_id, run_id = _first(plant, "run_steps"), _first(plant, "runs")
        plant.set("run_steps", step_id, body="{")
        ((message_id,),) = plant.run("SELECT id FROM messages WHERE run_id <> ?", run_id)
        plant.set("messages", message_id, body="{")
    found = await told(database)
    assert {row_id: len(texts) for row_id, texts in found.items()} == {step_id: 1, message_id: 1}


async def test_what_is_no_utf_8_or_of_another_type_hides_nothing(tmp_path: Path) -> None:
    """SQLite takes any bytes for a text, and any type in any column."""
    database = storage.connect(None, tmp_path, bus=MemoryBus())
    await database.open()
    await fill(database)
    await database.close()
    file = sqlite3.connect(tmp_path / "perdure.db")
    file.execute("PRAGMA ignore_check_constraints = ON")
    ((first,), (second,)) = file.execute("SELECT id FROM runs ORDER BY seq").fetchall()
    file.execute("UPDATE runs SET body = CAST(x'7bff7d' AS TEXT) WHERE id = ?", [first])
    file.execute("UPDATE runs SET epoch = 'many' WHERE id = ?", [second])
    ((upload,), _) = file.execute("SELECT id FROM uploads ORDER BY seq").fetchall()
    file.execute("UPDATE uploads SET body = x'00ff' WHERE id = ?", [upload])
    file.commit()
    file.close()
    with storage.snapshot(None, tmp_path) as tx:
        found = {each.id: each.text for each in invariants.check(tx)}
    assert found.keys() == {first, second, upload}
    assert all(text.startswith(UNREADABLE) for text in found.values())
