"""A total is known only if all its parts are: whichever row is lost, the total is null with a reason and the rest of the day stays.

One slice of the sample, in which every session's receipts or ranking is damaged another way at another place, and the bars of some
days are not what they say, is built once.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ingest.catalog.calendar import trading_days
from ingest.origins import FilesOrigin, SampleOrigin
from ingest.source import DataOrigin, Request, Response, Source
from ingest.sources import SOURCES
from tests.pipeline.conftest import House, query

FIRST, LAST = date(2025, 5, 6), date(2025, 7, 23)
DAYS = trading_days(FIRST, LAST)[2:-2]
Row = dict[str, Any]
Damage = Callable[[list[Row], int], None]


def _set(**cells: Any) -> Damage:
    return lambda rows, place: rows[place].update(cells)


def _twice(column: str) -> Damage:
    return lambda rows, place: rows.insert(place + 1, rows[place] | {column: rows[place][column] + 300})


def _add(column: str, more: int) -> Damage:
    return lambda rows, place: rows[place].update({column: rows[place][column] + more})


def _without(column: str) -> Damage:
    def remove(rows: list[Row], place: int) -> None:
        del rows[place][column]

    return remove


RECEIPTS: dict[str, Damage] = {
    "blank": _set(WRTWGHTS="", WRTCHANGE=""),
    "blank level": _set(WRTWGHTS=""),
    "text": _set(WRTWGHTS="停"),
    "negative": _set(WRTWGHTS=-300, WRTCHANGE=-300),
    "twice": _twice("WRTWGHTS"),
    "unknown status": _set(ROWSTATUS="7"),
    "unknown unit": _set(WGHTUNIT="9"),
    "cell missing": _without("WRTWGHTS"),
    "more than its sum": _add("WRTWGHTS", 600),
}
RANKING: dict[str, Damage] = {
    "blank": _set(CJ2="", CJ3=""),
    "text": _set(CJ2="停"),
    "rank unknown": _set(RANK=77),
    "cell missing": _without("CJ3_CHG"),
    "left out": lambda rows, place: rows.pop(place) and None,
    "more than its sum": lambda rows, place: rows[place].update(CJ2=rows[place]["CJ2"] + 10, CJ3=rows[place]["CJ3"] + 10),
}
PLACES = ("first", "middle", "last")
OF_RECEIPTS = dict(zip(product(RECEIPTS, PLACES), DAYS, strict=False))
OF_RANKING = dict(zip(product(RANKING, PLACES), DAYS[len(OF_RECEIPTS) :], strict=False))


Bars = list[list[str]]
"""Lines of a day's bars of one contract: contract, time, open, high, low, close, volume, open interest."""


def _moved(*cells: int, by: int, lines: slice = slice(None)) -> Callable[[Bars], Bars]:
    def move(bars: Bars) -> Bars:
        for bar in bars[lines]:
            for cell in cells:
                bar[cell] = str(int(bar[cell]) + by)
        return bars

    return move


def _day(bars: Bars) -> Bars:
    (contract, _, first, *_), (_, end, _, _, _, last, _, held) = bars[0], bars[-1]
    high, low = max(int(bar[3]) for bar in bars), min(int(bar[4]) for bar in bars)
    return [[contract, end, first, str(high), str(low), last, str(sum(int(bar[6]) for bar in bars)), held]]


BARS: dict[str, tuple[date, Callable[[Bars], Bars]]] = {
    "outside_high": (date(2025, 7, 2), _moved(3, by=500, lines=slice(1, 2))),
    "outside_low": (date(2025, 7, 3), _moved(4, by=-500, lines=slice(2, 3))),
    "adjusted": (date(2025, 7, 4), _moved(2, 3, 4, 5, by=40)),
    "another close": (date(2025, 7, 8), lambda bars: [*bars[:-1], [*bars[-1][:5], bars[-1][4], *bars[-1][6:]]]),
    "more than the day": (date(2025, 7, 9), _moved(6, by=1_000_000, lines=slice(1))),
    "the day": (date(2025, 7, 10), _day),
}


