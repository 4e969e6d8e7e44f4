"""The `alumina` command: thin, over the same jobs the UI runs. Errors are one sentence on stderr and a non-zero exit."""

import errno
import glob
import io
import os
import sys
import time
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

if TYPE_CHECKING:
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
LEGEND = "too short: the history gives no probability yet; leans: where the evidence leans; known: share of the inputs"
# How a home says no; anything else is a mistake of ours and shows where.
REFUSALS = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG}
OUTPUTS = (Output("stdout"), Output("stderr"))
out, err = map(console, OUTPUTS)


def _say_version(asked: bool) -> None:
    if asked:
        from ingest.settings import PACKAGE_VERSION
        from serving.publish.release import code_version

        _plain(f"alumina-warehouse {PACKAGE_VERSION}, code version {code_version()}")
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
            fail("--as-of looks back at what this home holds; it goes with no other choice of data")
        _look_back(as_of)
        return
    if source is RunSource.FILES and payloads is None:
        fail("--source files needs --payloads DIR, the folder with the payload files")
    if payloads is not None and source is not RunSource.FILES:
        fail("--payloads goes with --source files")
    if payloads is not None and not payloads.is_dir():
        fail(f"the payload folder {payloads} does not exist")
    days = {name: _day(name, text) for name, text in (("--from", first), ("--to", last))}
    if first and last and days["--from"] > days["--to"]:
        fail(f"--from {first} is after --to {last}")
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
    from orchestration.warehouse.load import WarehouseError, write_lock
    from serving.research.whatif import WhatIfError, parse, shocks
    from serving.research.whatif import whatif as ask

    settings = Settings()
    try:
        declared = shocks(settings.catalog_overlay)
        asked = moved or []
        if not asked:
            for name, shock in declared.items():
                _plain(f"  {name}=…  [{shock.unit}] {shock.en}: {shock.source}")
            return
        with out.status("running the models"):
            held = partial(write_lock, settings, "copying the warehouse for a what-if")
            answer = ask(settings, parse(asked, declared), commodity and commodity.upper(), _day("--day", day), held)
    except (WhatIfError, WarehouseError) as error:
        fail(str(error))
    if answer.data_origin == "sample":
        out.print("[bold]SAMPLE DATA[/bold]: published figures where the ledger has them, otherwise simulated. Not the market.")
    table = Table(title=f"{answer.commodity_code} {answer.day}, what if {' '.join(asked)}")
    for name in ("figure", "unit", "now", "then", "change"):
        table.add_column(name, justify="left" if name in ("figure", "unit") else "right")
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
    from ingest.home import open_home
    from ingest.lake import Lake
    from orchestration.home.backup import half_a_home
    from orchestration.warehouse.load import WarehouseError, begin_anew, write_lock

    settings = Settings()
    if not (settings.archive / "receipts").is_dir():
        fail(f"there is no archive in {settings.root} to rebuild from")
    if why := half_a_home(settings):
        fail(why)
    open_home(settings)
    try:
        with FileLock(settings.root / "rebuild.lock", timeout=0):  # a second one would empty the lake that this one fills
            Archive(settings.archive).verify()  # before anything is deleted
            with write_lock(settings, "rebuilding"):
                begin_anew(settings)
                Lake(settings.lake).clear()
                for path in (settings.warehouse, settings.warehouse.with_suffix(".duckdb.wal")):
                    path.unlink(missing_ok=True)
            _run({"source": "archive"})
            settings.rebuilding.unlink()
    except (WarehouseError, ArchiveError) as error:
        fail(str(error))
    except Timeout:
        fail(f"the home {settings.root} is being rebuilt already; try again when that is done")


