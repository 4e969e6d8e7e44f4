"""Charts of what was said: the parts of the score over time, and how the statements fared by outcomes known on the day."""

from serving.research.note.charts.drawing import (
    BLUE,
    DAY,
    GREY,
    ORANGE,
    PURPLE,
    RECENT,
    RED,
    TEAL,
    ZERO,
    Chart,
    Series,
    base,
    chart,
    last,
    layered,
    painter,
    pointer,
    tip,
    value_axis,
    y,
    zero_line,
)
from serving.research.note.known import Known
from serving.research.terms import term
from serving.research.wording import BLOCKS, HORIZONS, Said, number

CALLS = 20
"""Outcomes of probabilities that a reliability diagram takes at least."""
OF_A_DOT = 5
"""Outcomes that one of its dots stands for at least."""


def score(known: Known) -> Chart | None:
    """Draw what each block added to the sentiment score, day by day, under the score."""
    import altair as alt

    rows = known.rows(
        """
        select as_of_date as day, score, contribution_policy as policy, contribution_receipts as receipts, contribution_money as money,
            contribution_fundamentals as fundamentals
        from marts.fct_sentiment_daily
        where commodity_code = $code and as_of_date between $recent and $day and decision_at <= $decision
        order by as_of_date
        """,
        recent=known.sessions_back(RECENT),
    )
    if last(rows, "score") is None:
        return None
    looks = {"policy": ORANGE, "receipts": TEAL, "money": BLUE, "fundamentals": PURPLE}
    parts = [
        {"t": str(row["day"]), "series": BLOCKS[block].both, "adds": round(row[block], 3)}
        for row in rows
        for block in looks
        if row[block] is not None
    ]
    scale = alt.Scale(domain=[BLOCKS[block].both for block in looks], range=list(looks.values()))
    over = base()
    bars = base("parts").mark_bar(opacity=0.75, size=4).encode(
        y=alt.Y("adds:Q", stack="zero", title=None, axis=value_axis("+,.0f")), color=alt.Color("series:N", scale=scale, legend=alt.Legend(columns=2))
    )  # fmt: skip
    total = over.mark_line(strokeWidth=2.2, color=RED).encode(y=y("score", zero=True, axis=value_axis("+,.0f")))
    tips = [tip("t", DAY), tip("score", term("sentiment"), "+.1f"), *(tip(block, BLOCKS[block], "+.1f") for block in looks)]
    row = next(one for one in reversed(rows) if one["score"] is not None)
    most = max(looks, key=lambda block: abs(row[block] or 0.0))
    says = Said(
        f"评分{number(row['score'], '+.1f')}（红线），{BLOCKS[most].zh}的贡献最大（{number(row[most], '+.1f')}）；状态描述，非预测。",
        f"The score is {number(row['score'], '+.1f')} (red line); {BLOCKS[most].en.lower()} adds most ({number(row[most], '+.1f')}). A state, no forecast.",
    )
    return chart(
        "score",
        Said("情绪评分的构成", "Parts of the sentiment score"),
        Said("分", "points"),
        says,
        rows,
        layered(bars, zero_line(), total, pointer(over, tips)),
        parts=parts,
        zero=ZERO,
    )


def record(known: Known) -> Chart | None:
    """Draw how the probabilities fared; where there are none, how many outcomes fell within the 80 % interval."""
    rows = known.rows(
        """
        select known_date as day, horizon, probability_up as p, outcome_pct > 0 as rose, is_inside_interval as inside
        from serving.outlook_track
        where commodity_code = $code and known_date <= $day and as_of_date < $day and outcome_pct is not null
        order by known_date, as_of_date
        """
    )
    called = [row for row in rows if row["p"] is not None]
    return reliability(called) if len(called) >= CALLS else _coverage([row for row in rows if row["inside"] is not None])


