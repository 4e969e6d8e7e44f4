"""The `alumina` command: thin, over the same jobs the UI runs. Errors are one sentence on stderr and a non-zero exit."""

import errno
import glob
import io
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from ingest.settings import Settings
from orchestration.command.catalog_command import catalog_app
from orchestration.command.operate_command import operate_app
from orchestration.command.record_command import record_app
from orchestration.command.releases_command import releases_app
from orchestration.command.review_command import review_app
from orchestration.command.terminal import ByUser, Output, console, prepared
from orchestration.command.without_pandas import without_pandas
from orchestration.command.words import held_since, language, said

if TYPE_CHECKING:
    from ingest.archive import Attempt
    from ingest.catalog.configuration import Configuration
    from ingest.dropped import Examination
    from serving.research.audit.meanings import Catalog
    from serving.research.audit.runner import Audit

app = typer.Typer(
    cls=ByUser,
    help="The alumina warehouse: take data in, build the marts, publish the outlook.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
inbox_app = typer.Typer(help="The inbox: files exported by hand.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(inbox_app, name="inbox")
app.add_typer(catalog_app, name="catalog")
app.add_typer(review_app, name="review")
app.add_typer(releases_app, name="releases")
app.add_typer(record_app)
app.add_typer(operate_app)
NOTES_SHOWN = 20
# Errors of the file system that a user can mend. Any other OSError is a bug and shows its traceback.
REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENAMETOOLONG, errno.EIO}
FULL = {errno.ENOSPC, errno.EDQUOT}
# Something of another kind lies where a file or folder of ours belongs.
IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}
CIRCLE = "Symlink loop"
"""How `Path.resolve` begins a RuntimeError on links that lead in a circle (Python before 3.13)."""
Row = dict[str, Any]
OUTPUTS = (Output("stdout"), Output("stderr"))
out, err = map(console, OUTPUTS)


def _say_version(asked: bool) -> None:
    if asked:
        from ingest.settings import PACKAGE_VERSION
        from serving.publish.release import code_version

        _plain(said("home.version", version=PACKAGE_VERSION, code=code_version()))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is, and exit.")] = False,
) -> None:
    """Take options that belong to no command; typer wants a function for them."""


class RunSource(StrEnum):
    """Where a run takes its payloads from."""

    SAMPLE = "sample"
    LIVE = "live"
    FILES = "files"


