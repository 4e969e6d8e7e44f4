"""Charts of the exchange's futures: the price with what was traded, the curve and its spreads, who holds what."""

from collections.abc import Sequence
from itertools import pairwise

from serving.research.note.charts.drawing import (
    AMOUNTS,
    BLUE,
    CNY_T,
    DAY,
    GREY,
    LOWER,
    MONTH,
    ORANGE,
    PURPLE,
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
    month_starts,
    painter,
    placed,
    pointer,
    quoted,
    signed_bars,
    tip,
    value_axis,
    y,
    zero_line,
)
from serving.research.note.known import Known, Row
from serving.research.terms import amount, term
from serving.research.wording import Said, number

LEANING = 246
"""Height of a chart whose labels lean."""
NAME = 18
"""Pixels the name of a level takes, with air: an axis ends on round figures a little beyond its data."""
LEVELS = 4
"""Levels a price chart may name."""
Level = tuple[float, Said]


def price(known: Known, levels: Sequence[Level]) -> Chart | None:
    """Draw the dominant contract: candles, means and levels above, volume and open interest below."""
    import altair as alt

    rows = known.rows(
        """
        with averaged as (
            select *,
                case when count(close_cny_t) over sixty = 60 then avg(close_cny_t) over sixty end as mean60
            from marts.fct_futures_daily
            where commodity_code = $code and trade_date <= $day and available_at <= $decision
            window sixty as (partition by contract_code order by trade_date rows between 59 preceding and current row)
        )
        select trade_date as day, contract_code, open_cny_t as open, high_cny_t as high, low_cny_t as low, close_cny_t as close, settle_cny_t as settle,
            ma20_cny_t as mean20, mean60, open_interest_lots as oi, volume_lots as volume, ret_c_ps_pct as change, source
        from averaged
        where is_dominant and trade_date >= $recent
        order by trade_date
        """,
        recent=known.sessions_back(RECENT),
    )
    if last(rows, "close") is None:
        return None
    turns = [
        {"t": str(row["day"]), "roll": f"{was['contract_code']} → {row['contract_code']}"}
        for was, row in pairwise(rows)
        if was["contract_code"] != row["contract_code"]
    ]
    drawn = apart(levels, [row[column] for row in rows for column in ("low", "high", "mean20", "mean60") if row[column] is not None])
    mean20, mean60 = Series("mean20", Said("20日均线", "20-session mean"), ORANGE), Series("mean60", Said("60日均线", "60-session mean"), PURPLE)
    interest = Series("oi", Said("持仓", "Open interest"), BLUE)
    paint = painter((mean20, mean60, interest))
    over = base(ordinal=month_starts([row["day"] for row in rows]))
    color = alt.condition("datum.close >= datum.open", alt.value(RED), alt.value(TEAL))
    candles = (
        over.mark_rule().encode(y=y("low", storey=UPPER), y2="high:Q", color=color),
        over.mark_bar(width=alt.RelativeBandSize(band=0.8)).encode(y=y("open", storey=UPPER), y2="close:Q", color=color),
    )
    means = [line(over, one, paint, storey=UPPER) for one in (mean20, mean60) if last(rows, one.column) is not None]
    names = "".join(f"abs(datum.value - {level:.4f}) < 0.01 ? {quoted(said)} : " for level, said in drawn) + "''"
    axis = alt.Axis(
        orient="right",
        values=[level for level, _ in drawn],
        labelExpr=names,
        grid=False,
        ticks=False,
        labelOverlap=False,
        labelLimit=110,
        labelColor=ORANGE,
    )
    rules = (
        alt.Chart(alt.NamedData("levels"))
        .mark_rule(strokeDash=[4, 3], color=ORANGE, opacity=0.9)
        .encode(y=alt.Y("level:Q", title=None, axis=axis, scale=alt.Scale(zero=False, range=UPPER)))
    )
    rolls = (
        alt.Chart(alt.NamedData("rolls")).mark_rule(strokeDash=[1, 3], color=GREY).encode(x=alt.X("t:O"), tooltip=tip("roll", Said("换月", "roll")))
    )
    tips = [
        tip("t", DAY),
        tip("contract_code", Said("合约", "contract")),
        *(tip(name, Said(zh, en), ",.0f") for name, zh, en in (("open", "开盘", "open"), ("high", "最高", "high"), ("low", "最低", "low"))),
        *(tip(name, term(name), ",.0f") for name in ("close",)),
        tip("settle", term("settlement"), ",.0f"),
        tip("change", Said("涨跌幅（%）", "change on the prior settlement, %"), "+.2f"),
        tip("volume", Said("成交量（手）", "volume, lots"), ",.0f"),
        tip("oi", Said("持仓量（手）", "open interest, lots"), ",.0f"),
    ]
    traded = layered(*candles, *means, *((rolls,) if turns else ()), pointer(over, tips))
    # The levels' names are an axis of their own on the right: they cover no price.
    above = layered(traded, rules, axis={"y": "independent"}) if drawn else traded
    volume = over.mark_bar(width=alt.RelativeBandSize(band=0.8), opacity=0.55).encode(
        y=y("volume", zero=True, storey=LOWER, axis=amount_axis("lots", tickCount=3, grid=False)), color=color
    )
    held = paint(over.mark_line(strokeWidth=1.8), interest).encode(
        y=y("oi", storey=LOWER, axis=amount_axis("lots", tickCount=3, grid=False, orient="right"))
    )
    shape = layered(above, volume, held, scale={"y": "independent", "color": "shared"})
    row = rows[-1]
    highest = max(one["high"] for one in rows[-60:] if one["high"] is not None)
    place = Said("，为近60日最高", ", the highest of 60 sessions") if row["high"] == highest and len(rows) >= 60 else Said("", "")
    close, moved = amount(row["close"], "CNY/t", ",.0f"), amount(row["change"], "pct", ".2f", signed=True)
    peak = amount(row["high"], "CNY/t", ",.0f")
    says = Said(
        f"{row['contract_code']}收于{close.zh}，较前结算{moved.zh}，盘中高点{peak.zh}{place.zh}；成交{amount(row['volume'], 'lots').zh}，持仓{amount(row['oi'], 'lots').zh}。",
        f"{row['contract_code']} closed at {close.en}, {moved.en} on the prior settlement, after a high of {peak.en}{place.en}; volume {amount(row['volume'], 'lots').en}, open interest {amount(row['oi'], 'lots').en}.",
    )
    unit = Said(
        f"{CNY_T.zh}；下：成交（左）、持仓（右），{AMOUNTS['lots'].zh}",
        f"{CNY_T.en}; below: volume (left), open interest (right), {AMOUNTS['lots'].en}",
    )
    return chart(
        "price", Said("主力合约：价格、成交与持仓", "Dominant contract: price, volume, open interest"), unit, says, rows, shape,
        levels=[{"level": level} for level, _ in drawn], rolls=turns,
    )  # fmt: skip


