"""The models are portable SQL, and what is not is refused, one planted fault at a time. Needs no Java."""

from pathlib import Path

import duckdb
import pytest

from orchestration.spark.compare import difference
from tests.lint_spark import covering, dispatched, faults, main, models, rendered

PLANTED = {
    "a type of DuckDB": ("select cast(a as varchar) as b from t", "varchar: no type of both engines"),
    "a moment by DuckDB's name": ("select cast(null as timestamp with time zone) as b from t", "timestamp with time zone: no type"),
    "a function of DuckDB": ("select list_slice(a, 1, 2) as b from t", "list_slice: not known as a function"),
    "an approximate quantile": ("select approx_percentile(a, 0.5) as b from t", "approx_percentile: not known"),
    "a quantile that sqlglot would make approximate": (
        "select percentile_cont(0.5) within group (order by a) as b from t",
        "percentile_cont: not known",
    ),
    "a mean of decimals": ("select avg(case when a > 1 then 1.0 else 0.0 end) as b from t", "a mean of decimals"),
    "a count over a decimal": ("select count(a) / 5.0 as b from t", "a whole number over a decimal"),
    "rows of a list inside an expression": ("select 1 + explode(a) as b from t", "a column of their own"),
    "syntax of DuckDB": ("select a from t where x := 1", "cannot be read as Spark's SQL"),
}


def test_every_model_is_portable(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(models()) > 100
    main(models())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_not_portable_is_refused_with_its_reason(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql, reason = PLANTED[name]
    (tmp_path / "planted.sql").write_text(sql, encoding="utf-8")
    assert main([tmp_path / "planted.sql"]) == 1
    assert capsys.readouterr().out.startswith("planted.sql: ")
    assert reason in next(faults(sql))


def test_what_stands_in_texts_and_comments_is_no_sql() -> None:
    assert list(faults("-- list_slice(a) as varchar\nselect 'cast(x as varchar)' as told from t")) == []


def test_the_macros_of_a_dialect_are_chosen() -> None:
    path = next(path for path in models() if path.stem == "fct_sentiment_daily")
    assert "percentile(draw_score, 0.05)" in rendered(path)
    assert "quantile_cont(draw_score, 0.05)" in rendered(path, "duckdb")


def test_a_few_models_have_every_macro_of_the_dialect_that_any_has() -> None:
    few = covering(models())
    assert len(few) < 20
    assert set().union(*(dispatched(path) for path in models() if path.stem in few)) == set().union(*map(dispatched, models()))
    assert dispatched(next(path for path in models() if path.stem == "fct_sentiment_daily")) >= {"dot", "in_order", "quantile_of"}


ROWS = "select * from (values ('a', 1.0::double, 1::bigint), ('a', 2.0, 1), ('b', null, 2)) as t (name, figure, number)"
CHANGED = {
    "nothing, in another order": (f"{ROWS} order by number desc", None),
    "the last digit": (ROWS.replace("2.0", "2.0000000001"), None),
    "a figure": (ROWS.replace("2.0", "2.00001"), "figure differs in 1 rows"),
    "a null": (ROWS.replace("null", "0.0"), "figure differs in 1 rows"),
    "a name": (ROWS.replace("'b'", "'c'"), "1 rows are missing; 1 rows are not to be there"),
    "a row twice": (f"{ROWS} union all select 'b', null, 2", "1 rows are not to be there"),
    "a type": (ROWS.replace("1::bigint", "1::integer"), "types differ: number is INTEGER, not BIGINT"),
    "a column": (f"select *, 1 as other from ({ROWS})", "columns differ: other in one of them only"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_two_tables_differ_in_what_was_changed_and_in_nothing_else(name: str) -> None:
    found, told = CHANGED[name]
    with duckdb.connect() as con:
        assert difference(con, ROWS, found) == told