@app.command()
def run(
    source: Annotated[
        RunSource | None,
        typer.Option(help="sample, live, or files. Default: what this home holds (of files: its inbox); in a new one its inbox, else the sample."),
    ] = None,
    payloads: Annotated[Path | None, typer.Option(help="Folder of payload files, with --source files.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day, e.g. 2025-05-01.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help='Take nothing in; build aside what was known at a time, e.g. "2025-07-22 15:05". Never published.')
    ] = None,
    timings: Annotated[bool, typer.Option("--timings", help="Show where the time went.")] = False,
) -> None:
    """Take data in, build and test every model, audit and publish. Running again changes nothing but the fetch log."""
    from ingest.home import open_home

    open_home(Settings())
    if as_of is not None:
        if source or payloads or first or last:
            fail(said("refused.as_of_alone"))
        _look_back(as_of)
        return
    if source is RunSource.FILES and payloads is None:
        fail(said("refused.files_need_payloads"))
    if payloads is not None and source is not RunSource.FILES:
        fail(said("refused.payloads_need_files"))
    if payloads is not None and not payloads.is_dir():
        fail(said("refused.no_folder", folder=payloads))
    days = {name: _day(name, text) for name, text in (("--from", first), ("--to", last))}
    if first and last and days["--from"] > days["--to"]:
        fail(said("refused.first_after_last", first=first, last=last))
    _within_calendar(Settings(), days["--from"], days["--to"])
    if source is None:
        _say_default(Settings())
    _run({"source": str(source or ""), "payloads": str(payloads.resolve()) if payloads else "", "first": first, "last": last}, timings=timings)


@app.command()
def outlook(day: Annotated[str | None, typer.Argument(help="Day of the outlook; default the newest.")] = None) -> None:
    """Show the published outlook."""
    _show_outlook(Settings(), _day("the day", day))


@app.command()
def whatif(
    moved: Annotated[
        list[str] | None, typer.Argument(help="What to move and by how much, e.g. bauxite_usd_t=+5 fx=+0.1. Without any, says what may be moved.")
    ] = None,
    day: Annotated[str | None, typer.Option("--day", help="Day of the outlook; default the newest.")] = None,
    commodity: Annotated[str | None, typer.Option("--commodity", help="Commodity code, e.g. AO.")] = None,
) -> None:
    """Run the models again on a copy of what was built last, with a few figures moved. Changes nothing."""
    from ingest.home import open_home
    from orchestration.warehouse.load import WarehouseError, write_lock
    from serving.research.whatif import WhatIfError, parse, shocks
    from serving.research.whatif import whatif as ask

    settings = Settings()
    open_home(settings)
    try:
        declared = shocks(settings.catalog_overlay)
        asked = moved or []
        if not asked:
            for name, shock in declared.items():
                _plain(f"  {name}=…  [{shock.unit}] {shock.en}: {shock.source}")
            return
        with out.status(said("whatif.running")):
            held = partial(write_lock, settings, "copying the warehouse for a what-if")
            answer = ask(settings, parse(asked, declared), commodity and commodity.upper(), _day("--day", day), held)
    except (WhatIfError, WarehouseError) as error:
        fail(str(error))
    if answer.data_origin == "sample":
        out.print(said("sample.outlook"), markup=True)
    table = Table(title=said("whatif.title", code=answer.commodity_code, day=answer.day, moved=" ".join(asked)))
    for name in ("figure", "unit", "now", "then", "change"):
        table.add_column(said(f"whatif.{name}"), justify="left" if name in ("figure", "unit") else "right")
    for readout in answer.readouts:
        change = None if readout.before is None or readout.after is None else readout.after - readout.before
        table.add_row(readout.name, readout.unit, _number(readout.before, ",.2f"), _number(readout.after, ",.2f"), _number(change or None, "+,.2f"))
    out.print(table)


@app.command()
def doctor(deep: Annotated[bool, typer.Option("--deep", help="Read and hash every file of archive, lake and releases.")] = False) -> None:
    """Say whether this home is in order and what to do next; exit code 1 when something is wrong."""
    from orchestration.home.doctor import Level, examine

    settings = Settings()
    findings = examine(settings, deep=deep)
    marks = {Level.OK: "✓", Level.NOTE: "·", Level.ERROR: "✗"}
    for finding in findings:
        message, advice = finding.told(settings.lang)
        out.print(f"  {marks[finding.level]} {finding.subject}: {message}", soft_wrap=True, markup=False, highlight=False)
        if advice:
            out.print(f"      {advice}", style="dim", soft_wrap=True, markup=False, highlight=False)
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(1)


@app.command()
def rebuild() -> None:
    """Make lake and warehouse anew from the archive alone, and publish."""
    from filelock import FileLock, Timeout

    from ingest.archive import Archive, ArchiveError
    from ingest.flow import Clock, ClockError
    from ingest.home import open_home
    from ingest.lake import Lake
    from orchestration.home.backup import half_a_home
    from orchestration.home.purge import finish, forget_runs
    from orchestration.warehouse.load import WarehouseError, begin_anew, write_lock

    settings = Settings()
    if not (settings.archive / "receipts").is_dir():
        fail(said("refused.no_archive", home=settings.root))
    if why := half_a_home(settings):
        fail(why)
    open_home(settings)
    try:
        with FileLock(settings.root / "rebuild.lock", timeout=0):  # a second one would empty the lake that this one fills
            Clock(Archive(settings.archive))  # raises where it ran back
            is_purge = finish(settings)
            Archive(settings.archive).verify()  # before anything is deleted
            with write_lock(settings, "rebuilding"):
                begin_anew(settings, purged=is_purge)
                Lake(settings.lake).clear()
                for path in (settings.warehouse, settings.warehouse.with_suffix(".duckdb.wal")):
                    path.unlink(missing_ok=True)
            _run({"source": "archive"})
            if is_purge:
                forget_runs(settings)
            settings.rebuilding.unlink()
    except (WarehouseError, ArchiveError, ClockError) as error:
        fail(str(error))
    except Timeout:
        fail(said("refused.rebuilding", home=settings.root))


@app.command()
def purge(
    provider: Annotated[str, typer.Argument(help="The provider whose licence ends, e.g. smm.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept for later readers.")] = "the licence ended",
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without this option the command only lists what would be deleted.")] = False,
) -> None:
    """Delete a provider's data for good, or without --yes say what would go; then rebuild and publish without them."""
    from ingest.archive import Archive
    from ingest.flow import Clock
    from ingest.home import open_home
    from orchestration.home import purge as purging
    from orchestration.warehouse.load import write_lock
    from serving.publish.served import kept, retire

    settings = Settings()
    open_home(settings)
    Clock(Archive(settings.archive))  # the rebuild after it would refuse
    asked = purging.plan(settings, provider)
    _plain(said("home.deleting" if yes else "home.would_delete"))
    for line in asked.lines():
        _plain(f"  {line}")
    if not yes:
        _plain(said("home.nothing_changed", provider=provider))
        return
    _plain(said("home.if_cut_off"))
    before = {path.name for path in kept(settings)}
    purging.purge(settings, asked, reason)
    rebuild()
    with write_lock(settings, "deleting releases"):
        retire(settings)
    gone = before - {path.name for path in kept(settings)}
    _plain(said("home.purged", count=len(gone), provider=provider, home=settings.root))


@app.command("backup")
def back_up(folder: Annotated[Path, typer.Argument(help="Where the copy goes: an empty folder, or an earlier backup.")]) -> None:
    """Copy payloads, receipts, the operator's catalogue and the releases elsewhere, and hash the copy."""
    from ingest.archive import ArchiveError
    from ingest.home import open_home
    from orchestration.home.backup import BackupError, backup, shortened
    from orchestration.warehouse.load import WarehouseError

    open_home(Settings())
    try:
        copied = backup(Settings(), folder)
    except (BackupError, ArchiveError, WarehouseError) as error:
        fail(str(error))
    _plain(said("home.copied", files=copied.files, folder=folder, payloads=copied.payloads))
    if copied.dropped:
        _plain(said("home.dropped_from_backup", dropped=shortened(copied.dropped), folder=folder))
    if copied.left:
        _plain(said("home.kept_in_backup", left=shortened(copied.left), folder=folder))
    if copied.spared:
        _plain(said("home.spared_in_backup", spared=shortened(copied.spared), home=Settings().root, folder=folder))


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.", exists=True, file_okay=False)],
    partial: Annotated[bool, typer.Option("--partial", help="Take what is whole of a backup that is not complete.")] = False,
) -> None:
    """Restore a backup: everything into an empty home; into a home with an archive only what was lost or damaged."""
    from ingest.archive import ArchiveError
    from orchestration.home.backup import BackupError, restore, shortened
    from orchestration.warehouse.load import WarehouseError

    settings = Settings()
    try:
        copied = restore(settings, folder, partial=partial)
    except (BackupError, ArchiveError, WarehouseError) as error:
        fail(str(error))
    key = "home.put_back_partly" if copied.lost else "home.put_back"
    _plain(said(key, files=copied.files, home=settings.root, payloads=copied.payloads, lost="; ".join(copied.lost)))
    if copied.left:
        _plain(said("home.left_in_backup", left=shortened(copied.left), folder=folder))
    if copied.kept:
        _plain(said("home.kept_in_home", kept=shortened(copied.kept), home=settings.root, folder=folder))
    if settings.rebuilding.exists():
        _plain(said("home.rebuild_next"))


