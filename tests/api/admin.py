"""A client of the admin API, and what it makes."""

from typing import Any, NamedTuple

import httpx2

ADMIN = "sk-admin-of-the-settings"


class MadeKey(NamedTuple):
    """An API key that was just made."""

    id: str
    secret: str
    account: str


class Admin:
    """Administers a server over HTTP with the admin key of its settings, or another."""

    def __init__(self, http: httpx2.AsyncClient, secret: str = ADMIN) -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {secret}"}

    async def send(self, method: str, path: str, body: object = None) -> httpx2.Response:
        return await self._http.request(
            method, f"/organization{path}", json=body, headers=self._headers
        )

    async def get(self, path: str) -> Any:
        return self._done(await self.send("GET", path))

    async def post(self, path: str, body: object = None) -> Any:
        return self._done(await self.send("POST", path, body))

    async def delete(self, path: str) -> Any:
        return self._done(await self.send("DELETE", path))

    async def project(self, name: str) -> str:
        """A new project; its id."""
        return str((await self.post("/projects", {"name": name}))["id"])

    async def key(self, project: str, name: str = "program", **settings: object) -> MadeKey:
        """A new key of a new service account of the project."""
        path = f"/projects/{project}/service_accounts"
        made = await self.post(path, {"name": name, **settings})
        return MadeKey(made["api_key"]["id"], made["api_key"]["value"], made["id"])

    @staticmethod
    def _done(answer: httpx2.Response) -> Any:
        assert answer.status_code == 200, answer.text
        return answer.json()


def bearer(secret: str, **more: str) -> dict[str, str]:
    """The headers of a request with this key."""
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    return {"authorization": f"Bearer {secret}", **headers}
