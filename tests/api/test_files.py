"""Files over HTTP: forms, ranges, names, limits, and what is refused with which words."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from tests.api.servers import LARGEST_FILE
from tests.examples import WITH_FIXTURES
from tests.patience import PATIENCE_SECONDS

BOUNDARY = "perdure-boundary"
KIND = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def field(name: str, value: str) -> bytes:
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
    ).encode()


def file_field(content: bytes, *, name: str = "file", filename: str = "a.txt") -> bytes:
    disposition = f'form-data; name="{name}"; filename="{filename}"'
    return b"--%b\r\nContent-Disposition: %b\r\n\r\n%b\r\n" % (
        BOUNDARY.encode(), disposition.encode(), content,
    )  # fmt: skip


def form(*fields: bytes) -> bytes:
    return b"".join(fields) + f"--{BOUNDARY}--\r\n".encode()


async def post(http: httpx2.AsyncClient, *fields: bytes) -> httpx2.Response:
    return await http.post("/files", content=form(*fields), headers=KIND)


async def upload(
    http: httpx2.AsyncClient, content: bytes = b"content", filename: str = "a.txt"
) -> str:
    response = await post(http, file_field(content, filename=filename), field("purpose", "batch"))
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


async def sweep(app: Perdure) -> None:
    await app.engine.sweeper.step()


async def stored(app: Perdure) -> int:
    """How many contents have bytes."""
    return len([each async for each in app.blobs.default.all()])


async def test_a_file_is_answered_as_the_live_service_does(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """Spec 01 §12: complete, and processed at once."""
    response = await post(
        http, field("purpose", "assistants"), file_field("héllo".encode(), filename="Ü 1.md")
    )
    assert response.status_code == 200
    made = response.json()
    assert made == {
        "id": made["id"], "object": "file", "bytes": 6, "created_at": int(clock.now()),
        "expires_at": None, "filename": "Ü 1.md", "purpose": "assistants",
        "status": "processed", "status_details": None,
    }  # fmt: skip
    assert (await http.get(f"/files/{made['id']}")).json() == made
    content = await http.get(f"/files/{made['id']}/content")
    assert content.content == "héllo".encode()
    assert content.headers["content-disposition"] == (
        "attachment; filename=\"U 1.md\"; filename*=UTF-8''%C3%9C%201.md"
    )
    assert content.headers["content-type"] == "text/markdown"
    assert content.headers["x-content-type-options"] == "nosniff"
    assert content.headers["content-length"] == "6"
    deleted = await http.delete(f"/files/{made['id']}")
    assert deleted.json() == {"id": made["id"], "object": "file", "deleted": True}
    assert (await http.get(f"/files/{made['id']}")).status_code == 404


async def test_files_need_no_beta_header(http: httpx2.AsyncClient) -> None:
    """Spec 02 §1."""
    del http.headers["openai-beta"]
    file_id = await upload(http)
    assert (await http.get(f"/files/{file_id}/content")).content == b"content"


async def test_an_empty_file_is_a_file(http: httpx2.AsyncClient) -> None:
    file_id = await upload(http, b"")
    assert (await http.get(f"/files/{file_id}")).json()["bytes"] == 0
    content = await http.get(f"/files/{file_id}/content")
    assert (content.status_code, content.content) == (200, b"")


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-4", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
async def test_a_range_can_be_asked_for(
    http: httpx2.AsyncClient, asked: str, status: int, content: bytes, told: str | None
) -> None:
    """RFC 9110 §14; what cannot be understood is answered with the whole."""
    path = f"/files/{await upload(http, b'0123456789')}/content"
    answer = await http.get(path, headers={"range": asked})
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("content-range") == told


async def test_a_range_of_another_content_is_answered_with_the_whole(
    http: httpx2.AsyncClient,
) -> None:
    path = f"/files/{await upload(http, b'0123456789')}/content"
    etag = (await http.get(path)).headers["etag"]
    answer = await http.get(path, headers={"range": "bytes=1-2", "if-range": etag})
    assert answer.content == b"12"
    answer = await http.get(path, headers={"range": "bytes=1-2", "if-range": '"other"'})
    assert answer.content == b"0123456789"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.json", "application/json"),
        ("a.PNG", "image/png"),
        ("page.html", "text/html"),
        ("a.tar.gz", "application/octet-stream"),
        ("noending", "application/octet-stream"),
    ],
)
async def test_the_content_type_is_that_of_the_name_and_always_a_download(
    http: httpx2.AsyncClient, name: str, kind: str
) -> None:
    answer = await http.get(f"/files/{await upload(http, filename=name)}/content")
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    ("fields", "message", "param"),
    [
        ([field("purpose", "batch")], "'file' is a required property", None),
        ([], "'file' is a required property", None),
        # a field named file that is no file
        ([field("file", "text"), field("purpose", "batch")],
         "'file' is a required property", None),
        ([file_field(b"x")], "'purpose' is a required property", None),
        ([file_field(b"x"), field("purpose", "world_domination")],
         "'world_domination' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', "
         "'vision', 'evals'] - 'purpose'", "purpose"),
        # purposes that only the server gives
        ([file_field(b"x"), field("purpose", "assistants_output")],
         "'assistants_output' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', "
         "'vision', 'evals'] - 'purpose'", "purpose"),
        ([file_field(b"x"), field("purpose", "batch"), field("x", "1")],
         "Additional properties are not allowed ('x' was unexpected)", None),
        ([file_field(b"x"), field("purpose", "batch"), field("expires_after[seconds]", "3600")],
         "'anchor' is a required property - 'expires_after'", "expires_after"),
        ([file_field(b"x"), field("purpose", "batch"), field("expires_after[anchor]", "x"),
          field("expires_after[seconds]", "3600")],
         "'x' is not one of ['created_at'] - 'expires_after.anchor'", "expires_after.anchor"),
        ([file_field(b"x"), field("purpose", "batch"),
          field("expires_after[anchor]", "created_at"), field("expires_after[seconds]", "3599")],
         "3599 is less than the minimum of 3600 - 'expires_after.seconds'",
         "expires_after.seconds"),
        ([file_field(b"x"), field("purpose", "batch"),
          field("expires_after[anchor]", "created_at"),
          field("expires_after[seconds]", "2592001")],
         "2592001 is greater than the maximum of 2592000 - 'expires_after.seconds'",
         "expires_after.seconds"),
        ([file_field(b"x"), field("purpose", "batch"),
          field("expires_after[anchor]", "created_at"), field("expires_after[seconds]", "1h")],
         "'1h' is not of type 'integer' - 'expires_after.seconds'", "expires_after.seconds"),
    ],
)  # fmt: skip
async def test_a_wrong_form_is_refused_in_the_live_services_words(
    http: httpx2.AsyncClient,
    app: Perdure,
    data_dir: Path,
    fields: list[bytes],
    message: str,
    param: str | None,
) -> None:
    """Spec 05 §3.5; what was stored of it is deleted."""
    response = await post(http, *fields)
    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": message, "type": "invalid_request_error", "param": param, "code": None,
    }  # fmt: skip
    await sweep(app)
    assert await stored(app) == 0
    assert (await http.get("/files")).json()["data"] == []


async def test_a_field_that_is_given_twice_is_refused(
    http: httpx2.AsyncClient, app: Perdure
) -> None:
    for twice in (file_field(b"x"), field("purpose", "batch")):
        response = await post(http, file_field(b"x"), field("purpose", "batch"), twice)
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "duplicate_parameter"
    await sweep(app)
    assert await stored(app) == 0


BROKEN = "We could not parse the form in the body of your request: "


@pytest.mark.parametrize(
    ("content", "kind", "status", "message"),
    [
        (b"{}", "application/json", 415,
         "Unsupported content type: 'application/json'. Expected multipart/form-data."),
        (b"", "", 415, "Unsupported content type: ''. Expected multipart/form-data."),
        (b"", "multipart/form-data", 400, f"{BROKEN}its content type names no boundary."),
        (b"", KIND["content-type"], 400, f"{BROKEN}it breaks off."),
        (form(file_field(b"x"))[:-6], KIND["content-type"], 400, f"{BROKEN}it breaks off."),
        (f"--{BOUNDARY}\r\nX: y\r\n\r\nz\r\n--{BOUNDARY}--".encode(), KIND["content-type"], 400,
         f"{BROKEN}a part of it has no name."),
        (form(*[field(f"f{number}", "") for number in range(65)]), KIND["content-type"], 400,
         f"{BROKEN}it has more than 64 parts."),
        (form(field("purpose", "x" * 20_000)), KIND["content-type"], 400,
         "The form field 'purpose' is too long."),
    ],
)  # fmt: skip
async def test_a_body_that_is_no_form_is_refused(
    http: httpx2.AsyncClient, content: bytes, kind: str, status: int, message: str
) -> None:
    response = await http.post("/files", content=content, headers={"content-type": kind})
    assert (response.status_code, response.json()["error"]["message"]) == (status, message)


async def test_a_file_of_the_largest_size_is_taken_and_no_larger(
    http: httpx2.AsyncClient, app: Perdure
) -> None:
    """`max_body_bytes` is smaller, and does not count here."""
    assert app.settings.max_body_bytes < LARGEST_FILE
    await upload(http, bytes(LARGEST_FILE))

    async def without_length() -> AsyncIterator[bytes]:
        yield form(file_field(bytes(LARGEST_FILE + 1)), field("purpose", "batch"))

    for content in (
        # refused while it comes in: nobody said how long it would be
        without_length(),
        # refused before it comes in
        form(file_field(bytes(LARGEST_FILE + 100_000))),
    ):
        response = await http.post("/files", content=content, headers=KIND)
        assert response.status_code == 413
        assert response.json()["error"]["message"] == (
            f"The file is too large: at most {LARGEST_FILE} bytes are accepted."
        )
    await sweep(app)
    assert await stored(app) == 1


@pytest.mark.parametrize(
    ("named", "filename"),
    [
        # .NET: the SDK of OpenAI, and that of Azure
        ("filename=\"=?utf-8?B?w4RyZ2VyLnR4dA==?=\"; filename*=utf-8''%C3%84rger.txt", "Ärger.txt"),
        ("filename*=UTF-8''%C3%84rger.txt", "Ärger.txt"),
        ("filename*=utf-8'de'it's%22%2F1%252.txt; filename=a.txt", "1%2.txt"),
        ("filename*=iso-8859-1''%C4rger.txt", "Ärger.txt"),
        ('filename*="plain.txt"', "plain.txt"),
        ("filename*=", "upload"),
        # not quoted, as it should be
        ("filename=a@b (1).txt", "a@b (1).txt"),
        ("filename=Ärger 1.txt", "Ärger 1.txt"),
        # it is part of a name here
        ("filename=\"a; filename*=utf-8''b.txt\"", "a; filename*=utf-8''b.txt"),
    ],
)
async def test_a_name_may_come_in_the_notations_that_clients_have(
    http: httpx2.AsyncClient, named: str, filename: str
) -> None:
    part = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=file; {named}\r\n\r\nx\r\n"
    made = await post(http, part.encode(), field("purpose", "batch"))
    assert (made.status_code, made.json().get("filename")) == (200, filename), made.text


@pytest.mark.parametrize("boundary", ["----=_Part_1_2.3", "a/b:c?(d)", '"a b"'])
async def test_a_boundary_may_have_any_characters_quoted_or_not(
    http: httpx2.AsyncClient, boundary: str
) -> None:
    body = form(file_field(b"x"), field("purpose", "batch"))
    made = await http.post(
        "/files",
        content=body.replace(BOUNDARY.encode(), boundary.strip('"').encode()),
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )
    assert (made.status_code, made.json().get("bytes")) == (200, 1), made.text


async def test_the_length_that_a_part_says_of_itself_is_not_looked_at(
    http: httpx2.AsyncClient,
) -> None:
    part = file_field(b"three").replace(b"Content-Disp", b"Content-Length: 9\r\nContent-Disp", 1)
    made = await post(http, part, field("purpose", "batch"))
    assert (made.status_code, made.json().get("bytes")) == (200, 5), made.text


async def test_files_are_listed_with_their_purpose_in_both_orders(
    http: httpx2.AsyncClient,
) -> None:
    """Spec 02 §10: up to 10,000 at once."""
    ids = []
    for purpose in ("vision", "batch", "vision"):
        made = await post(http, file_field(b"x"), field("purpose", purpose))
        ids.append(made.json()["id"])

    async def listed(**query: str | int) -> list[str]:
        response = await http.get("/files", params=query)
        assert response.status_code == 200
        return [each["id"] for each in response.json()["data"]]

    assert await listed() == ids[::-1]
    assert await listed(order="asc", limit=10_000) == ids
    assert await listed(purpose="vision") == [ids[2], ids[0]]
    assert await listed(purpose="vision", limit=1, after=ids[2]) == [ids[0]]
    assert await listed(purpose="evals") == []
    refused = await http.get("/files", params={"limit": 10_001})
    assert refused.json()["error"]["code"] == "integer_above_max_value"
    await http.delete(f"/files/{ids[1]}")
    assert await listed(after=ids[1]) == [ids[0]]


@pytest.mark.parametrize("path", ["", "/content"])
async def test_an_unknown_file_is_answered_in_the_words_of_the_live_service(
    http: httpx2.AsyncClient, path: str
) -> None:
    """Spec 05 §3.2, whatever the id looks like."""
    for file_id in ("file-abc", "thread_1"):
        response = await http.get(f"/files/{file_id}{path}")
        assert response.status_code == 404
        assert response.json()["error"] == {
            "message": f"No such File object: {file_id}", "type": "invalid_request_error",
            "param": "id", "code": None,
        }  # fmt: skip


async def test_an_expired_file_is_gone(
    http: httpx2.AsyncClient, app: Perdure, clock: ManualClock
) -> None:
    made = await post(
        http,
        field("expires_after[seconds]", "3600"),
        file_field(b"x"),
        field("expires_after[anchor]", "created_at"),
        field("purpose", "user_data"),
    )
    assert made.json()["expires_at"] == made.json()["created_at"] + 3600
    clock.advance(3600)
    await sweep(app)
    assert (await http.get(f"/files/{made.json()['id']}")).status_code == 404
    assert await stored(app) == 0


async def test_content_that_was_lost_is_told_and_not_cut_short(
    http: httpx2.AsyncClient, app: Perdure
) -> None:
    path = f"/files/{await upload(http)}/content"
    (blob,) = [each async for each in app.blobs.default.all()]
    await app.blobs.default.delete(blob.id)
    response = await http.get(path)
    assert response.status_code == 503
    assert response.json()["error"]["type"] == "server_error"


@pytest.mark.parametrize("chosen", [{"contents": "folder"}])  # which has the first byte at once
async def test_a_client_that_goes_away_in_the_middle_leaves_nothing(
    base_url: str, http: httpx2.AsyncClient, app: Perdure
) -> None:
    host, port = base_url.removeprefix("http://").removesuffix("/v1").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer x\r\n"
        f"Content-Type: {KIND['content-type']}\r\nContent-Length: 90000\r\n\r\n"
    )
    writer.write(head.encode() + file_field(b"half of it")[:-2])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await stored(app) == 0:
            assert (await http.get("/files")).json()["data"] == []
        writer.close()
        while await stored(app) == 1:
            await sweep(app)
    assert (await http.get("/files")).json()["data"] == []


def slowly(
    app: Perdure, clock: ManualClock, *, chunks: int, seconds: float
) -> AsyncIterator[bytes]:
    """A form whose file comes in chunks, with so many seconds and a sweep before each."""

    async def pieces() -> AsyncIterator[bytes]:
        head, tail = form(field("purpose", "batch"), file_field(b"|")).split(b"|")
        yield head
        for _ in range(chunks):
            clock.advance(seconds)
            await sweep(app)
            yield b"x"
        yield tail

    return pieces()


async def test_an_upload_may_take_hours(
    http: httpx2.AsyncClient, app: Perdure, clock: ManualClock
) -> None:
    content = slowly(app, clock, chunks=40, seconds=300)
    made = await http.post("/files", content=content, headers=KIND)
    assert made.status_code == 200
    answer = await http.get(f"/files/{made.json()['id']}/content")
    assert answer.content == b"x" * 40


async def test_an_upload_that_is_silent_for_too_long_is_given_up(
    http: httpx2.AsyncClient, app: Perdure, clock: ManualClock
) -> None:
    content = slowly(app, clock, chunks=1, seconds=601)
    refused = await http.post("/files", content=content, headers=KIND)
    assert refused.status_code == 503
    assert refused.json()["error"]["message"].startswith("The upload was silent for too long")
    await sweep(app)
    assert await stored(app) == 0


names = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters='"\\'), max_size=40)


@settings(WITH_FIXTURES, max_examples=60)
@given(
    content=st.binary(max_size=300) | st.lists(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"--", BOUNDARY.encode()[:-1], b"-", b"x"])
    ).map(b"".join),
    order=st.permutations(range(4)),
    cuts=st.lists(st.integers(min_value=1, max_value=60), max_size=30),
    name=names.map(lambda name: name.replace("\r", "").replace("\n", "")),
)  # fmt: skip
async def test_any_content_arrives_whatever_the_order_of_fields_and_wherever_it_is_cut(
    http: httpx2.AsyncClient, content: bytes, order: list[int], cuts: list[int], name: str
) -> None:
    fields = [
        file_field(content, filename=name),
        field("purpose", "batch"),
        field("expires_after[anchor]", "created_at"),
        field("expires_after[seconds]", "3600"),
    ]
    body = form(*(fields[place] for place in order))

    async def pieces() -> AsyncIterator[bytes]:
        start = 0
        for cut in cuts:
            yield body[start : start + cut]
            start += cut
        yield body[start:]

    made = await http.post("/files", content=pieces(), headers=KIND)
    assert made.status_code == 200, made.text
    assert made.json()["bytes"] == len(content)
    answer = await http.get(f"/files/{made.json()['id']}/content")
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