@app.command()
def rollback(reason: Annotated[str, typer.Option("--reason", help="Why; kept for later readers.")] = "") -> None:
    """Serve the release before the current one again, and hold readers there until `alumina releases let-go`."""
    from orchestration.home.releases import go_back

    _plain(said("home.rolled_back", release=go_back(Settings(), reason)))


@app.command()
def serve(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on the loopback interface.")] = 3080) -> None:
    """Show the current release in a browser on this machine: its index, the page of any day, its files. Read-only."""
    from orchestration.ui.reading import serve_release
    from orchestration.ui.services import ServicesError

    _plain(said("home.serving", port=port))
    try:
        serve_release(Settings(), port)
    except ServicesError as error:
        fail(str(error))


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on the loopback interface.")] = 3000) -> None:
    """Open the Dagster UI on this machine only; pages of other sites cannot use it."""
    from ingest.home import open_home
    from orchestration.instance.environment import opened, prepare
    from orchestration.instance.switches import switched_off
    from orchestration.ui.services import ServicesError, serve

    settings = Settings()
    open_home(settings)
    with opened(settings) as instance:  # one process makes its databases here, before several need them
        off = switched_off(instance)
    _plain(said("home.ui", port=port, home=settings.root))
    if off:
        _plain(said("schedule.are_off", names=", ".join(off)))
    try:
        serve(os.environ | prepare(settings), port)
    except ServicesError as error:
        fail(str(error))


@app.command()
def audit(
    claims: Annotated[Path | None, typer.Argument(help="The note: its claims as CSV (docs/claims.md), or its text as .txt, .html or .pdf.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Who published the note: what it printed itself is no evidence.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The note's day, where its text prints none.")] = None,
    commodity: Annotated[str | None, typer.Option(help="Commodity of the text, where it names several or none.")] = None,
    metrics: Annotated[bool, typer.Option("--metrics", help="List what a claim can be about, with units and an example.")] = False,
) -> None:
    """Hold a note's claims against the published figures. Exit code 1 when one is contradicted, 2 when the file, or a row of it, cannot be read."""
    from ingest.catalog.calendar import CalendarHorizonError
    from ingest.home import open_home
    from serving.read import UnreadableError
    from serving.research.audit.claims import ClaimsError
    from serving.research.audit.meanings import CatalogError, load_catalog
    from serving.research.audit.runner import audit_note

    settings = Settings()
    try:
        if metrics:
            _list_metrics(load_catalog(settings.catalog_overlay))
            return
        if claims is None:
            raise ClaimsError(said("refused.no_claims"))
        open_home(settings)
        found = audit_note(settings, claims, {"publisher": publisher, "as_of": as_of, "commodity": commodity})
    except ClaimsError as error:
        for problem in error.problems[:-1]:
            err.print(f"alumina: {problem}", style="red", markup=False, soft_wrap=True)
        fail(error.problems[-1], code=2)
    except (CatalogError, CalendarHorizonError, UnreadableError, OSError) as error:
        fail(_told(error), code=2)
    _show_audit(found, found.note.name)
    if found.totals["contradicted"]:
        raise typer.Exit(1)
    if found.note.problems:
        raise typer.Exit(2)


def _show_audit(found: "Audit", name: str) -> None:
    """The table in 80 columns, then the reasons of what needs a look, one paragraph each."""
    if not found.is_real:
        out.print(said("sample.audit"), markup=True)
    for problem in found.note.problems:
        err.print(f"alumina: {problem}", style="red", markup=False, soft_wrap=True)
    publisher = found.note.publisher or said("audit.not_stated")
    table = Table(title=said("audit.title", name=name, publisher=publisher, as_of=found.note.as_of))
    for name, least, most in (("claim", 4, 6), ("quote", 8, 10), ("claimed", 8, 12), ("found", 7, 9), ("verdict", 12, 20), ("self", 4, 4)):
        table.add_column(said(f"audit.{name}"), min_width=least, max_width=most, overflow="ellipsis", no_wrap=True)
    for row in found.judged:
        claim = row.claim
        cells = (
            claim.claim_id,
            claim.quote,
            claim.claimed_text,
            _number(row.value_found, ",.2f"),
            _worded("VERDICTS", row.verdict),
            row.self_consistency[:4],
        )
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)
    for row in found.judged:
        if row.verdict in ("contradicted", "definition_dependent") or row.self_consistency.startswith("fail"):
            _plain(f"{row.claim.claim_id} {_worded('VERDICTS', row.verdict)}: {row.claim.quote}")
            arithmetic = "" if row.verdict == "definition_dependent" else "; ".join(getattr(one, language()) for one in row.arithmetic)
            inconsistency = row.self_consistency if row.self_consistency.startswith("fail") else ""
            for text in dict.fromkeys((getattr(row.reconciling_definition, language()), arithmetic, inconsistency)):
                if text:
                    _plain(f"    {text}")
    for then, now in found.turned:
        _plain(
            said(
                "audit.turned",
                claim=now.claim.claim_id,
                then=_worded("VERDICTS", then.verdict),
                as_of=found.note.as_of,
                now=_worded("VERDICTS", now.verdict),
            )
        )
    _plain(", ".join(f"{_worded('VERDICTS', verdict).replace('_', ' ')} {count}" for verdict, count in found.totals.items() if count))
    if found.numbers:
        _plain(said("audit.told", told=len(found.judged), numbers=found.numbers, folder=found.folder))
    _plain(said("home.written", path=found.folder))


