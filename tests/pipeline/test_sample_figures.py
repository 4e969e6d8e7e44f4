"""The published figures of July 2025 come out of the whole pipeline, from payload to published file."""

import math
import re
import tomllib
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ingest import catalog

DAY = date(2025, 7, 22)


def test_receipts_fell_to_23_warrants_on_18_july(sample) -> None:
    rows = sample.published(
        "select receipts_t, receipts_change_t, warrants from marts.fct_receipts_daily where commodity_code = 'AO' and trade_date = date '2025-07-18'"
    )
    assert rows == [(6922.0, -18604.0, 23)]


def test_warehouses_and_factories_add_up_to_the_total(sample) -> None:
    difference = sample.published(
        """
        select count(*) from marts.fct_receipts_daily as d
        join (select commodity_code, trade_date, sum(receipts_t) as t, count(distinct warehouse_type) as kinds from marts.fct_receipts_warehouse_daily group by all) as w
            using (commodity_code, trade_date)
        where d.receipts_t <> w.t or w.kinds <> case commodity_code when 'AO' then 2 else 1 end
        """
    )
    assert difference == [(0,)]


def test_ao2509_is_dominant_through_22_july_and_no_contract_returns(sample) -> None:
    july = sample.published(
        "select distinct contract_code from marts.fct_futures_daily where commodity_code = 'AO' and is_dominant and trade_date between date '2025-06-23' and ?",
        DAY,
    )
    assert july == [("AO2509",)]
    each_day = sample.published(
        "select commodity_code, trade_date, count(*) from marts.fct_futures_daily where is_dominant group by 1, 2 having count(*) <> 1"
    )
    assert each_day == []


def test_the_two_day_return_of_the_rally(sample) -> None:
    row = sample.published(
        """
        select close_cny_t, ret_cc_2d_pct, ret_ss_2d_pct, ret_c_ps_pct, ret_s_ps_pct, ret_cc_1d_pct, ret_cc_5d_pct, ma20_cny_t, trend_state
        from marts.fct_futures_daily where contract_code = 'AO2509' and trade_date = ?
        """,
        DAY,
    )[0]
    assert row[0] == 3513
    assert row[1:7] == pytest.approx((12.13, 10.50, 6.07, 4.23, 3.75, 11.0), abs=0.005)
    assert row[7:] == (pytest.approx(3102.65), "up_strong")


def test_settlement_is_the_weighted_average_on_every_traded_row_with_a_turnover(sample) -> None:
    broken, checked = sample.published(
        """
        select
            count(*) filter (settle_cny_t <> tick_cny_t * floor(round(turnover_cny / (volume_lots * contract_size_t) / tick_cny_t, 6))),
            count(*)
        from marts.fct_futures_daily join marts.dim_contract using (contract_code)
        where is_traded and turnover_cny is not null
        """
    )[0]
    assert broken == 0
    assert checked > 5000


def test_settlement_identity_holds_on_every_contract_of_a_real_day(shared_data: Path) -> None:
    """All 25 products of one real day: unit, multiplier and counting are what the catalogue takes them to be."""
    exchanges = tomllib.loads((Path(catalog.__file__).parent / "exchanges.toml").read_text())
    contracts = exchanges["shfe"]["contracts"] | exchanges["ine"]["contracts"]  # the files of the one hold those of the other
    rows = duckdb.sql(f"from read_csv('{shared_data}/crosssection/shfe_daily_20260417.csv', header = true, all_varchar = true)")
    checked = set()
    for symbol, variety, volume, turnover, settle in rows.select("symbol, variety, volume, turnover, settle").fetchall():
        if "TAS" in symbol.upper() or float(volume) == 0:
            continue  # trade-at-settlement orders are no contracts of their own
        spec = contracts[variety.lower()]
        average = float(turnover) * 1e4 / (float(volume) * spec["size"])
        assert float(settle) == pytest.approx(spec["tick"] * math.floor(round(average / spec["tick"], 6))), symbol
        checked.add(symbol)
    assert len(checked) > 240


def test_spot_index_and_its_change(sample) -> None:
    row = sample.published("select spot_cny_t, spot_change_cny_t from marts.fct_spot_daily where series_id = 'SMM-AO-INDEX' and trade_date = ?", DAY)[
        0
    ]
    assert row == pytest.approx((3199.18, 14.12))


@pytest.mark.parametrize(("leg", "premium"), [("close", 313.82), ("settle", 252.82), ("t1130", 228.82)])
def test_premium_on_each_clock(sample, leg: str, premium: float) -> None:
    rows = sample.published(
        "select premium_cny_t, basis_cny_t from marts.fct_basis_daily where spot_leg = 'natl' and price_source <> 'bars' and futures_leg = ? and trade_date = ?",
        leg,
        DAY,
    )
    assert len(rows) == 1
    assert rows[0] == pytest.approx((premium, -premium))


