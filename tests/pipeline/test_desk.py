"""The desk: the innocent query of somebody who read no manual gives the right answer.

Each question has two queries. The innocent one names a table of the desk and filters nothing but what the question says. The other works the
answer out from raw rows, or from a mart with all of its key, and knows every trap.
"""

from collections.abc import Iterator
from typing import NamedTuple

import duckdb
import pytest

from serving.publish.copies import has_declared_key
from serving.publish.keys import published_keys, references
from tests.pipeline.conftest import Built


class Question(NamedTuple):
    """What somebody asks, how they ask it, and the answer worked out another way (`raw` and `marts` of the working warehouse)."""

    asked: str
    innocent: str
    worked_out: str


QUOTES = "raw.shfe__daily_quotes"
CLOSE = f"(select any_value(close_price) from {QUOTES} where product_id like 'ao%' and delivery_month_code = '{{}}' and trade_date = '{{}}')"
INDEX = "(select spot_price as value, obs_date from raw.spot__quotes where series_id = 'SMM-AO-INDEX')"
RECEIPTS = "raw.shfe__warehouse_receipts where product_name like '氧化铝%' and row_level = 'detail'"

QUESTIONS = (
    Question(
        "How did the price move on 2024-12-04, a day of a roll?",
        "select round(ret_cc_1d_pct, 2) from desk.futures_dominant where commodity_code = 'AO' and trade_date = '2024-12-04'",
        "with two as (select trade_date, arg_max(contract_code, trade_date) as code, arg_max(close_cny_t, trade_date) as close from marts.fct_futures_daily "
        "where contract_code = (select contract_code from marts.fct_futures_daily where commodity_code = 'AO' and is_dominant and trade_date = '2024-12-04') "
        "and trade_date between '2024-12-03' and '2024-12-04' group by trade_date) "
        "select round(100 * (max(close) filter (trade_date = '2024-12-04') / max(close) filter (trade_date = '2024-12-03') - 1), 2) from two",
    ),
    Question(
        "How far did the price come in the week of that roll, adding up its days?",
        "select round(sum(close_change_cny_t), 6) from desk.futures_dominant where commodity_code = 'AO' and trade_date between '2024-12-02' and '2024-12-06'",
        "select round(sum(q.close_cny_t - b.close_cny_t), 6) from marts.fct_futures_daily as q "
        "inner join marts.dim_trading_day as d on q.trade_date = d.trade_date "
        "inner join marts.fct_futures_daily as b on b.contract_code = q.contract_code and b.trade_date = d.previous_trade_date "
        "where q.commodity_code = 'AO' and q.is_dominant and q.trade_date between '2024-12-02' and '2024-12-06'",
    ),
    Question(
        "How often has the dominant contract changed since 2024?",
        "select count(*) from desk.futures_dominant where commodity_code = 'AO' and is_roll_day and trade_date >= '2024-01-01'",
        "select count(*) from marts.fct_contract_rolls where commodity_code = 'AO' and roll_date >= '2024-01-01'",
    ),
    Question(
        "What was the average close of the dominant contract in June 2025?",
        "select round(avg(close_cny_t), 6) from desk.futures_dominant where commodity_code = 'AO' and trade_date between '2025-06-01' and '2025-06-30'",
        "select round(avg(close_cny_t), 6) from marts.fct_futures_daily "
        "where commodity_code = 'AO' and is_dominant and trade_date between '2025-06-01' and '2025-06-30'",
    ),
    Question(
        "What was the average spot price in June 2025?",
        "select round(avg(spot_cny_t), 2) from desk.spot_national where commodity_code = 'AO' and trade_date between '2025-06-01' and '2025-06-30'",
        "select round(avg(spot_cny_t), 2) from marts.fct_spot_daily "
        "where series_id = 'SMM-AO-INDEX' and trade_date between '2025-06-01' and '2025-06-30'",
    ),
    Question(
        "Which region was the cheapest on 2025-07-18?",
        "select region from desk.spot_regions where commodity_code = 'AO' and trade_date = '2025-07-18' order by spot_cny_t, region limit 1",
        "select region from marts.fct_spot_daily where commodity_code = 'AO' and trade_date = '2025-07-18' and region <> 'national' order by spot_cny_t, region limit 1",
    ),
    Question(
        "How many regions are there, and what do they cost on average?",
        "select count(*), round(avg(spot_cny_t), 2) from desk.spot_regions where commodity_code = 'AO' and trade_date = '2025-07-18'",
        "select count(distinct region), round(avg(spot_cny_t), 2) from marts.fct_spot_daily "
        "where commodity_code = 'AO' and trade_date = '2025-07-18' and region <> 'national' and provider = 'SMM'",
    ),
    Question(
        "What was the premium of the settlement on 2025-07-18?",
        "select premium_cny_t from desk.premium_settle where commodity_code = 'AO' and trade_date = '2025-07-18'",
        "select f.settle_cny_t - s.spot_cny_t from marts.fct_futures_daily as f inner join marts.fct_spot_daily as s on s.trade_date = f.trade_date "
        "where f.commodity_code = 'AO' and f.is_dominant and f.trade_date = '2025-07-18' and s.series_id = 'SMM-AO-INDEX'",
    ),
    Question(
        "What was the premium of the close on average in July 2025?",
        "select round(avg(premium_cny_t), 2) from desk.premium_close where commodity_code = 'AO' and trade_date >= '2025-07-01'",
        "select round(avg(f.close_cny_t - s.spot_cny_t), 2) from marts.fct_futures_daily as f inner join marts.fct_spot_daily as s on s.trade_date = f.trade_date "
        "where f.commodity_code = 'AO' and f.is_dominant and f.trade_date >= '2025-07-01' and s.series_id = 'SMM-AO-INDEX'",
    ),
    Question(
        "On how many days did futures stand above spot at 11:30?",
        "select count(*) from desk.premium_1130 where commodity_code = 'AO' and premium_cny_t > 0",
        "select count(*) from marts.fct_basis_daily where commodity_code = 'AO' and futures_leg = 't1130' and price_source = 'vendor_spread' "
        "and spot_leg = 'natl' and provider = 'SMM' and basis_cny_t < 0",
    ),
    Question(
        "On how many days of 2025 did making it lose money?",
        "select count(*) from desk.margin_daily where commodity_code = 'AO' and trade_date >= '2025-01-01' and profit_cny_t < 0",
        "select count(*) from marts.fct_margin_daily where commodity_code = 'AO' and region = 'national' and provider = 'SMM' and frequency = 'daily' "
        "and model_id = (select min(model_id) from marts.fct_margin_daily where commodity_code = 'AO' and region = 'national' and provider = 'SMM' "
        "and frequency = 'daily' and model_id <> 'public' and cost_full_cny_t is not null) and trade_date >= '2025-01-01' and spot_cny_t < cost_full_cny_t",
    ),
    Question(
        "What was the average profit in July 2025?",
        "select round(avg(profit_cny_t), 1) from desk.margin_daily where commodity_code = 'AO' and trade_date >= '2025-07-01'",
        "select round(avg(spot_cny_t - cost_full_cny_t), 1) from marts.fct_margin_daily where commodity_code = 'AO' and region = 'national' "
        "and frequency = 'daily' and provider = 'SMM' and model_id <> 'public' and cost_full_cny_t is not null and trade_date >= '2025-07-01'",
    ),
    Question(
        "How many lots did the dominant contract trade in July 2025?",
        "select sum(volume_lots) from desk.futures_dominant where commodity_code = 'AO' and trade_date >= '2025-07-01'",
        "select sum(volume_lots) from marts.fct_futures_daily where commodity_code = 'AO' and is_dominant and trade_date >= '2025-07-01'",
    ),
    Question(
        "How much money moved in or out of AO2509 between 16 and 22 July?",
        "select round(sum(capital_flow_cny)) from desk.positioning_day where contract_code = 'AO2509' and trade_date between '2025-07-16' and '2025-07-22'",
        "select round(sum(capital_flow_cny)) from marts.fct_positioning_daily "
        "where contract_code = 'AO2509' and session = 'day' and trade_date between '2025-07-16' and '2025-07-22'",
    ),
    Question(
        "Who is the largest long of AO2509 on 2025-07-22?",
        "select participant from desk.members where contract_code = 'AO2509' and trade_date = '2025-07-22' order by long_lots desc nulls last limit 1",
        "select participant from marts.fct_members_daily where contract_code = 'AO2509' and trade_date = '2025-07-22' and board = 'long' and rank = 1",
    ),
    Question(
        "How many lots do the listed members hold long?",
        "select sum(long_lots) from desk.members where contract_code = 'AO2509' and trade_date = '2025-07-22'",
        "select sum(position_lots) from marts.fct_members_daily where contract_code = 'AO2509' and trade_date = '2025-07-22' and board = 'long'",
    ),
    Question(
        "How much was imported in June 2025?",
        "select round(sum(import_t)) from desk.trade_monthly where commodity_code = 'AO' and month = '2025-06-01'",
        "select round(sum(qty_t)) from marts.fct_trade_balance_monthly where commodity_code = 'AO' and month = '2025-06-01' and role = 'product' "
        "and hs_code = '28182000' and reporter = '156' and partner_scheme = 'gacc' and flow = 'import' and partner_code <> 'all'",
    ),
    Question(
        "What is the balance of trade from January to June 2025?",
        "select round(sum(net_import_t)) from desk.trade_monthly where commodity_code = 'AO' and month between '2025-01-01' and '2025-06-01'",
        "select round(sum(case flow when 'import' then qty_t else -qty_t end)) from marts.fct_trade_balance_monthly where commodity_code = 'AO' "
        "and month between '2025-01-01' and '2025-06-01' and hs_code = '28182000' and partner_code = 'all' and flow <> 'net' and partner_scheme = 'gacc'",
    ),
    Question(
        "Do the partners add up to the month?",
        "select round(sum(export_t)) from desk.trade_partners where commodity_code = 'AO' and month = '2025-06-01'",
        "select round(max(qty_t)) from marts.fct_trade_balance_monthly where commodity_code = 'AO' and month = '2025-06-01' and hs_code = '28182000' "
        "and partner_code = 'all' and flow = 'export' and partner_scheme = 'gacc'",
    ),
    Question(
        "How much lies in stock by the newest print?",
        "select sum(stock_kt) from desk.stocks_total where commodity_code = 'AO' and period_end = (select max(period_end) from desk.stocks_total where commodity_code = 'AO')",
        "select round(stock_kt, 4) from marts.fct_inventory where commodity_code = 'AO' and stock_kind = 'all' order by period_end desc limit 1",
    ),
    Question(
        "How many receipts were there on 2025-07-18?",
        "select sum(receipts_t) from desk.receipts_total where commodity_code = 'AO' and trade_date = '2025-07-18'",
        "select sum(receipts_t) from marts.fct_receipts_warehouse_daily where commodity_code = 'AO' and trade_date = '2025-07-18'",
    ),
    Question(
        "And by adding up the regions?",
        "select sum(receipts_t) from desk.receipts_regions where commodity_code = 'AO' and trade_date = '2025-07-18'",
        "select receipts_t from marts.fct_receipts_daily where commodity_code = 'AO' and trade_date = '2025-07-18'",
    ),
    Question(
        "On how many days are the receipts not known?",
        "select count(*) from desk.receipts_total where null_reason is not null",
        "select count(*) from marts.fct_receipts_daily where receipts_t is null",
    ),
    Question(
        "What share of receipts lies in Xinjiang?",
        "select round(sum(receipts_t) filter (region = 'xinjiang') / sum(receipts_t), 4) from desk.receipts_warehouses where commodity_code = 'AO' and trade_date = '2025-07-15'",
        "select round(max(region_share_ratio), 4) from marts.fct_receipts_warehouse_daily where commodity_code = 'AO' and trade_date = '2025-07-15' and region = 'xinjiang'",
    ),
    Question(
        "What capacity runs by SMM's last weekly print?",
        "select arg_max(capacity_operating_kt_a, period_end) from desk.capacity_by_provider where commodity_code = 'AO' and provider = 'SMM' and frequency = 'weekly'",
        "select round(arg_max(capacity_operating_kt_a, period_end), 4) from marts.fct_capacity "
        "where commodity_code = 'AO' and provider = 'SMM' and frequency = 'weekly' and region = 'national'",
    ),
    Question(
        "Do curve and spreads agree on the sign on every day of one pair of liquid contracts?",
        "select count(*) from desk.curve_daily as c inner join desk.spreads as s on s.commodity_code = c.commodity_code and s.trade_date = c.trade_date "
        "and s.near_leg_contract = c.dominant_contract and s.far_leg_contract = c.sub_dominant_contract where sign(c.roll_yield_pct_month) <> sign(s.near_less_far_cny_t)",
        "select 0",
    ),
    Question(
        "What is AO2509 worth over AO2510?",
        "select near_less_far_cny_t from desk.spreads where near_leg_contract = 'AO2509' and far_leg_contract = 'AO2510' and trade_date = '2025-07-22'",
        "select max(close_cny_t) filter (contract_code = 'AO2509') - max(close_cny_t) filter (contract_code = 'AO2510') from marts.fct_futures_daily where trade_date = '2025-07-22'",
    ),
    Question(
        "By which port does importing pay best?",
        "select import_port from desk.import_by_port where commodity_code = 'AO' and trade_date = '2025-07-22' order by import_profit_cny_t desc nulls last limit 1",
        "select split_part(import_leg, '>', 3) from marts.fct_import_parity_daily where commodity_code = 'AO' and trade_date = '2025-07-22' and is_best_leg",
    ),
    Question(
        "What was the highest score, and when?",
        "select as_of_date, round(sentiment_score, 1) from desk.outlook_daily where commodity_code = 'AO' order by sentiment_score desc nulls last, as_of_date limit 1",
        "select as_of_date, round(sentiment_score, 1) from serving.outlook_v2 where commodity_code = 'AO' and status <> 'rejected' and horizon = 'long' "
        "order by sentiment_score desc nulls last, as_of_date limit 1",
    ),
    Question(
        "On how many days is there a score to draw?",
        "select count(sentiment_score) from desk.outlook_daily where commodity_code = 'AO'",
        "select count(distinct as_of_date) from serving.outlook_v2 where commodity_code = 'AO' and status <> 'rejected' and sentiment_score is not null",
    ),
    Question(
        "What is the score of 2025-07-22 made of, joined with its outlook?",
        "select round(sum(contribution), 2) from desk.outlook_daily inner join desk.score_components using (commodity_code, as_of_date) "
        "where commodity_code = 'AO' and as_of_date = '2025-07-22'",
        "select round(any_value(sentiment_score), 2) from serving.outlook_v2 where commodity_code = 'AO' and as_of_date = '2025-07-22'",
    ),
    Question(
        "How did receipts change since yesterday?",
        "select value_change from desk.changes_since_yesterday where commodity_code = 'AO' and item = 'receipts_t'",
        "select max(receipts_t) filter (as_of_date = '2025-07-23') - max(receipts_t) filter (as_of_date = '2025-07-22') from serving.outlook_v2 "
        "where commodity_code = 'AO' and as_of_date >= '2025-07-22'",
    ),
    Question(
        "Which figures of a day can a month see, joined by its calendar?",
        "select d.month, round(avg(p.premium_cny_t), 1), max(t.import_t) from desk.premium_close as p inner join desk.dim_date as d on d.calendar_date = p.trade_date "
        "left join desk.trade_monthly as t on t.commodity_code = p.commodity_code and t.month = d.month "
        "where p.commodity_code = 'AO' and d.month = '2025-06-01' group by d.month",
        "select date '2025-06-01', (select round(avg(premium_cny_t), 1) from marts.fct_basis_daily where commodity_code = 'AO' and futures_leg = 'close' "
        "and price_source = 'exchange' and spot_leg = 'natl' and provider = 'SMM' and trade_date between '2025-06-01' and '2025-06-30'), "
        "(select max(qty_t) from marts.fct_trade_balance_monthly where commodity_code = 'AO' and month = '2025-06-01' and hs_code = '28182000' "
        "and partner_code = 'all' and flow = 'import' and partner_scheme = 'gacc')",
    ),
)


