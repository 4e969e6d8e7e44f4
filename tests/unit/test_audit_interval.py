"""Interval arithmetic and the tick: whatever figures stand behind printed ones, the result holds what they give."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.research.audit.interval import Interval, UndefinedError, highest, lowest, mean, median, tick_bases

numbers = st.fractions(min_value=-10_000, max_value=10_000, max_denominator=1000)
widths = st.fractions(min_value=0, max_value=50, max_denominator=100)
shares = st.fractions(min_value=0, max_value=1, max_denominator=100)


def inside(one: Interval, share: Fraction) -> Fraction:
    return one.low + share * (one.high - one.low)


intervals = st.builds(Interval.of, numbers, widths)


@given(intervals, shares, intervals, shares)
def test_every_operation_holds_what_any_true_figures_give(left: Interval, a: Fraction, right: Interval, b: Fraction) -> None:
    x, y = inside(left, a), inside(right, b)
    for result, exact in ((left + right, x + y), (left - right, x - y), (left * right, x * y), (-left, -x), (abs(left), abs(x))):
        assert result.low <= exact <= result.high
    if right.low > 0 or right.high < 0:
        quotient = left / right
        assert quotient.low <= x / y <= quotient.high


@given(intervals, intervals)
def test_exact_figures_stay_exact_and_zero_divides_nothing(left: Interval, right: Interval) -> None:
    point, other = Interval.of(left.middle), Interval.of(right.middle)
    assert (point - other).low == (point - other).high == left.middle - right.middle
    if right.low <= 0 <= right.high:
        with pytest.raises(UndefinedError):
            left / right


@given(st.lists(st.tuples(intervals, shares), min_size=1, max_size=7))
def test_windows_hold_the_window_of_any_true_figures(drawn: list[tuple[Interval, Fraction]]) -> None:
    values, true = [one for one, _ in drawn], sorted(inside(one, share) for one, share in drawn)
    half = len(true) // 2
    middle = true[half] if len(true) % 2 else (true[half - 1] + true[half]) / 2
    for window, exact in ((mean, sum(true) / len(true)), (median, middle), (highest, true[-1]), (lowest, true[0])):
        assert window(values).low <= exact <= window(values).high


prices = st.integers(min_value=500, max_value=30_000)


@given(prices, prices, st.sampled_from([1, 5, 20]))
def test_a_change_that_was_computed_from_prices_on_the_tick_is_solvable(price: int, base: int, tick: int) -> None:
    price, base = price * tick, base * tick
    printed = Fraction(round(100 * (Fraction(price, base) - 1), 2))
    if printed > -100:
        assert base in tick_bases(Fraction(price), Interval.of(printed, Fraction(1, 200)), Fraction(tick))


@given(prices, st.integers(min_value=-5000, max_value=20_000), st.sampled_from([1, 5, 20]))
def test_every_base_it_names_gives_the_printed_change(price: int, hundredths: int, tick: int) -> None:
    change = Interval.of(Fraction(hundredths, 100), Fraction(1, 200))
    for base in tick_bases(Fraction(price), change, Fraction(tick)):
        assert base % tick == 0
        assert change.low <= 100 * (Fraction(price) / base - 1) <= change.high


def test_a_change_no_tick_can_give_is_found() -> None:
    change = Interval.of(Fraction("12.13"), Fraction(1, 200))
    assert tick_bases(Fraction(3423), change, Fraction(1)) == []
    assert tick_bases(Fraction(3513), change, Fraction(1)) == [3133]
    assert tick_bases(Fraction(100), Interval.of(-100), Fraction(1)) == []


def test_a_rounded_base_holds_the_growth_that_was_printed() -> None:
    growth = (Interval.of(Fraction("101.25862")) / Interval.of(Fraction("37.7"), Fraction("0.05")) - 1) * 100
    assert growth.meets(Interval.of(Fraction("168.4"), Fraction("0.05")))
    assert not growth.meets(Interval.of(Fraction("136.7"), Fraction("0.05")))
