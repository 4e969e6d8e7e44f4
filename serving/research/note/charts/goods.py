"""Charts of what lies in warehouses: receipts by region with their daily changes, and this year against the ones before."""

from collections.abc import Sequence
from datetime import date

from serving.research.note.charts.drawing import (
    AMOUNTS,
    BLUE,
    CNY_T,
    DAY,
    GREY,
    LOWER,
    ORANGE,
    PALETTE,
    PURPLE,
    RECENT,
    TEAL,
    UPPER,
    Chart,
    amount_axis,
    base,
    chart,
    last,
    layered,
    pointer,
    signed_bars,
    tip,
    value_axis,
    y,
)
from serving.research.note.known import Known, Row
from serving.research.terms import amount, term
from serving.research.wording import Said, number

YEARS = 3
"""Years before this one that a seasonal chart shows."""
REGIONS = 6
"""Regions told apart; the smallest are one."""


def receipts(known: Known) -> Chart | None:
    """Draw registered receipts stacked by region, their daily change below, and the last trading days passed."""
    import altair as alt

    rows = known.rows(
        """
        select trade_date as day, receipts_t as total, receipts_change_t as moved, percentile_since_first_nonzero_ratio as rank, days_since_ltd,
            delivered_contract, source
        from marts.fct_receipts_daily
        where commodity_code = $code and trade_date between $recent and $day and available_at <= $decision
        order by trade_date
        """,
        recent=known.sessions_back(RECENT),
    )
    if last(rows, "total") is None:
        return None
    by_region = known.rows(
        """
        select trade_date as day, region, max(region_receipts_t) as held
        from marts.fct_receipts_warehouse_daily
        where commodity_code = $code and trade_date between $recent and $day and available_at <= $decision and region_receipts_t is not null
        group by all order by trade_date, region
        """,
        recent=known.sessions_back(RECENT),
    )
    sizes: dict[str, float] = {}
    for row in by_region:
        sizes[row["region"]] = sizes.get(row["region"], 0.0) + row["held"]
    largest = sorted(sizes, key=lambda region: -sizes[region])[:REGIONS]
    names = {region: known.region(region) for region in largest} | {"": Said("其他", "Other")}
    parts: dict[tuple[date, str], float] = {}
    for row in by_region:
        key = (row["day"], row["region"] if row["region"] in largest else "")
        parts[key] = parts.get(key, 0.0) + row["held"]
    shown = [*largest, *([""] if len(sizes) > len(largest) else [])] if len(sizes) > 1 else []  # one region alone is the total
    stack = [
        {"t": str(day), "place": shown.index(region), "series": names[region].both, "held": held} for (day, region), held in parts.items() if shown
    ]
    turns = [{"t": str(row["day"]), "of": row["delivered_contract"]} for row in rows if row["days_since_ltd"] == 0]
    over = base()
    scale = alt.Scale(domain=[names[region].both for region in shown], range=list(PALETTE[: len(shown)]))
    area = base("regions").mark_area(opacity=0.75).encode(
        y=alt.Y("held:Q", stack=True, title=None, axis=amount_axis("t"), scale=alt.Scale(zero=True, range=UPPER)),
        color=alt.Color("series:N", scale=scale, legend=alt.Legend(columns=4)),
        order=alt.Order("place:Q"),
    )  # fmt: skip
    total = over.mark_line(strokeWidth=2, color=GREY).encode(y=y("total", zero=True, storey=UPPER, axis=amount_axis("t")))
    marks = (
        alt.Chart(alt.NamedData("turns"))
        .mark_rule(strokeDash=[2, 3], color=ORANGE)
        .encode(x=alt.X("t:T"), tooltip=tip("of", term("last_trading_day")))
    )
    tips = [
        tip("t", DAY),
        tip("total", Said("仓单（吨）", "receipts, t"), ",.0f"),
        tip("moved", Said("日变化（吨）", "on the day, t"), "+,.0f"),
        tip("rank", Said("首次注册以来分位", "percentile since first"), ".1%"),
    ]
    above = layered(*((area,) if stack else ()), total, *((marks,) if turns else ()), pointer(over, tips))
    below = signed_bars(over, "moved", axis=amount_axis("t", tickCount=3, grid=False, orient="left"), storey=LOWER)
    row = next(one for one in reversed(rows) if one["total"] is not None)
    change = amount(row["moved"], "t", ",.0f", signed=True)
    moved = Said("与前一日持平", "unchanged on the day") if row["moved"] == 0 else Said(f"较前一日{change.zh}", f"{change.en} on the day")
    rank = (
        Said("", "")
        if row["rank"] is None
        else Said(f"，为首次注册以来{number(row['rank'], '.1%')}分位", f", at {number(row['rank'], '.1%')} of all days since the first")
    )
    says = Said(
        f"注册仓单{amount(row['total'], 't', ',.0f').zh}，{moved.zh}{rank.zh}；橙色虚线为最后交易日。",
        f"Registered receipts are {amount(row['total'], 't', ',.0f').en}, {moved.en}{rank.en}; dashed: last trading days.",
    )
    unit = Said(f"{AMOUNTS['t'].zh}；下：日变化", f"{AMOUNTS['t'].en}; below: change on the day")
    shape = layered(above, below, scale={"y": "independent"})
    return chart(
        "receipts",
        Said("注册仓单：地区与日变化", "Registered receipts by region and daily change")
        if stack
        else Said("注册仓单与日变化", "Registered receipts and daily change"),
        unit,
        says,
        rows,
        shape,
        regions=stack,
        turns=turns,
    )


