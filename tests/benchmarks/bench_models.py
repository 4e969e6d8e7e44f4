"""Processor seconds of every model, and how they grow with the data: a bare DuckDB process, one thread, the SQL as dbt compiled it.

    make bench
    python -m tests.benchmarks --part models [--home HOME]

The sample is grown along two axes, in its raw tables only, so that every model sees what a longer or wider lake would hold:

history      the last 24 months of the sample, and copies of them shifted back by 24, 48 and 72 months: 2, 4 and 8 years. Every date and
             every moment of a row is shifted, the delivery months of contracts and the trading days of the calendar with them, so that a
             contract that ends in one copy goes on in the next. A copy has payloads, events and news of its own. What the catalogue says
             from the sample's first day holds from that of the longest history. A 29th of February is left out where the year has none.
commodities  every commodity of the catalogue four times over, each copy with products, contracts, series and rankings of its own.

An exponent of 1 means twice the data, twice the time; 2 means four times. Small models are noise, so goals hold from half a second on.
"""

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from ingest.settings import Settings
from tests.benchmarks.results import Result, at_most
from tests.pipeline.conftest import Model, compiled

PERIOD_MONTHS = 24
LAST_DAY = "2025-07-23"
"""The sample's last session; its last 24 months are what is copied."""
YEARS = (2, 4, 8)
COMMODITIES = 4
DAYS = ("trade_date", "obs_date", "event_date", "month")
"""The columns that date a raw row, the first a table has."""
NAMES = ("flash_id", "event_id", "followup_of")
SAMPLE, WIDE, WRITING = "the sample", f"{COMMODITIES} x commodities", "writing to the file"
ATTEMPTS = 2
MATTERS_FROM_S, MOST_EXPONENT, MOST_SAMPLE_S, MOST_8_YEARS_S = 0.5, 1.2, 9.0, 40.0


