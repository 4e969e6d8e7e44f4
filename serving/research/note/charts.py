"""The eight charts, as Vega-Lite made with Altair. Each shows published rows known at the decision, or says why it cannot.

Texts are in both languages (`Said.both`); the page draws one. Colours hold on light and dark ground; axes and labels take the page's own.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from serving.research.note.known import Known, Row
from serving.research.wording import SOURCES, Said, number, say

BLUE, ORANGE, TEAL, RED, PURPLE, GREY, PINK, OLIVE = "#3b82f6", "#d97706", "#0d9488", "#dc4c4c", "#8b5cf6", "#8a8f98", "#db2777", "#7c8a1f"
PALETTE = (GREY, BLUE, ORANGE, TEAL, RED, PURPLE, PINK, OLIVE)
HEIGHT = 250
RECENT = 90  # sessions shown where days and regions must be told apart; the other charts show the percentiles' window

CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif",
    "aria": False,  # the figure itself is described; thousands of marks read aloud help nobody
    "view": {"stroke": None},
    "axis": {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "domain": False, "tickSize": 3, "labelPadding": 4, "titlePadding": 8},
    "axisX": {"grid": False, "domain": True},
    "legend": {"orient": "top", "title": None, "labelFontSize": 11, "symbolSize": 60, "symbolStrokeWidth": 2.5, "symbolOpacity": 1, "columnPadding": 12, "offset": 10, "labelLimit": 240},
}  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A line of a chart: the column, what it is called, and how it looks."""

    column: str
    name: Said
    color: str
    form: str = ",.0f"
    width: float = 1.8
    dash: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart with what a reader must know of it; `spec` is None where there is nothing to draw, and `described` says why."""

    key: str
    title: Said
    unit: Said
    source: Said
    until: str
    described: Said
    spec: dict[str, Any] | None


_NOTHING = Said("决策时点没有可画的数据。", "Nothing to draw was known at the decision.")


def draw(known: Known, levels: Sequence[tuple[float, Said]]) -> list[Chart]:
    """Draw all charts; `levels` are the outlook's own price levels."""
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):  # checking every part against the schema takes half the time; the tests check the whole
        return [
            _price(known, levels),
            _receipts(known),
            _basis(known),
            _regions(known),
            _margin(known),
            _parity(known),
            _trade(known),
            _curve(known),
        ]


