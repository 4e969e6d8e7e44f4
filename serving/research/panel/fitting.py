"""The fit of the forecast, walk-forward: coefficients, shrinkage and the licence to speak, refit by refit. The one module that knows scikit-learn.

At a refit only outcomes count that were known an embargo before it; what is said of a row afterwards is never said again by a later fit. A
licence is judged on forecasts out of sample alone, by the newer of two baselines' better one, and must be earned at several refits running.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import duckdb
import numpy as np

from serving.research.panel.model_file import Term
from serving.research.panel.protocol import Floats, Horizon, Protocol, Rows, Span, read_horizons, read_protocol, read_rows, read_span
from serving.research.panel.resampling import by_date, ends, resampled

# Columns of the sums by date that a licence is judged on.
_ROWS, _LOSS, _HALF, _SHARE, _CALLS, _HITS, _CALL_LOSS, _CALL_HALF, _CALL_SHARE, _CALL_RISES = range(10)


@dataclass(frozen=True)
class Licence:
    """What the forecasts out of sample were worth at a refit, and whether that earns a licence, once (`is_earned`)."""

    figures: dict[str, float]
    is_earned: bool


@dataclass(frozen=True)
class Fit:
    """One refit of one horizon; `licence` is None where it was not asked for."""

    session: int
    beta: tuple[float, ...]
    slope: float
    pooled_share: float
    figures: dict[str, float]
    licence: Licence | None
    is_licensed: bool


@dataclass
class Said:
    """What was said of each row out of sample, nan before the first fit: the model's probability, the shrunk one, the share of rises known then."""

    model: Floats
    probability: Floats
    share: Floats

    @classmethod
    def nothing(cls, count: int) -> "Said":
        """Nothing said of any row."""
        return cls(*(np.full(count, np.nan) for _ in range(3)))


@dataclass
class Walk:
    """A walk through the refits of one horizon."""

    fits: list[Fit] = field(default_factory=list)
    said: Said = field(default_factory=lambda: Said.nothing(0))


def refits(span: Span, protocol: Protocol) -> range:
    """Give the sessions of the refits: counted from the panel's first day, so that new data move none of them.

    What a refit needs is known an embargo before it, so those within an embargo after the last session can be made already.
    """
    start = span.first + protocol.warm_up_sessions + protocol.refit_sessions
    return range(start, span.last + protocol.embargo_sessions + 1, protocol.refit_sessions)


def walk(rows: Rows, horizon: Horizon, span: Span, protocol: Protocol, judged: int | None = None) -> Walk:
    """Refit by refit: fit on what was known, say something of the rows that follow, judge what was said.

    `judged` limits how many of the last refits are judged, which costs a bootstrap each; the others then count as without a licence.
    """
    walked = Walk(said=Said.nothing(len(rows.session)))
    sessions = refits(span, protocol)
    earned = 0
    for number, session in enumerate(sessions):
        is_known = rows.known <= session - protocol.embargo_sessions
        train = is_known & (rows.session % protocol.fit_step_sessions == 0)
        rise = rows.rise
        if train.sum() < protocol.fit_minimum_rows or len(np.unique(rise[train])) < 2:
            continue
        beta = coefficients(rows.signals[train], rise[train], horizon.sessions, protocol)
        slope, slope_rows = shrinkage(walked.said.model, rise, is_known, protocol)
        share = float(rise[is_known].mean())
        licence = None
        if judged is None or number >= len(sessions) - judged:
            licence = judge(rows, walked.said, is_known, horizon, protocol)
            earned = earned + 1 if licence.is_earned else 0
        is_licensed = licence is not None and earned >= protocol.licence_refits
        counts = {"fit_rows": float(train.sum()), "fit_products": float(len(np.unique(rows.product[train]))), "slope_rows": float(slope_rows)}
        walked.fits.append(Fit(session, tuple(beta), slope, share, counts, licence, is_licensed))
        ahead = (rows.session >= session) & (rows.session < session + protocol.refit_sessions)
        walked.said.model[ahead] = 1 / (1 + np.exp(-rows.signals[ahead] @ beta))
        walked.said.probability[ahead] = shrunk(walked.said.model[ahead], slope, protocol)
        walked.said.share[ahead] = share
    return walked


def coefficients(signals: Floats, rise: Floats, horizon_sessions: int, protocol: Protocol) -> Floats:
    """Give the coefficients of a logistic regression without intercept, one for each signal, the same for all products.

    Outcomes of longer horizons overlap: a row weighs as much as the part of its outcome that is its own.
    """
    from sklearn.linear_model import LogisticRegression  # takes 0.3 processor seconds, and only a fit needs it

    weight = min(1.0, protocol.fit_step_sessions / horizon_sessions)
    fitted = LogisticRegression(C=1 / protocol.ridge, fit_intercept=False).fit(signals, rise, sample_weight=np.full(len(rise), weight))
    beta: Floats = fitted.coef_[0]
    return beta


