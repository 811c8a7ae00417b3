"""An S3 server for the tests: a process of its own that keeps buckets in memory (moto)."""

import subprocess
import sys
from contextlib import suppress
from http.client import HTTPConnection

from perdure.storage import S3Settings
from tests.patience import PATIENCE_SECONDS, wait_until

_HOST = "127.0.0.1"


def environment(bucket: S3Settings) -> dict[str, str]:
    """The variables by which a server keeps contents in the bucket."""
    return {
        "PERDURE_BLOB_URL": bucket.url,
        "PERDURE_BLOB_ENDPOINT": str(bucket.endpoint),
        "PERDURE_BLOB_REGION": str(bucket.region),
        "PERDURE_BLOB_ACCESS_KEY_ID": str(bucket.access_key_id),
        "PERDURE_BLOB_SECRET_ACCESS_KEY": str(bucket.secret_access_key),
    }


class ObjectStore:
    """A running S3 server."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self._buckets = 0
        self._wait_until_ready()

    @property
    def endpoint(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def create(self) -> S3Settings:
        """An empty bucket, and a prefix in it."""
        self._buckets += 1
        name = f"bucket-{self._buckets}"
        assert self._ask("PUT", f"/{name}")[0] == 200
        return S3Settings(f"s3://{name}/some/prefix", self.endpoint, "us-east-1", "key", "secret")

    def holds(self, bucket: S3Settings) -> int:
        """How many objects and unfinished multipart uploads are in a bucket."""
        name = bucket.url.removeprefix("s3://").partition("/")[0]
        status, listed = self._ask("GET", f"/{name}?list-type=2")
        assert status == 200
        status, unfinished = self._ask("GET", f"/{name}?uploads")
        assert status == 200
        return listed.count("<Key>") + unfinished.count("<UploadId>")

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, method: str, path: str) -> tuple[int, str]:
        connection = HTTPConnection(_HOST, self.port, timeout=PATIENCE_SECONDS)
        try:
            # moto checks no signature, but wants to see one
            signed = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request"
            connection.request(method, path, headers={"Authorization": signed})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _wait_until_ready(self) -> None:
        def answers() -> bool:
            assert self._process.poll() is None
            with suppress(OSError):
                self._ask("GET", "/moto-api/")
                return True
            return False

        wait_until(answers)


# A port that is free is told before the server is ready: its address is taken already.
_PROGRAM = f"""
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
app = DomainDispatcherApplication(create_backend_app)
server = make_server({_HOST!r}, 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""
