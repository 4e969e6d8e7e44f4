"""The protocol by which the panel's forecast and intervals are judged: what `alumina backtest` prints.

Statements are those of `int_panel__forecasts`, each made of what its decision knew; outcomes are on one contract. Baselines see the same
rows and know as much: 0.5, the share of rises, the signs of two signals with their own past frequency. Intervals are circular block
bootstraps over dates, whole cross-sections together: outcomes overlap and products move together, so rows are no sample size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import numpy as np
from sklearn.isotonic import IsotonicRegression

from serving.research.panel.protocol import Floats, Horizon, Integers, Protocol, read_horizons, read_protocol, read_span
from serving.research.panel.resampling import by_date, ends, resampled

QUANTILES = (0.1, 0.9)
"""Ends of the interval of 80 %."""
MODEL, HALF, SHARE = "model", "0.5", "share of rises"
_STATEMENTS = """
select
    forecasts.session_index as session,
    dense_rank() over (order by forecasts.exchange, forecasts.product_id) as product,
    forecasts.probability_up, coalesce(forecasts.call, 0) as call, signals.mom12, signals.carry, signals.is_in_panel,
    forecasts.interval_low, forecasts.interval_high, outcomes.outcome, known.session_index as known
from intermediate.int_panel__forecasts as forecasts
inner join intermediate.int_panel__signals as signals using (exchange, product_id, trade_date)
inner join intermediate.int_panel__outcomes as outcomes using (exchange, product_id, trade_date, horizon_sessions)
asof inner join intermediate.int_calendar__sessions as known on outcomes.known_date <= known.trade_date
where forecasts.horizon = ? and outcomes.outcome is not null
order by session, product
"""
_RETURNS = """
select exchange || '.' || product_id as product, session_index, log_return from intermediate.int_panel__chain
where log_return is not null order by all
"""
_REASONS = """
select probability_reason from intermediate.int_panel__forecasts
where horizon = ? and trade_date = (select max(trade_date) from intermediate.int_panel__forecasts)
group by probability_reason order by count(*) desc, probability_reason limit 1
"""


@dataclass(frozen=True)
class Statements:
    """What was said at one horizon and has an outcome, by session and product; arrays run parallel. `probability` is nan where none was given."""

    horizon: Horizon
    session: Integers
    product: Integers
    probability: Floats
    call: Integers
    signals: dict[str, Floats]
    is_in_panel: np.ndarray
    low: Floats
    high: Floats
    outcome: Floats
    known: Integers

    @property
    def rise(self) -> Floats:
        """1 where the price rose."""
        return (self.outcome > 0).astype(float)


@dataclass(frozen=True)
class Figure:
    """A figure with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """How one way of saying probabilities fared, on all rows with a probability (or a baseline) and on the model's calls alone."""

    horizon: str
    method: str
    rows: int
    blocks: float
    brier: float
    log: float
    skill: Figure | None
    calls: int
    call_brier: float | None
    call_hit: Figure | None
    call_base: float | None
    down_share: float | None
    reason: str


@dataclass(frozen=True)
class Spread:
    """How the intervals of a horizon held: coverage of 80 %, quantile loss, and what is gained over intervals that never change."""

    horizon: str
    outcomes: int
    blocks: float
    coverage: Figure
    pinball: float
    gain: Figure | None


@dataclass(frozen=True)
class Bin:
    """A step of the CORP reliability curve: what was said on average, how often it came true, of how many rows."""

    horizon: str
    said: float
    came: float
    rows: int


@dataclass(frozen=True)
class Report:
    """The whole table; `effective_products` is how many independent products the panel's moves together are worth."""

    data_origin: str
    products: int
    sessions: int
    effective_products: float
    scores: list[Score]
    spreads: list[Spread]
    bins: list[Bin]


def report(con: duckdb.DuckDBPyConnection) -> Report | None:
    """Judge what the working warehouse holds; None where it has no panel."""
    span = read_span(con)
    if span is None:
        return None
    protocol = read_protocol(con)
    facts = con.sql(
        "select max(data_origin), count(distinct exchange || '.' || product_id), count(distinct trade_date) from intermediate.int_panel__chain"
    )
    origin, products, sessions = facts.fetchall()[0]
    scores: list[Score] = []
    spreads: list[Spread] = []
    bins: list[Bin] = []
    for horizon in read_horizons(con):
        told = read_statements(con, horizon)
        if horizon.signals:
            reasons = con.execute(_REASONS, [horizon.name]).fetchall()
            scores += score(told, protocol, span.first + protocol.warm_up_sessions, (reasons[0][0] or "") if reasons else "")
            bins += reliability(told)
        if spread := spread_of(told, protocol):
            spreads.append(spread)
    return Report(origin, products, sessions, effective_products(con), scores, spreads, bins)


