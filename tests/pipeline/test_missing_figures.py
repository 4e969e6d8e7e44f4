"""A figure of a mart is there, or the same row says why it is not; `quality/missing.py` knows what says it."""

import pytest

from quality.missing import AS_PRINTED, MISSING

NUMERIC = ("DOUBLE", "BIGINT")


@pytest.fixture(scope="module")
def columns(sample) -> dict[str, dict[str, str]]:
    """By mart the columns and their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in sample.published(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'marts'"
    ):
        found.setdefault(table, {})[column] = kind
    return found


def test_no_figure_of_a_mart_is_null_without_a_word(sample, columns: dict[str, dict[str, str]]) -> None:
    assert len(columns) > 20
    unexplained = {}
    for mart, kinds in columns.items():
        told = MISSING.get(mart, {})
        for column in {name for name, kind in kinds.items() if kind in NUMERIC and name not in AS_PRINTED.get(mart, {})} | told.keys():
            sql = f'select count(*) from marts.{mart} where "{column}" is null and not coalesce({told.get(column, "false")}, false)'
            if (count := sample.published(sql)[0][0]) > 0:
                unexplained[f"{mart}.{column}"] = count
    assert unexplained == {}


def test_no_figure_that_stands_has_a_reason_for_being_missing(sample, columns: dict[str, dict[str, str]]) -> None:
    contradicted = {}
    for mart, kinds in columns.items():
        for reason in [name for name in kinds if name.endswith("null_reason")]:
            for column in kinds:
                sql = f"""select count(*) from marts.{mart} where "{column}" is not null and ';' || {reason} like '%;{column}:%'"""
                if (count := sample.published(sql)[0][0]) > 0:
                    contradicted[f"{mart}.{column}"] = count
    assert contradicted == {}


def test_what_is_told_of_a_mart_is_true_of_it(sample, columns: dict[str, dict[str, str]]) -> None:
    for told in (MISSING, AS_PRINTED):
        assert told.keys() <= columns.keys()
        for mart, of_mart in told.items():
            assert of_mart.keys() <= columns[mart].keys(), mart
    for mart, exceptions in AS_PRINTED.items():
        for column in exceptions:
            assert sample.published(f"select count(*) > count({column}) from marts.{mart}") == [(True,)], f"{mart}.{column} needs no exception"
