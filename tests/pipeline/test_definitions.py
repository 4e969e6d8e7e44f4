"""Definitions that were wrong, before and after, on the ten days around the delivery of AO2507: what each said and what it says now.

The old figure is worked out here from published columns, by the rule as it was; the new one is the mart's.
"""

from datetime import date
from typing import Any

DAYS = [date(2025, 7, day) for day in (14, 15, 16, 17, 18, 21, 22, 23)]


def told(sample: Any, figures: str, table: str = "marts.fct_receipts_daily", more: str = "") -> list[tuple[Any, ...]]:
    """Give figures of AO on each of the days, in their order; `figures` may look back beyond the first."""
    days = ", ".join(f"date '{day}'" for day in DAYS)
    rows = sample.published(
        f"select * exclude (trade_date) from (select trade_date, {figures} from {table} where commodity_code = 'AO' {more} order by trade_date) "
        f"where trade_date in ({days}) order by trade_date"
    )
    assert len(rows) == len(DAYS)
    return rows


def test_a_low_level_that_falls_further_is_low(sample: Any) -> None:
    before = "percentile_since_first_nonzero_ratio <= 0.05 and receipts_t = lag(receipts_t) over d and receipts_t = lag(receipts_t, 2) over d"
    rows = sample.published(
        f"select old, is_low from (select trade_date, {before} as old, is_low from marts.fct_receipts_daily where commodity_code = 'AO' "
        "window d as (order by trade_date)) where trade_date between ? and ? order by trade_date",
        DAYS[0],
        DAYS[-1],
    )
    assert [old for old, _ in rows] == [False, False, False, True, False, False, True, False]
    assert [new for _, new in rows] == [False, False, False, False, True, True, True, False]