def test_every_ledger_cell_reaches_the_published_marts(sample) -> None:
    """What the ledger says was published is what an analyst reads."""
    ledger = Path(__file__).parents[2] / "ingest" / "sample" / "published.csv"
    futures = {
        "open_price": "open_cny_t",
        "high_price": "high_cny_t",
        "low_price": "low_cny_t",
        "close_price": "close_cny_t",
        "settle_price": "settle_cny_t",
    }
    cells = duckdb.sql(f"from read_csv('{ledger}', header = true, all_varchar = true) where \"table\" = 'shfe__daily_quotes'").fetchall()
    checked = 0
    for _, key, column, value, precision, *_ in cells:
        day, contract = key.split("|")
        name = futures.get(column, column if column in ("volume_lots", "open_interest_lots") else None)
        if name and precision == "exact":
            found = sample.published(
                f"select {name} from marts.fct_futures_daily where contract_code = ? and trade_date = cast(? as date)", contract, day
            )
            assert found == [(float(value),)], (key, column)
            checked += 1
    assert checked > 100


def test_a_second_commodity_is_configuration_only(sample) -> None:
    """Aluminium's rows stand in the same payloads; its catalogue file is all it takes to be in every mart and in the outlook."""
    for table in ("dim_commodity", "dim_contract", "fct_futures_daily", "fct_receipts_daily", "fct_receipts_warehouse_daily"):
        codes = sample.published(f"select distinct commodity_code from marts.{table} order by 1")
        assert ("AL",) in codes and ("AO",) in codes, table
    assert sample.published("select commodity_code, horizon from serving.outlook_latest where commodity_code in ('AL', 'AO') order by all") == [
        (code, horizon) for code in ("AL", "AO") for horizon in ("long", "medium", "short")
    ]
    contract = sample.published("select last_trading_day, contract_size_t, tick_cny_t from marts.dim_contract where contract_code = 'AL2506'")
    assert contract == [(date(2025, 6, 16), 5, 5)]  # the 15th is a Sunday


def test_another_exchange_is_in_the_outlook_from_exchange_data_alone(sample) -> None:
    days = sample.published(
        "select min(trade_date), max(trade_date), count(distinct trade_date) from marts.fct_futures_daily where commodity_code = 'LC' and is_dominant"
    )
    assert days == [(date(2024, 12, 17), DAY + timedelta(days=1), 145)]
    outlook = sample.published("select distinct profile, status, status_reason from serving.outlook where commodity_code = 'LC' order by all")
    assert outlook == [("exchange", "rejected", "chain_too_short"), ("exchange", "validated", None)]
    for figures, reason in (
        ("marts.fct_receipts_daily where percentile_since_listing_ratio is not null", "the history begins after the listing"),
        ("marts.fct_positioning_daily where top20_net_lots is not null", "no ranking is read"),
        ("marts.fct_basis_daily", "no spot price is read"),
        ("marts.fct_trade_balance_monthly", "no customs code is configured"),
    ):
        where = "and" if " where " in figures else "where"
        assert sample.published(f"select count(*) from {figures} {where} commodity_code = 'LC'") == [(0,)], reason
    contract = sample.published("select last_trading_day, contract_size_t, tick_cny_t from marts.dim_contract where contract_code = 'LC2507'")
    assert contract == [(date(2025, 7, 14), 1, 20)]  # the tenth session of July


def test_comtrade_stands_beside_the_portal_and_never_in_one_series_with_it(sample) -> None:
    rows = sample.published(
        """
        select wide.month, wide.qty_t > item.qty_t, wide.yoy_pct, wide.available_at - wide.month > interval 570 days
        from marts.fct_trade_balance_monthly as wide
        join marts.fct_trade_balance_monthly as item
            using (commodity_code, role, reporter, month, flow, partner_code)
        where wide.hs_scope = 'heading' and item.hs_scope = 'item' and wide.role = 'product' and flow <> 'net'
            and partner_code = 'all' and commodity_code = 'AO'
        """
    )
    assert len(rows) == 2 * 8
    assert {row[1:] for row in rows} == {(True, None, True)}
    used = sample.published(
        """
        select balance.net_import_kt_a, 12 * trade.net_import_t / 1000 from marts.fct_supply_demand as balance
        join marts.fct_trade_balance_monthly as trade
            on balance.trade_month = trade.month and balance.commodity_code = trade.commodity_code and trade.flow = 'net' and trade.hs_code = '28182000'
        where balance.frequency = 'monthly' and balance.commodity_code = 'AO' and balance.trade_month < date '2024-01-01'
        """
    )
    assert used and all(found == pytest.approx(expected) for found, expected in used)


