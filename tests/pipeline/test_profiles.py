"""Whoever has the exchanges' public files alone gets a valid outlook: the sample's own, with everything vendors, customs and policy say taken away."""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.pipeline.conftest import Built, Model, query, upstream

PUBLIC = ("shfe__", "gfex__", "czce__", "catalog__", "ingest__", "outlook__")

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def exchange_only(sample: Built, models: list[Model], tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = tmp_path_factory.mktemp("exchange") / "warehouse.duckdb"
    shutil.copy(sample.home / "warehouse.duckdb", warehouse)
    with duckdb.connect(str(warehouse)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        tables = [name for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()]
        taken = [name for name in tables if not name.startswith((*PUBLIC, "_"))]
        assert len(taken) > 10
        for name in taken:
            con.execute(f'delete from raw."{name}"')
        for name, kind, sql in upstream(models, "serving.outlook_v2"):
            con.execute(f"create or replace {kind} {name} as {sql}")
    return warehouse


def test_every_commodity_is_valid_from_exchange_data_alone(exchange_only: Path) -> None:
    rows = query(
        exchange_only,
        "select commodity_code, profile, status, status_reason, count(stance) filter (horizon <> 'long'), "
        "max(stance_reason) filter (horizon = 'long'), min(interval80_low_cny_t) > 0 "
        "from serving.outlook_v2 where as_of_date = (select max(as_of_date) from serving.outlook_v2) group by all order by all",
    )
    assert rows == [(code, "exchange", "validated", None, 2, "needs_fundamentals", True) for code in ("AL", "AO", "LC")]


def test_only_too_short_a_chain_or_missing_quotes_reject(exchange_only: Path) -> None:
    told = query(exchange_only, "select distinct status, status_reason from serving.outlook_v2 where status <> 'validated' order by all")
    assert {status for status, _ in told} == {"rejected"}
    assert {part for _, reason in told for part in reason.split(";")} <= {"chain_too_short", "no_quotes"}
