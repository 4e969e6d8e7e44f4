"""What readers rely on: described, atomic, audited, refused when wrong."""

import hashlib
import json
import os
from pathlib import Path

import duckdb
import pytest

from ingest.settings import Settings
from serving.publish import release
from tests.pipeline.conftest import Built, copied
from tests.reliability.readers import nothing_but_the_swap


def test_every_published_table_and_column_is_described(sample) -> None:
    tables = sample.published(
        "select table_name from duckdb_tables() where comment is null union all select view_name from duckdb_views() where not internal and comment is null"
    )
    columns = sample.published("select table_name || '.' || column_name from duckdb_columns() where not internal and comment is null")
    assert tables == []
    assert columns == []


def test_the_dictionary_knows_every_column_with_unit_and_both_languages(sample) -> None:
    missing = sample.published(
        """
        select c.table_name, c.column_name from duckdb_columns() as c
        left join serving.data_dictionary as d on d.schema_name = c.schema_name and d.table_name = c.table_name and d.column_name = c.column_name
        where not c.internal and (d.unit is null or d.description_en is null or d.description_zh is null or d.sources is null)
        """
    )
    assert missing == []


def test_the_dictionary_knows_every_table_in_both_languages(sample) -> None:
    there = "select table_name from duckdb_tables() union all select view_name from duckdb_views() where not internal"
    told = "select table_name from serving.data_dictionary where column_name = '*' and length(description_en) > 20 and description_zh similar to '.*[一-龥].*'"
    assert sorted(sample.published(told)) == sorted(sample.published(there))


def test_a_published_column_names_the_raw_tables_behind_it(sample) -> None:
    of = "select sources from serving.data_dictionary where table_name = ? and column_name = ?"
    # A row in quarantine takes the total away.
    receipts = "gfex__warehouse_receipts; ingest__quarantine; shfe__warehouse_receipts; catalog__contract_specs"
    assert sample.published(of, "fct_receipts_daily", "receipts_t") == [(receipts,)]
    assert sample.published("select comment from duckdb_columns() where table_name = 'fct_receipts_daily' and column_name = 'receipts_t'") == [
        (f"Registered receipts: Registered warrants, warehouses and factories [t] | 注册仓单（吨） | {receipts}",)
    ]
    assert (
        sample.published(of, "outlook_latest", "score")
        == sample.published(of, "outlook_v1", "score")
        == sample.published(of, "outlook_v2", "sentiment_score")
        != [("-",)]
    )
    # Series of all vendors stand in one table and a filter picks among them, which lineage cannot see: it says what a value can come from.
    vendors = ("capacity__series", "cost__series", "spot__overseas", "spot__quotes")
    assert sample.published(of, "fct_spot_daily", "spot_cny_t")[0][0].split("; ")[:4] == list(vendors)
    assert sample.published("select count(*) from serving.data_dictionary where sources like '%unknown%'") == [(0,)]
    # A constant or a count is made of no column; nothing else may be without a source in what SQL makes.
    without = "select distinct table_name, column_name from serving.data_dictionary where sources = '-' and (schema_name = 'marts' or table_name = 'outlook_v2')"
    assert set(sample.published(without)) == {
        ("fct_basis_daily", "futures_leg"), ("fct_basis_daily", "price_source"), ("fct_price_levels", "level_kind"),
        ("fct_receipts_daily", "warehouse_count"), ("fct_supply_demand", "frequency"), ("outlook_v2", "horizon"),
        ("fct_receipts_daily", "squeeze_cycles"), ("fct_delivery_risk_daily", "squeeze_cycles"),
    }  # fmt: skip


def test_the_stable_view_shows_the_contracted_table(sample) -> None:
    assert sample.published("select count(*) from serving.outlook") == sample.published("select count(*) from serving.outlook_v2")
    assert sample.published("select count(*), count(distinct horizon) from serving.outlook_latest where commodity_code = 'AO'") == [(3, 3)]


def test_parquet_twins_and_manifest_belong_to_the_file(sample) -> None:
    folder = (sample.home / "serving").resolve()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["release_id"] == folder.name
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]} == manifest["files"]
    for schema, table in sample.published("select schema_name, table_name from duckdb_tables()"):
        twin = folder / ("" if schema in ("serving", "technical") else schema) / f"{table}.parquet"
        assert sample.published(f"select count(*) from {schema}.{table}") == duckdb.sql(f"select count(*) from '{twin}'").fetchall()
    codecs = duckdb.sql(
        f"select distinct compression from parquet_metadata(['{folder}/*.parquet', '{folder}/desk/*.parquet', '{folder}/marts/*.parquet'])"
    )
    assert codecs.fetchall() == [("SNAPPY",)]
    assert (folder / "data_docs" / "index.html").is_file()


