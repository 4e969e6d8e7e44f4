"""Drop files of price vendors: refused as a whole with a reason, or read with exactly the bad rows put aside."""

import io
import json
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from feeds import NOON, QUOTE_HEADER, VALUE_HEADER, Home, csv_file, delivery, request_for

from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.sheet import read as sheet_read
from ingest.source import Outcome, Parsed, PayloadError, Request, Response
from ingest.sources.capacity import Capacity
from ingest.sources.spot import Spot
from ingest.table import csv_lines, filled
from ingest.within import require_within
from quality.raw import TABLES

SPOT, CAPACITY = "spot__quotes", "capacity__series"
VALUE_LINE = "2025-07-16,氧化铝运行产能,8863,万吨/年,CAP-RUN,ALD,全国,周,2025-07-17 17:30"
QUOTE_LINE = "2025-07-16,山东氧化铝,3080,3120,3100,+10,元/吨,SPOT-SD,SMM,山东,日,2025-07-16 11:40"


def parse(name: str, body: bytes) -> Parsed:
    request = request_for(name)
    source = {"spot": Spot(), "capacity": Capacity()}[request.source]
    verdict = source.inspect(request, Response(body, NOON))
    if verdict.outcome is not Outcome.OK:
        raise PayloadError(verdict.outcome, verdict.reason, verdict.message)
    return source.parse(request, body)


def values_of(*lines: str, header: str = VALUE_HEADER, name: str = "ald_capacity_20250716.csv") -> Parsed:
    return parse(name, csv_file(*lines, header=header))


def quotes_of(*lines: str, name: str = "smm_spot_price_20250716.csv") -> Parsed:
    return parse(name, csv_file(*lines, header=QUOTE_HEADER))


