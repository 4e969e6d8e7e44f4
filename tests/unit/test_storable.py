"""Text from outside is made storable where it enters: no content of a payload stops another payload, another source or a later run."""

import json
import os
from pathlib import Path

import polars as pl
import pytest
from feeds import DAY, FEEDS, QUOTE_HEADER, Home, answer, csv_file, delivery, quote, rank
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.archive import ArchiveError
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.origins import FilesOrigin, ReplayOrigin
from ingest.source import DataOrigin, Outcome
from ingest.sources import SOURCES
from ingest.storable import _short_name, healed, storable, storable_lines, storable_row
from orchestration.assets.intake import _checks
from orchestration.warehouse.load import load_raw

SURROGATE, ESCAPE = "\ud800", "\x1b]0;owned\x07\x1b[31m"
GOOD = delivery("kx20250717.dat", answer([quote()], day=DAY.replace(day=17)))


# ---------------------------------------------------------------- the door itself


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2025-07-16 氧化铝　ok", "2025-07-16 氧化铝　ok"),
        (SURROGATE, "\\ud800"),
        (b"kx\xff.dat".decode("utf-8", "surrogateescape"), "kx\\udcff.dat"),
        ("a\x00b\nc\td", "a\\u0000b\\nc\\td"),
        ("\x1b[31m\x9b1m", "\\u001b[31m\\u009b1m"),
        ("exe\u202efdp", "exe\\u202efdp"),
    ],
)
def test_what_cannot_be_stored_or_shown_stands_as_its_escape(text: str, stored: str) -> None:
    assert storable(text) == stored
    assert json.loads(f'"{stored}"') == text, "nothing is lost"


@given(st.text(st.characters()))
def test_whatever_is_made_storable_can_be_kept_and_stays_as_it_is(text: str) -> None:
    stored = storable(text)
    assert pl.Series([stored]).to_list() == [stored]
    assert len(stored.splitlines()) <= 1
    assert storable(stored) == stored
    assert storable_lines(f"{text}\n{text}").count("\n") == 2 * text.count("\n") + 1


def test_a_long_text_is_cut_and_says_so() -> None:
    assert storable("x" * 3_000, 2_000) == "x" * 2_000 + "… (3,000 characters)"
    assert storable("x" * 2_000, 2_000) == "x" * 2_000


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.text(st.characters()),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()), st.lists),
        max_size=9,
    )
)
def test_any_row_becomes_text_a_column_can_hold(row: dict[str, object]) -> None:
    text = json.dumps(storable_row(row, 50, 5), ensure_ascii=False)
    assert pl.Series([text]).to_list() == [text]
    assert len(json.loads(text)) <= 6


def test_a_row_nested_without_end_and_a_number_without_end_are_rows() -> None:
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    row = storable_row({"deep": deep, "many": 10**5_000, "wide": ["x"] * 1_000}, 50, 5)
    assert "cannot be written down" in row["many"]
    assert len(row["wide"]) == 5
    json.dumps(row)


def test_no_long_name_is_kept_after_its_row() -> None:
    """The last 1,024 names were, of any length: gigabytes in a process that lives for days."""
    _short_name.cache_clear()
    for number in range(50):
        assert storable_row({f"{number}{'x' * 2_000}": 1}, 100, 5)
    assert _short_name.cache_info().currsize == 0
    assert storable_row({"a\x1b": 1}, 100, 5) == {"a\\u001b": 1}


def test_a_row_has_so_many_cells_however_they_are_nested() -> None:
    """Each of a hundred refused cells repeated a row of lists of lists: 400 kB became 280 MB of quarantine."""
    row = storable_row({"first": [["x" * 100] * 50] * 50, "last": 1}, 100, 20)
    assert row["last"] == 1
    assert len(json.dumps(row)) < 20 * 5 * 140
    flat = {f"c{n}": n for n in range(30)}
    assert storable_row(flat, 100, 20) == {f"c{n}": n for n in range(20)} | {"…": "10 more cells"}


@given(st.text(st.characters()))
def test_a_line_of_json_is_healed_of_lone_surrogates_and_of_nothing_else(text: str) -> None:
    line = json.dumps({"message": text}).encode()
    read = json.loads(healed(line))["message"]
    read.encode()
    assert read == "".join(storable(character) if 0xD800 <= ord(character) <= 0xDFFF else character for character in text)


# ---------------------------------------------------------------- the doors of a payload


def test_a_lone_surrogate_in_a_complaint_an_unknown_column_or_a_rejected_row_stops_nothing(home: Home) -> None:
    gfex = json.dumps({"code": "1", "msg": f"拒绝{SURROGATE}", "data": []}).encode()
    unknown = answer([quote(NEU_LONE=1)])
    rejected = answer([quote(), quote(month="2510", OPENPRICE="x_LONE")], day=DAY.replace(day=15))
    ranked = answer([rank(), rank(place=2, PARTICIPANTABBR1="_LONE")], key="o_cursor")
    unknown, rejected, ranked = (body.replace(b"_LONE", b"\\ud800") for body in (unknown, rejected, ranked))
    report = home.take(
        delivery("day_quotes_20250716.json", gfex),
        delivery("kx20250716.dat", unknown),
        delivery("kx20250715.dat", rejected),
        delivery("pm20250716.dat", ranked),
        GOOD,
    )
    assert [receipt.outcome for receipt in report.fetch_log] == [Outcome.NOT_DATA, Outcome.OK, Outcome.OK, Outcome.OK, Outcome.OK]
    assert "拒绝\\ud800" in report.fetch_log[0].message
    assert "unknown_column:NEU\\ud800" in report.fetch_log[1].message
    (quarantined,) = home.rows("ingest__quarantine")["row_json"].to_list()
    assert json.loads(quarantined)["OPENPRICE"] == "x\\ud800"
    assert "\\ud800" in home.rows("shfe__member_ranking")["participant"].to_list()
    _checks(report)
    load_raw(home.settings)
    again = home.take(GOOD)
    assert again.count(Outcome.UNCHANGED) == 1
    load_raw(home.settings)


