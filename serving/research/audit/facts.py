"""The evidence: published figures by what they are about, day and column; what the audited note itself printed is left out.

A home of the sample has the ledger's cells and nothing else: a simulated figure is no evidence. A home of real data has every printed
figure. Both travel in `serving.claim_facts`, so that the audit of another note needs the published release only.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import duckdb

from ingest.source import DataOrigin
from serving.research.audit.entities import same_publisher
from serving.research.audit.interval import Interval
from serving.research.audit.meanings import FUTURES, Fact

_READ = ("dataset", "obs_date", "fact_key", "column_name", "value", "uncertainty", "value_text", "printed_by", "data_origin")
COLUMNS = (
    "dataset", "obs_date", "fact_key", "column_name", "value", "uncertainty", "value_text", "printed_by", "available_at", "superseded_at",
    "data_origin", "payload_sha256",
)  # fmt: skip

# What keys a mart's rows, when a row was known, and which rows definitions may read: of the futures, contracts with a published figure.
_MARTS = {
    FUTURES: ("contract_code", "trade_date", "available_at", "list_contains($contracts, contract_code)"),
    "fct_term_structure_daily": ("commodity_code", "trade_date", "available_at", "true"),
    "fct_positioning_daily": ("commodity_code", "trade_date", "available_at", "is_dominant and session = 'day'"),
    "fct_sentiment_daily": ("commodity_code", "as_of_date", "decision_at", "true"),
    "fct_delivery_risk_daily": ("commodity_code", "trade_date", "available_at", "true"),
    "fct_import_parity_daily": ("commodity_code", "trade_date", "available_at", "is_best_leg"),
}


@dataclass(frozen=True)
class Observation:
    """A printed figure and who printed it."""

    day: date
    value: Interval
    printed_by: str


@dataclass(frozen=True)
class Event:
    """A dated event or document."""

    event_id: str
    day: date
    printed_by: str
    theme: str = ""
    authority: str = ""
    event_type: str = ""
    sectors: frozenset[str] = frozenset()
    followup_of: str = ""
    summary: str = ""
    n_industries: int | None = None


@dataclass
class Evidence:
    """What may be held against a note's claims."""

    observations: Mapping[tuple[str, str, str], Mapping[date, Sequence[tuple[float, float, str]]]]
    """By dataset, key and column, and by day: value, uncertainty and publisher. Exact intervals are made of those a definition asks for."""
    events: Sequence[Event] = ()
    is_real: bool = False
    marts: Mapping[tuple[str, str, date], Mapping[str, Any]] = field(default_factory=dict)
    """Rows of the marts definitions read: by mart, contract or commodity, and day."""

    def on(self, fact: Fact, key: str, day: date) -> Observation | None:
        """Give the figure of a day."""
        found = self.observations.get((fact.dataset, key, fact.column), {}).get(day)
        if not found:
            return None
        value, uncertainty, _ = found[0]
        interval = Interval.of(Fraction(repr(value)), Fraction(repr(uncertainty)))
        return Observation(day, interval * fact.factor, "; ".join(sorted({printed_by for *_, printed_by in found})))

    def days(self, fact: Fact, key: str, until: date) -> list[date]:
        """List the days with a figure, up to one."""
        days = sorted(self.observations.get((fact.dataset, key, fact.column), {}))
        return days[: bisect_right(days, until)]

    def suffixes(self, fact: Fact, prefix: str, day: date) -> list[str]:
        """List what follows `prefix` in the keys that have a figure on a day."""
        return sorted(
            key.removeprefix(prefix)
            for (dataset, key, column), days in self.observations.items()
            if dataset == fact.dataset and column == fact.column and key.startswith(prefix) and day in days
        )


def read_evidence(
    con: duckdb.DuckDBPyConnection, as_of: date, publisher: str | None, publishers: Iterable[Iterable[str]] = (), *, known_by: datetime | None = None
) -> Evidence:
    """Read `serving.claim_facts` of the open database without what the note's publisher printed, under any of its names.

    Where the publisher is not stated, whatever calls itself a note of the note's own day is taken to be the audited one. `known_by` gives
    each figure as it stood at that moment, and the rows of marts all of whose figures were known; without it, the newest of each.
    """
    own = list(same_publisher(publisher, publishers)) if publisher else []

    def is_own(printed_by: str) -> bool:
        if own:
            return any(pattern.search(printed_by) for pattern in own)
        return "note" in printed_by.casefold() and as_of.isoformat() in printed_by

    columns = {name for name, *_ in con.execute("describe serving.claim_facts").fetchall()}
    if "superseded_at" not in columns:  # a release of a version that published the newest of each figure alone
        con.execute(
            "create or replace temp view claim_facts_without_versions as select *, null::timestamptz as superseded_at from serving.claim_facts"
        )
    facts = "serving.claim_facts" if "superseded_at" in columns else "claim_facts_without_versions"
    known = "superseded_at is null" if known_by is None else "coalesce(available_at <= $moment, true) and coalesce(superseded_at > $moment, true)"
    moment = {} if known_by is None else {"moment": known_by}
    found = con.execute(f"select {', '.join(_READ)} from {facts} where {known} order by all", moment).fetchall()
    is_own_of = {printed_by: is_own(printed_by or "") for printed_by in {row[7] for row in found}}
    rows = [row for row in found if not is_own_of[row[7]]]
    observations: dict[tuple[str, str, str], dict[date, list[tuple[float, float, str]]]] = defaultdict(lambda: defaultdict(list))
    texts: dict[str, dict[str, Any]] = defaultdict(dict)
    for dataset, day, key, column, value, uncertainty, text, printed_by, _ in rows:
        if dataset == "events":
            texts[key] |= {column: text if value is None else int(value), "day": day, "printed_by": printed_by}
        elif value is not None:
            observations[dataset, key, column][day].append((value, uncertainty or 0.0, printed_by))
    contracts = sorted({key for dataset, key, _ in observations if dataset == "daily_quotes"})
    marts: dict[tuple[str, str, date], Mapping[str, Any]] = {}
    # An older release lacks marts that came later: what rests on them has no value there.
    published = {name for (name,) in con.execute("select table_name from information_schema.tables where table_schema = 'marts'").fetchall()}
    for mart, (key, day_column, clock, wanted) in _MARTS.items():
        if mart not in published:
            continue
        sql = f"select * from marts.{mart} where {wanted}" + ("" if known_by is None else f" and {clock} <= $moment")
        params = moment | ({"contracts": contracts} if "$contracts" in wanted else {})
        marts |= {(mart, row[key], row[day_column]): row for row in con.sql(sql, params=params).pl().iter_rows(named=True)}
    return Evidence(observations, [_event(key, row) for key, row in texts.items()], not any(row[8] == DataOrigin.SAMPLE for row in rows), marts)


def _event(key: str, row: Mapping[str, Any]) -> Event:
    sectors = frozenset(part.strip() for part in str(row.get("sectors", "")).split(";") if part.strip())
    return Event(event_id=key, **{**row, "sectors": sectors})
