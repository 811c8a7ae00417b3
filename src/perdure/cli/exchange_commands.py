"""`perdure export`, `import`, `backup` and `restore`, with flags and help: see `commands`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from perdure.cli import options

_Server = Annotated[
    str | None,
    typer.Option("--url", help="URL of a running server; default: the database is opened itself."),
]


def export(
    path: Annotated[
        str,
        typer.Argument(help="A folder that is made, a .tar or .tar.zst file, or - for stdout."),
    ],
    *,
    assistant: Annotated[
        list[str] | None,
        typer.Option(help="Only this assistant and the threads on which it ran; again for more."),
    ] = None,
    thread: Annotated[
        list[str] | None, typer.Option(help="Only this thread; again for more.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only threads made then or later (UTC).")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Id of a project: only its objects.")] = None,
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="With the contents of files.")
    ] = True,
    runs: Annotated[bool, typer.Option("--runs/--no-runs", help="With runs and steps.")] = True,
    url: _Server = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    data_dir: options.DataDir = None,
    database_url: options.DatabaseUrl = None,
    config: options.Config = None,
) -> None:
    """Export assistants, threads, runs, files and vector stores, with their ids.

    An export holds every text, and is for its owner's eyes alone. A server may go on meanwhile. The
    exit code is 3 if rows are damaged, which are left out.
    """
    from perdure import settings
    from perdure.cli import exports as command
    from perdure.cli.client import connect_as_operator, run
    from perdure.commands.export_references import ExportSelection

    selection = ExportSelection(
        project,
        frozenset(assistant or ()),
        frozenset(thread or ()),
        None if since is None else int(since.replace(tzinfo=UTC).timestamp()),
        files,
        runs,
    )
    if url is not None:
        client = connect_as_operator(config, url, admin_key, ca_cert)
        is_whole = run(command.export_server(client, path, selection))
    else:
        chosen = settings.load(config=config, data_dir=data_dir, database_url=database_url)
        is_whole = command.export_database(chosen, path, selection)
    if not is_whole:
        raise typer.Exit(3)


def import_(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH|azure|url",
            help="A folder, a .tar or .tar.zst file, or - for stdin; azure or url for a live "
            "server.",
        ),
    ],
    *,
    endpoint: Annotated[
        str | None,
        typer.Option(help="With azure: endpoint of the project, https://…/api/projects/NAME."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="With url: URL of the server of the Assistants API.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(help="API key of the live server.")] = None,
    token_command: Annotated[
        str | None,
        typer.Option(
            help="Command that prints a token for the live server; run when it needs one."
        ),
    ] = None,
    thread_ids: Annotated[
        Path | None,
        typer.Option(help="File with ids of threads, for a live server that lists none."),
    ] = None,
    state: Annotated[
        Path,
        typer.Option(help="Folder that takes what is fetched, so that it can go on."),
    ] = Path("perdure-fetched"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check all, and write nothing.")
    ] = False,
    on_conflict: Annotated[
        Literal["skip", "fail", "replace"],
        typer.Option(help="What is done where an object is there with other content."),
    ] = "skip",
    project: Annotated[
        str | None, typer.Option(help="Id of the project that all goes to; default: as exported.")
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(
            help="Folder of original files, for contents that are missing: by name and size.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    keep_expired: Annotated[
        bool, typer.Option("--keep-expired", help="Let nothing expire.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="File that the report is written to, in JSON.")
    ] = None,
    url: _Server = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    data_dir: options.DataDir = None,
    database_url: options.DatabaseUrl = None,
    config: options.Config = None,
) -> None:
    """Import what was exported, or all that a live server has.

    Ids are kept, and the same again changes nothing. What a live server has is fetched into a
    folder first; broken off, it goes on with the same command.

    With SQLite, stop the server, or go through it with --url. The exit code is 3 if some objects
    could not be imported.
    """
    from perdure import settings
    from perdure.cli import fetches
    from perdure.cli import imports as command
    from perdure.cli.client import connect_as_operator, run
    from perdure.commands.imported_objects import ImportOptions
    from perdure.errors import ConfigurationError

    if path in fetches.SOURCES:
        where = endpoint if path == "azure" else base_url
        path = str(
            fetches.fetch(
                fetches.FetchRequest(path, where, api_key, token_command, thread_ids, state)
            )
        )
    wanted = ImportOptions(command.now(), project, on_conflict, keep_expired)
    asked = command.ImportRequest(path, wanted, files, report, dry_run)
    chosen = settings.load(config=config, data_dir=data_dir, database_url=database_url)
    if url is None:
        code = command.import_to_database(chosen, asked)
    elif dry_run:
        raise ConfigurationError("A dry run looks at the database itself: leave out --url.")
    else:
        client = connect_as_operator(config, url, admin_key, ca_cert)
        code = run(command.import_to_server(chosen, asked, client))
    if code:
        raise typer.Exit(code)


def backup(
    path: Annotated[str, typer.Argument(help="A .tar or .tar.zst file, or - for stdout.")],
    *,
    data_dir: options.DataDir = None,
    config: options.Config = None,
) -> None:
    """Back up the data folder, with SQLite: the database and its contents, of one moment.

    A server may go on meanwhile. The exit code is 3 if contents could not be read.
    """
    from perdure import settings
    from perdure.cli import backups as command

    if not command.backup(settings.load(config=config, data_dir=data_dir), path):
        raise typer.Exit(3)


def restore(
    path: Annotated[str, typer.Argument(help="A file that perdure backup has written, or -.")],
    *,
    yes: options.Yes = False,
    data_dir: options.DataDir = None,
    config: options.Config = None,
) -> None:
    """Restore a back-up into the data folder. The server must be stopped.

    What was there before is kept in a folder beside it.
    """
    from perdure import settings
    from perdure.cli import backups as command

    command.restore(settings.load(config=config, data_dir=data_dir), path, yes=yes)
