"""What was known at one decision: the published rows a note may speak of, and nothing published later."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb

from serving.research.wording import Said

Row = dict[str, Any]


class NoteError(ValueError):
    """There is nothing to write the note about; the message says what is there instead."""


@dataclass(frozen=True)
class Known:
    """One commodity's decision, the release behind it and the thresholds the note's badges follow."""

    con: duckdb.DuckDBPyConnection
    commodity_code: str
    day: date
    decision_at: datetime
    parameters: Mapping[str, float]
    regions: Mapping[str, Mapping[str, str]]
    """Names of regions by code, `zh` and `en`."""
    sessions: tuple[date, ...] = field(default=())
    """Trading days up to the day, newest first."""

    def rows(self, sql: str, **more: Any) -> list[Row]:
        """Run a query; `$code`, `$day`, `$decision` and `$first`, the oldest day of the percentiles' window, may stand in it. No table, no rows."""
        bound = {"code": self.commodity_code, "day": self.day, "decision": self.decision_at, "first": self.sessions_back(self.window)} | more
        try:
            found = self.con.execute(sql, {name: bound[name] for name in set(re.findall(r"\$(\w+)", sql))})
        except duckdb.CatalogException:
            return []  # a build that is not published, or an older release, has fewer tables
        columns = [column[0] for column in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    @property
    def window(self) -> int:
        """Sessions that percentiles look back on."""
        return int(self.parameters["percentile_window_sessions"])

    @property
    def fewest(self) -> int:
        """Sessions with a known figure that a percentile needs at least."""
        return int(self.parameters["percentile_minimum_sessions"])

    def region(self, code: str) -> Said:
        """Give a region's names; one nobody named speaks for itself."""
        return Said(**self.regions.get(code, {"zh": code, "en": code.replace("_", " ").title()}))

    def restated(self, series: Sequence[str], hs_codes: Sequence[str]) -> int:
        """Count the prints in force at the decision that were restated later, of the commodity and of its vendors' `series` and customs' codes.

        The marts hold the later print alone, which was not known: what is restated is left out of the page.
        """
        found = self.rows(_RESTATED, series=list(series), codes=list(hs_codes))
        return found[0]["prints"] if found else 0

    def sessions_back(self, count: int) -> date:
        """Give the first of the last so many sessions."""
        return self.sessions[:count][-1] if self.sessions else self.day

    def sessions_since(self, day: date) -> int:
        """Count the sessions after a day, up to the note's own."""
        return sum(session > day for session in self.sessions)


_RESTATED = """
    select count(distinct (dataset, obs_date, fact_key)) as prints from serving.claim_facts
    where obs_date <= $day and available_at <= $decision and superseded_at > $decision
        and case dataset
            when 'daily_quotes' then regexp_matches(fact_key, '^' || $code || '[0-9]')
            when 'warehouse_receipts' then fact_key = $code || '|total'
            when 'vendor_series' then list_contains($series, fact_key)
            when 'monthly_trade' then list_contains($codes, split_part(fact_key, '|', 1))
            when 'events' then true
            else false
        end
"""


def known_at(
    con: duckdb.DuckDBPyConnection,
    day: date | None,
    commodity_code: str | None,
    parameters: Callable[[str], Mapping[str, float]],
    regions: Mapping[str, Mapping[str, str]],
) -> Known:
    """Find the decision: by default the newest day, and of its commodities the one that stands on most data, with vendors' before without; `parameters` gives a commodity's.

    Raises NoteError when the release has no outlook of that commodity or day.
    """
    found = con.execute(
        """
        select commodity_code, as_of_date, decision_at
        from serving.outlook_v2
        where commodity_code = coalesce($code, commodity_code)
        qualify as_of_date = coalesce($day, max(as_of_date) over ())
        order by profile = 'full' desc, coalesce(coverage, 0) desc, commodity_code
        limit 1
        """,
        {"code": commodity_code, "day": day},
    ).fetchall()
    if not found:
        raise NoteError(_nothing(con, day, commodity_code))
    code, as_of_date, decision_at = found[0]
    sessions = con.execute("select trade_date from marts.dim_trading_day where trade_date <= ? order by trade_date desc", [as_of_date]).fetchall()
    return Known(con, code, as_of_date, decision_at, parameters(code), regions, tuple(session for (session,) in sessions))


def _nothing(con: duckdb.DuckDBPyConnection, day: date | None, commodity_code: str | None) -> str:
    there = con.execute("select commodity_code, min(as_of_date), max(as_of_date) from serving.outlook_v2 group by all order by all").fetchall()
    held = "; ".join(f"{code} from {first} to {last}" for code, first, last in there) or "none"
    return f"no outlook for {commodity_code or 'any commodity'} on {day or 'any day'}; published: {held}"