def apart(levels: Sequence[Level], prices: Sequence[float]) -> list[Level]:
    """Choose the levels a chart names: the first ones told that are within reach of the price and far enough apart for their names."""
    if not prices:
        return []
    low, high = min(prices), max(prices)
    reach = (high - low) * 0.25
    chosen: list[Level] = []
    for level, said in levels:
        span = max(high, level, *(one for one, _ in chosen)) - min(low, level, *(one for one, _ in chosen))
        is_free = all(abs(level - one) >= span * NAME / UPPER[0] for one, _ in chosen)
        if is_free and low - reach <= level <= high + reach and len(chosen) < LEVELS:
            chosen.append((level, Said(f"{number(level, ',.0f')} {said.zh.split('/')[0]}", f"{number(level, ',.0f')} {said.en.split('/')[0]}")))
    return chosen


def curve(known: Known) -> Chart | None:
    """Draw settlement prices by delivery month: on the day, a week and a month before, over open interest."""
    import altair as alt

    back = (0, WEEK, MONTH)
    days = [known.sessions[place] for place in back if place < len(known.sessions)]
    found = known.rows(
        """
        select trade_date, contract_code, delivery_month, settle_cny_t, open_interest_lots, source
        from marts.fct_futures_daily
        where commodity_code = $code and list_contains($days, trade_date) and available_at <= $decision and settle_cny_t is not null
        order by delivery_month, contract_code, trade_date desc
        """,
        days=days,
    )
    looks = (("今日", "Today", BLUE, ()), ("一周前", "A week ago", TEAL, (5, 3)), ("一月前", "A month ago", ORANGE, (2, 3)))
    series = [
        Series(f"s{place}", Said(f"{zh} {day:%m-%d}", f"{en}, {day:%m-%d}"), color, dash=dash)
        for place, (day, (zh, en, color, dash)) in enumerate(zip(days, looks, strict=False))
        if any(row["trade_date"] == day for row in found)
    ]
    contracts: dict[str, Row] = {}
    for row in found:
        place = days.index(row["trade_date"])
        one = contracts.setdefault(
            row["contract_code"], {"contract": row["contract_code"], "source": row["source"], "month": row["delivery_month"], "day": days[0]}
        )
        one[f"s{place}"] = row["settle_cny_t"]
        if place == 0:
            one["oi"] = row["open_interest_lots"]
    rows = placed(sorted((row for row in contracts.values() if "s0" in row), key=lambda row: row["month"]))
    if len(rows) < 2:
        return None
    order = [row["contract"] for row in rows]
    interest = Series("oi", Said("持仓（右轴）", "Open interest (right)"), GREY)
    paint = painter((*series, interest))
    over = alt.Chart(alt.NamedData("rows")).encode(x=alt.X("contract:O", sort=by_place(), title=None, axis=alt.Axis(labelAngle=-45)))
    bars = paint(over.mark_bar(opacity=0.28), interest).encode(
        y=y("oi", zero=True, axis=amount_axis("lots", orient="right", grid=False, tickCount=4))
    )
    lines = [
        paint(over.mark_line(strokeWidth=2, strokeDash=list(one.dash) or [1, 0], point={"size": 30, "filled": True}), one).encode(y=y(one.column))
        for one in series
    ]
    tips = [
        tip("contract", Said("合约", "contract")),
        *(tip(one.column, one.name, ",.0f") for one in series),
        tip("oi", Said("持仓量（手）", "open interest, lots"), ",.0f"),
    ]
    cover = over.mark_bar(opacity=0).encode(y=alt.value(0), y2=alt.value(LEANING), tooltip=tips)
    shape = layered(bars, layered(*lines, cover), scale={"y": "independent"})
    shapes = {"backwardation": Said("近高远低", "in backwardation"), "contango": Said("近低远高", "in contango"), "mixed": Said("高低相间", "mixed")}
    shown = known.rows(
        "select shape from marts.fct_term_structure_daily where commodity_code = $code and trade_date = $day and available_at <= $decision"
    )
    told = shapes.get(shown[0]["shape"] if shown else "", Said("", ""))
    gap = rows[0]["s0"] - rows[-1]["s0"]
    says = Said(
        f"结算价由{order[0]}的{number(rows[0]['s0'], ',.0f')}至{order[-1]}的{number(rows[-1]['s0'], ',.0f')}元/吨，首尾相差{number(gap, '+,.0f')}{'，' + told.zh if told.zh else ''}。",
        f"Settlements run from {number(rows[0]['s0'], ',.0f')} ({order[0]}) to {number(rows[-1]['s0'], ',.0f')} CNY/t ({order[-1]}), {number(gap, '+,.0f')} from first to last{', ' + told.en if told.en else ''}.",
    )
    unit = Said(f"{CNY_T.zh}；{AMOUNTS['lots'].zh}", f"{CNY_T.en}; {AMOUNTS['lots'].en}")
    return chart("curve", Said("期限结构", "Term structure"), unit, says, rows, shape, height=LEANING)


