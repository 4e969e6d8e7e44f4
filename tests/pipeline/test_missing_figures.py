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


def count(sample, mart: str, conditions: dict[str, str]) -> dict[str, int]:
    """Give the rows of a mart on which a condition holds, where there are any."""
    sums = ", ".join(f"count(*) filter (where {condition})" for condition in conditions.values())
    (counts,) = sample.published(f"select {sums} from marts.{mart}") if conditions else [()]
    return {f"{mart}: {name}": rows for name, rows in zip(conditions, counts, strict=True) if rows}


def test_no_figure_of_a_mart_is_null_without_a_word(sample, columns: dict[str, dict[str, str]]) -> None:
    assert len(columns) > 20
    unexplained: dict[str, int] = {}
    for mart, kinds in columns.items():
        told = MISSING.get(mart, {})
        asked = {name for name, kind in kinds.items() if kind in NUMERIC and name not in AS_PRINTED.get(mart, {})} | told.keys()
        unexplained |= count(sample, mart, {name: f'"{name}" is null and not coalesce({told.get(name, "false")}, false)' for name in sorted(asked)})
    assert unexplained == {}


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