def test_the_publication_row_says_what_was_published(sample) -> None:
    row = sample.published(
        "select release_id, run_id is not null, data_through::varchar, data_origin, length(inputs_hash), checks_passed > 50, checks_failed from serving.publication"
    )[0]
    assert row == ((sample.home / "serving").resolve().name, True, "2025-07-23", "sample", 64, True, 0)


def test_status_says_published(sample) -> None:
    status = json.loads((sample.home / "status.json").read_text())
    assert status["outcome"] == "published"
    assert status["serving"] == (sample.home / "serving").resolve().name


@pytest.fixture
def a_copy(sixty_sessions: Built, tmp_path: Path) -> Settings:
    return Settings(home=copied(sixty_sessions.home, tmp_path / "home"))


def _spoil(settings: Settings, statement: str) -> None:
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute(statement)


@pytest.mark.parametrize(
    "spoilt",
    [
        {
            "update serving.outlook_v2 set sentiment_score = 140 where horizon = 'short'": "sentiment_score must be between",
            "update serving.outlook_v2 set horizon = 'never' where horizon = 'long'": "horizon must be in set",
            "insert into serving.outlook_v2 select * from serving.outlook_v2 limit 1": "commodity_code, as_of_date, horizon must be unique",
            "update marts.fct_receipts_daily set payload_sha256 = null where receipts_t > 0": "payload_sha256 must not be null",
            # What no rule of the gate asks for is declared, and the database holds the tables to it.
            "insert into marts.fct_inventory select * from marts.fct_inventory where stock_kind <> 'all' limit 1": "desk.stocks_by_kind: Constraint Error",
            "update marts.fct_carry_daily set origin_region = null": "marts.fct_carry_daily: Constraint Error: NOT NULL constraint failed",
        },
        {
            "delete from marts.fct_futures_daily": "the table has 0 rows",
            "alter table marts.fct_spot_daily add column mystery integer": "marts.fct_spot_daily.mystery has no description",
            # What the desk shows of it cannot be read.
            "drop table marts.fct_basis_daily": "marts.fct_basis_daily is missing",
            "select 1": "desk.premium_close: Catalog Error",
        },
    ],
    ids=["values", "tables"],
)
def test_wrong_tables_are_refused_each_for_its_reason_and_the_published_release_stays(a_copy: Settings, spoilt: dict[str, str]) -> None:
    before = os.readlink(a_copy.serving)
    for statement in spoilt:
        _spoil(a_copy, statement)
    with pytest.raises(release.PublishRefusedError) as refused:
        release.publish(a_copy, "test")
    assert [reason for reason in spoilt.values() if reason not in str(refused.value)] == [], str(refused.value)
    assert os.readlink(a_copy.serving) == before
    status = json.loads(a_copy.status.read_text())
    assert (status["outcome"], status["serving"], status["reason"]) == ("refused", Path(before).name, str(refused.value))
    assert list(a_copy.releases.glob(".building-*")) == []


def test_a_failed_dbt_test_refuses_the_release(a_copy: Settings) -> None:
    failed = release.CheckResult("assert_something", "dbt", "fail", "test", 3, "Got 3 results, configured to fail if != 0")
    with pytest.raises(release.PublishRefusedError, match="Got 3 results"):
        release.publish(a_copy, "test", [failed])


def test_old_releases_are_retired_but_never_the_served_one(a_copy: Settings) -> None:
    settings = Settings(home=a_copy.home, releases_kept=2)
    with nothing_but_the_swap():
        for _ in range(3):
            release.publish(settings, "test")
    kept = sorted(path.name for path in settings.releases.iterdir())
    assert len(kept) == 2
    assert Path(os.readlink(settings.serving)).name == kept[-1]


def test_a_reader_keeps_its_release_while_another_is_published(a_copy: Settings) -> None:
    path = (a_copy.serving / release.FILE_NAME).resolve()
    with nothing_but_the_swap(), duckdb.connect(str(path), read_only=True) as con:
        before = con.execute("select release_id from serving.publication").fetchall()
        published = release.publish(a_copy, "test")
        assert con.execute("select release_id from serving.publication").fetchall() == before
    with duckdb.connect(str((a_copy.serving / release.FILE_NAME).resolve()), read_only=True) as con:
        assert con.execute("select release_id from serving.publication").fetchall() == [(published.release_id,)]
