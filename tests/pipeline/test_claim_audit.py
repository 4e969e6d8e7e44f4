"""The claim audit on the sample's note and on a note about another commodity, made here, against real-format payloads."""

import csv
import json
import re
from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

import ingest.catalog as catalog_files
from ingest.catalog.calendar import load_calendar
from ingest.origins import FilesOrigin
from ingest.sample.ledger import CLAIMS_FILE
from ingest.sources import SOURCES
from serving.research.audit.claims import COLUMNS
from serving.research.audit.facts import read_evidence
from serving.research.audit.formulas import Context, MissingError, evaluate
from serving.research.audit.interval import Interval
from serving.research.audit.meanings import FUTURES, load_catalog
from tests.pipeline.conftest import Filled, House, Model, alumina

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "claims.csv"
TOTALS = {
    "supported": 40, "judgement": 21, "not_computable": 20, "definition_dependent": 8, "conditional": 7, "duplicate": 5, "contradicted": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def audit(sample) -> dict[str, dict]:
    names = ("claim_id", "verdict", "value_found", "self_consistency", "evidence", "reconciling_definition")
    return {row[0]: dict(zip(names, row, strict=True)) for row in sample.published(f"select {', '.join(names)} from serving.claim_audit")}


def test_every_claim_has_the_verdict_the_reference_expects(audit) -> None:
    if not REFERENCE.is_file():
        pytest.skip(f"{REFERENCE} is not on this machine")
    with REFERENCE.open(encoding="utf-8", newline="") as lines:
        expected = {row["claim_id"]: row["expected_verdict"] for row in csv.DictReader(lines)}
    assert {claim: row["verdict"] for claim, row in audit.items()} == expected


def test_the_totals(audit) -> None:
    assert Counter(row["verdict"] for row in audit.values()) == TOTALS


def test_the_audit_has_never_seen_the_expected_verdicts() -> None:
    text = CLAIMS_FILE.read_text(encoding="utf-8")
    assert "expected_verdict" not in text
    assert "definition_note" not in text


def test_the_high_of_the_evening_is_beyond_the_limit_of_its_trade_date(audit) -> None:
    row = audit["C017"]
    assert row["verdict"] == "contradicted"
    assert row["value_found"] == 3405
    assert "A2 fail: 3,470 is outside the price limits 2,843 to 3,405" in row["evidence"]
    assert row["reconciling_definition"].startswith("A5: 3,470 lies in the range of trade date 2025-07-22 (3,375 to 3,577)")


def test_the_close_is_a_price_of_the_morning(audit) -> None:
    row = audit["C018"]
    assert (row["verdict"], row["value_found"]) == ("contradicted", 3513)
    assert "a price of the day, not its close" in row["reconciling_definition"]


def test_the_rise_is_true_and_the_note_contradicts_itself(audit) -> None:
    row = audit["C019"]
    assert row["verdict"] == "supported"
    assert row["value_found"] == pytest.approx(12.129, abs=0.0005)
    assert row["self_consistency"].startswith("fail versus C018: they give 9.26 %")
    assert "A1 pass: 3,513 (published) needs 3,133" in row["evidence"]
    assert "A1 fail: 3,423 (the note's C018) needs no base on the tick (3,052.71)" in row["evidence"]


def test_a_capacity_cannot_carry_per_cent(audit) -> None:
    assert audit["C065"]["verdict"] == "contradicted"
    assert "A4 fail: a capacity cannot carry per cent" in audit["C065"]["evidence"]
    assert audit["C065"]["reconciling_definition"].startswith("A4 fail: a capacity cannot carry per cent")
    assert audit["C065"]["value_found"] == pytest.approx(95.93, abs=0.005)


def test_what_a_verdict_depends_on_is_told_in_chinese_too(sample) -> None:
    told = dict(sample.published("select claim_id, reconciling_definition_zh from serving.claim_audit where reconciling_definition <> ''"))
    assert len(told) == TOTALS["definition_dependent"] + TOTALS["contradicted"]
    assert [claim for claim, text in told.items() if re.search("[a-z]{3,}", text)] == []
    for clock in ("收盘价 = 313.82 元/吨", "结算价 = 252.82 元/吨", "11:30 价 = 228.82 元/吨"):
        assert clock in told["C046"]
    assert told["C065"] == "A4 不符：产能不能用百分比表示，该数值是开工率；比率的变化应为百分点（pp），不是百分比"


def test_the_premium_is_printed_on_every_clock_and_not_contradicted(audit) -> None:
    row = audit["C046"]
    assert row["verdict"] == "definition_dependent"
    for figure in ("close = 313.82", "settlement = 252.82", "11:30 price = 228.82", "223.82", "189.82"):
        assert figure in row["reconciling_definition"]


def test_a_cost_of_another_model_does_not_contradict(audit) -> None:
    assert audit["C059"]["verdict"] == "definition_dependent"
    assert "monthly weighted full cost = 2,971" in audit["C059"]["reconciling_definition"]
    assert "daily cost-profit model" in audit["C059"]["reconciling_definition"]


def test_a_rise_without_a_basis_is_printed_on_all(audit) -> None:
    for figure in ("12.13", "10.5 ", "9.42", "14.17", "8.08", "9.26", "10.76"):
        assert figure in audit["C089"]["reconciling_definition"]


def test_a_receipts_level_is_counted_in_warrants_and_its_change_joins_two_publishers(audit) -> None:
    assert "A9 pass: 23 warrants of 300 t" in audit["C037"]["evidence"]
    assert "receipts 2025-07-16 25,500 (SMM comment on 2025-07-16)" in audit["C036"]["evidence"]
    assert audit["C038"]["verdict"] == "not_computable"


def test_open_interest_speaks_for_itself(audit) -> None:
    """A10: net openings in a session cannot be short covering."""
    assert "told as long build = net long build (true)" in audit["C032"]["reconciling_definition"]
    assert "told as short covering = net long build (false)" in audit["C032"]["reconciling_definition"]


def test_repetitions_name_what_they_repeat(audit) -> None:
    assert "A11: repeats the words of C003" in audit["C054"]["evidence"]
    assert "repeats C016" in audit["C033"]["evidence"]


def test_neither_the_note_itself_nor_a_simulated_figure_is_evidence(sample, audit) -> None:
    assert [claim for claim, row in audit.items() if "Guoxin" in row["evidence"]] == []
    simulated = sample.published(
        "select close_cny_t, open_interest_lots from marts.fct_futures_daily where contract_code = 'AO2508' and trade_date = '2025-07-22'"
    )
    assert simulated[0][1] is not None  # the sample has a figure, and it decides nothing
    assert audit["C041"]["verdict"] == "not_computable"
    assert sample.published("select count(*) from serving.claim_facts where dataset = 'daily_quotes' and fact_key = 'AO2508'") == [(0,)]


def test_every_fact_is_a_cell_of_the_ledger_or_a_sourced_event(sample) -> None:
    assert sample.published("select count(*) from serving.claim_facts where coalesce(printed_by, '') = ''") == [(0,)]
    assert 400 < sample.published("select count(*) from serving.claim_facts")[0][0] < 700
    # Printed in 10 kt a year, raw in tonnes: 8,863 is 88.63 million.
    cell = "fact_key = 'SMM-AO-CAP-RUN' and obs_date = '2025-07-03'"
    assert sample.published(f"select value, uncertainty from serving.claim_facts where {cell}") == [(88_630_000.0, 5_000.0)]


def test_definitions_give_what_the_marts_show(sample) -> None:
    """One meaning, two places: the formula of a definition and the column of the mart it names."""
    catalog, calendar = load_catalog(), load_calendar()
    with duckdb.connect(str((sample.home / "serving" / "alumina.duckdb").resolve()), read_only=True) as con:
        evidence = read_evidence(con, date(2025, 7, 22), "Guoxin Futures")
    pairs = [one for metric in catalog.metrics.values() for one in metric.definitions if one.formula and one.mart]
    assert len(pairs) >= 5
    checked = Counter()
    for (mart, contract, day), row in evidence.marts.items():
        if (mart, contract) != (FUTURES, "AO2509"):
            continue
        before = calendar.between(date(2023, 6, 19), day)[-3:][0]
        for one in pairs:
            context = Context(catalog, calendar, evidence, catalog.commodities["AO"], day, before, day.replace(day=1), day, {"contract": contract})
            try:
                found = evaluate(one.formula, context)
            except MissingError:
                continue
            assert isinstance(found, Interval)
            assert float(found.middle) == pytest.approx(row[one.mart], abs=1e-9), (one.mart, day)
            checked[one.mart] += 1
    assert all(checked[one.mart] >= 20 for one in pairs), checked


# ---- the command ------------------------------------------------------------------------------------------------------------------


def test_the_command_says_the_same_and_leaves_the_release_alone(sample, audit) -> None:
    before = (sample.home / "serving").resolve(), (sample.home / "serving" / "manifest.json").read_bytes()
    done = alumina(sample.home, "audit", str(CLAIMS_FILE))
    assert done.returncode == 1, done.stderr
    assert "contradicted 3" in done.stdout
    assert "SAMPLE DATA" in done.stdout
    folder = sample.home / "audits" / "claims"
    written = duckdb.sql(f"select claim_id, verdict from '{folder}/claim_audit.parquet'").fetchall()
    assert dict(written) == {claim: row["verdict"] for claim, row in audit.items()}
    page = (folder / "claim_audit.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == 105
    assert "<script" not in page and "http" not in page and "src=" not in page
    assert ((sample.home / "serving").resolve(), (sample.home / "serving" / "manifest.json").read_bytes()) == before


def test_a_text_is_audited_as_it_came(sample, tmp_path: Path) -> None:
    """On words nobody published: what is confident is audited, every number stands in the review file, which is audited again."""
    text = "某期货 氧化铝日报 2025年7月8日\nAO2509收于3110元/吨，较前一日收盘上涨68元/吨，成交量439969手，最高3218元。沪铜收于78000元。\n"
    (tmp_path / "daily.txt").write_text(text, encoding="utf-8")
    done = alumina(sample.home, "audit", str(tmp_path / "daily.txt"))
    assert done.returncode == 1, done.stderr
    assert "contradicted 1" in done.stdout and "4 claims told with confidence of 5 numbers" in done.stdout
    assert max(map(len, (line for line in done.stdout.splitlines() if line[:1] in "┏┃┡│└"))) <= 80
    folder = sample.home / "audits" / "daily"
    written = duckdb.sql(f"select metric, verdict, verdict_as_of from '{folder}/claim_audit.parquet'").fetchall()
    assert [row[:2] for row in written] == [("close", "supported"), ("d_close", "supported"), ("volume", "supported"), ("high", "contradicted")]
    page = (folder / "claim_audit.html").read_text(encoding="utf-8")
    for words in (
        "最高3218元",
        "矛盾 contradicted",
        "high = 3,118 CNY/t (false)",
        "最高价 = 3,118 元/吨（不成立）",
        "high 2025-07-08 3,118 (SHFE exchange data)",
    ):
        assert words in page, words
    again = alumina(sample.home, "audit", str(folder / "review.csv"))
    assert (again.returncode, "contradicted 1" in again.stdout, "not computable 1" in again.stdout) == (1, True, True), again.stdout + again.stderr


def test_what_a_claim_can_be_about_is_listed(tmp_path: Path) -> None:
    done = alumina(tmp_path, "audit", "--metrics")
    assert done.returncode == 0
    for line in ("close（收盘价）: yuan/t; basis close", "AO2509收于3042元/吨", "d_oi（持仓变化）: pct, lots"):
        assert line in done.stdout


def test_without_a_stated_publisher_a_note_of_the_day_is_taken_to_be_the_audited_one(sample, tmp_path: Path, audit) -> None:
    lines = [line for line in CLAIMS_FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    (tmp_path / "plain.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert alumina(sample.home, "audit", str(tmp_path / "plain.csv")).returncode == 1
    written = duckdb.sql(f"select claim_id, verdict from '{sample.home}/audits/plain/claim_audit.parquet'").fetchall()
    assert dict(written) == {claim: row["verdict"] for claim, row in audit.items()}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "bad.csv: the file is empty"),
        (b"\xff\xfe\x00", "bad.csv: byte 0 is not UTF-8"),
        (f"{','.join(COLUMNS)}\nX1,1,q,quantity,moon,AO,2025-07-22,,eq,1,,pct,\n".encode(), "bad.csv row 2, metric: 'moon' is unknown"),
    ],
)
def test_a_file_that_cannot_be_audited_ends_with_2_and_writes_nothing(sample, tmp_path: Path, body: bytes, sentence: str) -> None:
    (tmp_path / "bad.csv").write_bytes(body)
    done = alumina(sample.home, "audit", str(tmp_path / "bad.csv"))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (sample.home / "audits" / "bad").exists()


def test_without_a_release_there_is_nothing_to_hold_claims_against(tmp_path: Path) -> None:
    done = alumina(tmp_path, "audit", str(CLAIMS_FILE))
    assert done.returncode == 2
    assert "nothing is published" in done.stderr


# ---- another note, about another commodity, on rows that are no sample -----------------------------------------------------------

# open, high, low, close, settle, settle before, volume, open interest, change
DAYS = {
    date(2025, 7, 16): (20400, 20520, 20380, 20450, 20440, 20400, 100_000, 250_000, 1_000, 60_000),
    date(2025, 7, 17): (20450, 20560, 20420, 20530, 20500, 20440, 120_000, 255_000, 5_000, 60_000),
    date(2025, 7, 18): (20540, 20600, 20480, 20510, 20530, 20500, 110_000, 252_000, -3_000, 60_000),
    date(2025, 7, 21): (20560, 20860, 20540, 20840, 20750, 20530, 180_000, 270_000, 18_000, 61_250),
}
PLANTED = {  # row of the note: what must be said of it
    "P01,1,收于20530元,quantity,close,AL2509,2025-07-18,close,eq,20530,,yuan/t,": ("contradicted", "close = 20,510"),
    "P02,1,触及22500元,quantity,high,AL2509,2025-07-21,high,eq,22500,,yuan/t,up": ("contradicted", "A2 fail: 22,500 is outside the price limits"),
    "P03,2,电解铝开工率环比下降0.16%至95.94%,change,al_rate_change,CN aluminium,2025-05-31/2025-06-30,,eq,-0.16,,pct,down": (
        "contradicted", "A4 fail: al_rate_change is given in pp, it cannot carry pct",
    ),
    "P04,2,运行产能至95.94%,quantity,al_operating_rate,CN aluminium,2025-06,,eq,95.94,,pct,": ("contradicted", "A4 fail: a capacity cannot"),
    "P05,1,7月18日夜盘高点20860元,quantity,high,AL2509,2025-07-18,high,eq,20860,,yuan/t,up": ("contradicted", "A5: the words speak of a night"),
    "P06,1,夜盘突破,event,level_break,AL2509,NS 2025-07-18 (trade_date 2025-07-18),high,gt,20800,,yuan/t,up": ("contradicted", "A5 fail"),
    "P07,3,仓单61250万吨,quantity,receipt_t,AL receipts,2025-07-21,,eq,612500000,,t,": ("contradicted", "A8 fail: the claim is 10,000 times"),
    "P08,3,空头减仓,state,quadrant,AL2509,2025-07-21,close,,,,,up": ("contradicted", "told as short covering = net long build"),
    "P09,1,上涨3.07%,change,ret_c_ps,AL2509,2025-07-21,close_vs_presettle,eq,3.07,,pct,up": ("contradicted", "= 1.51 %"),
}  # fmt: skip
CORRECT = {
    "G01,1,收于20840元,quantity,close,AL2509,2025-07-21,close,eq,20840,,yuan/t,": "supported",
    "G02,1,上涨1.51%,change,ret_c_ps,AL2509,2025-07-21,close_vs_presettle,eq,1.51,,pct,up": "supported",
    "G03,1,两日上涨1.51%,change,ret_cc_2d,AL2509,2025-07-17/2025-07-21,close_vs_close,eq,1.51,,pct,up": "supported",
    "G04,1,多头增仓推动上涨,state,quadrant,AL2509,2025-07-21,close,,,,,up": "supported",
    "G05,3,仓单6.13万吨,quantity,receipt_t,AL receipts,2025-07-21,,eq,61300,,t,": "supported",
    "G06,3,仓单增加1250吨,change,d_receipt_t,AL receipts,2025-07-21,,eq,1250,,t,up": "supported",
    "G07,1,成交量近18万手,quantity,volume,AL2509,2025-07-21,,approx,180000,,lots,up": "supported",
    "G08,4,升水扩大,quantity,futures_premium,AL2509,2025-07-21,,approx,100,,yuan/t,up": "not_computable",
    "G09,4,关注资金流向,judgement,outlook.watchlist,AL,2025-07-21,,,,,list,": "judgement",
    "G10,4,主力合约AL2509,state,dominant_contract,AL,2025-07-21,OI,,,,contract,": "supported",
}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, models: list[Model], comments: dict[str, str]) -> tuple[Filled, int, dict[str, tuple]]:
    """A home of files the test wrote in the exchange's form, with its limits as an operator's catalogue has them, and the note's audit."""
    root = tmp_path_factory.mktemp("other")
    home, payloads = root / "home", root / "payloads"
    payloads.mkdir()
    (home / "catalog" / "commodities").mkdir(parents=True)
    shipped = (Path(catalog_files.__file__).parent / "commodities" / "al.toml").read_text(encoding="utf-8")
    if "limit_ratio" not in shipped:
        shipped += '\n[[term]]\nname = "limit_ratio"\nvalid_from = "2025-01-01"\nvalue = 0.07\nunit = "ratio"\nlabel = "assumed"\nsource = "assumed by a test"\n'
    (home / "catalog" / "commodities" / "al.toml").write_text(shipped, encoding="utf-8")
    for day, figures in DAYS.items():
        for name, body in _payloads(day, figures):
            (payloads / name).write_text(body, encoding="utf-8")
    house = House(home)
    house.take(FilesOrigin(payloads, SOURCES))
    house.build(models)
    published = house.publish(comments)
    claims = root / "al note.csv"
    claims.write_text("\n".join(["# publisher: A Broker", ",".join(COLUMNS), *PLANTED, *CORRECT, ""]), encoding="utf-8")
    done = alumina(home, "audit", str(claims))
    written = duckdb.sql(
        f"select claim_id, verdict, evidence, reconciling_definition, self_consistency from '{home}/audits/al_note/claim_audit.parquet'"
    ).fetchall()
    return published, done.returncode, {row[0]: row[1:] for row in written}


