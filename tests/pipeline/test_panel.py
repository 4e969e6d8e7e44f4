"""The panel on generated quotes whose truth is known: its figures by a second hand, what it says of bad input, and that it knows no future.

The models run as dbt compiled them, without a home's other tables (`panel_house`). Windows are shortened where length is not the point.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest

from ingest.catalog.calendar import trading_days
from serving.research.panel import fitting
from serving.research.panel.fitting import walk
from serving.research.panel.protocol import Rows, read_horizons, read_protocol, read_rows, read_span
from tests.panels import generated_limits, generated_quotes, generated_receipts
from tests.pipeline.conftest import Model
from tests.pipeline.panel_house import SMALL, PanelHouse, Patches, catalogue

PRODUCTS, SESSIONS, CUT = 4, 400, 330
QUOTES = generated_quotes(1, PRODUCTS, SESSIONS, drift=0.15)
DAYS = trading_days(date(2014, 1, 2), date(2016, 12, 31))
DAY = DAYS[CUT - 1]
OUTCOMES, TRACK = "intermediate.int_panel__outcomes", "intermediate.int_panel__track"
EVENTS = "intermediate.int_panel__events"
KEY = "exchange, product_id, trade_date"
Make = Callable[..., PanelHouse]


@pytest.fixture(scope="session")
def catalogue_alone(once: Any) -> Path:
    return Path(once("catalogue_alone", lambda folder: catalogue(folder / "home")) / "home" / "warehouse.duckdb")


@pytest.fixture(scope="session")
def make(catalogue_alone: Path, models: list[Model]) -> Make:
    def made(quotes: pl.DataFrame = QUOTES, receipts: pl.DataFrame | None = None, patches: Patches | None = None, **moved: float) -> PanelHouse:
        return PanelHouse(catalogue_alone, models, quotes, receipts, SMALL | moved, patches or {})

    return made


@pytest.fixture(scope="module")
def panel(make: Make) -> PanelHouse:
    house = make()
    house.fit()
    return house


def one(house: PanelHouse, sql: str) -> dict[str, Any]:
    (row,) = house.pl(sql).rows(named=True)
    return row


# ---- its figures by a second hand


def test_the_return_of_a_day_on_which_the_contract_changes_is_that_of_one_contract(panel: PanelHouse) -> None:
    changes = panel.pl(
        """
        select chain.*, before.close_price as own_close_before, chain.earlier_close as spliced_close_before
        from (select *, lag(held_month_code) over product as earlier_month, lag(close_price) over product as earlier_close
              from intermediate.int_panel__chain window product as (partition by product_id order by trade_date)) as chain
        inner join intermediate.int_panel__contracts as before
            on chain.product_id = before.product_id and chain.held_month_code = before.delivery_month_code
            and chain.session_index = before.session_index + 1
        where chain.held_month_code <> chain.earlier_month
        """
    )
    assert changes.height >= PRODUCTS
    own = (changes["close_price"] / changes["own_close_before"]).log()
    spliced = (changes["close_price"] / changes["spliced_close_before"]).log()
    assert (own - changes["log_return"]).abs().max() < 1e-12
    assert (spliced - changes["log_return"]).abs().min() > 1e-4  # what a spliced series would have said


def test_a_contract_is_held_while_it_is_far_from_its_end_and_changes_to_later_months_only(panel: PanelHouse) -> None:
    chain = panel.pl("from intermediate.int_panel__chain order by product_id, trade_date")
    assert chain["sessions_left"].min() >= 10
    assert all(group["held_month_code"].is_sorted() for _, group in chain.group_by("product_id"))


def closes(house: PanelHouse, product: str, day: date) -> pl.DataFrame:
    return house.pl(f"select * from intermediate.int_panel__chain where product_id = '{product}' and trade_date <= date '{day}' order by trade_date")


def test_one_probability_and_one_interval_by_hand(panel: PanelHouse) -> None:
    said = one(panel, f"from intermediate.int_panel__forecasts where product_id = 'pac' and horizon = 'short' and trade_date = date '{DAY}'")
    chain = closes(panel, "pac", DAY)
    returns = chain["log_return"].to_numpy()
    sigma = math.sqrt((returns[-20:] ** 2).mean())
    momentum = returns[-60:].sum() / (sigma * math.sqrt(60))
    row = chain.row(-1, named=True)
    months = [int(row[name][:2]) * 12 + int(row[name][2:]) for name in ("near_month_code", "far_month_code")]
    slope_of_curve = math.log(row["near_settle_price"] / row["far_settle_price"]) * 12 / (months[1] - months[0])
    signals = {"mom12": momentum, "carry": 2 * slope_of_curve / (sigma * math.sqrt(60))}
    fit = dict(
        panel.con.sql(
            f"select term, model_value from raw.outlook__model where horizon = 'short' and refit_date = date '{said['refit_date']}'"
        ).fetchall()
    )
    log_odds = sum(fit[f"beta_{name}"] * max(-2, min(2, value)) for name, value in signals.items())
    probability = 0.5 + fit["slope"] * (1 / (1 + math.exp(-log_odds)) - 0.5)
    assert said["probability_up"] == pytest.approx(max(0.35, min(0.65, probability)), abs=1e-12)
    assert said["log_odds_mom12"] + said["log_odds_carry"] == pytest.approx(log_odds)
    assert said["contribution_mom12_points"] + said["contribution_carry_points"] == pytest.approx(100 * (said["probability_up"] - 0.5))
    weights = 0.94 ** np.arange(60)[::-1]
    horizon_sigma = math.sqrt(5 * (weights * returns[-60:] ** 2).sum() / weights.sum())
    assert said["horizon_sigma"] == pytest.approx(horizon_sigma, rel=1e-9)
    outcomes = panel.pl(
        f"""
        select outcomes.outcome / intervals.horizon_sigma as scaled
        from intermediate.int_panel__outcomes as outcomes
        inner join intermediate.int_panel__intervals as intervals using (exchange, product_id, trade_date, horizon_sessions)
        where intervals.horizon = 'short' and outcomes.outcome is not null and intervals.horizon_sigma > 0 and outcomes.known_date <= date '{DAY}'
        """
    )["scaled"].to_numpy()
    low, high = np.quantile(outcomes, [0.1, 0.9])
    assert said["quantile_rows"] == len(outcomes)
    expected = 0.0 if not said["call"] else horizon_sigma * NormalDist().inv_cdf(said["probability_up"])
    for end, quantile in (("low", low), ("high", high)):
        assert said[f"interval80_{end}_price"] == pytest.approx(row["close_price"] * math.exp(expected + horizon_sigma * quantile), rel=1e-9)


def test_the_model_in_sql_says_what_the_fit_said_of_every_row(panel: PanelHouse) -> None:
    span, protocol = read_span(panel.con), read_protocol(panel.con)
    assert span is not None
    for horizon in read_horizons(panel.con):
        if horizon.signals:
            rows = read_rows(panel.con, horizon)
            said = walk(rows, horizon, span, protocol, judged=0).said
            in_sql = panel.pl(
                f"""select session_index as session, dense_rank() over (order by exchange, product_id) as product, probability_up
                    from intermediate.int_panel__forecasts where horizon = '{horizon.name}'"""
            )
            in_fit = pl.DataFrame({"session": rows.session, "product": rows.product, "said": said.probability}).filter(pl.col("said").is_not_nan())
            both = in_fit.join(in_sql.filter(pl.col("probability_up").is_not_null()), on=["session", "product"])
            assert both.height > 500
            assert (both["said"] - both["probability_up"]).abs().max() < 1e-12


def test_an_outcome_runs_from_the_next_open_to_the_close_at_the_horizon_of_one_contract(panel: PanelHouse) -> None:
    check_outcomes(panel)


def check_outcomes(house: PanelHouse) -> None:
    told = house.pl(f"from {OUTCOMES} where outcome is not null")
    prices = {(row["product_id"], row["delivery_month_code"], row["trade_date"]): row for row in QUOTES.rows(named=True)}
    for row in told.sample(300, seed=1).rows(named=True):
        place = DAYS.index(row["trade_date"])
        entry = prices[row["product_id"], row["delivery_month_code"], DAYS[place + 1]]
        leaving = prices[row["product_id"], row["delivery_month_code"], DAYS[place + row["horizon_sessions"]]]
        assert row["outcome"] == pytest.approx(math.log(leaving["close_price"] / entry["open_price"]), abs=1e-12)
        assert row["entry_date"] == DAYS[place + 1]
        assert row["known_date"] >= row["exit_date"] == DAYS[place + row["horizon_sessions"]]


def test_the_normal_quantile_is_right_to_nine_digits(panel: PanelHouse, models: list[Model]) -> None:
    sql = next(sql for name, _, sql in models if name == "intermediate.int_panel__forecasts")
    start = sql.index("else horizon_sigma * ") + len("else horizon_sigma * ")
    formula = sql[start : sql.index(" end as expected_move", start)]
    told = panel.con.sql(f"select probability_up, {formula} from (select unnest([0.35, 0.45, 0.5, 0.5123, 0.6, 0.65]) as probability_up)").fetchall()
    assert all(found == pytest.approx(NormalDist().inv_cdf(p), abs=1e-8) for p, found in told)


def test_the_interval_of_a_known_history_is_what_the_design_measured(make: Make, shared_data: Path) -> None:
    """The formula alone, on a spliced series of real prices: nothing is ever calibrated on one."""
    real = pl.read_csv(shared_data / "prices" / "ao0_daily.csv")
    names = {
        name: next(column for column in real.columns if column.lower() in (name, {"date": "日期", "close": "收盘价"}[name]))
        for name in ("date", "close")
    }
    told = real.select(
        pl.col(names["date"]).cast(pl.String).str.slice(0, 10).str.to_date().alias("trade_date"), pl.col(names["close"]).cast(float).alias("close")
    )
    template = QUOTES.row(0, named=True)
    rows = [
        template | dict.fromkeys(("open_price", "high_price", "low_price", "close_price", "settle_price", "pre_settle_price"), row["close"])
        | {"trade_date": row["trade_date"], "product_id": "ao", "delivery_month_code": "2912"}
        for row in told.filter(pl.col("trade_date") <= date(2025, 7, 22)).rows(named=True)
    ]  # fmt: skip
    house = make(
        pl.DataFrame(rows, schema=QUOTES.schema), sigma_sessions=60, sigma_minimum_returns=45, long_sigma_sessions=250, quantile_minimum_rows=2000
    )
    said = one(house, "from intermediate.int_panel__forecasts where horizon = 'short' and trade_date = date '2025-07-22'")
    assert (said["close_price"], said["interval80_low_price"], said["interval80_high_price"]) == (3513, 3261, 3784)
    others = house.pl(
        "select horizon, interval80_low_price, interval80_high_price from intermediate.int_panel__forecasts where trade_date = date '2025-07-22'"
    )
    assert {row[0]: row[1:] for row in others.rows()} == {"short": (3261, 3784), "medium": (2981, 4139), "long": (2619, 4713)}


def round_step(price: float) -> float:
    return max(digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5) if digit * 10.0**power <= 0.2 * price)


def near_a_level(row: dict[str, Any]) -> bool:
    step = round_step(row["close_price"])
    return any(abs(row[name] / (step * round(row[name] / step)) - 1) <= 0.02 for name in ("close_price", "high_price"))


def events_by_hand(house: PanelHouse) -> dict[str, set[tuple[str, date]]]:
    """Find the events of levels, squeezes and steps out of the generated rows, condition by condition, day by day."""
    chain = house.pl("from intermediate.int_panel__chain order by product_id, trade_date").rows(named=True)
    limits = {
        (row["product_id"], row["delivery_month_code"], row["trade_date"]): row["upper_limit_ratio"]
        for row in generated_limits(QUOTES).rows(named=True)
    }
    receipts = {(row["product_id"], row["trade_date"]): row["receipts_qty"] for row in generated_receipts(1, QUOTES).rows(named=True)}
    contracts = house.pl("from intermediate.int_panel__contracts where sessions_left >= 1").rows(named=True)
    nearest: dict[tuple[str, date], dict[str, Any]] = {}
    for row in sorted(contracts, key=lambda row: -row["sessions_left"]):
        nearest[row["product_id"], row["trade_date"]] = row

    def level(product: str, day: date) -> tuple[str, int]:
        near = nearest[product, day]
        ratio, floor = near["open_interest_lots"] / receipts[product, day], 3 * (1 + min(near["sessions_left"], 60) / 5)
        return near["delivery_month_code"], 2 if ratio >= floor else 1 if ratio >= floor / 3 else 0

    found: dict[str, set[tuple[str, date]]] = {"major_level": set(), "squeeze": set(), "exchange_step": set()}
    quiet = dict.fromkeys(found, 0)
    for place, row in enumerate(chain):
        product, day = row["product_id"], row["trade_date"]
        before = chain[place - 1] if place and chain[place - 1]["product_id"] == product else None
        quiet = quiet if before else dict.fromkeys(found, 0)
        month, pressed = level(product, day)
        month_before, pressed_before = level(product, before["trade_date"]) if before else ("", 0)
        earlier = limits.get((product, row["held_month_code"], before["trade_date"]), math.inf) if before else math.inf
        holds = {
            "major_level": near_a_level(row),
            "squeeze": max(pressed, pressed_before if month == month_before else 0) == 2,
            "exchange_step": limits[product, row["held_month_code"], day] > earlier,
        }
        for event, is_true in holds.items():
            if is_true and quiet[event] >= 20:
                found[event].add((product, day))
            quiet[event] = 0 if is_true else quiet[event] + 1
    return found


def test_levels_squeezes_and_steps_of_the_exchange_and_what_followed_by_hand(panel: PanelHouse) -> None:
    """Of every product; the studies are those of the last day, five sessions on."""
    held = {(row[0], row[1]): row[2] for row in panel.pl("select product_id, trade_date, held_month_code from intermediate.int_panel__chain").rows()}
    prices = {(row["product_id"], row["delivery_month_code"], row["trade_date"]): row for row in QUOTES.rows(named=True)}
    for event, wanted in events_by_hand(panel).items():
        told = set(panel.pl(f"select product_id, trade_date from intermediate.int_panel__events where event = '{event}'").rows())
        assert told == wanted and len(wanted) >= 5, event
        followed = []
        for product, day in wanted:
            place, month = DAYS.index(day), held[product, day]
            if place + 5 < SESSIONS:
                leaving, entry = prices[product, month, DAYS[place + 5]], prices[product, month, DAYS[place + 1]]
                followed.append((day, math.log(leaving["close_price"] / entry["open_price"])))
        study = one(panel, f"from intermediate.int_panel__studies where event = '{event}' and horizon_sessions = 5 order by as_of_date desc limit 1")
        outcomes = [outcome for _, outcome in followed]
        assert (study["outcomes"], study["dates"]) == (len(followed), len({day for day, _ in followed}))
        assert study["median_pct"] == pytest.approx(100 * math.expm1(np.median(outcomes)))
        assert study["share_up"] == pytest.approx(np.mean([outcome > 0 for outcome in outcomes]))


def test_the_track_counts_calls_and_hits_as_their_rows_do(panel: PanelHouse) -> None:
    newest = one(panel, f"from {TRACK} where exchange = '*' and horizon = 'short' order by trade_date desc limit 1")
    told = panel.pl("from serving.outlook_track where horizon = 'short' and outcome_pct is not null")
    has = told.filter(pl.col("probability_up").is_not_null())
    rise = (has["outcome_pct"] > 0).cast(float)
    assert newest["forecasts"] == has.height > 0
    assert newest["brier"] == pytest.approx(((has["probability_up"] - rise) ** 2).mean())
    spread = told.filter(pl.col("interval80_low_pct").is_not_null())
    assert newest["interval_outcomes"] == spread.height
    assert newest["interval_coverage"] == pytest.approx(spread["is_inside_interval"].mean())
    calls = has.filter(pl.col("call") != 0)
    assert newest["calls"] == calls.height
    if calls.height:
        assert newest["hit_ratio"] == pytest.approx(((calls["call"] > 0) == (calls["outcome_pct"] > 0)).mean())


@pytest.mark.full
def test_intervals_hold_what_they_say_over_ten_years(catalogue_alone: Path, models: list[Model]) -> None:
    """As the mean over seeds, four here and twenty in `make bench`; independent products."""
    wanted = [model for model in models if not model[0].endswith("_studies")]
    told = [PanelHouse(catalogue_alone, wanted, generated_quotes(seed, 4, 2_430)).coverage() for seed in range(4)]
    for horizon in ("short", "medium", "long"):
        assert 0.78 <= np.mean([coverage[horizon] for coverage in told]) <= 0.82, (horizon, told)


# ---- bad input: null with its reason, never a number


def without(frame: pl.DataFrame, *conditions: pl.Expr) -> pl.DataFrame:
    return frame.filter(~pl.all_horizontal(conditions))


PAC = pl.col("product_id") == "pac"


def test_a_feed_that_stops_has_no_exit_and_a_panel_that_goes_on(make: Make) -> None:
    house = make(without(QUOTES, PAC, pl.col("trade_date") > DAY))
    last = house.pl(f"select null_reason from {OUTCOMES} where product_id = 'pac' and trade_date = date '{DAY}' and horizon_sessions = 5")
    assert last["null_reason"].to_list() == ["no_entry"]
    before = house.pl(f"select null_reason from {OUTCOMES} where product_id = 'pac' and trade_date = date '{DAYS[CUT - 3]}' and horizon_sessions = 5")
    assert before["null_reason"].to_list() == ["no_exit"]
    assert house.pl(f"select count(*) from intermediate.int_panel__forecasts where product_id = 'pac' and trade_date > date '{DAY}'").item() == 0


def test_a_missing_close_breaks_the_chain_for_two_days_and_takes_no_price_from_elsewhere(make: Make) -> None:
    blank = pl.when(PAC & (pl.col("trade_date") == DAY))
    house = make(QUOTES.with_columns(volume_lots=blank.then(0).otherwise(pl.col("volume_lots"))))
    told = house.pl(
        f"select log_return, break_reason from intermediate.int_panel__chain where product_id = 'pac' and trade_date between date '{DAY}' and date '{DAYS[CUT]}' order by trade_date"
    )
    assert told.rows() == [(None, "no_trade"), (None, "no_trade_before")]
    said = one(house, f"from intermediate.int_panel__forecasts where product_id = 'pac' and horizon = 'short' and trade_date = date '{DAY}'")
    assert (said["interval80_low_price"], said["interval_reason"]) == (None, "no_close")
    leg = house.pl(f"select null_reason from {OUTCOMES} where product_id = 'pac' and trade_date = date '{DAYS[CUT - 6]}' and horizon_sessions = 5")
    assert leg["null_reason"].to_list() == ["no_exit"]


def test_a_curve_of_one_leg_has_no_carry_and_says_so(make: Make) -> None:
    front = QUOTES.group_by("product_id", "trade_date").agg(pl.col("delivery_month_code").min().alias("front"))
    alone = QUOTES.join(front, on=["product_id", "trade_date"])
    house = make(alone.filter(~PAC | (pl.col("delivery_month_code") == "1505")).drop("front"))
    row = one(house, f"from intermediate.int_panel__signals where product_id = 'pac' and trade_date = date '{DAYS[250]}'")
    assert (row["carry"], row["is_carry_missing"]) == (0.0, True)
    assert "carry:leg_missing" in row["null_reason"]


def test_an_entry_locked_at_its_limit_is_the_next_open_and_two_of_them_are_none(make: Make) -> None:
    twice = pl.col("product_id") == "pad"
    at = pl.when((PAC & (pl.col("trade_date") == DAY)) | (twice & pl.col("trade_date").is_in([DAY, DAYS[CUT]])))
    prices = ("open_price", "high_price", "low_price", "close_price")
    house = make(QUOTES.with_columns(at.then(pl.col("pre_settle_price") * 1.04).otherwise(pl.col(name)).alias(name) for name in prices))
    told = house.pl(f"from {OUTCOMES} where trade_date = date '{DAYS[CUT - 2]}' and horizon_sessions in (1, 5)")
    found = {(row["product_id"], row["horizon_sessions"]): (row["entry_date"], row["null_reason"]) for row in told.rows(named=True)}
    assert found["paa", 5] == (DAY, None)
    assert found["pac", 5] == (DAYS[CUT], None)
    assert found["pac", 1][1] == found["pad", 5][1] == "locked_at_entry"


def test_a_held_contract_that_expires_before_the_exit_gives_way_to_the_largest_later_one(panel: PanelHouse) -> None:
    told = panel.pl(
        f"""
        select outcomes.delivery_month_code, chain.held_month_code, outcomes.horizon_sessions, chain.sessions_left,
            (select max_by(delivery_month_code, open_interest_lots) from intermediate.int_panel__contracts as contracts
             where contracts.product_id = chain.product_id and contracts.trade_date = chain.trade_date
                and contracts.sessions_left >= outcomes.horizon_sessions and contracts.delivery_month_code > chain.held_month_code) as largest_later
        from {OUTCOMES} as outcomes inner join intermediate.int_panel__chain as chain using ({KEY}) where outcomes.outcome is not null
        """
    )
    gone = told.filter(pl.col("sessions_left") < pl.col("horizon_sessions"))
    assert gone.height > 100
    assert gone.filter(pl.col("delivery_month_code") != pl.col("largest_later")).height == 0
    assert (
        told.filter(pl.col("sessions_left") >= pl.col("horizon_sessions")).filter(pl.col("delivery_month_code") != pl.col("held_month_code")).height
        == 0
    )
    none = panel.pl(f"select count(*) from {OUTCOMES} where null_reason = 'no_contract_trades_to_the_exit'").item()
    assert none == 0


def said_by_the_card(house: PanelHouse) -> dict[str, tuple[float, str | None]]:
    rows = house.pl("select horizon, model_value, model_reason from serving.model_card where term = 'has_probability'").rows()
    return {horizon: (value, reason) for horizon, value, reason in rows}


def test_the_model_card_says_that_a_long_panel_has_a_probability(panel: PanelHouse) -> None:
    assert said_by_the_card(panel) == {"short": (1, None), "medium": (1, None), "long": (0, "no_forecast_at_this_horizon")}


def test_one_product_and_a_short_panel_give_no_probability_and_say_how_short(make: Make) -> None:
    alone = make(QUOTES.filter(PAC))
    alone.fit()
    newest = one(alone, "from intermediate.int_panel__forecasts where horizon = 'short' order by trade_date desc limit 1")
    assert (newest["probability_up"], newest["probability_reason"], newest["call"]) == (None, f"panel_too_short:1x{SESSIONS}", None)
    assert newest["interval80_low_price"] is not None
    assert said_by_the_card(alone) == {
        "short": (0, f"panel_too_short:1x{SESSIONS}"),
        "medium": (0, f"panel_too_short:1x{SESSIONS}"),
        "long": (0, "no_forecast_at_this_horizon"),
    }
    short = make(QUOTES.filter(pl.col("trade_date") < DAYS[149]))
    short.fit()
    newest = one(short, "from intermediate.int_panel__forecasts where horizon = 'short' order by trade_date desc, product_id limit 1")
    assert newest["probability_reason"] == f"panel_too_short:{PRODUCTS}x149"


def test_a_product_that_trades_too_little_is_no_row_of_the_panel(make: Make) -> None:
    house = make(QUOTES.with_columns(volume_lots=pl.when(PAC).then(3_000).otherwise(pl.col("volume_lots")).cast(pl.Int64)))
    house.fit()
    said = one(house, f"from intermediate.int_panel__forecasts where product_id = 'pac' and horizon = 'short' and trade_date = date '{DAY}'")
    assert (said["probability_up"], said["probability_reason"]) == (None, "too_little_volume")


def test_quotes_that_came_after_the_decision_say_nothing_at_it(make: Make) -> None:
    at = pl.lit(f"{DAY} 20:00:00+08:00").str.to_datetime(time_zone="UTC")
    house = make(QUOTES.with_columns(published_at=pl.when(PAC & (pl.col("trade_date") == DAY)).then(at).otherwise(pl.col("published_at"))))
    row = one(house, f"from intermediate.int_panel__signals where product_id = 'pac' and trade_date = date '{DAY}'")
    assert (row["is_in_panel"], row["row_reason"], row["mom12"], row["null_reason"]) == (False, "came_late", 0.0, "all:came_late")
    said = one(house, f"from intermediate.int_panel__forecasts where product_id = 'pac' and horizon = 'short' and trade_date = date '{DAY}'")
    assert (said["interval80_low_price"], said["interval_reason"]) == (None, "came_late")
    assert one(house, f"from intermediate.int_panel__signals where product_id = 'pac' and trade_date = date '{DAYS[CUT]}'")["is_in_panel"]
    leg = one(house, f"from {OUTCOMES} where product_id = 'pac' and trade_date = date '{DAYS[CUT - 6]}' and horizon_sessions = 5")
    assert (leg["exit_date"], leg["known_date"]) == (DAY, date.fromordinal(DAY.toordinal() + 1))


def test_receipts_cancelled_by_rule_and_few_of_them_have_no_rank(make: Make) -> None:
    receipts = generated_receipts(1, QUOTES)
    ends = [day for day in DAYS if day.month == 11 and day < DAYS[SESSIONS - 1]]
    fallen = receipts.with_columns(
        product_id=pl.col("product_id").replace("pac", "ru"),
        receipts_qty=pl.when((pl.col("trade_date") < ends[-1]) | (pl.col("trade_date").dt.year() > 2014))
        .then(pl.col("receipts_qty") + 5000)
        .otherwise(pl.col("receipts_qty").clip(0, 500)),
    )
    house = make(QUOTES.with_columns(pl.col("product_id").replace("pac", "ru")), fallen)
    place = DAYS.index(ends[-1])
    sql = "select null_reason from intermediate.int_panel__receipts where product_id = 'ru' and trade_date between date '{}' and date '{}' order by trade_date"
    assert house.pl(sql.format(DAYS[place - 1], DAYS[place + 10]))["null_reason"].to_list() == [None, *["cancelled_by_rule"] * 10, None]
    other = house.pl("select count(*) from intermediate.int_panel__receipts where product_id <> 'ru' and null_reason = 'cancelled_by_rule'").item()
    assert other == 0
    early = house.pl(
        "select distinct null_reason from intermediate.int_panel__receipts where session_index < (select min(session_index) + 19 from intermediate.int_panel__receipts)"
    )
    assert early["null_reason"].to_list() == ["too_few_sessions_with_receipts"]


def test_two_fits_of_one_day_say_nothing(make: Make) -> None:
    house = make()
    found = house.fit()
    doubled = sorted({row.refit_date for row in found if row.refit_date <= DAYS[SESSIONS - 1]})[-1]
    house.take([*found, *(replace(row, value=0.5) for row in found if row.refit_date == doubled and row.horizon == "short")])
    reasons = "select distinct probability_reason from intermediate.int_panel__forecasts where horizon = 'short' and trade_date {} date '{}'"
    assert house.pl(reasons.format(">=", doubled))["probability_reason"].to_list() == ["two_fits_of_one_day"]
    assert "two_fits_of_one_day" not in house.pl(reasons.format("<", doubled))["probability_reason"].to_list()


# ---- truncation: what was known on a day stays when later days come, and a leak is seen


TABLES = {
    "intermediate.int_panel__signals": "trade_date", "intermediate.int_panel__intervals": "trade_date", OUTCOMES: "known_date",
    "intermediate.int_panel__forecasts": "trade_date", TRACK: "trade_date", EVENTS: "trade_date", "intermediate.int_panel__studies": "as_of_date",
    "serving.event_studies": "as_of_date", "raw.outlook__model": "refit_date",
}  # fmt: skip


def differing(house: PanelHouse, cut: PanelHouse) -> set[str]:
    """Name the tables whose rows of days up to the cut are others when later quotes are not there."""
    found = set()
    for table, day in TABLES.items():
        columns = [
            f'round("{name}", 9)' if kind == "DOUBLE" else f'"{name}"'
            for name, kind in house.con.sql(f"select column_name, column_type from (describe {table})").fetchall()
            if name not in ("fetched_at",)
        ]
        sql = f"select {', '.join(columns)} from {table} where {day} <= date '{DAY}' order by all"
        if house.con.sql(sql).fetchall() != cut.con.sql(sql).fetchall():
            found.add(table)
    return found


def unfitted(make: Make, patches: Patches | None = None) -> tuple[PanelHouse, PanelHouse]:
    receipts, until = generated_receipts(1, QUOTES), pl.col("trade_date") <= DAY
    return make(QUOTES, receipts, patches), make(QUOTES.filter(until), receipts.filter(until), patches)


def pair(make: Make, patches: Patches | None = None) -> tuple[PanelHouse, PanelHouse]:
    houses = unfitted(make, patches)
    for house in houses:
        house.fit()
    return houses


def test_what_was_known_on_a_day_stays_when_later_days_come(make: Make) -> None:
    house, cut = pair(make)
    assert differing(house, cut) == set()
    assert cut.con.sql(f"select count(*) from {TRACK} where forecasts > 0").fetchall()[0][0] > 100


SQL_LEAKS = {
    "entry": {OUTCOMES: ("chosen.session_index + 1 = first_open.session_index", "chosen.session_index = first_open.session_index")},
    "exit": {OUTCOMES: ("then exit_date\n", "then entry_date\n")},
    "track": {TRACK: ("outcomes.known_date,", "forecasts.trade_date as known_date,")},
    "step": {"intermediate.int_panel__steps": ("lag(upper_limit_ratio) over", "lead(upper_limit_ratio) over")},
}


@pytest.mark.full
@pytest.mark.parametrize("leak", ["entry", "exit"])
def test_an_outcome_taken_or_known_too_early_is_seen(make: Make, leak: str) -> None:
    with pytest.raises(AssertionError):
        check_outcomes(make(patches=SQL_LEAKS[leak]))


@pytest.mark.full
def test_a_track_that_reads_outcomes_to_come_is_seen(make: Make) -> None:
    assert TRACK in differing(*pair(make, SQL_LEAKS["track"]))


@pytest.mark.full
def test_a_step_of_the_exchange_that_is_told_before_it_is_taken_is_seen(make: Make) -> None:
    assert EVENTS in differing(*unfitted(make, SQL_LEAKS["step"]))


@pytest.mark.full
def test_a_fit_without_its_purge_is_seen(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = fitting.read_rows

    def unpurged(*arguments: Any) -> Rows:
        rows = honest(*arguments)
        return replace(rows, known=np.where(np.isnan(rows.outcome), rows.known, rows.session))

    monkeypatch.setattr(fitting, "read_rows", unpurged)
    assert {"raw.outlook__model", "intermediate.int_panel__forecasts"} <= differing(*pair(make))


@pytest.mark.full
def test_a_licence_judged_on_outcomes_to_come_is_seen(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = fitting.judge
    monkeypatch.setattr(fitting, "judge", lambda rows, said, is_known, *more: honest(rows, said, ~np.isnan(rows.outcome), *more))
    assert differing(*pair(make)) >= {"raw.outlook__model"}
