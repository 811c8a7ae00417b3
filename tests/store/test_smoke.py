def add(tx, id):
    return tx.run("threads.insert", id=id, project="p", body="{}")


async def test_a(database):
    assert await database.write(add, "a") == 1
    assert (await database.read(lambda tx: tx.one("threads.get", id="a", project="p")))[
        "body"
    ] == "{}"


async def test_b(database):
    assert await database.write(add, "a") == 1
