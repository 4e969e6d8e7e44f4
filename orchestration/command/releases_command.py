"""`alumina releases`: list releases, compare two, and choose the one readers get. Builds nothing."""

from typing import Annotated

import typer

from ingest.settings import Settings
from orchestration.command.terminal import Output, console
from orchestration.command.words import held_since, said

releases_app = typer.Typer(help="Published releases: list, compare, hold, let go, prune.", no_args_is_help=False, rich_markup_mode=None)
out = console(Output("stdout"))
COLUMNS_SHOWN = 4


@releases_app.callback(invoke_without_command=True)
def releases_list(context: typer.Context) -> None:
    """List the releases, newest first, with their state: served, waiting, rejected or kept."""
    if context.invoked_subcommand:
        return
    from serving.publish.served import listed, pinned

    settings = Settings()
    shown = listed(settings)
    for one in shown:
        _say(f"  {one.release_id}  {one.state:<9}{one.bytes / 2**20:7.1f} MB")
    if not shown:
        _say(said("releases.none", home=settings.root))
    if held := pinned(settings):
        _say(held_since(held))


@releases_app.command("changes")
def releases_changes(
    before: Annotated[str, typer.Argument(help="Id of the earlier release, or its beginning.")],
    after: Annotated[str, typer.Argument(help="Id of the later one; default: the current one.")] = "served",
) -> None:
    """Compare two releases: rows and figures, table by table."""
    from serving.publish.differences import differences
    from serving.publish.served import found

    settings = Settings()
    old, new = found(settings, before), found(settings, after)
    changes = differences(old, new)
    _say(said("releases.differ" if changes else "releases.same", old=old.name, new=new.name, count=len(changes)))
    for change in changes:
        rows = " -> ".join(said("releases.no_table") if count is None else f"{count:,}" for count in (change.rows_before, change.rows_after))
        _say(said("releases.rows", table=change.table, rows=rows, new=f"{change.new:,}", gone=f"{change.gone:,}"))
        for column, count in change.changed[:COLUMNS_SHOWN]:
            _say(said("releases.figures", column=column, count=f"{count:,}"))
        if len(change.changed) > COLUMNS_SHOWN:
            _say(said("releases.more", count=len(change.changed) - COLUMNS_SHOWN))


@releases_app.command("hold")
def releases_hold(reason: Annotated[str, typer.Option("--reason", help="Why; kept for later readers.")] = "") -> None:
    """Hold readers at the current release: later releases wait until `alumina releases let-go`."""
    from orchestration.home.releases import hold

    _say(said("releases.held", release=hold(Settings(), reason)))


@releases_app.command("let-go")
def releases_let_go() -> None:
    """Serve the newest release that waits, and every later one."""
    from orchestration.home.releases import let_go

    _say(said("releases.serving", release=let_go(Settings())))


@releases_app.command("prune")
def releases_prune(keep: Annotated[int, typer.Option("--keep", min=1, help="How many stay; the current one always does.")]) -> None:
    """Delete the oldest releases beyond a number."""
    from ingest.home import open_home
    from orchestration.warehouse.load import write_lock
    from serving.publish.served import retire

    settings = Settings()
    open_home(settings)
    with write_lock(settings, "deleting releases"):
        gone = retire(settings, keep)
    _say(said("releases.deleted", gone=", ".join(gone)) if gone else said("releases.nothing"))


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)