@pytest.fixture(scope="module")
def reader(sample: Built) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str((sample.home / "serving" / "alumina.duckdb").resolve()), read_only=True) as con:
        yield con


@pytest.fixture(scope="module")
def workshop(sample: Built) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(sample.home / "warehouse.duckdb"), read_only=True) as con:
        yield con


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.asked)
def test_an_innocent_query_gives_the_right_answer(reader: duckdb.DuckDBPyConnection, workshop: duckdb.DuckDBPyConnection, question: Question) -> None:
    found, wanted = reader.execute(question.innocent).fetchall(), workshop.execute(question.worked_out).fetchall()
    assert found == wanted
    assert found
    assert None not in found[0]


def test_the_roll_of_december_is_a_rise_and_no_fall(reader: duckdb.DuckDBPyConnection) -> None:
    rows = reader.execute(
        "select round(ret_cc_1d_pct, 2), round(100 * (close_cny_t / lag(close_cny_t) over (order by trade_date) - 1), 2), is_roll_day "
        "from desk.futures_dominant where commodity_code = 'AO' qualify trade_date = '2024-12-04'"
    ).fetchall()
    assert rows == [(1.21, -1.49, True)]


def test_what_was_known_is_the_same_in_every_session(sample: Built, reader: duckdb.DuckDBPyConnection) -> None:
    asked = "select count(*) from desk.receipts_total where available_at_sh <= '2025-07-22 15:05:00'"
    known = "select fact, day from desk.known_at(timestamp '2025-07-22 15:05:00') where commodity_code = 'AO'"
    answers = []
    for zone in ("UTC", "Asia/Shanghai", "America/New_York"):
        reader.execute(f"set TimeZone = '{zone}'")
        answers.append((reader.execute(asked).fetchall(), reader.execute(known).fetchall()))
    assert answers[0] == answers[1] == answers[2]
    days = {fact: str(day) for fact, day in answers[0][1]}
    # The close was printed and not yet published; spot had come at 11:40.
    assert (days["close of the dominant contract"], days["spot, national"], days["receipts, all"]) == ("2025-07-21", "2025-07-22", "2025-07-21")
    reader.execute("set TimeZone = 'Asia/Shanghai'")
    with_zone = reader.execute("select count(*) from desk.receipts_total where available_at <= '2025-07-22 15:05:00'").fetchall()
    assert with_zone == answers[0][0]