def _price(known: Known, levels: Sequence[tuple[float, Said]]) -> Chart:
    import altair as alt

    rows = known.rows(
        """
        select trade_date as day, contract_code, high_cny_t as high, low_cny_t as low, close_cny_t as close, settle_cny_t as settle,
            open_interest_lots as oi, volume_lots as volume, source
        from marts.fct_futures_daily
        where commodity_code = $code and is_dominant and trade_date between $recent and $day and available_at <= $decision
        order by trade_date
        """,
        recent=known.sessions_back(RECENT),
    )
    title, unit = Said("主力合约价格与持仓", "Price and open interest, dominant contract"), Said("元/吨；千手", "CNY/t; thousand lots")
    turns = [
        {"t": str(row["day"]), "roll": f"{was['contract_code']} → {row['contract_code']}"}
        for was, row in pairwise(rows)
        if was["contract_code"] != row["contract_code"]
    ]
    marks = _marks(levels, [row[column] for row in rows for column in ("low", "high") if row[column] is not None])
    close, oi = (
        Series("close", Said("收盘价（含高低区间）", "Close, with range"), BLUE, width=2),
        Series("oi", Said("持仓（右轴）", "Open interest (right)"), GREY),
    )

    def shape() -> Any:
        base, paint = _base(), _paint((close, oi))
        shade = paint(base.mark_area(opacity=0.28), oi).encode(
            y=alt.Y(
                "oi:Q",
                title=Said("千手", "thousand lots").both,
                axis=alt.Axis(orient="right", grid=False, labelExpr="format(datum.value / 1000, ',.0f')", tickCount=4),
                scale=alt.Scale(zero=True),
            )
        )
        axis = alt.Axis(format=",.0f", tickCount=6)
        band = base.mark_area(opacity=0.22, color=BLUE).encode(
            y=alt.Y("low:Q", title=None, scale=alt.Scale(zero=False, padding=16), axis=axis), y2="high:Q"
        )
        line = paint(base.mark_line(strokeWidth=2), close).encode(y="close:Q")
        ruler = alt.Chart(alt.NamedData("levels"))
        rules = ruler.mark_rule(strokeDash=[4, 3], color=ORANGE, opacity=0.9).encode(y="level:Q")
        rolls = (
            alt.Chart(alt.NamedData("rolls"))
            .mark_rule(strokeDash=[1, 3], color=GREY)
            .encode(x=alt.X("t:T"), tooltip=_tip("roll", Said("换月", "roll")))
        )
        names = ruler.mark_text(align="left", baseline="bottom", dx=3, dy=-2, fontSize=10.5).encode(x=alt.value(0), y="level:Q", text="label:N")
        tips = [
            _tip("day", Said("日期", "date")),
            _tip("contract_code", Said("合约", "contract")),
            _tip("close", Said("收盘", "close"), ",.0f"),
            _tip("high", Said("最高", "high"), ",.0f"),
            _tip("low", Said("最低", "low"), ",.0f"),
            _tip("settle", Said("结算", "settlement"), ",.0f"),
            _tip("volume", Said("成交量（手）", "volume, lots"), ",.0f"),
            _tip("oi", Said("持仓量（手）", "open interest, lots"), ",.0f"),
        ]
        inner = alt.layer(band, line, *((rules, names) if marks else ()), *((rolls,) if turns else ()), _pointer(base, tips))
        return alt.layer(shade, inner).resolve_scale(y="independent")

    return _chart(
        "price",
        title,
        unit,
        rows,
        "close",
        (close,),
        shape,
        levels=marks,
        rolls=turns,
        extra=Said(
            f"虚线为展望的关键价位：{'、'.join(_level(one).zh for one in levels)}。",
            f"Dashed, the outlook's key levels: {', '.join(_level(one).en for one in levels)}.",
        )
        if levels
        else None,
    )


def _level(level: tuple[float, Said]) -> Said:
    price, said = level
    return Said(f"{said.zh} {number(price, ',.0f')}", f"{said.en} {number(price, ',.0f')}")


def _marks(levels: Sequence[tuple[float, Said]], prices: Sequence[float]) -> list[Row]:
    """Give each level its line, and its name unless that would cover the name of a level told before it."""
    reach = [*(level for level, _ in levels), *prices]
    apart = (max(reach) - min(reach)) * 14 / HEIGHT if reach else 0  # a name is 14 pixels high
    marks: list[Row] = []
    for level, said in levels:
        is_free = all(abs(level - mark["level"]) >= apart for mark in marks if mark["label"])
        marks.append({"level": level, "label": _level((level, said)).both if is_free else ""})
    return marks


