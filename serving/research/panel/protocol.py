"""What the fit and the record are made of: the configured figures and the rows of the panel, read from the working warehouse.

Signals, outcomes and which rows count are SQL's to say; here they become arrays, in the order of their sessions. Nothing is computed twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

SIGNALS = ("mom12", "carry", "bmom", "rcpt")
NEVER = np.iinfo(np.int64).max
"""The session of an outcome that is not known."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_HORIZONS = (
    "select horizon, horizon_sessions, signals from staging.stg_catalog__panel_horizons where ewma_weight is not null order by horizon_sessions"
)
_ROWS = """
select
    signals.session_index as session,
    dense_rank() over (order by signals.exchange, signals.product_id) as product,
    signals.mom12, signals.carry, signals.bmom, signals.rcpt,
    outcomes.outcome,
    outcomes.known_date
from intermediate.int_panel__signals as signals
inner join intermediate.int_panel__outcomes as outcomes using (exchange, product_id, trade_date)
where signals.is_in_panel and outcomes.horizon_sessions = ?
order by session, product
"""


@dataclass(frozen=True)
class Protocol:
    """The configured figures of `ingest/catalog/panel.toml` that the fit and its licence read; each is described there."""

    warm_up_sessions: int
    refit_sessions: int
    fit_step_sessions: int
    embargo_sessions: int
    fit_minimum_rows: int
    ridge: float
    shrink_default: float
    shrink_minimum_rows: int
    probability_low: float
    probability_high: float
    call_distance: float
    licence_blocks: float
    licence_calls: int
    licence_dates: int
    licence_refits: int
    licence_level: float
    resamples: int
    block_minimum_sessions: int
    track_level: float
    seed: int


@dataclass(frozen=True)
class Horizon:
    """A horizon of the forecast: its name, sessions, and the signals it is made of (none: it has no probability)."""

    name: str
    sessions: int
    signals: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """The rows of the panel at one horizon, by session and product; every array runs parallel.

    `outcome` is the log return from entry to exit, nan where there is none; `known` the first session whose decision knew it, NEVER without.
    """

    session: Integers
    product: Integers
    signals: Floats
    outcome: Floats
    known: Integers

    @property
    def rise(self) -> Floats:
        """1 where the price rose, 0 where it did not, nan where it is not known."""
        return np.where(np.isnan(self.outcome), np.nan, (self.outcome > 0).astype(float))


@dataclass(frozen=True)
class Span:
    """First and last session of the panel, and how many of its days lie ahead of the last one for which the calendar is known."""

    first: int
    last: int


def read_protocol(con: duckdb.DuckDBPyConnection) -> Protocol:
    """Give the configured figures, as the models have them."""
    relation = con.sql("select * from intermediate.int_panel__parameters")
    figures: dict[str, Any] = dict(zip(relation.columns, relation.fetchall()[0], strict=True))
    return Protocol(**{field.name: _typed(field.type, figures[f"panel_{field.name}"]) for field in fields(Protocol)})


def _typed(kind: object, value: float) -> Any:
    return int(value) if kind is int else float(value)


def read_horizons(con: duckdb.DuckDBPyConnection) -> list[Horizon]:
    """Give the horizons of the forecast, the shortest first."""
    return [Horizon(name, sessions, tuple(filter(None, signals.split(";")))) for name, sessions, signals in con.sql(_HORIZONS).fetchall()]


def read_span(con: duckdb.DuckDBPyConnection) -> Span | None:
    """Give the sessions of the panel; None where it has none."""
    first, last = con.sql("select min(session_index), max(session_index) from intermediate.int_panel__chain").fetchall()[0]
    return None if first is None else Span(int(first), int(last))


def read_rows(con: duckdb.DuckDBPyConnection, horizon: Horizon) -> Rows:
    """Give the rows that count in the panel at a horizon, with its own signals."""
    calendar = con.sql("select trade_date, session_index from intermediate.int_calendar__sessions order by trade_date").pl()
    told = con.execute(_ROWS, [horizon.sessions]).to_arrow_table()
    columns = {name: told.column(name).to_numpy() for name in told.column_names}
    dates = calendar["trade_date"].to_numpy().astype("datetime64[D]")
    known = columns["known_date"].astype("datetime64[D]")
    places = np.searchsorted(dates, known)
    return rows(
        columns["session"],
        columns["product"],
        [columns[name] for name in horizon.signals],
        columns["outcome"],
        np.where(np.isnat(known), NEVER, calendar["session_index"].to_numpy()[np.minimum(places, len(dates) - 1)]),
    )


def rows(session: Any, product: Any, signals: Sequence[Any], outcome: Any, known: Any) -> Rows:
    """Put the rows of a panel together from plain columns."""
    return Rows(
        np.asarray(session, dtype=np.int64),
        np.asarray(product, dtype=np.int64),
        np.column_stack([np.asarray(signal, dtype=float) for signal in signals]) if signals else np.empty((len(session), 0)),
        np.asarray(outcome, dtype=float),
        np.asarray(known, dtype=np.int64),
    )
