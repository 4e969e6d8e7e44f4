"""What all charts are made of: their parts as Vega-Lite through Altair, words in both languages, data without repeated keys.

Texts are `Said.both`; the page draws one language at a time. Colours hold on light and dark ground; axes and labels take the page's own.
Which charts there are, and what each shows, is not known here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from serving.research.note.known import Row
from serving.research.wording import SOURCES, Said, say

BLUE, ORANGE, TEAL, RED, PURPLE, GREY, PINK, OLIVE = "#3b82f6", "#d97706", "#0d9488", "#dc4c4c", "#8b5cf6", "#8a8f98", "#db2777", "#7c8a1f"
PALETTE = (BLUE, ORANGE, TEAL, PURPLE, PINK, OLIVE, RED, GREY)
HEIGHT = 270
UPPER, LOWER = [184, 0], [HEIGHT, 208]
"""Pixels of a chart of two storeys: the main figure above, what moves beside it below."""
WEEK, MONTH = 5, 20
"""Sessions."""
RECENT = 90
"""Sessions shown where single days must be told apart."""

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
    """A line, area or bar of a chart: the column, what it is called, and how it looks."""

    column: str
    name: Said
    color: str
    form: str = ",.0f"
    width: float = 1.8
    dash: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart with what a reader must know of it: what it says in one sentence, unit, source and the day its figures end."""

    key: str
    title: Said
    unit: Said
    says: Said
    source: Said
    until: str
    spec: Mapping[str, Any]


def chart(
    key: str,
    title: Said,
    unit: Said,
    says: Said,
    rows: Sequence[Row],
    shape: Mapping[str, Any],
    *,
    until: str = "",
    height: int = HEIGHT,
    **datasets: Sequence[Mapping[str, Any]],
) -> Chart:
    """Put a chart together; `rows` have `day` and may have `source`, and are its dataset `rows`. With axis and legend it must fit what the style keeps free."""
    packs = {"rows": packed([_record(row) for row in rows]), **{name: packed(found) for name, found in datasets.items()}}
    spec = {"width": "container", "height": height, **shape, "datasets": packs}
    sources = sorted({source for row in rows if row.get("source") for source in row["source"].split(";")})
    named = [say(SOURCES, one) for one in sources]
    source = Said("、".join(one.zh for one in named), ", ".join(one.en for one in named))
    return Chart(key, title, unit, says, source, until or str(max(row["day"] for row in rows)), spec)


def layered(*parts: Any, **resolve: Mapping[str, str]) -> dict[str, Any]:
    """Lay parts over each other: charts of one mark, and what this gives; `resolve` says of `scale` and `axis` which channels are shared.

    Altair's own `layer` copies all parts at each level, which takes longer than the rest of a page.
    """
    return {"layer": [part if isinstance(part, dict) else part.to_dict(validate=False, context={"top_level": False}) for part in parts]} | (
        {"resolve": resolve} if resolve else {}
    )


def packed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give rows as columns' names and lists of values: the page's script unpacks them. It is a third of the bytes."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {"columns": columns, "values": [[row.get(name) for name in columns] for row in rows]}


def _record(row: Row) -> Row:
    plain = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in row.items()
        if name != "source" and not isinstance(value, date)
    }
    return plain | {"t": str(row["day"])}


def base(data: str = "rows", *, ordinal: Sequence[str] | None = None) -> Any:
    """Give a chart over days: `t` places a row on the axis. Days are calendar days, so they are drawn in UTC; with `ordinal`, the days to be named, only sessions are drawn."""
    import altair as alt

    if ordinal is None:
        axis = alt.Axis(format="%Y-%m", labelOverlap=True, labelSeparation=12, tickCount="month")
        return alt.Chart(alt.NamedData(data)).encode(x=alt.X("t:T", scale=alt.Scale(type="utc"), title=None, axis=axis))
    axis = alt.Axis(values=list(ordinal), labelExpr="slice(datum.value, 0, 7)", labelAngle=0, labelOverlap=True, labelSeparation=8)
    return alt.Chart(alt.NamedData(data)).encode(x=alt.X("t:O", title=None, axis=axis, scale=alt.Scale(paddingInner=0.2)))


def month_starts(days: Sequence[date]) -> list[str]:
    """Give the first of the days in each month, which an axis names."""
    return [str(day) for before, day in zip((None, *days), days, strict=False) if before is None or before.month != day.month]


def value_axis(form: str = ",.0f", **more: Any) -> Any:
    """Give an axis of plain figures."""
    import altair as alt

    if form.startswith("+"):  # zero has no sign
        return alt.Axis(labelExpr=f"datum.value === 0 ? '0' : format(datum.value, '{form}')", **({"tickCount": 5} | more))
    return alt.Axis(format=form, **({"tickCount": 5} | more))