@app.command()
def purge(
    provider: Annotated[str, typer.Argument(help="The provider whose licence ends, e.g. smm.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for who reads it later.")] = "the licence ended",
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said what would go.")] = False,
) -> None:
    """Delete a provider's data for good, or without --yes say what would go; then rebuild and publish without them."""
    from ingest.home import open_home
    from orchestration.home import purge as purging
    from orchestration.warehouse.load import write_lock
    from serving.publish.served import kept, retire

    settings = Settings()
    open_home(settings)
    asked = purging.plan(settings, provider)
    _plain(f"{'deleting' if yes else 'this would delete'} for good:")
    for line in asked.lines():
        _plain(f"  {line}")
    if not yes:
        _plain(f"nothing was changed; to do it: alumina purge {provider} --yes")
        return
    _plain("if this is cut off: alumina rebuild, then alumina releases prune --keep 1")
    before = {path.name for path in kept(settings)}
    purging.purge(settings, asked, reason)
    rebuild()
    with write_lock(settings, "deleting releases"):
        gone = retire(settings, len({path.name for path in kept(settings)} - before))
    _plain(f"{len(gone)} releases deleted; nothing of {provider} is left in {settings.root}")


@app.command("backup")
def back_up(folder: Annotated[Path, typer.Argument(help="Where the copy goes: an empty folder, or an earlier backup.")]) -> None:
    """Copy payloads, receipts, the operator's catalogue and the releases elsewhere, and hash the copy."""
    from ingest.archive import ArchiveError
    from ingest.home import open_home
    from orchestration.home.backup import BackupError, backup
    from orchestration.warehouse.load import WarehouseError

    open_home(Settings())
    try:
        copied = backup(Settings(), folder)
    except (BackupError, ArchiveError, WarehouseError) as error:
        fail(str(error))
    out.print(f"{copied.files} files copied to {folder}; all {copied.payloads} payloads there are whole", soft_wrap=True, highlight=False)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.", exists=True, file_okay=False)],
    partial: Annotated[bool, typer.Option("--partial", help="Take what is whole of a backup that is not complete.")] = False,
) -> None:
    """Put a backup back: into an empty home everything, into a home with an archive the payloads that were lost or have rotted."""
    from ingest.archive import ArchiveError
    from orchestration.home.backup import BackupError, restore
    from orchestration.warehouse.load import WarehouseError

    settings = Settings()
    try:
        copied = restore(settings, folder, partial=partial)
    except (BackupError, ArchiveError, WarehouseError) as error:
        fail(str(error))
    said = f"nothing whole was found of {'; '.join(copied.lost)}" if copied.lost else f"all {copied.payloads} payloads are whole"
    _plain(f"{copied.files} files put back into {settings.root}; {said}")
    if settings.rebuilding.exists():
        out.print("next: alumina rebuild, which makes lake and warehouse from the archive")


@app.command()
def rollback(reason: Annotated[str, typer.Option("--reason", help="Why, for who reads it later.")] = "") -> None:
    """Serve the release before the current one again, and hold people there until `alumina releases let-go`."""
    from orchestration.home.releases import go_back

    _plain(f"serving {go_back(Settings(), reason)}; what is published next waits until alumina releases let-go")


