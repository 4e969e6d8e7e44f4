"""The days ahead as they were known at a decision: last trading days, holidays, releases, and documents that policy still owes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from serving.research.note.known import Known
from serving.research.terms import amount, term
from serving.research.wording import Said

DAYS = 60
"""How far ahead a reader looks."""
FOLLOW_UPS = 3
HOLIDAY = 4
"""Calendar days between two sessions from which on a closure is more than a weekend."""


@dataclass(frozen=True)
class Ahead:
    """A day ahead and what it brings; without a day, what is open."""

    day: date | None
    kind: Said
    text: Said
    foreign: str = ""
    """Text of somebody else's, in its own language."""


def ahead(known: Known, released: Mapping[date, date], *, has_trade: bool) -> list[Ahead]:
    """Give what is ahead in the order of days, open ends last; `released` are the days on which months of trade come out."""
    until = known.day + timedelta(days=DAYS)
    found = [*_expiries(known, until), *_holidays(known, until)]
    if has_trade:
        found += [
            Ahead(day, Said("海关数据", "customs"), Said(f"{month.year}年{month.month}月进出口明细", f"trade of {month:%Y-%m} by code"))
            for month, day in released.items()
            if known.day < day <= until
        ]
    return sorted(found, key=lambda one: (one.day or date.max, one.kind.en, one.text.en)) + _follow_ups(known)


def _expiries(known: Known, until: date) -> list[Ahead]:
    """A last trading day is as many sessions ahead as the newest quotes say."""
    rows = known.rows(
        """
        with sessions as (select trade_date, row_number() over (order by trade_date) as place from marts.dim_trading_day),
        quotes as (
            select * from marts.fct_futures_daily
            where commodity_code = $code and available_at <= $decision
                and trade_date = (select max(trade_date) from marts.fct_futures_daily where commodity_code = $code and trade_date <= $day and available_at <= $decision)
        )
        select quotes.contract_code, ends.trade_date as ends, quotes.open_interest_lots as held, quotes.is_last_trading_day_expected as expected
        from quotes
        inner join sessions as now on quotes.trade_date = now.trade_date
        inner join sessions as ends on ends.place = now.place + quotes.sessions_to_last_trading_day
        where ends.trade_date > $day and ends.trade_date <= $until
        order by 2, 1
        """,
        until=until,
    )
    return [
        Ahead(
            row["ends"],
            term("last_trading_day"),
            Said(
                f"{row['contract_code']}，其后进入交割{'' if row['held'] is None else '；持仓' + amount(row['held'], 'lots').zh}{'（按规则推算）' if row['expected'] else ''}",
                f"{row['contract_code']}, delivery follows{'' if row['held'] is None else '; open interest ' + amount(row['held'], 'lots').en}{' (expected by rule)' if row['expected'] else ''}",
            ),
        )
        for row in rows
    ]


def _holidays(known: Known, until: date) -> list[Ahead]:
    rows = known.rows(
        """
        select * from (select trade_date as last, lead(trade_date) over (order by trade_date) as first from marts.dim_trading_day where trade_date >= $day)
        where first - last >= $gap and last <= $until
        order by last
        """,
        until=until,
        gap=HOLIDAY,
    )
    return [
        Ahead(
            row["last"],
            Said("休市", "closure"),
            Said(
                f"{row['last']:%m-%d}收盘后休市，{row['first']:%m-%d}恢复交易",
                f"closed after {row['last']:%m-%d}, trading resumes on {row['first']:%m-%d}",
            ),
        )
        for row in rows
    ]


def _follow_ups(known: Known) -> list[Ahead]:
    """Policy announced of which no rule has come yet: what of its chain was known by the decision."""
    rows = known.rows(
        """
        select e.event_date, e.summary
        from marts.fct_policy_events as e
        where e.commodity_code = $code and e.available_at <= $decision and e.phase is not null and e.phase not in ('rule', 'enforcement')
            and not e.is_repeat and e.intensity is not null and e.event_date > $since
            and not exists (
                select 1 from marts.fct_policy_events as later
                where later.commodity_code = e.commodity_code and later.cluster_id = e.cluster_id and later.event_id <> e.event_id
                    and later.phase is not null and later.available_at between e.available_at and $decision
            )
        order by e.event_date desc, e.event_id
        limit $most
        """,
        since=known.day - timedelta(days=2 * DAYS),
        most=FOLLOW_UPS,
    )
    return [
        Ahead(
            None,
            Said("政策待跟进", "policy follow-up"),
            Said(f"{row['event_date']}，尚无后续文件：", f"{row['event_date']}, no document has followed yet: "),
            row["summary"],
        )
        for row in rows
    ]
