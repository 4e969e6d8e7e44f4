"""Which series of a vendor's file a mart reads, and which of its figures do not count as the file states them.

What is said here is said at the drop and by `alumina inbox check`; the models say the same of what they hold (`int_quality__series`).
Pure: frames in, sentences out.
"""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from ingest.catalog.schemas import Clock
from ingest.lake import Lake
from ingest.source import SHANGHAI
from ingest.storable import storable
from quality.raw import TABLES

VENDOR_TABLES = tuple(name for name, table in TABLES.items() if {"provider", "series_id", "obs_date", "value"} <= set(table.columns))
_FIGURES = ("value", "low_value", "high_value", "change_value", "unit")
_REVISION = re.compile(r"_r(\d{1,4})(?=(?:[ _]*\(\d+\))?\.[A-Za-z]+$)", re.IGNORECASE)
_SHOWN = 3
_LOSES, _UNBELIEVED = "figures do not count", "corrected figures is not believed"
NOT_COUNTED = (_LOSES, _UNBELIEVED)
"""Phrases by which those sentences are recognised."""


@dataclass(frozen=True, slots=True)
class SeriesRead:
    """A series of a file, with its newest figure."""

    provider: str
    series_id: str
    name: str
    region: str
    unit: str
    rows: int
    first: date
    last: date
    value: float


def series_of(frames: Iterable[pl.DataFrame]) -> list[SeriesRead]:
    """Give the series of vendors' frames, by provider and id."""
    found = []
    for frame in frames:
        for (provider, series_id), rows in frame.sort("obs_date").group_by("provider", "series_id", maintain_order=True):
            last = rows.row(-1, named=True)
            days = rows["obs_date"]
            found.append(
                SeriesRead(
                    str(provider),
                    str(series_id),
                    last["series_name"],
                    last["region"] or "",
                    last["unit"],
                    rows.height,
                    days[0],
                    days[-1],
                    last["value"],
                )
            )
    return sorted(found, key=lambda series: (series.provider, series.series_id))


def unread(found: Iterable[SeriesRead], mapped: Collection[tuple[str, str]]) -> list[SeriesRead]:
    """Give the series no mart reads, since no commodity of the catalogue has them."""
    return [series for series in found if (series.provider, series.series_id) not in mapped]


# So many series are told one by one, with so much of their names; assumed: an export has tens of series, with names of some 30 characters.
SERIES_TOLD, NAME_CHARACTERS = 200, 200


def no_option(file: str) -> str:
    """Name a file so that no command takes the name for an option."""
    return f"./{file}" if file.startswith("-") else file


def said_unread(series: Sequence[SeriesRead], mapped: Collection[tuple[str, str]], file: str) -> list[str]:
    """Say which series no mart reads, one line each, and what to do with `file`, a name or path; nothing where there is none."""
    if not series:
        return []
    by_case = {f"{provider} {known}".casefold(): known for provider, known in mapped}
    lines = []
    for one in series[:SERIES_TOLD]:
        near = by_case.get(f"{one.provider} {one.series_id}".casefold())
        meant = f"; the catalogue has {near}" if near else ""
        lines.append(
            f"no mart reads series {storable(one.series_id, NAME_CHARACTERS)} of {one.provider} ({storable(one.name, NAME_CHARACTERS)}): the catalogue has no such id{meant} | 目录中没有该指标，不会进入任何结果表"
        )
    if len(series) > SERIES_TOLD:
        lines.append(f"nor {len(series) - SERIES_TOLD:,} more series of this file")
    return [*lines, f"say what they are with: alumina inbox map {shlex.quote(no_option(file))}"]


def held(lake: Lake, table: str) -> pl.DataFrame:
    """Give every row of a table the lake holds."""
    paths = [lake.verified(file) for batch in lake.batches() for file in batch.files if file.table == table]
    return pl.concat([pl.read_parquet(path) for path in paths]) if paths else pl.DataFrame(schema=TABLES[table].stored_schema)