def _receipts(known: Known) -> Chart:
    import altair as alt

    # The percentiles look back over the same trailing window as the score's, row by row, never forward.
    rows = known.rows(
        f"""
        with banded as (
            select trade_date as day, receipts_t as receipts, percentile_since_first_nonzero_ratio as rank, source,
                quantile_cont(receipts_t, 0.25) over held as low, quantile_cont(receipts_t, 0.5) over held as middle,
                quantile_cont(receipts_t, 0.75) over held as high
            from marts.fct_receipts_daily
            where commodity_code = $code and trade_date <= $day and available_at <= $decision
            window held as (order by trade_date rows between {known.window - 1} preceding and current row)
        )
        select * from banded where day >= $first order by day
        """
    )
    title, unit = Said("注册仓单与分位带", "Registered receipts and their percentile band"), Said("千吨", "kt")
    level = Series("receipts", Said("仓单", "Receipts"), BLUE, width=2.2)
    band = Series("middle", Said("25–75分位带与中位数", "25th–75th percentile, median"), ORANGE, dash=(4, 3))
    rank = next((row["rank"] for row in reversed(rows) if row["rank"] is not None), None)
    extra = Said(
        f"分位带为此前{known.window}个交易日。" + (f"首次注册以来分位 {rank:.1%}。" if rank is not None else ""),
        f"The band looks back {known.window} sessions." + (f" Percentile since the first receipts: {rank:.1%}." if rank is not None else ""),
    )

    def shape() -> Any:
        base, paint = _base(), _paint((level, band))
        axis = alt.Axis(labelExpr="format(datum.value / 1000, ',.0f')", tickCount=6)
        area = base.mark_area(opacity=0.18, color=ORANGE).encode(y=alt.Y("low:Q", title=None, axis=axis), y2="high:Q")
        tips = [
            _tip("day", Said("日期", "date")),
            _tip("receipts", Said("仓单（吨）", "receipts, t"), ",.0f"),
            _tip("rank", Said("首次注册以来分位", "percentile since first"), ".1%"),
            *(_tip(column, Said(f"{share}分位", f"{share}th percentile"), ",.0f") for column, share in (("low", 25), ("middle", 50), ("high", 75))),
        ]
        return alt.layer(area, _line(base, band, paint), _line(base, level, paint), _pointer(base, tips))

    return _chart("receipts", title, unit, rows, "receipts", (level,), shape, extra=extra, value_unit=Said("吨", "t"))


def _basis(known: Known) -> Chart:
    rows = known.rows(
        """
        with legs as (
            select trade_date, futures_leg, premium_cny_t, provider
            from marts.fct_basis_daily
            where commodity_code = $code and spot_leg = 'natl' and trade_date between $recent and $day and available_at <= $decision
            qualify row_number() over (partition by trade_date, futures_leg order by price_source, provider) = 1
        )
        select trade_date as day,
            concat_ws(';', (select max(source) from marts.fct_futures_daily where commodity_code = $code), any_value(provider)) as source,
            any_value(premium_cny_t) filter (futures_leg = 't1130') as noon,
            any_value(premium_cny_t) filter (futures_leg = 'close') as close,
            any_value(premium_cny_t) filter (futures_leg = 'settle') as settle
        from legs group by trade_date order by trade_date
        """,
        recent=known.sessions_back(RECENT),
    )
    series = (
        Series("noon", Said("11:30", "11:30"), TEAL),
        Series("close", Said("收盘", "Close"), BLUE),
        Series("settle", Said("结算", "Settlement"), ORANGE),
    )
    title = Said("期货升水：三个时点", "Futures premium over spot: three clocks")
    extra = Said("期货减全国现货指数；正值为期货升水。", "Futures less the national spot index; above zero futures stand higher.")
    return _chart(
        "basis", title, Said("元/吨", "CNY/t"), rows, "close", series, lambda: _lines(series, zero_line=True), zero=[{"zero": 0}], extra=extra
    )


def _regions(known: Known) -> Chart:
    found = known.rows(
        """
        select trade_date as day, region, spot_cny_t, provider
        from marts.fct_spot_daily
        where commodity_code = $code and frequency = 'daily' and trade_date between $recent and $day and available_at <= $decision
            and spot_cny_t is not null
        qualify row_number() over (partition by trade_date, region order by provider) = 1
        order by trade_date
        """,
        recent=known.sessions_back(RECENT),
    )
    regions = sorted({row["region"] for row in found}, key=lambda region: (region != "national", region))
    names = {region: Said(**known.regions.get(region, {"zh": region, "en": region.title()})) for region in regions}
    series = tuple(
        Series(f"r{place}", names[region], PALETTE[place % len(PALETTE)], width=2.6 if region == "national" else 1.5)
        for place, region in enumerate(regions)
    )
    days: dict[date, Row] = {}
    for row in found:
        days.setdefault(row["day"], {"day": row["day"], "source": row["provider"]})[f"r{regions.index(row['region'])}"] = row["spot_cny_t"]
    rows = list(days.values())
    title = Said("各地现货价", "Spot prices by region")
    return _chart("spot", title, Said("元/吨", "CNY/t"), rows, "r0", series, lambda: _lines(series))


