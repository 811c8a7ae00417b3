"""The file_search tool in a run: searches, steps, citations (spec 04 §3.3, 06 §1)."""

import asyncio
import json
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from perdure.commands import events, vector_stores
from perdure.commands.ingestions import IngestionJob
from perdure.lifecycle import MESSAGE_DELTA, STEP_DELTA
from perdure.storage.database import Database, Transaction
from perdure.wire.base import decode, to_json_object
from perdure.wire.events import Delta, Event, Interrupted
from perdure.wire.messages import FileCitationAnnotation
from perdure.wire.run_steps import (
    FileSearchToolCall,
    FunctionToolCall,
    RunStep,
    ToolCalls,
    without_contents,
)
from perdure.wire.tools import (
    CodeInterpreterChoice,
    FileSearchChoice,
    FileSearchSettings,
    FileSearchTool,
    FunctionDefinition,
    FunctionTool,
    RankingOptions,
)
from perdure.wire.vector_store_files import ContentText
from perdure.wire.vector_stores import ModifyVectorStore, VectorStoreExpiresAfter
from tests.commands.acts import PROJECT
from tests.engine import filled_stores
from tests.engine.filled_stores import BEES, RENT, SEARCH
from tests.engine.stage import CrashingDatabase, Stage

P = ParamSpec("P")
T = TypeVar("T")

WEATHER = FunctionTool(function=FunctionDefinition(name="get_weather"))


async def test_a_run_searches_and_cites_where_the_passage_stands(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, bees_txt=BEES, rent_md=RENT)
    run = await stage.execute(await filled_stores.begin(stage, "When is the rent due?", store_id))
    assert run.status == "completed"
    part = await filled_stores.answer(stage, run)
    assert part.text.value == f"The files say: {RENT}【4:0†rent.md】"
    (note,) = part.text.annotations
    assert isinstance(note, FileCitationAnnotation)
    assert part.text.value[note.start_index : note.end_index] == note.text == "【4:0†rent.md】"
    first, second = await stage.steps(run)
    found = filled_stores.search_of(first).file_search
    assert (first.status, second.type) == ("completed", "message_creation")
    assert found.queries == ["When is the rent due?"]
    assert found.results[0].file_name == "rent.md"
    assert found.results[0].file_id == note.file_citation.file_id
    assert 0 < found.results[0].score <= 1
    assert run.usage is not None
    assert first.usage is not None
    assert second.usage is not None
    assert run.usage.total_tokens == first.usage.total_tokens + second.usage.total_tokens


async def test_it_is_told_in_the_documented_order(stage: Stage) -> None:
    """Spec 04 §3.3."""
    store_id = await filled_stores.store(stage, rent_md=RENT)
    run = await filled_stores.begin(stage, "When is the rent due?", store_id)
    subscription = stage.bus.subscribe(run.id)
    await stage.execute(run)
    told = [each for each in await subscription.next() if isinstance(each, Event | Delta)]
    names = list(dict.fromkeys(each.name for each in told))
    assert names == [
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.run.step.delta",
        "thread.run.step.completed",
        "thread.message.created",
        "thread.message.in_progress",
        "thread.message.delta",
        "thread.message.completed",
        "thread.run.completed",
    ]
    (searching,) = [each for each in told if isinstance(each, Delta) and each.name == STEP_DELTA]
    (call,) = json.loads(searching.data())["delta"]["step_details"]["tool_calls"]
    assert call.pop("id").startswith("call_")
    assert call == {
        "index": 0,
        "type": "file_search",
        "file_search": {
            "ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0.0},
            "results": [],
        },
    }


