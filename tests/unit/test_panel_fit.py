"""The fit and the protocol on generated panels whose truth is known: what cannot be known earns no licence, what can earns one."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from ingest.notes import NoteError
from ingest.source import DataOrigin
from serving.research.panel.evaluation import Statements, constant_ends, past_share, pinball, reliability, score, spread_of
from serving.research.panel.fitting import Said, judge, refits, shrinkage, shrunk, sums_by_date, terms, walk
from serving.research.panel.model_file import Term, read_model, write_model
from serving.research.panel.protocol import Horizon, Span, rows
from serving.research.panel.resampling import by_date, ends, resampled
from tests.panels import MEDIUM, NORMAL_SIXTIETH, SHORT, configured, generated_rows

PROTOCOL = configured()
SESSIONS = {"short": 1_500, "medium": 2_200}


def earned(seeds: range, horizon: Horizon) -> int:
    """How many seeds earn a licence where nothing can be known, though there is evidence enough."""
    count = 0
    for seed in seeds:
        told, span = generated_rows(seed, horizon, SESSIONS[horizon.name])
        newest = walk(told, horizon, span, PROTOCOL, judged=2).fits[-1]
        assert newest.licence is not None
        assert newest.licence.figures["oos_blocks"] >= PROTOCOL.licence_blocks
        count += newest.is_licensed
    return count


@pytest.mark.parametrize("horizon", [SHORT, MEDIUM], ids=lambda horizon: horizon.name)
def test_what_cannot_be_known_earns_no_licence(horizon: Horizon) -> None:
    assert earned(range(2), horizon) == 0


@pytest.mark.full
@pytest.mark.parametrize("horizon", [SHORT, MEDIUM], ids=lambda horizon: horizon.name)
def test_what_cannot_be_known_earns_no_licence_in_more_worlds(horizon: Horizon) -> None:
    """Ten seeds here; the 200 of `make bench` may earn ten."""
    assert earned(range(10), horizon) <= 1


def test_a_planted_signal_earns_a_licence_and_is_found_where_it_was_planted() -> None:
    told, span = generated_rows(1, SHORT, SESSIONS["short"], planted=NORMAL_SIXTIETH)
    walked = walk(told, SHORT, span, PROTOCOL, judged=3)
    newest = walked.fits[-1]
    assert newest.is_licensed
    assert newest.beta[0] > 0.15 > abs(newest.beta[1])
    assert newest.slope > 0.8
    assert newest.licence is not None
    assert newest.licence.figures["call_hit_low"] > 0.5
    # Earned at two refits running: the first of the judged ones is none yet.
    assert [fit.is_licensed for fit in walked.fits[-3:]] == [False, True, True]
    assert all(fit.licence is None for fit in walked.fits[:-3])


def test_a_fit_uses_outcomes_known_an_embargo_before_it_and_speaks_of_later_rows_only() -> None:
    told, span = generated_rows(2, SHORT, 900, planted=NORMAL_SIXTIETH)
    walked = walk(told, SHORT, span, PROTOCOL, judged=0)
    third = walked.fits[2]
    # Nothing that became known later than an embargo before the refit moves it: not even outcomes turned upside down.
    later = told.known > third.session - PROTOCOL.embargo_sessions
    turned = replace(told, outcome=np.where(later, -told.outcome, told.outcome))
    again = walk(turned, SHORT, span, PROTOCOL, judged=0)
    assert again.fits[:3] == walked.fits[:3]
    assert again.fits[4] != walked.fits[4]
    said = ~np.isnan(walked.said.probability)
    assert told.session[said].min() == walked.fits[0].session


def test_refits_are_counted_from_the_first_day_and_may_be_made_an_embargo_ahead() -> None:
    span = Span(100, 100 + 500 + 180 - 5)
    assert list(refits(span, PROTOCOL)) == [660, 720, 780]
    assert list(refits(replace(span, last=span.last - 1), PROTOCOL)) == [660, 720]


def test_shrinkage_is_the_slope_of_what_came_true_and_a_default_until_there_is_enough() -> None:
    model = np.array([0.6, 0.6, 0.4, 0.4, np.nan])
    rise = np.array([1.0, 0.0, 0.0, 0.0, 1.0])
    known = np.ones(5, dtype=bool)
    few = replace(PROTOCOL, shrink_minimum_rows=4)
    # sum of (p - 0.5)(u - 0.5) = 0.05 - 0.05 + 0.05 + 0.05 over sum of squares 0.04, clipped to 1
    assert shrinkage(model, rise, known, few) == (1.0, 4)
    assert shrinkage(model, np.array([1.0, 0, 0, 1, 1]), known, few) == (pytest.approx(0.0), 4)
    assert shrinkage(model, rise, known, PROTOCOL) == (0.5, 4)
    assert shrunk(np.array([0.9, 0.6, 0.1]), 0.5, PROTOCOL).tolist() == [0.65, 0.55, 0.35]


def test_sums_by_date_count_calls_hits_and_losses() -> None:
    dates, sums = sums_by_date(np.array([3, 3, 4]), np.array([0.6, 0.4, 0.52]), np.array([0.5, 0.5, 0.6]), np.array([1.0, 1.0, 0.0]), PROTOCOL)
    assert dates.tolist() == [3, 4]
    np.testing.assert_allclose(sums[0], [2, 0.16 + 0.36, 0.5, 0.5, 2, 1, 0.52, 0.5, 0.5, 2])
    np.testing.assert_allclose(sums[1], [1, 0.52**2, 0.25, 0.36, 0, 0, 0, 0, 0, 0])


def test_a_licence_needs_each_of_its_conditions() -> None:
    told, span = generated_rows(1, SHORT, SESSIONS["short"], planted=NORMAL_SIXTIETH)
    said = walk(told, SHORT, span, PROTOCOL, judged=0).said
    known = ~np.isnan(told.outcome)
    assert judge(told, said, known, SHORT, PROTOCOL).is_earned
    figures = judge(told, said, known, SHORT, PROTOCOL).figures
    for condition in ("licence_blocks", "licence_calls", "licence_dates"):
        assert not judge(told, said, known, SHORT, replace(PROTOCOL, **{condition: 10**6})).is_earned
    # A constant is no skill, and the better of two baselines counts.
    flat = Said(*(np.where(np.isnan(part), np.nan, 0.5) for part in (said.model, said.probability, said.share)))
    assert judge(told, flat, known, SHORT, PROTOCOL).figures["skill"] == pytest.approx(0.0)
    rising = replace(told, outcome=np.abs(told.outcome))
    assert judge(rising, replace(said, share=np.where(np.isnan(said.share), np.nan, 0.99)), known, SHORT, PROTOCOL).figures["skill"] < 0
    assert figures["skill_low"] < figures["skill"] < figures["skill_high"]
    nothing = judge(told, Said.nothing(len(told.session)), known, SHORT, PROTOCOL)
    assert (nothing.is_earned, nothing.figures["oos_rows"]) == (False, 0.0)


def test_blocks_widen_the_interval_of_outcomes_that_move_together_and_draws_repeat() -> None:
    runs = np.column_stack([np.repeat([0.0, 1.0], 50), np.ones(100)])
    mean = lambda total: np.array([total[0] / total[1]])  # noqa: E731
    single, blocks = (resampled(runs, block, mean, 400, 7)[:, 0] for block in (1, 25))
    low, high = ends(single, 0.9)
    wide_low, wide_high = ends(blocks, 0.9)
    assert wide_high - wide_low > 2 * (high - low) > 0
    assert (resampled(runs, 25, mean, 400, 7)[:, 0] == blocks).all()
    assert np.isnan(ends(np.array([np.nan]), 0.9)).all()
    assert by_date(np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0])).tolist() == [[1.0], [5.0]]


def statements(**other: object) -> Statements:
    """Six statements of one product: two of three up calls and one down call came true."""
    facts = {
        "session": np.arange(6), "product": np.zeros(6, dtype=int), "probability": np.array([0.6, 0.6, 0.6, 0.4, 0.5, np.nan]),
        "call": np.array([1, 1, 1, -1, 0, 0]), "signals": {"mom12": np.array([1.0, 1, 1, -1, 0, 1])}, "is_in_panel": np.ones(6, dtype=bool),
        "low": np.full(6, -0.1), "high": np.full(6, 0.1), "outcome": np.array([0.05, 0.2, -0.05, -0.05, 0.05, 0.05]), "known": np.arange(6) + 1,
    }  # fmt: skip
    return Statements(horizon=replace(SHORT, sessions=1), **(facts | other))  # type: ignore[arg-type]


def test_scores_stand_on_the_same_rows_beside_what_rose() -> None:
    scores = {row.method: row for row in score(statements(), PROTOCOL, 0, "")}
    model = scores["model"]
    assert (model.rows, model.calls, model.blocks) == (5, 4, 5.0)
    assert model.brier == pytest.approx((0.16 + 0.16 + 0.36 + 0.16 + 0.25) / 5)
    assert model.call_brier == pytest.approx((0.16 + 0.16 + 0.36 + 0.16) / 4)
    assert model.call_hit is not None
    assert (model.call_hit.value, model.call_base, model.down_share) == (0.75, 0.5, 0.25)
    assert np.isnan(model.call_hit.low)  # six dates are no sample
    assert scores["0.5"].brier == 0.25
    assert scores["0.5"].rows == scores["sign of mom12"].rows == 5
    silent = {row.method: row for row in score(statements(probability=np.full(6, np.nan)), PROTOCOL, 2, "panel_too_short:3x6")}
    assert (silent["model"].rows, silent["model"].reason) == (0, "panel_too_short:3x6")
    assert silent["share of rises"].rows == 4


def test_a_baseline_knows_no_outcome_to_come() -> None:
    told = statements()
    # The outcome of session 0 is known at session 1, and so on: rises 1, 1, 0, 0, 1, 1.
    assert past_share(told, np.ones(6, dtype=bool)).tolist() == pytest.approx([0.5, 1.0, 1.0, 2 / 3, 0.5, 0.6])
    turned = statements(outcome=np.array([0.05, 0.2, -0.05, 0.05, -0.05, -0.05]))
    assert past_share(turned, np.ones(6, dtype=bool))[:4].tolist() == past_share(told, np.ones(6, dtype=bool))[:4].tolist()


def test_coverage_quantile_loss_and_its_gain_are_those_of_hand() -> None:
    told = statements()
    spread = spread_of(told, PROTOCOL)
    assert spread is not None
    assert (spread.outcomes, spread.coverage.value) == (6, pytest.approx(5 / 6))
    loss = pinball(np.array([0.2]), np.array([-0.1]), np.array([0.1]))
    assert loss[0] == pytest.approx(0.1 * 0.3 + 0.9 * 0.1)
    low, high = constant_ends(told, 2)
    assert np.isnan(low[:2]).all()  # nothing was known
    assert (low[2], high[2]) == (pytest.approx(np.quantile([0.05, 0.2], 0.1)), pytest.approx(np.quantile([0.05, 0.2], 0.9)))
    assert spread_of(statements(low=np.full(6, np.nan)), PROTOCOL) is None


def test_the_reliability_curve_rises_and_counts_every_row() -> None:
    bins = reliability(statements())
    assert sum(row.rows for row in bins) == 5
    assert [row.came for row in bins] == sorted(row.came for row in bins)


def test_the_home_keeps_the_fits_and_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outlook_model.json"
    assert read_model(path) is None
    told, span = generated_rows(1, SHORT, 900)
    walked = walk(told, SHORT, span, replace(PROTOCOL, resamples=20))
    found = [term for fit in walked.fits for term in terms(fit, SHORT, date(2025, 1, 1 + walked.fits.index(fit)))]
    written = write_model(path, found, DataOrigin.SAMPLE)
    read = read_model(path)
    assert read == written
    assert {row.term for row in read.rows} >= {"beta_mom12", "beta_carry", "slope", "pooled_share", "is_licensed", "oos_blocks"}
    assert write_model(path, found, DataOrigin.SAMPLE).sha256 == written.sha256
    assert written.fitted_at.tzinfo is UTC
    assert written.fitted_at <= datetime.now(UTC)
    path.write_text(path.read_text().replace("beta_carry", "beta_curry", 1))
    with pytest.raises(NoteError, match="alumina fit"):
        read_model(path)
    assert write_model(path, [Term(date(2025, 1, 1), "short", "slope", None)], DataOrigin.SAMPLE).rows[0].value is None


def test_rows_of_no_signal_are_rows() -> None:
    assert rows([1, 2], [1, 1], [], [0.1, None], [2, 3]).signals.shape == (2, 0)
