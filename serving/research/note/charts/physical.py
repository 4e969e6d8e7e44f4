"""Charts of the physical market: spot with premium, regions, profit, the import margin by port, trade."""

from datetime import date
from typing import Any

from serving.research.note.charts.drawing import (
    AMOUNTS,
    BLUE,
    CNY_T,
    DAY,
    GREY,
    HEIGHT,
    LOWER,
    ORANGE,
    PALETTE,
    PINK,
    RECENT,
    RED,
    TEAL,
    UPPER,
    WEEK,
    ZERO,
    Chart,
    Series,
    amount_axis,
    base,
    by_place,
    chart,
    last,
    layered,
    line,
    painter,
    placed,
    pointer,
    signed_bars,
    tip,
    value_axis,
    wide,
    y,
    zero_line,
)
from serving.research.note.known import Known
from serving.research.terms import amount, term
from serving.research.wording import Said, number

LEGS = 4
"""Import legs told apart, those that pay best."""


def premium(known: Known) -> Chart | None:
    """Draw the spot index with the futures close above, the premium between them below."""
    rows = known.rows(
        """
        with legs as (
            select trade_date, futures_leg, premium_cny_t, premium_rate_pct, futures_cny_t, spot_cny_t, provider
            from marts.fct_basis_daily
            where commodity_code = $code and spot_leg = 'natl' and trade_date between $recent and $day and available_at <= $decision
            qualify row_number() over (partition by trade_date, futures_leg order by price_source, provider) = 1
        )
        select trade_date as day,
            concat_ws(';', (select lower(exchange) from marts.dim_commodity where commodity_code = $code), any_value(provider)) as source,
            any_value(spot_cny_t) as spot,
            any_value(futures_cny_t) filter (futures_leg = 'close') as futures,
            any_value(premium_cny_t) filter (futures_leg = 'close') as premium,
            any_value(premium_rate_pct) filter (futures_leg = 'close') as rate,
            any_value(premium_cny_t) filter (futures_leg = 'settle') as settled,
            any_value(premium_cny_t) filter (futures_leg = 't1130') as noon
        from legs group by trade_date order by trade_date
        """,
        recent=known.sessions_back(RECENT),
    )
    if last(rows, "premium") is None:
        return None
    spot, futures, noon = (
        Series("spot", term("spot_index").title, ORANGE, ",.2f", 2.2),
        Series("futures", Said("期货收盘（主力）", "Futures close"), BLUE),
        Series("noon", Said("升水，11:30", "Premium at 11:30"), PINK, "+,.0f", 1.4),
    )
    has_noon = last(rows, "noon") is not None
    paint, over = painter((spot, futures, *((noon,) if has_noon else ()))), base()
    tips = [
        tip("t", DAY),
        tip("spot", spot.name, ",.2f"),
        tip("futures", futures.name, ",.0f"),
        tip("premium", Said("升水（收盘）", "premium at the close"), "+,.0f"),
        tip("settled", Said("升水（结算）", "premium at settlement"), "+,.0f"),
        tip("noon", noon.name, "+,.0f"),
        tip("rate", Said("升水率（%）", "premium rate, %"), "+.2f"),
    ]
    above = layered(line(over, futures, paint, storey=UPPER), line(over, spot, paint, storey=UPPER), pointer(over, tips))
    axis = value_axis("+,.0f", tickCount=3, grid=False, orient="left")
    bars = signed_bars(over, "premium", axis=axis, storey=LOWER)
    below = layered(bars, *((line(over, noon, paint, storey=LOWER, axis=axis, zero=True),) if has_noon else ()))
    row = next(one for one in reversed(rows) if one["premium"] is not None)
    at_noon = (
        Said("", "") if row["noon"] is None else Said(f"，11:30口径{number(row['noon'], '+,.0f')}", f", {number(row['noon'], '+,.0f')} at 11:30")
    )
    side = Said("升水", "above") if row["premium"] >= 0 else Said("贴水", "below")
    says = Said(
        f"现货指数{number(row['spot'], ',.2f')}元/吨，期货收盘{side.zh}{number(abs(row['premium']), ',.0f')}元/吨（{number(row['rate'], '+.2f')}%）{at_noon.zh}。",
        f"The spot index is {number(row['spot'], ',.2f')} CNY/t; futures closed {number(abs(row['premium']), ',.0f')} CNY/t {side.en} it ({number(row['rate'], '+.2f')}%){at_noon.en}.",
    )
    unit = Said(f"{CNY_T.zh}；下：升水（收盘，柱）", f"{CNY_T.en}; below: premium at the close, bars")
    shape = layered(above, below, scale={"y": "independent", "color": "shared"})
    return chart("premium", Said("现货指数与期货升水", "Spot index and futures premium"), unit, says, rows, shape)


