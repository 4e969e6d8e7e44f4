"""The table of expiring receipts: a terminal's documented example, and hand-made rows for what goes wrong."""

from datetime import date
from pathlib import Path

import pytest

from ingest.source import Outcome, Parsed, PayloadError
from ingest.sources.expiry import TABLE, Expiry
from quality.raw import TABLES

HEADER = "trade_date,exchange,ts_code,fut_name,unit,cur_month,next_month,next_two_month"
NAME = "tushare_fut_rcpt_mat_20260904.csv"
GOOD = "20260904,SHFE,AO,氧化铝(仓库),吨,59415.00,44721.00,72858.00"


def parse(*lines: str, name: str = NAME, header: str = HEADER) -> Parsed:
    request = Expiry().recognise(name)
    assert request is not None
    return Expiry().parse(request, "\n".join([header, *lines, ""]).encode())


def test_the_documented_example_is_read_warehouse_and_factory_apart(shared_data: Path) -> None:
    text = (shared_data / f"payloads_more/shfe/{NAME}").read_text(encoding="utf-8").splitlines()
    parsed = parse(*text[1:], header=text[0])
    assert parsed.rejects == ()
    frame = parsed.frames[TABLE]
    figures = ["warehouse_type", "expiring_0m_qty", "expiring_1m_qty", "expiring_2m_qty"]
    assert frame.filter(product_id="ao").select(figures).rows() == [("warehouse", 59415, 44721, 72858), ("factory", 1200, 3000, 0)]
    assert set(frame["product_id"]) == {"ao", "ad", "bu", "hc"} and set(frame["trade_date"]) == {date(2026, 9, 4)}
    assert dict(frame.schema) == TABLES[TABLE].schema


def test_the_code_has_two_names_and_a_further_column_is_kept() -> None:
    parsed = parse(f"{GOOD},x", header=HEADER.replace("ts_code", "fut_code") + ",note")
    (row,) = parsed.frames[TABLE].to_dicts()
    assert (row["provider"], row["product_id"], row["extra"]) == ("TUSHARE", "ao", '{"note": "x"}')


@pytest.mark.parametrize("name", ["tushare_fut_rcpt_mat_20260904.xlsx", "fut_rcpt_mat_20260904.csv", "tushare_fut_rcpt_mat.csv"])
def test_a_file_of_another_name_is_not_this_sources(name: str) -> None:
    assert Expiry().recognise(name) is None


def test_nothing_is_fetched() -> None:
    assert Expiry().requests(date(2026, 9, 4)) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD.replace("20260904", "20260905"), "after_export"),
        (GOOD.replace("氧化铝(仓库)", "总计"), "sum_row"),
        (GOOD.replace(",AO,", ",CU,"), "unknown_product"),
        (GOOD.replace(",AO,", ",AO.SHF,"), "unknown_product"),
        (GOOD.replace("吨", "手"), "unknown_unit"),
        (GOOD.replace("44721.00", ""), "no_value"),
        (GOOD.replace("44721.00", "some"), "unreadable_value"),
        (GOOD.replace("20260904", "September"), "unreadable_value"),
    ],
)
def test_a_row_that_cannot_be_believed_is_put_aside_with_the_product_it_is_of(line: str, reason: str) -> None:
    parsed = parse(GOOD.replace("AO", "AD").replace("氧化铝", "铸造铝合金"), line)
    (reject,) = parsed.rejects
    assert reject.reason == reason
    assert reject.row["product_id"] == line.split(",")[2].lower()
    assert parsed.frames[TABLE]["product_id"].to_list() == ["ad"]


def test_a_table_without_a_column_or_a_row_is_refused_in_one_sentence() -> None:
    for header, lines, expected in (
        (HEADER.replace(",next_two_month", ""), [GOOD.rsplit(",", 1)[0]], (Outcome.FORMAT_CHANGED, "missing_column")),
        (HEADER, [], (Outcome.NOT_DATA, "no_rows")),
    ):
        with pytest.raises(PayloadError) as caught:
            parse(*lines, header=header)
        assert (caught.value.verdict.outcome, caught.value.verdict.reason) == expected


def test_a_name_with_a_day_that_never_was_is_told_with_an_example() -> None:
    name = "tushare_fut_rcpt_mat_20261399.csv"
    request = Expiry().recognise(name)
    assert request is not None
    with pytest.raises(PayloadError) as caught:
        Expiry().parse(request, f"{HEADER}\n{GOOD}\n".encode())
    assert caught.value.verdict.reason == "wrong_name"
    assert caught.value.verdict.message == (
        f"the name of {name} does not state the day of the export: '20261399' is not a date; name the file like tushare_fut_rcpt_mat_20260904.csv"
    )