def test_a_rejected_day_judges_nothing(reader: duckdb.DuckDBPyConnection) -> None:
    judged = ("sentiment_score", "score_band_low", "contribution_money", *(f"{name}_{h}" for name in ("stance", "call") for h in ("short", "long")))
    said = " or ".join(f"{name} is not null" for name in judged)
    assert reader.execute(
        f"select count(*) filter ({said}), count(sentiment_score_raw) > 0 from desk.outlook_daily where not is_valid"
    ).fetchall() == [(0, True)]
    assert reader.execute("select count(*), count(score), count(sentiment_score) > 0 from serving.outlook where status = 'rejected'").fetchall()[0][
        1:
    ] == (0, True)
    assert reader.execute(
        "select count(*) from desk.outlook_daily as d inner join serving.outlook as o using (commodity_code, as_of_date) where d.is_valid <> o.is_valid"
    ).fetchall() == [(0,)]


def test_the_outlook_says_its_legs_and_the_tables_of_the_desk_have_the_same_figures(reader: duckdb.DuckDBPyConnection) -> None:
    said = "select distinct premium_clock, spot_leg, cost_model_id, cost_provider from serving.outlook_v2 where commodity_code = '{}' and as_of_date = '2025-07-22'"
    assert reader.execute(said.format("AO")).fetchall() == [("close", "natl", "smm_daily", "SMM")]
    assert reader.execute(said.format("AL")).fetchall() == [(None, None, None, None)]
    unexplained = " or ".join(
        f"({leg} is null) <> ({figure} is null) or ({figure} is null) <> (';' || coalesce(legs_null_reason, '') like '%;{figure}:%')"
        for leg, figure in (("premium_clock", "premium_rate_pct"), ("spot_provider", "spot_cny_t"), ("cost_model_id", "cost_full_cny_t"))
    )
    assert reader.execute(f"select count(*) from serving.outlook_v2 where {unexplained}").fetchall() == [(0,)]
    # The model a row names is the one whose figures it shows.
    shown = reader.execute(
        "select count(*), count(*) filter (abs(o.cost_full_cny_t - m.cost_full_cny_t) > 0.01) from desk.outlook_daily as o "
        "inner join desk.margin_models as m on m.commodity_code = o.commodity_code and m.trade_date = o.as_of_date and m.region = 'national' "
        "and m.model_id = o.cost_model_id and m.provider = o.cost_provider"
    ).fetchall()
    assert shown[0][0] > 400
    assert shown[0][1] == 0


