"""What if: run the models again on a copy of the warehouse with a few declared figures moved, and compare the results.

No formula lives here. `ingest/catalog/whatif.toml` says what may be moved and what moves with it; the models give the result.
Nothing is published and the warehouse is not touched.
"""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from ingest.catalog.documents import load
from ingest.catalog.schemas import Change, Shock, WhatifFile
from ingest.files import is_free
from ingest.notes import NoteError, read_note
from ingest.settings import Settings
from ingest.source import ConfigurationError

MANIFEST = "manifest.json"
"""What dbt says of its models."""
COMPILED = "compiled.json"
"""The sha256 of that, and of each model's SQL by the model's key, as the last build left them; it lies beside them."""
_ANEW = "`alumina run` writes it anew"
_PREFIX, _IN_USE = "whatif-", "in_use.lock"
"""Of the folder of a copy, and of the lock in it that the process which made it holds."""
_ASSIGNMENT = re.compile(r"([a-z][a-z0-9_]*)=([+-]?\d+(?:\.\d+)?)")

# The tables with figures to compare, and the column that has their day.
_KNOWN, _RECEIPTS = ("intermediate.int_fundamentals__known", "as_of_date"), ("marts.fct_receipts_daily", "trade_date")
_SCORE, _OUTLOOK = ("marts.fct_sentiment_daily", "as_of_date"), ("serving.outlook_v2", "as_of_date")
_CARRY = ("marts.fct_carry_daily", "trade_date")
_READ = {table.split(".")[1] for table, _ in (_KNOWN, _RECEIPTS, _SCORE, _OUTLOOK, _CARRY)}


def _asked(column: str, source: tuple[str, str], more: str = "") -> str:
    table, day = source
    return f"select {column} from {table} where commodity_code = $code and {day} = $day{more}"


# The figures to compare: name, unit and the figure on the day, for one commodity.
READOUTS: tuple[tuple[str, str, str], ...] = (
    *((name, "CNY/t", _asked(name, _KNOWN)) for name in ("cost_full_cny_t", "profit_cny_t", "parity_cny_t", "import_profit_cny_t")),
    (
        "carry_net_cny_t",
        "CNY/t",
        _asked("max(net_cny_t)", _CARRY, " and origin_region = 'national' and contract_role = 'dominant'"),
    ),
    *(
        (name, unit, _asked(name, _RECEIPTS))
        for name, unit in (("receipts_t", "t"), ("warrants", "warrants"), ("squeeze_dominant_ratio", "ratio"), ("squeeze_ratio", "ratio"))
    ),
    ("score", "score", _asked("score", _SCORE)),
    *((f"stance_{horizon}", "stance", _asked("stance", _OUTLOOK, f" and horizon = '{horizon}'")) for horizon in ("short", "medium", "long")),
)


class WhatIfError(Exception):
    """The question cannot be asked; the message says why."""


@dataclass(frozen=True)
class Readout:
    """One figure before and after."""

    name: str
    unit: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Answer:
    """What follows from the shocks on one day, for one commodity."""

    commodity_code: str
    day: date
    data_origin: str
    readouts: tuple[Readout, ...]


def shocks(overlay: Path | None = None) -> dict[str, Shock]:
    """Give the declared shocks by name; raises WhatIfError when the file is wrong."""
    try:
        return {shock.name: shock for shock in load(WhatifFile, overlay).shock}
    except ConfigurationError as error:
        raise WhatIfError(str(error)) from None


def parse(texts: Sequence[str], declared: Mapping[str, Any]) -> dict[str, float]:
    """Read assignments such as `fx=+0.1`; raises WhatIfError for a name that is not declared or a text that is no assignment."""
    found: dict[str, float] = {}
    for text in texts:
        match = _ASSIGNMENT.fullmatch(text.strip())
        if not match:
            raise WhatIfError(f"{text!r} is not an assignment; write it as fx=+0.1")
        if match[1] not in declared:
            raise WhatIfError(f"{match[1]!r} is not declared in whatif.toml; declared are {', '.join(sorted(declared))}")
        found[match[1]] = found.get(match[1], 0.0) + float(match[2])
    return found


