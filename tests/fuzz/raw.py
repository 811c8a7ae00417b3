"""Bytes that are hardly HTTP, and HTTP that holds what nobody expects: framing, bodies, forms,
ranges, paths.
"""

import json
from collections.abc import Mapping

from hypothesis import strategies as st

from tests.fuzz.client import KEY

_KEY = b"".join(f"{name}: {value}\r\n".encode() for name, value in KEY.items())
_BYTES = st.binary(max_size=40)

_METHODS = st.sampled_from([
    b"GET", b"POST", b"DELETE", b"HEAD", b"OPTIONS", b"PUT", b"PATCH", b"TRACE", b"CONNECT",
    b"get", b"PRI", b"", b"GET GET", b"M-SEARCH", b"\xff",
])  # fmt: skip
_VERSIONS = st.sampled_from([
    *([b"HTTP/1.1"] * 6), b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.9", b"HTTP/1.1 ", b"",
    b"HTTPS/1.1",
])  # fmt: skip
_ROOTS = st.sampled_from([
    b"/v1/assistants", b"/v1/threads", b"/v1/files", b"/v1/models", b"/openai/threads", b"/health",
    b"/", b"", b"*", b"http://localhost/v1/models", b"//v1/threads", b"/v1//threads", b"/v1",
    b"/v1/threads/../assistants", b"/v1/./threads", b"/v1/threads/", b"localhost:443",
])  # fmt: skip
_SEGMENTS = st.sampled_from([
    b"thread_1", b"%00", b"%2e%2e", b"..", b"%2f", b"%ff%fe", b"%C0%AF", b"%", b"%zz", b"\xc3\xa9",
    b"%ED%A0%80", b";a=b", b"#x", b"\x7f", b"\x00", b"a b", b"{id}", b"[::1]", b"'--", b"%0d%0a",
    b"runs", b"messages", b"content", b"x" * 5000, b"%F0%9F%98%80", b"\\..\\", b"file-1", b"vs_1",
])  # fmt: skip
_QUERIES = st.sampled_from([
    b"", b"?", b"?limit=1", b"?limit=1&limit=2", b"?limit=%31", b"?limit=1e3", b"?limit=\xb2",
    b"?limit=" + b"9" * 5000, b"?limit=-0", b"?limit=%D9%A1", b"?after=%00", b"?after=%ED%A0%80",
    b"?order=ASC", b"?include[]=x", b"?include=" + b"a," * 500, b"?=&&=&", b"?%", b"?a" * 300,
    b"?filter=%FF", b"?after=" + b"%F0%9F%98%80" * 50, b"?limit=1#2", b"?x=\x00", b"?run_id=run_",
])  # fmt: skip
_HEADERS = st.sampled_from([
    b"Host: [::1]", b"Host: ", b"Host: localhost:99999", b"Host: \xff", b"Host: a, b",
    b"Authorization: Bearer \xff\xfe", b"Authorization: Bearer", b"Authorization: Basic x",
    b"api-key: k", b"OpenAI-Beta: assistants=v1", b"OpenAI-Beta: ,,,", b"OpenAI-Beta: \xe9",
    b"Range: bytes=0-1", b"Range: bytes=-1", b"Range: bytes=5-", b"Range: bytes=9-1",
    b"Range: bytes=" + b"9" * 40 + b"-", b"Range: bytes=0-0,2-3", b"Range: x", b"Range: \xff",
    b"If-Range: x", b"Last-Event-ID: 0", b"Last-Event-ID: \xff", b"Last-Event-ID: " + b"9" * 50,
    b"Last-Event-ID: 1.2.3", b"Last-Event-ID: -1", b"Expect: 100-continue", b"Expect: x",
    b"Connection: close", b"Connection: upgrade\r\nUpgrade: websocket", b"Connection: keep-alive",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM", b"Origin: null",
    b"User-Agent: OpenAI/Python 1.0.0", b"User-Agent: OpenAI/JS 4.9" * 2,
    b"User-Agent: OpenAI/Python " + b"9" * 400 + b".1", b"x-stainless-poll-helper: true",
    b"Content-Type: text/plain", b"Content-Type: application/json; charset=utf-16",
    b"Content-Type: multipart/form-data", b"Content-Type: multipart/form-data; boundary=",
    b"Content-Type: multipart/form-data; boundary=b", b"Content-Type: \xff",
    b"Content-Encoding: gzip", b"Accept: \x00", b"x: y\r\n folded", b": no name", b"no colon",
    b"Cookie: a=b", b"X" * 3000 + b": y", b"Trailer: x", b"TE: trailers", b"Te\xff: x",
])  # fmt: skip
_FRAMINGS = st.sampled_from([
    *([b"Content-Length: %d"] * 8), b"Transfer-Encoding: chunked",
    b"Content-Length: 5\r\nContent-Length: 6", b"", b"Content-Length: -1", b"Content-Length: +5",
    b"Content-Length: 0x5", b"Content-Length: 1e1", b"Content-Length: 99999999999999999999",
    b"Content-Length: 18446744073709551617", b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: xchunked", b"Content-Length: 40000000", b"Content-Length: 1000000000",
    b"Content-Length: \xb2", b"Content-Length: " + b"9" * 5000, b"Content-Length: 5, 5",
    b"Content-Length:",
])  # fmt: skip
_CHUNKS = st.sampled_from([
    b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\nx: y\r\n\r\n", b"2\n{}\n0\n\n",
    b"2;a=b\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n", b"0x2\r\n{}\r\n", b"ffffffffffffffffff\r\n",
    b"2\r\n{}}\r\n0\r\n\r\n", b"g\r\n", b"\r\n", b"2 \r\n{}\r\n0\r\n\r\n",
    b"002\r\n{}\r\n0\r\n\r\n",
])  # fmt: skip

