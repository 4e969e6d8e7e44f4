"""The table of shapes in docs/drop-files.md: every example gives what the table says."""

import io
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import openpyxl
import pytest
from feeds import request_for

from ingest.inbox import as_meant
from ingest.settings import REPOSITORY
from ingest.source import Parsed, PayloadError
from ingest.sources import SOURCES

HEADER = ["日期", "名称", "数值", "单位", "指标ID", "数据来源"]
ENCODINGS = {"Excel's Unicode text": "utf-16"}


def table(number: str = "T-1", value: float = 3100, **cells: Any) -> list[list[Any]]:
    row = {"日期": "2025-07-22", "名称": "甲", "数值": value, "单位": "元/吨", "指标ID": number, "数据来源": "SMM"}
    return [HEADER, list((row | cells).values())]


def book(*sheets: tuple[str, list[list[Any]]], formats: dict[str, str] | None = None) -> bytes:
    found = openpyxl.Workbook()
    found.remove(found.active)
    for state, rows in sheets:
        sheet = found.create_sheet()
        sheet.sheet_state = state
        for row in rows:
            sheet.append(row)
        for cell, number_format in (formats or {}).items():
            sheet[cell].number_format = number_format
    buffer = io.BytesIO()
    if all(sheet.sheet_state == "hidden" for sheet in found):
        found.create_sheet("空")
    found.active = len(found.worksheets) - 1
    found.save(buffer)
    return buffer.getvalue()


WORKBOOKS: dict[str, Callable[[], bytes]] = {
    "percent cells": lambda: book(("visible", table(value=0.8123, 名称="开工率", 单位="%")), formats={"C2": "0.00%"}),
    "a hidden sheet before the data": lambda: book(("hidden", table(value=9999)), ("visible", table())),
    "figures on hidden sheets alone": lambda: book(("hidden", table())),
    "several sheets": lambda: book(("visible", table()), ("visible", [["说明"]]), ("visible", table("T-2", 3200, 名称="乙"))),
    "an id of 18 digits kept as a number": lambda: book(("visible", table(指标ID=201000100123456789))),
    "a title, blank columns, days as days": lambda: book(
        ("visible", [["现货价格"], [], *([None, *row, None] for row in table(日期=datetime(2025, 7, 22)))]), formats={"B4": 'm"月"d"日"'}
    ),
}


def shapes() -> list[tuple[str, str, str]]:
    text = (REPOSITORY / "docs" / "drop-files.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (.+?) \| (`[^|]*`|workbook: [^|]*) \| (.+?) \|$", text.partition("## Shapes of exports")[2].partition("\n## ")[0], re.MULTILINE
    )
    return [(shape, example, gives) for shape, example, gives in rows]


SHAPES = shapes()


def body_of(shape: str, example: str) -> tuple[str, bytes]:
    if example.startswith("workbook"):
        return "smm_spot_price_20250722.xlsx", WORKBOOKS[shape]()
    lines = example.strip("`").replace("⇥", "\t").split("⏎")
    return "smm_spot_price_20250722.csv", "\r\n".join(line.strip(" ") for line in lines).encode(ENCODINGS.get(shape, "utf-8"))


def read(name: str, body: bytes) -> Parsed:
    request = request_for(as_meant(name)[0], SOURCES)
    return next(source for source in SOURCES if source.name == request.source).parse(request, body)


def test_the_table_has_an_example_of_each_kind() -> None:
    assert len(SHAPES) == 30
    assert {shape for shape, example, _ in SHAPES if example.startswith("workbook")} == WORKBOOKS.keys()
    assert {gives.split(":")[0] for *_, gives in SHAPES if "refused" in gives} >= {"row refused", "file refused"}


@pytest.mark.parametrize(("shape", "example", "gives"), SHAPES, ids=[shape for shape, *_ in SHAPES])
def test_each_shape_gives_what_the_table_says(shape: str, example: str, gives: str) -> None:
    name, body = body_of(shape, example)
    if gives.startswith("file refused: "):
        with pytest.raises(PayloadError) as caught:
            read(name, body)
        assert gives.removeprefix("file refused: ") in str(caught.value)
        return
    parsed = read(name, body)
    wanted = [part for part in gives.split("; ") if not part.startswith("row refused: ")]
    refused = [part.removeprefix("row refused: ") for part in gives.split("; ") if part.startswith("row refused: ")]
    (frame,) = parsed.frames.values()
    found = [f"{provider} {number} {value:g}" for provider, number, value in frame.select("provider", "series_id", "value").iter_rows()]
    assert sorted(found) == sorted(wanted)
    assert len(parsed.rejects) == len(refused)
    assert all(words in reject.message for words, reject in zip(refused, parsed.rejects, strict=True))