def read_statements(con: duckdb.DuckDBPyConnection, horizon: Horizon) -> Statements:
    """Give what was said at a horizon and has an outcome."""
    told = con.execute(_STATEMENTS, [horizon.name]).to_arrow_table()
    columns = {name: told.column(name).to_numpy() for name in told.column_names}
    signals = {name: columns[name].astype(float) for name in ("mom12", "carry")}
    return Statements(
        horizon,
        columns["session"].astype(np.int64),
        columns["product"].astype(np.int64),
        columns["probability_up"].astype(float),
        columns["call"].astype(np.int64),
        signals,
        columns["is_in_panel"].astype(bool),
        columns["interval_low"].astype(float),
        columns["interval_high"].astype(float),
        columns["outcome"].astype(float),
        columns["known"].astype(np.int64),
    )


def baselines(told: Statements) -> dict[str, Floats]:
    """Give what each baseline would have said of each row, from outcomes known by then; 0.5 where there were none."""
    everyone = np.ones(len(told.session), dtype=bool)
    said = {HALF: np.full(len(told.session), 0.5), SHARE: past_share(told, everyone)}
    for name, values in told.signals.items():
        by_sign = np.full(len(values), 0.5)
        for sign in (-1, 1):
            same = np.sign(values) == sign
            by_sign[same] = past_share(told, same)[same]
        said[f"sign of {name}"] = by_sign
    return said


def past_share(told: Statements, among: np.ndarray) -> Floats:
    """Give for each row the share of rises among some rows whose outcome its decision knew; 0.5 where there are none."""
    order = np.argsort(told.known[among], kind="stable")
    known, rises = told.known[among][order], np.concatenate([[0.0], np.cumsum(told.rise[among][order])])
    count = np.searchsorted(known, told.session, side="right")
    share: Floats = np.where(count > 0, rises[count] / np.maximum(count, 1), 0.5)
    return share


def score(told: Statements, protocol: Protocol, first: int, reason: str) -> list[Score]:
    """Judge the model, where it says something, and the baselines on the same rows; without a model they are judged on the panel's rows."""
    said = baselines(told) | {MODEL: told.probability}
    has_model = bool((~np.isnan(told.probability)).any())
    counted = ~np.isnan(told.probability) if has_model else told.is_in_panel & (told.session >= first)
    dates, places = np.unique(told.session[counted], return_inverse=True)
    calls = counted & (told.call != 0) if has_model else np.zeros(len(counted), dtype=bool)
    found = []
    for method in (MODEL, HALF, SHARE, *(f"sign of {name}" for name in told.signals)):
        silent = method == MODEL and not has_model
        if silent or not len(dates):
            found.append(
                Score(
                    told.horizon.name,
                    method,
                    0,
                    0.0,
                    np.nan,
                    np.nan,
                    None,
                    0,
                    None,
                    None,
                    None,
                    None,
                    reason if silent else "no_outcome_of_the_panel",
                )
            )
            continue
        rise, probability = told.rise[counted], said[method][counted]
        losses = np.column_stack([(probability - rise) ** 2, (said[HALF][counted] - rise) ** 2, (said[SHARE][counted] - rise) ** 2])
        sums = by_date(places, *losses.T)
        with np.errstate(divide="ignore"):
            log = -np.log(np.where(rise > 0, probability, 1 - probability))
        found.append(
            Score(
                told.horizon.name,
                method,
                int(counted.sum()),
                len(dates) / told.horizon.sessions,
                float(losses[:, 0].mean()),
                float(log.mean()),
                _figure(sums, _skill, told.horizon, protocol) if method not in (HALF, SHARE) else None,
                int(calls.sum()),
                float(((said[method] - told.rise)[calls] ** 2).mean()) if calls.any() else None,
                _hits(told, calls, protocol) if method == MODEL and calls.any() else None,
                float(told.rise[calls].mean()) if calls.any() else None,
                float((told.call[calls] < 0).mean()) if calls.any() else None,
                "",
            )
        )
    return found