_SCALARS = st.sampled_from([
    b"null", b"true", b"0", b"-0", b"1e400", b"-1e400", b"1e-400", b"9" * 400, b"-" + b"9" * 30,
    b"9223372036854775808", b"0.1" + b"0" * 400, b"NaN", b"Infinity", b"01", b"1.", b".5", b'""',
    b'"a"', b'"\\u0000"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\x"', b'"\xff"', b'"\x00"',
    b'"' + b"x" * 70_000 + b'"', b"'a'", b'"\xed\xa0\x80"', b'"\xef\xbf\xbf"', b'"\\"', b'"',
    b'"\\u202e\\u2066"', b'"asst_1"', b'"file-1"', b'"auto"', b'"2"', b'"\\/"',
])  # fmt: skip
_NESTED = st.sampled_from([30, 200, 900, 990, 1000, 1010, 5000, 100_000]).flatmap(
    lambda depth: st.sampled_from(
        [
            b"[" * depth + b"]" * depth,
            b'{"a":' * depth + b"1" + b"}" * depth,
            b'[{"a":' * (depth // 2) + b"1" + b"}]" * (depth // 2),
            b"[" * depth,
        ]
    )
)
_NAMES = st.sampled_from([
    b"model", b"name", b"metadata", b"tools", b"messages", b"content", b"role", b"tool_resources",
    b"assistant_id", b"thread", b"file_ids", b"filters", b"query", b"response_format", b"type",
    b"function", b"parameters", b"instructions", b"stream", b"tool_choice", b"temperature",
    b"truncation_strategy", b"attachments", b"expires_after", b"chunking_strategy", b"attributes",
    b"", b"\\u0000", b"\\ud800", b"__class__", b"x" * 600, b"input", b"tool_outputs", b"bytes",
])  # fmt: skip
_VALUES = st.recursive(
    _SCALARS | _NESTED,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: b"[" + b",".join(each) + b"]")
        | st.lists(st.tuples(_NAMES, inner), max_size=4).map(
            lambda pairs: b"{" + b",".join(b'"%b":%b' % pair for pair in pairs) + b"}"
        )
    ),
    max_leaves=8,
)
_BODIES = (
    _VALUES
    | _BYTES
    | st.sampled_from(
        [
            *(
                b"",
                b"{}",
                b"{} {}",
                b"\xef\xbb\xbf{}",
                "{}".encode("utf-16"),
                b"{}\x00",
                b"\x1f\x8b",
            ),
            *(b"{" + b" " * 70_000 + b"}", b"model=m&a=b", b"{'a': 1}", b"{}//", b'{"a":1,}'),
        ]
    )
)

