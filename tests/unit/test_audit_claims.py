"""A claims file is believed only whole: whatever is wrong with it is one sentence naming file, row and field."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from ingest.catalog.calendar import load_calendar
from ingest.catalog.metrics import FUNCTIONS, NAMES
from serving.research.audit.claims import COLUMNS, ClaimsError, half_unit, parse_period, read_note
from serving.research.audit.facts import Evidence
from serving.research.audit.meanings import CatalogError, load_catalog, load_days, title
from serving.research.audit.verdicts import Auditor, Verdict

HEADER = ",".join(COLUMNS)
GOOD = "X1,1,收于3513元,quantity,close,AO2509,2025-07-22,close,eq,3513,,yuan/t,"
CATALOG, CALENDAR = load_catalog(), load_calendar()


def note(tmp_path: Path, text: str | bytes):
    path = tmp_path / "note.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_note(path, CATALOG, CALENDAR)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "note.csv: the file is empty"),
        (HEADER, "note.csv: the file has a header and no claim"),
        ("claim_id,quote_zh\nX1,a\n", "note.csv, header: column section, kind, metric, entity, period, .* is missing"),
        (f"{HEADER},claim_id\n{GOOD},X1\n", "note.csv, header: column 'claim_id' stands twice"),
        (f"{HEADER}\n{GOOD.replace(',close,AO', ',moon,AO')}\n", "note.csv row 2, metric: 'moon' is unknown; docs/claims.md says how to add"),
        (f"{HEADER}\n{GOOD.replace('yuan/t', 'furlong')}\n", "note.csv row 2, unit: 'furlong' is unknown; units are "),
        (f"{HEADER}\n{GOOD.replace('quantity', 'opinion')}\n", "note.csv row 2, kind: 'opinion' is not one of quantity"),
        (f"{HEADER}\n{GOOD.replace(',eq,', ',about,')}\n", "note.csv row 2, cmp: 'about' is not one of eq"),
        (f"{HEADER}\n{GOOD.replace(',3513,', ',many,')}\n", "note.csv row 2, value: 'many' is not a number"),
        (f"{HEADER}\n{GOOD.replace(',3513,', ',nan,')}\n", "note.csv row 2, value: 'nan' is not a number"),
        (f"{HEADER}\n{GOOD.replace(',3513,', ',,')}\n", "note.csv row 2, value: comparator eq needs a value"),
        (f"{HEADER}\n{GOOD.replace('eq,3513,', 'range,3513,')}\n", "note.csv row 2, value_high: a range needs"),
        (f"{HEADER}\n{GOOD.replace('eq,3513,', 'range,3513,3000')}\n", "note.csv row 2, value_high: value_high is below value"),
        (f"{HEADER}\n{GOOD.replace('2025-07-22', 'lately')}\n", "note.csv row 2, period: 'lately' is not a period"),
        (f"{HEADER}\n{GOOD.replace('2025-07-22', '2025-07-22/2025-07-18')}\n", "note.csv row 2, period: .* ends before it begins"),
        (
            f"{HEADER}\n{GOOD.replace('2025-07-22', 'NS 2025-07-19')}\n",
            "note.csv row 2, period: there is no night session on the evening of 2025-07-19",
        ),
        (f"{HEADER}\n{GOOD},surplus\n", "note.csv row 2: 14 fields, the header has 13"),
        (f"{HEADER}\n{GOOD.replace('收于3513元', '=HYPERLINK(1)')}\n", "note.csv row 2, quote_zh: '=HYPERLINK.1.' begins like a formula"),
        (f"{HEADER}\n{GOOD.replace('AO2509', '@SUM(1)')}\n", "note.csv row 2, entity: '@SUM.1.' begins like a formula"),
        (f"{HEADER}\n{GOOD.replace('收于3513元', 'x' * 5000)}\n", "note.csv row 2, quote_zh: 5000 characters, at most 2000 are read"),
        (f"{HEADER}\n{GOOD.replace('收于3513元', 'x' * 2**20)}\n", "note.csv row 2: .* a field is longer than"),
        (f"{HEADER}\n{GOOD}\n".encode("gb18030"), "note.csv: byte .* is not UTF-8"),
        (f"{HEADER}\n{GOOD}\n".encode("utf-16"), "note.csv: byte 0 is not UTF-8"),
        (f"{HEADER}\n{GOOD}\x00\n", "note.csv: the file holds a zero byte"),
        (f'{HEADER}\n"{GOOD}\n', "note.csv row 2: the file is not CSV"),
        (f"# as_of: soon\n{HEADER}\n{GOOD}\n", "note.csv, heading as_of: 'soon' is not a day"),
        (f"# as_of: 20250722\n{HEADER}\n{GOOD}\n", "note.csv, heading as_of: '20250722' is not a day"),
        (f"# as_of: 2025-W30-2\n{HEADER}\n{GOOD}\n", "note.csv, heading as_of: '2025-W30-2' is not a day"),
        (f"{HEADER}\n{GOOD.replace('2025-07-22', '20250722')}\n", "note.csv row 2, period: '20250722' is not a period; write 2025-07-22"),
        (f"{HEADER}\n{GOOD.replace('2025-07-22', 'week to 2025-W30-2')}\n", "note.csv row 2, period: '2025-W30-2' is not a period"),
        (f"# commodity: XX\n{HEADER}\n{GOOD}\n", "note.csv, heading commodity: 'XX' is not a commodity"),
        (f"{HEADER}\n{GOOD.replace('2025-07-22', '2099-01-05')}\n", "note.csv row 2, period: 2099-01-05 is outside the trading calendar"),
        (f"{HEADER}\n{GOOD.replace('2025-07-22', 'NS 2099-01-05')}\n", "note.csv row 2, period: 2099-01-05 is outside the trading calendar"),
        (f"{HEADER}\n{GOOD.replace('2025-07-22', '1990-01')}\n{GOOD}\n", "note.csv row 2, period: 1990-01 is outside the trading calendar"),
        (f"{HEADER}\n{GOOD.replace('2025-07-22', 'structural')}\n", "note.csv: no claim names a day"),
    ],
)
def test_a_file_that_cannot_be_audited_is_refused_in_one_sentence(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    with pytest.raises(ClaimsError, match=sentence) as refused:
        note(tmp_path, text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600


def test_one_row_that_cannot_be_read_leaves_the_others_and_all_that_is_wrong_is_said(tmp_path: Path) -> None:
    wrong = GOOD.replace("X1", "X2").replace(",close,AO", ",clos,AO").replace("yuan/t", "furlong").replace(",3513,", ",many,")
    read = note(tmp_path, f"{HEADER}\n{GOOD}\n{wrong}\n{GOOD}\n{GOOD.replace('X1', 'X3')},surplus\n")
    assert [claim.problem != "" for claim in read.claims] == [False, True, True, True]
    first, second, third = read.problems
    assert first.startswith("note.csv row 3, metric: 'clos' is unknown; did you mean 'close'?")
    assert "unit: 'furlong' is unknown; units are" in first and "value: 'many' is not a number" in first
    assert second == "note.csv row 4, claim_id: 'X1' stands twice"
    assert third == "note.csv row 5: 14 fields, the header has 13"
    verdicts = Auditor(read, CATALOG, Evidence({}), CALENDAR).judge_all()
    assert [(row.verdict, row.evidence) for row in verdicts[1:]] == [(Verdict.NOT_COMPUTABLE, problem) for problem in read.problems]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"yuan/t": "元/吨"}, ("yuan/t", Fraction(3513))),
        ({",3513,": ',"3,513",', "yuan/t": "CNY/t"}, ("yuan/t", Fraction(3513))),
        ({",3513,": ",＋３５１３,", "yuan/t": "元"}, ("yuan/t", Fraction(3513))),
        ({",close,AO": ",d_oi,AO", ",3513,": ",−14833,", "yuan/t": "手", "收于3513元": "-14833手"}, ("lots", Fraction(-14833))),
        ({",close,AO": ",export_qty,AO", ",3513,": ",17.1,", "yuan/t": "万吨", ",close,eq": ",,eq"}, ("10k t", Fraction(171, 10))),
        ({",close,AO": ",收盘价,AO"}, ("yuan/t", Fraction(3513))),
        ({",close,AO": ",unmapped,AO"}, ("yuan/t", Fraction(3513))),
    ],
)
def test_a_claim_is_written_as_notes_write(tmp_path: Path, changes: dict[str, str], expected: tuple[str, Fraction]) -> None:
    row = GOOD
    for old, new in changes.items():
        assert old in row
        row = row.replace(old, new)
    (claim,) = note(tmp_path, f"{HEADER}\n{row}\n").claims
    assert (claim.problem, claim.unit, claim.value) == ("", *expected)


def test_a_file_larger_than_is_read_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClaimsError, match="larger than 4 MB"):
        note(tmp_path, b"x" * (4 * 2**20 + 1))
    with pytest.raises(ClaimsError, match="there is no such file"):
        read_note(tmp_path / "absent.csv", CATALOG, CALENDAR)


def test_the_heading_says_whose_note_it_is_and_other_columns_are_not_read(tmp_path: Path) -> None:
    read = note(tmp_path, f"# publisher: A Broker\n# as_of: 2025-07-23\n{HEADER},expected_verdict\n{GOOD},contradicted\n")
    assert (read.publisher, read.as_of, read.commodity) == ("A Broker", date(2025, 7, 23), "AO")
    assert "contradicted" not in repr(read.claims)
    assert read_note(tmp_path / "note.csv", CATALOG, CALENDAR, publisher="Another").publisher == "Another"


def test_periods() -> None:
    as_of = date(2025, 7, 22)
    night = parse_period("NS 2025-07-18 (trade_date 2025-07-21)", as_of, CALENDAR)
    assert (night.end, night.night, night.stated_trade_date) == (date(2025, 7, 21), date(2025, 7, 18), date(2025, 7, 21))
    assert parse_period("2025-06", as_of, CALENDAR).is_month
    assert parse_period("week to 2025-07-17", as_of, CALENDAR).end == date(2025, 7, 17)
    assert parse_period("forward_short", as_of, CALENDAR).end == as_of


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025/7/18", "2025-07-18", "2025-07-18"),
        ("2025年7月18日", "2025-07-18", "2025-07-18"),
        ("7月18日", "2025-07-18", "2025-07-18"),
        ("12月31日", "2024-12-31", "2024-12-31"),
        ("2025/7/14/2025/7/18", "2025-07-14", "2025-07-18"),
        ("7月14日/7月18日", "2025-07-14", "2025-07-18"),
        ("T-1", "2025-07-21", "2025-07-21"),
        ("前一交易日", "2025-07-21", "2025-07-21"),
        ("上周五", "2025-07-18", "2025-07-18"),
        ("周一", "2025-07-21", "2025-07-21"),
        ("上周", "2025-07-12", "2025-07-18"),
        ("本周", "2025-07-16", "2025-07-22"),
        ("week to 2025-07-17", "2025-07-11", "2025-07-17"),
        ("since 2025-07-18", "2025-07-18", "2025-07-22"),
        ("自7月18日以来", "2025-07-18", "2025-07-22"),
        ("2025年6月", "2025-06-01", "2025-06-01"),
        ("6月", "2025-06-01", "2025-06-01"),
        ("12月", "2024-12-01", "2024-12-01"),
        ("上月", "2025-06-01", "2025-06-01"),
    ],
)
def test_a_period_in_words_is_read_against_the_notes_day(text: str, start: str, end: str) -> None:
    found = parse_period(text, date(2025, 7, 22), CALENDAR)
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    ("value", "quote", "half"),
    [
        ("93850", "产能9385万吨", "5"),
        ("101", "进口10.1万吨", "0.5"),
        ("12.13", "上涨12.13%", "0.005"),
        ("18000", "增加1.8万余手", "500"),
        ("3423", "没有数字", "0.5"),
        ("-17.7", "下降17.7%", "0.05"),
    ],
)
def test_a_figure_is_as_good_as_it_was_printed(value: str, quote: str, half: str) -> None:
    assert half_unit(value, quote) == Fraction(half)


def test_an_operator_adds_a_metric_without_code(tmp_path: Path) -> None:
    (tmp_path / "metrics.toml").write_text(
        '[[metric]]\nname = "day_range"\nunit = "yuan/t"\ndefinition = [{ formula = "high - low" }]\n', encoding="utf-8"
    )
    catalog = load_catalog(tmp_path)
    assert catalog.metrics["day_range"].definitions[0].formula == "high - low"
    assert catalog.metrics["close"] == CATALOG.metrics["close"]
    (tmp_path / "metrics.toml").write_text('[[metric]]\nname = "x"\ndefinition = [{ formula = "high -" }]\n', encoding="utf-8")
    with pytest.raises(CatalogError, match=r"metrics\.toml"):
        load_catalog(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("metrics.toml", "x = ", "this is not TOML: Invalid value"),
        ("metrics.toml", '[[metric]]\nunit = "t"\n', "metric 1: key name is missing"),
        ("parameters.toml", "x = 1", "key parameter is missing"),
        ("rules.toml", "x = ", "this is not TOML: Invalid value"),
        ("commodities/xx.toml", "x = ", "this is not TOML: Invalid value"),
        ("commodities/xx.toml", '[commodity]\ncommodity_code = "XX"\n', "key contract_spec is missing"),
    ],
)
def test_a_catalogue_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, reason: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=f"^catalogue file {name}, line 1: {reason}"):
        load_catalog(tmp_path)


@pytest.mark.parametrize("text", ["x = ", "closures = 5", 'last_day = "someday"', 'last_day = "2031-12-31"', "fixings = 5"])
def test_a_calendar_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "calendar.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=r"^catalogue file calendar\.toml, line 1: .+"):
        load_days(tmp_path)


def test_every_word_of_the_shipped_metrics_has_a_meaning() -> None:
    """A formula that names no fact would only be noticed when a claim needs it."""
    import ast

    known = {*FUNCTIONS, *NAMES} | set(CATALOG.facts) | set(CATALOG.constants)
    for metric in CATALOG.metrics.values():
        for definition in metric.definitions:
            for formula in filter(None, (definition.formula, definition.rests_on)):
                names = {node.id for node in ast.walk(ast.parse(formula)) if isinstance(node, ast.Name)}
                assert names <= known, (metric.name, names - known)
        assert metric.unit in ("", *CATALOG.units), metric.name
        assert metric.asserts in ("", *CATALOG.facts), metric.name
        words = (metric.neutral not in (None, 0, 1), metric.band, metric.low, metric.high, metric.approx)
        assert not any(words) or metric.source, f"{metric.name} has a threshold without a source"


def test_any_metric_on_any_period_without_evidence_is_judged_and_never_accused(tmp_path: Path) -> None:
    """Weekends, months, nights, the calendar's first days, entities that name nothing: no claim breaks the audit, none is contradicted."""
    periods = ("2025-07-20", "2025-07-19/2025-07-20", "2025-06", "NS 2025-07-18", str(CALENDAR.first_day), str(CALENDAR.last_day), "structural")
    rows = [
        f"X{number}-{place},1,words,{kind},{metric},{entity},{period},,{figure},,up"
        for number, metric in enumerate(CATALOG.metrics)
        for place, (period, (kind, entity, figure)) in enumerate(
            (period, other)
            for period in periods
            for other in (("state", "AO2509", ",,"), ("quantity", "nothing known", "eq,5,"), ("change", "AL HS 26060000", "gt,5,"))
        )
    ]
    judged = [
        row
        for part in range(0, len(rows), 1000)
        for read in [note(tmp_path, "\n".join([HEADER, *rows[part : part + 1000], ""]))]
        for row in Auditor(read, CATALOG, Evidence({}), CALENDAR).judge_all()
    ]
    assert len(judged) == len(rows) > 1500
    assert {row.verdict for row in judged} == {Verdict.NOT_COMPUTABLE}