def _margin(known: Known) -> Chart:
    import altair as alt

    rows = known.rows(
        """
        select trade_date as day, spot_cny_t as spot, cost_full_cny_t as cost, profit_cny_t as profit, margin_pct as margin, provider as source
        from marts.fct_margin_daily
        where commodity_code = $code and region = 'national' and frequency = 'daily' and trade_date between $first and $day
            and available_at <= $decision and profit_cny_t is not null
        qualify row_number() over (partition by trade_date order by provider, model_id) = 1
        order by trade_date
        """
    )
    spot, cost = Series("spot", Said("现货指数", "Spot index"), BLUE, ",.2f", 2), Series("cost", Said("完全成本", "Full cost"), ORANGE, width=2)
    title, extra = Said("成本与利润", "Cost and profit"), Said("两线之间为利润。", "Profit is the gap between the lines.")

    def shape() -> Any:
        base, paint = _base(), _paint((spot, cost))
        gap = base.mark_area(opacity=0.16, color=TEAL).encode(y=_value(), y2="spot:Q")
        tips = [
            _tip("day", Said("日期", "date")),
            _tip("spot", spot.name, ",.2f"),
            _tip("cost", cost.name, ",.0f"),
            _tip("profit", Said("利润", "profit"), "+,.2f"),
            _tip("margin", Said("利润率（%）", "margin, %"), "+.1f"),
        ]
        return alt.layer(gap.encode(y=_value("cost")), _line(base, spot, paint), _line(base, cost, paint), _pointer(base, tips))

    profit = Series("profit", Said("利润", "profit"), TEAL, "+,.2f")
    return _chart("margin", title, Said("元/吨", "CNY/t"), rows, "profit", (spot, cost, profit), shape, extra=extra)


def _parity(known: Known) -> Chart:
    import altair as alt

    rows = known.rows(
        """
        select trade_date as day, parity_cny_t as parity, spot_cny_t as spot, import_profit_cny_t as profit, fob_usd_t as fob, freight_usd_t as freight,
            fx_sell_cny_usd as fx, provider as source
        from marts.fct_import_parity_daily
        where commodity_code = $code and spot_leg = 'natl' and trade_date between $first and $day and available_at <= $decision
            and import_profit_cny_t is not null
        qualify row_number() over (partition by trade_date order by provider) = 1
        order by trade_date
        """
    )
    spot, parity = (
        Series("spot", Said("现货指数", "Spot index"), BLUE, ",.2f", 2),
        Series("parity", Said("进口平价", "Import parity"), PURPLE, ",.2f", 2),
    )
    states = (Series("", Said("窗口打开", "Window open"), RED), Series("", Said("窗口关闭", "Window closed"), TEAL))
    title = Said("进口平价与窗口", "Import parity and the import window")
    extra = Said("现货高于平价时进口有利可图。", "Imports pay where spot stands above parity.")

    def shape() -> Any:
        paint = _paint((spot, parity, *states))
        tips = [
            _tip("day", Said("日期", "date")),
            _tip("spot", spot.name, ",.2f"),
            _tip("parity", parity.name, ",.2f"),
            _tip("profit", Said("进口盈亏", "import profit"), "+,.2f"),
            _tip("fob", Said("离岸价（美元/吨）", "FOB, USD/t"), ",.1f"),
            _tip("freight", Said("运费（美元/吨）", "freight, USD/t"), ",.2f"),
            _tip("fx", Said("汇率", "CNY per USD"), ".4f"),
        ]
        base = _base()
        gaps = [
            paint(base.transform_calculate(edge=f"{side}(datum.spot, datum.parity)").mark_area(opacity=0.35), state).encode(
                y=_value("parity"), y2="edge:Q"
            )
            for state, side in zip(states, ("max", "min"), strict=True)
        ]
        return alt.layer(*gaps, _line(base, spot, paint), _line(base, parity, paint), _pointer(base, tips))

    profit = Series("profit", Said("进口盈亏", "import profit"), RED, "+,.2f")
    return _chart("parity", title, Said("元/吨", "CNY/t"), rows, "profit", (spot, parity, profit), shape, extra=extra)


