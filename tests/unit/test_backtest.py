"""The backtest's arithmetic on forecasts whose right answer is known by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from serving.research.backtest import _interval, _judge

DAYS = [date(2025, 1, 6) + timedelta(days=number) for number in range(4)]


def forecasts(stances: list[int | None], exits: list[float | None], momentum: list[float | None] | None = None) -> pl.DataFrame:
    """Four decisions at a price of 100, half confident, two sessions ahead."""
    return pl.DataFrame(
        {
            "as_of_date": DAYS,
            "validated_stance": stances,
            "engine_stance": [1, 1, 1, 1],
            "confidence": [0.5] * 4,
            "confidence_base": [0.4] * 4,
            "entry_cny_t": [100.0] * 4,
            "exit_cny_t": exits,
            "momentum_pct": momentum or [1.0, 1.0, -1.0, None],
            "sessions": [2] * 4,
            "data_origin": ["sample"] * 4,
        },
        schema_overrides={"validated_stance": pl.Int64, "exit_cny_t": pl.Float64},
    )


def judge(group: pl.DataFrame, strategy: str, statements: str = "validated") -> dict[str, object]:
    return _judge(group, "XX", "short", statements, strategy, 200, 7)


def test_a_call_hits_when_its_sign_comes_true_and_no_call_counts_in_the_brier_score_only() -> None:
    told = judge(forecasts([1, 1, -1, 0], [110.0, 90.0, 90.0, 110.0]), "rules")
    assert (told["forecasts"], told["calls"], told["hit_ratio"]) == (4, 3, pytest.approx(2 / 3))
    # Probabilities of a rise 0.75, 0.75, 0.25, 0.5 against 1, 0, 0, 1.
    assert told["brier"] == pytest.approx((0.0625 + 0.5625 + 0.0625 + 0.25) / 4)
    assert told["brier_calls"] == pytest.approx((0.0625 + 0.5625 + 0.0625) / 3)


def test_days_without_a_call_do_not_hide_what_the_calls_were_worth() -> None:
    """On the sample 60 calls of 0.363 among 414 statements looked like 0.266."""
    told = judge(forecasts([1, 0, 0, 0], [90.0, 90.0, 110.0, 110.0]), "rules")
    assert (told["brier_calls"], told["brier"]) == (0.5625, pytest.approx((0.5625 + 3 * 0.25) / 4))
    assert told["brier_calls_low"] == told["brier_calls_high"] == 0.5625


def test_a_price_that_did_not_move_is_no_hit() -> None:
    assert judge(forecasts([1, 1, 1, 1], [100.0] * 4), "rules")["hit_ratio"] == 0.0


def test_what_has_no_statement_or_no_outcome_is_not_counted() -> None:
    group = forecasts([1, None, 1, 1], [110.0, 110.0, None, 90.0])
    assert [judge(group, "rules")[name] for name in ("forecasts", "calls", "hit_ratio", "first_date", "last_date")] == [2, 2, 0.5, DAYS[0], DAYS[3]]
    assert judge(group, "rules", "all")["forecasts"] == 3
    nothing = judge(forecasts([None] * 4, [None] * 4), "rules")
    assert (nothing["forecasts"], nothing["hit_ratio"], nothing["null_reason"]) == (0, None, "no_forecast_with_an_outcome")


def test_momentum_says_the_sign_of_the_last_days_and_flat_says_nothing() -> None:
    group = forecasts([1, 1, 1, 1], [110.0, 90.0, 90.0, 110.0])
    momentum, flat = judge(group, "momentum"), judge(group, "flat")
    assert (momentum["calls"], momentum["hit_ratio"]) == (3, pytest.approx(2 / 3))
    assert (flat["calls"], flat["hit_ratio"], flat["brier"], flat["null_reason"]) == (0, None, 0.25, "hit_ratio:no_call;brier_calls:no_call")


def test_an_interval_is_of_whole_blocks_leaves_blanks_out_and_is_the_same_each_time() -> None:
    steady = _interval(np.array([1.0, np.nan, 1.0, 1.0]), 2, 200, 7)
    assert (steady.value, steady.low, steady.high) == (1.0, 1.0, 1.0)
    runs = np.repeat([0.0, 1.0], 20)
    single, blocks = _interval(runs, 1, 2000, 7), _interval(runs, 20, 2000, 7)
    assert single.value == blocks.value == 0.5
    assert single.low < 0.5 < single.high
    # Outcomes that move together are fewer than they look: taking them in blocks widens the interval.
    assert blocks.high - blocks.low > 2 * (single.high - single.low)
    assert _interval(runs, 20, 2000, 7) == blocks
