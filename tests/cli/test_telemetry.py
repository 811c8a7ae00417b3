"""Spans of real server processes: a run's span survives the server that worked on it."""

import asyncio
import signal
import time
from pathlib import Path

from openai import AsyncOpenAI

from tests.cli.processes import serving
from tests.telemetry.receiver import receiving_otlp

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


async def test_the_span_of_a_run_survives_the_kill_of_its_server(tmp_path: Path) -> None:
    prompt = "wait 20 ms\nsay: " + "word " * 40
    before = time.time()
    async with receiving_otlp() as otlp:
        environment = otlp.variables("TRACES")
        with serving(tmp_path / "data", environment=environment) as first:
            async with AsyncOpenAI(base_url=first.base_url, api_key="any") as client:
                assistant = await client.beta.assistants.create(model="scripted")
                stream = await client.beta.threads.create_and_run(
                    assistant_id=assistant.id,
                    thread={"messages": [{"role": "user", "content": prompt}]},
                    stream=True,
                    extra_headers=HEADERS,
                )
                async for event in stream:
                    if event.event == "thread.run.created":
                        run = event.data
                    if event.event == "thread.message.delta":
                        break
            first.process.kill()
            killed_at = time.time()
        with serving(tmp_path / "data", environment=environment) as second:
            async with AsyncOpenAI(base_url=second.base_url, api_key="any") as client:
                ended = await client.beta.threads.runs.poll(run.id, thread_id=run.thread_id)
            assert ended.status == "completed"
            call, root = await otlp.wait_spans(2)
            code, _ = await asyncio.to_thread(second.stop, signal.SIGTERM)
        assert code == 0
        assert [span.name for span in otlp.spans] == ["chat scripted", "invoke_agent"]
        assert root.trace_id == call.trace_id == TRACE
        assert (root.parent_id, call.parent_id) == ("b7ad6b7169203331", root.span_id)
        assert before <= root.started_at < killed_at < call.started_at < root.ended_at
        assert root.attributes["perdure.run.id"] == run.id
        assert root.attributes["perdure.run.status"] == "completed"
