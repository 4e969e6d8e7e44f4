"""The exchange's stock pages of 2026-09-18 up to the delivery risk mart: real figures, and hand-made pages of later weeks for what goes wrong.

The table of expiring receipts is a terminal's documented example of 2026-09-04. Nothing else lies in the home, so that no quote is there.
"""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from ingest.origins import FilesOrigin
from ingest.sources import SOURCES
from tests.pipeline.conftest import House, Model, query, upstream

REAL, NEXT, SHRUNK, AFTER, MISSING = date(2026, 9, 18), date(2026, 9, 21), date(2026, 9, 24), date(2026, 9, 28), date(2026, 10, 14)
PLACE, CUT = "厦门国贸同歆", 5_000


def number(text: str) -> int:
    return int(text.replace(",", ""))


def lines(page: html.HtmlElement) -> list[list[html.HtmlElement]]:
    return [line.findall("td") for line in page.iter("tr")]


def alumina(page: html.HtmlElement) -> list[list[str]]:
    """Give the printed rows of places of both tables of alumina: the numbers at their end, without the sums."""
    told: list[list[str]] = []
    is_alumina = False
    for cells in lines(page):
        texts = [cell.text_content().strip() for cell in cells]
        if len(texts) == 2 and texts[1].startswith("单位"):
            is_alumina = texts[0].startswith("氧化铝")
        elif is_alumina and len(texts) > 2 and texts[0] not in ("合计", "总计"):
            told.append([text for text in texts if text.lstrip("-").replace(",", "").isdigit()])
    return told


def dated(page: html.HtmlElement, day: date, path: Path) -> None:
    """Write a page under another day."""
    for cells in lines(page):
        if cells and "期" in (cells[0].text or "") and cells[0].text[:4].isdigit():
            cells[0].text = f"{day}{cells[0].text[10:]}"
    path.parent.mkdir(parents=True)
    path.write_bytes(html.tostring(page, encoding="utf-8", doctype="<!DOCTYPE html>"))


def shrink(page: html.HtmlElement) -> None:
    """Approve one factory for less than the week before, and keep the printed sum true."""
    rows = [cells for cells in lines(page) if cells]
    at = next(place for place, cells in enumerate(rows) if cells[0].text == PLACE)
    for cells in (rows[at], rows[at + 1]):
        assert cells is rows[at] or cells[0].text == "总计"
        for cell in cells[-2:]:
            cell.text = str(number(cell.text) - CUT)


def parsed(path: Path) -> html.HtmlElement:
    return html.fromstring(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def weekly(shared_data: Path) -> Path:
    return shared_data / "payloads_more/shfe/weeklystock_20260918/ZH/all.html"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, weekly: Path, models: list[Model]) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    more = shared_data / "payloads_more/shfe"
    for name in ("weeklystock_20260918", "dailystock_20260918"):
        shutil.copytree(more / name, folder / name)
    shutil.copy(more / "tushare_fut_rcpt_mat_20260904.csv", folder)
    for day in (NEXT, AFTER, MISSING):
        dated(parsed(more / "dailystock_20260918/ZH/all.html"), day, folder / f"dailystock_{day:%Y%m%d}/ZH/all.html")
    page = parsed(weekly)
    shrink(page)
    dated(page, SHRUNK, folder / f"weeklystock_{SHRUNK:%Y%m%d}/ZH/all.html")
    house = House(tmp_path_factory.mktemp("home"))
    house.take(FilesOrigin(folder, SOURCES))
    return house.build(upstream(models, "marts.fct_delivery_risk_daily", "intermediate.int_quality__identities"))


def risk(warehouse: Path, day: date, columns: str) -> tuple[Any, ...]:
    (row,) = query(warehouse, f"select {columns} from marts.fct_delivery_risk_daily where commodity_code = 'AO' and trade_date = ?", day)
    return row


def test_the_page_of_18_september_is_226_779_t_on_warrant_and_93_703_t_off_it(warehouse: Path, weekly: Path) -> None:
    assert risk(warehouse, REAL, "receipts_t, stock_date") == (218_679 + 8_100, None), "the weekly report is known from the next session"
    told = risk(warehouse, NEXT, "receipts_t, stock_date, on_warrant_t, off_warrant_t, deliverable_t, capacity_free_t")
    assert told == (226_779, REAL, 226_779, 93_703, 226_779 + 93_703, 931_321 + 341_900)
    rows = [list(map(number, row)) for row in alumina(parsed(weekly))]
    assert (len([row for row in rows if len(row) == 9]), len([row for row in rows if len(row) == 6])) == (17, 6)
    assert sum(row[2] - row[3] for row in rows if len(row) == 9) == 93_703


def test_every_place_of_the_page_is_in_the_warehouse_with_the_capacity_it_was_approved_for(warehouse: Path, weekly: Path) -> None:
    held = query(
        warehouse,
        "select deliverable_t - on_warrant_t, on_warrant_t + capacity_free_t, previous_on_warrant_t + previous_capacity_free_t "
        "from intermediate.int_stock__weekly where commodity_code = 'AO' and row_level = 'detail' and trade_date = ?",
        REAL,
    )
    rows = [list(map(number, row)) for row in alumina(parsed(weekly))]
    printed = [(row[2] - row[3], row[3] + row[7], row[1] + row[6]) if len(row) == 9 else (None, row[1] + row[4], row[0] + row[3]) for row in rows]
    assert sorted(held, key=str) == sorted(printed, key=str)
    assert all(approved == before for _, approved, before in held)
    assert {approved for _, approved, _ in held} >= {80_000, 150_000}
    findings = "select check_id, subject from intermediate.int_quality__identities where table_name = 'shfe__weekly_stock' and trade_date = ?"
    assert query(warehouse, findings, REAL) == []


def test_a_place_approved_for_less_is_a_finding_and_the_figures_stay(warehouse: Path) -> None:
    assert risk(warehouse, AFTER, "stock_date, capacity_free_t, off_warrant_t") == (SHRUNK, 931_321 + 341_900 - CUT, 93_703)
    found = query(
        warehouse,
        "select subject, expected_value, found_value from intermediate.int_quality__identities "
        "where check_id = 'approved_capacity_is_that_of_the_week_before' and trade_date = ?",
        SHRUNK,
    )
    assert [(PLACE in subject, expected - told) for subject, expected, told in found] == [(True, CUT)]


def test_weeks_without_a_report_and_a_table_of_an_earlier_month_give_nothing_and_say_so(warehouse: Path) -> None:
    columns = "expiring_30d_t, expiring_60d_t, expiring_90d_t"
    first, second, third = 59_415 + 1_200, 44_721 + 3_000, 72_858
    assert risk(warehouse, REAL, columns) == (first, first + second, first + second + third)
    *figures, reason = risk(warehouse, MISSING, f"{columns}, stock_date, off_warrant_t, capacity_free_t, receipts_t, null_reason")
    assert figures == [None, None, None, SHRUNK, None, None, 226_779]
    assert {"off_warrant_t:report_too_old", "capacity_free_t:report_too_old", "expiring_30d_t:expiry_schedule_past"} <= set(reason.split(";"))
    assert "near_open_interest_t:no_open_interest" in reason, "no contract was quoted or listed"
