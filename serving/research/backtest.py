"""Walk-forward backtest of the outlook's stances: did the same contract go afterwards where the evidence leaned at each decision?

What is judged are the outlook's own rows, made of facts known by their decision; the outcome runs from the first price after the decision
(the next session's open, night included) to the close some sessions later, on one contract: the dominant one, or where that expires
before the end the one with the most open interest of those that do not. No parameter is fitted here. Compared with
momentum (the sign of the five-day return) and with saying nothing (always flat). Neither a stance nor momentum has a probability, so neither has
a Brier score; the forecast's stands in `serving.outlook_track`. Intervals are block bootstraps, since outcomes overlap.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import duckdb
import numpy as np
import polars as pl

HORIZONS = ("short", "medium", "long")
STRATEGIES = ("rules", "momentum", "flat")
# What counts as the outlook's statement: the valid rows only, or what the engine would have said on every day, coverage aside.
STATEMENTS = ("validated", "all")

SCHEMA = {
    "commodity_code": pl.String(),
    "horizon": pl.String(),
    "statements": pl.String(),
    "strategy": pl.String(),
    "horizon_sessions": pl.Int64(),
    "first_date": pl.Date(),
    "last_date": pl.Date(),
    "forecasts": pl.Int64(),
    "calls": pl.Int64(),
    "hit_ratio": pl.Float64(),
    "hit_ratio_low": pl.Float64(),
    "hit_ratio_high": pl.Float64(),
    "brier": pl.Float64(),
    "brier_low": pl.Float64(),
    "brier_high": pl.Float64(),
    "side_up_ratio": pl.Float64(),
    "side_down_ratio": pl.Float64(),
    "longest_spell_sessions": pl.Int64(),
    "null_reason": pl.String(),
    "data_origin": pl.String(),
}

_FORECASTS = """
with horizons as (
    select commodity_code, 'short' as horizon, backtest_short_sessions as sessions, backtest_first_month
    from intermediate.int_commodities__parameters
    union all
    select commodity_code, 'medium', backtest_medium_sessions, backtest_first_month from intermediate.int_commodities__parameters
    union all
    select commodity_code, 'long', backtest_long_sessions, backtest_first_month from intermediate.int_commodities__parameters
),
said as (
    select
        o.commodity_code, o.as_of_date, o.horizon, o.stance as validated_stance, e.stance as engine_stance,
        o.dominant_contract, o.quotes_date, o.data_origin, cast(h.sessions as bigint) as sessions, d.session_index
    from serving.outlook_v2 as o
    inner join intermediate.int_outlook__stances as e using (commodity_code, as_of_date, horizon)
    inner join horizons as h using (commodity_code, horizon)
    inner join marts.dim_trading_day as d on o.as_of_date = d.trade_date
    where o.as_of_date >= make_date(cast(floor(h.backtest_first_month / 100) as bigint), cast(h.backtest_first_month as bigint) % 100, 1)
),
resolved as (
    select said.*, next_day.trade_date as entry_date, last_day.trade_date as exit_date
    from said
    inner join marts.dim_trading_day as next_day on said.session_index + 1 = next_day.session_index
    inner join marts.dim_trading_day as last_day on said.session_index + said.sessions = last_day.session_index
),
quotes as (
    select * from intermediate.int_futures__daily where reading = 'decided'
),
ends as (
    select quotes.*, days.session_index + quotes.sessions_to_last_trading_day as ends_index
    from quotes
    inner join marts.dim_trading_day as days on quotes.trade_date = days.trade_date
),
-- Which contract could have been held, as it was known at the decision: one that trades to the end of the horizon. Where it is not known how
-- long the dominant one trades, nothing is judged: another one would be judged under its name.
held as (
    select resolved.commodity_code, resolved.as_of_date, resolved.horizon, quotes.contract_code, quotes.ends_index
    from resolved
    inner join ends as quotes on resolved.commodity_code = quotes.commodity_code and resolved.quotes_date = quotes.trade_date
    where quotes.ends_index is null and quotes.contract_code = resolved.dominant_contract or resolved.session_index + resolved.sessions <= quotes.ends_index
    qualify row_number() over (
        partition by resolved.commodity_code, resolved.as_of_date, resolved.horizon
        order by quotes.contract_code <> resolved.dominant_contract, quotes.open_interest_lots desc, quotes.contract_code
    ) = 1
)
select
    resolved.*, entry.open_cny_t as entry_cny_t, leaving.close_cny_t as exit_cny_t, seen.ret_cc_5d_pct as momentum_pct
from resolved
left join held
    on
        resolved.commodity_code = held.commodity_code
        and resolved.as_of_date = held.as_of_date
        and resolved.horizon = held.horizon
        and held.ends_index is not null
left join marts.fct_futures_daily as entry on held.contract_code = entry.contract_code and resolved.entry_date = entry.trade_date
left join marts.fct_futures_daily as leaving on held.contract_code = leaving.contract_code and resolved.exit_date = leaving.trade_date
left join quotes as seen on resolved.dominant_contract = seen.contract_code and resolved.quotes_date = seen.trade_date
order by resolved.commodity_code, resolved.horizon, resolved.as_of_date
"""


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its 90 % interval."""

    value: float
    low: float
    high: float


