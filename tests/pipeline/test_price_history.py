"""Two years of real prices through the whole pipeline: what the source says is what an analyst reads, on every session.

The source is a chain of dominant contracts: it has no contract months, no turnover and no previous settlement. The test invents those
to write the exchange's own form: one contract for each half of a year, a turnover that fits the settlement, the chain's settlement
of the day before. Nothing of what it compares is invented. The backtest on these prices takes what the chain's real rolls add for returns.
"""

import csv
import json
from datetime import date
from pathlib import Path

import pytest

from ingest.origins import FilesOrigin
from ingest.sources import SOURCES
from tests.pipeline.conftest import Filled, House, Model

pytestmark = pytest.mark.full

Day = dict[str, str]
BENCHMARK = 2665  # listing benchmark price: the first day has no session before it
LOT_T = 20
WITHOUT_SETTLEMENT = date(2024, 9, 25)
COLUMNS = {
    "open": "open_cny_t",
    "high": "high_cny_t",
    "low": "low_cny_t",
    "close": "close_cny_t",
    "settle": "settle_cny_t",
    "volume": "volume_lots",
    "hold": "open_interest_lots",
}


def _kx(day: Day, before: Day | None) -> bytes:
    year, is_late = int(day["date"][:4]), int(day["date"][5:7]) > 6
    number = {name: int(value) for name, value in day.items() if name != "date"}
    pre_settle = int(before["settle"]) or int(before["close"]) if before else BENCHMARK
    held_before = int(before["hold"]) if before else number["hold"]
    row = {
        "PRODUCTID": "ao_f",
        "PRODUCTGROUPID": "ao",
        "PRODUCTCLASS": "1",
        "PRODUCTNAME": "氧化铝",
        "DELIVERYMONTH": f"{year % 100 + is_late:02d}{'03' if is_late else '09'}",
        "OPENPRICE": number["open"],
        "HIGHESTPRICE": number["high"],
        "LOWESTPRICE": number["low"],
        "CLOSEPRICE": number["close"],
        "SETTLEMENTPRICE": number["settle"],
        "PRESETTLEMENTPRICE": pre_settle,
        "ZD1_CHG": number["close"] - pre_settle,
        "ZD2_CHG": number["settle"] - pre_settle if number["settle"] else "",
        "VOLUME": number["volume"],
        "OPENINTEREST": number["hold"],
        "OPENINTERESTCHG": number["hold"] - held_before,
        "TURNOVER": (number["settle"] or number["close"]) * number["volume"] * LOT_T / 10_000,
        "TASVOLUME": "",
    }
    stamp = day["date"].replace("-", "")
    document = {"o_code": "0000", "o_msg": "", "report_date": stamp, "update_date": f"{stamp} 15:30:00", "o_curinstrument": [row]}
    return json.dumps(document, ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def chain(shared_data: Path) -> list[Day]:
    file = shared_data / "prices" / "ao0_daily.csv"
    if not file.is_file():
        pytest.skip(f"{file} is not on this machine")
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, chain: list[Day], models: list[Model], comments: dict[str, str]) -> Filled:
    folder, house = tmp_path_factory.mktemp("kx"), House(tmp_path_factory.mktemp("history") / "home")
    for before, day in zip([None, *chain], chain, strict=False):
        (folder / f"kx{day['date'].replace('-', '')}.dat").write_bytes(_kx(day, before))
    house.take(FilesOrigin(folder, SOURCES))
    house.build(models)
    return house.publish(comments)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_session_reads_as_the_source_says(history: Filled, chain: list[Day], column: str) -> None:
    held = dict(history.published(f"select trade_date, {COLUMNS[column]} from marts.fct_futures_daily where commodity_code = 'AO' and is_dominant"))
    told = {date.fromisoformat(day["date"]): int(day[column]) or None for day in chain}
    assert len(told) == 508
    assert held == told


def test_the_settlement_of_zero_is_null_and_a_finding(history: Filled) -> None:
    assert history.published(
        "select settle_cny_t, is_final, ret_s_ps_pct, null_reason like '%ret_s_ps_pct:no_settlement%' from marts.fct_futures_daily where trade_date = ?",
        WITHOUT_SETTLEMENT,
    ) == [(None, False, None, True)]
    findings = history.working("select trade_date from intermediate.int_quality__identities where check_id = 'traded_contract_has_a_settlement'")
    assert findings == [(WITHOUT_SETTLEMENT,)]


def test_settlements_and_printed_changes_hold_on_real_prices(history: Filled) -> None:
    """The turnover is the test's, yet unit, lot size and tick between it and the settlement are the warehouse's."""
    assert (
        history.working(
            "select * from intermediate.int_quality__identities where check_id in ('settle_is_the_weighted_average', 'printed_change_is_the_difference')"
        )
        == []
    )


def test_prices_alone_are_too_little_evidence_for_a_stance(history: Filled) -> None:
    """Of the short horizon's evidence only money is known, of the medium one's nothing; the state and what is printed of the market stand all the same."""
    rows = history.published("select distinct horizon, profile, stance, stance_reason from serving.outlook where status <> 'rejected' order by all")
    assert rows == [
        ("long", "exchange", None, "needs_fundamentals"),
        ("medium", "exchange", None, "evidence_below_minimum"),
        ("short", "exchange", None, "evidence_below_minimum"),
    ]
    assert history.published("select sum(calls) from serving.outlook_backtest where strategy = 'rules'") == [(0,)]
    assert history.published(
        "select count(distinct as_of_date) > 300 from serving.outlook where status = 'validated' and sentiment_score is not null"
    ) == [(True,)]
