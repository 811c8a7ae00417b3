"""The commands with their flags and help. The work of each command is in the file of its name.

That file is imported when the command runs. So help comes at once, and a command that talks to a
server does not load one.
"""

from pathlib import Path
from typing import Annotated

import typer

from perdure.cli import admin_commands, exchange_commands, object_commands, options

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_files = options.group("Upload and list the files of a server.")
_stores = options.group("Fill and search the vector stores of a server.")
_tls = options.group("Make a certificate for this machine.")


@app.command()
def serve(
    *,
    host: options.Host = None,
    port: options.Port = None,
    role: options.Role = None,
    data_dir: options.DataDir = None,
    model_base_url: options.ModelBaseUrl = None,
    model_api_key: options.ModelApiKey = None,
    alias: options.Alias = None,
    default_model: options.DefaultModel = None,
    database_url: options.DatabaseUrl = None,
    config: options.Config = None,
) -> None:
    """Start the server.

    Ctrl-C or SIGTERM ends it gracefully, a second one at once.
    """
    from perdure.cli import serve as command

    command.serve(
        host=host,
        port=port,
        role=role,
        data_dir=data_dir,
        model_base_url=model_base_url,
        model_api_key=model_api_key,
        model_aliases=options.aliases(alias),
        default_model=default_model,
        database_url=database_url,
        config=config,
    )


@app.command()
def doctor(
    *,
    host: options.Host = None,
    port: options.Port = None,
    role: options.Role = None,
    data_dir: options.DataDir = None,
    model_base_url: options.ModelBaseUrl = None,
    model_api_key: options.ModelApiKey = None,
    alias: options.Alias = None,
    default_model: options.DefaultModel = None,
    database_url: options.DatabaseUrl = None,
    config: options.Config = None,
    check_data: Annotated[
        bool, typer.Option("--verify", help="Also read the whole database, and check it.")
    ] = False,
    move_contents: Annotated[
        bool,
        typer.Option("--move-contents", help="Also move old contents to where new ones go."),
    ] = False,
) -> None:
    """Check what is configured, reachable and missing.

    Without flags, a running server tells what it is configured with; with flags, it is checked what
    `perdure serve` with the same flags would find. The exit code is 1 if something is wrong.
    """
    from perdure.cli import doctor as command

    command.doctor(
        {
            "host": host,
            "port": port,
            "role": role,
            "data_dir": data_dir,
            "model_base_url": model_base_url,
            "model_api_key": model_api_key,
            "model_aliases": options.aliases(alias),
            "default_model": default_model,
            "database_url": database_url,
            "config": config,
        },
        check_data=check_data,
        move_contents=move_contents,
    )