def _list_metrics(catalog: "Catalog") -> None:
    """Everything a claim can be about: name, Chinese name, units, bases and an example."""
    for name, metric in sorted(catalog.metrics.items()):
        if metric.definitions:
            units = ", ".join(dict.fromkeys(unit for unit in (metric.unit, *metric.units) if unit)) or said("audit.no_unit")
            bases = ", ".join(dict.fromkeys(one.basis for one in metric.definitions if one.basis))
            _plain(f"{name}{f'（{metric.zh}）' if metric.zh else ''}: {units}{said('audit.bases', bases=bases) if bases else ''}")
            if metric.example:
                _plain(f"    {metric.example}")
    _plain(said("audit.units", units=", ".join(sorted(catalog.unit_names))))


@app.command()
def note(
    day: Annotated[str | None, typer.Argument(help="Day of the note; default the newest.")] = None,
    commodity: Annotated[str | None, typer.Option(help="Commodity code, e.g. AO; default the one whose outlook rests on most data.")] = None,
    form: Annotated[
        list[str] | None, typer.Option("--as", help="html (default), xlsx, pdf or png, the headline as a picture; may be given several times.")
    ] = None,
    english: Annotated[bool, typer.Option("--english", help="PDF and picture in English; the page holds both languages.")] = False,
) -> None:
    """Write the note of a day: one page in Chinese and English that opens without a network, its workbook, its PDF, a picture of its headline."""
    from ingest.home import open_home
    from serving.read import UnreadableError
    from serving.research.note.known import NoteError
    from serving.research.note.page import FORMS, write_note
    from serving.research.note.printing import NoPrinterError

    forms = tuple(dict.fromkeys(form or ("html",)))
    if strange := [one for one in forms if one not in FORMS]:
        fail(said("refused.no_form", forms=", ".join(FORMS), asked=repr(strange[0])))
    open_home(Settings())
    try:
        paths, restated, decided, built_at = write_note(
            Settings(), _day("the day", day), commodity.upper() if commodity else None, forms=forms, english=english
        )
    except (NoteError, NoPrinterError, UnreadableError, OSError) as error:
        fail(_told(error))
    for path in paths:
        _plain(said("home.written_page" if path.suffix == ".html" else "home.written", path=path))
    if restated:
        _plain(said(f"restated.{'shown' if built_at else 'left_out'}", figures=restated, decided=decided, built=built_at))


