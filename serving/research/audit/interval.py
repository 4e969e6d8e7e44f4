"""Exact interval arithmetic: a printed figure stands for everything that would have been printed the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Union

Number = Union["Interval", Fraction, int]


class UndefinedError(ArithmeticError):
    """The result is not a number: a division by something that may be zero."""


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers from `low` to `high`, both included."""

    low: Fraction
    high: Fraction

    @staticmethod
    def of(value: Number, half_width: Fraction | int = 0) -> "Interval":
        """Give the interval around a figure."""
        return value if isinstance(value, Interval) else Interval(Fraction(value) - half_width, Fraction(value) + half_width)

    @property
    def middle(self) -> Fraction:
        """The figure in the middle."""
        return (self.low + self.high) / 2

    def meets(self, other: "Interval") -> bool:
        """Tell whether some number lies in both."""
        return self.low <= other.high and other.low <= self.high

    def __add__(self, other: Number) -> "Interval":
        right = Interval.of(other)
        return Interval(self.low + right.low, self.high + right.high)

    def __neg__(self) -> "Interval":
        return Interval(-self.high, -self.low)

    def __sub__(self, other: Number) -> "Interval":
        return self + -Interval.of(other)

    def __mul__(self, other: Number) -> "Interval":
        right = Interval.of(other)
        ends = [a * b for a in (self.low, self.high) for b in (right.low, right.high)]
        return Interval(min(ends), max(ends))

    def __truediv__(self, other: Number) -> "Interval":
        right = Interval.of(other)
        if right.low <= 0 <= right.high:
            raise UndefinedError("division by a figure that may be zero")
        return self * Interval(1 / right.high, 1 / right.low)

    def __abs__(self) -> "Interval":
        if self.low >= 0:
            return self
        return -self if self.high <= 0 else Interval(Fraction(0), max(-self.low, self.high))


def mean(values: Sequence[Interval]) -> Interval:
    """Give the mean."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total / len(values)


def median(values: Sequence[Interval]) -> Interval:
    """Give the median: ends are medians of the ends."""
    return Interval(_median([value.low for value in values]), _median([value.high for value in values]))


def _median(values: Sequence[Fraction]) -> Fraction:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def lowest(values: Sequence[Interval]) -> Interval:
    """Give the lowest."""
    return Interval(min(value.low for value in values), min(value.high for value in values))


def highest(values: Sequence[Interval]) -> Interval:
    """Give the highest."""
    return Interval(max(value.low for value in values), max(value.high for value in values))


def tick_bases(price: Fraction, change_pct: Interval, tick: Fraction) -> list[Fraction]:
    """Give every base on the tick from which `price` is a change that would be printed so (check A1).

    A change p is 100 x (price / base - 1), so base = price / (1 + p / 100); none for a fall of 100 % or more.
    """
    if price <= 0 or tick <= 0 or change_pct.low <= -100:
        return []
    first = math.ceil(price / (1 + change_pct.high / 100) / tick)
    last = math.floor(price / (1 + change_pct.low / 100) / tick)
    return [step * tick for step in range(max(first, 1), last + 1)]
