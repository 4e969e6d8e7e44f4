"""How fast a release is published beside a bare copy of its files, and how fast analysts are answered beside a bare DuckDB query.

    make bench
    python -m tests.benchmarks --part serving [--home HOME]

Publishes a copy of the home it is given a few times, asks the ten questions of docs/analysts.md in one process, and
publishes it with its rows several times over. Publishing is copy, describe, export, seal and swap, and shown is what it adds to
computing and judging, which it runs beside; what those take is shown by itself, and so is publishing with nothing beside it. The bare
copy is fsynced, as a release is; the bare query is a count of the table the first question reads, so its ratio says what the questions
themselves cost. Read the ratios: absolute times are the machine's.
"""

import os
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from ingest.settings import Settings
from serving.publish import release
from serving.publish.copies import copy_relations
from serving.publish.keys import published_keys
from serving.publish.release import JUDGED
from serving.read import FILE_NAME
from serving.research.note.page import FILE_NAME as NOTE
from tests.benchmarks.results import Result, at_most, shown
from tests.pipeline.test_analysts import QUESTIONS
from tests.reliability.readers import nothing_but_the_swap

ATTEMPTS, ASKED, TIMES, MOST_ANSWER_MS = 3, 20, 4, 20.0
PARTS = {
    "publish": "publish adds: copy, describe, export, seal, swap",
    "note": "note",
    "backtest": "backtest",
    "claims": "claim audit",
    "gate": "gate (Great Expectations)",
}
BARE = "select count(*) from marts.fct_receipts_daily"


def seconds(work: Callable[[], object]) -> float:
    """Seconds one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def copied(published: Path, folder: Path) -> None:
    """Copy the files of a release and make them durable."""
    target = folder / "copy"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(published, target)
    for path in target.rglob("*"):
        if path.is_file():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())


def written(settings: Settings, folder: Path) -> None:
    """Let DuckDB write the published tables into a new file, and nothing else."""
    target = folder / "written"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    with release._building(settings, target) as con:
        copy_relations(con)


def grow(settings: Settings) -> None:
    """Let every table that is published hold its rows several times, as if there were several times the commodities; one without a text key stays as it is."""
    with duckdb.connect(str(settings.warehouse)) as con:
        columns = con.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() where list_contains(?, schema_name) and data_type = 'VARCHAR'",
            [list(JUDGED)],
        ).fetchall()
        for table, key in published_keys().items():
            # A commodity and its contracts have other names; of what knows no commodity the first part of the key has.
            named = [name for name in ("commodity_code", "contract_code") if (table, name) in columns and (name in key or name == "commodity_code")]
            if named := named or [name for name in key if (table, name) in columns][:1]:
                other = ", ".join(f't."{name}" || \'_\' || n as "{name}"' for name in named)
                con.execute(f"insert into {table} select t.* replace ({other}) from {table} as t, range({TIMES - 1}) as times(n)")


def alone(settings: Settings) -> float:
    """Seconds a publication takes with nothing else on the way, best of a few."""
    with nothing_but_the_swap():
        return min(release.publish(settings, "bench").seconds["publish"] for _ in range(ATTEMPTS))


def asked(con: duckdb.DuckDBPyConnection, sql: str) -> list[float]:
    """Seconds of asking often, once warmed up."""
    con.execute(sql).fetchall()
    return [seconds(lambda: con.execute(sql).fetchall()) for _ in range(ASKED)]


def p95(times: list[float]) -> float:
    """The time 19 of 20 stay below."""
    return statistics.quantiles(times, n=20)[-1]


def results(folder: Path, home: Path) -> list[Result]:
    """Measure, print the table, and give the results; the home is copied."""
    table = Table()
    for name in ("what", "ms", "ratio"):
        table.add_column(name, justify="left" if name == "what" else "right")
    settings = Settings(home=folder / "home")
    shutil.copytree(home, settings.root, symlinks=True)
    releases: list[dict[str, float]] = []
    copies: list[float] = []
    for _ in range(ATTEMPTS):
        releases.append(release.publish(settings, "bench").seconds)
        published = settings.serving.resolve()
        copies.append(seconds(lambda of=published: copied(of, folder)))
    file, copy = published / FILE_NAME, statistics.median(copies)
    table.title = f"serving, {file.stat().st_size / 1e6:.0f} MB published, note {(published / NOTE).stat().st_size / 1e6:.1f} MB"
    table.add_row("bare copy of the release, fsynced", f"{copy * 1e3:.0f}", "1.0")
    bare_write = min(seconds(lambda: written(settings, folder)) for _ in range(ATTEMPTS))
    table.add_row("DuckDB writes its tables, nothing else", f"{bare_write * 1e3:.0f}", f"{bare_write / copy:.1f}")
    for part, what in PARTS.items():
        took = statistics.median(times[part] for times in releases)
        table.add_row(what, f"{took * 1e3:.0f}", f"{took / copy:.1f}")
    table.add_section()
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        bare = p95(asked(con, BARE))
        table.add_row("bare query, p95", f"{bare * 1e3:.1f}", "1.0")
        every = {question.title: asked(con, question.sql) for question in QUESTIONS}
    for title, times in every.items():
        table.add_row(title, f"{p95(times) * 1e3:.1f}", f"{p95(times) / bare:.1f}")
    together = p95([value for times in every.values() for value in times])
    table.add_row("the ten questions, p95", f"{together * 1e3:.1f}", f"{together / bare:.1f}")
    table.add_section()
    once = alone(settings)
    grow(settings)
    table.add_row("publish alone", f"{once * 1e3:.0f}", "1.0")
    many = alone(settings)
    table.add_row(f"publish alone, {TIMES} x the rows", f"{many * 1e3:.0f}", f"{many / once:.1f}")
    Console().print(table)
    publishing = statistics.median(times["publish"] for times in releases)
    size, of = f"{file.stat().st_size / 1e6:.0f} MB", f"medians of {ATTEMPTS} by turns"
    how = f"what it adds to computing and judging, beside which it runs; {size}, {of}"
    return [
        shown("serving: publishing ÷ a bare copy of the release", publishing / copy, "x", how),
        shown(
            "serving: DuckDB writes the tables ÷ a bare copy",
            bare_write / copy,
            "x",
            "the floor of publishing: in storage that every 1.x client reads",
        ),
        at_most("serving: the ten questions, p95", together * 1e3, "ms", MOST_ANSWER_MS, f"{together / bare:.1f} x a bare count; each {ASKED} times"),
        at_most(f"serving: publishing {TIMES} x the rows ÷ the rows", many / once, "x", TIMES, f"with nothing beside it, best of {ATTEMPTS}"),
    ]
