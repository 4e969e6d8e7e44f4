"""Known errors are mended by data, never by code, and never after the source has mended them."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ingest import flow
from ingest.archive import Archive
from ingest.lake import Lake
from ingest.origins import FilesOrigin
from ingest.sources import SOURCES
from quality import corrections
from quality.corrections import CorrectionError
from quality.raw import TABLES

ENTRY = """
[[correction]]
table = "capacity__series"
match = {{ provider = "ALD", series_id = "TEST-RUN", obs_date = 2025-07-10 }}
column = "value"
expect = 886300000.0
action = "{action}"
{value}
reason = "a digit too many, the vendor's own page says 8,863"
source = "hand-made test"
"""
ROWS = "日期,名称,数值,单位,指标ID,数据来源,地区,频率,发布时间\n2025-07-10,氧化铝运行产能,{value},万吨/年,TEST-RUN,ALD,全国,周,2025-07-10 17:30\n"


def _entry(action: str, value: str = "") -> str:
    return ENTRY.format(action=action, value=value)


def _frame(value: float) -> pl.DataFrame:
    schema = TABLES["capacity__series"].stored_schema
    row = dict.fromkeys(schema) | {
        "provider": "ALD",
        "series_id": "TEST-RUN",
        "obs_date": date(2025, 7, 10),
        "value": value,
        "fetched_at": datetime(2025, 7, 10, tzinfo=UTC),
    }
    return pl.DataFrame([row], schema=schema)


def test_a_known_error_is_replaced_and_the_original_kept() -> None:
    done = corrections.apply("capacity__series", _frame(886300000.0), corrections.parse(_entry("replace", "value = 88630000.0")))
    assert done.frame["value"].to_list() == [88630000.0]
    assert [row["value"] for _, row in done.originals] == [886300000.0]
    assert done.stale == ()


def test_a_known_error_is_rejected() -> None:
    done = corrections.apply("capacity__series", _frame(886300000.0), corrections.parse(_entry("reject")))
    assert done.frame.is_empty()
    assert len(done.originals) == 1


def test_a_correction_is_stale_once_the_source_has_mended_its_error() -> None:
    done = corrections.apply("capacity__series", _frame(88630000.0), corrections.parse(_entry("reject")))
    assert done.frame["value"].to_list() == [88630000.0]
    assert len(done.stale) == 1
    assert done.originals == ()


def test_a_correction_touches_no_other_table_and_no_other_row() -> None:
    entries = corrections.parse(_entry("reject"))
    other = _frame(886300000.0).with_columns(pl.lit("OTHER").alias("series_id"))
    assert corrections.apply("capacity__series", other, entries).frame.equals(other)
    assert corrections.apply("spot__quotes", _frame(886300000.0), entries).frame.height == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (_entry("reject").replace("capacity__series", "nowhere"), "there is no raw table 'nowhere'"),
        (
            _entry("reject").replace('column = "value"', 'column = "price"'),
            r"line 5: correction 1, key column: there is no column of capacity__series 'price'",
        ),
        (_entry("delete"), "correction 1, key action: 'delete' is not one of reject, replace"),
        (
            _entry("reject").replace("expect = 886300000.0", 'expect = "886300000"'),
            "key expect: '886300000' is no value of value, which holds Float64",
        ),
        (_entry("reject").replace("obs_date =", "day ="), "match, key day: there is no column of capacity__series 'day'"),
        (_entry("reject").replace("reason =", "raeson ="), "key raeson: this key is not known; did you mean 'reason'"),
        (_entry("replace"), "correction 1: a value goes with action replace"),
        (_entry("reject").replace('source = "hand-made test"', ""), "line 2: correction 1: key source is missing"),
    ],
)
def test_a_correction_that_is_wrong_itself_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(CorrectionError, match=sentence):
        corrections.parse(text)


def test_the_shipped_corrections_can_be_read() -> None:
    assert all(entry.reason and entry.source for entry in corrections.load())


@pytest.mark.parametrize(("printed", "kept", "reason"), [("88630", 88630000.0, "corrected"), ("8863", 88630000.0, "stale_correction")])
def test_ingestion_applies_corrections_and_shows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, kept: float, reason: str
) -> None:
    monkeypatch.setattr(corrections, "load", lambda: corrections.parse(_entry("replace", "value = 88630000.0")))
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "ald_capacity_20250710.csv").write_text(ROWS.format(value=printed), encoding="utf-8")
    lake = Lake(tmp_path / "lake")
    report = flow.ingest(SOURCES, FilesOrigin(tmp_path / "drop", SOURCES), Archive(tmp_path / "archive"), lake, "run")
    assert pl.read_parquet(tmp_path / "lake" / "capacity__series")["value"].to_list() == [kept]
    assert report.quarantined[("capacity__series", reason)] == 1
    assert pl.read_parquet(tmp_path / "lake" / "ingest__quarantine")["reason"].to_list() == [reason]