def spreads(known: Known) -> Chart | None:
    """Draw the spreads between the nearest, the dominant and the next contract over time."""
    rows = known.rows(
        """
        select trade_date as day, nearest_contract, dominant_contract, sub_dominant_contract,
            case when nearest_contract <> dominant_contract then nearest_cny_t - dominant_cny_t end as near,
            dominant_cny_t - sub_dominant_cny_t as next, (select lower(exchange) from marts.dim_commodity where commodity_code = $code) as source
        from marts.fct_term_structure_daily
        where commodity_code = $code and trade_date between $recent and $day and available_at <= $decision
        order by trade_date
        """,
        recent=known.sessions_back(RECENT),
    )
    if last(rows, "next") is None and last(rows, "near") is None:
        return None
    series = (
        Series("near", Said("近月−主力", "Nearest less dominant"), ORANGE, "+,.0f"),
        Series("next", Said("主力−次主力", "Dominant less next"), BLUE, "+,.0f"),
    )
    paint, over = painter(series), base()
    tips = [tip("t", DAY), tip("nearest_contract", Said("近月", "nearest")), tip("dominant_contract", Said("主力", "dominant")), tip("sub_dominant_contract", Said("次主力", "next")), *(tip(one.column, one.name, one.form) for one in series)]  # fmt: skip
    shape = layered(zero_line(), *(line(over, one, paint) for one in series if last(rows, one.column) is not None), pointer(over, tips))
    row = rows[-1]
    parts = [
        (f"{row[a]}−{row[b]}为{number(row[column], '+,.0f')}元/吨", f"{row[a]} less {row[b]} is {number(row[column], '+,.0f')} CNY/t")
        for column, a, b in (("near", "nearest_contract", "dominant_contract"), ("next", "dominant_contract", "sub_dominant_contract"))
        if row[column] is not None
    ]
    says = Said(
        "，".join(zh for zh, _ in parts) + "；正值为近高远低。", ", ".join(en for _, en in parts) + "; above zero the nearer month stands higher."
    )
    return chart("spreads", term("calendar_spread").title, CNY_T, says, rows, shape, zero=ZERO)