@app.command()
def chat(
    *,
    assistant: Annotated[
        str | None, typer.Option(help="Id of the assistant; without it, one is made for now.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model; default: the assistant's, or the server's first.")
    ] = None,
    thread: Annotated[
        str | None, typer.Option(help="Id of a thread to go on with; it stays at the end.")
    ] = None,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Talk to an assistant. Ctrl-C cancels an answer, Ctrl-D ends the conversation."""
    from perdure.cli import chat as command
    from perdure.cli.client import connect

    command.chat(connect(config, url, api_key, ca_cert), assistant, model, thread)


@app.command()
def demo(
    program: Annotated[
        list[str] | None,
        typer.Argument(
            help="A Python file, or a command with its arguments. Default: the quickstart example."
        ),
    ] = None,
    *,
    tls: Annotated[
        bool, typer.Option("--tls", help="Speak TLS, with a certificate that the program trusts.")
    ] = False,
    model_base_url: options.ModelBaseUrl = None,
    model_api_key: options.ModelApiKey = None,
    alias: options.Alias = None,
    default_model: options.DefaultModel = None,
) -> None:
    """Run a program against a server of its own.

    The server has a temporary data folder and ends with the program.

    The program is given OPENAI_BASE_URL and OPENAI_API_KEY of this server, and their kin of Azure.
    The shipped scripted model answers, and nothing leaves this machine, unless --model-base-url
    names a model server.
    """
    from perdure.cli import demo as command

    flags = {
        "model_base_url": model_base_url,
        "model_api_key": model_api_key,
        "model_aliases": options.aliases(alias),
        "default_model": default_model,
    }
    raise typer.Exit(command.demo(program, flags, tls=tls))


@_files.command()
def upload(
    paths: Annotated[
        list[Path],
        typer.Argument(help="The files to upload.", exists=True, dir_okay=False, readable=True),
    ],
    *,
    purpose: Annotated[
        str, typer.Option(help="What they are for: assistants, vision, batch, …")
    ] = "assistants",
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Upload files. Their ids are printed, one a line."""
    from perdure.cli import files
    from perdure.cli.client import connect, run

    run(files.upload_all(connect(config, url, api_key, ca_cert), paths, purpose))


@_files.command("list")
def list_files(
    *,
    purpose: Annotated[str | None, typer.Option(help="Only files of this purpose.")] = None,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """List the files of the server, the newest first: id, bytes, purpose, name."""
    from perdure.cli import files
    from perdure.cli.client import connect, run

    run(files.list_all(connect(config, url, api_key, ca_cert), purpose))


@_files.command("supply")
def supply_file(
    file_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the file.")],
    path: Annotated[
        Path, typer.Argument(help="Its content.", exists=True, dir_okay=False, readable=True)
    ],
    *,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Supply the content of a file that was imported without it. Vector stores read it then."""
    from perdure.cli import files
    from perdure.cli.client import connect, run

    run(files.supply(connect(config, url, api_key, ca_cert), file_id, path))


@_stores.command()
def add(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files, and folders with all that is in them.", exists=True),
    ],
    *,
    store: Annotated[
        str | None, typer.Option(help="Id of the vector store; without it, one is made.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the store that is made.")] = None,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Upload files and put them into a vector store, whose id is printed.

    Of folders, those files that can be searched are taken. A file that fails is named at the end,
    and the exit code is 1.
    """
    from perdure.cli import stores
    from perdure.cli.client import connect, run

    wanted = stores.find_files(paths)
    if run(stores.add_all(connect(config, url, api_key, ca_cert), wanted, store, name)):
        raise typer.Exit(1)


@_stores.command("list")
def list_stores(
    *,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """List the vector stores, the newest first: id, status, files, name."""
    from perdure.cli import stores
    from perdure.cli.client import connect, run

    run(stores.list_all(connect(config, url, api_key, ca_cert)))


@_stores.command("read-again")
def read_again(
    store: Annotated[str, typer.Argument(help="Id of the vector store.")],
    *,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Read all files of a vector store again, as this version of the server reads them.

    A few files at a time are not found until they have been read. A file that fails is named at the
    end, and the exit code is 1.
    """
    from perdure.cli import stores
    from perdure.cli.client import connect, run

    if run(stores.read_all_again(connect(config, url, api_key, ca_cert), store)):
        raise typer.Exit(1)


@_stores.command()
def search(
    store: Annotated[str, typer.Argument(help="Id of the vector store.")],
    query: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many results at most.")] = 5,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Search a vector store: score, file and the beginning of each passage."""
    from perdure.cli import stores
    from perdure.cli.client import connect, run

    run(stores.search(connect(config, url, api_key, ca_cert), store, query, limit))


@_tls.command("self-signed")
def self_signed(
    *,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the two files are written; default: tls in the data folder."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A further name or address of this machine; may be given again."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=825, help="For how many days it is good.")] = 365,
    data_dir: options.DataDir = None,
    config: options.Config = None,
) -> None:
    """Make a certificate for this machine, and say how clients come to trust it.

    It is for localhost, 127.0.0.1, ::1 and this machine's own name.
    """
    from perdure.cli import tls as command

    command.self_signed(folder, name or [], days=days, data_dir=data_dir, config=config)


@_tls.callback()
def _tls_group() -> None:
    """Make a certificate for this machine."""


app.command("export")(exchange_commands.export)
app.command("import")(exchange_commands.import_)
app.command()(exchange_commands.backup)
app.command()(exchange_commands.restore)
app.add_typer(_files, name="files")
app.add_typer(admin_commands.keys, name="keys")
app.add_typer(admin_commands.projects, name="projects")
app.command()(admin_commands.usage)
app.add_typer(_tls, name="tls")
app.add_typer(_stores, name="stores")
app.add_typer(object_commands.assistants, name="assistants")
app.add_typer(object_commands.threads, name="threads")
app.add_typer(object_commands.runs, name="runs")
