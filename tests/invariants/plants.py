"""One of each thing that cannot be, and the sentence by which the invariants tell of it."""

import json
from collections.abc import Callable
from typing import NamedTuple

from tests.commands.acts import START
from tests.storage.raw import Raw


class Scene(NamedTuple):
    """A database that is well, with a run for each way that a run can be."""

    completed: str
    incomplete: str
    failed: str
    cancelled: str
    expired: str
    asking: str
    writing: str
    cancelling: str
    released: str
    waiting: str


class Ids(NamedTuple):
    """A scene; of its completed run the thread, the message and the steps; of the one that is
    being written the open parts; and a message that a user wrote.
    """

    scene: Scene
    thread: str
    message: str
    step: str
    open_step: str
    open_message: str
    by_hand: str
    tool_step: str
    waiting_thread: str


class Plant(NamedTuple):
    """Something that cannot be: how it is made, which object it is found at, and as what."""

    name: str
    make: Callable[[Raw, Ids], object]
    where: Callable[[Ids], str]
    text: str


def _tell(plant: Raw, run_id: str, name: str, *, like: str | None = None) -> None:
    """Appends an event to the log, with the data of the last one of its name or of another."""
    plant.run(
        "INSERT INTO events (run_id, name, data, told_at) SELECT run_id, ?, data, told_at "
        "FROM events WHERE run_id = ? AND name = ? ORDER BY seq DESC LIMIT 1",
        name, run_id, like or name,
    )  # fmt: skip


def _untell(plant: Raw, run_id: str, name: str) -> None:
    plant.run("DELETE FROM events WHERE run_id = ? AND name = ?", run_id, name)


def _extras(call_id: str) -> str:
    return json.dumps({"server": "http://m", "model": "m", "calls": {call_id: {}}})


