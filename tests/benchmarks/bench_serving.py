"""How fast a release is published beside a bare copy of its files, and how fast analysts are answered beside a bare DuckDB query.

    make bench
    python -m tests.benchmarks.bench_serving HOME     with the warehouse of a home that is there already

Runs the sample into a home of its own, publishes it a few times, asks the ten questions of docs/analysts.md in one process, and
publishes it with its rows several times over. Publishing is copy, describe, export, seal and swap, and shown is what it adds to
computing and judging, which it runs beside; what those take is shown by itself, and so is publishing with nothing beside it. The bare
copy is fsynced, as a release is; the bare query is a count of the table the first question reads, so its ratio says what the questions
themselves cost. Read the ratios, best of a few: absolute times are the machine's.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from ingest.settings import Settings
from serving.publish import release
from serving.research.note.page import FILE_NAME as NOTE
from tests.pipeline.test_analysts import QUESTIONS
from tests.reliability.readers import nothing_but_the_swap

ATTEMPTS, ASKED, TIMES = 3, 20, 4
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
        release._copy_tables(con)


def grow(settings: Settings) -> None:
    """Let every table that is published hold its rows several times."""
    with duckdb.connect(str(settings.warehouse)) as con:
        tables = con.execute("select schema_name, table_name from duckdb_tables() where list_contains(?, schema_name)", [list(release.SCHEMAS)])
        for schema, table in tables.fetchall():
            con.execute(f'insert into {schema}."{table}" select t.* from {schema}."{table}" as t, range({TIMES - 1})')


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


def prepared(folder: Path, home: Path | None) -> Settings:
    """Give a home to publish: a copy of one that is there, or the sample."""
    settings = Settings(home=folder / "home")
    if home is not None:
        shutil.copytree(home, settings.root, symlinks=True)
    else:
        command = [str(Path(sys.executable).with_name("alumina")), "run", "--source", "sample"]
        subprocess.run(command, env=os.environ | {"ALUMINA_HOME": str(settings.root)}, stdout=subprocess.DEVNULL, check=True)
    return settings


def main() -> None:
    """Measure and print."""
    console, table = Console(), Table()
    for name in ("what", "ms", "ratio"):
        table.add_column(name, justify="left" if name == "what" else "right")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = prepared(folder, Path(sys.argv[1]) if sys.argv[1:] else None)
        releases = [release.publish(settings, "bench").seconds for _ in range(ATTEMPTS)]
        published = settings.serving.resolve()
        file = published / release.FILE_NAME
        copy = min(seconds(lambda: copied(published, folder)) for _ in range(ATTEMPTS))
        table.title = f"serving, {file.stat().st_size / 1e6:.0f} MB published, note {(published / NOTE).stat().st_size / 1e6:.1f} MB"
        table.add_row("bare copy of the release, fsynced", f"{copy * 1e3:.0f}", "1.0")
        bare_write = min(seconds(lambda: written(settings, folder)) for _ in range(ATTEMPTS))
        table.add_row("DuckDB writes its tables, nothing else", f"{bare_write * 1e3:.0f}", f"{bare_write / copy:.1f}")
        for part, what in PARTS.items():
            best = min(times[part] for times in releases)
            table.add_row(what, f"{best * 1e3:.0f}", f"{best / copy:.1f}")
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
        table.add_row(f"publish alone, {TIMES} x the rows", f"{(many := alone(settings)) * 1e3:.0f}", f"{many / once:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
