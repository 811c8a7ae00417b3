"""The commands that administer a server: `perdure keys`, `perdure projects` and `perdure usage`."""

from typing import Annotated

import typer

from perdure.cli import options
from perdure.errors import ConfigurationError

keys = options.group("Make, list and revoke the API keys of a server.")
projects = options.group("Make, list and archive the projects of a server.")


@keys.command("create")
def create_key(
    *,
    admin: Annotated[
        bool,
        typer.Option("--admin", help="Make an admin key: for projects, and for keys."),
    ] = False,
    project: Annotated[
        str | None, typer.Option(help="Id or name of the project; default: the default project.")
    ] = None,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "key",
    expires: options.Lifetime = None,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    data_dir: options.DataDir = None,
    database_url: options.DatabaseUrl = None,
    config: options.Config = None,
) -> None:
    """Make an API key. It is printed this once.

    While the server is stopped, an admin key is written to the database itself. All other keys are
    made by the running server, which takes an admin key.
    """
    from perdure import settings
    from perdure.cli import keys as command
    from perdure.cli.client import connect, connect_as_admin, run

    if admin and project:
        raise ConfigurationError("An admin key is of no project: leave out --admin or --project.")
    chosen = settings.load(config=config, data_dir=data_dir, database_url=database_url)
    if admin and not (url or admin_key):
        known = chosen.admin_key and connect_as_admin(config, url, admin_key, ca_cert)
        if not (known and run(command.is_answered(known))):
            command.create_first(chosen, name, expires)
            return
    client = connect_as_admin(config, url, admin_key, ca_cert)
    if admin:
        run(command.create_admin(client, name, expires))
        return
    anybody = connect(config, url, command.NOBODYS, ca_cert)
    run(command.create(client, anybody, project or command.DEFAULT_PROJECT, name, expires))


@keys.command("list")
def list_keys(
    *,
    admin: Annotated[bool, typer.Option("--admin", help="List the admin keys.")] = False,
    project: Annotated[
        str | None, typer.Option(help="Id or name of the project; default: the default project.")
    ] = None,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """List the API keys of a project, the newest first: id, end of the key, last use, expiry,
    name.
    """
    from perdure.cli import keys as command
    from perdure.cli.client import connect_as_admin, run

    client = connect_as_admin(config, url, admin_key, ca_cert)
    run(command.list_all(client, None if admin else project or command.DEFAULT_PROJECT))


@keys.command("rotate")
def rotate_key(
    key: Annotated[str, typer.Argument(help="Id of the key.")],
    *,
    overlap: Annotated[
        int, typer.Option(min=0, help="Seconds for which the old key is still good.")
    ] = 0,
    expires: options.Lifetime = None,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Make another key for the owner of a key, which ends at once or after an overlap."""
    from perdure.cli import keys as command
    from perdure.cli.client import connect_as_admin, run

    client = connect_as_admin(config, url, admin_key, ca_cert)
    run(command.rotate(client, key, overlap, expires))


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="Id of the key.")],
    *,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Delete a key: it opens nothing from now on."""
    from perdure.cli import keys as command
    from perdure.cli.client import connect_as_admin, run

    run(command.revoke(connect_as_admin(config, url, admin_key, ca_cert), key))


@projects.command("create")
def create_project(
    name: Annotated[str, typer.Argument(help="Name of the project.")],
    *,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Make a project. Its id is printed."""
    from perdure.cli import projects as command
    from perdure.cli.client import connect_as_admin, run

    run(command.create(connect_as_admin(config, url, admin_key, ca_cert), name))


@projects.command("list")
def list_projects(
    *,
    archived: Annotated[
        bool, typer.Option("--archived", help="List those too that were archived.")
    ] = False,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """List the projects, the newest first: id, status, name."""
    from perdure.cli import projects as command
    from perdure.cli.client import connect_as_admin, run

    client = connect_as_admin(config, url, admin_key, ca_cert)
    run(command.list_all(client, archived_too=archived))


@projects.command("rename")
def rename_project(
    project: Annotated[str, typer.Argument(help="Id or name of the project.")],
    name: Annotated[str, typer.Argument(help="Its new name.")],
    *,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Give a project another name."""
    from perdure.cli import projects as command
    from perdure.cli.client import connect_as_admin, run

    run(command.rename(connect_as_admin(config, url, admin_key, ca_cert), project, name))


@projects.command("archive")
def archive_project(
    project: Annotated[str, typer.Argument(help="Id or name of the project.")],
    *,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Archive a project, for good: its keys open nothing any more, and its runs end."""
    from perdure.cli import projects as command
    from perdure.cli.client import connect_as_admin, run

    run(command.archive(connect_as_admin(config, url, admin_key, ca_cert), project))


@projects.command("limit")
def limit_project(
    project: Annotated[str, typer.Argument(help="Id or name of the project.")],
    *,
    model: Annotated[
        str | None,
        typer.Option(help="Name of a model (* stands for any characters), for the next two."),
    ] = None,
    requests: Annotated[str | None, typer.Option(help="Requests a minute, or none.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Tokens a minute, or none.")] = None,
    runs: Annotated[
        str | None, typer.Option(help="Runs at once: those that have not ended; or none.")
    ] = None,
    file_bytes: Annotated[str | None, typer.Option(help="Bytes of all files, or none.")] = None,
    dollars: Annotated[
        str | None, typer.Option(help="What may be spent in a month, in US dollars; or none.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A model that may be asked for, and no others; may be given again."),
    ] = None,
    deny: Annotated[
        list[str] | None,
        typer.Option(help="A model that may not be asked for; may be given again."),
    ] = None,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Show the limits of a project, and change those that are given; none takes one away."""
    from perdure.cli import project_limits as command
    from perdure.cli.client import connect_as_admin, run

    changes = command.LimitChanges(
        model, requests, tokens, runs, file_bytes, dollars, allow or (), deny or ()
    )
    run(command.limit(connect_as_admin(config, url, admin_key, ca_cert), project, changes))


def usage(
    *,
    days: Annotated[
        int, typer.Option(min=1, max=366, help="For how many days, of which today is the last.")
    ] = 30,
    url: options.Url = None,
    admin_key: options.AdminKey = None,
    ca_cert: options.CaCert = None,
    config: options.Config = None,
) -> None:
    """Show what projects have used, by key and model; with the costs where prices are set here."""
    import time

    from perdure import settings
    from perdure.cli import usage as command
    from perdure.cli.client import connect_as_admin, run

    client = connect_as_admin(config, url, admin_key, ca_cert)
    prices = settings.load(config=config).prices
    run(command.show(client, days, prices, now=time.time()))