@pytest.mark.parametrize(
    ("metric", "mart", "column", "shown", "direction", "verdict"),
    [
        ("breadth_5d", "fct_sentiment_daily", "breadth_5d", 0.8, "up", Verdict.SUPPORTED),
        ("breadth_5d", "fct_sentiment_daily", "breadth_5d", 0.6, "up", Verdict.CONTRADICTED),
        ("breadth_5d", "fct_sentiment_daily", "breadth_5d", None, "up", Verdict.NOT_COMPUTABLE),
        ("sector_breadth", "fct_sentiment_daily", "sector_breadth", 0.6, "up", Verdict.SUPPORTED),
        ("term_structure_shape", "fct_term_structure_daily", "shape", "backwardation", "down_with_maturity", Verdict.SUPPORTED),
        ("term_structure_shape", "fct_term_structure_daily", "shape", "mixed", "down_with_maturity", Verdict.CONTRADICTED),
        ("top20_short_chg", "fct_positioning_daily", "top20_short_change_lots", -500, "down", Verdict.SUPPORTED),
        ("net_long_chg5", "fct_positioning_daily", "net_long_change_5d_lots", -500, "up", Verdict.CONTRADICTED),
    ],
)
def test_a_metric_of_a_mart_is_judged_on_real_data_and_never_on_a_sample(
    tmp_path: Path, metric: str, mart: str, column: str, shown: object, direction: str, verdict: Verdict
) -> None:
    read = note(tmp_path, f"{HEADER}\nX1,1,words,state,{metric},AO,2025-07-22,,,,,,{direction}\n")
    rows = {(mart, "AO", date(2025, 7, 22)): {column: shown}}
    for is_real, expected in ((True, verdict), (False, Verdict.NOT_COMPUTABLE)):
        (judged,) = Auditor(read, CATALOG, Evidence({}, is_real=is_real, marts=rows), CALENDAR).judge_all()
        assert (judged.verdict, f"marts.{mart}.{column}" in judged.evidence or judged.verdict != Verdict.NOT_COMPUTABLE) == (expected, True)


def test_every_definition_a_verdict_can_depend_on_is_told_in_chinese() -> None:
    untold = [
        f"{name}: {title(one).en}"
        for name, metric in CATALOG.metrics.items()
        for one in metric.definitions
        if (metric.narrative or len({(other.basis, other.vendor) for other in metric.definitions}) > 1) and not one.zh
    ]
    assert untold == []
    assert all(words.zh != words.en for _, _, words in CATALOG.unit_words)
