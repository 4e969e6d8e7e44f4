"""The table of indicators: which published figures a desk reads first, each with its change, percentile, data date and age."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from serving.research.note.known import Known, Row
from serving.research.terms import Scale, scale, term
from serving.research.wording import MODELS, SOURCES, UNITS, Said, reason, say

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
CNY_T, T, KT, LOTS, PCT, POINTS = "CNY/t", "t", "kt", "lots", "pct", "score"
# Units of these figures alone.
OWN = {
    "times": Said("倍", "×"),
    "decayed": Said("衰减加总", "decayed sum"),
    "tone": Said("−1 至 1", "−1 to 1"),
    "CNY/USD": Said("元/美元", "CNY/USD"),
}


@dataclass(frozen=True)
class Indicator:
    """One row to show. `sql` gives obs_date, data_date, value, change, provider, null_reason and available_at, one row per obs_date and provider."""

    code: str
    """Its term in the glossary, after `@` the clock it is taken at."""
    unit: str
    form: str
    sql: str
    rhythm: str = "session"
    """session, week or month: how often a new figure is due."""
    signal: str = ""
    """Signal of the score that it is: its percentile is the score's own."""
    column: str = ""
    """Its part of a `null_reason` that speaks of several columns."""
    is_of_contract: bool = False
    """True where only the same contract's figures may be compared: its change is `change` or none, also across a roll."""


CLOCKS = {
    "t1130": Said("11:30", "at 11:30"),
    "close": Said("收盘", "at the close"),
    "settle": Said("结算", "at settlement"),
    "natl": Said("全国指数", "on the national index"),
}


@dataclass(frozen=True)
class Reading:
    """An indicator as of the decision, as figures and ready to print."""

    code: str
    name: Said
    unit: Said
    value: Said
    change: Said
    change_unit: Said
    """Where it is another than the figure's: percentages differ by points."""
    figure: float | None
    moved: float | None
    stored_unit: str
    percentile: float | None
    data_date: date | None
    when: str
    provider: Said
    badge: Said
    level: str
    """ok, late, stale or missing: how the badge is coloured."""
    missing: Said | None
    is_held: bool
    """Whether any figure of it was known: a commodity without the feed shows no row."""

    @property
    def direction(self) -> int:
        """1 where it rose, -1 where it fell, 0 where the change is written as none."""
        is_moved = self.change.en.startswith(("+", "−"))
        return 0 if self.moved is None or not is_moved else 1 if self.moved > 0 else -1


def _dominant(value: str, change: str) -> str:
    return f"""select trade_date as obs_date, trade_date as data_date, {value} as value, {change} as change, source as provider, null_reason, available_at
        from (
            select *, volume_lots - lag(volume_lots) over of_contract as volume_change, volume_oi_ratio - lag(volume_oi_ratio) over of_contract as ratio_change
            from marts.fct_futures_daily where commodity_code = $code
            window of_contract as (partition by contract_code order by trade_date)
        ) where is_dominant"""


def _premium(leg: str, column: str) -> str:
    # Where bars and the vendor's own spread both give the 11:30 price, the bars do.
    return f"""select * replace (case when contract_code = lag(contract_code) over of_provider then value - lag(value) over of_provider end as change) from (
        select trade_date as obs_date, trade_date as data_date, {column} as value, null::double as change, provider, null_reason, available_at, contract_code
        from marts.fct_basis_daily where commodity_code = $code and futures_leg = '{leg}' and spot_leg = 'natl'
        qualify row_number() over (partition by trade_date, provider order by price_source) = 1)
        window of_provider as (partition by provider order by obs_date)"""


def _receipts(column: str, change: str = "null") -> str:
    return f"""select trade_date as obs_date, trade_date as data_date, {column} as value, {change} as change, source as provider, null_reason, available_at
        from marts.fct_receipts_daily where commodity_code = $code"""


def _delivery(column: str, data_date: str = "trade_date") -> str:
    return f"""select trade_date as obs_date, {data_date} as data_date, {column} as value, null as change, (select lower(exchange) from marts.dim_commodity where commodity_code = $code) as provider, null_reason, available_at
        from marts.fct_delivery_risk_daily where commodity_code = $code"""


def _margin(column: str, data_date: str = "cost_date") -> str:
    return f"""select trade_date as obs_date, {data_date} as data_date, {column} as value, null as change, provider || ' ' || replace(model_id, lower(provider) || '_', '') as provider, null_reason, available_at
        from marts.fct_margin_daily where commodity_code = $code and region = 'national' and frequency = 'daily' and model_id <> 'public'"""


