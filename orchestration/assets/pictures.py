"""What the UI shows of a table: a few rows, a chart, the rows that broke a check. Text and SVG only; nothing is computed."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from ingest.files import write_atomic
from ingest.settings import Settings
from serving.publish.release import CheckResult

ROWS_SHOWN = 5
WIDTH, HEIGHT, MARGIN = 640, 220, 36
COLOURS = ("#2f6db5", "#c4572c", "#3b8f5a", "#8058a5", "#777777")
Point = tuple[date, float]
_MARKS = re.compile(r"[\\`\[\]<|]")


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table; `none` when there is no row."""
    lines = [tuple(header), tuple("---" for _ in header), *rows]
    if len(lines) == 2:
        return "none"
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def failures(rows: Sequence[Mapping[str, Any]]) -> dict[str, dg.MetadataValue]:
    """Give the first rows that broke a check, as metadata."""
    if not rows:
        return {}
    header = list(dict.fromkeys(name for row in rows[:ROWS_SHOWN] for name in row))
    return {"failing_rows": dg.MetadataValue.md(markdown(header, [[row.get(name, "") for name in header] for row in rows[:ROWS_SHOWN]]))}


def keep_failures(settings: Settings, run_id: str, checks: Iterable[CheckResult]) -> None:
    """Keep the rows that broke checks in `failures/<run>.jsonl` of the home; how long says `retention.toml`."""
    lines = [
        json.dumps({"check": check.check_id, "tool": check.tool, "table": check.table_name, "row": row}, ensure_ascii=False, default=str)
        for check in checks
        if check.result == "fail"
        for row in check.rows
    ]
    if lines:
        write_atomic(settings.root / "failures" / f"{run_id}.jsonl", "".join(f"{line}\n" for line in lines).encode())


def chart(title: str, unit: str, series: Mapping[str, Sequence[Point]]) -> dg.MetadataValue:
    """Draw lines over time as an SVG image, one a series, with their extremes; points are (day, value), oldest first."""
    from lxml import etree

    days = [day.toordinal() for points in series.values() for day, _ in points]
    values = [value for points in series.values() for _, value in points]
    if not values:
        return dg.MetadataValue.md("no figures to draw")
    left, right, low, high = min(days), max(days), min(values), max(values)
    svg = etree.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=str(WIDTH), height=str(HEIGHT))
    etree.SubElement(svg, "rect", width="100%", height="100%", fill="#ffffff")

    def place(day: int, value: float) -> tuple[float, float]:
        x = MARGIN + (WIDTH - 2 * MARGIN) * (day - left) / max(right - left, 1)
        return x, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - low) / ((high - low) or 1)

    def write(text: str, x: float, y: float, colour: str = "#444444", anchor: str = "start") -> None:
        item = etree.SubElement(svg, "text", {"x": str(x), "y": str(y), "fill": colour, "font-size": "11", "font-family": "sans-serif"})
        item.set("text-anchor", anchor)
        item.text = text

    write(f"{title} [{unit}]  min {low:,.0f}  max {high:,.0f}", MARGIN, 16)
    write(str(date.fromordinal(left)), MARGIN, HEIGHT - 12)
    write(str(date.fromordinal(right)), WIDTH - MARGIN, HEIGHT - 12, anchor="end")
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(day.toordinal(), value) for day, value in points))
        etree.SubElement(svg, "polyline", {"points": path, "fill": "none", "stroke": colour, "stroke-width": "1.5"})
        write(name, WIDTH - MARGIN - 60 * (len(series) - number - 1), 16, colour, "end")
    image = base64.b64encode(etree.tostring(svg)).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{image})")


def _cell(value: object) -> str:
    """Write a cell as text: foreign text makes no picture, link or element, which the UI of the operator would load or show."""
    return _MARKS.sub(r"\\\g<0>", "" if value is None else str(value)).replace("\n", " ")