def test_the_newest_outlook_says_whether_it_is_stale_now(reader: duckdb.DuckDBPyConnection) -> None:
    assert reader.execute("select distinct is_stale from desk.outlook_now").fetchall() == [(True,)]
    assert reader.execute("select count(*) = count(distinct commodity_code) from desk.outlook_now").fetchall() == [(True,)]


def test_keys_and_references_are_declared_as_the_project_states_them(reader: duckdb.DuckDBPyConnection) -> None:
    rows = reader.execute(
        "select schema_name || '.' || table_name, constraint_type, constraint_column_names, referenced_table from duckdb_constraints() "
        "where constraint_type in ('PRIMARY KEY', 'FOREIGN KEY')"
    ).fetchall()
    keys = {table: tuple(columns) for table, kind, columns, _ in rows if kind == "PRIMARY KEY"}
    there = {name for (name,) in reader.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()}
    assert keys == {table: key for table, key in published_keys().items() if table in there and has_declared_key(table)}
    nullable = reader.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() where is_nullable and not internal"
    ).fetchall()
    assert [column for column in nullable if column[0] in there and column[1] in published_keys().get(column[0], ())] == []
    referred = {(table, tuple(columns), to) for table, kind, columns, to in rows if kind == "FOREIGN KEY"}
    assert referred == {(table, told.columns, told.table.split(".")[1]) for table, all_told in references().items() for told in all_told}
    assert {table for table in there if table.startswith("desk.")} <= set(keys)


