"""Build a release aside, audit it, make it durable and swap it in. Readers see the old release or the new one, never a part.

`releases/<id>/` holds `alumina.duckdb`, Parquet twins of its tables, the day's page with its workbook, an index page, Data Docs and `manifest.json` with the
sha256 of each file; `serving` is a relative link to the current one; `status.json` says how the last attempt ended, also when it was
refused. No figure is computed here: tables are copied, described and checked.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import duckdb
import polars as pl

from ingest.catalog.documents import load
from ingest.catalog.schemas import PublishedFile
from ingest.failure import explain
from ingest.files import sync_folder
from ingest.lake import Lake
from ingest.settings import PACKAGE_VERSION, REPOSITORY, Settings
from quality.fields import FIELDS, LOCAL, TECHNICAL, aggregations
from quality.gate import GATES, GateResult
from quality.missing import unexplained
from serving.publish.copies import RELEASE, WORK, Broken, copy_relations, local_time
from serving.publish.judge import gate_process
from serving.publish.keys import SCHEMAS, published_keys, published_schema, reading_order
from serving.publish.served import never_served, pinned, point_serving_at, retire, stamp, wait, waiting, write_status
from serving.publish.views import MACROS, RENAMED, VIEWS
from serving.read import FILE_NAME
from serving.research.backtest import backtest
from serving.research.note.released import released
from serving.research.own_note import audit_release
from serving.research.terms import explained
from serving.seal import remove, seal

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

# The desk shows figures of these schemas; they are checked here.
JUDGED = ("marts", "serving")
# Every Parquet reader knows snappy, including old ones and those of spreadsheets.
_PARQUET = "format parquet, compression snappy"
# Readable by every 1.x client; the working file may use newer storage.
STORAGE_VERSION = "v1.0.0"
# One thread copies small tables faster than several, whatever the settings say.
_ONE_THREAD = {"threads": 1}
# FSST takes a third of the writing and saves nothing over a dictionary; as part of the configuration it would be ignored.
# Tables stay in memory until a checkpoint writes them, indexes above all: every 4 MB instead of 16 takes 65 MB less and 0.1 processor seconds more.
# DuckDB's allocator gives memory back after a task that took 2 MB, not 128: it kept some 70 MB of the run's highest point.
_SETTINGS = (
    "set global TimeZone = 'Asia/Shanghai'; set disabled_compression_methods = 'fsst'; set wal_autocheckpoint = '4MB'; "
    "set global allocator_flush_threshold = '2MB'; set global allocator_bulk_deallocation_flush_threshold = '2MB'"
)

# Whole folders: one file too many costs nothing; one too few gives two different builds the same version.
DECIDING = ("quality", "ingest", "dbt_project", "serving", "orchestration")
LOCK = "requirements.txt"
# Files that Python and dbt write at work, and deployment files. They do not affect what is computed.
LEFT_OUT = {"__pycache__", "target", "logs", "deploy"}

# Tables that are filled after the gate has judged.
_LAST = ("publication", "quality_results", "data_dictionary")
DECLARED = "declared_key_or_reference"
"""Id of the check that tables keep their declared keys and references."""
# Reasons a refusal names.
_SAID = 10
UNKNOWN = "unknown"
"""Stands for a source that could not be determined."""
# Tables no SQL model makes: computed from the working warehouse while the release is built, before its gate.
COMPUTED: dict[str, tuple[Callable[[duckdb.DuckDBPyConnection], pl.DataFrame], str]] = {
    "outlook_backtest": (
        backtest,
        "One row per commodity_code, horizon, statements and strategy. How the outlook's statements fared walk-forward, against momentum and saying nothing. | 每个品种、期限、口径与策略一行。展望的滚动回测。",
    ),
}
OWN_TABLES = {
    "publication": "One row. What this release is: when and from what it was built, and how its checks went. | 一行。本次发布的构建信息与检查结果。",
    "claim_facts": "One row per dataset, obs_date, fact_key, column_name, publisher and version. Published figures a claim can be held against, known from available_at until superseded_at; of a sample only those of its ledger. | 每个数据集、日期、键、列、发布方与版本一行。可用于核对论断的已发布数值，自 available_at 起为所知，至 superseded_at 为止；样本只含台账。",
    "claim_audit": "One row per note and claim_id. What the evidence says of each claim of the note a sample is about; empty on real data, where `alumina audit` writes beside. | 每份研报每条论断一行。样本研报的论断审计；真实数据下为空，由 alumina audit 另存。",
    "data_dictionary": "One row per table and column, and one per table (column_name *). Type, unit, meaning in English and Chinese, raw tables behind it, and an example. | 每张表每列一行，另有每张表一行（column_name 为 *）。类型、单位、中英文含义、来源与示例。",
}
_SEVERITY = {"pass": "info", "finding": "warning", "fail": "error"}
_COLUMNS = """
    select schema_name, table_name, column_name, data_type from duckdb_columns() where list_contains(?, schema_name) and not internal
    order by schema_name, table_name, column_index