def whatif(
    settings: Settings,
    moved: Mapping[str, float],
    commodity_code: str | None = None,
    day: date | None = None,
    hold: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Answer:
    """Run the models with the given shocks and give every readout before and after; `hold` keeps writers away while the warehouse is copied.

    Raises WhatIfError when nothing has been built yet, or the commodity has no outlook of that day.
    """
    manifest = settings.workshop / "dbt" / MANIFEST
    if not settings.warehouse.is_file() or not manifest.is_file():
        raise WhatIfError(f"nothing is built in {settings.root}; run `alumina run` first")
    declared = shocks(settings.catalog_overlay)
    with _own_folder(settings) as folder, _readable(settings):
        # The compiled models name the database by its file.
        copy = folder / settings.warehouse.name
        with hold():
            shutil.copyfile(settings.warehouse, copy)
            log = settings.warehouse.with_name(f"{settings.warehouse.name}.wal")
            if log.is_file():  # after a run that was killed, committed rows stand there alone
                shutil.copyfile(log, copy.with_name(log.name))
        with duckdb.connect(str(copy), config=settings.duckdb) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            code, asked = _day(con, commodity_code, day)
            before = _read(con, code, asked)
            touched = {
                table for name, delta in moved.items() for change in declared[name].changes for table in _apply(con, change, delta, code, asked)
            }
            _rebuild(con, manifest.parent, touched)
            after = _read(con, code, asked)
            origin = con.execute("select max(data_origin) from serving.outlook_v2 where commodity_code = ?", [code]).fetchall()[0][0]
    return Answer(code, asked, origin, tuple(Readout(name, unit, before[name], after[name]) for name, unit, _ in READOUTS))


def copies_of(settings: Settings) -> list[Path]:
    """Give the folders of the copies there are, in use or forgotten."""
    return [path for path in settings.workshop.glob(f"{_PREFIX}*") if path.is_dir()]


def forget_copies(settings: Settings) -> int:
    """Delete the copies of the warehouse that what-ifs left which were killed, and give their number. One whose process lives stays."""
    gone = 0
    with FileLock(settings.workshop / "whatif.lock"):
        for folder in copies_of(settings):
            with suppress(OSError):  # another user's
                if is_free(folder / _IN_USE):
                    shutil.rmtree(folder)
                    gone += 1
    return gone


@contextmanager
def _own_folder(settings: Settings) -> Iterator[Path]:
    """Give a folder for one copy, which nobody takes for forgotten as long as this process lives."""
    forget_copies(settings)
    with ExitStack() as held:
        with FileLock(settings.workshop / "whatif.lock"):  # so that no folder is seen before it is in use
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, dir=settings.workshop)))
            held.enter_context(FileLock(folder / _IN_USE))
        yield folder


@contextmanager
def _readable(settings: Settings) -> Iterator[None]:
    """Raise WhatIfError for a warehouse that is no database, or has rotted."""
    try:
        yield
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException) as error:
        why = str(error).splitlines()[0]
        raise WhatIfError(f"{settings.warehouse} cannot be read ({why}); `alumina rebuild` makes it again from the archive") from None


def _day(con: duckdb.DuckDBPyConnection, code: str | None, day: date | None) -> tuple[str, date]:
    found = con.execute(
        """
        select commodity_code, max(as_of_date) from serving.outlook_v2
        where commodity_code = coalesce($code, commodity_code) and as_of_date = coalesce($day, as_of_date) and (status <> 'rejected' or $code is not null)
        group by commodity_code order by 2 desc, max(profile) desc, 1 -- full before exchange
        """,
        {"code": code, "day": day},
    ).fetchall()
    if not found and code is None:
        raise WhatIfError(f"no commodity has an outlook that is not rejected for {day or 'any day'}; name one with --commodity")
    if not found:
        raise WhatIfError(f"there is no outlook of {code} for {day or 'any day'}")
    return str(found[0][0]), found[0][1]