def _trade(known: Known) -> Chart:
    import altair as alt

    rows = known.rows(
        """
        select month as day, any_value(source) as source, any_value(qty_t) filter (flow = 'import') as imports,
            any_value(qty_t) filter (flow = 'export') as exports, -any_value(qty_t) filter (flow = 'export') as below,
            any_value(net_import_t) filter (flow = 'net') as net
        from (
            from marts.fct_trade_balance_monthly
            where commodity_code = $code and role = 'product' and partner_code = 'all' and month <= $day and available_at <= $decision
            -- One code a month: of the customs' item and the wider heading of UN Comtrade the narrowest.
            qualify dense_rank() over (partition by month order by length(hs_code) desc, hs_code, reporter, partner_scheme) = 1
        )
        group by month order by month
        """
    )
    imports, exports = Series("imports", Said("进口", "Imports"), BLUE), Series("exports", Said("出口", "Exports"), ORANGE)
    net = Series("net", Said("净进口", "Net imports"), PINK)

    def shape() -> Any:
        base, paint = _base(), _paint((imports, exports, net))
        axis = alt.Axis(labelExpr="format(datum.value / 1000, ',.0f')", tickCount=6)
        size = alt.RelativeBandSize(band=0.7)
        x = alt.X("t:T", timeUnit="utcyearmonth", title=None, axis=alt.Axis(format="%Y-%m", labelOverlap=True))
        bars = [
            paint(base.mark_bar(width=size, opacity=0.75), one).encode(x=x, y=alt.Y(f"{column}:Q", title=None, axis=axis))
            for one, column in ((imports, "imports"), (exports, "below"))
        ]
        middle = x.bandPosition(0.5)  # over the middle of its month, as the bars are, not over its first day
        line = paint(base.mark_line(point={"size": 26, "filled": True}, strokeWidth=2), net).encode(x=middle, y="net:Q")
        tips = [
            _tip("month", Said("月份", "month")),
            *(_tip(one.column, Said(f"{one.name.zh}（吨）", f"{one.name.en}, t"), ",.0f") for one in (imports, exports, net)),
        ]
        cover = base.mark_bar(width=size, opacity=0).encode(x=x.copy(), y=alt.value(0), y2=alt.value(HEIGHT), tooltip=tips)
        return alt.layer(*bars, line, cover)

    title, extra = Said("进出口", "Trade balance"), Said("出口画在零轴下方。", "Exports are drawn below zero.")
    return _chart(
        "trade",
        title,
        Said("千吨/月", "kt a month"),
        rows,
        "net",
        (imports, exports, net),
        shape,
        extra=extra,
        value_unit=Said("吨", "t"),
        monthly=True,
    )