@app.command()
def serve(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on the loopback interface.")] = 3080) -> None:
    """Show the release that is served in a browser on this machine: its index, the page of any day, its files. Nothing can be changed there."""
    from orchestration.ui.reading import serve_release
    from orchestration.ui.services import ServicesError

    _plain(f"the release on http://127.0.0.1:{port}, until Ctrl-C")
    try:
        serve_release(Settings(), port)
    except ServicesError as error:
        fail(str(error))


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on the loopback interface.")] = 3000) -> None:
    """Open the Dagster UI on this machine only; pages of other sites cannot use it."""
    from ingest.home import open_home
    from orchestration.instance.environment import opened, prepare
    from orchestration.ui.services import ServicesError, serve

    settings = Settings()
    open_home(settings)
    with opened(settings):
        pass  # its databases are made here, by one process, before several want them
    _plain(f"Dagster UI: http://127.0.0.1:{port}  (home {settings.root}; stop with Ctrl-C)")
    try:
        serve(os.environ | prepare(settings), port)
    except ServicesError as error:
        fail(str(error))


@app.command()
def audit(
    claims: Annotated[Path | None, typer.Argument(help="The note: its claims as CSV (docs/claims.md), or its text as .txt, .html or .pdf.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Who published the note: what it printed itself is no evidence.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The note's day, where its text prints none.")] = None,
    commodity: Annotated[str | None, typer.Option(help="What the text is about, where it names several or none.")] = None,
    metrics: Annotated[bool, typer.Option("--metrics", help="List what a claim can be about, with units and an example.")] = False,
) -> None:
    """Hold a note's claims against the published figures. Exit code 1 when one is contradicted, 2 when the file, or a row of it, cannot be read."""
    from ingest.catalog.calendar import CalendarHorizonError
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
            raise ClaimsError(
                "name the note's claims (CSV) or its text (.txt, .html, .pdf); `alumina audit --metrics` lists what a claim can be about"
            )
        found = audit_note(settings, claims, {"publisher": publisher, "as_of": as_of, "commodity": commodity})
    except ClaimsError as error:
        for problem in error.problems[:-1]:
            err.print(f"alumina: {problem}", style="red", markup=False, soft_wrap=True)
        fail(error.problems[-1], code=2)
    except (CatalogError, CalendarHorizonError, UnreadableError, OSError) as error:
        fail(str(error), code=2)
    _show_audit(found, found.note.name)
    if found.totals["contradicted"]:
        raise typer.Exit(1)
    if found.note.problems:
        raise typer.Exit(2)


def _show_audit(found: "Audit", name: str) -> None:
    """The table in 80 columns, then the reasons of what needs a look, one paragraph each."""
    if not found.is_real:
        out.print("[bold]SAMPLE DATA[/bold]: only the ledger's published figures are evidence, nothing simulated.")
    for problem in found.note.problems:
        err.print(f"alumina: {problem}", style="red", markup=False, soft_wrap=True)
    table = Table(title=f"{name}, publisher {found.note.publisher or 'not stated'}, as of {found.note.as_of}")
    for name, least, most in (("claim", 4, 6), ("quote", 8, 10), ("claimed", 8, 12), ("found", 7, 9), ("verdict", 12, 20), ("self", 4, 4)):
        table.add_column(name, min_width=least, max_width=most, overflow="ellipsis", no_wrap=True)
    for row in found.judged:
        claim = row.claim
        cells = (claim.claim_id, claim.quote, claim.claimed_text, _number(row.value_found, ",.2f"), str(row.verdict), row.self_consistency[:4])
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)
    for row in found.judged:
        if row.verdict in ("contradicted", "definition_dependent") or row.self_consistency.startswith("fail"):
            _plain(f"{row.claim.claim_id} {row.verdict}: {row.claim.quote}")
            arithmetic = "" if row.verdict == "definition_dependent" else "; ".join(one.en for one in row.arithmetic)
            inconsistency = row.self_consistency if row.self_consistency.startswith("fail") else ""
            for text in dict.fromkeys((row.reconciling_definition.en, arithmetic, inconsistency)):
                if text:
                    _plain(f"    {text}")
    for then, now in found.turned:
        _plain(f"{now.claim.claim_id}: {then.verdict} on what was known on {found.note.as_of}, {now.verdict} on what is known now")
    _plain(", ".join(f"{verdict.replace('_', ' ')} {count}" for verdict, count in found.totals.items() if count))
    if found.numbers:
        _plain(
            f"{len(found.judged)} claims told with confidence of {found.numbers} numbers; the others are in {found.folder}/review.csv, which can be corrected and audited"
        )
    _plain(f"written: {found.folder}")


def _list_metrics(catalog: "Catalog") -> None:
    """Everything a claim can be about: name, Chinese name, units, bases and an example."""
    for name, metric in sorted(catalog.metrics.items()):
        if metric.definitions:
            units = ", ".join(dict.fromkeys(unit for unit in (metric.unit, *metric.units) if unit)) or "no unit"
            bases = ", ".join(dict.fromkeys(one.basis for one in metric.definitions if one.basis))
            _plain(f"{name}{f'（{metric.zh}）' if metric.zh else ''}: {units}{f'; basis {bases}' if bases else ''}")
            if metric.example:
                _plain(f"    {metric.example}")
    _plain(f"units: {', '.join(sorted(catalog.unit_names))}")


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
    from serving.read import UnreadableError
    from serving.research.note.known import NoteError
    from serving.research.note.page import FORMS, write_note
    from serving.research.note.printing import NoPrinterError

    forms = tuple(dict.fromkeys(form or ("html",)))
    if strange := [one for one in forms if one not in FORMS]:
        fail(f"a note is written as {', '.join(FORMS)}, not as {strange[0]!r}")
    try:
        paths, remark = write_note(Settings(), _day("the day", day), commodity.upper() if commodity else None, forms=forms, english=english)
    except (NoteError, NoPrinterError, UnreadableError, OSError) as error:
        fail(str(error))
    for path in paths:
        _plain(f"written: {path}" + ("  (add #en to the address for English)" if path.suffix == ".html" else ""))
    if remark:
        _plain(remark)