_DISPOSITIONS = st.sampled_from([
    b'form-data; name="file"; filename="a.txt"', b'form-data; name="purpose"', b"form-data", b"",
    b'form-data; name="file"; filename="a\\"b.txt"', b'form-data; name="file"; filename=""',
    b'form-data; name="file"; filename="../../etc/passwd"', b'form-data; name=""', b"attachment",
    b"form-data; name=file; filename*=UTF-8''%00%0a%ff", b'form-data; name="data"; filename="d"',
    b'form-data; name="file"; filename="' + b"x" * 3000 + b'"', b'form-data; name="\xff\x00"',
    b'form-data; name="file"; filename="a\x01\x1b[31m.txt"', b"form-data; name*=x''y",
    b'form-data; name="file"; filename="\xe2\x80\xae.txt"', b'form-data; name="purpose[]"',
    b"form-data; name=\"file\"; filename*=UTF-8''a%0D%0Ax%3A%20y.txt",
    b'form-data; name="expires_after[seconds]"',
    b'form-data; name="file"; filename="\xed\xa0\x80.html"',
])  # fmt: skip
_FIELDS = st.sampled_from(
    [
        b"assistants",
        b"user_data",
        b"",
        b"x" * 20_000,
        b"\xff\x00",
        b"3600",
        b"-1",
        b"vision",
        b"1e9",
    ]
)
_PARTS = st.builds(
    lambda disposition, more, content: (
        b"--b\r\nContent-Disposition: %b\r\n%b\r\n%b\r\n" % (disposition, more, content)
    ),
    _DISPOSITIONS,
    st.sampled_from(
        [b"", b"Content-Type: text/html\r\n", b"X: " + b"y" * 20_000 + b"\r\n", b": \r\n"]
    ),
    _FIELDS | _BYTES,
)
_ENDS = st.sampled_from([
    *([b"--b--\r\n"] * 5), b"--b--", b"--b", b"", b"--c--\r\n", b"--b--\r\nmore",
])  # fmt: skip
_FORMS = st.builds(lambda parts, end: b"".join(parts) + end, st.lists(_PARTS, max_size=4), _ENDS)