def positions(known: Known) -> Chart | None:
    """Draw the net of the printed top-20 lists of the dominant contract, with its move from day to day."""
    rows = known.rows(
        """
        select trade_date as day, contract_code, top20_net_lots as net,
            case when contract_code = lag(contract_code) over (order by trade_date) then top20_net_lots - lag(top20_net_lots) over (order by trade_date) end as moved,
            (select lower(exchange) from marts.dim_commodity where commodity_code = $code) as source
        from marts.fct_positioning_daily
        where commodity_code = $code and is_dominant and session = 'day' and trade_date between $recent and $day and available_at <= $decision
        order by trade_date
        """,
        recent=known.sessions_back(RECENT),
    )
    if last(rows, "net") is None:
        return None
    net = Series("net", term("top20_net").title, BLUE, "+,.0f", 2.0)
    paint, over = painter((net,)), base()
    tips = [
        tip("t", DAY),
        tip("contract_code", Said("合约", "contract")),
        tip("net", Said("净持仓（手）", "net, lots"), "+,.0f"),
        tip("moved", Said("日变化（手）", "on the day, lots"), "+,.0f"),
    ]
    shape = layered(
        zero_line(),
        line(over, net, paint, axis=amount_axis("lots"), storey=UPPER),
        pointer(over, tips),
    )
    below = signed_bars(over, "moved", axis=amount_axis("lots", tickCount=3, grid=False, orient="left"), storey=LOWER)
    row = next(one for one in reversed(rows) if one["net"] is not None)
    moved = amount(row["moved"], "lots", signed=True)
    says = Said(
        f"{row['contract_code']}前20净持仓{amount(row['net'], 'lots', signed=True).zh}，较前一日{moved.zh}；两榜会员不同，不代表全市场净头寸。",
        f"The lists of {row['contract_code']} net {amount(row['net'], 'lots', signed=True).en}, {moved.en} on the day; they name different members, so this is no net of the market.",
    )
    return chart("positions", term("top20_net").title, AMOUNTS["lots"], says, rows, layered(shape, below, scale={"y": "independent"}), zero=ZERO)


def members(known: Known) -> Chart | None:
    """Draw how the five largest members of each list changed their position on the day."""
    import altair as alt

    rows = known.rows(
        """
        select trade_date as day, contract_code, board, rank, participant as member, position_lots as held, position_change_lots as moved, source
        from marts.fct_members_daily
        where commodity_code = $code and trade_date = (
                select max(trade_date) from marts.fct_members_daily where commodity_code = $code and trade_date <= $day and available_at <= $decision
            )
            and available_at <= $decision and rank <= 5
            and contract_code = (
                select any_value(contract_code) from marts.fct_futures_daily
                where commodity_code = $code and is_dominant and trade_date = (
                    select max(trade_date) from marts.fct_members_daily where commodity_code = $code and trade_date <= $day and available_at <= $decision
                )
            )
        order by board, rank
        """
    )
    if last(rows, "moved") is None:
        return None
    sides = {"long": Said("多头", "long"), "short": Said("空头", "short")}
    named = [row | {"side": sides[row["board"]].both, "name": f"{sides[row['board']].both} {row['rank']}  {row['member']}"} for row in rows]
    told = placed(named)
    over = alt.Chart(alt.NamedData("rows")).encode(y=alt.Y("name:N", sort=by_place(), title=None, axis=alt.Axis(labelLimit=170)))
    color = alt.Color("side:N", scale=alt.Scale(domain=[said.both for said in sides.values()], range=[RED, TEAL]), legend=alt.Legend(columns=2))
    tips = [
        tip("member", Said("会员", "member")),
        tip("held", Said("持仓（手）", "position, lots"), ",.0f"),
        tip("moved", Said("日变化（手）", "on the day, lots"), "+,.0f"),
    ]
    bars = over.mark_bar(opacity=0.8).encode(x=alt.X("moved:Q", title=None, axis=value_axis("+,.0f")), color=color, tooltip=tips)
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(color=GREY).encode(x=alt.X("zero:Q"))
    sums = {board: sum(row["moved"] or 0 for row in rows if row["board"] == board) for board in sides}
    says = Said(
        f"{rows[0]['contract_code']}多头前五合计{amount(sums['long'], 'lots', signed=True).zh}，空头前五合计{amount(sums['short'], 'lots', signed=True).zh}（较前一日）。",
        f"In {rows[0]['contract_code']} the five largest longs moved {amount(sums['long'], 'lots', signed=True).en} on the day, the five largest shorts {amount(sums['short'], 'lots', signed=True).en}.",
    )
    return chart(
        "members",
        Said("前五会员持仓变化", "The five largest members, change on the day"),
        Said("手", "lots"),
        says,
        told,
        layered(bars, zero),
        zero=ZERO,
    )
