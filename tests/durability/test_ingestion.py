"""Files that are read while their server is killed: every one ends, none is found twice."""

import random
import signal
import time
from pathlib import Path

from openai import OpenAI

from tests.cli.processes import serving

_FILES = 24
_KILLS = 4
_PATIENCE_SECONDS = 90


def _text(number: int) -> str:
    """A text of several chunks whose words are its own."""
    return "\n\n".join(f"file{number} part{part} " + "filler " * 300 for part in range(6))


def test_a_kill_in_the_middle_doubles_and_loses_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    store_id = ""
    for _ in range(_KILLS):
        with serving(tmp_path / "data") as served:
            with OpenAI(base_url=served.base_url, api_key="x") as client:
                store_id = store_id or _begin(client)
            time.sleep(moments.uniform(0.2, 2.5))
            served.stop(signal.SIGKILL)
    with serving(tmp_path / "data") as served, OpenAI(base_url=served.base_url, api_key="x") as c:
        until = time.monotonic() + _PATIENCE_SECONDS
        while c.vector_stores.retrieve(store_id).status == "in_progress":
            assert time.monotonic() < until
            time.sleep(0.2)
        counts = c.vector_stores.retrieve(store_id).file_counts
        assert (counts.completed + counts.failed, counts.total) == (_FILES, _FILES)
        for file in c.vector_stores.files.list(store_id, limit=100):
            name = c.files.retrieve(file.id).filename
            if file.status == "failed":
                assert file.last_error is not None
                assert "3 times" in file.last_error.message
                continue
            number = int(name.removesuffix(".txt"))
            page = c.vector_stores.files.content(file.id, vector_store_id=store_id)
            said = " ".join(part.text or "" for part in page)
            assert said.split() == _text(number).split()
            found = c.vector_stores.search(store_id, query=f"file{number}", max_num_results=50)
            texts = [result.content[0].text for result in found.data]
            assert texts
            assert len(texts) == len(set(texts))


def _begin(client: OpenAI) -> str:
    """A store whose files wait to be read."""
    file_ids = [
        client.files.create(file=(f"{number}.txt", _text(number).encode()), purpose="assistants").id
        for number in range(_FILES)
    ]
    return client.vector_stores.create(file_ids=file_ids).id