def _place(where: str, count: int) -> int:
    return {"first": 0, "middle": count // 2, "last": count - 1}[where]


@dataclass(frozen=True)
class Damaged:
    """The sample, with the damages in it."""

    data_origin: DataOrigin = DataOrigin.SAMPLE

    def deliveries(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        damages = {("dailystock", day): (RECEIPTS[kind], where) for (kind, where), day in OF_RECEIPTS.items()}
        damages |= {("pm", day): (RANKING[kind], where) for (kind, where), day in OF_RANKING.items()}
        for request, response in SampleOrigin(FIRST, LAST).deliveries(sources):
            if request.feed == "bars":
                response = replace(response, body=self._other_bars(response.body))
            if request.day and (found := damages.get((request.feed, request.day))):
                response = replace(response, body=self._damaged(request.feed, response.body, *found))
            yield request, response

    def _other_bars(self, body: bytes) -> bytes:
        header, *lines = body.decode().splitlines()
        rows = [line.split(",") for line in lines]
        for day, change in BARS.values():
            mine = [row for row in rows if row[0].startswith("ao") and row[1].startswith(f"{day} ")]
            if mine:
                place = rows.index(mine[0])
                rows = [row for row in rows if row not in mine]
                rows[place:place] = change(mine)
        return "\n".join([header, *map(",".join, rows), ""]).encode()

    def _damaged(self, feed: str, body: bytes, damage: Damage, where: str) -> bytes:
        answer = json.loads(body)
        rows: list[Row] = answer["o_cursor"]
        if feed == "pm":
            instrument = "ao2509"
            mine = [row for row in rows if row["INSTRUMENTID"].strip() == instrument and 1 <= row["RANK"] <= 20]
        else:
            mine = [row for row in rows if row["VARID"].strip() == "ao" and row["ROWSTATUS"] == "0"]
        begin = rows.index(mine[_place(where, len(mine))])
        damage(rows, begin)
        return json.dumps(answer, ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, models: list[tuple[str, str, str]]) -> Path:
    house = House(tmp_path_factory.mktemp("wholes"))
    house.take(Damaged())
    return house.build(models)


def test_there_is_a_day_for_every_damage() -> None:
    assert len(OF_RECEIPTS) == len(RECEIPTS) * len(PLACES)
    assert len(OF_RANKING) >= len(RANKING)


@pytest.mark.parametrize(("kind", "where"), OF_RECEIPTS)
def test_the_total_of_receipts_is_null_with_a_reason_whichever_row_is_lost(warehouse: Path, kind: str, where: str) -> None:
    day = OF_RECEIPTS[kind, where]
    ((total, change, warrants, reason),) = query(
        warehouse,
        "select receipts_t, published_change_t, warrants, null_reason from marts.fct_receipts_daily where commodity_code = 'AO' and trade_date = ?",
        day,
    )
    wanted = "sum_broken" if kind == "more than its sum" else "part_refused"
    assert (total, change, warrants) == (None, None, None)
    assert f"receipts_t:{wanted}" in reason.split(";")
    shares = query(
        warehouse,
        "select distinct region_receipts_t, region_share_ratio, null_reason from marts.fct_receipts_warehouse_daily where commodity_code = 'AO' and trade_date = ?",
        day,
    )
    assert shares == [(None, None, wanted)]


@pytest.mark.parametrize(("kind", "where"), OF_RECEIPTS)
def test_the_day_says_so_in_its_status_and_the_other_commodity_stands(warehouse: Path, kind: str, where: str) -> None:
    day = OF_RECEIPTS[kind, where]
    said = query(
        warehouse,
        "select distinct status, status_reason, receipts_date, receipts_t from serving.outlook_v2 where commodity_code = 'AO' and as_of_date = ?",
        day,
    )
    assert said
    for status, reason, receipts_date, _ in said:
        assert status == "rejected"
        assert "receipts_incomplete" in reason.split(";")
        assert receipts_date is None or receipts_date < day
    ((other,),) = query(warehouse, "select receipts_t from marts.fct_receipts_daily where commodity_code = 'AL' and trade_date = ?", day)
    # A row that does not say its product at all would be one of any; these all do.
    assert other is not None


def test_no_day_without_damage_lost_its_total(warehouse: Path) -> None:
    days = query(warehouse, "select trade_date from marts.fct_receipts_daily where commodity_code = 'AO' and receipts_t is null")
    assert {day for (day,) in days} == set(OF_RECEIPTS.values())
    assert not query(warehouse, "select * from serving.outlook_v2 where commodity_code = 'AL' and status_reason like '%receipts_incomplete%'")


@pytest.mark.parametrize(("kind", "where"), OF_RANKING)
def test_sums_over_a_board_are_null_with_a_reason_whichever_member_is_lost(warehouse: Path, kind: str, where: str) -> None:
    figures = "top20_long_lots, top20_short_lots, top20_net_lots, top20_net_pct, cr5_long_pct, net_index_250d"
    ((*sums, reason),) = query(
        warehouse,
        f"select {figures}, null_reason from marts.fct_positioning_daily where contract_code = 'AO2509' and session = 'day' and trade_date = ?",
        OF_RANKING[kind, where],
    )
    assert sums == [None] * 6
    told = {"left out": ("part_missing", "sum_broken"), "blank": ("part_missing", "sum_broken"), "more than its sum": ("sum_broken",)}
    (members,) = [part.split(":")[1] for part in reason.split(";") if part.startswith("members:")]
    assert members in told.get(kind, ("part_refused",))


def test_no_other_day_and_contract_lost_its_members(warehouse: Path) -> None:
    lost = query(
        warehouse,
        "select distinct trade_date, contract_code from marts.fct_positioning_daily where session = 'day' "
        "and regexp_matches(null_reason, 'members:(part_refused|part_missing|sum_broken)')",
    )
    assert set(lost) == {(day, "AO2509") for day in OF_RANKING.values()}


@pytest.mark.parametrize("kind", BARS)
def test_nothing_is_made_of_bars_that_are_not_what_they_say(warehouse: Path, kind: str) -> None:
    day, _ = BARS[kind]
    assert not query(warehouse, "select * from marts.fct_futures_session where commodity_code = 'AO' and trade_date = ?", day)
    ((night, reason),) = query(
        warehouse,
        "select ret_c_night_pct, null_reason from marts.fct_futures_daily where commodity_code = 'AO' and is_dominant and trade_date = ?",
        day,
    )
    assert night is None
    assert "ret_c_night_pct:no_night_bars" in reason.split(";")
    assert not query(
        warehouse,
        "select * from marts.fct_basis_daily where commodity_code = 'AO' and futures_leg = 't1130' and price_source = 'bars' and trade_date = ?",
        day,
    )
    found = query(warehouse, "select message from serving.quality_results where table_name = 'bars__prices' and trade_date = ?", day)
    assert found
    assert all("no session, night return or price at 11:30 is made" in message for (message,) in found)


def test_other_days_and_contracts_keep_their_sessions(warehouse: Path) -> None:
    held = {day for day, _ in BARS.values()}
    days = {day for (day,) in query(warehouse, "select distinct trade_date from marts.fct_futures_session where commodity_code = 'AO'")}
    assert set(trading_days(FIRST, LAST)) - days == held
    assert len(query(warehouse, "select distinct trade_date from marts.fct_futures_session where commodity_code = 'AL'")) == len(
        trading_days(FIRST, LAST)
    )


# ---------------------------------------------------------------- the cases


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, models: list[tuple[str, str, str]]) -> Path:
    house = House(tmp_path_factory.mktemp("cases"))
    house.take(FilesOrigin(shared_data / "cases/lost-row-counts-as-zero", SOURCES))
    return house.build(models)


def test_a_blank_row_and_a_warehouse_in_two_rows_make_the_total_unknown(cases: Path) -> None:
    rows = query(cases, "select trade_date, receipts_t, null_reason from marts.fct_receipts_daily where commodity_code = 'AO' order by 1")
    assert [(day, total) for day, total, _ in rows] == [(date(2025, 7, 16), None), (date(2025, 7, 17), None)]
    assert all("receipts_t:part_refused" in reason for *_, reason in rows)


def test_a_partner_in_two_rows_counts_with_both(cases: Path) -> None:
    rows = query(cases, "select partner_code, qty_t from marts.fct_trade_balance_monthly where flow = 'import' and month = '2025-05-01' order by 1")
    assert rows == [("601", 1500.0), ("all", 1500.0)]