def _parity(column: str, data_date: str) -> str:
    return f"""select trade_date as obs_date, {data_date} as data_date, {column} as value, null as change, provider, null_reason, available_at
        from marts.fct_import_parity_daily where commodity_code = $code and spot_leg = 'natl'"""


def _score(column: str, change: str = "null") -> str:
    return f"""select as_of_date as obs_date, as_of_date as data_date, {column} as value, {change} as change, null as provider, missing_blocks as null_reason,
        decision_at as available_at from marts.fct_sentiment_daily where commodity_code = $code"""


_LEGS = "least(spot_date, fob_date, freight_date, fx_date)"
_TONE = """select as_of_date as obs_date, data_date, signal_value as value, null as change, null as provider, null_reason, decision_at as available_at
    from serving.outlook_drivers where commodity_code = $code and driver_kind = 'component' and signal = 'news_tone'"""
_SPOT = """select trade_date as obs_date, trade_date as data_date, spot_cny_t as value, spot_change_cny_t as change, provider, null_reason, available_at
    from marts.fct_spot_daily where commodity_code = $code and region = 'national' and frequency = 'daily'"""
_RATE = """select period_end as obs_date, period_end as data_date, utilisation_pct as value, utilisation_change_pp as change, provider, null_reason, available_at
    from marts.fct_capacity where commodity_code = $code and region = 'national' and frequency = 'weekly'"""
_SURPLUS = """select period_end as obs_date, least(production_date, demand_date) as data_date, surplus_pct as value, null as change, provider, null_reason, available_at
    from marts.fct_supply_demand where commodity_code = $code and frequency = 'daily' and demand_basis = 'downstream_use'"""
_SMELTERS = """select period_end as obs_date, period_end as data_date, stock_kt as value, stock_change_kt as change, provider, null_reason, available_at
    from marts.fct_inventory where commodity_code = $code and stock_kind = 'smelter' and region = 'national'"""
# Customs' item and the wider heading of UN Comtrade may both have a month: the narrowest code speaks.
_TRADE = """select month as obs_date, month as data_date, {column} as value, null as change, source as provider, {reason} as null_reason, available_at
    from marts.fct_trade_balance_monthly where commodity_code = $code and role = 'product' and flow = '{flow}' and partner_code = 'all'
    qualify row_number() over (partition by month order by length(hs_code) desc, hs_code, reporter, partner_scheme) = 1"""


def _trade(flow: str, column: str, reason: str = "null_reason") -> str:
    return _TRADE.format(flow=flow, column=column, reason=reason)


