"""`alumina catalog`: check the catalogue before a run, and write the schemas that editors check it by. Opens only catalogue files."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ingest.settings import Settings
from orchestration.command.terminal import Output

catalog_app = typer.Typer(help="The catalogue: calendar, clocks, weights, rules, commodities.", no_args_is_help=True, rich_markup_mode=None)


@catalog_app.command("check")
def catalog_check() -> None:
    """List every mistake in the shipped catalogue and in the home's, one line each. Exit code 1 when there is one."""
    from ingest.catalog.calendar import load_calendar
    from ingest.catalog.documents import SHIPPED
    from ingest.catalog.references import catalogue_faults
    from quality.corrections import FILE, CorrectionError, parse

    overlay = Settings().catalog_overlay
    said = [str(fault) for fault in catalogue_faults(overlay)]
    if not any(line.startswith("calendar.toml") for line in said):
        said += [f"calendar.toml: {missing}" for missing in load_calendar(overlay).missing_holidays()]
    try:
        parse(FILE.read_text(encoding="utf-8"))
    except CorrectionError as error:
        said.append(str(error))
    own = sorted(path.relative_to(overlay).as_posix() for path in overlay.rglob("*.toml"))
    _say(f"shipped: {SHIPPED}\nthe home's: {overlay} ({', '.join(own) or 'no file'})\n")
    if "schedule.toml" in own:
        _say("note: schedules keep to the shipped schedule.toml, the home's is not read (docs/operations.md)\n")
    if said:
        _complain("".join(f"{line}\n" for line in said))
        raise typer.Exit(1)
    _say("nothing is wrong\n")


@catalog_app.command("calendar")
def catalog_calendar(
    notice: Annotated[Path | None, typer.Argument(help="The exchange's notice on holidays (休市安排) as a text file.")] = None,
) -> None:
    """Print the text that extends the calendar by a year: from the exchange's notice, or as the closures are expected."""
    from ingest.catalog.calendar import load_calendar

    try:
        text = load_calendar(Settings().catalog_overlay).extension(notice.read_text(encoding="utf-8-sig") if notice else None)
    except (OSError, ValueError) as error:
        _complain(f"{notice or 'calendar.toml'}: {error}\n")
        raise typer.Exit(1) from None
    of = "read from the notice" if notice else "expected, hold them against the exchange's notice"
    _say(f"# {Settings().catalog_overlay / 'calendar.toml'}; the closures are {of}; then: alumina catalog check\n{text}")


@catalog_app.command("glossary")
def catalog_glossary() -> None:
    """Print the trade's terms as the page of the docs (docs/glossary.md)."""
    from serving.research.terms import markdown

    _say(markdown())


@catalog_app.command("schema")
def catalog_schema(
    folder: Annotated[Path | None, typer.Argument(help="Folder to write to; default `schema` beside the home's catalogue files.")] = None,
) -> None:
    """Write a JSON schema for each file of the catalogue, for editors that know TOML (Even Better TOML, taplo)."""
    from ingest.catalog.editors import schemas
    from ingest.files import write_atomic

    target = folder or Settings().catalog_overlay / "schema"
    for name, schema in schemas().items():
        write_atomic(target / name, (json.dumps(schema, ensure_ascii=False, indent=1) + "\n").encode())
    _say(f'written: {target}; the first line of score.toml beside it may be "#:schema ./{target.name}/score.json"\n')


def _say(text: str) -> None:
    """Print lines that may be sent into a file: UTF-8 as they are there, fit to be shown on a terminal."""
    Output("stdout").write_bytes(text.encode(errors="backslashreplace"))


def _complain(text: str) -> None:
    Output("stderr").write_bytes(text.encode(errors="backslashreplace"))
