"""Objects that a server has, so that requests find something: without them most would be 404."""

import json
from collections import defaultdict
from typing import Any

from tests.fuzz.client import KEY, Client, Request

_FORM = {**KEY, "Content-Type": "multipart/form-data; boundary=b"}


class World:
    """Ids by the names of the parameters that take them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.ids: defaultdict[str, list[str]] = defaultdict(list)

    def build(self) -> None:
        """Makes a few objects of each kind."""
        file_id = self._upload("/files", "file", b"The hall opens at nine. " * 50, "file_id")
        store_id = self._post("/vector_stores", "vector_store_id", file_ids=[file_id])
        batches = f"/vector_stores/{store_id}/file_batches"
        self._post(batches, "batch_id", file_ids=[file_id])
        function = {"type": "function", "function": {"name": "look", "parameters": {}}}
        assistant_id = self._post("/assistants", "assistant_id", model="m", tools=[function])
        thread_id = self._post("/threads", "thread_id")
        self._post(f"/threads/{thread_id}/messages", "message_id", role="user", content="Hello")
        for text in ("call: look", "say: Hello"):
            messages = [{"role": "user", "content": text}]
            thread_id = self._post("/threads", "thread_id", messages=messages)
            run = {"assistant_id": assistant_id}
            run_id = self._post(f"/threads/{thread_id}/runs", "run_id", **run)
            self._list(f"/threads/{thread_id}/messages", "message_id")
            self._list(f"/threads/{thread_id}/runs/{run_id}/steps", "step_id")
        upload = {
            "purpose": "user_data",
            "filename": "a.txt",
            "bytes": 5,
            "mime_type": "text/plain",
        }
        upload_id = self._post("/uploads", "upload_id", **upload)
        self._upload(f"/uploads/{upload_id}/parts", "data", b"Hello", "part_id")
        self.ids["model"] += ["scripted"]

    def _post(self, path: str, name: str, **body: object) -> str:
        head = {**KEY, "Content-Type": "application/json"}
        return self._kept(Request("POST", f"/v1{path}", head, json.dumps(body).encode()), name)

    def _upload(self, path: str, field: str, content: bytes, name: str) -> str:
        purpose = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="a.txt"\r\n\r\n'
        body = (purpose if field == "file" else b"") + head.encode() + content + b"\r\n--b--\r\n"
        return self._kept(Request("POST", f"/v1{path}", _FORM, body), name)

    def _list(self, path: str, name: str) -> None:
        answer = self._client.send(Request("GET", f"/v1{path}", KEY))
        self.ids[name] += [each["id"] for each in json.loads(answer.body)["data"]]

    def _kept(self, request: Request, name: str) -> str:
        answer = self._client.send(request)
        made: dict[str, Any] = json.loads(answer.body)
        if answer.status != 200:
            raise AssertionError(f"{request.target}: {answer.status} {made}")
        self.ids[name].append(made["id"])
        found: str = made["id"]
        return found