GROUPS: tuple[tuple[Said, tuple[Indicator, ...]], ...] = (
    (
        Said("期货（主力合约）", "Futures, dominant contract"),
        (
            # Changes are of the same contract, also across a roll.
            Indicator("close", CNY_T, ",.0f", _dominant("close_cny_t", "round(close_cny_t - close_cny_t / (1 + ret_cc_1d_pct / 100), 6)"), is_of_contract=True),
            Indicator("change", PCT, "+.2f", _dominant("ret_c_ps_pct", "null"), column="ret_c_ps_pct"),
            Indicator("change_close", PCT, "+.2f", _dominant("ret_cc_1d_pct", "null"), column="ret_cc_1d_pct"),
            Indicator("settlement", CNY_T, ",.0f", _dominant("settle_cny_t", "settle_cny_t - pre_settle_cny_t"), is_of_contract=True),
            Indicator("volume", LOTS, ",.0f", _dominant("volume_lots", "volume_change"), is_of_contract=True),
            Indicator("open_interest", LOTS, ",.0f", _dominant("open_interest_lots", "open_interest_change_lots"), is_of_contract=True),
            Indicator("volume_over_oi", "times", ".2f", _dominant("volume_oi_ratio", "ratio_change"), is_of_contract=True),
        ),
    ),
    (
        Said("仓单与交割", "Receipts and delivery"),
        (
            Indicator("receipts", T, ",.0f", _receipts("receipts_t", "receipts_change_t"), signal="receipts_t"),
            Indicator("squeeze_ratio", "times", ",.1f", _receipts("squeeze_ratio"), signal="squeeze_ratio", column="squeeze_ratio"
            ),
            Indicator("squeeze_rank",
                PCT,
                ".0f",
                _delivery("100.0 * squeeze_percentile_ratio"),
                column="squeeze_percentile_ratio",
            ),
            Indicator("off_warrant", T, ",.0f", _delivery("off_warrant_t", "stock_date"), rhythm="week", column="off_warrant_t"
            ),
        ),
    ),
    (
        Said("现货与升水", "Spot and futures premium"),
        (
            Indicator("spot_index", CNY_T, ",.2f", _SPOT, column="spot_cny_t"),
            Indicator("premium@t1130", CNY_T, ",.2f", _premium("t1130", "premium_cny_t"), is_of_contract=True),
            Indicator("premium@close", CNY_T, ",.2f", _premium("close", "premium_cny_t"), is_of_contract=True),
            Indicator("premium@settle", CNY_T, ",.2f", _premium("settle", "premium_cny_t"), is_of_contract=True),
            Indicator("premium_rate", PCT, ".2f", _premium("close", "premium_rate_pct"), signal="premium_rate_pct", is_of_contract=True),
        ),
    ),
    (
        Said("政策与情绪", "Policy and sentiment"),
        (
            Indicator("policy_intensity", "decayed", ".2f", _score("policy_intensity", "policy_intensity_change"), signal="policy_intensity"),
            Indicator("news_tone", "tone", ".2f", _TONE, signal="news_tone"),
            Indicator("sentiment", POINTS, "+.1f", _score("score")),
        ),
    ),
    (
        Said("成本与利润", "Cost and profit"),
        (
            Indicator("full_cost", CNY_T, ",.0f", _margin("cost_full_cny_t")),
            Indicator("profit", CNY_T, ",.2f", _margin("profit_cny_t", "least(cost_date, spot_date)")),
            Indicator("margin", PCT, ".2f", _margin("margin_pct", "least(cost_date, spot_date)"), signal="margin_pct"),
            Indicator("ore_cost", CNY_T, ",.2f", _margin("ore_cost_cny_t")),
            Indicator("ore_change", PCT, ".2f", _margin("bauxite_chg20_pct")),
        ),
    ),
    (
        Said("进出口与汇率", "Trade and currency"),
        (
            Indicator("import_parity@natl", CNY_T, ",.2f", _parity("parity_cny_t", _LEGS)),
            Indicator("import_profit@natl", CNY_T, ",.2f", _parity("import_profit_cny_t", _LEGS)),
            Indicator("dollar", "CNY/USD", ".4f", _parity("fx_sell_cny_usd", "fx_date")),
            Indicator("exports", T, ",.0f", _trade("export", "qty_t"), rhythm="month"),
            Indicator("exports_mom", PCT, ".2f", _trade("export", "mom_pct", "mom_null_reason"), rhythm="month", signal="exports_mom_pct"),
            Indicator("imports", T, ",.0f", _trade("import", "qty_t"), rhythm="month"),
            Indicator("net_imports", T, "+,.0f", _trade("net", "net_import_t"), rhythm="month"),
        ),
    ),
    (
        Said("供需", "Supply and demand"),
        (
            Indicator("operating_rate", PCT, ".2f", _RATE, rhythm="week"),
            Indicator("surplus", PCT, ".2f", _SURPLUS, rhythm="week", signal="surplus_pct"),
            Indicator("user_stocks", KT, ",.0f", _SMELTERS, rhythm="week"),
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Readings:
    """The groups of indicators with what is known of each, and the names of those no figure was ever known of."""

    groups: tuple[tuple[Said, tuple[Reading, ...]], ...]
    absent: tuple[Said, ...]

    def all(self) -> dict[str, Reading]:
        """Give what is known, by code."""
        return {one.code: one for _, group in self.groups for one in group}


def read(known: Known) -> Readings:
    """Read every indicator as it was known at the decision; what is missing says why, and one without any figure is named and not shown."""
    percentiles = {
        row["signal"]: row["percentile_ratio"]
        for row in known.rows(
            "select signal, percentile_ratio from serving.outlook_drivers where commodity_code = $code and as_of_date = $day and driver_kind = 'component'"
        )
    }
    found = [(title, [_reading(known, indicator, percentiles) for indicator in indicators]) for title, indicators in GROUPS]
    held = [(title, tuple(one for one in group if one.is_held)) for title, group in found]
    absent = tuple(one.name for _, group in found for one in group if not one.is_held)
    return Readings(tuple((title, group) for title, group in held if group), absent)


_FACTS = """
    select obs_date, data_date, value, change, provider, null_reason, epoch_us(available_at) as known_us
    from ({}) as facts
    where obs_date <= $day and available_at <= $decision
    order by obs_date desc, provider
"""


def _spoken(rows: Sequence[Row]) -> list[Row]:
    """Leave the rows of the provider with most figures, who speaks for the figure and for its change alike; all where nobody has any."""
    figures = Counter(row["provider"] for row in rows if row["value"] is not None)
    if not figures:
        return list(rows)
    provider = min(figures, key=lambda name: (-figures[name], name is None, name))
    return [row for row in rows if row["provider"] == provider]


def _place(known: Known, spoken: Sequence[Row]) -> float | None:
    """Give the place of the newest figure, 0 to 1, among what was last known at the decision of each session of the window, as the score's are.

    So a weekly figure counts on every session until the next. None where too few sessions have one.
    """
    figures = [row for row in spoken if row["value"] is not None]
    decision_us, begin, found = (known.decision_at - _EPOCH) // _MICROSECOND, 0, []
    for session in known.sessions[: known.window]:
        while begin < len(figures) and figures[begin]["obs_date"] > session:
            begin += 1
        by = decision_us - (known.day - session) // _MICROSECOND
        if (last := next((row["value"] for row in islice(figures, begin, None) if row["known_us"] <= by), None)) is not None:
            found.append(last)
    return sum(one <= spoken[0]["value"] for one in found) / len(found) if len(found) >= known.fewest else None


def _reading(known: Known, indicator: Indicator, percentiles: dict[str, float | None]) -> Reading:
    rows = _spoken(known.rows(_FACTS.format(indicator.sql)))
    last = rows[0] if rows else {"value": None, "data_date": None, "null_reason": None, "provider": None, "change": None}
    value, before = last["value"], rows[1]["value"] if len(rows) > 1 else None
    written = _scale(indicator, value)
    known_as = (indicator.code, _named(indicator), written.unit)
    told = {
        "stored_unit": indicator.unit,
        "data_date": last["data_date"],
        "when": _when(indicator, last["data_date"]),
        "provider": _name(last),
        "is_held": any(row["value"] is not None for row in rows),
    }
    if value is None:
        why = reason(last["null_reason"], indicator.column)
        return Reading(
            *known_as, _NONE, _NONE, Said("", ""), None, None, percentile=None, badge=Said("缺失", "missing"), level="missing", missing=why, **told
        )
    change = last["change"] if last["change"] is not None or indicator.is_of_contract else None if before is None else value - before
    shown = written.write(change, signed=True)
    points = UNITS["pp"] if indicator.unit == PCT and change is not None else Said("", "")
    badge, level = _age(known, indicator, last["data_date"])
    ranked = percentiles.get(indicator.signal) if indicator.signal else None if level == "stale" else _place(known, rows)
    return Reading(*known_as, written.write(value), shown, points, value, change, percentile=ranked, badge=badge, level=level, missing=None, **told)


_NONE = Said("–", "–")


def _scale(indicator: Indicator, value: float | None) -> Scale:
    form = indicator.form.lstrip("+")
    if indicator.unit in OWN:
        return Scale(OWN[indicator.unit], 1.0, form, form)
    return scale(indicator.unit, value, form)


def _named(indicator: Indicator) -> Said:
    code, _, clock = indicator.code.partition("@")
    name = term(code).title
    return Said(f"{name.zh}（{CLOCKS[clock].zh}）", f"{name.en} {CLOCKS[clock].en}") if clock else name


def _name(row: dict[str, Any]) -> Said:
    provider, _, model = (row["provider"] or "").partition(" ")
    told = [say(SOURCES, provider), *([say(MODELS, model)] if model else [])]
    return Said(" ".join(one.zh for one in told), " ".join(one.en for one in told))


def _when(indicator: Indicator, data_date: date | None) -> str:
    return "" if data_date is None else data_date.strftime("%Y-%m" if indicator.rhythm == "month" else "%m-%d")


def _age(known: Known, indicator: Indicator, data_date: date | None) -> tuple[Said, str]:
    """Say how old a figure is, and whether it still speaks for the day."""
    if data_date is None:
        return Said("日期不明", "no date"), "late"
    sessions, days = known.sessions_since(data_date), (known.day - data_date).days
    if indicator.rhythm == "session":
        if sessions == 0:
            return Said("当日", "current"), "ok"
        level = "stale" if sessions > known.parameters["fact_maximum_age_sessions"] else "late"
        return Said(f"滞后{sessions}日", f"{sessions} d late"), level
    if days > known.parameters["series_maximum_age_days"]:
        return Said(f"过期{days}天", f"stale, {days} d"), "stale"
    return (Said("周度", "weekly"), "ok") if indicator.rhythm == "week" else (Said("月度", "monthly"), "ok")
