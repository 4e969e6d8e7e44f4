"""Eight readers against a publisher: does anybody ever see an error, or two releases at once?

    python -m tests.reliability.readers --publishes 200

Publishes a small home again and again through `serving.publish.release.publish`; each release says its number in every table. Each reader is a process of
its own that opens the current release by its resolved path and compares what the folder, `publication`, the outlook and the
Parquet twins say. What does not touch readers is left out, since it takes seconds a time: the gate, the backtest, the claim audit,
the note.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import duckdb
import polars as pl

from ingest.settings import Settings
from quality.fields import FIELDS
from serving.publish import release
from tests.reliability import one_reader
from tests.reliability.case import Bench, NotHereError, Step
from tests.reliability.one_reader import HERE, ROWS

CONTRACT = Path(__file__).parents[1] / "contracts/outlook_v2.json"


@dataclass(frozen=True)
class Outcome:
    """What all readers saw together."""

    reads: int
    releases_seen: int
    errors: tuple[str, ...]
    torn: tuple[str, ...]
    publishes: int
    seconds: float
    versions: tuple[str, ...]
    """The DuckDB clients that read."""


def small_home(home: Path) -> Settings:
    """Make a home whose warehouse holds an outlook of the contract's columns, and nothing else."""
    settings = Settings(home=home, releases_kept=10)
    home.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("create schema marts")
        con.execute("create schema serving")
        columns = json.loads(CONTRACT.read_text(encoding="utf-8"))["columns"]
        con.execute(f"create table serving.outlook_v2 ({', '.join(column['name'] + ' ' + column['type'] for column in columns)})")
        con.execute(
            "insert into serving.outlook_v2 by name select 'AO' as commodity_code, 'short' as horizon, date '2023-06-19' + cast(i as integer) as as_of_date, "
            f"hash(i) % 201 - 100.0 as sentiment_score, 'sample' as data_origin from range({ROWS}) as t(i)"
        )
        names = ("check_id", "tool", "severity", "result", "table_name", "rows_failed", "message")
        con.execute(f"create table serving.quality_results ({', '.join(f'{name} {FIELDS[name].kind}' for name in names)})")
        for table in ("outlook_v2", "quality_results"):
            con.execute(f"comment on table serving.{table} is 'One row per number of a test. | 测试。'")
    return settings


@contextmanager
def nothing_but_the_swap() -> Iterator[None]:
    """Leave out of a publication what computes and judges; what is built, made durable and swapped stays."""
    with (
        mock.patch.object(release, "gate_process", return_value=nullcontext(lambda *_: ())),
        mock.patch.object(release, "COMPUTED", {}),
        mock.patch.object(release, "audit_release", return_value=pl.DataFrame(schema={"claim_id": pl.String})),
        mock.patch.object(release, "released", return_value={"note.html": b"<!doctype html>"}),
    ):
        yield


def publish(settings: Settings, number: int) -> release.Release:
    """Publish release `number`; every row of the outlook and the publication's run_id say it."""
    say(settings, number)
    return swap(settings, number)


def say(settings: Settings, number: int) -> None:
    """Let every row of the outlook in the working warehouse say a number."""
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("update serving.outlook_v2 set disclaimer = ?", [str(number)])


def swap(settings: Settings, number: int) -> release.Release:
    """Publish the working warehouse, whose outlook says `number`."""
    with nothing_but_the_swap():
        return release.publish(settings, str(number), [release.CheckResult("columns", "test", "pass", "serving.outlook_v2", 0, "")])


def hammer(home: Path, publishes: int, readers: int = 8, others: Sequence[Path] = ()) -> Outcome:
    """Let `readers` processes read while `publishes` releases follow each other; `others` are folders of other DuckDB clients, which read in turn."""
    settings, stop = small_home(home), home / "stop"
    publish(settings, 0)
    command = [sys.executable, "-P", one_reader.__file__, str(settings.serving / release.FILE_NAME), str(stop)]
    clients = [os.environ, *(os.environ | {"PYTHONPATH": str(folder)} for folder in others)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clients[number % len(clients)]) for number in range(readers)]
    try:
        here = [process.stdout.readline().strip() for process in processes if process.stdout]
        started = time.perf_counter()
        for number in range(1, publishes + 1):
            publish(settings, number)
    finally:
        seconds = time.perf_counter() - started
        stop.touch()
        answers = [json.loads(process.communicate(timeout=600)[0]) for process in processes]
    if here != [HERE] * readers:
        raise RuntimeError("a reader ended before it read anything")
    seen, versions = {name for answer in answers for name in answer[1]}, sorted({answer[4] for answer in answers})
    errors, torn = (tuple(text for answer in answers for text in answer[place]) for place in (2, 3))
    return Outcome(sum(answer[0] for answer in answers), len(seen), errors, torn, publishes, seconds, tuple(versions))


TOGETHER, OTHER = 10, "1.4.5"
"""Publications of a step of the battery, and the DuckDB client that reads beside the pinned one."""


def publications(bench: Bench, steps: range) -> Iterator[Step]:
    """Hammer with readers of two DuckDB clients."""
    folder = bench.fresh("readers")
    command = [
        Path(sys.executable).with_name("uv"),
        "pip",
        "install",
        "--quiet",
        "--target",
        folder / "duckdb",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]
    done = subprocess.run([*map(str, command), f"duckdb=={OTHER}"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHereError(f"DuckDB {OTHER} cannot be installed: {done.stderr.strip()[-300:]}")
    for number in steps:
        found = hammer(folder / f"home-{number}", TOGETHER, others=[folder / "duckdb"])
        bad = [*found.errors, *found.torn]
        bad += [] if OTHER in found.versions and len(found.versions) == 2 else [f"only {found.versions} read"]
        yield Step(TOGETHER, tuple(bad if found.reads else [*bad, "nobody could read"]))


def main() -> None:
    """Hammer and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--publishes", type=int, default=200)
    parser.add_argument("--readers", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = hammer(Path(folder) / "home", given.publishes, given.readers)
    sys.stdout.write(
        f"{given.readers} readers, {found.publishes} publishes in {found.seconds:.0f} s: {found.reads} reads of {found.releases_seen} releases, "
        f"{len(found.errors)} errors, {len(found.torn)} torn\n" + "\n".join((*found.errors[:5], *found.torn[:5]))
    )
    sys.exit(1 if found.errors or found.torn else 0)


if __name__ == "__main__":
    main()