def test_every_table_of_the_desk_has_rows_and_no_empty_text(reader: duckdb.DuckDBPyConnection) -> None:
    tables = [name for (name,) in reader.execute("select table_name from duckdb_tables() where schema_name = 'desk'").fetchall()]
    assert [name for name in tables if reader.execute(f"select count(*) from desk.{name}").fetchall() == [(0,)]] == []
    texts = reader.execute("select table_name, column_name from duckdb_columns() where schema_name = 'desk' and data_type = 'VARCHAR'").fetchall()
    assert [
        f"{table}.{name}" for table, name in texts if reader.execute(f"select count(*) from desk.{table} where \"{name}\" = ''").fetchall() != [(0,)]
    ] == []


def test_the_reason_of_a_row_speaks_of_its_first_figure_and_of_no_other(reader: duckdb.DuckDBPyConnection) -> None:
    told = {
        (table, name) for table, name in reader.execute("select table_name, column_name from duckdb_columns() where schema_name = 'desk'").fetchall()
    }
    first = reader.execute("select table_name, arg_min(column_name, position) from desk.metrics group by all order by all").fetchall()
    asked = [(table, figure) for table, figure in first if (table, "null_reason") in told]
    wrong = {
        table: reader.execute(f"select count(*) from desk.{table} where ({figure} is null) <> (null_reason is not null)").fetchall()[0][0]
        for table, figure in asked
    }
    assert {table: rows for table, rows in wrong.items() if rows} == {}
    assert {"receipts_total", "squeeze_daily", "trade_ore_monthly", "spot_national", "members"} <= wrong.keys()
    # A side figure that is missing says so apart, and empties nothing: receipts are known on almost every day.
    known = "select count(*) filter (null_reason is null) / count(*), count(other_null_reason) / count(*) from desk.receipts_total"
    assert reader.execute(known).fetchall()[0] > (0.99, 0.5)