def backtest(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Give one row per commodity, horizon, statements and strategy; `con` is the working warehouse.

    hit_ratio is the share of calls (stance not 0) whose sign came true; brier the mean squared error of the probability of a rise, which only one
    who says nothing has, 0.25. side_up_ratio and side_down_ratio are shares of all days of the strategy, longest_spell_sessions its longest run on one
    side. Figures are null with a reason where nothing can be judged.
    """
    forecasts = con.sql(_FORECASTS).pl()
    resamples, seed = con.execute(
        "select cast(max(backtest_resamples) as bigint), cast(max(backtest_seed) as bigint) from intermediate.int_commodities__parameters"
    ).fetchall()[0]
    rows = [
        _judge(group, commodity, horizon, statements, strategy, int(resamples or 0), int(seed or 0))
        for (commodity, horizon), group in forecasts.group_by(["commodity_code", "horizon"], maintain_order=True)
        for statements in STATEMENTS
        for strategy in STRATEGIES
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("commodity_code", "horizon", "statements", "strategy")


def _judge(group: pl.DataFrame, commodity: object, horizon: object, statements: str, strategy: str, resamples: int, seed: int) -> dict[str, object]:
    stance = pl.col("validated_stance" if statements == "validated" else "engine_stance")
    resolved = group.filter(stance.is_not_null(), pl.col("entry_cny_t").is_not_null(), pl.col("exit_cny_t").is_not_null())
    sessions = int(group["sessions"][0])
    row: dict[str, object] = (
        dict.fromkeys(SCHEMA)
        | {
            "commodity_code": commodity,
            "horizon": horizon,
            "statements": statements,
            "strategy": strategy,
            "horizon_sessions": sessions,
            "forecasts": resolved.height,
            "calls": 0,
            "data_origin": group["data_origin"].max(),
        }
        | _sides(_sign(group.filter(stance.is_not_null()), stance, strategy))
    )
    if resolved.is_empty():
        return row | {"null_reason": "no_forecast_with_an_outcome"}
    row |= {"first_date": resolved["as_of_date"].min(), "last_date": resolved["as_of_date"].max()}
    returns = (resolved["exit_cny_t"] / resolved["entry_cny_t"] - 1.0).to_numpy()
    sign = _sign(resolved, stance, strategy)
    calls = sign != 0
    row |= {"calls": int(calls.sum())}
    reasons = []
    if strategy == "flat":
        row |= dict.fromkeys(("brier", "brier_low", "brier_high"), 0.25)
    else:
        reasons.append("brier:no_probability")
    if calls.any():
        hit = _interval(np.where(calls, (np.sign(returns) == sign).astype(float), np.nan), sessions, resamples, seed)
        row |= {"hit_ratio": hit.value, "hit_ratio_low": hit.low, "hit_ratio_high": hit.high}
    else:
        reasons.append("hit_ratio:no_call")
    return row | {"null_reason": ";".join(reasons) or None}


def _sign(group: pl.DataFrame, stance: pl.Expr, strategy: str) -> np.ndarray:
    """Give the side a strategy stood on at each decision: 1, -1 or 0."""
    match strategy:
        case "rules":
            sign: np.ndarray = np.sign(group.select(stance).to_series().cast(pl.Float64).to_numpy())
        case "momentum":
            sign = np.sign(group["momentum_pct"].fill_null(0.0).to_numpy())
        case _:
            sign = np.zeros(group.height)
    return sign


def _sides(sign: np.ndarray) -> dict[str, float | int]:
    """Give the shares of days on either side and the longest run on one; nothing of no day."""
    if not len(sign):
        return {}
    ends = np.flatnonzero(np.diff(sign, prepend=np.nan, append=np.nan))
    spells = [int(end - start) for start, end in pairwise(ends) if sign[start] != 0]
    return {"side_up_ratio": float((sign > 0).mean()), "side_down_ratio": float((sign < 0).mean()), "longest_spell_sessions": max(spells, default=0)}


def _interval(values: np.ndarray, block: int, resamples: int, seed: int) -> Interval:
    """Give the mean and the 5 % and 95 % ends over resamples of whole blocks, circular; blanks are left out of each mean."""
    drawn = values[_places(len(values), block, resamples, seed)]
    counted = ~np.isnan(drawn)
    means = np.where(counted, drawn, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    means = means[counted.any(axis=1)]
    return Interval(float(np.nanmean(values)), float(np.quantile(means, 0.05)), float(np.quantile(means, 0.95)))


@lru_cache(maxsize=1)  # the strategies of one horizon draw the same blocks
def _places(n: int, block: int, resamples: int, seed: int) -> np.ndarray:
    """Give the places of each resample: blocks from random starts, circular."""
    starts = np.random.default_rng(seed).integers(0, n, size=(resamples, -(-n // block)))
    places: np.ndarray = (starts[:, :, None] + np.arange(block)).reshape(resamples, -1)[:, :n] % n
    return places