"""
_OWN_COLUMNS = {
    "publication": (
        "release_id", "run_id", "released_at", "as_of", "data_through", "data_origin", "inputs_hash", "code_version", "checks_passed", "checks_failed",
        "released_at_sh", "as_of_sh",
    ),
    "claim_facts": (
        "dataset", "obs_date", "fact_key", "column_name", "value", "uncertainty", "value_text", "printed_by", "available_at", "superseded_at",
        "data_origin", "payload_sha256",
    ),
    "claim_audit": (
        "note_name", "claim_id", "section", "quote_zh", "kind", "metric", "entity", "period", "claimed", "unit", "verdict", "value_found",
        "value_found_unit", "self_consistency", "evidence", "reconciling_definition", "reconciling_definition_zh",
    ),
    "data_dictionary": (
        "schema_name", "table_name", "column_name", "data_type", "unit", "description_en", "description_zh", "sources", "example", "position", "is_key",
        "is_technical", "over_time", "over_rows",
    ),
}  # fmt: skip


class PublishRefusedError(Exception):
    """The release did not pass its gate; the one before it stays. The message says why, `checks` how each rule ended."""

    def __init__(self, message: str, checks: Sequence["CheckResult"] = ()) -> None:
        super().__init__(message)
        self.checks = tuple(checks)


@dataclass(frozen=True)
class CheckResult:
    """One check of the run that built the release, as a row of `serving.quality_results`."""

    check_id: str
    tool: str
    result: str
    table_name: str
    rows_failed: int
    message: str
    rows: tuple[dict[str, Any], ...] = ()
    """The first rows that broke it."""


@dataclass(frozen=True)
class Release:
    """A published release."""

    release_id: str
    path: Path
    checks: tuple[CheckResult, ...]
    rows: dict[str, int]
    waits_for: str
    """Why readers still get an earlier release, as a sentence; empty where they get this one."""
    seconds: dict[str, float]
    """How long each part took: `backtest`, `claims`, `gate` and `note` compute and judge, `publish` is what copying, describing, exporting, sealing and
    swapping add to them: the database does most of that beside the Python of those parts."""


def publish(
    settings: Settings, run_id: str, checks: Sequence[CheckResult] = (), sources: Mapping[tuple[str, ...], AbstractSet[str]] = MappingProxyType({})
) -> Release:
    """Build a release from the working warehouse, audit it and swap it in; `sources` names the raw tables behind (schema, table, column).

    Raises PublishRefusedError, after writing `status.json`, when the gate fails; whatever else goes wrong is raised as it
    is, noted in `status.json` too. In both cases the release before stays. The caller holds the write lock.
    """
    if settings.as_of is not None:
        raise PublishRefusedError(f"a build as of {settings.as_of} is never published")
    started, seconds = time.perf_counter(), dict[str, float]()
    inputs_hash, code = _inputs_hash(settings), code_version()
    # Left by builds that died, some after they got their name and before they were served. This process holds the write lock, so none of them is
    # alive, and no rollback may lead to a release that was never served.
    for path in [*settings.releases.glob(".building-*"), *never_served(settings)]:
        remove(path)
    now = datetime.now(UTC)
    release_id = f"{stamp(settings, now)}-{inputs_hash[:8]}"
    folder, final = settings.releases / f".building-{release_id}", settings.releases / release_id
    write_status(settings, release_id, run_id, "running", "")
    try:
        folder.mkdir(parents=True)
        with gate_process() as gate:
            with _building(settings, folder) as con:
                # Computed while the marts are copied, and written when they are: a writer waits for the checkpoint of another.
                with _meanwhile(con, copy_relations) as copied:
                    with _timed(seconds, "claims"):
                        claims = _audit_claims(con, settings)
                    with _timed(seconds, "backtest"):
                        computed = _compute_tables(con)
                _write_computed(con, computed | claims)
            with _open(settings, folder) as con:
                _make_own(con)
                with _meanwhile(con, lambda own: _describe(own, sources, last=False)), _timed(seconds, "gate"):
                    judged = gate(_frames(con), published_keys(), folder / "data_docs", ranges(con, settings.catalog_overlay))
                    results = (*checks, *(_as_check(result) for result in judged), *_declared(copied.result()), *_missing_figures(con))
                failed = [result for result in results if result.result == "fail"]
                _finish(con, release_id, run_id, now, inputs_hash, code, results)
                _describe(con, sources, last=True)
                undescribed = _undescribed(con)
                if failed or undescribed:
                    reasons = _reasons(failed, undescribed)
                    said = "; ".join(reasons[:_SAID])
                    raise PublishRefusedError(f"release refused, the published one stays: {said}{' …' if len(reasons) > _SAID else ''}", results)
                with _meanwhile(con, lambda own: _export(own, folder)) as exported, _timed(seconds, "note"):
                    _write_note(con, settings, folder, results)
        seal(folder, release_id)
        folder.rename(final)
        sync_folder(settings.releases)
        if held := pinned(settings):
            wait(settings, release_id)
        else:
            point_serving_at(settings, release_id)
    except BaseException as error:
        # Delete first: on a full disk the status could not be written beside the debris. An unserved folder must not look like a release.
        for path in (folder, final):
            if path.name != settings.serving.resolve().name and path.name not in waiting(settings):
                remove(path)
        outcome = "refused" if isinstance(error, PublishRefusedError) else "failed"
        with suppress(OSError):  # report the first error, not this one
            write_status(settings, release_id, run_id, outcome, explain(error))
        raise
    try:
        retire(settings)
        write_status(settings, release_id, run_id, "waiting" if held else "published", str(held or ""))
    except OSError as error:  # the release is served, so the run did not fail
        logger.warning("%s is published, but that cannot be written down: %s", release_id, error)
    return Release(
        release_id, final, results, exported.result(), str(held or ""), seconds | {"publish": time.perf_counter() - started - sum(seconds.values())}
    )


def refuse(settings: Settings, run_id: str, reason: str) -> None:
    """Record an attempt that was refused before a release was begun."""
    write_status(settings, "", run_id, "refused", reason)


def deciding_files() -> list[Path]:
    """Files of the repository that decide what a release holds or whether it is published, in the order of their names."""
    under = [path for root in DECIDING for path in (REPOSITORY / root).rglob("*")]
    tree = [path for path in under if path.is_file() and not any(name in LEFT_OUT or name[0] == "." for name in path.relative_to(REPOSITORY).parts)]
    return sorted([*tree, REPOSITORY / LOCK])


def code_version() -> str:
    """Version of the package and a hash of everything that decides what a release holds."""
    digest = hashlib.sha256()
    for path in deciding_files():
        digest.update(path.relative_to(REPOSITORY).as_posix().encode() + path.read_bytes())
    return f"{PACKAGE_VERSION}+{digest.hexdigest()[:12]}"


def _compute_tables(con: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Compute the tables that Python makes from the working warehouse."""
    con.execute(f"use {WORK}")
    return {name: make(con) for name, (make, _) in COMPUTED.items()}


