"""Runs over HTTP, polled and streamed (spec 02 §7, 04 §1)."""

from collections.abc import Callable
from functools import partial
from typing import Concatenate, NamedTuple, ParamSpec

from msgspec.structs import replace
from starlette.responses import Response

from perdure import ids, lifecycle
from perdure.api import images
from perdure.api.cursor import Cursor, cursor
from perdure.api.dialects import dialect, is_poll
from perdure.api.event_stream import EventStream
from perdure.api.http import Answer, ApiCall, respond
from perdure.api.permissions import require_lists
from perdure.api.run_changes import RunChanges
from perdure.bus.bus import Subscription
from perdure.commands import creation, events, lists, run_lists, runs, threads
from perdure.commands.creation import NewRun
from perdure.commands.limits import NO_LIMITS
from perdure.lifecycle import RunStatus
from perdure.storage.database import Transaction
from perdure.telemetry import traceparent
from perdure.wire.events import runs_topic
from perdure.wire.lists import Page
from perdure.wire.query import ListQuery, check_id, include
from perdure.wire.run_lists import run_list_query
from perdure.wire.runs import CreateRun, CreateThreadAndRun, ModifyRun, Run, SubmitToolOutputs

P = ParamSpec("P")


class _Asked(NamedTuple):
    """The form of the response that a request asks for: the run or its stream, with or without the
    contents of search results. A run that `is_new` has no events yet.
    """

    run_id: str
    stream: bool | None
    contents: bool
    is_new: bool = True


async def create(call: ApiCall) -> Answer:
    thread_id = call.id("thread_id")
    contents = _contents(call)
    body = await call.body(CreateRun)
    check_id(body.assistant_id, name="assistant_id", prefix="asst")
    await images.check(call, body.additional_messages, param="additional_messages")
    await call.services.queue.enter()
    new = await _new(call)
    asked = _Asked(new.id, body.stream, contents or bool(body.include))
    return await _write(call, asked, creation.create, thread_id, body, new)


async def create_with_thread(call: ApiCall) -> Answer:
    body = await call.body(CreateThreadAndRun)
    check_id(body.assistant_id, name="assistant_id", prefix="asst")
    if body.thread:
        await images.check(call, body.thread.messages, param="thread.messages")
    await call.services.queue.enter()
    new = await _new(call)
    asked = _Asked(new.id, body.stream, _contents(call))
    return await _write(call, asked, creation.create_with_thread, body, new)


async def list_all(call: ApiCall) -> Answer:
    return await call.services.database.read(
        _page, call.id("thread_id"), call.list_query, project=call.project
    )


async def list_of_project(call: ApiCall) -> Answer:
    """Lists the runs of all threads. An extension."""
    require_lists(call, "Runs")
    asked = run_list_query(call.request.query_params.multi_items())
    return await call.services.database.read(run_lists.page, asked, project=call.project)


async def retrieve_by_id(call: ApiCall) -> Answer:
    """Returns a run by its id alone. An extension."""
    return await call.services.database.read(runs.find, call.id("run_id"), project=call.project)


async def stream_of_project(call: ApiCall) -> Answer:
    """Streams the changes of all runs. An extension."""
    require_lists(call, "Runs")
    last = call.request.headers.get("last-event-id") or call.request.query_params.get("after", "")
    services = call.services
    return RunChanges(
        services.bus.subscribe(runs_topic(call.project)),
        project=call.project,
        after=cursor(last).seq if last else None,
        database=services.database,
        clock=services.clock,
        keep_alive=services.settings.keep_alive_seconds,
        is_admitted=partial(services.keys.admit, call.caller),
    )


async def retrieve(call: ApiCall) -> Answer:
    thread_id, run_id = call.id("thread_id"), call.id("run_id")
    database = call.services.database
    run = await database.read(runs.get, run_id, thread_id=thread_id, project=call.project)
    if runs.is_due(run, now=call.now):
        # Past its time, and the timer has not come by yet (spec 03 §9).
        await database.write(runs.expire, run_id, now=call.now)
        run = await database.read(runs.get, run_id, thread_id=thread_id, project=call.project)
    return _polled(call, run)


async def stream(call: ApiCall) -> Answer:
    """Streams the run from its start, or from the point where a stream broke off. An extension."""
    run_id = call.id("run_id")
    params = call.request.query_params
    after = cursor(call.request.headers.get("last-event-id") or params.get("after", ""))
    subscription = call.services.bus.subscribe(run_id)
    try:
        await retrieve(call)
    except BaseException:
        subscription.close()
        raise
    asked = _Asked(run_id, stream=True, contents=_contents(call))
    return _stream(call, subscription, asked, after=after)


