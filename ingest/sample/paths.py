"""Shapes of simulated time series: noise, bridges through anchors, hand-overs.

Only `+ - * /`, `sqrt` and `random()` are used: they are correctly rounded everywhere, while `exp` and `log` may differ in the last
bit between maths libraries, and the sample must be the same bytes on every machine.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from math import sqrt
from random import Random
from typing import TypeVar

Anchors = Sequence[tuple[date, float]]
Value = TypeVar("Value")


def knots(anchors: Anchors, days: Sequence[date]) -> dict[int, float]:
    """Move dated anchors to positions in `days` (to the next session where the date is none)."""
    return {bisect_left(days, day): value for day, value in anchors}


def latest(anchors: Sequence[tuple[date, Value]], day: date) -> Value:
    """Give the value in force on `day` of a table of dated changes."""
    return next(value for since, value in reversed(anchors) if since <= day)


def noise(rng: Random) -> float:
    """Draw from a bell between -0.5 and 0.5 (standard deviation 1/6); bounded, so no draw can break a price limit by itself."""
    return (rng.random() + rng.random() + rng.random()) / 3 - 0.5


def line(points: Mapping[int, float], count: int) -> list[float]:
    """Join the points by straight lines over `count` positions; flat before the first and after the last."""
    places = sorted(points)
    values = []
    for t in range(count):
        right = bisect_right(places, t)
        a, b = places[max(right - 1, 0)], places[min(right, len(places) - 1)]
        share = min(max((t - a) / (b - a), 0.0), 1.0) if b > a else 0.0
        values.append(points[a] + (points[b] - points[a]) * share)
    return values


def bridge(points: Mapping[int, float], count: int, width: float, rng: Random) -> list[float]:
    """Walk randomly, in steps of at most half `width` of the value, yet pass exactly through every point."""
    walk = [0.0]
    for _ in range(count - 1):
        walk.append(walk[-1] + width * noise(rng))
    drift = line({t: walk[t] for t in points if t < count}, count)
    return [value * (1 + walk[t] - drift[t]) for t, value in enumerate(line(points, count))]


def rise(x: float) -> float:
    """Go smoothly from 0 to 1 around x = 0."""
    return 0.5 * (1 + x / sqrt(1 + x * x))