def amount_axis(unit: str, **more: Any) -> Any:
    """Give an axis of amounts: in ten thousands in Chinese, in thousands in English; of kilotonnes in ten thousand tonnes and kilotonnes."""
    import altair as alt

    divisor = {"lots": Said("10000", "1000"), "t": Said("10000", "1000"), "kt": Said("10", "1")}[unit].both
    return alt.Axis(labelExpr=f"format(datum.value / {divisor}, ',.2~f')", **({"tickCount": 5} | more))


AMOUNTS = {"lots": Said("万手", "thousand lots"), "t": Said("万吨", "kt"), "kt": Said("万吨", "kt")}
"""What `amount_axis` counts in."""
CNY_T = Said("元/吨", "CNY/t")


def y(column: str, *, axis: Any = None, storey: Sequence[int] | None = None, zero: bool = False, title: Said | None = None) -> Any:
    """Give a vertical place; `storey` keeps it within a part of the chart."""
    import altair as alt

    scale: dict[str, Any] = {"zero": zero}
    if storey:
        scale["range"] = list(storey)
    elif not zero:
        scale["padding"] = 8
    return alt.Y(f"{column}:Q", title=title.both if title else None, axis=value_axis() if axis is None else axis, scale=alt.Scale(**scale))


def line(over: Any, one: Series, paint: "Painter", **place: Any) -> Any:
    """Give a series as a line."""
    return paint(over.mark_line(strokeWidth=one.width, strokeDash=list(one.dash) or [1, 0]), one).encode(y=y(one.column, **place))


Painter = Callable[[Any, Series], Any]


def painter(series: Sequence[Series]) -> Painter:
    """Give what colours a mark as a series, with one legend over all of them."""
    import altair as alt

    scale = alt.Scale(domain=[one.name.both for one in series], range=[one.color for one in series])
    longest = max((len(one.name.en) for one in series), default=0)
    color = alt.Color("series:N", scale=scale, legend=alt.Legend(columns=1 if longest > 24 else 2 if longest > 18 else 3 if longest > 11 else 4))
    return lambda mark, one: mark.transform_calculate(series=quoted(one.name)).encode(color=color)


def quoted(said: Said) -> str:
    """Give a text of both languages as it stands in an expression, whose strings a line separator would end."""
    return json.dumps(said.both, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def placed(rows: Sequence[Row]) -> list[Row]:
    """Number rows, for `by_place`."""
    return [row | {"place": place} for place, row in enumerate(rows)]


def by_place() -> Any:
    """Give the order of rows as they come. A list of their names would stand in an expression, whose strings a line separator in a name would end."""
    import altair as alt

    return alt.EncodingSortField(field="place", op="min")


def tip(column: str, name: Said, form: str = "") -> Any:
    """Give a line of a tooltip; with a form it is a number."""
    import altair as alt

    return alt.Tooltip(f"{column}:{'Q' if form else 'N'}", title=name.both, format=form or alt.Undefined)


DAY = Said("日期", "date")


def pointer(over: Any, tips: Sequence[Any]) -> Any:
    """Give the rule under the pointer that shows a day's figures."""
    import altair as alt

    nearest = alt.selection_point(nearest=True, on="pointerover", encodings=["x"], empty=False, clear="pointerout")
    return over.mark_rule(color=GREY).encode(opacity=alt.condition(nearest, alt.value(0.7), alt.value(0)), tooltip=list(tips)).add_params(nearest)


def zero_line() -> Any:
    """Give a line at zero."""
    import altair as alt

    return alt.Chart(alt.NamedData("zero")).mark_rule(color=GREY, opacity=0.9).encode(y=alt.Y("zero:Q"))


ZERO = ({"zero": 0},)


def signed_bars(over: Any, column: str, **place: Any) -> Any:
    """Give bars that are red above zero and green below."""
    import altair as alt

    color = alt.condition(f"datum.{column} >= 0", alt.value(RED), alt.value(TEAL))
    return over.mark_bar(opacity=0.7).encode(y=y(column, zero=True, **place), color=color)


def last(rows: Sequence[Row], column: str) -> Any:
    """Give the newest figure of a column; None without one."""
    return next((row[column] for row in reversed(rows) if row.get(column) is not None), None)


def wide(series: Sequence[Series]) -> Sequence[Series]:
    """Draw the first of several lines wider than the others."""
    return tuple(replace(one, width=2.6 if place == 0 else 1.5) for place, one in enumerate(series))
