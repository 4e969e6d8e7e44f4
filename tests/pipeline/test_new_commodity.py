"""A commodity is configuration: with one TOML file in the operator's catalogue it appears in every mart it has data for.

The file is made up; its figures are another product's quotes and another commodity's series, which the sample holds.
"""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingest.origins import SampleOrigin
from tests.pipeline.conftest import House

CODE = "ZZ"
TOML = """
[commodity]
commodity_code = "ZZ"
name_en = "Madeupium"
name_zh = "虚构品种"
exchange = "SHFE"
product_id = "al"
listing_date = "2023-06-19"
source = "assumed: made up by a test"

[[contract_spec]]
valid_from = "2023-06-19"
contract_size_t = 5.0
tick_cny_t = 5.0
warrant_unit_t = 25.0
last_trading_day_rule = "day_of_month"
last_trading_day_value = 15
source = "assumed: made up by a test"

[[customs]]
hs_code = "28182000"
role = "product"
source = "assumed: made up by a test"

[[term]]
name = "downstream_use_t_t"
valid_from = "2023-06-19"
value = 2.0
unit = "t/t"
label = "assumed"
source = "assumed: made up by a test"

[[topic]]
name = "all"
relation = "economy"
source = "assumed: made up by a test"
"""
SERIES = (
    ("spot", "SMM", "SMM-AO-INDEX", "national", ""),
    ("fob", "SMM", "SMM-AO-FOB-WA", "western_australia", ""),
    ("freight", "SMM", "SMM-AO-FREIGHT-AU-CN", "national", ""),
    ("fx_sell", "SMM", "SMM-USD-CNY-SELL", "national", ""),
    ("cost_full", "SMM", "SMM-AO-COST-FULL-D", "national", "smm_daily"),
    ("capacity_built", "SMM", "SMM-AO-CAP-BUILT", "national", ""),
    ("capacity_operating", "SMM", "SMM-AO-CAP-RUN", "national", ""),
    ("output", "SMM", "SMM-AO-OUTPUT-W", "national", ""),
    ("downstream_operating", "SMM", "SMM-AL-CAP-RUN", "national", ""),
    ("stock_smelter", "SMM", "SMM-AO-STOCK-SMELTER", "national", ""),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, models: list[tuple[str, str, str]]) -> Path:
    house = House(tmp_path_factory.mktemp("commodity"))
    folder = house.settings.catalog_overlay / "commodities"
    folder.mkdir(parents=True)
    series = "".join(
        f'\n[[series]]\nrole = "{role}"\nprovider = "{provider}"\nseries_id = "{series_id}"\nregion = "{region}"\n'
        + (f'model_id = "{model}"\n' if model else "")
        + 'source = "assumed: made up by a test"\n'
        for role, provider, series_id, region, model in SERIES
    )
    (folder / "zz.toml").write_text(TOML + series, encoding="utf-8")
    house.take(SampleOrigin(date(2025, 4, 21), date(2025, 7, 23)))
    return house.build(models)


def test_it_stands_in_every_mart_it_has_data_for(built: Path, models: list[tuple[str, str, str]]) -> None:
    with duckdb.connect(str(built), read_only=True) as con:
        found = {
            name.split(".")[1]: con.execute(f"select count(*) from {name} where commodity_code = ?", [CODE]).fetchall()[0][0]
            for name, _, _ in models
            if name.startswith("marts.")
            and "commodity_code" in {column for (column,) in con.execute(f"select column_name from (describe {name})").fetchall()}
        }
    assert {name for name, rows in found.items() if not rows} == set()
    assert len(found) > 15


def test_it_has_a_score_and_an_outlook_for_every_horizon(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as con:
        rows = con.execute("select horizon, count(*), min(coverage) from serving.outlook_v2 where commodity_code = ? group by 1", [CODE]).fetchall()
        ((sessions,),) = con.execute("select count(distinct as_of_date) from serving.outlook_v2 where commodity_code = 'AO'").fetchall()
        (score,) = con.execute("select max(abs(score)) from marts.fct_sentiment_daily where commodity_code = ?", [CODE]).fetchall()
    assert {horizon for horizon, *_ in rows} == {"short", "medium", "long"}
    assert {count for _, count, _ in rows} == {sessions}
    assert 0 < score[0] <= 100


def test_the_others_do_not_change_by_it(built: Path) -> None:
    with duckdb.connect(str(built), read_only=True) as con:
        rows = con.execute(
            "select commodity_code, close_cny_t, volume_lots from marts.fct_futures_daily where trade_date = date '2025-07-22' and is_dominant order by 1"
        ).fetchall()
    assert [code for code, *_ in rows] == ["AL", "AO", "LC", CODE]
    assert rows[0][1:] == rows[3][1:], "the same product under two names"