def _audit_claims(con: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, pl.DataFrame]:
    """Write the evidence claims can be held against, and audit the sample's note on it and on the marts that are being copied."""
    con.execute(f"set search_path = '{RELEASE}.serving,{WORK}.marts'")
    con.execute(f"create table serving.claim_facts ({_ddl(_OWN_COLUMNS['claim_facts'])})")
    return {"claim_audit": audit_release(con, WORK, settings.catalog_overlay)}


def _write_computed(con: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame]) -> None:
    """Write tables that Python made, each column of the type its field declares."""
    con.execute(f"use {RELEASE}")
    for name, frame in frames.items():
        con.execute(f"create table serving.{name} ({_ddl(_OWN_COLUMNS.get(name, frame.columns))})")
        _insert(con, name, frame)
        if name in COMPUTED:
            con.execute(_comment(f"table serving.{name}", COMPUTED[name][1]))


def _frames(con: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """Read the gated tables from the built file, as its readers will."""
    there = _tables(con)
    return {name: con.sql(f"select * from {name}").pl() for name in GATES if name in there}


def _tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {f"{schema}.{table}" for schema, table in con.execute("select schema_name, table_name from duckdb_tables()").fetchall()}


def ranges(con: duckdb.DuckDBPyConnection, overlay: Path | None = None) -> pl.DataFrame:
    """Give the bounds of every published number that has some in the catalogue, and its lowest and highest value: one row per table and column."""
    file = load(PublishedFile, overlay)
    columns = con.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() where list_contains(?, schema_name) and not internal "
        "and data_type in ('DOUBLE', 'BIGINT') and schema_name || '.' || table_name in (select schema_name || '.' || table_name from duckdb_tables()) "
        "order by all",
        [list(JUDGED)],
    ).fetchall()
    rows: list[tuple[Any, ...]] = []
    for table, group in groupby((row for row in columns if row[0] not in file.not_judged), lambda row: row[0]):
        named = [(column, bounds) for _, column in group if (bounds := file.of(column))]
        # NaN lies outside every bound.
        value = 'case when isnan("{0}"::double) then \'inf\'::double else "{0}"::double end'
        asked = [
            f"min({value}), max({value}), count(*) filter ({value} not between {bounds.lowest} and {bounds.highest})".format(column)
            for column, bounds in named
        ]
        found = con.execute(f"select {', '.join(asked)} from {table}").fetchall()[0] if asked else ()
        rows += [(table, column, bounds.lowest, bounds.highest, *found[3 * n : 3 * n + 3]) for n, (column, bounds) in enumerate(named)]
    kinds = {"table_name": pl.String, "column_name": pl.String} | dict.fromkeys(("lowest", "highest", "lowest_found", "highest_found"), pl.Float64)
    return pl.DataFrame(rows, schema=kinds | {"rows_outside": pl.Int64}, orient="row")