@app.command()
def export(
    table: Annotated[str, typer.Argument(help="A published table or view, e.g. outlook_latest or desk.futures_dominant.")],
    to: Annotated[Path | None, typer.Option("--to", help="The file to write, .csv or .xlsx; default CSV on standard output.")] = None,
    zh: Annotated[bool, typer.Option("--zh", help="Chinese headers with their unit, from the data dictionary.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="Only rows of this day and later.")] = None,
    commodity: Annotated[str | None, typer.Option("--commodity", help="Only rows of this commodity, e.g. AO.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Leave out figures that may not be passed on (licences.toml).")] = False,
) -> None:
    """Write a published table for spreadsheets: a workbook, or CSV in UTF-8 with byte-order mark; nothing in them runs as a formula."""
    from ingest.files import write_atomic
    from serving.publish.public import LicensedError
    from serving.publish.spreadsheets import WORKBOOK, UnfitError, UnknownTableError, Wanted, export_csv, export_workbook
    from serving.read import UnreadableError

    if to is not None and to.is_dir():
        fail(said("refused.to_is_folder", to=to))
    if to is not None and to.suffix.lower() not in (WORKBOOK, ".csv"):
        fail(said("refused.to_has_no_form", to=to, workbook=WORKBOOK))
    wanted = Wanted(table, zh, _day("--since", since), commodity, public)
    try:
        if to is None:
            for block in export_csv(Settings(), wanted):
                OUTPUTS[0].write_bytes(block)
        elif to.suffix.lower() == WORKBOOK:
            book = io.BytesIO()
            export_workbook(Settings(), wanted, book)
            write_atomic(to, book.getvalue())
        else:
            write_atomic(to, b"".join(export_csv(Settings(), wanted)))
        if to is not None:
            _plain(said("home.written", path=to))
    except (UnknownTableError, UnfitError, UnreadableError, LicensedError) as error:
        fail(str(error))
    except OSError as error:
        fail(said("refused.not_written", to=to or "standard output", why=error.strerror or error))


@inbox_app.command("check")
def inbox_check(file: Annotated[Path, typer.Argument(help="The file, wherever it lies.")]) -> None:
    """Try a file: say what would be read, or what is wrong. Changes nothing; exit code 1 when it would be refused."""
    from ingest.inbox import ROWS_TOLD

    found, _ = _examined(file)
    receipt = found.attempt
    if not found.is_taken:
        _refuse(receipt)
    _plain(said("inbox.recognised", name=receipt.request_name, source=receipt.source, feed=receipt.feed))
    for read in found.tables:
        key = "inbox.rows_of_days" if read.first else "inbox.rows"
        _plain(said(key, table=read.table, rows=read.rows, series=read.series, first=read.first, last=read.last))
    if receipt.message:
        _plain(f"  · {receipt.message}")
    for note in found.notes:
        _plain(f"  · {note}")
    if found.refused:
        _plain(said("inbox.refused", count=len(found.refused)))
        for row in found.refused[:ROWS_TOLD]:
            _plain(f"  ! {row}")
        if (more := len(found.refused) - ROWS_TOLD) > 0:
            _plain(said("inbox.refused_more", count=more))
    if not found.is_useful:
        fail(said("refused.no_row", name=receipt.request_name))


def _refuse(receipt: "Attempt") -> None:
    figures = {"outcome": receipt.outcome, "reason": receipt.reason, "message": receipt.message}
    fail(said("refused.file_refused", name=receipt.request_name, outcome_zh=_worded("OUTCOMES", receipt.outcome), **figures))


def _examined(file: Path) -> tuple["Examination", "Configuration"]:
    from ingest.catalog.configuration import Configuration
    from ingest.dropped import examine
    from ingest.parser import apart
    from ingest.source import ConfigurationError, HomeError
    from ingest.sources import sources

    settings = Settings()
    if not file.exists() and file.name == str(file):  # the run named a file that it has since moved
        away = sorted(settings.inbox.glob(f"**/{glob.escape(file.name)}"))
        file = away[-1] if away else file
    try:
        configuration = Configuration(settings.catalog_overlay)
        return examine(file, apart(sources(configuration), configuration), configuration, settings), configuration
    except (ConfigurationError, HomeError) as error:
        fail(str(error))
    except OSError as error:
        fail(said("refused.not_read", file=file, why=error.strerror or error))
    raise AssertionError  # fail ends the command


@inbox_app.command("map")
def inbox_map(
    file: Annotated[Path, typer.Argument(help="A vendor's file, wherever it lies.")],
    series: Annotated[
        str | None, typer.Option(help="Id of the series to map; without it each is asked for, or listed where no terminal can answer.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="What it is to the commodity: spot, cost_full, …")] = None,
    commodity: Annotated[str, typer.Option(help="Code of the commodity.")] = "AO",
    region: Annotated[str | None, typer.Option(help="Region; default: the one in its name, else national.")] = None,
    provider: Annotated[str | None, typer.Option(help="Provider, where two have a series of this id.")] = None,
    model: Annotated[str | None, typer.Option(help="Cost model, where the role has several.")] = None,
) -> None:
    """Tell the catalogue what a vendor's series is: shows series that no mart reads, and writes the answers into catalog/series.toml of the home."""
    from filelock import FileLock

    from ingest.catalog import mapping
    from ingest.catalog.roles import suggested_role
    from ingest.home import open_home
    from ingest.source import ConfigurationError
    from orchestration.command import mapped

    open_home(Settings())
    found, configuration = _examined(file)
    if not found.is_taken:
        _refuse(found.attempt)
    if (series is None) != (role is None):
        fail(said("refused.series_and_role"))
    overlay = Settings().catalog_overlay
    try:
        if series is not None and role is not None:
            chosen = [mapped.entry_of(series, provider, mapped.Choice(role, commodity, region, model), found.series, configuration)]
        else:
            chosen = []
            waiting = mapped.open_series(found.series, configuration)
            if not waiting:
                _plain(said("inbox.all_read" if found.series else "inbox.no_series", file=file.name))
                return
            _plain(said("inbox.unread", waiting=len(waiting), count=len(found.series), file=file.name))
            for line in mapped.roles():
                _plain(line)
            for one in waiting:
                _plain(mapped.described(one))
                if not sys.stdin.isatty():
                    _plain(f"  {mapped.command_for(one, str(file), configuration)}")
                    continue
                answer = typer.prompt(said("inbox.role"), default=suggested_role(one.name) or "", show_default=True).strip()
                if answer:
                    where = typer.prompt(said("inbox.region"), default=mapped.region_of(one, configuration)).strip()
                    chosen.append(
                        mapped.entry_of(one.series_id, one.provider, mapped.Choice(answer, commodity, where, model), found.series, configuration)
                    )
        if chosen:
            overlay.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(overlay.parent / "series.lock"):  # of two who map at once, the second adds to what the first wrote
                path = mapping.write(overlay, chosen)
            for entry in chosen:
                _plain(said("inbox.mapped", series=entry.series_id, **entry.model_dump(include={"provider", "role", "commodity", "region"})))
            _plain(said("inbox.map_written", path=path, inbox=Settings().inbox))
    except ConfigurationError as error:
        fail(str(error))


@inbox_app.command("list")
def inbox_list() -> None:
    """List the files waiting in the inbox, and the refused ones with their reasons."""
    from ingest.dropped import inbox_of

    inbox = inbox_of(Settings())
    entries = inbox.entries()
    _plain(said("inbox.waiting", folder=inbox.folder, count=len(entries)))
    for entry in entries:
        _plain(said("inbox.file" if entry.is_file else "inbox.no_file", name=entry.name, size=entry.size))
    for name in inbox.folders():
        _plain(said("inbox.folder", name=name))
    if inbox.is_full():
        _plain(said("inbox.more", most=inbox.most))
    for name, why in inbox.refusals():
        _plain(f"  ! {name}: {why or said('inbox.no_reason_given')}")


def _plain(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)


@app.command()
def prepare() -> None:
    """Write dbt's manifest and the note's chart library, so that the first run need not (part of the installation)."""
    from orchestration.warehouse.dbt import project
    from serving.research.note.bundle import bundle

    project()
    bundle()


def _say_default(settings: Settings) -> None:
    """Say what a run without `--source` takes in a home of files: its inbox. Folders and exchanges are read only when named."""
    from ingest.home import source_of
    from ingest.source import DataOrigin

    if source_of(settings) is DataOrigin.FILES:
        _plain(said("run.takes_files", inbox=settings.inbox))


def _within_calendar(settings: Settings, first: Any, last: Any) -> None:
    """Refuse days outside the calendar before a run is spent on them."""
    from ingest.catalog.calendar import CalendarHorizonError, load_calendar

    try:
        calendar = load_calendar(settings.catalog_overlay)
        if (first and first > calendar.last_day) or (last and last < calendar.first_day):
            calendar.is_session(first or last)
    except (CalendarHorizonError, ValueError) as error:
        fail(str(error))


@without_pandas()
def _run(intake: dict[str, Any], *, timings: bool = False) -> None:
    from orchestration.command.run import PHASES, phase_of, run_job

    settings = Settings()
    begun = time.perf_counter()
    with out.status(said("run.starting")) as status:

        def on_step(step: str, state: str) -> None:
            phase = phase_of(step)
            label = said(f"run.{phase}") if phase in PHASES else phase
            if phase == "lake":
                label += f": {step.split('__', 1)[-1]}"
            if state == "start":
                status.update(label)
            else:
                out.print(f"  {'✓' if state == 'success' else '✗'} {label}  [dim]{time.perf_counter() - begun:5.1f} s[/dim]", markup=True)

        def on_progress(what: str, done: int, total: int) -> None:
            status.update(said("run.models", label=said("run.dbt"), done=done, total=total, what=what))

        since = time.time()
        result = run_job(settings, intake, on_step=on_step, on_progress=on_progress)
    cause = _show_problems(settings, result.run_id)
    _show_notes(settings, since)
    if timings:
        _show_timings(result.seconds, time.perf_counter() - begun)
    if not result.success:
        fail(said("refused.run_failed", message=result.message, log=result.log) + (f"\n  {cause}" if cause else ""))
    _show_outlook(settings, None)
    if cause:
        _plain(cause)


def _look_back(text: str) -> None:
    from ingest.lake import LakeError
    from orchestration.warehouse.as_of import AsOfError, build_as_of, moment
    from orchestration.warehouse.load import WarehouseError

    try:
        with out.status(said("run.looking_back")):
            aside = build_as_of(Settings(), moment(text))
    except (AsOfError, LakeError, WarehouseError, ValueError) as error:
        fail(str(error))
    _show_outlook(aside, None)


def _show_problems(settings: Settings, run_id: str) -> str:
    """Print what this run could not use, worst first, and give their common cause where there is one; serving.quality_results names every payload."""
    from ingest.archive import Archive
    from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
    from ingest.problems import no_network, problems
    from ingest.source import ConfigurationError, Outcome

    attempts = [attempt for attempt in Archive(settings.archive).fetch_log() if attempt.run_id == run_id]
    try:
        feeds = Configuration(settings.catalog_overlay).feeds
    except ConfigurationError:  # the wrong file is reported as a problem of this run; the shipped order sorts the others
        feeds = SHIPPED_ONLY.feeds
    for problem in problems(attempts, feeds):
        out.print(f"  ! {problem}", soft_wrap=True, markup=False, highlight=False)
    if waiting := [attempt.request_name for attempt in attempts if attempt.outcome is Outcome.NOT_PUBLISHED and not attempt.is_failure]:
        _plain(said("run.not_due", names=", ".join(waiting)))
    return no_network(attempts)


def _show_notes(settings: Settings, since: float) -> None:
    """Print the notes on inbox files of this run: figures that reach no mart, or that count from another time than stated."""
    from ingest.dropped import inbox_of

    inbox = inbox_of(settings)
    for why in inbox.in_the_way():
        _plain(f"  ! {why}")
    for name, lines in inbox.notes(since):
        for line in lines[:NOTES_SHOWN]:
            _plain(f"  · {name}: {line}")


def _show_outlook(settings: Settings, day: date | None) -> None:
    from serving.publish.served import pinned
    from serving.read import UnreadableError, outlook

    try:
        found = outlook(settings, day)
    except UnreadableError as error:
        fail(str(error))
    if not found.rows:
        fail(said("refused.no_outlook", day=day or said("outlook.any_day")))
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    if any(row["data_origin"] == "sample" for row in rows):
        out.print(said("sample.outlook"), markup=True)
    _show_table(rows)
    for row in rows:
        if row["horizon"] == "short":
            for line in _facts(row):
                out.print(line)
    if settings.as_of is None:
        _plain(said("outlook.published", file=settings.serving / "alumina.duckdb"))
        if held := pinned(settings):
            _plain(held_since(held))
    else:
        _plain(said("outlook.aside", moment=f"{settings.as_of:%Y-%m-%d %H:%M}", file=settings.warehouse))


def _show_table(rows: Sequence[Row]) -> None:
    """Print the statements, a line for each commodity and horizon."""
    title = said("outlook.title", day=rows[0]["as_of_date"], time=f"{rows[0]['decision_at']:%H:%M}")
    table = Table(title=title, caption=said("outlook.legend"), box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("")
    for name in ("horizon", "forecast", "interval", "stance", "score", "coverage", "status"):
        table.add_column(said(f"outlook.{name}"), justify="right" if name in ("interval", "score", "coverage") else "left", no_wrap=True)
    for row in rows:
        lean = "–" if row["stance"] is None else f"{row['stance']:+d} {_worded('DIRECTIONS', row['direction'])}".replace("+0", "0")
        interval = "–" if row["interval80_low_cny_t"] is None else f"{row['interval80_low_cny_t']:,.0f}–{row['interval80_high_cny_t']:,.0f}"
        figures = (_number(row["sentiment_score"], "+.1f"), _number(row["coverage"], ".0%"))
        status = _worded("STATUSES", row["status"])
        table.add_row(row["commodity_code"], _worded("HORIZONS", row["horizon"]), _forecast(row), interval, lean, *figures, status)
    out.print(table)


def _facts(row: Row) -> Iterator[str]:
    """Say what the decision knew of the market, the scenarios that hold, and why a row is not whole."""
    code = row["commodity_code"]
    # A figure of another day than the outlook's says so.
    days = {name: row[f"{name}_date"] for name in ("quotes", "receipts", "spot")}
    if row["premium_rate_pct"] is not None:
        days["premium"] = min((day for day in (days["quotes"], days["spot"]) if day), default=None)
    of = {name: said("outlook.of_day", day=f"{day:%m-%d}") if day and day != row["as_of_date"] else "" for name, day in days.items()}
    facts = (
        said(
            "outlook.close",
            contract=row["dominant_contract"] or said("outlook.no_dominant"),
            close=_number(row["close_cny_t"], ",.0f"),
            settlement=_number(row["ret_c_ps_pct"], "+.2f"),
            on_close=_number(row["ret_cc_1d_pct"], "+.2f"),
            of=of["quotes"],
        ),
        said("outlook.receipts", receipts=_number(row["receipts_t"], ",.0f"), of=of["receipts"]),
        said("outlook.spot", spot=_number(row["spot_cny_t"], ",.2f"), of=of["spot"]),
        said("outlook.premium", premium=_number(row["premium_rate_pct"], "+.2f"), of=of.get("premium", "")),
    )
    between = said("outlook.between")
    yield said("outlook.facts", code=code, facts=between.join(facts))
    if row["risk_flags"]:
        yield said("outlook.scenarios", code=code, flags=between.join(_worded("CODES", flag) for flag in row["risk_flags"].split(";")))
    if row["status_reason"]:
        reasons = (_worded("REASONS", reason) for reason in row["status_reason"].split(";"))
        yield said("outlook.why", code=code, status=_worded("STATUSES", row["status"]), reasons=between.join(reasons).replace("_", " "))


def _worded(kind: str, code: Any) -> str:
    """Give a code as the page words it in Chinese; in English the code speaks for itself."""
    if language() == "en":
        return str(code)
    from serving.research import wording

    return wording.say(getattr(wording, kind), code).zh


def _forecast(row: Row) -> str:
    """Say what the forecast is: a call with its probability, no edge, or why there is neither."""
    if row["call"] is None:
        return said("outlook.too_short" if str(row["call_reason"]).startswith("panel_too_short") else "outlook.no_forecast")
    return said("outlook.call", call=f"{row['call']:+d}", probability=f"{row['probability_up']:.0%}") if row["call"] else said("outlook.no_edge")


def _show_timings(seconds: dict[str, float], total: float) -> None:
    table = Table(title=said("run.timings"))
    table.add_column(said("run.phase"))
    table.add_column(said("run.seconds"), justify="right")
    for phase, value in seconds.items():
        table.add_row(phase, f"{value:.1f}")
    table.add_row(said("run.other"), f"{total - sum(seconds.values()):.1f}")
    table.add_row(said("run.all"), f"{total:.1f}")
    out.print(table)


def _number(value: Any, form: str) -> str:
    return "–" if value is None else format(value, form)


def _day(name: str, text: str | None) -> Any:
    from ingest.values import iso_day

    try:
        return iso_day(text) if text else None
    except ValueError:
        fail(said("refused.no_day", name=name, text=repr(text)))


def fail(message: str, *, code: int = 1) -> Any:
    """Say what is wrong in one sentence and end with a non-zero exit code."""
    err.print(f"alumina: {message}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)


def _told(error: Exception) -> str:
    """Put an error into a sentence; one of the file system that a user can mend names the path and what to do."""
    if not isinstance(error, OSError) or error.errno not in REFUSALS | IN_THE_WAY:
        return str(error)
    key = "refused.in_the_way" if error.errno in IN_THE_WAY else "refused.full" if error.errno in FULL else "refused.disk"
    return said(key, path=error.filename2 or error.filename or "the disk", why=error.strerror)


def main() -> None:
    """Run the `alumina` command; what the environment or the disk refuses is one sentence, too."""
    with prepared(*OUTPUTS):
        _main()


def _main() -> None:
    try:
        app()
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        told = "; ".join(
            f"ALUMINA_{slip['loc'][0]}".upper() + f": {slip['msg'].removeprefix('Value error, ')}"
            for slip in error.errors(include_input=False, include_url=False)
        )
    except OSError as error:
        if error.errno not in REFUSALS | IN_THE_WAY:
            raise
        told = _told(error)
    except Exception as error:
        from ingest.source import HomeError

        if isinstance(error, RuntimeError) and str(error).startswith(CIRCLE):
            told = said("refused.in_the_way", path=Settings().root, why=error)
        elif isinstance(error, HomeError):
            told = str(error)
        else:
            raise
    else:
        return
    err.print(f"alumina: {told}", style="red", markup=False, soft_wrap=True)
    sys.exit(1)