def regions(known: Known) -> Chart | None:
    """Draw the range quoted in each region on the newest day, with its average and that of a week before."""
    import altair as alt

    back = known.sessions[min(WEEK, len(known.sessions) - 1)]
    found = known.rows(
        """
        with quoted as (
            select trade_date, region, provider, spot_cny_t as price, spot_low_cny_t as low, spot_high_cny_t as high
            from marts.fct_spot_daily
            where commodity_code = $code and frequency = 'daily' and trade_date <= $day and available_at <= $decision and spot_cny_t is not null
            qualify row_number() over (partition by trade_date, region order by provider) = 1
        )
        select now.region, now.provider as source, now.trade_date as day, now.price, now.low, now.high,
            (select arg_max(price, trade_date) from quoted as before where before.region = now.region and before.trade_date <= $back) as before
        from quoted as now
        where now.trade_date = (select max(trade_date) from quoted)
        order by now.price desc, now.region
        """,
        back=back,
    )
    if len(found) < 2:
        return None
    named = [
        row | {"name": known.region(row["region"]).both, "low": row["low"] or row["price"], "high": row["high"] or row["price"]} for row in found
    ]
    rows = placed(named)
    now, before = Series("price", Said("均价", "Average"), BLUE), Series("before", Said(f"{back:%m-%d}均价", f"Average of {back:%m-%d}"), GREY)
    paint = painter((now, before))
    over = alt.Chart(alt.NamedData("rows")).encode(y=alt.Y("name:N", sort=by_place(), title=None, axis=alt.Axis(labelLimit=130)))
    tips = [tip("name", Said("地区", "region")), *(tip(name, Said(zh, en), ",.2f") for name, zh, en in (("price", "均价", "average"), ("low", "最低", "low"), ("high", "最高", "high"), ("before", f"{back:%m-%d}", f"{back:%m-%d}")))]  # fmt: skip
    place = alt.X("low:Q", title=None, scale=alt.Scale(zero=False, padding=12), axis=value_axis())
    bars = over.mark_bar(height=9, opacity=0.35, color=BLUE).encode(x=place, x2="high:Q", tooltip=tips)
    points = [
        paint(over.mark_point(filled=one is now, size=70, strokeWidth=1.6), one).encode(x=alt.X(f"{one.column}:Q"), tooltip=tips)
        for one in (before, now)
    ]
    own = [row for row in rows if row["region"] != "national"] or rows
    rising = sum(row["before"] is not None and row["price"] > row["before"] for row in own)
    first, least = own[0], own[-1]
    says = Said(
        f"{known.region(first['region']).zh}最高（{number(first['price'], ',.0f')}），{known.region(least['region']).zh}最低（{number(least['price'], ',.0f')}），相差{number(first['price'] - least['price'], ',.0f')}元/吨；{len(own)}地中{rising}地高于{back:%m-%d}。",
        f"{known.region(first['region']).en} is dearest ({number(first['price'], ',.0f')}), {known.region(least['region']).en} cheapest ({number(least['price'], ',.0f')}), {number(first['price'] - least['price'], ',.0f')} CNY/t apart; {rising} of {len(own)} regions stand above {back:%m-%d}.",
    )
    unit = Said(f"{CNY_T.zh}；条为报价区间", f"{CNY_T.en}; bars: the range quoted")
    return chart("regions", Said("各地现货：报价区间", "Spot by region: ranges quoted"), unit, says, rows, layered(bars, *points))