def refusal(name: str, body: bytes) -> tuple[Outcome, str]:
    with pytest.raises(PayloadError) as caught:
        parse(name, body)
    assert caught.value.verdict.message
    return caught.value.verdict.outcome, caught.value.verdict.reason


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def shown(frame: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return frame.select(columns).rows()


# ---------------------------------------------------------------- which files there are


@pytest.mark.parametrize(
    ("path", "source", "feed"),
    [
        ("smm_spot_price_20250703.csv", "spot", "spot_price"),
        ("inbox/smm_spot_price_20250703_r2.xlsx", "spot", "spot_price"),
        ("ald_capacity_20250710_r1.csv", "capacity", "capacity"),
        ("MYSTEEL_inventory_20250710.csv", "capacity", "inventory"),
        ("smm_overseas_20250716.csv", "spot", "overseas"),
        ("smm_cost_profit_20250716.csv", "cost", "cost_profit"),
        ("smm_inputs_20250716.xlsx", "cost", "inputs"),
        ("acme_bars_20250716.csv", "bars", "bars"),
        ("smm_spot_price_20250703.csv\n", "unread", "file"),
        ("smm_spot_price_2025.csv", "unread", "file"),
        ("smm_spot_price_20250703.xls", "unread", "file"),
        ("smm_spot_price_20250703 (1).csv", "unread", "file"),
    ],
)
def test_a_drop_file_is_known_by_the_contracts_name(path: str, source: str, feed: str) -> None:
    request = request_for(path)
    assert (request.source, request.feed) == (source, feed)


def test_nothing_is_ever_fetched_from_a_vendor() -> None:
    assert [*Spot().requests(date(2025, 7, 16)), *Capacity().requests(date(2025, 7, 16))] == []


# ---------------------------------------------------------------- the shared drop files


def test_the_csv_and_the_spreadsheet_of_one_export_give_equal_rows(shared_data: Path, home: Home) -> None:
    folder = shared_data / "vendor"
    frames = []
    for name in ("smm_spot_price_20250703.csv", "smm_spot_price_20250703.xlsx"):
        parsed = parse(name, (folder / name).read_bytes())
        assert not parsed.rejects
        frames.append(parsed.frames[SPOT])
    assert frames[0].height == 36
    assert frames[0].equals(frames[1])
    report = home.take(delivery("smm_spot_price_20250703.csv", (folder / "smm_spot_price_20250703.csv").read_bytes()))
    assert report.rows[SPOT] == 36
    assert not report.quarantined


def test_every_printed_figure_of_a_real_shaped_export_is_kept(shared_data: Path) -> None:
    name = "smm_spot_price_20250703.csv"
    body = (shared_data / "vendor" / name).read_bytes()
    printed = [line.split(",") for line in body.decode("gb18030").splitlines()[1:]]
    expected = [
        (date.fromisoformat(cells[0]), cells[1], *(float(cell) if cell else None for cell in cells[2:6]), cells[7], cells[9]) for cells in printed
    ]
    columns = ["obs_date", "series_name", "low_value", "high_value", "value", "change_value", "series_id", "region"]
    assert sorted(parse(name, body).frames[SPOT].select(columns).iter_rows(), key=str) == sorted(expected, key=str)


def test_capacities_become_tonnes_a_year_and_rates_become_shares(shared_data: Path, home: Home) -> None:
    name = "smm_capacity_20250703.csv"
    body = (shared_data / "vendor" / name).read_bytes()
    printed = [line.split(",") for line in body.decode("utf-8-sig").splitlines()[1:]]
    report = home.take(delivery(name, body))
    kept = {(row["series_id"], f"{row['obs_date']}"): row for row in home.rows(CAPACITY).iter_rows(named=True)}
    assert len(kept) == len(printed) == 15
    assert not report.quarantined
    for cells in printed:
        row, figure = kept[cells[4], cells[0]], float(cells[2])
        wanted = (figure * 10_000, "t/a") if cells[3] == "万吨/年" else (figure / 100, "ratio")
        assert (row["value"], row["unit"]) == (pytest.approx(wanted[0], rel=1e-12), wanted[1])


def malformed(shared_data: Path, case: str) -> list[tuple[str, bytes]]:
    return [
        (file.name, file.read_bytes()) for file in sorted((shared_data / "malformed" / case).iterdir(), key=lambda file: (len(file.name), file.name))
    ]


def test_one_slipped_unit_puts_one_row_aside_and_keeps_the_other(shared_data: Path, home: Home) -> None:
    home.take(*(delivery(*file) for file in malformed(shared_data, "unit_slip")))
    assert shown(home.rows(CAPACITY), "series_id", "value", "unit") == [("TEST-WR-ALL", 163_600.0, "t")]
    assert home.refused() == [(CAPACITY, "unreadable_value")]
    row = home.rows("ingest__quarantine").row(0, named=True)
    assert "81.05 million tonnes" in row["message"]
    assert json.loads(row["row_json"])["single"] == "81.05 million tonnes"


def test_thousands_full_width_digits_and_three_date_forms_in_gbk_are_read(shared_data: Path, home: Home) -> None:
    report = home.take(*(delivery(*file) for file in malformed(shared_data, "gbk_thousands_fullwidth")))
    assert sorted(shown(home.rows(CAPACITY), "obs_date", "series_id", "value", "unit")) == [
        (date(2025, 7, 14), "TEST-CAP-RUN", 88_630_000.0, "t/a"),
        (date(2025, 7, 15), "TEST-CAP-OFF", 12_345_000.0, "t/a"),
        (date(2025, 7, 16), "TEST-OUT", 1_702_000.0, "t"),
    ]
    assert not report.quarantined


def test_a_daily_quote_of_a_sunday_is_the_only_row_put_aside(shared_data: Path, home: Home) -> None:
    home.take(*(delivery(*file) for file in malformed(shared_data, "sunday_row")))
    assert home.rows(SPOT)["obs_date"].to_list() == [date(2025, 7, 11), date(2025, 7, 14)]
    assert home.refused() == [(SPOT, "no_session")]


def test_a_revision_is_a_second_vintage_and_a_repeated_row_is_not(shared_data: Path, home: Home) -> None:
    home.take(*(delivery(*file) for file in malformed(shared_data, "revised")))
    rows = home.rows(CAPACITY).sort("published_at")
    assert shown(rows, "series_id", "value") == [("TEST-CAP-RUN", 88_630_000.0), ("TEST-CAP-RUN", 88_500_000.0)]
    assert rows["payload_sha256"].n_unique() == 2
    assert not home.refused()


def test_a_bad_range_a_bad_change_and_a_tenfold_slip_put_three_rows_aside(shared_data: Path, home: Home) -> None:
    report = home.take(*(delivery(*file) for file in malformed(shared_data, "bad_range_and_change")))
    assert home.rows(SPOT).is_empty()
    quarantine = home.rows("ingest__quarantine")
    by_day = {json.loads(row["row_json"])["obs_date"]: set() for row in quarantine.iter_rows(named=True)}
    for row in quarantine.iter_rows(named=True):
        by_day[json.loads(row["row_json"])["obs_date"]].add(row["reason"])
    assert by_day["2025-07-14"] == {"low_above_high"}
    assert by_day["2025-07-15"] == {"change_is_not_the_difference"}
    assert "jump_of_a_power_of_ten" in by_day["2025-07-16"]
    assert set(by_day) == {"2025-07-14", "2025-07-15", "2025-07-16"}
    assert report.count(Outcome.OK) == 1


# ---------------------------------------------------------------- reading a file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_says_nothing_about_the_rows(encoding: str) -> None:
    frame = parse("ald_capacity_20250716.csv", csv_file(VALUE_LINE, encoding=encoding)).frames[CAPACITY]
    assert shown(frame, "series_name", "region", "value") == [("氧化铝运行产能", "全国", 88_630_000.0)]


def test_text_in_no_known_encoding_is_refused() -> None:
    assert refusal("ald_capacity_20250716.csv", b"a,b\n\xff\xff\xff,\x81\n") == (Outcome.NOT_DATA, "undecodable")
    assert refusal("ald_capacity_20250716.csv", csv_file(VALUE_LINE, encoding="utf-16")[:-1]) == (Outcome.NOT_DATA, "undecodable")


def test_blank_lines_cost_nothing_and_a_line_keeps_its_number() -> None:
    blank = b"\n" * 1_000_000
    tracemalloc.start()
    lines = filled(csv_lines(b"a,b\n" + blank + b"1,2\n"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines == [(1, ["a", "b"]), (len(blank) + 2, ["1", "2"])]
    assert peak < 20 * len(blank), "text, and nothing for each line"


@pytest.mark.parametrize(("more", "what"), [(b",", "cells"), (b"x\n", "cells"), (b"x\r", "cells"), (b"x\n", "rows"), (b"x\r", "rows")])
def test_a_file_of_more_than_is_read_is_refused_before_it_is_made(more: bytes, what: str) -> None:
    body = csv_file(VALUE_LINE)
    held = len(body.splitlines()) + (body.count(b",") if what == "cells" else 0)
    limits = replace(SHIPPED_ONLY.limits.of("capacity", "capacity"), **{"rows": 100, "cells": 100, what: held})
    require_within("x.csv", body + b"\r\n\n\n", limits)  # blank lines cost nothing
    with pytest.raises(PayloadError) as caught:
        require_within("x.csv", body + more, limits)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (Outcome.NOT_DATA, "oversized")


def test_a_spreadsheet_with_date_and_time_cells_gives_the_rows_of_its_csv() -> None:
    cells = [datetime(2025, 7, 16), "氧化铝运行产能", 8863, "万吨/年", "CAP-RUN", "ALD", "全国", "周", datetime(2025, 7, 17, 17, 30)]
    sheet = parse("ald_capacity_20250716.xlsx", workbook(VALUE_HEADER.split(","), cells))
    assert not sheet.rejects
    assert sheet.frames[CAPACITY].equals(values_of(VALUE_LINE).frames[CAPACITY])


def test_every_minute_of_a_day_survives_a_spreadsheets_time_cell() -> None:
    # Spreadsheets keep times as fractions of a day; a minute must not come back as 59.999 seconds of the one before.
    rows = [
        [
            date(2025, 7, 16),
            f"氧化铝产量{minute}",
            170,
            "万吨",
            f"OUT-{minute}",
            "ALD",
            "全国",
            "周",
            datetime(2025, 7, 16, minute // 60, minute % 60),
        ]
        for minute in range(0, 1440, 7)
    ]
    sheet = parse("ald_capacity_20250716.xlsx", workbook(VALUE_HEADER.split(","), *rows))
    assert [reject.message for reject in sheet.rejects] == []
    assert [stamp.astimezone(UTC) for stamp in sheet.frames[CAPACITY]["published_at"]] == [
        datetime(2025, 7, 15, 16, 0, tzinfo=UTC) + (row[8] - datetime(2025, 7, 16)) for row in rows
    ]


def test_text_ids_of_a_spreadsheet_keep_their_leading_zeros() -> None:
    cells = ["2025-07-16", "氧化铝运行产能", 8863, "万吨/年", "00201106001", "ALD", "全国", "周", ""]
    frame = parse("ald_capacity_20250716.xlsx", workbook(VALUE_HEADER.split(","), cells)).frames[CAPACITY]
    assert frame["series_id"].to_list() == ["00201106001"]


def test_any_order_of_columns_and_any_accepted_heading_gives_the_same_rows() -> None:
    other = values_of(
        "2025-07-17 17:30,周度,ALD,CAP-RUN,万吨/年,8863,氧化铝运行产能,2025年7月16日,全国".replace("周度", "周"),
        header="更新时间,频度,来源,指标编码,单位,值,品名,数据日期,区域",
    )
    assert other.frames[CAPACITY].equals(values_of(VALUE_LINE).frames[CAPACITY])


def test_an_unknown_column_is_remarked_and_kept_as_text() -> None:
    parsed = values_of(VALUE_LINE + ",初值", header=VALUE_HEADER + ",备注")
    assert parsed.remarks == ("unknown_column:备注",)
    assert [json.loads(text) for text in parsed.frames[CAPACITY]["extra"]] == [{"备注": "初值"}]


def test_blank_lines_and_spaces_around_cells_mean_nothing() -> None:
    spaced = ",".join(f" {cell} " for cell in VALUE_LINE.split(","))
    assert values_of("", spaced, ",,,,,,,,").frames[CAPACITY].equals(values_of(VALUE_LINE).frames[CAPACITY])


@pytest.mark.parametrize(
    ("header", "outcome", "reason", "word"),
    [
        (VALUE_HEADER.replace("单位", "计量"), Outcome.FORMAT_CHANGED, "missing_column", "单位"),
        (VALUE_HEADER.replace("日期", "时点"), Outcome.FORMAT_CHANGED, "missing_column", "日期"),
        (VALUE_HEADER.replace("名称", "题目"), Outcome.FORMAT_CHANGED, "missing_column", "名称"),
        (VALUE_HEADER.replace("指标ID", "序号"), Outcome.FORMAT_CHANGED, "missing_column", "指标ID"),
        (VALUE_HEADER.replace("数据来源", "出处"), Outcome.FORMAT_CHANGED, "missing_column", "数据来源"),
        (VALUE_HEADER.replace("数值", "数"), Outcome.FORMAT_CHANGED, "missing_column", "数值"),
        (VALUE_HEADER.replace("地区", "单位"), Outcome.FORMAT_CHANGED, "repeated_header", "单位"),
        (VALUE_HEADER.replace("地区", "价格日期"), Outcome.FORMAT_CHANGED, "repeated_header", "价格日期"),
    ],
)
def test_a_header_that_cannot_be_trusted_refuses_the_file_and_names_the_column(header: str, outcome: Outcome, reason: str, word: str) -> None:
    with pytest.raises(PayloadError, match=word) as caught:
        values_of(VALUE_LINE, header=header)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (outcome, reason)


def test_the_header_printed_again_among_the_rows_refuses_the_file() -> None:
    # Two exports pasted under each other; which of their rows still hold is not ours to guess.
    with pytest.raises(PayloadError, match="line 3"):
        values_of(VALUE_LINE, VALUE_HEADER, VALUE_LINE)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (VALUE_LINE.replace("万吨/年", "万桶"), "unknown_unit"),
        (VALUE_LINE.replace("万吨/年", ""), "unknown_unit"),
        (VALUE_LINE.replace("CAP-RUN", "2.01106E+11"), "mangled_series_id"),
        (VALUE_LINE.replace("CAP-RUN", "2E+11"), "mangled_series_id"),
        (VALUE_LINE.replace("CAP-RUN", ""), "mangled_series_id"),
    ],
)
def test_one_untrustworthy_line_refuses_the_whole_file_and_names_the_line(line: str, reason: str) -> None:
    with pytest.raises(PayloadError, match="line 3") as caught:
        values_of(VALUE_LINE, line)
    assert caught.value.verdict.reason == reason


@pytest.mark.parametrize("provider", ["ALD", "ald", "阿拉丁"])
def test_a_provider_may_be_named_in_chinese_or_in_small_letters(provider: str) -> None:
    assert values_of(VALUE_LINE.replace("ALD", provider)).frames[CAPACITY]["provider"].to_list() == ["ALD"]


def test_a_file_without_rows_or_without_a_header_is_refused() -> None:
    assert refusal("ald_capacity_20250716.csv", csv_file()) == (Outcome.NOT_DATA, "no_rows")
    assert refusal("ald_capacity_20250716.csv", b",,,\r\n") == (Outcome.NOT_DATA, "empty")


@pytest.mark.parametrize("line", [VALUE_LINE + ",", VALUE_LINE.rpartition(",")[0], VALUE_LINE.replace("8863", "8,863")])
def test_a_ragged_row_refuses_the_file(line: str) -> None:
    # An unquoted thousands comma moves every later cell by one column.
    assert refusal("ald_capacity_20250716.csv", csv_file(VALUE_LINE, line)) == (Outcome.NOT_DATA, "ragged")


def test_a_quote_that_never_closes_refuses_the_file() -> None:
    assert refusal("ald_capacity_20250716.csv", csv_file('"' + VALUE_LINE)) == (Outcome.NOT_DATA, "unparsable")


def test_two_different_values_for_one_day_of_a_series_refuse_the_file() -> None:
    assert refusal("ald_capacity_20250716.csv", csv_file(VALUE_LINE, VALUE_LINE.replace("8863", "8850"))) == (Outcome.NOT_DATA, "two_values")


def test_the_same_row_twice_counts_once() -> None:
    assert values_of(VALUE_LINE, VALUE_LINE).frames[CAPACITY].height == 1


# ---------------------------------------------------------------- rows


@pytest.mark.parametrize(
    ("printed", "unit", "factor"),
    [
        ("元/吨", "CNY/t", 1), ("美元/吨", "USD/t", 1), ("吨", "t", 1), ("千吨", "t", 1_000), ("万吨", "t", 10_000),
        ("吨/年", "t/a", 1), ("万吨/年", "t/a", 10_000), ("%", "ratio", 0.01), ("元/千瓦时", "CNY/kWh", 1),
    ],
)  # fmt: skip
def test_every_unit_is_scaled_with_its_whole_row(printed: str, unit: str, factor: float) -> None:
    line = f"2025-07-16,某指标,40,60,50,-2,{printed},ID,SMM,全国,日,"
    row = quotes_of(line).frames[SPOT].row(0, named=True)
    assert row["unit"] == unit
    assert [row[name] for name in ("low_value", "high_value", "value", "change_value")] == pytest.approx(
        [40 * factor, 60 * factor, 50 * factor, -2 * factor]
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (VALUE_LINE.replace("万吨/年", "%"), "unit_of_another_kind"),
        (VALUE_LINE.replace("运行产能", "开工率"), "unit_of_another_kind"),
        (VALUE_LINE.replace("运行产能", "产能利用率").replace("万吨/年", "万吨"), "unit_of_another_kind"),
        (VALUE_LINE.replace("ALD", "某网"), "unknown_provider"),
        (VALUE_LINE.replace("ALD", ""), "unknown_provider"),
        (VALUE_LINE.replace("8863", "81.05 million tonnes"), "unreadable_value"),
        (VALUE_LINE.replace("2025-07-16", "2025-02-30", 1), "unreadable_value"),
        (VALUE_LINE.replace("17:30", "下午"), "unreadable_value"),
        (VALUE_LINE.replace("8863", "--"), "no_value"),
        (VALUE_LINE.replace("周", "季"), "unknown_frequency"),
        (VALUE_LINE.replace("周", "日").replace("2025-07-16", "2025-07-19", 1), "no_session"),
        (VALUE_LINE.replace("周", "日").replace("2025-07-16", "2013-07-16", 1), "outside_calendar"),
        (VALUE_LINE.replace("2025-07-17", "2025-07-15"), "published_before_observed"),
    ],
)
def test_a_row_that_cannot_be_believed_is_put_aside_and_the_others_stay(line: str, reason: str) -> None:
    parsed = values_of(VALUE_LINE.replace("CAP-RUN", "GOOD"), line)
    assert [reject.reason for reject in parsed.rejects] == [reason]
    assert parsed.rejects[0].message.startswith("line 3: ")
    assert parsed.frames[CAPACITY]["series_id"].to_list() == ["GOOD"]


def test_a_rate_in_percent_of_a_name_that_mentions_capacity_is_a_rate() -> None:
    # 产能利用率 is a rate although 产能 stands in its name.
    frame = values_of(VALUE_LINE.replace("运行产能", "产能利用率").replace("万吨/年", "%").replace("8863", "84.04")).frames[CAPACITY]
    assert shown(frame, "value", "unit") == [(pytest.approx(0.8404), "ratio")]


def test_a_weekly_value_may_stand_on_a_closed_day() -> None:
    assert values_of(VALUE_LINE.replace("2025-07-16", "2025-07-13", 1)).frames[CAPACITY]["obs_date"].to_list() == [date(2025, 7, 13)]


def test_a_row_that_states_no_frequency_has_the_feeds() -> None:
    line = VALUE_LINE.replace(",周,", ",,")
    assert values_of(line).frames[CAPACITY]["frequency"].to_list() == ["weekly"]
    assert quotes_of(QUOTE_LINE.replace(",日,", ",,")).frames[SPOT]["frequency"].to_list() == ["daily"]


def test_a_row_that_states_no_time_of_publication_is_flagged_estimated() -> None:
    with_time, without = values_of(VALUE_LINE), values_of(VALUE_LINE.rpartition(",")[0] + ",")
    assert shown(with_time.frames[CAPACITY], "published_at", "is_time_estimated") == [(datetime(2025, 7, 17, 9, 30, tzinfo=UTC), False)]
    assert shown(without.frames[CAPACITY], "published_at", "is_time_estimated") == [(None, True)]


def test_a_quote_keeps_range_average_and_signed_change() -> None:
    row = quotes_of(QUOTE_LINE).frames[SPOT].row(0, named=True)
    assert [row[name] for name in ("low_value", "high_value", "value", "change_value", "unit")] == [3080, 3120, 3100, 10, "CNY/t"]
    assert dict(quotes_of(QUOTE_LINE).frames[SPOT].schema) == TABLES[SPOT].schema


def test_the_operators_calendar_decides_which_days_are_sessions(home: Home) -> None:
    line = QUOTE_LINE.replace("2025-07-16", "2027-01-04")
    assert [reject.reason for reject in quotes_of(line).rejects] == ["outside_calendar"]
    home.settings.catalog_overlay.mkdir(parents=True)
    (home.settings.catalog_overlay / "calendar.toml").write_text('last_day = "2027-12-31"\n[closures]\n2027 = ["2027-01-01"]\n')
    name = "smm_spot_price_20250716.csv"
    request = Request("spot", "spot_price", name, name)
    assert not Spot(Configuration(home.settings.catalog_overlay)).parse(request, csv_file(line, header=QUOTE_HEADER)).rejects


# ---------------------------------------------------------------- spreadsheets that are not


def bomb(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def test_a_spreadsheet_that_would_inflate_a_thousandfold_is_not_read() -> None:
    body = bomb({"xl/worksheets/sheet1.xml": b"\0" * 4_000_000})
    assert len(body) < 5_000
    assert refusal("ald_capacity_20250716.xlsx", body) == (Outcome.NOT_DATA, "oversized")


def test_a_spreadsheet_of_too_many_parts_or_too_many_bytes_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("ald_capacity_20250716.xlsx", bomb({f"part{n}": b"" for n in range(201)})) == (Outcome.NOT_DATA, "oversized")
    small = replace(SHIPPED_ONLY.limits.sheet, inflated_bytes=1_000)
    monkeypatch.setattr("ingest.vendor.sheet.read", lambda body, _: sheet_read(body, small))
    assert refusal("ald_capacity_20250716.xlsx", workbook(VALUE_HEADER.split(","))) == (Outcome.NOT_DATA, "oversized")


def test_a_spreadsheet_that_lies_about_its_size_is_not_read() -> None:
    # The directory of a zip is written by whoever made it; only inflating with a limit tells the truth.
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(workbook(VALUE_HEADER.split(","), VALUE_LINE.split(",")))) as honest:
        members = {name: honest.read(name) for name in honest.namelist()}
    filler = b'<row r="3"><c r="A3" t="inlineStr"><is><t>' + b"A" * 20_000_000 + b"</t></is></c></row></sheetData>"
    body = bytearray(bomb(members | {part: members[part].replace(b"</sheetData>", filler)}))
    assert len(body) < 40_000
    with zipfile.ZipFile(io.BytesIO(bytes(body))) as archive:
        header = archive.getinfo(part).header_offset
    directory = bytes(body).rindex(part.encode()) - 46
    for place in (header + 22, directory + 24):
        body[place : place + 4] = (5_000).to_bytes(4, "little")
    outcome, reason = refusal("ald_capacity_20250716.xlsx", bytes(body))
    assert (outcome, reason in ("oversized", "unparsable")) == (Outcome.NOT_DATA, True), reason


@pytest.mark.parametrize("cut", [4, 100, 2_000])
def test_a_spreadsheet_cut_short_is_refused(cut: int) -> None:
    assert refusal("ald_capacity_20250716.xlsx", workbook(VALUE_HEADER.split(","))[:cut]) == (Outcome.NOT_DATA, "unparsable")


@pytest.mark.parametrize("members", [{}, {"a.txt": b"x"}, {"xl/workbook.xml": b"<not xml", "[Content_Types].xml": b""}])
def test_a_zip_that_is_no_spreadsheet_is_refused(members: dict[str, bytes]) -> None:
    assert refusal("ald_capacity_20250716.xlsx", b"PK\x03\x04" if not members else bomb(members)) == (Outcome.NOT_DATA, "unparsable")


def test_an_empty_sheet_is_refused() -> None:
    assert refusal("ald_capacity_20250716.xlsx", workbook()) == (Outcome.NOT_DATA, "empty")


def test_a_damaged_part_of_a_spreadsheet_is_refused() -> None:
    body = bytearray(workbook(VALUE_HEADER.split(","), VALUE_LINE.split(",")))
    with zipfile.ZipFile(io.BytesIO(bytes(body))) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    start = sheet.header_offset + 30 + len(sheet.filename)
    for place in range(start + 20, start + 60):
        body[place] ^= 0xFF
    assert refusal("ald_capacity_20250716.xlsx", bytes(body)) == (Outcome.NOT_DATA, "unparsable")