def _hits(told: Statements, calls: np.ndarray, protocol: Protocol) -> Figure:
    _, places = np.unique(told.session[calls], return_inverse=True)
    hit = ((told.call[calls] > 0) == (told.rise[calls] > 0)).astype(float)
    sums = by_date(places, hit, np.ones(len(hit)))
    return _figure(sums, lambda total: np.array([total[0] / total[1]]), told.horizon, protocol)


def _skill(total: Floats) -> Floats:
    return np.array([1 - total[0] / min(total[1], total[2])])


def _figure(sums: Floats, statistic: Callable[[Floats], Floats], horizon: Horizon, protocol: Protocol) -> Figure:
    """Give a statistic of sums by date with its interval; of fewer dates than two blocks none can be told, its ends are nan."""
    block = max(2 * horizon.sessions, protocol.block_minimum_sessions)
    if len(sums) < 2 * block:
        return Figure(float(statistic(sums.sum(axis=0))[0]), np.nan, np.nan)
    samples = resampled(sums, block, statistic, protocol.resamples, protocol.seed)
    return Figure(float(statistic(sums.sum(axis=0))[0]), *ends(samples[:, 0], protocol.track_level))


def pinball(outcome: Floats, low: Floats, high: Floats) -> Floats:
    """Give the quantile loss of both ends of an interval, in log return; lower is better. Koenker, Bassett 1978."""
    losses = [
        np.where(outcome >= end, share * (outcome - end), (1 - share) * (end - outcome)) for share, end in zip(QUANTILES, (low, high), strict=True)
    ]
    total: Floats = losses[0] + losses[1]
    return total


def constant_ends(told: Statements, step: int) -> tuple[Floats, Floats]:
    """Give the ends of an interval that is the same for all products and days: quantiles of the outcomes known, renewed every `step` sessions."""
    low, high = np.full(len(told.session), np.nan), np.full(len(told.session), np.nan)
    if len(told.session):
        for session in range(int(told.session.min()), int(told.session.max()) + 1, step):
            known = told.outcome[told.known <= session]
            ahead = (told.session >= session) & (told.session < session + step)
            if len(known):
                low[ahead], high[ahead] = np.quantile(known, QUANTILES)
    return low, high


def spread_of(told: Statements, protocol: Protocol) -> Spread | None:
    """Judge the intervals of a horizon; None where none has an outcome."""
    has = ~np.isnan(told.low)
    if not has.any():
        return None
    _, places = np.unique(told.session[has], return_inverse=True)
    inside = ((told.outcome >= told.low) & (told.outcome <= told.high))[has].astype(float)
    loss = pinball(told.outcome, told.low, told.high)
    coverage = _figure(by_date(places, inside, np.ones(len(inside))), lambda total: np.array([total[0] / total[1]]), told.horizon, protocol)
    constant = pinball(told.outcome, *constant_ends(told, protocol.refit_sessions))
    both = has & ~np.isnan(constant)
    gain = None
    if both.any():
        _, places = np.unique(told.session[both], return_inverse=True)
        sums = by_date(places, loss[both], constant[both])
        gain = _figure(sums, lambda total: np.array([1 - total[0] / total[1]]), told.horizon, protocol)
    return Spread(
        told.horizon.name, int(has.sum()), len(np.unique(told.session[has])) / told.horizon.sessions, coverage, float(loss[has].mean()), gain
    )


def reliability(told: Statements) -> list[Bin]:
    """Give the CORP reliability curve: the isotonic fit of what came true on what was said. Dimitriadis, Gneiting, Jordan 2021."""
    has = ~np.isnan(told.probability)
    if not has.any():
        return []
    came = IsotonicRegression().fit_transform(told.probability[has], told.rise[has])
    return [
        Bin(told.horizon.name, float(told.probability[has][came == level].mean()), float(level), int((came == level).sum()))
        for level in np.unique(came)
    ]


def effective_products(con: duckdb.DuckDBPyConnection) -> float:
    """Give how many independent products the panel is worth: k / (1 + (k - 1) x the mean correlation of their daily returns)."""
    returns = con.sql(_RETURNS).pl().pivot("product", index="session_index", values="log_return").drop("session_index")
    k = returns.width
    if k < 2:
        return float(k)
    table = returns.to_numpy()
    pairs = []
    for one in range(k):
        for other in range(one):
            both = ~np.isnan(table[:, one]) & ~np.isnan(table[:, other])
            if both.sum() > 2:
                pairs.append(np.corrcoef(table[both, one], table[both, other])[0, 1])
    mean = float(np.nanmean(pairs)) if pairs else 0.0
    return k / (1 + (k - 1) * max(mean, 0.0))