def season_receipts(known: Known) -> Chart | None:
    """Draw registered receipts of this year against the years before."""
    rows = known.rows(
        """
        select trade_date as day, receipts_t as figure, source from marts.fct_receipts_daily
        where commodity_code = $code and trade_date between $begin and $day and available_at <= $decision and receipts_t is not null
        order by trade_date
        """,
        begin=_begin(known),
    )
    return _season("season_receipts", Said("注册仓单：季节性", "Registered receipts: the season"), "t", rows, known)


def season_stocks(known: Known) -> Chart | None:
    """Draw the stocks of the works that use the product, or else all, of this year against the years before."""
    rows = known.rows(
        """
        with stocks as (
            select period_end as day, stock_kt as figure, provider as source, stock_kind, provider
            from marts.fct_inventory
            where commodity_code = $code and region = 'national' and period_end between $begin and $day and available_at <= $decision and stock_kt is not null
        ),
        chosen as (select stock_kind, provider from stocks group by stock_kind, provider order by stock_kind <> 'smelter', count(*) desc, provider limit 1)
        select day, figure, source from stocks inner join chosen using (stock_kind, provider) order by day
        """,
        begin=_begin(known),
    )
    return _season("season_stocks", Said("下游原料库存：季节性", "Stocks of the users: the season"), "kt", rows, known)


def season_basis(known: Known) -> Chart | None:
    """Draw the basis at the close of this year against the years before."""
    rows = known.rows(
        """
        select trade_date as day, basis_cny_t as figure, provider as source
        from marts.fct_basis_daily
        where commodity_code = $code and spot_leg = 'natl' and futures_leg = 'close' and trade_date between $begin and $day and available_at <= $decision
            and basis_cny_t is not null
        qualify row_number() over (partition by trade_date order by price_source, provider) = 1
        order by trade_date
        """,
        begin=_begin(known),
    )
    return _season("season_basis", Said("基差（现货−期货收盘）：季节性", "Basis, spot less futures at the close: the season"), "CNY/t", rows, known)


def _begin(known: Known) -> date:
    return date(known.day.year - YEARS, 1, 1)


def _season(key: str, title: Said, unit: str, rows: Sequence[Row], known: Known) -> Chart | None:
    import altair as alt

    if last(rows, "figure") is None:
        return None
    # All years on the days of one leap year.
    told = [row | {"at": f"2024-{row['day']:%m-%d}", "year": str(row["day"].year)} for row in rows]
    years = sorted({row["year"] for row in told}, reverse=True)
    looks = (BLUE, ORANGE, TEAL, PURPLE)
    scale = alt.Scale(domain=years, range=list(looks[: len(years)]))
    axis = value_axis() if unit == "CNY/t" else amount_axis(unit)
    over = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("at:T", scale=alt.Scale(type="utc"), title=None, axis=alt.Axis(format="%m", tickCount="month", labelOverlap=True))
    )
    lines = over.mark_line().encode(
        y=y("figure", zero=unit == "t", axis=axis),
        color=alt.Color("year:N", scale=scale, legend=alt.Legend(columns=4)),
        strokeWidth=alt.condition(f"datum.year == '{years[0]}'", alt.value(2.6), alt.value(1.4)),
        detail="year:N",
    )
    form = "+,.0f" if unit == "CNY/t" else ",.0f"
    near = alt.selection_point(nearest=True, on="pointerover", encodings=["x"], empty=False, clear="pointerout")
    tips = [tip("t", DAY), tip("figure", title, form)]
    dots = over.mark_point(filled=True, size=50).encode(
        y=y("figure", zero=unit == "t", axis=axis),
        color=alt.Color("year:N", scale=scale),
        opacity=alt.condition(near, alt.value(1), alt.value(0)),
        tooltip=tips,
    )
    now = rows[-1]
    same = {
        year: min(
            (row for row in told if row["year"] == year), key=lambda row: abs((row["day"].replace(year=2024) - now["day"].replace(year=2024)).days)
        )
        for year in years[1:]
    }
    same = {year: row for year, row in same.items() if abs((row["day"].replace(year=2024) - now["day"].replace(year=2024)).days) <= 10}
    signed = unit == "CNY/t"
    before = Said(
        "；".join(f"{year}年同期{amount(row['figure'], unit, ',.0f', signed=signed).zh}" for year, row in same.items()),
        "; ".join(f"{amount(row['figure'], unit, ',.0f', signed=signed).en} at this time of {year}" for year, row in same.items()),
    )
    told_now = amount(now["figure"], unit, ",.0f", signed=signed)
    says = Said(
        f"{now['day']:%m-%d}为{told_now.zh}{'；' + before.zh if before.zh else ''}。",
        f"{told_now.en} on {now['day']:%m-%d}{'; ' + before.en if before.en else ''}.",
    )
    named = CNY_T if unit == "CNY/t" else AMOUNTS[unit]
    return chart(key, title, named, says, told, layered(lines, dots.add_params(near)))