def said_of_corrections(table: str, sha: str, name: str, rows: pl.DataFrame, windows: Mapping[str, Clock], names: Collection[str]) -> list[str]:
    """Say which figures of a payload change what was known, and do not count as their file states it.

    `rows` are all rows of the table, those of the payload among them; `names` are the files that came, `name` this one.
    """
    keys = ("provider", "series_id", "obs_date")
    own = rows.filter(pl.col("payload_sha256") == sha)
    others = rows.filter(pl.col("payload_sha256") != sha).join(own.select(keys).unique(), on=keys, how="semi")
    before: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for row in others.iter_rows(named=True):
        before.setdefault(tuple(row[key] for key in keys), []).append(row)
    unbelieved: list[str] = []
    losing: list[str] = []
    since = ""
    for row in own.sort(keys).iter_rows(named=True):
        known = [one for one in before.get(tuple(row[key] for key in keys), []) if one["fetched_at"] <= row["fetched_at"]]
        if not known or any(all(one[figure] == row[figure] for figure in _FIGURES) for one in known):
            continue
        what = f"{row['series_id']} of {row['obs_date']}"
        newest = max(known, key=lambda one: (_clock_at(table, one, windows), one["fetched_at"]))
        if revision_of(name) == 0 and _clock_at(table, row, windows) < _clock_at(table, newest, windows):
            losing.append(f"{what}: {_number(newest['value'])} stays, not {_number(row['value'])}")
        elif row["published_at"] is not None and _day(row["published_at"]) < _day(row["fetched_at"]):
            since = f"{row['fetched_at'].astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
            unbelieved.append(
                f"{what}: {_number(row['value'])} for {_number(newest['value'])}, stated {row['published_at'].astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
            )
    said = []
    if losing:
        said.append(
            f"{len(losing)} {_LOSES}: the file states an earlier time of publication than what is known ({_some(losing)}); "
            f"where they are corrections, drop the file as {next_name(name, names)} | 更正未生效：所述发布时间早于已有数据；请改名为{next_name(name, names)}后重新放入"
        )
    if unbelieved:
        said.append(
            f"the stated time of {len(unbelieved)} {_UNBELIEVED} ({_some(unbelieved)}): a correction counts from when it was first seen here, "
            f"{since} | 更正自首次收到时起生效，所述发布时间不予采信"
        )
    return said


def revision_of(name: str) -> int:
    """Give the number of a revision in a file's name, `_r2`; 0 where it has none."""
    match = _REVISION.search(name)
    return int(match[1]) if match else 0


def next_name(name: str, names: Iterable[str]) -> str:
    """Give the name under which a file is to be dropped again: one more than the highest revision of it that came."""
    stem = _stem(name)
    number = max((revision_of(one) for one in (name, *names) if _stem(one) == stem), default=0) + 1
    ending = name.rpartition(".")[2]
    return f"{stem}_r{number}.{ending}"


def _stem(name: str) -> str:
    base = re.sub(r"[ _]*\(\d+\)(?=\.)", "", name)
    return _REVISION.sub("", base).rpartition(".")[0]


def _clock_at(table: str, row: Mapping[str, object], windows: Mapping[str, Clock]) -> datetime:
    """Give the time of the publication clock, as the macro `clock_at` does."""
    window = windows[f"{table}/monthly" if f"{table}/monthly" in windows and row["frequency"] == "monthly" else table]
    day, published = row["obs_date"], row["published_at"]
    assert isinstance(day, date)  # noqa: S101 - the table's schema
    begin = datetime.combine(day + timedelta(days=window.day_offset), time(), SHANGHAI)
    if not isinstance(published, datetime):
        return (begin + timedelta(minutes=window.latest)).astimezone(UTC)
    return max(published, (begin + timedelta(minutes=window.earliest)).astimezone(UTC))


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def _number(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def _some(lines: Sequence[str]) -> str:
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more