def _make_own(con: duckdb.DuckDBPyConnection) -> None:
    """Make the release's own tables and views, described; views are made in the built file, so that they name no other one."""
    con.begin()
    for name in ("publication", "data_dictionary"):
        con.execute(f"create table serving.{name} ({_ddl(_OWN_COLUMNS[name])})")
    # Filled while the tables of the working warehouse were copied, under the name the audit reads.
    con.execute("create table technical.claim_facts as from serving.claim_facts; drop table serving.claim_facts")
    for own, told in OWN_TABLES.items():
        con.execute(_comment(f"table {published_schema('serving', own)}.{own}", told))
    texts = dict(con.execute("select schema_name || '.' || table_name, comment from duckdb_tables()").fetchall())
    there = _tables(con)
    for name, (table, query, text) in VIEWS.items():
        if table in there:
            con.execute(f"create view {name} as {query}; {_comment(f'view {name}', text or texts[table] or '')}")
    for read, statement in MACROS.values():
        if read <= there:
            con.execute(statement)
    con.commit()


def _finish(
    con: duckdb.DuckDBPyConnection, release_id: str, run_id: str, now: datetime, inputs_hash: str, code: str, results: Sequence[CheckResult]
) -> None:
    """Write the description of this release and the results of its checks."""
    found = [result for result in results if result.result != "pass"]
    names = ("check_id", "tool", "severity", "result", "table_name", "rows_failed", "message")
    told = [(r.check_id, r.tool, _SEVERITY[r.result], r.result, r.table_name, r.rows_failed, r.message) for r in results]
    con.begin()
    _insert(con, "quality_results", pl.DataFrame(told, schema=names, orient="row", infer_schema_length=None))
    as_of, data_through, origin = con.execute("select max(decision_at), max(as_of_date), max(data_origin) from serving.outlook_v2").fetchall()[0]
    con.execute(
        f"insert into serving.publication select *, {local_time('released_at')}, {local_time('as_of')} from (values (?, ?, ?::timestamptz, ?::timestamptz, ?, ?, ?, ?, ?, ?)) "
        "as row(release_id, run_id, released_at, as_of, data_through, data_origin, inputs_hash, code_version, checks_passed, checks_failed)",
        [release_id, run_id, now, as_of, data_through, origin, inputs_hash, code, len(results) - len(found), len(found)],
    )
    con.commit()