def _curve(known: Known) -> Chart:
    import altair as alt

    back = int(known.parameters["change_window_sessions"])
    days = [known.sessions[place] for place in (0, 1, back) if place < len(known.sessions)]
    found = known.rows(
        """
        select trade_date, contract_code, delivery_month, settle_cny_t, open_interest_lots, source
        from marts.fct_futures_daily
        where commodity_code = $code and list_contains($days, trade_date) and available_at <= $decision and settle_cny_t is not null
        order by delivery_month
        """,
        days=days,
    )
    looks = ((BLUE, ()), (TEAL, (5, 3)), (ORANGE, (2, 3)))
    series = tuple(
        Series(f"s{place}", Said(str(one), str(one)), *looks[place][:1], dash=looks[place][1])
        for place, one in enumerate(days)
        if any(row["trade_date"] == one for row in found)
    )
    contracts: dict[str, Row] = {}
    for row in found:
        place = days.index(row["trade_date"])
        one = contracts.setdefault(
            row["contract_code"], {"contract": row["contract_code"], "source": row["source"], "month": row["delivery_month"], "day": days[0]}
        )
        one[f"s{place}"] = row["settle_cny_t"]
        if place == 0:
            one["oi"] = row["open_interest_lots"]
    rows = sorted((row for row in contracts.values() if "s0" in row), key=lambda row: row["month"])
    oi = Series("oi", Said("持仓（右轴）", "Open interest (right)"), GREY)
    order = [row["contract"] for row in rows]

    def shape() -> Any:
        paint = _paint((*series, oi))
        base = alt.Chart(alt.NamedData("rows")).encode(x=alt.X("contract:O", sort=order, title=None, axis=alt.Axis(labelAngle=-45)))
        bars = paint(base.mark_bar(opacity=0.28), oi).encode(
            y=alt.Y(
                "oi:Q",
                title=Said("千手", "thousand lots").both,
                axis=alt.Axis(orient="right", grid=False, labelExpr="format(datum.value / 1000, ',.0f')", tickCount=4),
            )
        )
        lines = [
            paint(base.mark_line(strokeWidth=2, strokeDash=list(one.dash) or [1, 0], point={"size": 30, "filled": True}), one).encode(
                y=_value(one.column)
            )
            for one in series
        ]
        tips = [
            _tip("contract", Said("合约", "contract")),
            *(_tip(one.column, one.name, ",.0f") for one in series),
            _tip("oi", Said("持仓量（手）", "open interest, lots"), ",.0f"),
        ]
        cover = base.mark_bar(opacity=0).encode(y=alt.value(0), y2=alt.value(HEIGHT), tooltip=tips)
        return alt.layer(bars, alt.layer(*lines, cover)).resolve_scale(y="independent")

    shapes = known.rows(
        "select shape from marts.fct_term_structure_daily where commodity_code = $code and trade_date = $day and available_at <= $decision"
    )
    shape_words = {"backwardation": Said("近高远低", "backwardation"), "contango": Said("近低远高", "contango"), "mixed": Said("混合", "mixed")}
    shape_said = shape_words.get(shapes[0]["shape"] if shapes else "")
    ends = f"{order[0]} {number(rows[0]['s0'], ',.0f')} → {order[-1]} {number(rows[-1]['s0'], ',.0f')}" if rows else ""
    extra = Said(f"结算价：{ends}。", f"Settlement prices: {ends}.")
    if shape_said:
        extra = Said(f"{extra.zh}结构：{shape_said.zh}。", f"{extra.en} Shape: {shape_said.en}.")
    title = Said("期限结构", "Term structure")
    return _chart("curve", title, Said("元/吨；千手", "CNY/t; thousand lots"), rows, "s0", (), shape, extra=extra)