def shrinkage(model: Floats, rise: Floats, is_known: np.ndarray, protocol: Protocol) -> tuple[float, int]:
    """Give the part of the model's distance from 0.5 that forecasts out of sample bore out, and of how many; a default until there are enough."""
    told = is_known & ~np.isnan(model)
    distance = model[told] - 0.5
    squares = float(distance @ distance)
    if told.sum() < protocol.shrink_minimum_rows or squares == 0.0:
        return protocol.shrink_default, int(told.sum())
    return float(np.clip(distance @ (rise[told] - 0.5) / squares, 0.0, 1.0)), int(told.sum())


def shrunk(model: Floats, slope: float, protocol: Protocol) -> Floats:
    """Give the probability that is published; the models in SQL make it in the same way."""
    told: Floats = np.clip(0.5 + slope * (model - 0.5), protocol.probability_low, protocol.probability_high)
    return told


def judge(rows: Rows, said: Said, is_known: np.ndarray, horizon: Horizon, protocol: Protocol) -> Licence:
    """Say whether what was said out of sample, and is known by now, earns a licence.

    Skill is one less the loss over that of the better baseline: 0.5, or the share of rises known when it was said.
    """
    told = is_known & ~np.isnan(said.probability)
    dates, sums = sums_by_date(rows.session[told], said.probability[told], said.share[told], rows.rise[told], protocol)
    figures = {"oos_rows": float(told.sum()), "oos_dates": float(len(dates)), "oos_blocks": len(dates) / horizon.sessions}
    if len(dates) < 2:
        return Licence(figures, is_earned=False)
    total = sums.sum(axis=0)
    skill, hit, call_skill = _measures(total)
    block = max(2 * horizon.sessions, protocol.block_minimum_sessions)
    samples = resampled(sums, block, _measures, protocol.resamples, protocol.seed)
    figures |= {
        "brier": total[_LOSS] / total[_ROWS],
        "brier_half": total[_HALF] / total[_ROWS],
        "brier_share": total[_SHARE] / total[_ROWS],
        "skill": skill,
        "calls": total[_CALLS],
        "call_dates": float((sums[:, _CALLS] > 0).sum()),
        "call_hit_ratio": hit,
        "call_base_ratio": total[_CALL_RISES] / total[_CALLS] if total[_CALLS] else np.nan,
        "call_skill": call_skill,
    }
    for name, column in (("skill", 0), ("call_hit", 1)):
        figures[f"{name}_low"], figures[f"{name}_high"] = ends(samples[:, column], protocol.licence_level)
    is_earned = (
        figures["oos_blocks"] >= protocol.licence_blocks
        and figures["skill_low"] > 0
        and figures["calls"] >= protocol.licence_calls
        and figures["call_dates"] >= protocol.licence_dates
        and figures["call_hit_low"] > 0.5
        and figures["call_skill"] > 0
    )
    return Licence(figures, bool(is_earned))


def sums_by_date(session: np.ndarray, probability: Floats, share: Floats, rise: Floats, protocol: Protocol) -> tuple[np.ndarray, Floats]:
    """Give the dates and, one row for each, the sums over its products that skill and hits are made of."""
    is_call = (np.abs(probability - 0.5) >= protocol.call_distance).astype(float)
    is_hit = ((probability > 0.5) == (rise > 0.5)).astype(float)
    losses = [(told - rise) ** 2 for told in (probability, np.full(len(rise), 0.5), share)]
    columns = [np.ones(len(rise)), *losses, is_call, is_call * is_hit, *(is_call * loss for loss in losses), is_call * rise]
    dates, places = np.unique(session, return_inverse=True)
    return dates, by_date(places, *columns)


def _measures(total: Floats) -> Floats:
    """Give skill, hit ratio of calls and skill on calls of some sums; nan where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array(
            [
                1 - total[_LOSS] / min(total[_HALF], total[_SHARE]),
                total[_HITS] / total[_CALLS],
                1 - total[_CALL_LOSS] / min(total[_CALL_HALF], total[_CALL_SHARE]),
            ]
        )


def terms(fit: Fit, horizon: Horizon, day: date) -> Iterator[Term]:
    """Give the rows of a refit as the home keeps them."""
    named = {f"beta_{signal}": value for signal, value in zip(horizon.signals, fit.beta, strict=True)}
    named |= {"slope": fit.slope, "pooled_share": fit.pooled_share, **fit.figures, **(fit.licence.figures if fit.licence else {})}
    named |= {"is_earned": float(fit.licence is not None and fit.licence.is_earned), "is_licensed": float(fit.is_licensed)}
    return (Term(day, horizon.name, name, None if np.isnan(value) else float(value)) for name, value in named.items())


def fit_all(con: duckdb.DuckDBPyConnection) -> list[Term]:
    """Fit every horizon that has a probability, from the tables of a working warehouse, and give all of it as rows.

    Every refit is made anew from what is known of its time, so that the same panel gives the same rows whenever it is fitted.
    """
    span = read_span(con)
    if span is None:
        return []
    protocol = read_protocol(con)
    days = dict(con.sql("select session_index, trade_date from intermediate.int_calendar__sessions").fetchall())
    found: list[Term] = []
    for horizon in read_horizons(con):
        if horizon.signals:
            for fit in walk(read_rows(con, horizon), horizon, span, protocol).fits:
                if fit.session in days:
                    found += terms(fit, horizon, days[fit.session])
    return found