def profit(known: Known) -> Chart | None:
    """Draw the profit by the vendor's daily model as the difference it is."""
    rows = known.rows(
        """
        select trade_date as day, spot_cny_t as spot, cost_full_cny_t as cost, profit_cny_t as profit, margin_pct as margin, provider as source
        from marts.fct_margin_daily
        where commodity_code = $code and region = 'national' and frequency = 'daily' and model_id <> 'public' and trade_date between $first and $day
            and available_at <= $decision and profit_cny_t is not null
        qualify row_number() over (partition by trade_date order by provider, model_id) = 1
        order by trade_date
        """
    )
    if last(rows, "profit") is None:
        return None
    over = base()
    tips = [
        tip("t", DAY),
        tip("profit", term("profit"), "+,.2f"),
        tip("spot", term("spot_index"), ",.2f"),
        tip("cost", term("full_cost"), ",.0f"),
        tip("margin", Said("利润率（%）", "margin over cost, %"), "+.1f"),
    ]
    shape = layered(
        *_two_sided(over, "profit", RED, TEAL),
        zero_line(),
        over.mark_line(strokeWidth=2, color=GREY).encode(y=y("profit", axis=value_axis("+,.0f"))),
        pointer(over, tips),
    )
    row = rows[-1]
    says = Said(
        f"现货{number(row['spot'], ',.2f')}减完全成本{number(row['cost'], ',.0f')}，利润{number(row['profit'], '+,.2f')}元/吨，利润率{number(row['margin'], '+.1f')}%。",
        f"Spot at {number(row['spot'], ',.2f')} less a full cost of {number(row['cost'], ',.0f')} leaves {number(row['profit'], '+,.2f')} CNY/t, {number(row['margin'], '+.1f')} % of cost.",
    )
    return chart("profit", Said("生产利润（现货−完全成本）", "Profit: spot less full cost"), CNY_T, says, rows, shape, zero=ZERO)


def _two_sided(over: Any, column: str, above: str, below: str) -> list[Any]:
    """Shade the area between a line and zero, above in one colour and below in another."""
    import altair as alt

    return [
        over.transform_calculate(edge=f"{side}(datum.{column}, 0)")
        .mark_area(opacity=0.3, color=color)
        .encode(y=alt.Y("edge:Q", title=None, axis=value_axis("+,.0f")), y2=alt.datum(0))
        for side, color in (("max", above), ("min", below))
    ]


def imports(known: Known) -> Chart | None:
    """Draw what an import earns by port leg, shaded where its window is open."""
    import altair as alt

    found = known.rows(
        """
        select trade_date as day, import_leg as leg, import_profit_cny_t as earns, provider as source
        from marts.fct_import_parity_daily
        where commodity_code = $code and trade_date between $first and $day and available_at <= $decision and import_profit_cny_t is not null
            and (import_leg <> 'none' or spot_leg = 'natl')
        qualify row_number() over (partition by trade_date, import_leg order by provider) = 1
        order by trade_date, import_leg
        """
    )
    if not found:
        return None
    newest = {row["leg"]: row["earns"] for row in found}
    legs = sorted((leg for leg in newest if leg != "none"), key=lambda leg: -newest[leg])[:LEGS]
    shown = [*legs, *(["none"] if "none" in newest else [])]
    names = {leg: Said("全国指数（参考）", "National index, for information") if leg == "none" else _leg(known, leg) for leg in shown}
    series = wide(
        tuple(
            Series(f"l{place}", names[leg], GREY if leg == "none" else PALETTE[place], "+,.0f", dash=(4, 3) if leg == "none" else ())
            for place, leg in enumerate(shown)
        )
    )
    days: dict[date, dict[str, Any]] = {}
    for row in found:
        if row["leg"] in shown:
            days.setdefault(row["day"], {"day": row["day"], "source": row["source"]})[f"l{shown.index(row['leg'])}"] = row["earns"]
    rows = list(days.values())
    paint, over = painter(series), base()
    shades = [
        over.transform_calculate(edge=f"max(datum.{one.column}, 0)")
        .mark_area(opacity=0.2, color=one.color)
        .encode(y=alt.Y("edge:Q", title=None, axis=value_axis("+,.0f")), y2=alt.datum(0))
        for one, leg in zip(series, shown, strict=True)
        if leg != "none"
    ]
    tips = [tip("t", DAY), *(tip(one.column, one.name, "+,.2f") for one in series)]
    shape = layered(*shades, zero_line(), *(line(over, one, paint, axis=value_axis("+,.0f")) for one in series), pointer(over, tips))
    best = legs[0] if legs else "none"
    opened = [leg for leg in legs if newest[leg] > 0]
    state = (
        Said(f"{len(legs)}条路线中{len(opened)}条打开", f"{len(opened)} of {len(legs)} routes open")
        if opened
        else Said("各路线均未打开", "no route open")
    )
    says = Said(
        f"最优路线{names[best].zh}盈亏{number(newest[best], '+,.2f')}元/吨，{state.zh}；零轴以上着色为窗口打开。",
        f"The best route, {names[best].en}, earns {number(newest[best], '+,.2f')} CNY/t; {state.en}. Shaded above zero the window is open.",
    )
    return chart("imports", Said("进口盈亏（现货−进口平价）", "Import margin: spot less import parity"), CNY_T, says, rows, shape, zero=ZERO)