@st.composite
def framing(draw: st.DrawFn) -> bytes:
    """A request line, headers and a body, each of them in doubt."""
    path = draw(_ROOTS) + b"".join(b"/" + each for each in draw(st.lists(_SEGMENTS, max_size=3)))
    line = b" ".join((draw(_METHODS), path + draw(_QUERIES), draw(_VERSIONS)))
    head = draw(st.sampled_from([_KEY] * 4 + [b"", b"Host: localhost\r\n"]))
    headers = b"".join(each + b"\r\n" for each in draw(st.lists(_HEADERS, max_size=3)))
    framing, body = draw(_FRAMINGS), draw(_BODIES | _CHUNKS)
    framing = framing % len(body) if b"%d" in framing else framing
    end = draw(st.sampled_from([b"\r\n\r\n"] * 6 + [b"\n\n", b"\r\n", b"", b"\r\r"]))
    request = line + b"\r\n" + head + headers + framing + end + body
    return request + draw(st.sampled_from([b"", b"", b"", b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff"]))


def bodies(ids: Mapping[str, list[str]]) -> st.SearchStrategy[bytes]:
    """JSON, or nearly, for each operation that takes it."""
    known = {name: each[-1] for name, each in ids.items() if each}
    thread, run = f"/threads/{known['thread_id']}", f"/runs/{known['run_id']}"
    store = f"/vector_stores/{known['vector_store_id']}"
    paths = [
        *(
            "/assistants",
            f"/assistants/{known['assistant_id']}",
            "/threads",
            "/threads/runs",
            thread,
        ),
        *(f"{thread}/messages", f"{thread}/runs", f"{thread}{run}/submit_tool_outputs"),
        *("/vector_stores", store, f"{store}/search", f"{store}/files", f"{store}/file_batches"),
        *(
            "/uploads",
            f"/uploads/{known['upload_id']}/complete",
            "/chat/completions",
            "/embeddings",
        ),
    ]
    right = {
        "model": "m", "role": "user", "content": "Hello", "assistant_id": known["assistant_id"],
        "query": "hall", "input": "hall", "file_id": known["file_id"], "part_ids": [],
        "file_ids": [known["file_id"]], "messages": [{"role": "user", "content": "Hello"}],
    }  # fmt: skip

    def request(path: str, wrong: list[tuple[bytes, bytes]], kept: list[str]) -> bytes:
        pairs = [(name.encode(), json.dumps(right[name]).encode()) for name in kept] + wrong
        body = b"{" + b",".join(b'"%b":%b' % pair for pair in pairs) + b"}"
        return _post(path, b"application/json", body)

    kept = st.lists(st.sampled_from(sorted(right)), max_size=4, unique=True)
    wrong = st.lists(st.tuples(_NAMES, _VALUES), max_size=3)
    whole = st.builds(
        lambda path, body: _post(path, b"application/json", body), st.sampled_from(paths), _BODIES
    )
    return st.builds(request, st.sampled_from(paths), wrong, kept) | whole


def forms(ids: Mapping[str, list[str]]) -> st.SearchStrategy[bytes]:
    """Forms, or nearly, for files and parts of uploads."""
    paths = st.sampled_from(["/files", f"/uploads/{ids['upload_id'][-1]}/parts"])
    kinds = st.sampled_from(
        [b"multipart/form-data; boundary=b"] * 6
        + [b'multipart/form-data; boundary="b"', b"multipart/form-data; boundary=" + b"b" * 300]
        + [
            b"multipart/form-data; boundary=\xff",
            b"multipart/mixed; boundary=b",
            b"multipart/form-data",
        ]
        + [b"multipart/form-data; boundary=b; boundary=c", b"application/x-www-form-urlencoded"]
    )
    return st.builds(_post, paths, kinds, _FORMS | _BODIES)


@st.composite
def ranges(draw: st.DrawFn, ids: Mapping[str, list[str]]) -> bytes:
    """Parts of a content, and places in a stream."""
    known = {name: each[-1] for name, each in ids.items() if each}
    target = draw(
        st.sampled_from(
            [
                f"/files/{known['file_id']}/content",
                f"/threads/{known['thread_id']}/runs/{known['run_id']}/stream",
                f"/vector_stores/{known['vector_store_id']}/files/{known['file_id']}/content",
            ]
        )
    )
    query = draw(
        _QUERIES | st.binary(max_size=20).map(lambda each: b"?after=" + each.hex().encode())
    )
    headers = b"".join(each + b"\r\n" for each in draw(st.lists(_HEADERS, max_size=3)))
    number = st.integers(0, 10**20).map(lambda each: str(each).encode()) | st.just(b"")
    span = b"Range: bytes=%b-%b\r\n" % (draw(number), draw(number))
    return b"GET /v1" + target.encode() + query + b" HTTP/1.1\r\n" + _KEY + span + headers + b"\r\n"


@st.composite
def damaged(draw: st.DrawFn, ids: Mapping[str, list[str]]) -> bytes:
    """A request with some bytes changed, cut out or put in."""
    request = bytearray(draw(bodies(ids) | forms(ids) | ranges(ids))[:20_000])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(request) - 1)))
        request[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(request)


def _post(path: str, kind: bytes, body: bytes) -> bytes:
    head = b"POST /v1" + path.encode() + b" HTTP/1.1\r\n" + _KEY
    return head + b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)