def _payloads(day: date, figures: tuple[int, ...]) -> list[tuple[str, str]]:
    opened, high, low, close, settle, before, volume, interest, change, receipts = figures
    stamp = f"{day:%Y%m%d}"
    head = {"o_code": "0000", "o_msg": "查询成功", "report_date": stamp}
    quote = {
        "PRODUCTID": "al_f", "PRODUCTGROUPID": "al", "PRODUCTCLASS": "1", "PRODUCTNAME": "铝", "DELIVERYMONTH": "2509", "OPENPRICE": opened,
        "HIGHESTPRICE": high, "LOWESTPRICE": low, "CLOSEPRICE": close, "SETTLEMENTPRICE": settle, "PRESETTLEMENTPRICE": before,
        "ZD1_CHG": close - before, "ZD2_CHG": settle - before, "VOLUME": volume, "OPENINTEREST": interest, "OPENINTERESTCHG": change,
        "TURNOVER": volume * 5 * (settle + 2) / 10_000, "TASVOLUME": "",
    }  # fmt: skip
    warrant = {
        "VARID": "al", "VARNAME": "铝$$Aluminium", "WHTYPE": "1", "REGNAME": "上海$$Shanghai", "WHABBRNAME": "甲库$$X", "WHROWS": 1,
        "WGHTUNIT": "2", "WRTWGHTS": receipts, "WRTCHANGE": 1250 if receipts == 61_250 else 0, "ROWSTATUS": "0",
    }  # fmt: skip
    kx = head | {"update_date": f"{stamp} 15:29:40", "o_curinstrument": [quote]}
    stock = head | {"update_date": f"{stamp} 15:03:00", "o_cursor": [warrant]}
    return [(f"kx{stamp}.dat", json.dumps(kx, ensure_ascii=False)), (f"{stamp}dailystock.dat", json.dumps(stock, ensure_ascii=False))]