def reliability(rows: list[dict]) -> Chart:
    """Draw how often what was given a probability came; `rows` have `day`, `p` and `rose`."""
    import altair as alt

    bins: dict[float, list[dict]] = {}
    for row in rows:
        bins.setdefault(round(row["p"] * 20) / 20, []).append(row)
    points = [
        {
            "day": rows[-1]["day"],
            "said": sum(row["p"] for row in found) / len(found),
            "came": sum(row["rose"] for row in found) / len(found),
            "n": len(found),
        }
        for _, found in sorted(bins.items())
        if len(found) >= OF_A_DOT
    ]
    over = alt.Chart(alt.NamedData("rows"))
    ideal = alt.Chart(alt.NamedData("ideal")).mark_line(color=GREY, strokeDash=[4, 3]).encode(x="said:Q", y="came:Q")
    axis = alt.Axis(format=".0%")
    tips = [tip("said", Said("所述概率", "said"), ".0%"), tip("came", Said("实际占比", "came"), ".0%"), tip("n", Said("次数", "outcomes"), ",.0f")]
    dots = over.mark_circle(color=BLUE, opacity=0.8).encode(
        x=alt.X(
            "said:Q",
            title=Said("所述上涨概率", "probability said").both,
            axis=alt.Axis(format=".0%", tickCount=5),
            scale=alt.Scale(domain=[0.3, 0.7]),
        ),
        y=alt.Y("came:Q", title=Said("实际上涨占比", "share that rose").both, axis=axis, scale=alt.Scale(domain=[0, 1])),
        size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[40, 400])),
        tooltip=tips,
    )
    told = [
        (
            zh,
            en,
            len(found),
            number(sum(row["rose"] for row in found) / len(found), ".0%"),
            number(sum(row["p"] for row in found) / len(found), ".0%"),
        )
        for zh, en, found in (
            ("看涨", "above a half", [row for row in rows if row["p"] > 0.5]),
            ("看跌", "below a half", [row for row in rows if row["p"] < 0.5]),
        )
        if found
    ]
    says = Said(
        "；".join(f"{zh}的{count}次中实际上涨{rose}（平均所述{said}）" for zh, _, count, rose, said in told) + "。点在虚线上即概率可信。",
        "; ".join(f"{rose} of {count} rose with a probability {en} ({said} said on average)" for _, en, count, rose, said in told)
        + ". On the dashed line a probability means what it says.",
    )
    ideal_rows = [{"said": 0.3, "came": 0.3}, {"said": 0.7, "came": 0.7}]
    return chart(
        "record",
        Said("概率的可靠性", "Reliability of the probabilities"),
        Said("占比", "share"),
        says,
        points,
        layered(ideal, dots),
        ideal=ideal_rows,
    )


def _coverage(rows: list[dict]) -> Chart | None:
    import altair as alt

    if not rows:
        return None
    looks = {"short": BLUE, "medium": ORANGE, "long": TEAL}
    told: list[dict] = []
    counts: dict[str, list[int]] = {}
    for row in rows:
        count = counts.setdefault(row["horizon"], [0, 0])
        count[0] += row["inside"]
        count[1] += 1
        if count[1] >= 20:  # a share of a few outcomes says nothing
            point = {"day": row["day"], "horizon": row["horizon"], "share": count[0] / count[1], "n": count[1]}
            if told and (told[-1]["day"], told[-1]["horizon"]) == (row["day"], row["horizon"]):
                told[-1] = point
            else:
                told.append(point)
    if not told:
        return None
    series = [Series(name, HORIZONS[name], color) for name, color in looks.items() if counts.get(name, [0, 0])[1] >= 20]
    paint, over = painter(series), base()
    lines = [
        paint(over.transform_filter(f"datum.horizon == '{one.column}'").mark_line(strokeWidth=2), one).encode(
            y=alt.Y("share:Q", title=None, axis=value_axis(".0%"), scale=alt.Scale(domain=[0.4, 1.0], clamp=True))
        )
        for one in series
    ]
    goal = alt.Chart(alt.NamedData("goal")).mark_rule(color=GREY, strokeDash=[4, 3]).encode(y=alt.Y("share:Q"))
    tips = [tip("t", DAY), tip("share", Said("落在区间内", "within the interval"), ".0%"), tip("n", Said("已知结果", "outcomes known"), ",.0f")]
    shape = layered(goal, *lines, pointer(over, tips))
    parts = [(HORIZONS[one.column], counts[one.column]) for one in series]
    says = Said(
        "，".join(f"{name.zh}{count[1]}次结果中{number(count[0] / count[1], '.0%')}落在80%区间内" for name, count in parts)
        + "；尚无概率，以区间覆盖率代替。结果相互重叠。",
        "; ".join(f"{name.en}: {number(count[0] / count[1], '.0%')} of {count[1]} outcomes within" for name, count in parts)
        + ". No probability yet, so coverage of the 80 % interval; outcomes overlap.",
    )
    return chart("record", Said("80%区间的覆盖率", "Coverage of the 80 % interval"), Said("占比", "share"), says, told, shape, goal=[{"share": 0.8}])