async def test_the_streamed_deltas_add_up_to_the_stored_message(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    run = await filled_stores.begin(stage, "When is the rent due?", store_id)
    subscription = stage.bus.subscribe(run.id)
    await stage.execute(run)
    deltas = [
        json.loads(each.data())["delta"]["content"][0]["text"]
        for each in await subscription.next()
        if isinstance(each, Delta) and each.name == MESSAGE_DELTA
    ]
    part = await filled_stores.answer(stage, run)
    assert "".join(delta["value"] for delta in deltas) == part.text.value
    notes = [note for delta in deltas for note in delta.get("annotations", ())]
    (stored,) = part.text.annotations
    assert isinstance(stored, FileCitationAnnotation)
    assert notes == [
        {
            "index": 0,
            "type": "file_citation",
            "text": stored.text,
            "start_index": stored.start_index,
            "end_index": stored.end_index,
            "file_citation": {"file_id": stored.file_citation.file_id, "quote": ""},
        }
    ]


async def test_two_searches_of_one_round_are_calls_of_one_step(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, bees_txt=BEES, rent_md=RENT)
    prompt = (
        'call: file_search {"queries": ["rent"]}\ncall: file_search {"queries": ["bees"]}\n'
        "then:\nsay: Both【4:0†a】【5:0†b】."
    )
    run = await stage.execute(await filled_stores.begin(stage, prompt, store_id))
    step, _ = await stage.steps(run)
    assert isinstance(step.step_details, ToolCalls)
    names = [
        call.file_search.results[0].file_name
        for call in step.step_details.tool_calls
        if isinstance(call, FileSearchToolCall)
    ]
    assert names == ["rent.md", "bees.txt"]
    assert (
        await filled_stores.answer(stage, run)
    ).text.value == "Both【4:0†rent.md】【5:0†bees.txt】."


async def test_a_function_beside_a_search_waits_for_the_client(stage: Stage) -> None:
    """spec 03 §4: the search of the same round is run too, and only the function is asked for."""
    store_id = await filled_stores.store(stage, rent_md=RENT)
    prompt = (
        'call: get_weather {}\ncall: file_search {"queries": ["rent"]}\n'
        "then:\nsay: Sunny, and the rent is due【4:0†x】."
    )
    run = await filled_stores.begin(stage, prompt, store_id, tools=[*SEARCH, WEATHER])
    run = await stage.execute(run)
    assert run.status == "requires_action"
    assert run.required_action is not None
    asked = run.required_action.submit_tool_outputs.tool_calls
    assert [call.function.name for call in asked] == ["get_weather"]
    run = await stage.execute(await stage.submit(run, "sunny"))
    assert run.status == "completed"
    step, _ = await stage.steps(run)
    assert isinstance(step.step_details, ToolCalls)
    function, search = step.step_details.tool_calls
    assert isinstance(search, FileSearchToolCall)
    assert search.file_search.results[0].file_name == "rent.md"
    assert isinstance(function, FunctionToolCall)
    assert function.function.output == "sunny"
    assert (await filled_stores.answer(stage, run)).text.value.endswith("【4:0†rent.md】.")


async def test_assistant_and_thread_are_searched_together(stage: Stage) -> None:
    of_assistant = await filled_stores.store(stage, bees_txt=BEES)
    of_thread = await filled_stores.store(stage, rent_md=RENT)
    run = await filled_stores.begin(
        stage,
        'call: file_search {"queries": ["rent bees"]}\nthen:\nsay: Done.',
        of_assistant,
    )
    await stage.give_thread(run.thread_id, of_thread)
    run = await stage.execute(run)
    step, _ = await stage.steps(run)
    names = {result.file_name for result in filled_stores.search_of(step).file_search.results}
    assert names == {"bees.txt", "rent.md"}


async def test_the_choice_of_file_search_forces_it(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    run = await filled_stores.begin(
        stage, "rent", store_id, tools=[*SEARCH, WEATHER], tool_choice=FileSearchChoice()
    )
    run = await stage.execute(run)
    step = (await stage.steps(run))[0]
    assert filled_stores.search_of(step).file_search.queries == ["rent"]


async def test_a_function_named_like_the_tool_stays_the_clients(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    own = FunctionTool(function=FunctionDefinition(name="file_search"))
    run = await filled_stores.begin(stage, "call: file_search {}", store_id, tools=[*SEARCH, own])
    run = await stage.execute(run)
    assert run.status == "requires_action"


async def test_without_a_store_there_is_nothing_to_search(stage: Stage) -> None:
    assistant = await stage.acts.assistant(tools=SEARCH)
    thread = await stage.acts.thread("When is the rent due?")
    run = await stage.execute(await stage.acts.run(thread.id, assistant.id))
    assert run.status == "completed"
    assert [step.type for step in await stage.steps(run)] == ["message_creation"]


@pytest.mark.parametrize("choice", [FileSearchChoice(), CodeInterpreterChoice()])
async def test_what_is_not_offered_is_not_forced(
    stage: Stage, choice: FileSearchChoice | CodeInterpreterChoice
) -> None:
    run = await stage.begin("rent", tools=[*SEARCH, WEATHER], tool_choice=choice)
    prepared = await stage.prepare(run)
    assert [tool.function.name for tool in prepared.request.tools or ()] == ["get_weather"]
    assert prepared.request.tool_choice is None


async def test_a_run_whose_store_has_expired_fails(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    policy = ModifyVectorStore(
        expires_after=VectorStoreExpiresAfter(anchor="last_active_at", days=1)
    )
    now = int(stage.clock.now())
    await stage.database.write(vector_stores.modify, store_id, policy, project=PROJECT, now=now)
    stage.clock.advance(86_400)
    stage.acts.now = int(stage.clock.now())
    run = await stage.execute(await filled_stores.begin(stage, "When is the rent due?", store_id))
    assert run.status == "failed"
    assert run.last_error is not None
    assert run.last_error.code == "server_error"
    assert run.last_error.message == f"Vector store '{store_id}' has expired."


async def test_a_run_puts_the_expiry_of_its_store_off(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    policy = ModifyVectorStore(
        expires_after=VectorStoreExpiresAfter(anchor="last_active_at", days=1)
    )
    now = int(stage.clock.now())
    await stage.database.write(vector_stores.modify, store_id, policy, project=PROJECT, now=now)
    stage.clock.advance(80_000)
    stage.acts.now = int(stage.clock.now())
    await stage.execute(await filled_stores.begin(stage, "When is the rent due?", store_id))
    seen = await filled_stores.look(stage, store_id)
    assert seen.last_active_at == now + 80_000
    assert seen.expires_at == now + 80_000 + 86_400


async def test_a_search_waits_for_the_files_of_the_thread(stage: Stage) -> None:
    empty = await filled_stores.store(stage)
    waiting = await filled_stores.waiting_store(stage, rent_md=RENT)
    run = await filled_stores.begin(stage, "When is the rent due?", empty)
    await stage.give_thread(run.thread_id, waiting)
    work = asyncio.ensure_future(stage.execute(run))
    job = await filled_stores.claim(stage)
    assert isinstance(job, IngestionJob)
    await filled_stores.finish(stage, job, RENT)
    run = await work
    assert "【4:0†rent.md】" in (await filled_stores.answer(stage, run)).text.value


class WatchedDatabase(CrashingDatabase):
    """A database that tells when somebody has looked whether a store is ready."""

    def __init__(self, inner: Database) -> None:
        super().__init__(inner, crash_at=2**62, committed=False)
        self.looked = asyncio.Event()

    async def read(
        self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        found = await super().read(query, *args, **kwargs)
        if query is vector_stores.has_files_in_progress:
            self.looked.set()
        return found


@pytest.mark.parametrize("rounds", [1, 2])
async def test_the_searches_of_a_run_wait_for_a_minute_and_no_longer(
    stage: Stage, rounds: int
) -> None:
    empty = await filled_stores.store(stage)
    waiting = await filled_stores.waiting_store(stage, rent_md=RENT)
    search = 'call: file_search {"queries": ["rent"]}\nthen:\n'
    run = await filled_stores.begin(stage, f"{search * rounds}say: Nothing.", empty)
    await stage.give_thread(run.thread_id, waiting)
    watched = WatchedDatabase(stage.database)
    stage.use(watched)
    began = stage.clock.now()
    work = asyncio.ensure_future(stage.execute(run))
    while not work.done():
        looking = asyncio.ensure_future(watched.looked.wait())
        await asyncio.wait({work, looking}, return_when=asyncio.FIRST_COMPLETED)
        if looking.done():
            watched.looked.clear()
            stage.clock.advance(1)
            stage.bus.publish(waiting, Interrupted())
        looking.cancel()
    run = await work
    assert 60 <= stage.clock.now() - began <= 61
    *searches, _ = await stage.steps(run)
    assert [filled_stores.search_of(step).file_search.results for step in searches] == [[]] * rounds


async def test_contents_are_kept_with_the_step_and_can_be_left_out(stage: Stage) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)
    run = await stage.execute(await filled_stores.begin(stage, "When is the rent due?", store_id))
    (data,) = [
        event.data
        for event in await stage.database.read(events.after, run.id, 0)
        if event.name == "thread.run.step.completed" and b"file_search" in event.data
    ]
    whole = filled_stores.search_of(decode(data, RunStep)).file_search.results[0]
    bare = filled_stores.search_of(decode(without_contents(data), RunStep)).file_search.results[0]
    assert whole.content == [ContentText(text=RENT)]
    assert bare.content is UNSET
    assert replace(whole, content=UNSET) == bare


@pytest.mark.parametrize("threshold", [0.0, 1.0])
async def test_the_score_threshold_of_the_tool_holds(stage: Stage, threshold: float) -> None:
    store_id = await filled_stores.store(stage, rent_md=RENT)

    tool = FileSearchTool(
        file_search=FileSearchSettings(ranking_options=RankingOptions(score_threshold=threshold))
    )
    run = await filled_stores.begin(stage, "rent and hives", store_id, tools=[tool])
    subscription = stage.bus.subscribe(run.id)
    run = await stage.execute(run)
    found = filled_stores.search_of((await stage.steps(run))[0]).file_search
    assert found.ranking_options.score_threshold == threshold
    (told,) = [
        json.loads(each.data())["delta"]["step_details"]["tool_calls"][0]["file_search"]
        for each in await subscription.next()
        if isinstance(each, Delta) and each.name == STEP_DELTA
    ]
    assert told["ranking_options"] == to_json_object(found.ranking_options)
    assert len(found.results) == (1 if threshold == 0.0 else 0)
