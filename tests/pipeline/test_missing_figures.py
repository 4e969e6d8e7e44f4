"""A missing figure of a mart is explained on its row, as `quality/missing.py` states."""

import shutil
from pathlib import Path

import duckdb
import pytest

from quality.missing import AS_PRINTED, MISSING, unexplained
from serving.publish.keys import published_keys
from serving.publish.release import _missing_figures


@pytest.fixture(scope="module")
def columns(sample) -> dict[str, dict[str, str]]:
    """By mart the columns and their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in sample.published(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'marts'"
    ):
        found.setdefault(table, {})[column] = kind
    return found


def count(sample, mart: str, conditions: dict[str, str]) -> dict[str, int]:
    """Give the rows of a mart on which a condition holds, where there are any."""
    sums = ", ".join(f"count(*) filter (where {condition})" for condition in conditions.values())
    (counts,) = sample.published(f"select {sums} from marts.{mart}") if conditions else [()]
    return {f"{mart}: {name}": rows for name, rows in zip(conditions, counts, strict=True) if rows}


def test_no_figure_of_a_mart_is_null_without_a_word(sample) -> None:
    of_release = "from serving.quality_results where check_id = 'missing_figures_say_why'"
    assert sample.published(f"select distinct result, severity {of_release}") == [("pass", "info")]
    assert sample.published(f"select table_name {of_release} order by 1") == sample.published(
        "select 'marts.' || table_name from information_schema.tables where table_schema = 'marts' order by 1"
    )
    with duckdb.connect(str(sample.home / "serving" / "alumina.duckdb"), read_only=True) as con:
        assert not any(unexplained(con).values())


def test_every_number_of_a_mart_is_asked_for(tmp_path: Path, sample, columns: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quality.missing.MISSING", {})
    shutil.copy((sample.home / "serving" / "alumina.duckdb").resolve(), tmp_path)
    # A column of the key cannot be null.
    numbers = {
        mart: {name for name, kind in kinds.items() if kind in ("DOUBLE", "BIGINT")}
        - AS_PRINTED.get(mart, {}).keys()
        - set(published_keys().get(f"marts.{mart}", ()))
        for mart, kinds in columns.items()
    }
    with duckdb.connect(str(tmp_path / "alumina.duckdb")) as con:
        for mart, names in numbers.items():
            if names:
                con.execute(f"update marts.{mart} set {', '.join(f'{name} = null' for name in sorted(names))}")
        assert {mart: set(rows) for mart, rows in unexplained(con).items()} == numbers
        assert sum(map(len, numbers.values())) > 200


def test_a_figure_that_went_missing_without_a_word_is_told_of_and_stops_nothing(tmp_path: Path, sample) -> None:
    shutil.copy((sample.home / "serving" / "alumina.duckdb").resolve(), tmp_path)
    with duckdb.connect(str(tmp_path / "alumina.duckdb")) as con:
        con.execute("update marts.fct_receipts_daily set receipts_t = null where trade_date in ('2025-07-21', '2025-07-22')")
        (told,) = [check for check in _missing_figures(con) if check.result != "pass"]
    assert (told.result, told.table_name, told.rows_failed) == ("finding", "marts.fct_receipts_daily", 3 * 2)
    assert told.message == "receipts_t is null on 6 rows that do not say why"


def test_no_figure_that_stands_has_a_reason_for_being_missing(sample, columns: dict[str, dict[str, str]]) -> None:
    contradicted: dict[str, int] = {}
    for mart, kinds in columns.items():
        pairs = [(name, reason) for reason in kinds if reason.endswith("null_reason") for name in kinds]
        conditions = {f"{name} by {reason}": f""""{name}" is not null and ';' || {reason} like '%;{name}:%'""" for name, reason in pairs}
        contradicted |= count(sample, mart, conditions)
    assert contradicted == {}


def test_what_is_told_of_a_mart_is_true_of_it(sample, columns: dict[str, dict[str, str]]) -> None:
    for told in (MISSING, AS_PRINTED):
        assert told.keys() <= columns.keys()
        for mart, of_mart in told.items():
            assert of_mart.keys() <= columns[mart].keys(), mart
    for mart, exceptions in AS_PRINTED.items():
        for column in exceptions:
            assert sample.published(f"select count(*) > count({column}) from marts.{mart}") == [(True,)], f"{mart}.{column} needs no exception"