def _describe(con: duckdb.DuckDBPyConnection, sources: Mapping[tuple[str, ...], AbstractSet[str]], *, last: bool) -> None:
    """Fill the data dictionary, and comment every column with what it says.

    Tables that are filled last are described last. A column without a field is left out here and stops the release, see `_undescribed`.
    """
    con.begin()
    texts = con.execute(
        "select schema_name, table_name, 'TABLE', comment from duckdb_tables() where list_contains($last, table_name) = $now union all "
        "select schema_name, view_name, 'VIEW', comment from duckdb_views() where not internal and not $now order by all",
        {"last": list(_LAST), "now": last},
    ).fetchall()
    places = _reading_places(con)
    columns = [row for row in con.execute(_COLUMNS, [list(SCHEMAS)]).fetchall() if row[2] in FIELDS]
    held = {table: [(column, kind) for *_, column, kind in group] for table, group in groupby(columns, lambda row: row[:2])}
    rows: list[tuple[Any, ...]] = []
    for schema, table, kind, text in texts:
        name = f"{schema}.{table}"
        en, _, zh = (text or "").partition(" | ")
        shown = VIEWS[name][0] if name in VIEWS else name
        key = published_keys().get(shown, ())
        made = shown.replace("technical.", "serving.")  # where its model stands
        # What is made here comes from no raw table; of everything else the SQL is asked.
        untold: AbstractSet[str] = set() if made.split(".")[1] in OWN_TABLES.keys() | COMPUTED.keys() else {UNKNOWN}
        behind = {column: sources.get((*made.split("."), _behind(column, sources, made)), untold) for column, _ in held.get((schema, table), ())}
        rows.append((schema, table, "*", kind, "-", en, zh, _listed(set().union(*behind.values())), None, places[name], False, False, None, None))
        if behind:
            examples = _examples(con, f'{schema}."{table}"', list(behind))
            for position, (column, data_type) in enumerate(held[schema, table], 1):
                field = FIELDS[column]
                en, zh = explained(column, field.en, field.zh)
                told = (field.unit, en, zh, _listed(behind[column]), examples[column], position, column in key, column in TECHNICAL)
                rows.append((schema, table, column, data_type, *told, *(aggregations(field) or (None, None))))
    comments = [
        _comment(f'column {schema}."{table}"."{column}"', f"{en} [{unit}] | {zh}" + (f" | {names}" if names != "-" else ""))
        for schema, table, column, _, unit, en, zh, names, *_ in rows
        if column != "*"
    ]
    con.execute("; ".join(comments))
    _insert(con, "data_dictionary", pl.DataFrame(rows, schema=_OWN_COLUMNS["data_dictionary"], orient="row", infer_schema_length=None))
    con.commit()


