"""The table of indicators: which published figures a desk reads first, each with its change, percentile, data date and age."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from serving.research.note.known import Known
from serving.research.wording import MODELS, SOURCES, Said, number, reason, say

CNY_T, T, KT, LOTS = Said("元/吨", "CNY/t"), Said("吨", "t"), Said("千吨", "kt"), Said("手", "lots")
PCT, TIMES, POINTS, INTENSITY = Said("%", "%"), Said("倍", "×"), Said("分", "points"), Said("衰减加总", "decayed sum")


@dataclass(frozen=True)
class Indicator:
    """One row to show. `sql` gives obs_date, data_date, value, change, provider, null_reason and available_at, one row per obs_date and provider."""

    name: Said
    unit: Said
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


@dataclass(frozen=True)
class Reading:
    """An indicator as of the decision, ready to print."""

    name: Said
    unit: Said
    value: str
    change: str
    direction: int
    percentile: float | None
    data_date: str
    provider: Said
    badge: Said
    level: str
    """ok, late, stale or missing: how the badge is coloured."""
    missing: Said | None


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
            Indicator(Said("收盘价", "Close"), CNY_T, ",.0f", _dominant("close_cny_t", "round(close_cny_t - close_cny_t / (1 + ret_cc_1d_pct / 100), 6)"), is_of_contract=True),
            Indicator(Said("涨跌幅（较前结算）", "Change, on the prior settlement"), PCT, "+.2f", _dominant("ret_c_ps_pct", "null"), column="ret_c_ps_pct"),
            Indicator(Said("涨跌幅（较前收）", "Change, close to close"), PCT, "+.2f", _dominant("ret_cc_1d_pct", "null"), column="ret_cc_1d_pct"),
            Indicator(Said("结算价", "Settlement"), CNY_T, ",.0f", _dominant("settle_cny_t", "settle_cny_t - pre_settle_cny_t"), is_of_contract=True),
            Indicator(Said("成交量", "Volume"), LOTS, ",.0f", _dominant("volume_lots", "volume_change"), is_of_contract=True),
            Indicator(Said("持仓量", "Open interest"), LOTS, ",.0f", _dominant("open_interest_lots", "open_interest_change_lots"), is_of_contract=True),
            Indicator(Said("成交/持仓", "Volume over open interest"), TIMES, ".2f", _dominant("volume_oi_ratio", "ratio_change"), is_of_contract=True),
        ),
    ),
    (
        Said("仓单与交割", "Receipts and delivery"),
        (
            Indicator(Said("注册仓单", "Registered receipts"), T, ",.0f", _receipts("receipts_t", "receipts_change_t"), signal="receipts_t"),
            Indicator(
                Said("近月虚实比", "Squeeze ratio, nearest contract"), TIMES, ",.1f", _receipts("squeeze_ratio"), signal="squeeze_ratio", column="squeeze_ratio"
            ),
            Indicator(
                Said("虚实比分位（历次交割周期同期）", "Rank of it among earlier cycles"),
                PCT,
                ".0f",
                _delivery("100.0 * squeeze_percentile_ratio"),
                column="squeeze_percentile_ratio",
            ),
            Indicator(
                Said("未制成仓单的可交割库存", "Goods off warrant"), T, ",.0f", _delivery("off_warrant_t", "stock_date"), rhythm="week", column="off_warrant_t"
            ),
        ),
    ),
    (
        Said("现货与升水", "Spot and futures premium"),
        (
            Indicator(Said("现货指数（全国）", "Spot index, national"), CNY_T, ",.2f", _SPOT, column="spot_cny_t"),
            Indicator(Said("期货升水（11:30）", "Futures premium at 11:30"), CNY_T, ",.2f", _premium("t1130", "premium_cny_t"), is_of_contract=True),
            Indicator(Said("期货升水（收盘）", "Futures premium at the close"), CNY_T, ",.2f", _premium("close", "premium_cny_t"), is_of_contract=True),
            Indicator(Said("期货升水（结算）", "Futures premium at settlement"), CNY_T, ",.2f", _premium("settle", "premium_cny_t"), is_of_contract=True),
            Indicator(Said("升水率（收盘）", "Premium rate at the close"), PCT, ".2f", _premium("close", "premium_rate_pct"), signal="premium_rate_pct", is_of_contract=True),
        ),
    ),
    (
        Said("政策与情绪", "Policy and sentiment"),
        (
            Indicator(Said("政策强度", "Policy intensity"), INTENSITY, ".2f", _score("policy_intensity", "policy_intensity_change"), signal="policy_intensity"),
            Indicator(Said("新闻语气", "News tone"), Said("−1 至 1", "−1 to 1"), ".2f", _TONE, signal="news_tone"),
            Indicator(Said("情绪评分", "Sentiment score"), POINTS, "+.1f", _score("score")),
        ),
    ),
    (
        Said("成本与利润", "Cost and profit"),
        (
            Indicator(Said("完全成本", "Full cost"), CNY_T, ",.0f", _margin("cost_full_cny_t")),
            Indicator(Said("利润", "Profit"), CNY_T, ",.2f", _margin("profit_cny_t", "least(cost_date, spot_date)")),
            Indicator(Said("利润率", "Margin over cost"), PCT, ".2f", _margin("margin_pct", "least(cost_date, spot_date)"), signal="margin_pct"),
            Indicator(Said("铝土矿成本（每吨产品）", "Bauxite cost per tonne of product"), CNY_T, ",.2f", _margin("ore_cost_cny_t")),
            Indicator(Said("铝土矿价格20日变化", "Bauxite price, 20-session change"), PCT, ".2f", _margin("bauxite_chg20_pct")),
        ),
    ),
    (
        Said("进出口与汇率", "Trade and currency"),
        (
            Indicator(Said("进口平价", "Import parity"), CNY_T, ",.2f", _parity("parity_cny_t", _LEGS)),
            Indicator(Said("进口盈亏", "Import profit"), CNY_T, ",.2f", _parity("import_profit_cny_t", _LEGS)),
            Indicator(Said("美元卖出价", "US dollar, selling rate"), Said("元/美元", "CNY/USD"), ".4f", _parity("fx_sell_cny_usd", "fx_date")),
            Indicator(Said("出口量", "Exports"), T, ",.0f", _trade("export", "qty_t"), rhythm="month"),
            Indicator(Said("出口环比", "Exports, month on month"), PCT, ".2f", _trade("export", "mom_pct", "mom_null_reason"), rhythm="month", signal="exports_mom_pct"),
            Indicator(Said("进口量", "Imports"), T, ",.0f", _trade("import", "qty_t"), rhythm="month"),
            Indicator(Said("净进口", "Net imports"), T, "+,.0f", _trade("net", "net_import_t"), rhythm="month"),
        ),
    ),
    (
        Said("供需", "Supply and demand"),
        (
            Indicator(Said("开工率", "Operating rate"), PCT, ".2f", _RATE, rhythm="week"),
            Indicator(Said("过剩率（进出口前）", "Surplus over demand, before trade"), PCT, ".2f", _SURPLUS, rhythm="week", signal="surplus_pct"),
            Indicator(Said("电解铝厂库存", "Smelter stocks"), KT, ",.0f", _SMELTERS, rhythm="week"),
        ),
    ),
)  # fmt: skip


def read(known: Known) -> list[tuple[Said, list[Reading]]]:
    """Read every indicator as it was known at the decision; what is missing says why."""
    percentiles = {
        row["signal"]: row["percentile_ratio"]
        for row in known.rows(
            "select signal, percentile_ratio from serving.outlook_drivers where commodity_code = $code and as_of_date = $day and driver_kind = 'component'"
        )
    }
    return [(title, [_reading(known, indicator, percentiles) for indicator in indicators]) for title, indicators in GROUPS]


def _reading(known: Known, indicator: Indicator, percentiles: dict[str, float | None]) -> Reading:
    # Of several providers the one with most figures speaks, the same one for the figure and for its change. A percentile is the figure's place among what was
    # last known at the decision of each session of the window, as the score's are: a weekly figure counts on every session until the next.
    rows = known.rows(
        f"""
        with facts as (select * from ({indicator.sql}) as facts where obs_date <= $day and available_at <= $decision),
        chosen as (select provider from facts where value is not null group by provider order by count(*) desc, provider limit 1),
        spoken as (
            select * from facts
            where provider is not distinct from (select provider from chosen) or not exists (select 1 from chosen)
        ),
        decisions as (
            select trade_date, trade_date::timestamptz + ($decision - $day::timestamptz) as decision_at
            from marts.dim_trading_day
            where trade_date between $first and $day
        ),
        known as (
            select arg_max(spoken.value, spoken.obs_date) as value
            from decisions
            inner join spoken on spoken.obs_date <= decisions.trade_date and spoken.available_at <= decisions.decision_at
            where spoken.value is not null
            group by decisions.trade_date
        )
        select *, (select count(*) from known) as observations, (select count(*) from known where known.value <= spoken.value) as at_most
        from spoken
        order by obs_date desc
        limit 2
        """
    )
    last = rows[0] if rows else {"value": None, "data_date": None, "null_reason": None, "provider": None, "change": None}
    value, before = last["value"], rows[1]["value"] if len(rows) > 1 else None
    if value is None:
        why = reason(last["null_reason"], indicator.column)
        return Reading(
            indicator.name,
            indicator.unit,
            "–",
            "–",
            0,
            None,
            _when(indicator, last["data_date"]),
            _name(last),
            Said("缺失", "missing"),
            "missing",
            why,
        )
    change = last["change"] if last["change"] is not None or indicator.is_of_contract else None if before is None else value - before
    shown = "–" if change is None else number(change, "+" + indicator.form.lstrip("+")) + (" pp" if indicator.unit is PCT else "")
    badge, level = _age(known, indicator, last["data_date"])
    place = last["at_most"] / last["observations"] if last["observations"] >= known.fewest and level != "stale" else None
    direction = 0 if change is None or not shown.startswith(("+", "−")) else 1 if change > 0 else -1
    return Reading(
        indicator.name,
        indicator.unit,
        number(value, indicator.form),
        shown,
        direction,
        percentiles.get(indicator.signal) if indicator.signal else place,
        _when(indicator, last["data_date"]),
        _name(last),
        badge,
        level,
        None,
    )


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
