"""The commands on assistants, threads and runs, with their flags and help: see `commands`."""

import contextlib
from datetime import datetime
from typing import Annotated

import typer

from perdure.cli import options

assistants = options.group("List, show and delete the assistants of a server.")
threads = options.group("List, show and delete the threads of a server.")
runs = options.group("List, show, watch and cancel the runs of a server.")


@assistants.command("list")
def list_assistants(
    *,
    limit: options.Limit = 20,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """List assistants, the newest first: id, time, model, name."""
    from perdure.cli import assistants as command
    from perdure.cli.client import connect, run

    run(command.list_all(connect(config, url, api_key, ca_cert), limit))


@assistants.command("show")
def show_assistant(
    assistant_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the assistant.")],
    *,
    as_json: options.AsJson = False,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Show an assistant."""
    from perdure.cli import assistants as command
    from perdure.cli.client import connect, run

    run(command.show(connect(config, url, api_key, ca_cert), assistant_id, as_json=as_json))


@assistants.command("delete")
def delete_assistants(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of assistants.")],
    *,
    yes: options.Yes = False,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Delete assistants; their threads and runs stay.

    It asks first. The ids of those that are deleted are printed, and the exit code is 1 if one
    could not be.
    """
    from perdure.cli import objects
    from perdure.cli.client import connect, run

    objects.confirm_deletion("assistant", ids, yes=yes)
    client = connect(config, url, api_key, ca_cert)
    if run(objects.delete_all(client, "/assistants", ids)):
        raise typer.Exit(1)


@threads.command("list")
def list_threads(
    *,
    limit: options.Limit = 20,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """List threads, the newest first: id, time, metadata."""
    from perdure.cli import threads as command
    from perdure.cli.client import connect, run

    run(command.list_all(connect(config, url, api_key, ca_cert), limit))


@threads.command("show")
def show_thread(
    thread_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the thread.")],
    *,
    limit: options.Limit = 100,
    as_json: options.AsJson = False,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Show a thread and its newest messages, in their order."""
    from perdure.cli import threads as command
    from perdure.cli.client import connect, run

    shown = command.show(connect(config, url, api_key, ca_cert), thread_id, limit, as_json=as_json)
    run(shown)


@threads.command("delete")
def delete_threads(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of threads.")],
    *,
    yes: options.Yes = False,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Delete threads with their messages and runs; an active run is cancelled.

    It asks first. The ids of those that are deleted are printed, and the exit code is 1 if one
    could not be.
    """
    from perdure.cli import objects
    from perdure.cli.client import connect, run

    objects.confirm_deletion("thread", ids, yes=yes)
    client = connect(config, url, api_key, ca_cert)
    if run(objects.delete_all(client, "/threads", ids)):
        raise typer.Exit(1)


@runs.command("list")
def list_runs(
    *,
    status: Annotated[str | None, typer.Option(help="Only runs of this status.")] = None,
    assistant: Annotated[str | None, typer.Option(help="Only runs of this assistant.")] = None,
    thread: Annotated[str | None, typer.Option(help="Only runs of this thread.")] = None,
    model: Annotated[str | None, typer.Option(help="Only runs of this model.")] = None,
    error_code: Annotated[
        str | None, typer.Option(help="Only runs that failed with this code.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only runs created then or later, in local time.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Only runs created before.")] = None,
    limit: options.Limit = 20,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """List runs, the newest first: id, time, status, thread, model, error.

    Of the flags for status, assistant, thread, model and error code one may be given.
    """
    from perdure.cli import runs as command
    from perdure.cli.client import connect, run

    query = {
        "status": status,
        "assistant_id": assistant,
        "thread_id": thread,
        "model": model,
        "error_code": error_code,
        "created_at[gte]": since and str(int(since.timestamp())),
        "created_at[lt]": until and str(int(until.timestamp())),
    }
    given = {name: value for name, value in query.items() if value}
    run(command.list_all(connect(config, url, api_key, ca_cert), given, limit))


@runs.command("show")
def show_run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the run.")],
    *,
    as_json: options.AsJson = False,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Explain a run as a tree: who worked on it, what each model was sent, calls, outputs, errors.

    What the server does not keep any more is left out. As JSON, the run is followed by its steps,
    its messages and its trace.
    """
    from perdure.cli import runs as command
    from perdure.cli.client import connect, run

    run(command.show(connect(config, url, api_key, ca_cert), run_id, as_json=as_json))


@runs.command("cancel")
def cancel_runs(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of runs.")],
    *,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Cancel runs. Id and status of each are printed; the exit code is 1 if one could not be."""
    from perdure.cli import runs as command
    from perdure.cli.client import connect, run

    if run(command.cancel_all(connect(config, url, api_key, ca_cert), ids)):
        raise typer.Exit(1)


@runs.command("watch")
def watch_runs(
    run_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Id of a run; without it, all runs.")
    ] = None,
    *,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Print each change of status of all runs as it comes, or the events of one run.

    Ctrl-C ends it. The events of one run end with it, or when it waits for outputs of tools.
    """
    from perdure.cli import runs as command
    from perdure.cli.client import connect, run

    client = connect(config, url, api_key, ca_cert)
    with contextlib.suppress(KeyboardInterrupt):
        run(command.watch(client, run_id) if run_id else command.watch_all(client))
