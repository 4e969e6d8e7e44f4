"""Read the published release as any reader does: read-only, through the `serving` link. No writing, no business rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ingest.settings import Settings
from serving.seal import BrokenSealError, sealed

FILE_NAME = "alumina.duckdb"
"""Of the database in a release."""


class UnreadableError(Exception):
    """The published file cannot be read; the message says why and what to do."""


class NothingPublishedError(UnreadableError):
    """There is no release to read."""


def held_elsewhere(error: duckdb.Error) -> bool:
    """Tell whether DuckDB could not open a file because another process holds it."""
    return "Could not set lock on file" in str(error)


def has_rotted(error: duckdb.Error) -> bool:
    """Tell whether DuckDB read a block that is not as it was written; it checks each block when it is read, which may be long after the file was opened."""
    return "Corrupt database file" in str(error) or isinstance(error, duckdb.SerializationException)


def not_opened(path: Path, error: duckdb.Error) -> str:
    """Say in one sentence why DuckDB did not open a file."""
    why = "another program has it open for writing; close it there" if held_elsewhere(error) else str(error).splitlines()[0]
    return f"{path} cannot be opened: {why}"


@dataclass(frozen=True)
class Rows:
    """The answer to a query: column names and rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@contextmanager
def connect(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file, or a build as of a past time.

    Raises NothingPublishedError when there is none, UnreadableError for one that is not as it was published or is held by a writer.
    """
    # The resolved path names the release: a link swapped meanwhile does not touch this connection.
    path = (settings.serving / FILE_NAME).resolve() if settings.as_of is None else settings.warehouse
    try:
        if not path.is_file():
            raise NothingPublishedError(f"nothing is published in {settings.root}; run `alumina run` first")
        if settings.as_of is None:
            sealed(path.parent, FILE_NAME)
        con = duckdb.connect(str(path), read_only=True, config=settings.duckdb)
    except PermissionError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}; ask who owns the home for the right to read it") from None
    except BrokenSealError as error:
        raise UnreadableError(f"{error}; `alumina rollback` serves the release before, `alumina run` publishes a new one") from None
    except duckdb.Error as error:
        raise UnreadableError(not_opened(path, error)) from None
    with con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        try:
            yield con
        except duckdb.Error as error:
            if not has_rotted(error):
                raise
            mend = "" if settings.as_of is None else f"; delete {path.parent} and build it again"
            raise UnreadableError(f"{path} has changed on disk ({str(error).splitlines()[0]}){mend}") from None


def query(settings: Settings, sql: str, parameters: list[Any] | None = None) -> Rows:
    """Run a query on the published file; raises NothingPublishedError when there is none."""
    with connect(settings) as con:
        con.execute(sql, parameters or [])
        return Rows(tuple(column[0] for column in con.description or ()), con.fetchall())


def quoted_through(settings: Settings) -> date | None:
    """Give the newest session whose quotes stand behind the outlook of every commodity that has any; raises NothingPublishedError when there is no release.

    A spot price alone also makes an outlook row, so the newest outlook day may have no session behind it.
    """
    newest = "select max(quotes_date) as newest from serving.outlook_v2 group by commodity_code"
    through: date | None = query(settings, f"select min(newest) from ({newest})").rows[0][0]
    return through


def outlook(settings: Settings, day: date | None = None) -> Rows:
    """Give the outlook of one day (the newest one by default) for all commodities and horizons."""
    return query(
        settings,
        """
        select commodity_code, as_of_date, horizon, profile, stance, direction, stance_reason, evidence_share, probability_up, call, call_reason,
            interval80_low_cny_t, interval80_high_cny_t, sentiment_score, coverage, status, status_reason, risk_flags, dominant_contract, close_cny_t, ret_c_ps_pct, ret_cc_1d_pct,
            quotes_date, receipts_t, receipts_date, spot_cny_t, spot_date,
            premium_rate_pct, decision_at, data_origin, disclaimer
        from serving.outlook_v2
        where as_of_date = coalesce(cast(? as date), (select max(as_of_date) from serving.outlook_v2))
        order by commodity_code, case horizon when 'short' then 1 when 'medium' then 2 else 3 end
        """,
        [day],
    )
