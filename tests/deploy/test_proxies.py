"""The proxies of `deploy/` pass on what comes as it comes, in both directions."""

import ssl
from pathlib import Path

import httpx2
import pytest
from openai import APIStatusError, OpenAI

from perdure.tls import self_signed
from tests.cli.processes import serving
from tests.deploy.proxies import PROXIES
from tests.patience import PATIENCE_SECONDS

_NOW = 1_796_000_000
_MIB = 1 << 20


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_run_is_streamed_while_it_goes_on_and_the_limits_are_the_servers(
    proxy: str, tmp_path: Path
) -> None:
    made = self_signed.make(tmp_path / "tls", names=(), days=3650, now=_NOW)
    trusting = ssl.create_default_context(cafile=made.cert)
    with serving(tmp_path / "data", environment={"PERDURE_TRUSTED_PROXIES": "127.0.0.1"}) as served:
        server = served.url.removeprefix("http://")
        with (
            PROXIES[proxy](tmp_path / "proxy", [server, server], made) as url,
            httpx2.Client(verify=trusting, timeout=PATIENCE_SECONDS) as http,
            OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, http_client=http) as client,
        ):
            assert _events_of_an_endless_run(client)[-1] == "thread.run.cancelled"
            content = bytes(3 * _MIB)
            kept = client.files.create(file=("a.txt", content), purpose="assistants")
            assert client.files.content(kept.id).content == content
            with pytest.raises(APIStatusError) as refused:
                client.beta.threads.create(metadata={"a": "b" * (33 * _MIB)})
            assert refused.value.status_code == 413
            assert refused.value.type == "invalid_request_error"
        assert served.stop()[0] == 0


def _events_of_an_endless_run(client: OpenAI) -> list[str]:
    """The events of a run that is cancelled when its first word has arrived: a proxy that buffers
    would not show that.
    """
    assistant = client.beta.assistants.create(model="scripted")
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": "forever\nwait 20 ms"}]
    )
    events: list[str] = []
    run_id = ""
    stream = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id, stream=True)
    for event in stream:
        if event.event == "thread.run.created":
            run_id = event.data.id
        if event.event == "thread.message.delta" and event.event not in events:
            client.beta.threads.runs.cancel(run_id, thread_id=thread.id)
        events.append(event.event)
    return events