def _behind(column: str, sources: Mapping[tuple[str, ...], AbstractSet[str]], table: str) -> str:
    """Name the column of the copied table behind a published one: the same, a renamed one, or the instant behind a clock time."""
    known = (*table.split("."), column) in sources
    return column if known else RENAMED.get(column, column.removesuffix(LOCAL))


def _reading_places(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Number tables and views from 1 in reading order: by schema, then models as declared, then what a release adds."""
    stated = {name: place for place, name in enumerate(reading_order())}
    there = _tables(con) | {
        f"{schema}.{view}" for schema, view in con.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall()
    }
    order = sorted(there, key=lambda name: (SCHEMAS.index(name.split(".")[0]), stated.get(name, len(stated)), name))
    return {name: place for place, name in enumerate(order, 1)}


def _examples(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> dict[str, str | None]:
    """Give a value of each column as text: from the first row, which is quick, else the first rows, else any; null where there is none."""
    found: dict[str, str | None] = dict.fromkeys(columns)
    for rows in (f"(from {table} limit 1)", f"(from {table} limit 1000)", table):
        if wanted := [column for column in columns if found[column] is None]:
            values = con.execute("select {} from {}".format(", ".join(f'any_value("{column}")::varchar' for column in wanted), rows)).fetchall()[0]
            found |= dict(zip(wanted, values, strict=True))
    return found


def _listed(tables: AbstractSet[str]) -> str:
    """Name raw tables, configuration last, since almost every column depends on it."""
    return "; ".join(sorted(tables, key=lambda name: (name.startswith("catalog__"), name == UNKNOWN, name))) or "-"


def _undescribed(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Name the columns without a field and the tables without a comment."""
    columns = con.execute(_COLUMNS, [list(SCHEMAS)]).fetchall()
    tables = con.execute("select schema_name || '.' || table_name from duckdb_tables() where comment is null").fetchall()
    return [".".join(row[:3]) for row in columns if row[2] not in FIELDS] + [name for (name,) in tables]


def _export(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """Write a Parquet twin of every table and of `outlook_v1`, which once was a table; give the row count of every published table.

    Twins of `serving` and of tables that once stood there lie in the release's own folder, as before; others in a folder named after their schema.
    """
    con.execute(f"copy (from serving.outlook_v1) to '{_quoted(folder / 'outlook_v1.parquet')}' ({_PARQUET})")
    rows = {}
    for schema, table in con.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall():
        place = folder if schema in ("serving", "technical") else folder / schema
        place.mkdir(exist_ok=True)
        con.execute(f"copy {schema}.\"{table}\" to '{_quoted(place / f'{table}.parquet')}' ({_PARQUET})")
        rows[f"{schema}.{table}"] = con.execute(f'select count(*) from {schema}."{table}"').fetchall()[0][0]
    return rows


def _write_note(con: duckdb.DuckDBPyConnection, settings: Settings, folder: Path, results: Sequence[CheckResult]) -> None:
    """Write the newest day's page and its workbook beside the tables they are made from, and the index of all; raises PublishRefusedError when one cannot be made."""
    try:
        tables = con.execute("select table_name from duckdb_tables() where schema_name in ('serving', 'technical') order by all").fetchall()
        files = released(con, settings.catalog_overlay, [FILE_NAME, "data_docs/index.html", *(f"{table}.parquet" for (table,) in tables)])
    except Exception as error:
        raise PublishRefusedError(
            f"release refused, the published one stays: the note cannot be made: {type(error).__name__}: {error}", results
        ) from error
    for name, body in files.items():
        (folder / name).write_bytes(body)


def _inputs_hash(settings: Settings) -> str:
    """Hash every payload in the lake and its parser version. The same payloads give the same hash, whenever they arrived."""
    return hashlib.sha256(json.dumps(sorted(Lake(settings.lake).parsed().items())).encode()).hexdigest()


def _as_check(result: GateResult) -> CheckResult:
    name = result.check if result.column is None else f"{result.check}:{result.column}"
    return CheckResult(name, "gx", "pass" if result.passed else "fail", result.table, result.rows_failed, result.message, result.rows)


def _reasons(failed: Sequence[CheckResult], undescribed: Sequence[str]) -> list[str]:
    """Say why a release is refused, with declared keys last: one wrong table also breaks the tables that refer to it."""
    told = {
        is_declared: [
            f"{result.table_name}: {result.message}" if result.tool in ("gx", "release") else f"{result.check_id}: {result.message}"
            for result in failed
            if (result.check_id == DECLARED) == is_declared
        ]
        for is_declared in (False, True)
    }
    return [*told[False], *(f"{name} has no description in quality/fields.py" for name in undescribed), *told[True]]


def _declared(broken: Sequence[Broken]) -> list[CheckResult]:
    """Name the tables that break their declared key or references. Readers join on these keys."""
    return [CheckResult(DECLARED, "release", "fail", told.table, 1, told.message) for told in broken] or [
        CheckResult(DECLARED, "release", "pass", "", 0, "")
    ]


def _missing_figures(con: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    """Say of each mart whether its missing figures have reasons. This is a finding and refuses nothing: the other figures are still right."""
    return [
        CheckResult(
            "missing_figures_say_why",
            "release",
            "finding" if rows else "pass",
            f"marts.{mart}",
            sum(rows.values()),
            ", ".join(f"{column} is null on {count} rows that do not say why" for column, count in rows.items()),
        )
        for mart, rows in unexplained(con).items()
    ]


@contextmanager
def _building(settings: Settings, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the working warehouse as `work`, read-only, and a new file with the published schemas as `release`."""
    with duckdb.connect(config=settings.duckdb | _ONE_THREAD) as con:
        con.execute(_SETTINGS)
        con.execute(f"attach '{_quoted(settings.warehouse)}' as {WORK} (read_only)")
        con.execute(f"attach '{_quoted(folder / FILE_NAME)}' as {RELEASE} (storage_version '{STORAGE_VERSION}')")
        for schema in SCHEMAS:
            con.execute(f"create schema {RELEASE}.{schema}")
        yield con


def _open(settings: Settings, folder: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(str(folder / FILE_NAME), config=settings.duckdb | _ONE_THREAD)
    con.execute(_SETTINGS)
    return con


@contextmanager
def _meanwhile(con: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], _T]) -> Iterator[Future[_T]]:
    """Run database work in a thread with its own connection while Python does something else; its errors are raised here."""
    with con.cursor() as own, ThreadPoolExecutor(1) as pool:
        done = pool.submit(work, own)
        yield done
        done.result()


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    """Record how long a part takes."""
    started = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - started


def _insert(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Append rows to a serving table by name, all at once."""
    con.register("rows_to_insert", frame)
    con.execute(f"insert into {published_schema('serving', table)}.{table} by name select * from rows_to_insert")
    con.unregister("rows_to_insert")


def _comment(subject: str, text: str) -> str:
    return "comment on {} is '{}'".format(subject, text.replace("'", "''"))


def _ddl(columns: Sequence[str]) -> str:
    return ", ".join(f"{name} {FIELDS[name].kind}" for name in columns)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