PLANTS = (
    Plant(
        "two active runs",
        lambda plant, ids: plant.copy("runs", ids.scene.waiting, id="run_2"),
        lambda ids: ids.waiting_thread,
        r"has 2 active runs",
    ),
    Plant(
        "no thread",
        lambda plant, ids: plant.run("DELETE FROM threads WHERE id = ?", ids.thread),
        lambda ids: ids.scene.completed,
        r"belongs to the thread thread_\w+, of which none is",
    ),
    Plant(
        "a step without a run",
        lambda plant, ids: plant.copy("run_steps", ids.step, id="step_2", run_id="run_gone"),
        lambda ids: "step_2",
        r"belongs to the run run_gone, of which none is",
    ),
    Plant(
        "a message without a run",
        lambda plant, ids: plant.copy("messages", ids.message, id="msg_2", run_id="run_gone"),
        lambda ids: "msg_2",
        r"belongs to the run run_gone, of which none is",
    ),
    Plant(
        "no JSON",
        lambda plant, ids: plant.set("runs", ids.scene.completed, body='{"id":'),
        lambda ids: ids.scene.completed,
        r"holds something that is no object of the API: .+",
    ),
    Plant(
        "an unknown status",
        lambda plant, ids: plant.edit("runs", ids.scene.completed, status="paused"),
        lambda ids: ids.scene.completed,
        r"holds something that is no object of the API: Invalid enum value 'paused'.+",
    ),
    Plant(
        "a row that disagrees",
        lambda plant, ids: plant.set("runs", ids.scene.waiting, expires_at=7),
        lambda ids: ids.scene.waiting,
        r"has expires_at 7 in its row and \d+ in its body",
    ),
    Plant(
        "a status that only the row has",
        lambda plant, ids: plant.set("runs", ids.scene.waiting, status="failed", ended_at=1),
        lambda ids: ids.scene.waiting,
        r"has status failed in its row and queued in its body",
    ),
    Plant(
        "a timestamp too many",
        lambda plant, ids: plant.edit("runs", ids.scene.completed, failed_at=START),
        lambda ids: ids.scene.completed,
        r"is completed with completed_at, failed_at, started_at set, to which no way .+",
    ),
    Plant(
        "a timestamp too few",
        lambda plant, ids: plant.edit("runs", ids.scene.completed, completed_at=None),
        lambda ids: ids.scene.completed,
        r"is completed with started_at set, to which no way through the table leads",
    ),
    Plant(
        "a failure without its error",
        lambda plant, ids: plant.edit("runs", ids.scene.failed, last_error=None),
        lambda ids: ids.scene.failed,
        r"is failed with failed_at, started_at set, to which no way through the table leads",
    ),
    Plant(
        "an end without a time",
        lambda plant, ids: plant.set("runs", ids.scene.expired, ended_at=None),
        lambda ids: ids.scene.expired,
        r"is expired with ended_at None",
    ),
    Plant(
        "an end at another time",
        lambda plant, ids: plant.set("runs", ids.scene.completed, ended_at=7),
        lambda ids: ids.scene.completed,
        r"ended at 7 with completed_at \d+",
    ),
    Plant(
        "work that nobody owns",
        lambda plant, ids: plant.set("runs", ids.scene.writing, owner=None, lease_until=None),
        lambda ids: ids.scene.writing,
        r"is in_progress and owned by nobody",
    ),
    Plant(
        "an owner of what waits",
        lambda plant, ids: plant.set("runs", ids.scene.asking, owner="w", lease_until=1.0),
        lambda ids: ids.scene.asking,
        r"is requires_action and owned by w",
    ),
    Plant(
        "an owner for ever",
        lambda plant, ids: plant.set("runs", ids.scene.writing, lease_until=None),
        lambda ids: ids.scene.writing,
        r"is owned by worker_1 until no time",
    ),
    Plant(
        "work without an epoch",
        lambda plant, ids: plant.set("runs", ids.scene.writing, epoch=0),
        lambda ids: ids.scene.writing,
        r"was started and has epoch 0",
    ),
    Plant(
        "an open step of an ended run",
        lambda plant, ids: plant.edit("run_steps", ids.step, status="in_progress"),
        lambda ids: ids.scene.completed,
        r"is completed with 1 open steps",
    ),
    Plant(
        "two open messages",
        lambda plant, ids: plant.copy("messages", ids.open_message, id="msg_2"),
        lambda ids: ids.scene.writing,
        r"is in_progress with 2 open messages",
    ),
    Plant(
        "another question than the step's",
        lambda plant, ids: plant.edit(
            "runs",
            ids.scene.asking,
            required_action={
                "type": "submit_tool_outputs",
                "submit_tool_outputs": {
                    "tool_calls": [
                        {
                            "id": "call_a",
                            "type": "function",
                            "function": {"name": "f", "arguments": "{}"},
                        }
                    ]
                },
            },
        ),
        lambda ids: ids.scene.asking,
        r"asks for the outputs of \['call_a'\], and its open step has the calls "
        r"\['call_a', 'call_b'\]",
    ),
    Plant(
        "usage that does not add up",
        lambda plant, ids: plant.run("UPDATE run_steps SET usage = NULL WHERE id = ?", ids.step),
        lambda ids: ids.scene.completed,
        r"has Usage\(prompt_tokens=40.+ and its steps make Usage\(prompt_tokens=20.+",
    ),
    Plant(
        "usage that the step does not show",
        lambda plant, ids: plant.edit("run_steps", ids.step, usage=None),
        lambda ids: ids.step,
        r"shows None for its usage, and its row notes Usage\(.+",
    ),
    Plant(
        "extras of a step without calls",
        lambda plant, ids: plant.set("run_steps", ids.step, extras=_extras("call_a")),
        lambda ids: ids.step,
        r"has extras of a model server and no calls",
    ),
    Plant(
        "extras of a message with more than thinking",
        lambda plant, ids: plant.set(
            "run_steps",
            ids.step,
            extras='{"server":"http://m","model":"m","message":{"reasoning":"Hm."},"thinking":"Hm."}',
        ),
        lambda ids: ids.step,
        r"has extras of a model server and no calls",
    ),
    Plant(
        "extras of a call of another step",
        lambda plant, ids: plant.set("run_steps", ids.tool_step, extras=_extras("call_x")),
        lambda ids: ids.tool_step,
        r"has extras of the calls \['call_x'\], which it did not make",
    ),
    Plant(
        "extras that cannot be read",
        lambda plant, ids: plant.set("run_steps", ids.tool_step, extras='{"server": 1}'),
        lambda ids: ids.tool_step,
        r"holds something that is no object of the API: .+ - at `\$.server`",
    ),
    Plant(
        "a step of another thread",
        lambda plant, ids: plant.edit("run_steps", ids.step, thread_id="thread_x"),
        lambda ids: ids.step,
        r"has thread_id thread_x, and its run has thread_\w+",
    ),
    Plant(
        "a message of another project",
        lambda plant, ids: plant.set("messages", ids.message, project="proj_x"),
        lambda ids: ids.message,
        r"has project proj_x, and its run has proj_default",
    ),
    Plant(
        "a misshapen step",
        lambda plant, ids: plant.edit("run_steps", ids.step, expires_at=9),
        lambda ids: ids.step,
        r"is completed with completed_at, expires_at set, to which no way .+",
    ),
    Plant(
        "a completed call without its output",
        lambda plant, ids: plant.run(
            'UPDATE run_steps SET body = REPLACE(body, \'"output":"21"\', \'"output":null\') '
            "WHERE run_id = ?",
            ids.scene.completed,
        ),
        lambda ids: ids.tool_step,
        r"is completed without the outputs of \['call_a', 'call_b'\]",
    ),
    Plant(
        "two calls of one id",
        lambda plant, ids: plant.run(
            "UPDATE run_steps SET body = REPLACE(body, 'call_b', 'call_a') WHERE run_id = ?",
            ids.scene.completed,
        ),
        lambda ids: ids.scene.completed,
        r"has 2 calls with the id call_a",
    ),
    Plant(
        "a lost message",
        lambda plant, ids: plant.run("DELETE FROM messages WHERE id = ?", ids.message),
        lambda ids: ids.step,
        r"names the message msg_\w+, which this run did not write",
    ),
    Plant(
        "a doubled message",
        lambda plant, ids: plant.copy("messages", ids.message, id="msg_2"),
        lambda ids: "msg_2",
        r"was written by the run run_\w+, and no step of it says so",
    ),
    Plant(
        "a doubled step",
        lambda plant, ids: plant.copy("run_steps", ids.step, id="step_2"),
        lambda ids: ids.step,
        r"names the message msg_\w+, as another step does",
    ),
    Plant(
        "a half message of a whole step",
        lambda plant, ids: plant.edit(
            "messages", ids.message, status="incomplete", completed_at=None, incomplete_at=9
        ),
        lambda ids: ids.step,
        r"is completed, and its message msg_\w+ is incomplete",
    ),
    Plant(
        "a misshapen message",
        lambda plant, ids: plant.edit("messages", ids.message, incomplete_at=9),
        lambda ids: ids.message,
        r"is completed with completed_at, incomplete_at set, to which no way .+",
    ),
    Plant(
        "a message that says nothing",
        lambda plant, ids: plant.edit("messages", ids.message, content=[]),
        lambda ids: ids.message,
        r"is completed with 0 parts",
    ),
    Plant(
        "a run's message of a user",
        lambda plant, ids: plant.edit("messages", ids.message, role="user"),
        lambda ids: ids.message,
        r"was written by a run and has the role user",
    ),
    Plant(
        "an open message of nobody",
        lambda plant, ids: plant.edit("messages", ids.by_hand, status="in_progress"),
        lambda ids: ids.by_hand,
        r"was added by hand and is in_progress",
    ),
    Plant(
        "a beginning that was not told",
        lambda plant, ids: _untell(plant, ids.scene.completed, "thread.run.created"),
        lambda ids: ids.scene.completed,
        r"was told from \['thread.run.queued', 'thread.run.in_progress'\] on, and not as .+",
    ),
    Plant(
        "a run of which nothing was told",
        lambda plant, ids: plant.run("DELETE FROM events WHERE run_id = ?", ids.scene.completed),
        lambda ids: ids.scene.completed,
        r"was told from \[\] on, and not as created and queued",
    ),
    Plant(
        "an illegal way",
        lambda plant, ids: _untell(plant, ids.scene.cancelled, "thread.run.cancelling"),
        lambda ids: ids.scene.cancelled,
        r"was told as thread.run.cancelled after thread.run.in_progress, which the .+",
    ),
    Plant(
        "an event after the end",
        lambda plant, ids: _tell(plant, ids.scene.completed, "thread.run.step.completed"),
        lambda ids: ids.scene.completed,
        r"was told as thread.run.step.completed after thread.run.completed, its end",
    ),
    Plant(
        "an end that was not told",
        lambda plant, ids: _untell(plant, ids.scene.completed, "thread.run.completed"),
        lambda ids: ids.scene.completed,
        r"is completed, and was last told as in_progress",
    ),
    Plant(
        "an event of another status",
        lambda plant, ids: _tell(
            plant, ids.scene.writing, "thread.run.cancelling", like="thread.run.in_progress"
        ),
        lambda ids: ids.scene.writing,
        r"was told as thread.run.cancelling with the status in_progress",
    ),
    Plant(
        "a run that was told otherwise",
        lambda plant, ids: plant.edit("runs", ids.scene.completed, model="other"),
        lambda ids: ids.scene.completed,
        r"is stored with other fields than it was told with as thread.run.completed",
    ),
    Plant(
        "text that was withdrawn of a message that goes on",
        lambda plant, ids: _tell(
            plant, ids.scene.writing, "text.withdrawn", like="thread.message.in_progress"
        ),
        lambda ids: ids.scene.writing,
        r"was told as withdrawing text of msg_\w+, which did not end then",
    ),
    Plant(
        "a step that was told twice",
        lambda plant, ids: _tell(plant, ids.scene.writing, "thread.run.step.created"),
        lambda ids: ids.open_step,
        r"was told 2 times as thread.run.step.created",
    ),
    Plant(
        "two open steps that were told",
        lambda plant, ids: _untell(plant, ids.scene.completed, "thread.run.step.completed"),
        lambda ids: ids.scene.completed,
        r"was told as having step_\w+ created while step_\w+ was open",
    ),
    Plant(
        "a message whose end was not told",
        lambda plant, ids: _untell(plant, ids.scene.completed, "thread.message.completed"),
        lambda ids: ids.message,
        r"was told 0 times as thread.message.completed",
    ),
    Plant(
        "a step that is told and not stored",
        lambda plant, ids: plant.run("DELETE FROM run_steps WHERE id = ?", ids.open_step),
        lambda ids: ids.open_step,
        r"was told and is not stored",
    ),
    Plant(
        "a message that was told otherwise",
        lambda plant, ids: plant.edit(
            "messages", ids.message, content=[{"type": "text", "text": {"value": "Bye"}}]
        ),
        lambda ids: ids.message,
        r"is stored with other fields than thread.message.completed told",
    ),
    Plant(
        "something learnt of a model server by its password",
        lambda plant, _: plant.run(
            "INSERT INTO adjustments (server, model, name, learnt_at) VALUES (?, ?, ?, ?)",
            "http://me:hidden@m/v1", "m", "without top_p", START,
        ),
        lambda _: "m of http://me:hidden@m/v1",
        r"is said to need 'without top_p' since \d+",
    ),
    Plant(
        "a server without an address",
        lambda plant, _: plant.run(
            "INSERT INTO servers (id, address, version, role, started_at, seen_at, runs) "
            "VALUES ('server_1', '', '1', 'all', 1, 1, 0)",
        ),
        lambda _: "server_1",
        r"is a server at '' of version '1' with 0 runs",
    ),
    Plant(
        "an assistant of a project that is not there",
        lambda plant, _: plant.run(
            "INSERT INTO assistants (id, project, body) VALUES ('asst_1', 'proj_x', "
            '\'{"id":"asst_1","created_at":1,"model":"m"}\')',
        ),
        lambda _: "asst_1",
        r"belongs to the project proj_x, of which none is",
    ),
    Plant(
        "a secret in the place of its hash",
        lambda plant, _: plant.run(
            "INSERT INTO api_keys (id, kind, hash, name, redacted_value, created_at) "
            "VALUES ('key_1', 'admin', 'sk-admin-of-somebody', 'n', 'r', 1)",
        ),
        lambda _: "key_1",
        r"is a key without the hash of a secret",
    ),
    Plant(
        "a key that nobody has made",
        lambda plant, _: plant.run(
            "INSERT INTO api_keys (id, kind, hash, name, redacted_value, created_at) "
            f"VALUES ('key_1', 'admin', '{'0' * 64}', 'n', 'r', 1)",
        ),
        lambda _: "key_1",
        r"is a key that the audit log does not tell of",
    ),
    Plant(
        "a key whose owner was deleted before it",
        lambda plant, _: (
            plant.run(
                "INSERT INTO service_accounts (id, project, name, created_at, deleted_at) "
                "VALUES ('svc_acct_1', 'proj_default', 'n', 1, 1)",
            ),
            plant.run(
                "INSERT INTO api_keys (id, kind, project, service_account, hash, name, "
                "redacted_value, created_at) VALUES ('key_1', 'project', 'proj_default', "
                f"'svc_acct_1', '{'0' * 64}', 'n', 'r', 1)",
            ),
            plant.run(
                "INSERT INTO audit_logs (id, type, effective_at, actor, project, target, body) "
                "VALUES ('audit_log_1', 'api_key.created', 1, 'a', 'proj_default', 'key_1', '{}')",
            ),
        ),
        lambda _: "key_1",
        r"is a key of proj_default whose owner svc_acct_1 is not there, is of another project, .*",
    ),
    Plant(
        "a database without its first project",
        lambda plant, _: plant.run("UPDATE projects SET id = 'proj_x' WHERE id = 'proj_default'"),
        lambda _: "proj_default",
        r"is not there, and the keys of the settings belong to it",
    ),
    Plant(
        "a code session of no server",
        lambda plant, ids: plant.run(
            "INSERT INTO sessions (thread_id, server, until) VALUES (?, '', 1)", ids.thread
        ),
        lambda ids: ids.thread,
        r"has a code session with '' until 1\.0",
    ),
    Plant(
        "a sum of usage of a minute that begins in the middle of one",
        lambda plant, _: plant.run(
            "INSERT INTO usage_counts (span, began_at, kind, project, key_id, model, server, "
            "requests, input_tokens, output_tokens, cached_tokens) "
            "VALUES (60, 61, 'completions', 'proj_default', '', 'm', 's', 1, 2, 3, 0)"
        ),
        lambda _: "usage of proj_default",
        r"has 1 completions with 2, 3 and 0 tokens in 60 s from 61",
    ),
    Plant(
        "vector stores of fewer bytes than none",
        lambda plant, _: plant.run(
            "INSERT INTO vector_store_bytes (project, since, bytes) VALUES ('proj_default', 1, -1)"
        ),
        lambda _: "usage of proj_default",
        r"has -1 bytes of vector stores since 1",
    ),
    Plant(
        "a limit of a model that limits nothing",
        lambda plant, _: plant.run(
            "INSERT INTO rate_limits (project, model) VALUES ('proj_default', 'm')"
        ),
        lambda _: "limits of proj_default",
        r"say 'm'",
    ),
)  # fmt: skip