def _leg(known: Known, leg: str) -> Said:
    origin, _, *rest = [*leg.split(">"), "", ""][:4] if leg.count(">") == 3 else (leg, "", "", "")
    ends = [known.region(part) for part in (origin, rest[-1] or rest[0]) if part]
    return Said("→".join(one.zh for one in ends), " to ".join(one.en for one in ends))


def trade(known: Known) -> Chart | None:
    """Draw imports above and exports below zero by month, and the net."""
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
    if last(rows, "net") is None:
        return None
    series = (
        Series("imports", term("imports").title, BLUE),
        Series("exports", term("exports").title, ORANGE),
        Series("net", term("net_imports").title, PINK),
    )
    paint, over = painter(series), base()
    size = alt.RelativeBandSize(band=0.7)
    x = alt.X("t:T", timeUnit="utcyearmonth", title=None, axis=alt.Axis(format="%Y-%m", labelOverlap=True))
    bars = [
        paint(over.mark_bar(width=size, opacity=0.75), one).encode(x=x, y=alt.Y(f"{column}:Q", title=None, axis=amount_axis("t")))
        for one, column in ((series[0], "imports"), (series[1], "below"))
    ]
    middle = x.bandPosition(0.5)  # over the middle of its month, as the bars are, not over its first day
    net = paint(over.mark_line(point={"size": 26, "filled": True}, strokeWidth=2), series[2]).encode(x=middle, y="net:Q")
    tips = [tip("month", Said("月份", "month")), *(tip(one.column, Said(f"{one.name.zh}（吨）", f"{one.name.en}, t"), ",.0f") for one in series)]
    cover = over.mark_bar(width=size, opacity=0).encode(x=x.copy(), y=alt.value(0), y2=alt.value(HEIGHT), tooltip=tips)
    told = [row | {"month": f"{row['day']:%Y-%m}"} for row in rows]
    row = next(one for one in reversed(rows) if one["net"] is not None)
    says = Said(
        f"{row['day'].year}年{row['day'].month}月进口{amount(row['imports'], 't', ',.0f').zh}、出口{amount(row['exports'], 't', ',.0f').zh}，净进口{amount(row['net'], 't', ',.0f', signed=True).zh}。",
        f"In {row['day']:%Y-%m} imports were {amount(row['imports'], 't', ',.0f').en}, exports {amount(row['exports'], 't', ',.0f').en}, net {amount(row['net'], 't', ',.0f', signed=True).en}.",
    )
    unit = Said(f"{AMOUNTS['t'].zh}/月；出口在零轴下方", f"{AMOUNTS['t'].en} a month; exports below zero")
    return chart("trade", Said("进出口", "Trade"), unit, says, told, layered(*bars, net, cover), until=f"{rows[-1]['day']:%Y-%m}")