@pytest.mark.parametrize(
    ("table", "column", "term", "scope"),
    [
        ("price_limits", "upper_limit_ratio", "limit_ratio", ""),
        ("price_limits", "spec_long_margin_ratio", "margin_ratio", "spec"),
        ("settlement_parameters", "hedge_short_margin_ratio", "margin_ratio", "hedge"),
        ("margins_fees", "spec_short_margin_ratio", "margin_ratio", "spec"),
        ("margins_fees", "hedge_long_margin_ratio", "margin_ratio", "hedge"),
    ],
)
def test_limits_and_margins_of_the_exchanges_files_are_those_of_the_catalogue(sample, table: str, column: str, term: str, scope: str) -> None:
    rows = sample.working(
        f"""
        select commodities.commodity_code, count(*) > 1800, count(distinct files.trade_date) filter (round(files.{column}, 6) <> round(terms.term_value, 6))
        from raw.shfe__{table} as files
        join staging.stg_catalog__commodities as commodities on files.product_id = commodities.product_id and commodities.exchange = 'SHFE'
        join intermediate.int_commodities__terms as terms
            on commodities.commodity_code = terms.commodity_code and terms.term = ? and terms.scope = ? and files.trade_date >= terms.valid_from
                and (terms.superseded_from is null or files.trade_date < terms.superseded_from)
        group by 1
        order by 1
        """,
        term,
        scope,
    )
    # On its first day the product has a multiple of its limit.
    assert rows == [("AL", table != "margins_fees", 0), ("AO", table != "margins_fees", int(term == "limit_ratio"))]


def test_missing_blocks_lower_coverage_and_are_never_zero(sample) -> None:
    rows = sample.published(
        "select missing_blocks, coverage, sentiment_score, contribution_policy, contribution_receipts, contribution_money, contribution_fundamentals, status "
        "from serving.outlook where commodity_code = 'AO' and horizon = 'short' and missing_blocks is not null and sentiment_score is not null"
    )
    assert rows
    for missing, coverage, score, *contributions, status in rows:
        parts = dict(zip(("policy", "receipts", "money", "fundamentals"), contributions, strict=True))
        assert {name for name, part in parts.items() if part is None} == set(missing.split(";"))
        assert sum(part for part in contributions if part is not None) == pytest.approx(score)
        assert coverage < 1
        assert status == "rejected" or coverage >= 0.7


def test_a_rejected_day_takes_no_stance_on_any_horizon(sample) -> None:
    rows = sample.published("select distinct horizon, stance, direction, confidence from serving.outlook where status = 'rejected'")
    assert sorted(rows, key=str) == [(horizon, None, "undecided", None) for horizon in ("long", "medium", "short")]


def test_everything_the_sample_shows_says_that_it_is_a_sample(sample) -> None:
    assert sample.published("select distinct data_origin from serving.outlook") == [("sample",)]
    assert sample.published("select distinct data_origin from serving.publication") == [("sample",)]
    assert sample.published("select count(*) from serving.outlook where disclaimer not like 'SAMPLE%'") == [(0,)]
    assert "SAMPLE DATA" in sample.run.stdout


def test_the_sample_breaks_no_identity_but_the_vendors_copy_error_and_loses_no_row(sample) -> None:
    """One series of ore is there to be read by people: no mart uses it, and that is said."""
    assert sample.published("select check_id, subject from serving.quality_results where result <> 'pass' order by all") == [
        ("figure_is_no_copy_of_the_index", "SMM SMM-AO-PORT-PRICE"),
        ("series_is_read_by_a_mart", "SMM SMM-BX-GUINEA-CIF"),
    ]


def test_a_payload_leads_back_from_the_published_row(sample) -> None:
    """From the row an analyst sees to the bytes that were archived."""
    sha = sample.published("select payload_sha256 from marts.fct_receipts_daily where commodity_code = 'AO' and trade_date = date '2025-07-18'")[0][0]
    body = (sample.home / "archive" / "blobs" / sha[:2] / sha).read_text(encoding="utf-8")
    assert "20250718" in body
    assert "氧化铝" in body


def test_the_command_says_where_the_time_went(sample) -> None:
    table = sample.run.stdout.split("where the time went")[1]
    phases = re.findall(r"│ ([a-z ]+?) +│ +(\d+\.\d) │", table)
    assert [name for name, _ in phases] == [
        "imports",
        "definitions",
        "ingest",
        "raw load",
        "dbt",
        "claims",
        "backtest",
        "gate",
        "note",
        "publish",
        "other",
        "all",
    ]
    seconds = {name: float(value) for name, value in phases}
    assert seconds["all"] == pytest.approx(sum(seconds.values()) - seconds["all"], abs=0.5)


def test_the_payload_of_every_row_of_a_mart_says_when_it_was_first_in_hand(sample) -> None:
    marts = sample.published("select table_name from information_schema.columns where table_schema = 'marts' and column_name = 'payload_sha256'")
    assert len(marts) > 15
    for (mart,) in marts:
        sql = f"select count(*), count(p.first_seen_at) from marts.{mart} as m left join serving.payloads as p using (payload_sha256) where m.payload_sha256 is not null"
        ((rows, seen),) = sample.published(sql)
        assert rows == seen, mart


def test_a_file_of_the_day_came_on_the_day_and_a_months_export_holds_days_before_it(sample) -> None:
    found = dict(
        sample.published(
            "select feed, sum(facts_backfilled) / sum(facts) from serving.payloads where feed in ('kx', 'dailystock', 'gacc', 'spot_price') group by 1"
        )
    )
    assert found["kx"] == found["dailystock"] == found["gacc"] == 0
    assert 0.9 < found["spot_price"] < 1
    assert sample.published("select count(*) from serving.payloads where is_backfilled <> (facts_backfilled > 0)") == [(0,)]