def _chart(
    key: str,
    title: Said,
    unit: Said,
    rows: Sequence[Row],
    column: str,
    told: Sequence[Series],
    shape: Callable[[], Any],
    *,
    extra: Said | None = None,
    value_unit: Said | None = None,
    monthly: bool = False,
    **datasets: list[Row],
) -> Chart:
    """Put a chart together with its unit, source, date and description; without figures it says so."""
    if not any(row.get(column) is not None for row in rows):
        return Chart(key, title, unit, Said("", ""), "", _NOTHING, None)
    last = next(row for row in reversed(rows) if row.get(column) is not None)
    more, units = extra or Said("", ""), value_unit or Said(unit.zh.split("；")[0], unit.en.split(";")[0])
    latest = [(one.name, number(last.get(one.column), one.form)) for one in told if last.get(one.column) is not None]
    day = max(row["day"] for row in rows)
    described = more
    if latest:
        described = Said(
            f"{more.zh}最新：{'，'.join(f'{name.zh} {text}' for name, text in latest)} {units.zh}。",
            f"{more.en} Latest: {', '.join(f'{name.en} {text}' for name, text in latest)} {units.en}.".strip(),
        )
    spec = shape().properties(width="container", height=HEIGHT).to_dict()
    spec = {name: value for name, value in spec.items() if name not in ("$schema", "config")} | {
        "datasets": {"rows": [_record(row) for row in rows], **datasets}
    }
    sources = sorted({source for row in rows if row.get("source") for source in row["source"].split(";")})
    source = Said("、".join(say(SOURCES, one).zh for one in sources), ", ".join(say(SOURCES, one).en for one in sources))
    until = f"{day:%Y-%m}" if monthly else str(day)
    return Chart(key, title, unit, source, until, described, spec)


def _lines(series: Sequence[Series], *, zero_line: bool = False) -> Any:
    import altair as alt

    base, paint = _base(), _paint(series)
    tips = [_tip("day", Said("日期", "date")), *(_tip(one.column, one.name, ",.2f") for one in series)]
    zero = [alt.Chart(alt.NamedData("zero")).mark_rule(color=GREY, opacity=0.8).encode(y="zero:Q")] if zero_line else []
    return alt.layer(*zero, *(_line(base, one, paint) for one in series), _pointer(base, tips))


def _base() -> Any:
    """Give a chart over days: `t` places a row on the axis, `day` names it in tooltips. Days are calendar days, so they are drawn in UTC."""
    import altair as alt

    axis = alt.Axis(format="%Y-%m", labelOverlap=True, labelSeparation=12, tickCount="month")
    return alt.Chart(alt.NamedData("rows")).encode(x=alt.X("t:T", scale=alt.Scale(type="utc"), title=None, axis=axis))


def _record(row: Row) -> Row:
    plain = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in row.items()
        if name != "source" and not isinstance(value, date)
    }
    return plain | {"t": str(row["day"]), "day": str(row["day"]), "month": f"{row['day']:%Y-%m}"}


def _value(column: str = "low") -> Any:
    import altair as alt

    return alt.Y(f"{column}:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format=",.0f", tickCount=6))


def _line(base: Any, series: Series, paint: "Painter") -> Any:
    return paint(base.mark_line(strokeWidth=series.width, strokeDash=list(series.dash) or [1, 0]), series).encode(y=_value(series.column))


Painter = Callable[[Any, Series], Any]


def _paint(series: Sequence[Series]) -> Painter:
    """Give what colours a chart as a series, with one legend over all of them."""
    import altair as alt

    scale = alt.Scale(domain=[one.name.both for one in series], range=[one.color for one in series])
    color = alt.Color(
        "series:N", scale=scale, legend=alt.Legend(columns=4 if max(len(one.name.en) for one in series) < 12 and len(series) != 4 else 2)
    )
    return lambda chart, one: chart.transform_calculate(series=json.dumps(one.name.both, ensure_ascii=False)).encode(color=color)


def _tip(column: str, name: Said, form: str = "") -> Any:
    import altair as alt

    return alt.Tooltip(f"{column}:{'Q' if form else 'N'}", title=name.both, format=form or alt.Undefined)


def _pointer(base: Any, tips: Sequence[Any]) -> Any:
    """Give the rule under the pointer that shows a day's figures."""
    import altair as alt

    nearest = alt.selection_point(nearest=True, on="pointerover", encodings=["x"], empty=False, clear="pointerout")
    return base.mark_rule(color=GREY).encode(opacity=alt.condition(nearest, alt.value(0.7), alt.value(0)), tooltip=list(tips)).add_params(nearest)