@app.command()
def export(
    table: Annotated[str, typer.Argument(help="A published table or view, e.g. outlook_latest or desk.futures_dominant.")],
    to: Annotated[Path | None, typer.Option("--to", help="The file to write, .csv or .xlsx; default CSV on standard output.")] = None,
    zh: Annotated[bool, typer.Option("--zh", help="Chinese headers with their unit, from the data dictionary.")] = False,
    since: Annotated[str | None, typer.Option("--since", help="Only rows of this day and later.")] = None,
    commodity: Annotated[str | None, typer.Option("--commodity", help="Only rows of this commodity, e.g. AO.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Leave out what may not be passed on to others (licences.toml).")] = False,
) -> None:
    """Write a published table for spreadsheets: a workbook, or CSV in UTF-8 with byte-order mark; nothing in them runs as a formula."""
    from ingest.files import write_atomic
    from serving.publish.public import LicensedError
    from serving.publish.spreadsheets import WORKBOOK, UnfitError, UnknownTableError, Wanted, export_csv, export_workbook
    from serving.read import UnreadableError

    if to is not None and to.is_dir():
        fail(f"--to {to} is a folder; name the file to write")
    if to is not None and to.suffix.lower() not in (WORKBOOK, ".csv"):
        fail(f"--to {to}: the file is written by its ending, .csv or {WORKBOOK}")
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
            _plain(f"written: {to}")
    except (UnknownTableError, UnfitError, UnreadableError, LicensedError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{to or 'standard output'} cannot be written: {error.strerror or error}")


@inbox_app.command("check")
def inbox_check(file: Annotated[Path, typer.Argument(help="The file, wherever it lies.")]) -> None:
    """Say what would be read from a file, or what is wrong with it. Changes nothing; exit code 1 when it would be refused."""
    found, _ = _examined(file)
    receipt = found.attempt
    if not found.is_taken:
        fail(f"{receipt.request_name} would be refused ({receipt.outcome}, {receipt.reason}): {receipt.message}")
    _plain(f"{receipt.request_name}: source {receipt.source}, feed {receipt.feed}")
    for read in found.tables:
        span = f", {read.first} to {read.last}" if read.first else ""
        _plain(f"  {read.table}: {read.rows} rows of {read.series} series{span}")
    if receipt.message:
        _plain(f"  · {receipt.message}")
    for note in found.notes:
        _plain(f"  · {note}")
    if found.refused:
        _plain(f"  {len(found.refused)} rows would be refused:")
        for row in found.refused:
            _plain(f"  ! {row}")
    if not found.is_useful:
        fail(f"no row of {receipt.request_name} would be taken")


def _examined(file: Path) -> tuple["Examination", "Configuration"]:
    from ingest.catalog.configuration import Configuration
    from ingest.dropped import examine
    from ingest.source import ConfigurationError, HomeError
    from ingest.sources import sources

    settings = Settings()
    if not file.exists() and file.name == str(file):  # a name the run told, of a file it has put away
        away = sorted(settings.inbox.glob(f"**/{glob.escape(file.name)}"))
        file = away[-1] if away else file
    try:
        configuration = Configuration(settings.catalog_overlay)
        return examine(file, sources(configuration), configuration, settings), configuration
    except (ConfigurationError, HomeError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror or error}")
    raise AssertionError  # fail ends the command


@inbox_app.command("map")
def inbox_map(
    file: Annotated[Path, typer.Argument(help="A vendor's file, wherever it lies.")],
    series: Annotated[
        str | None, typer.Option(help="Id of the series to map; without it each is asked for, or shown where nobody can answer.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="What it is to the commodity: spot, cost_full, …")] = None,
    commodity: Annotated[str, typer.Option(help="Code of the commodity.")] = "AO",
    region: Annotated[str | None, typer.Option(help="Region; default: the one its name speaks of, else national.")] = None,
    provider: Annotated[str | None, typer.Option(help="Provider, where two have a series of this id.")] = None,
    model: Annotated[str | None, typer.Option(help="Cost model, where the role has several.")] = None,
) -> None:
    """Say what a vendor's series is to a commodity: shows those no mart reads, and writes what is said into the home's catalog/series.toml."""
    from ingest.catalog import mapping
    from ingest.catalog.roles import suggested_role
    from ingest.source import ConfigurationError
    from orchestration.command import mapped

    found, configuration = _examined(file)
    if not found.is_taken:
        fail(f"{found.attempt.request_name} would be refused ({found.attempt.outcome}, {found.attempt.reason}): {found.attempt.message}")
    if (series is None) != (role is None):
        fail("say both --series ID and --role ROLE, or neither")
    overlay = Settings().catalog_overlay
    try:
        if series is not None and role is not None:
            chosen = [mapped.entry_of(series, provider, mapped.Choice(role, commodity, region, model), found.series, configuration)]
        else:
            chosen = []
            waiting = mapped.open_series(found.series, configuration)
            if not waiting:
                _plain(f"the marts read every series of {file.name}" if found.series else f"{file.name} holds no series of a vendor")
                return
            _plain(f"{len(waiting)} of {len(found.series)} series of {file.name} are read by no mart. A series has one of these roles:")
            for line in mapped.roles():
                _plain(line)
            for one in waiting:
                _plain(mapped.described(one))
                if not sys.stdin.isatty():
                    _plain(f"  {mapped.command_for(one, str(file), configuration)}")
                    continue
                said = typer.prompt("  role (empty: leave it)", default=suggested_role(one.name) or "", show_default=True).strip()
                if said:
                    where = typer.prompt("  region", default=mapped.region_of(one, configuration)).strip()
                    chosen.append(
                        mapped.entry_of(one.series_id, one.provider, mapped.Choice(said, commodity, where, model), found.series, configuration)
                    )
        if chosen:
            path = mapping.write(overlay, chosen)
            for entry in chosen:
                _plain(f"{entry.provider} {entry.series_id} is {entry.role} of {entry.commodity}, {entry.region}")
            _plain(f"written: {path}; put the file into {Settings().inbox} where that was not done yet, then: alumina run")
    except ConfigurationError as error:
        fail(str(error))


@inbox_app.command("list")
def inbox_list() -> None:
    """Say what lies in the inbox, and what was refused and why."""
    from ingest.dropped import inbox_of
    from ingest.inbox import REFUSED, safe_name

    inbox = inbox_of(Settings())
    entries = inbox.entries()
    _plain(f"{inbox.folder}: {len(entries)} files waiting for the next run")
    for entry in entries:
        _plain(f"  {entry.name}  {entry.size} bytes" if entry.is_file else f"  {entry.name}  not a regular file, will be refused")
    for name in inbox.folders():
        _plain(f"  {name}/  a folder: not read; put its files into the inbox itself")
    for note in sorted((inbox.folder / REFUSED).glob("*.reason.txt")):
        lines = note.read_text(encoding="utf-8", errors="replace").splitlines()
        _plain(f"  ! {safe_name(note.name.removesuffix('.reason.txt'))}: {lines[0] if lines else 'no reason given'}")


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
    """Say what is taken in where nobody said, when that may not be what was meant: files are not fetched and not read again by themselves."""
    from ingest.home import source_of
    from ingest.source import DataOrigin

    if source_of(settings) is DataOrigin.FILES:
        _plain(f"taking the files in {settings.inbox}; to read a folder pass --source files --payloads DIR, to ask the exchanges --source live")


def _within_calendar(settings: Settings, first: Any, last: Any) -> None:
    """Refuse days of which the calendar knows none, before a run is spent on them."""
    from ingest.catalog.calendar import CalendarHorizonError, load_calendar

    try:
        calendar = load_calendar(settings.catalog_overlay)
        if (first and first > calendar.last_day) or (last and last < calendar.first_day):
            calendar.is_session(first or last)
    except (CalendarHorizonError, ValueError) as error:
        fail(str(error))


def _run(intake: dict[str, Any], *, timings: bool = False) -> None:
    from orchestration.command.run import STEPS, phase_of, run_job

    settings = Settings()
    begun = time.perf_counter()
    with out.status("starting") as status:

        def on_step(step: str, state: str) -> None:
            phase = phase_of(step)
            label = f"{STEPS.get(phase, phase)}: {step.split('__', 1)[-1]}" if phase == "lake" else STEPS.get(phase, phase)
            if state == "start":
                status.update(label)
            else:
                out.print(f"  {'✓' if state == 'success' else '✗'} {label}  [dim]{time.perf_counter() - begun:5.1f} s[/dim]")

        def on_progress(what: str, done: int, total: int) -> None:
            status.update(f"{STEPS['dbt']}: {done} of {total} {what}")

        since = time.time()
        result = run_job(settings, intake, on_step=on_step, on_progress=on_progress)
    cause = _show_problems(settings, result.run_id)
    _show_notes(settings, since)
    if timings:
        _show_timings(result.seconds, time.perf_counter() - begun)
    if not result.success:
        fail(f"{result.message}\n  details: {result.log}" + (f"\n  {cause}" if cause else ""))
    _show_outlook(settings, None)
    if cause:
        _plain(cause)


def _look_back(text: str) -> None:
    from ingest.lake import LakeError
    from orchestration.warehouse.as_of import AsOfError, build_as_of, moment
    from orchestration.warehouse.load import WarehouseError

    try:
        with out.status("building what was known then"):
            aside = build_as_of(Settings(), moment(text))
    except (AsOfError, LakeError, WarehouseError, ValueError) as error:
        fail(str(error))
    _show_outlook(aside, None)


def _show_problems(settings: Settings, run_id: str) -> str:
    """Say what this run could not use, the gravest first, and give the cause of all of it where there is one; serving.quality_results names every payload."""
    from ingest.archive import Archive
    from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
    from ingest.problems import no_network, problems
    from ingest.source import ConfigurationError, Outcome

    attempts = [attempt for attempt in Archive(settings.archive).fetch_log() if attempt.run_id == run_id]
    try:
        feeds = Configuration(settings.catalog_overlay).feeds
    except ConfigurationError:  # told as a problem of this run, by the shipped order
        feeds = SHIPPED_ONLY.feeds
    for problem in problems(attempts, feeds):
        out.print(f"  ! {problem}", soft_wrap=True, markup=False, highlight=False)
    if waiting := [attempt.request_name for attempt in attempts if attempt.outcome is Outcome.NOT_PUBLISHED and not attempt.is_failure]:
        _plain(f"  · not published yet, and not due: {', '.join(waiting)}")
    return no_network(attempts)


def _show_notes(settings: Settings, since: float) -> None:
    """Say of the files this run took from the inbox what reaches no mart or does not count as they state it."""
    from ingest.dropped import inbox_of

    for name, lines in inbox_of(settings).notes(since):
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
        fail(f"no outlook for {day or 'any day'}; it needs quotes or receipts of that day")
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    if any(row["data_origin"] == "sample" for row in rows):
        out.print("[bold]SAMPLE DATA[/bold]: published figures where the ledger has them, otherwise simulated. Not the market.")
    title = f"Outlook {rows[0]['as_of_date']}, decided {rows[0]['decision_at']:%H:%M} Asia/Shanghai"
    table = Table(title=title, caption=LEGEND, box=SIMPLE, padding=(0, 1, 0, 0))
    for name in ("", "horizon", "forecast", "80 % interval", "leans", "score", "known", "status"):
        table.add_column(name, justify="right" if name in ("80 % interval", "score", "known") else "left", no_wrap=True)
    for row in rows:
        lean = "–" if row["stance"] is None else f"{row['stance']:+d} {row['direction']}".replace("+0", "0")
        interval = "–" if row["interval80_low_cny_t"] is None else f"{row['interval80_low_cny_t']:,.0f}–{row['interval80_high_cny_t']:,.0f}"
        figures = (_number(row["sentiment_score"], "+.1f"), _number(row["coverage"], ".0%"))
        table.add_row(row["commodity_code"], row["horizon"], _forecast(row), interval, lean, *figures, row["status"])
    out.print(table)
    for row in rows:
        if row["horizon"] == "short":
            # A figure of another day than the outlook's says so.
            days = {name: row[f"{name}_date"] for name in ("quotes", "receipts", "spot")}
            if row["premium_rate_pct"] is not None:
                days["premium"] = min((day for day in (days["quotes"], days["spot"]) if day), default=None)
            of = {name: f" of {day:%m-%d}" if day and day != row["as_of_date"] else "" for name, day in days.items()}
            changes = f"{_number(row['ret_c_ps_pct'], '+.2f')} % on the prior settlement, {_number(row['ret_cc_1d_pct'], '+.2f')} % on the close"
            close = f"{_number(row['close_cny_t'], ',.0f')} CNY/t ({changes})"
            facts = (
                f"{row['dominant_contract'] or 'no dominant contract'} close {close}{of['quotes']}",
                f"receipts {_number(row['receipts_t'], ',.0f')} t{of['receipts']}",
                f"spot {_number(row['spot_cny_t'], ',.2f')} CNY/t{of['spot']}",
                f"futures premium {_number(row['premium_rate_pct'], '+.2f')} %{of.get('premium', '')}",
            )
            out.print(f"{row['commodity_code']}: {', '.join(facts)}")
            if row["risk_flags"]:
                out.print(f"{row['commodity_code']} scenarios: {row['risk_flags'].replace(';', ', ')}")
            if row["status_reason"]:
                out.print(f"{row['commodity_code']} is {row['status']}: {row['status_reason'].replace(';', ', ').replace('_', ' ')}")
    if settings.as_of is None:
        out.print(f"published: {settings.serving / 'alumina.duckdb'}", soft_wrap=True)
        if held := pinned(settings):
            _plain(str(held))
    else:
        out.print(f"as known at {settings.as_of:%Y-%m-%d %H:%M}, not published: {settings.warehouse}", soft_wrap=True)


def _forecast(row: dict[str, Any]) -> str:
    """Say what the forecast is: a call with its probability, no edge, or why there is neither."""
    if row["call"] is None:
        return "too short" if str(row["call_reason"]).startswith("panel_too_short") else "none"
    return f"{row['call']:+d}, rise {row['probability_up']:.0%}" if row["call"] else "no edge"


def _show_timings(seconds: dict[str, float], total: float) -> None:
    table = Table(title="where the time went")
    table.add_column("phase")
    table.add_column("s", justify="right")
    for phase, value in seconds.items():
        table.add_row(phase, f"{value:.1f}")
    table.add_row("other", f"{total - sum(seconds.values()):.1f}")
    table.add_row("all", f"{total:.1f}")
    out.print(table)


def _number(value: Any, form: str) -> str:
    return "–" if value is None else format(value, form)


def _day(name: str, text: str | None) -> Any:
    from ingest.values import iso_day

    try:
        return iso_day(text) if text else None
    except ValueError:
        fail(f"{name} {text!r} is not a day; write it as 2025-07-22")


def fail(message: str, *, code: int = 1) -> Any:
    """Say what is wrong in one sentence and end with a non-zero exit code."""
    err.print(f"alumina: {message}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the `alumina` command; what the environment or the disk refuses is one sentence, too."""
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
        if error.errno not in REFUSALS:
            raise
        told = f"{error.filename or 'the disk'}: {error.strerror}; ALUMINA_HOME must be a folder that may be written to, with room on its disk"
    except Exception as error:
        from ingest.source import HomeError

        if not isinstance(error, HomeError):
            raise
        told = str(error)
    else:
        return
    err.print(f"alumina: {told}", style="red", markup=False, soft_wrap=True)
    sys.exit(1)