def test_figures_have_the_decimals_of_their_source(reader: duckdb.DuckDBPyConnection) -> None:
    assert reader.execute("select count(*) from desk.margin_daily where length(split_part(profit_cny_t::varchar, '.', 2)) > 2").fetchall() == [(0,)]


def test_the_dictionary_begins_with_the_desk_and_knows_keys_and_what_may_be_added_up(reader: duckdb.DuckDBPyConnection) -> None:
    first = reader.execute(
        "select schema_name || '.' || table_name from serving.data_dictionary where column_name = '*' order by position limit 1"
    ).fetchall()
    assert first == [("desk.outlook_daily",)]
    keys = reader.execute(
        "select column_name from serving.data_dictionary where table_name = 'receipts_regions' and is_key order by position"
    ).fetchall()
    assert keys == [("commodity_code",), ("trade_date",), ("region",)]
    told = {
        (table, column): (time, rows)
        for table, column, time, rows in reader.execute("select table_name, column_name, over_time, over_rows from desk.metrics").fetchall()
    }
    assert told["receipts_regions", "receipts_t"] == ("last", "sum")
    assert told["trade_partners", "import_t"] == ("sum", "sum")
    assert told["futures_dominant", "close_cny_t"] == told["margin_daily", "margin_pct"] == ("average", "none")
    hidden = reader.execute(
        "select count(*) from serving.data_dictionary where is_technical and column_name in ('payload_sha256', 'other_null_reason')"
    ).fetchall()
    assert hidden[0][0] > 20
