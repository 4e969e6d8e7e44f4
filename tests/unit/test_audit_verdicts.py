"""Judging: only like is compared with like, and only positive evidence contradicts."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from ingest.catalog.calendar import load_calendar
from ingest.source import SHANGHAI
from serving.research.audit.claims import COLUMNS, read_note
from serving.research.audit.entities import resolve, same_publisher
from serving.research.audit.facts import _MARTS, Event, Evidence, read_evidence
from serving.research.audit.meanings import load_catalog
from serving.research.audit.verdicts import Auditor, Judged

CATALOG, CALENDAR = load_catalog(), load_calendar()
DAYS = [date(2025, 7, 11), date(2025, 7, 14), date(2025, 7, 15)]
COLUMN = {
    "close": "close_price",
    "settle": "settle_price",
    "high": "high_price",
    "low": "low_price",
    "volume": "volume_lots",
    "oi": "open_interest_lots",
}


def evidence(events: Sequence[Event] = ()) -> Evidence:
    """Three days of AO2509, receipts and an SMM capacity of two weeks."""
    rows = {
        DAYS[0]: {"close": 3100, "settle": 3090, "high": 3120, "low": 3050, "volume": 200_000, "oi": 250_000},
        DAYS[1]: {"close": 3110, "settle": 3105, "high": 3130, "low": 3080, "volume": 210_000, "oi": 260_000},
        DAYS[2]: {"close": 3165, "settle": 3150, "high": 3180, "low": 3100, "volume": 300_000, "oi": 255_000},
    }
    found: dict[tuple[str, str, str], dict[date, list[tuple[float, float, str]]]] = {}
    for day, figures in rows.items():
        for name, value in figures.items():
            found.setdefault(("daily_quotes", "AO2509", COLUMN[name]), {})[day] = [(float(value), 0.0, "exchange")]
    found["daily_quotes", "AO2511", "settle_price"] = {DAYS[1]: [(3105.0, 0.0, "exchange")]}
    found["warehouse_receipts", "AO|total", "receipts_qty"] = {DAYS[0]: [(24_000.0, 0.0, "exchange")], DAYS[2]: [(25_500.0, 0.0, "exchange")]}
    found["vendor_series", "SMM-AO-CAP-RUN", "value"] = {
        date(2025, 7, 3): [(88_630_000.0, 5_000.0, "SMM")],
        date(2025, 7, 10): [(88_500_000.0, 5_000.0, "SMM")],
    }
    found["vendor_series", "SMM-AO-INDEX", "value"] = {DAYS[2]: [(3175.0, 0.005, "SMM")]}
    found["vendor_series", "SMM-AO-PORT-PRICE", "value"] = {DAYS[2]: [(3239.0, 0.5, "SMM")]}
    marts = {
        ("fct_delivery_risk_daily", "AO", DAYS[2]): {"is_low": False, "squeeze_state": "alert"},
        ("fct_import_parity_daily", "AO", DAYS[2]): {"window_state": "open"},
    }
    return Evidence(found, events, is_real=True, marts=marts)


def judged(tmp_path: Path, *rows: str, events: Sequence[Event] = ()) -> list[Judged]:
    path = tmp_path / "note.csv"
    lines = [f"X{number},1,{row}" for number, row in enumerate(rows, 1)]
    path.write_text("\n".join(["# as_of: 2025-07-15", "# commodity: AO", ",".join(COLUMNS), *lines, ""]), encoding="utf-8")
    return Auditor(read_note(path, CATALOG, CALENDAR), CATALOG, evidence(events), CALENDAR).judge_all()


@pytest.mark.parametrize(
    ("row", "verdict", "words"),
    [
        # entity or nothing
        ("收于3165元,quantity,close,AO2509,2025-07-15,,eq,3165,,yuan/t,", "supported", ""),
        ("收于3166元,quantity,close,氧化铝2509,2025-07-15,,eq,3166,,yuan/t,", "contradicted", "close = 3,165"),
        ("收于3165元,quantity,close,AD2511,2025-07-15,,eq,3165,,yuan/t,", "not_computable", "'AD' is no commodity of the catalogue"),
        ("收于3165元,quantity,close,铸造铝合金2511,2025-07-15,,eq,3165,,yuan/t,", "not_computable", "is no commodity of the catalogue"),
        ("收于3165元,quantity,close,LME aluminium,2025-07-15,,eq,3165,,yuan/t,", "not_computable", "'LME' is no commodity"),
        ("收于3165元,quantity,close,AO or AL,2025-07-15,,eq,3165,,yuan/t,", "not_computable", "several commodities: AL, AO"),
        ("收于3165元,quantity,close,AO2509 Fantasia,2025-07-15,,eq,3100,,yuan/t,", "definition_dependent", "'Fantasia' of the entity is not understood"),
        # like with like
        ("减仓5000手,change,d_oi,AO2509,2025-07-15,,eq,-5000,,lots,down", "supported", ""),
        ("减仓5000手,change,d_oi,AO2509,2025-07-15,,eq,5000,,手,down", "supported", ""),
        ("减仓1.92%,change,d_oi,AO2509,2025-07-15,,eq,-1.92,,pct,down", "supported", ""),
        ("持仓下降,change,d_oi,AO2509,2025-07-15,,,,,,down", "supported", ""),
        ("减仓5吨,change,d_oi,AO2509,2025-07-15,,eq,-5,,t,down", "not_computable", "is held in pct or lots; a claim in t is not comparable"),
        ("仓单1275手,quantity,receipt_t,AO,2025-07-15,,eq,1275,,lots,", "supported", ""),
        ("收于3165元,quantity,close,AO2509,2025-07-15,vwap,eq,3165,,yuan/t,", "not_computable", "price_basis 'vwap' is not one of close: close"),
        # periods
        ("较上周五上涨2.10%,change,ret_period,AO2509,2025-07-11/2025-07-15,,eq,2.10,,pct,up", "supported", ""),
        ("上涨55元,change,d_close,AO2509,2025-07-15,close_vs_close,eq,55,,yuan/t,up", "supported", ""),
        ("增仓5000手,change,d_oi,AO2509,2025-07-11/2025-07-15,lots,eq,5000,,lots,up", "supported", ""),
        ("仓单增加1500吨,change,d_receipt_t,AO,2025-07-11/2025-07-15,,eq,1500,,t,up", "supported", ""),
        ("本周最高3180,quantity,period_high,AO2509,2025-07-14/2025-07-15,,eq,3180,,yuan/t,", "supported", ""),
        ("期间最高3180,quantity,high,AO2509,2025-07-11/2025-07-15,,eq,3180,,yuan/t,", "supported", ""),
        ("期间最低3050,quantity,low,AO2509,2025-07-11/2025-07-15,,eq,3050,,yuan/t,", "supported", ""),
        ("涨2.10%,change,ret_cc_1d,AO2509,2025-07-11/2025-07-15,,eq,2.10,,pct,up", "supported", ""),
        ("涨2.10%,change,ret_c_ps,AO2509,2025-07-11/2025-07-15,,eq,2.10,,pct,up", "not_computable", "no definition of ret_c_ps fits"),
        ("周成交51万手,quantity,volume,AO2509,2025-07-14/2025-07-15,,eq,510000,,lots,", "definition_dependent", "a sum over the period"),
        ("1-5月累计出口117万吨,quantity,export_qty,HS 28182000,2025-01-01/2025-05-31,,eq,1172,,kt,", "not_computable", "is held month by month"),
        # only positive evidence contradicts
        ("运行产能9355万吨,quantity,operating_capacity,AO,2025-07-10,,eq,93550,,kt/y,", "definition_dependent", "no evidence against it: the series is of SMM"),
        ("SMM运行产能9355万吨,quantity,operating_capacity,SMM AO,2025-07-10,,eq,9355,,万吨,", "contradicted", "88,500"),
        ("阿拉丁运行产能9355万吨,quantity,operating_capacity,ALD AO,2025-07-10,,eq,9355,,万吨,", "not_computable", "ald_running"),
        ("百川运行产能9355万吨,quantity,operating_capacity,AO 百川,2025-07-10,,eq,9355,,万吨,", "not_computable", "the claim follows Baiinfo"),
        ("国内产能增加,change,d_operating,AO,2025-07-03/2025-07-10,,,,,,up", "definition_dependent", "no evidence against it"),
        ("进口窗口关闭,state,import_profit,AO,2025-07-15,,,,,,down", "supported", ""),
        ("期货收于3100元,quantity,close,AO,2025-07-15,,eq,3100,,yuan/t,", "not_computable", ""),
        # impossible is said
        ("收于3165.5元,quantity,close,AO2601,2025-07-15,,eq,3165.5,,yuan/t,", "contradicted", "A12 fail: 3,165.5 is not on the tick of 1"),
        ("成交60万手,quantity,volume,AO2509,2025-07-15,,eq,600000,,lots,", "contradicted", "A13 fail: 600,000 is twice the single-sided volume 300,000"),
        ("7月12日收于3100元,quantity,close,AO2509,2025-07-12,,eq,3100,,yuan/t,", "contradicted", "A14 fail: 2025-07-12 (Saturday) is no session"),
        ("收于3100元,quantity,close,AO2509,2025-07-12,,eq,3100,,yuan/t,", "not_computable", "A14 fail"),
        ("触及3400元,quantity,high,AO2509,2025-07-15,,eq,3400,,yuan/t,", "contradicted", "= 3,180"),
        ("运行产能至82.9%,quantity,operating_capacity,AO,2025-07-10,,eq,82.9,,pct,", "contradicted", "operating_capacity is given in kt/y, it cannot carry pct; a capacity cannot carry per cent"),
        ("开工率环比下降0.16%至95.94%,change,al_rate_change,CN aluminium,2025-05-31/2025-06-30,,eq,-0.16,,pct,down", "contradicted", "A4 fail: al_rate_change is given in pp, it cannot carry pct"),
        ("仓单25500手,quantity,receipt_t,AO,2025-07-15,,eq,25500,,lots,", "contradicted", "1,275"),
        ("On July 12 it closed at 3100,quantity,close,AO2509,2025-07-12,,eq,3100,,yuan/t,", "contradicted", "A14 fail"),
        ("较昨结算涨8.5%,change,ret_c_ps,AO2511,2025-06-16,,eq,8.5,,pct,up", "contradicted", "A2 fail: 8.5 % against the settlement before is beyond the limit of 8 %"),
        ("较昨结算涨7.5%,change,ret_c_ps,AO2511,2025-07-15,,eq,7.5,,pct,up", "not_computable", "is not held"),
        ("较昨结算涨9.5%,change,ret_c_ps,LC2511,2025-07-15,,eq,9.5,,pct,up", "not_computable", "the limit is assumed"),
        # a figure that may have been cut off is no error
        ("涨1.76%,change,ret_cc_1d,AO2509,2025-07-15,,eq,1.76,,pct,up", "definition_dependent", "less than the last printed digit"),
        ("涨1.66%,change,ret_cc_1d,AO2509,2025-07-15,,eq,1.66,,pct,up", "contradicted", "1.77 %"),
        ("成交30.0万手,quantity,volume,AO2509,2025-07-15,,eq,30.0,,万手,", "supported", ""),
    ],
)  # fmt: skip
def test_a_claim_has_the_verdict_its_evidence_allows(tmp_path: Path, row: str, verdict: str, words: str) -> None:
    (found,) = judged(tmp_path, row)
    told = f"{found.evidence} {found.reconciling_definition.en}"
    assert (str(found.verdict), words in told) == (verdict, True), told


def test_an_event_that_is_not_held_is_no_evidence_that_nothing_happened(tmp_path: Path) -> None:
    events = [Event("E1", DAYS[2], "ministry", theme="anti-involution", authority="ministry", event_type="rule", sectors=frozenset({"alumina"}))]
    rows = (
        "会议,event,policy_event,MIIT,2025-07-14,,eq,1,,count,",
        "会议,event,policy_event,MIIT,2025-07-15,,eq,1,,count,",
        "五次会议,event,policy_event,MIIT,2025-07-15,,eq,5,,count,",
        "无文件,state,policy_doc_count,alumina,2025-07-15,,eq,0,,count,",
    )
    assert [str(row.verdict) for row in judged(tmp_path, *rows, events=events)] == ["not_computable", "supported", "not_computable", "contradicted"]


def test_a_note_is_held_against_itself_only_where_it_speaks_of_the_same(tmp_path: Path) -> None:
    rows = (
        "收于3165元,quantity,close,AO2509,2025-07-15,,eq,3165,,yuan/t,",
        "收于3200元,quantity,close,AD2511,2025-07-15,,eq,3200,,yuan/t,",
        "收于3190元,quantity,close,AO2510,2025-07-15,,eq,3190,,yuan/t,",
        "持仓255000手,quantity,oi,AO2509,2025-07-15,,eq,255000,,lots,",
        "日减仓5000手,change,d_oi,AO2509,2025-07-15,,eq,-5000,,lots,down",
        "收于3160元,quantity,close,AO2509,2025-07-15,,eq,3160,,yuan/t,",
        "持仓255000吨,quantity,oi,AO2509,2025-07-15,,eq,255000,,lots,",
        "涨0.005%,change,ret_cc_1d,AO2510,2025-07-15,,eq,0.005,,pct,up",
    )
    found = [row.self_consistency for row in judged(tmp_path, *rows)]
    assert found[0].startswith("fail versus X6") and found[5].startswith("fail versus X1")
    assert found[1:3] == ["", ""]
    assert found[4] == "pass with X4"
    assert found[6] == "fail: A4 the quote gives 255000 in 吨, the unit says lots"
    assert found[7].startswith("fail versus X3: A1 fail: 3,190")


def test_a_claim_of_digits_costs_its_length(tmp_path: Path) -> None:
    """Nothing looks at a clock: the run of digits was taken from each of them on, and 400 claims took more than two minutes."""
    quotes = [f"{digit}" * 1_990 for digit in range(1, 9)] + ["1," * 900]
    rows = [f'"{quote}",quantity,oi,AO2509,2025-07-15,,eq,255000,,lots,' for quote in quotes * 50]
    assert [str(row.verdict) for row in judged(tmp_path, *rows)] == ["supported"] * len(rows)


def test_a_price_the_note_puts_above_its_own_high_is_a_contradiction_of_the_note(tmp_path: Path) -> None:
    rows = (
        "收于3290元,quantity,close,AO2511,2025-07-15,,eq,3290,,yuan/t,",
        "最高3280元,quantity,high,AO2511,2025-07-15,,eq,3280,,yuan/t,",
        "最低3210元,quantity,low,AO2511,2025-07-15,,eq,3210,,yuan/t,",
        "结算价3205元,quantity,settle,AO2511,2025-07-15,,eq,3205,,yuan/t,",
        "开盘价3250元,quantity,open,AO2511,2025-07-15,,eq,3250,,yuan/t,",
    )
    found = [row.self_consistency for row in judged(tmp_path, *rows)]
    assert found[0] == "fail versus X2: A15 the close 3,290 is above the high 3,280"
    assert found[3] == "fail versus X3: A15 the settle 3,205 is below the low 3,210"
    assert (found[1], found[2], found[4]) == ("", "", "")


def test_what_is_impossible_only_under_an_assumption_is_a_doubt_with_its_arithmetic(tmp_path: Path) -> None:
    rows = (
        "触及3400元,quantity,high,AO2511,2025-07-15,,eq,3400,,yuan/t,",
        "较昨结算涨9.5%,change,ret_c_ps,LC2511,2025-07-15,,eq,9.5,,pct,up",
        "收于3100元,quantity,close,AO2509,2025-07-12,,eq,3100,,yuan/t,",
        "收于3165元,quantity,close,AO2509,2025-07-15,,eq,3165,,yuan/t,",
    )
    limit, change, closed, true = (row.self_consistency for row in judged(tmp_path, *rows))
    assert limit.startswith("fail: A2 3,400 is outside the price limits 2,826 to 3,384") and limit.endswith("the limit is assumed, no notice is read")
    assert change.startswith("fail: A2 9.5 % against the settlement before is beyond the limit of 9 %")
    assert closed.startswith("fail: A14 2025-07-12 (Saturday) is no session")
    assert true == ""


def test_evidence_of_a_days_knowledge_is_what_stood_then_without_the_publishers_own() -> None:
    with duckdb.connect() as con:
        con.execute("set timezone = 'Asia/Shanghai'; create schema serving; create schema marts")
        for mart in _MARTS:
            con.execute(
                f"create table marts.{mart} (contract_code varchar, commodity_code varchar, trade_date date, as_of_date date, is_dominant boolean, session varchar, "
                "is_best_leg boolean, available_at timestamptz, decision_at timestamptz)"
            )
        con.execute(
            "insert into marts.fct_import_parity_daily (commodity_code, trade_date, is_best_leg, available_at) values ('AO', '2025-07-15', true, '2025-07-16 09:00:00+08')"
        )
        con.execute(
            "create table serving.claim_facts as select 'daily_quotes' as dataset, day::date as obs_date, 'AO2509' as fact_key, 'close_price' as column_name, "
            "value::double as value, 0.0 as uncertainty, null::varchar as value_text, printed_by, available_at::timestamptz as available_at, "
            "superseded_at::timestamptz as superseded_at, 'files' as data_origin "
            "from (values ('2025-07-14', 3100, 'shfe', '2025-07-14 15:30:00+08', '2025-07-17 09:00:00+08'), "
            "('2025-07-14', 3110, 'shfe', '2025-07-17 09:00:00+08', null), ('2025-07-15', 3165, 'shfe', '2025-07-16 09:00:00+08', null), "
            "('2025-07-11', 3100, '国信期货日报', '2025-07-11 15:30:00+08', null)) as t (day, value, printed_by, available_at, superseded_at)"
        )
        key = ("daily_quotes", "AO2509", "close_price")
        day_end = datetime(2025, 7, 16, tzinfo=SHANGHAI)
        now = read_evidence(con, DAYS[2], "Guoxin Futures", CATALOG.publishers)
        then = read_evidence(con, DAYS[2], "Guoxin Futures", CATALOG.publishers, known_by=day_end)
        con.execute("delete from serving.claim_facts where superseded_at is not null; alter table serving.claim_facts drop superseded_at")
        con.execute("drop table marts.fct_delivery_risk_daily")
        older = read_evidence(con, DAYS[2], "Guoxin Futures", CATALOG.publishers)
    assert older.observations == now.observations  # of a release made before figures had versions
    assert {day: [value for value, *_ in found] for day, found in now.observations[key].items()} == {DAYS[1]: [3110], DAYS[2]: [3165]}
    assert {day: [value for value, *_ in found] for day, found in then.observations[key].items()} == {DAYS[1]: [3100]}
    assert (len(now.marts), len(then.marts)) == (1, 0)


def test_names_of_one_thing_are_one() -> None:
    lexicon = CATALOG.lexicon
    for text in ("AO2509", "氧化铝2509", "氧化铝主力合约2509", "沪氧化铝 2509", "Alumina 2509", "ao2509", "主力2509"):
        assert (resolve(text, lexicon, "AO").commodity, resolve(text, lexicon, "AO").contracts) == ("AO", ("AO2509",)), text
    assert [resolve(text, lexicon, "AO").commodity for text in ("沪铝主力", "碳酸锂2509", "LC", "电解铝", "aluminum")] == [
        "AL",
        "LC",
        "LC",
        "AL",
        "AL",
    ]
    assert resolve("AO2509-AO2601", lexicon, "AO").contracts == ("AO2509", "AO2601")
    assert resolve("HS 28182000", lexicon, "AL").commodity == "AO"
    assert resolve("SMM AO Shandong", lexicon, "AO").region == "shandong"
    assert resolve("", lexicon, "LC").commodity == "LC"


def test_a_publisher_is_known_by_all_its_names() -> None:
    def is_own(publisher: str, printed_by: str) -> bool:
        return any(pattern.search(printed_by) for pattern in same_publisher(publisher, CATALOG.publishers))

    assert is_own("国信期货", "Guoxin Futures note 2025-07-22")
    assert is_own("Guoxin Futures", "国信期货日报")
    assert is_own("GF Futures", "广发期货")
    assert not is_own("国信期货", "GTJA Futures weekly 2025-07-04")
    assert not is_own("Broker daily 2025-07-07", "broker note 2025-07-07")


def test_what_a_judgement_or_a_forecast_speaks_of_is_computed_beside_it(tmp_path: Path) -> None:
    worried, coming = judged(
        tmp_path,
        "仓单低位加剧交割担忧,judgement,delivery_concern,AO near contract,2025-07-15,,,1,,bool,up",
        "进口流入可能,conditional,window_state,AO import,forward_short,,,,,,up",
    )
    assert (worried.verdict, worried.value_found, worried.value_unit) == ("judgement", 0, "0 or 1")
    assert [line.zh for line in worried.arithmetic] == ["仓单处于首次注册以来低位且未回升 = 否", "近月持仓对仓单（虚实盘比） = 警戒"]
    assert (coming.verdict, coming.value_found, coming.value_unit) == ("conditional", -64, "yuan/t")
    assert [line.en for line in coming.arithmetic] == [
        "national spot index less imported alumina at port; one leg of several = −64 CNY/t (−64.5 to −63.49)",
        "the leg that pays best = open",
    ]
