"""Quotes read by columns and quotes read row by row: the same frames from the same bytes, and anything odd is left to the rows."""

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from feeds import DAY, Row, answer, extract, quote, request_for

from ingest import sample
from ingest.answer import read_json
from ingest.source import Parsed, PayloadError, Request
from ingest.sources.shfe import Shfe
from ingest.sources.shfe.quotes import parse_quotes, read_quotes
from tests.reliability.mutations import ODD_VALUES, mutate

BLANK = dict.fromkeys(("OPENPRICE", "HIGHESTPRICE", "LOWESTPRICE", "CLOSEPRICE", "SETTLEMENTPRICE", "PRESETTLEMENTPRICE", "ZD1_CHG", "ZD2_CHG"), "")
ROWS: list[Row] = [
    quote(),
    quote("cu", "2510  ", PRODUCTID="cu_f    ", PRODUCTNAME="铜      ", TURNOVER=7.0, CLOSEPRICE=3020.5),
    quote("cu", "2511", OPENPRICE="", HIGHESTPRICE="", LOWESTPRICE="", VOLUME=0, TURNOVER=0),
    quote("cu", "小计", **BLANK),
    quote("", "", PRODUCTID="总计", **BLANK),
    quote("", "efp", PRODUCTID="snefp   ", TURNOVER="", **BLANK),
]
NAME = f"kx{DAY:%Y%m%d}.dat"


def by_rows(request: Request, body: bytes) -> Parsed:
    envelope, remarks = read_json(body)
    assert request.day is not None
    return parse_quotes(request, request.day, envelope, remarks)


def same(found: Parsed, wanted: Parsed) -> None:
    assert found.frames.keys() == wanted.frames.keys()
    for table, frame in wanted.frames.items():
        assert found.frames[table].schema == frame.schema
        assert found.frames[table].equals(frame), table
    assert (found.rejects, found.published_at, found.remarks) == (wanted.rejects, wanted.published_at, wanted.remarks)


def test_every_file_of_the_sample_is_read_by_columns_and_alike() -> None:
    files = [(request, response.body) for request, response in sample.deliveries(date(2025, 3, 3), date(2025, 7, 23)) if request.feed == "kx"]
    assert len(files) > 90
    for request, body in files:
        found = read_quotes(request.day, body)
        assert found is not None
        same(found, by_rows(request, body))


@pytest.mark.parametrize("name", ["kx20160104.dat", "kx20260915.dat"])
def test_real_files_of_both_eras_are_read_by_columns_and_alike(shared_data: Path, name: str) -> None:
    body, request = (shared_data / "payloads" / "shfe" / name).read_bytes(), request_for(name)
    found = read_quotes(request.day, body)
    assert found is not None
    same(found, by_rows(request, body))


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        [row | {"SETTLEMENTPRICE": 0, "PRESETTLEMENTPRICE": 0.0, "OPENPRICE": -0.0} for row in ROWS[:3]],
        [row | dict.fromkeys(("VOLUME", "OPENINTEREST", "OPENINTERESTCHG", "TURNOVER", "SETTLEMENTPRICE")) for row in ROWS[:3]],
        [{key: value for key, value in row.items() if key not in ("PRODUCTCLASS", "PRODUCTGROUPID", "TASVOLUME")} for row in ROWS],
        [*ROWS[:-1], ROWS[-1] | {"ORDERNO": 0, "ORDERNO2": 0, "PRODUCTSORTNO": 70}],
        [*ROWS, ROWS[0]],
        [quote(VOLUME=2**53, TURNOVER=2**63, PRODUCTNAME="", PRODUCTCLASS=" ")],
    ],
    ids=["plain", "zeros", "nulls", "old columns", "columns of some rows", "a row twice", "large"],
)
def test_an_ordinary_file_is_read_by_columns(rows: list[Row]) -> None:
    body = answer(rows)
    found = read_quotes(DAY, body)
    assert found is not None
    same(found, by_rows(request_for(NAME), body))


ODD_CELLS: list[Any] = [*ODD_VALUES, 2**53 + 1, "5.", "１２", "2_0", 1.5, False, "-", " "]


@pytest.mark.parametrize("place", range(len(ROWS)))
@pytest.mark.parametrize("key", [*ROWS[0], "UNKNOWN"])
def test_a_cell_that_is_odd_in_any_way_gives_what_the_rows_give_or_nothing(place: int, key: str) -> None:
    missing = [{k: v for k, v in row.items() if k != key} if n == place else row for n, row in enumerate(ROWS)]
    for rows in [missing, *([row | {key: odd} if n == place else row for n, row in enumerate(ROWS)] for odd in ODD_CELLS)]:
        body = answer(rows)
        if (found := read_quotes(DAY, body)) is not None:
            same(found, by_rows(request_for(NAME), body))


@pytest.mark.parametrize(
    "body",
    [
        extract(ROWS),
        answer([]),
        answer(ROWS[3:]),
        answer(ROWS, day=date(2025, 7, 15)),
        answer([quote(SETTLEMENTPRICE="")]),
        answer([quote(month="12月")]),
        answer([quote(UNKNOWN=1)]),
        answer([quote(VOLUME="1,000")]),
        answer([quote(VOLUME=True)]),
        answer([quote(TURNOVER=2**53, OPENINTEREST=2**53 + 1)]),
        answer(ROWS)[:-9],
        b"\xef\xbb\xbf" + answer(ROWS),
        answer(ROWS).replace("测试".encode(), b"\x01"),
        b"[]",
        b"7",
        b'{"o_code": 0, "report_date": "20250716", "o_curinstrument": [1]}',
    ],
    ids=range(16),
)
def test_what_is_out_of_the_ordinary_is_left_to_the_rows(body: bytes) -> None:
    assert read_quotes(DAY, body) is None


@pytest.mark.parametrize("examples", [300, pytest.param(3_000, marks=pytest.mark.full)])
def test_the_two_readings_agree_on_damaged_payloads(examples: int) -> None:
    request, body = request_for(NAME), answer(ROWS)
    alike = 0

    for number in range(examples):
        damaged = mutate(Random(number), body)
        if (found := read_quotes(DAY, damaged)) is not None:
            alike += 1
            same(found, by_rows(request, damaged))
    assert examples / 30 < alike < examples - examples / 30, "the mutations no longer tell the two readings apart"


def test_the_source_reads_by_columns_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.sources.shfe._PARSERS", {})
    parsed = Shfe().parse(request_for(NAME), answer(ROWS))
    assert parsed.frames["shfe__daily_quotes"].height == 3
    with pytest.raises(PayloadError, match="cut short"):
        Shfe().parse(request_for(NAME), json.dumps({"o_code": 0}).encode()[:-2])