def columns(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Give the columns and types of every raw table."""
    found: dict[str, dict[str, str]] = {}
    sql = "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'raw' and not starts_with(table_name, '_')"
    for table, column, kind in con.execute(f"{sql} order by table_name, column_index").fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def shifted(column: str, kind: str, months: int) -> str:
    """Give the expression of a column in the copy of some months earlier."""
    if kind == "DATE":
        return f"cast({column} - to_months({months}) as date)"
    if kind.startswith("TIMESTAMP"):
        return f"{column} - to_months({months})"
    if column in ("delivery_month_code", "instrument"):
        code = f"right({column}, 4)"
        moved = f"left({column}, -4) || lpad(cast(cast({code} as integer) - {months // 12 * 100} as varchar), 4, '0')"
        return f"case when regexp_matches({column}, '[0-9]{{4}}$') then {moved} else {column} end"
    if column == "payload_sha256":
        return f"sha256({column} || '{months}')"
    return f"{column} || '-{months}'" if column in NAMES else column


def lengthen(con: duckdb.DuckDBPyConnection, years: int) -> None:
    """Let the raw tables hold a history of so many years."""
    copies = [PERIOD_MONTHS * n for n in range(years * 12 // PERIOD_MONTHS)]
    for table, kinds in columns(con).items():
        catalogue = table.startswith("catalog__") and table not in ("catalog__trading_days", "catalog__release_days")
        if catalogue or table == "ingest__horizon":
            for column in {"valid_from", "listing_date"} & kinds.keys():
                first = f"date '{LAST_DAY}' - to_months({PERIOD_MONTHS})"
                con.execute(f"update raw.{table} set {column} = {shifted(column, 'DATE', copies[-1])} where {column} <= {first}")
            continue
        day = next((column for column in DAYS if column in kinds), None)
        begin = f"date '{LAST_DAY}' - to_months({PERIOD_MONTHS})"
        begin = f"date_trunc('month', {begin} - to_months(1))" if day == "month" else begin
        parts = []
        for months in copies:
            values = ", ".join(f"{shifted(column, kind, months) if months else column} as {column}" for column, kind in kinds.items())
            kept = "true"
            if day:
                kept = f"{day} > {begin} and day({day}) = day({day} - to_months({months}))"
                kept += f" and {day} <= date '{LAST_DAY}'" if months else ""
            parts.append(f"select {values} from raw.{table} where {kept}")
        if table == "catalog__trading_days":
            parts.append(f"select * from raw.{table} where trade_date <= {begin} - to_months({copies[-1]})")
        con.execute(f"create or replace table raw.{table} as {' union all '.join(parts)}")
    index = "row_number() over (order by trade_date)"
    con.execute(f"create or replace table raw.catalog__trading_days as select * replace ({index} as session_index) from raw.catalog__trading_days")


def widen(con: duckdb.DuckDBPyConnection, times: int) -> None:
    """Let the raw tables hold every commodity so many times."""
    products = [row[0] for row in con.execute("select product_id from raw.catalog__commodities").fetchall()]
    listed = ", ".join(f"'{product}'" for product in products)
    for table, kinds in columns(con).items():
        own = {"commodity_code": "commodity_code <> '*'", "product_id": f"product_id in ({listed})", "series_id": "true"}
        kept = next((condition for column, condition in own.items() if column in kinds), None)
        if kept is None:
            continue
        con.execute(f"create or replace temp table own as select * from raw.{table} where {kept}")
        for mark in "XYZUVW"[: times - 1]:
            named = {
                "commodity_code": f"commodity_code || '{mark}'",
                "product_id": f"product_id || '{mark.lower()}'",
                "series_id": f"series_id || '-{mark}'",
                "instrument": f"product_id || '{mark.lower()}' || substr(instrument, length(product_id) + 1)",
            }
            values = ", ".join(named.get(column, column) for column in kinds)
            con.execute(f"insert into raw.{table} select {values} from own")


def build(con: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> dict[str, float]:
    """Build every model; gives the processor seconds of each, and of writing all of them to the file at the end."""
    con.execute("set TimeZone = 'Asia/Shanghai'")
    con.execute("set threads = 1")
    con.execute("set checkpoint_threshold = '1TB'")  # or whichever model fills the log pays for the writing of those before it
    for schema in {name.split(".")[0] for name, _, _ in models}:
        con.execute(f"create schema if not exists {schema}")
    seconds = {}
    for name, sql in [*((name, f"create or replace {kind} {name} as {sql}") for name, kind, sql in models), (WRITING, "checkpoint")]:
        worked = time.process_time()
        con.execute(sql)
        seconds[name] = time.process_time() - worked
    return seconds


def grown(raw: Path, folder: Path, years: int | None, commodities: int) -> Path:
    """Give a warehouse with raw tables alone: those of the sample as they are (no years), or grown."""
    folder.mkdir()
    target = folder / raw.name
    with duckdb.connect(str(target)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(f"attach '{raw}' as given (read_only)")
        con.execute("create schema raw")
        for (table,) in con.execute("select table_name from duckdb_tables() where database_name = 'given' and schema_name = 'raw'").fetchall():
            con.execute(f"create table raw.{table} as select * from given.raw.{table}")
        con.execute("detach given")
        if years:
            lengthen(con, years)
        widen(con, commodities)
    return target


def measured(raw: Path, models: Sequence[Model], folder: Path) -> dict[str, dict[str, float]]:
    """Processor seconds of each model of each warehouse, the best of a few builds, taken by turns."""
    sets: dict[str, tuple[int | None, int]] = {SAMPLE: (None, 1)}
    sets |= {f"{years} years": (years, 1) for years in YEARS} | {WIDE: (None, COMMODITIES)}
    files = {name: grown(raw, folder / str(place), *shape) for place, (name, shape) in enumerate(sets.items())}
    best: dict[str, dict[str, float]] = {name: {} for name in sets}
    for _ in range(ATTEMPTS):
        for name, file in files.items():
            with duckdb.connect(str(file)) as con:
                seconds = build(con, models)
            best[name] = {model: min(took, best[name].get(model, took)) for model, took in seconds.items()}
    return best


def exponent(smaller: float, larger: float, times: float) -> float:
    """How time grows with data: the power of `times` that leads from one to the other."""
    return math.log(larger / smaller) / math.log(times)


def histories(best: Mapping[str, Mapping[str, float]], model: str) -> float:
    """The exponent of a model over the longest and the shortest history."""
    return exponent(best[f"{YEARS[0]} years"][model], best[f"{YEARS[-1]} years"][model], YEARS[-1] / YEARS[0])


def widths(best: Mapping[str, Mapping[str, float]], model: str) -> float:
    """The exponent of a model over the sample's commodities and several times as many."""
    return exponent(best[SAMPLE][model], best[WIDE][model], COMMODITIES)


def heavy(best: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Name the models that matter, the longest first."""
    largest = {model: max(best[f"{YEARS[-1]} years"][model], best[WIDE][model]) for model in best[SAMPLE]}
    return sorted((model for model, took in largest.items() if took >= MATTERS_FROM_S), key=lambda model: -largest[model])


def rows(best: Mapping[str, Mapping[str, float]]) -> list[Result]:
    """Give what was measured as results."""
    how = f"all models in one DuckDB process, one thread, best of {ATTEMPTS} for each model"
    found = [
        at_most("models: the sample, bare", sum(best[SAMPLE].values()), "cpu s", MOST_SAMPLE_S, how),
        at_most(f"models: {YEARS[-1]} years, bare", sum(best[f"{YEARS[-1]} years"].values()), "cpu s", MOST_8_YEARS_S, how),
    ]
    for model in heavy(best):
        took = f"{best[f'{YEARS[-1]} years'][model]:.2f} cpu s on {YEARS[-1]} years, {best[WIDE][model]:.2f} on {COMMODITIES} x the commodities"
        name = model.split(".")[-1]
        found.append(at_most(f"models: {name}, growth with history", histories(best, model), "exponent", MOST_EXPONENT, took))
        found.append(at_most(f"models: {name}, growth with commodities", widths(best, model), "exponent", MOST_EXPONENT, took))
    return found


def prepared(folder: Path, home: Path) -> Settings:
    """Give a home with the warehouse of one that is there."""
    settings = Settings(home=folder / "home")
    settings.root.mkdir(parents=True)
    shutil.copy(home / settings.warehouse.name, settings.warehouse)
    return settings


def results(folder: Path, home: Path) -> list[Result]:
    """Measure, print the table, and give the results; of the home only the raw tables count."""
    settings = prepared(folder, home)
    best = measured(settings.warehouse, compiled(settings), folder)
    table = Table(title="processor seconds of the models")
    for name in ("model", *best, "by history", "by width"):
        table.add_column(name, justify="left" if name == "model" else "right", no_wrap=True)
    table.add_row("all", *(f"{sum(seconds.values()):.2f}" for seconds in best.values()), "", "")
    for model in heavy(best):
        table.add_row(
            model.split(".")[-1],
            *(f"{seconds[model]:.2f}" for seconds in best.values()),
            f"{histories(best, model):.2f}",
            f"{widths(best, model):.2f}",
        )
    Console().print(table)
    return rows(best)