def _read(con: duckdb.DuckDBPyConnection, code: str, day: date) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for name, _, sql in READOUTS:
        rows = con.execute(sql, {"code": code, "day": day}).fetchall()
        figures[name] = None if not rows or rows[0][0] is None else float(rows[0][0])
    return figures


def _apply(con: duckdb.DuckDBPyConnection, change: Change, delta: float, code: str, day: date) -> set[str]:
    """Move one kind of figure and name the model that holds it."""
    by = {"delta": delta * change.factor, "code": code, "day": day}
    if change.role is not None:
        con.execute(
            """
            update intermediate.int_series__values as s set value = s.value + $delta
            where s.commodity_code = $code and s.role = $role and ($model is null or s.model_id = $model) and s.obs_date = (
                select max(n.obs_date) from intermediate.int_series__values as n
                where n.commodity_code = s.commodity_code and n.role = s.role and n.series_id = s.series_id and n.obs_date <= $day
            )
            """,
            by | {"role": change.role, "model": change.model_id},
        )
        return {"int_series__values"}
    if change.term is not None:
        con.execute(
            """
            update intermediate.int_commodities__terms set term_value = term_value + $delta
            where commodity_code = $code and term = $term and valid_from <= $day and (superseded_from is null or superseded_from > $day)
            """,
            by | {"term": change.term},
        )
        return {"int_commodities__terms"}
    con.execute(
        """
        update intermediate.int_receipts__levels as l set receipts_t = greatest(0.0, l.receipts_t * (1.0 + $delta / total.receipts_t))
        from (
            select sum(receipts_t) as receipts_t from intermediate.int_receipts__levels
            where commodity_code = $code and trade_date = $day and row_level = 'detail' and is_latest
        ) as total
        where l.commodity_code = $code and l.trade_date = $day and total.receipts_t > 0
        """,
        by,
    )
    return {"int_receipts__levels"}


def _rebuild(con: duckdb.DuckDBPyConnection, dbt: Path, touched: set[str]) -> None:
    """Build again every model between a touched one and a figure that is compared, in order, as dbt compiled it.

    The manifest knows the SQL of what was built last only, which may be one model; the compiled file of each stays from its own last build.
    """
    try:
        hashes = read_note(dbt / COMPILED, _ANEW) or {}
    except NoteError as error:
        raise WhatIfError(str(error)) from None
    manifest = json.loads(_as_built(dbt / MANIFEST, hashes.get(MANIFEST)))
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    parents = {key: [up for up in node["depends_on"]["nodes"] if up in models] for key, node in models.items()}
    stale = {key for key, node in models.items() if node["alias"] in touched}
    order = list(TopologicalSorter(parents).static_order())
    wanted = {key for key, node in models.items() if node["alias"] in _READ}
    for key in reversed(order):
        if key in wanted:
            wanted.update(parents[key])
    for key in order:
        node = models[key]
        if key in wanted and node["alias"] not in touched and stale.intersection(parents[key]):
            stale.add(key)
            compiled = dbt / "compiled" / node["package_name"] / node["original_file_path"]
            if not compiled.is_file():
                raise WhatIfError(f"{node['alias']} was not built yet; run `alumina run` first")
            if node["config"]["materialized"] != "view":
                con.execute(f"create or replace table {node['schema']}.{node['alias']} as {_as_built(compiled, hashes.get(key))}")


def _as_built(path: Path, sha256: str | None) -> str:
    """Read a file that dbt wrote; raises WhatIfError where it is another than the last build left, for a flipped digit is SQL as good as any."""
    body = path.read_bytes()
    if hashlib.sha256(body).hexdigest() != sha256:
        raise WhatIfError(f"{path} has changed on disk since the last build ended; {_ANEW}")
    return body.decode()