async def modify(call: ApiCall) -> Answer:
    thread_id, run_id = call.id("thread_id"), call.id("run_id")
    body = await call.body(ModifyRun)
    return await call.services.database.write(
        runs.modify, run_id, body, thread_id=thread_id, project=call.project, now=call.now
    )


async def cancel(call: ApiCall) -> Answer:
    thread_id, run_id = call.id("thread_id"), call.id("run_id")
    run = await call.services.database.write(
        runs.cancel, run_id, thread_id=thread_id, project=call.project, now=call.now
    )
    return _polled(call, run)


async def submit_tool_outputs(call: ApiCall) -> Answer:
    thread_id, run_id = call.id("thread_id"), call.id("run_id")
    body = await call.body(SubmitToolOutputs)
    await _require_quota(call, run_id, thread_id)
    return await _write(
        call,
        _Asked(run_id, body.stream, _contents(call), is_new=False),
        runs.submit,
        run_id,
        body,
        thread_id=thread_id,
        project=call.project,
        now=call.now,
        queued_at=call.services.clock.now(),
    )


async def _require_quota(call: ApiCall, run_id: str, thread_id: str) -> None:
    """Refuses outputs while the project may not call the run's model: nothing is lost by that, and
    the client comes again. Raises `RateLimited` and `QuotaExceeded`.
    """
    limiter, database = call.services.limiter, call.services.database
    if await limiter.limits(call.project) is not NO_LIMITS:
        run = await database.read(runs.get, run_id, thread_id=thread_id, project=call.project)
        await limiter.require_quota(call.project, run.model)


async def _new(call: ApiCall) -> NewRun:
    place = traceparent.parse(call.request.headers.get("traceparent"))
    return NewRun(
        id=ids.new(ids.RUN),
        project=call.project,
        now=call.now,
        lifetime=call.services.settings.run_lifetime_seconds,
        key_id=call.caller.key_id,
        limits=await call.services.limiter.limits(call.project),
        queued_at=call.services.clock.now(),
        traceparent=place.header if place else None,
    )


async def _write(
    call: ApiCall,
    asked: _Asked,
    command: Callable[Concatenate[Transaction, P], Run],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """Runs a command that starts or continues a run, and answers with the run or with its
    stream.
    """
    services = call.services
    if not asked.stream:
        return _polled(call, await services.database.write(command, *args, **kwargs))
    # Listening comes before the write, so that the first event is not missed.
    subscription = services.bus.subscribe(asked.run_id)
    try:
        before = await _told_before(call, asked)
        await services.database.write(command, *args, **kwargs)
    except BaseException:
        subscription.close()
        raise
    return _stream(call, subscription, asked, before=before)


async def _told_before(call: ApiCall, asked: _Asked) -> Cursor:
    """Where the log of the run ends. Another server may have told events that are still on their
    way to this one, such as that the run waits for what is submitted now.
    """
    database = call.services.database
    if asked.is_new or database.exclusive:
        return Cursor()
    latest = await database.read(events.latest, [asked.run_id])
    return Cursor(latest.get(asked.run_id, 0))


def _contents(call: ApiCall) -> bool:
    """Returns True if the query asks for the contents of search results. Raises `BadRequest`."""
    return bool(include(call.request.query_params.multi_items()))


def _stream(
    call: ApiCall,
    subscription: Subscription,
    asked: _Asked,
    *,
    after: Cursor | None = None,
    before: Cursor = Cursor(),  # noqa: B008 # a value
) -> EventStream:
    services = call.services
    return EventStream(
        subscription,
        run_id=asked.run_id,
        database=services.database,
        keep_alive=services.settings.keep_alive_seconds,
        after=after,
        before=before,
        dialect=dialect(call.request.headers),
        contents=asked.contents,
    )


def _polled(call: ApiCall, run: Run) -> Response:
    """Returns the run, with a hint for the time of the next request while it is active (spec 07
    §4).
    """
    headers = call.request.headers
    if run.status == RunStatus.INCOMPLETE and dialect(headers).polls_on and is_poll(headers):
        # `incomplete_details` still says what happened.
        run = replace(run, status=RunStatus.COMPLETED)
    if run.status not in lifecycle.ACTIVE:
        return respond(run)
    return respond(run, call.poll_hint)


def _page(tx: Transaction, thread_id: str, query: ListQuery, *, project: str) -> Page:
    threads.get(tx, thread_id, project=project)
    return lists.page(tx, "runs", query, project=project, parent=thread_id, label="run")
