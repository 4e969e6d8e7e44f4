"""The backtest's arithmetic on forecasts whose right answer is known by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from serving.research.backtest import _interval, _judge

DAYS = [date(2025, 1, 6) + timedelta(days=number) for number in range(4)]


def forecasts(stances: list[int | None], exits: list[float | None], momentum: list[float | None] | None = None) -> pl.DataFrame:
    """Four decisions at a price of 100, two sessions ahead."""
    return pl.DataFrame(
        {
            "as_of_date": DAYS,
            "validated_stance": stances,
            "engine_stance": [1, 1, 1, 1],
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


def test_a_stance_hits_when_its_sign_comes_true_and_has_no_brier_score() -> None:
    told = judge(forecasts([1, 2, -1, 0], [110.0, 90.0, 90.0, 110.0]), "rules")
    assert (told["forecasts"], told["calls"], told["hit_ratio"]) == (4, 3, pytest.approx(2 / 3))
    assert (told["brier"], told["null_reason"]) == (None, "brier:no_probability")


def test_days_per_side_and_the_longest_spell_count_every_day_with_a_stance() -> None:
    told = judge(forecasts([1, 1, 0, -1], [110.0, None, None, None]), "rules")
    assert [told[name] for name in ("forecasts", "side_up_ratio", "side_down_ratio", "longest_spell_sessions")] == [1, 0.5, 0.25, 2]
    told = judge(forecasts([-1, -1, -1, None], [110.0] * 4), "rules")
    assert [told[name] for name in ("side_up_ratio", "side_down_ratio", "longest_spell_sessions")] == [0.0, 1.0, 3]
    assert judge(forecasts([0] * 4, [110.0] * 4), "rules")["longest_spell_sessions"] == 0


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
    assert (flat["calls"], flat["hit_ratio"], flat["brier"], flat["null_reason"]) == (0, None, 0.25, "hit_ratio:no_call")


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