@pytest.mark.full
@pytest.mark.parametrize("row", PLANTED, ids=lambda row: row[:3])
def test_a_planted_error_is_caught_and_named(other, row: str) -> None:
    verdict, words = PLANTED[row]
    found = other[2][row[:3]]
    assert found[0] == verdict, found
    assert words in " ".join(found), found


@pytest.mark.full
@pytest.mark.parametrize("row", CORRECT, ids=lambda row: row[:3])
def test_a_correct_claim_is_not_accused(other, row: str) -> None:
    assert other[2][row[:3]][0] == CORRECT[row], other[2][row[:3]]


@pytest.mark.full
def test_a_note_with_a_contradicted_claim_ends_with_1(other) -> None:
    assert other[1] == 1


@pytest.mark.full
def test_a_night_price_is_sent_to_its_trade_date(other) -> None:
    assert other[2]["P05"][2].startswith("A5: 20,860 lies in the range of trade date 2025-07-21")


@pytest.mark.full
def test_a_home_of_real_data_has_no_audit_of_the_samples_note(other) -> None:
    assert other[0].published("select count(*) from serving.claim_audit") == [(0,)]
    assert other[0].published("select count(*) from serving.claim_facts where data_origin <> 'files'") == [(0,)]
    assert Fraction(other[0].published("select count(*) from serving.claim_facts where fact_key = 'AL2509'")[0][0]) == 8 * len(DAYS)


def test_judgements_of_delivery_and_imports_have_a_figure_beside_them(audit) -> None:
    assert (audit["C098"]["verdict"], audit["C098"]["value_found"]) == ("judgement", 1)
    assert "receipts are low since the first above zero, and do not rise = true" in audit["C098"]["evidence"]
    assert (audit["C068"]["verdict"], audit["C068"]["value_found"]) == ("conditional", -61)
    assert "rests on figures that are simulated here" in audit["C068"]["evidence"]  # the best leg, whose freights are