def test_a_row_that_breaks_the_report_or_the_clock_still_gets_its_receipt(home: Home) -> None:
    nested = json.loads("[" * 5 + "]" * 5)
    body = answer([quote(), quote(month="2510", OPENPRICE=nested, VOLUME=10**4_000)])
    first_day = answer([quote()], day=DAY.replace(day=15), update_date="00010101 00:00:00")
    report = home.take(delivery("kx20250716.dat", body), delivery("kx20250715.dat", first_day), GOOD)
    assert [receipt.outcome for receipt in report.fetch_log] == [Outcome.OK] * 3
    assert home.rows("ingest__quarantine").height == 1


def test_a_page_that_judges_with_an_exception_loses_its_payload_and_no_other(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shfe = next(source for source in FEEDS if source.name == "shfe")
    sound = type(shfe).inspect

    def inspect(self: object, request: object, response: object) -> object:
        if request.name == "kx20250716.dat":
            raise ZeroDivisionError(f"{ESCAPE}{SURROGATE}")
        return sound(self, request, response)

    monkeypatch.setattr(type(shfe), "inspect", inspect)
    report = home.take(delivery("kx20250716.dat", answer([quote()])), GOOD)
    assert [receipt.outcome for receipt in report.fetch_log] == [Outcome.FORMAT_CHANGED, Outcome.OK]
    assert "\x1b" not in report.fetch_log[0].message + caplog.text


def test_a_name_that_is_not_utf_8_is_readable_and_known_again(tmp_path: Path, home: Home) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (b"\xbc\xff.bin", b"x\x1b[31m.bin", b"\xff_smm_spot_price.csv"):
        (folder / os.fsdecode(name)).write_bytes(b"x")
    below = folder / os.fsdecode(b"\xff")
    below.mkdir()
    (below / "kx20250716.dat").write_bytes(answer([quote()]))

    def run(run_id: str) -> list[tuple[str, Outcome]]:
        report = ingest(SOURCES[1:], FilesOrigin(folder, SOURCES), home.archive, home.lake, run_id)
        return [(receipt.request_name, receipt.outcome) for receipt in report.fetch_log]

    first = run("1")
    assert sorted(name for name, outcome in first if outcome is Outcome.NOT_DATA) == [
        "\\udcbc\\udcff.bin",
        "\\udcff_smm_spot_price.csv",
        "x\\u001b[31m.bin",
    ]
    assert ("kx20250716.dat", Outcome.OK) in first
    assert ("kx20250716.dat", Outcome.UNCHANGED) in run("2")
    load_raw(home.settings)


# ---------------------------------------------------------------- homes that hold such a receipt already


def test_a_home_that_holds_a_receipt_with_a_lone_surrogate_works_again(home: Home) -> None:
    home.take(delivery("kx20250716.dat", answer([quote()])))
    file = next((home.archive.root / "receipts").glob("*.jsonl"))
    row = json.loads(file.read_bytes())
    del row["chain"]
    bad = row | {"request_key": f"20250716{SURROGATE}", "request_name": f"kx20250716{SURROGATE}.dat", "message": SURROGATE, "outcome": "not_data"}
    archive = home.archive
    archive.log.append([json.dumps(bad)], file.name)
    assert [receipt.message for receipt in archive.fetch_log()] == ["", "\\ud800"]
    assert archive.refused({"shfe"})["request_key"].to_list() == ["20250716\\ud800"]
    load_raw(home.settings)
    archive.verify()
    report = ingest(SOURCES[1:], ReplayOrigin(archive), archive, Lake(home.settings.root / "lake2"), "rebuild", record=False)
    assert report.count(Outcome.OK, Outcome.UNCHANGED) >= 1
    assert home.take(delivery("kx20250716.dat", answer([quote()]))).count(Outcome.UNCHANGED) == 1


@pytest.mark.parametrize("changes", [{"http_status": "many"}, {"message": None}, {"payload_bytes": 1.5}])
def test_a_line_of_other_types_is_named_before_anything_rests_on_it(home: Home, changes: dict[str, object]) -> None:
    home.take(delivery("kx20250716.dat", answer([quote()])))
    file = next((home.archive.root / "receipts").glob("*.jsonl"))
    row = json.loads(file.read_bytes())
    del row["chain"]
    file.write_text(json.dumps(row) + "\n" + json.dumps(row | changes) + "\n")
    with pytest.raises(ArchiveError, match=r"2025-07\.jsonl line 2 cannot be read; restore it from a backup"):
        home.archive.adopt()


# ---------------------------------------------------------------- limits at the door


def test_a_file_of_nothing_but_bad_rows_is_another_file(home: Home) -> None:
    lines = [f"2025-07-13,山东氧化铝,3080,3120,3100,,元/吨,SD{n},SMM,山东,日," for n in range(5_001)]  # a Sunday
    report = home.take(delivery("smm_spot_price_20250716.csv", csv_file(*lines, header=QUOTE_HEADER)), GOOD)
    assert [(receipt.outcome, receipt.reason) for receipt in report.fetch_log] == [(Outcome.NOT_DATA, "too_many_refused"), (Outcome.OK, "")]
    assert report.fetch_log[0].data_origin is DataOrigin.FILES
    assert not report.quarantined
