"""How sure a figure is: circular block bootstrap over dates, whole cross-sections together. The one module that knows arch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from arch.bootstrap import CircularBlockBootstrap

from serving.research.panel.protocol import Floats


def resampled(sums: Floats, block: int, statistic: Callable[[Floats], Floats], resamples: int, seed: int) -> Floats:
    """Give a statistic of each resample, one row each.

    `sums` has one row for each date, in order, of sums over its products; the statistic is made of the sums over a resample's dates.
    Blocks of dates are drawn circularly, so that outcomes which overlap stay together. Politis, Romano 1992.
    """
    bootstrap = CircularBlockBootstrap(min(block, len(sums)), sums, seed=seed)
    told: Floats = bootstrap.apply(lambda drawn: statistic(drawn.sum(axis=0)), resamples)
    return told


def by_date(places: npt.NDArray[Any], *columns: Floats) -> Floats:
    """Give the sums of some columns over the rows of each date; `places` says which date, 0, 1, 2 …, a row is of."""
    return np.column_stack([np.bincount(places, weights=column).astype(float) for column in columns])


def ends(samples: Floats, level: float) -> tuple[float, float]:
    """Give the lower and upper end of what holds `level` of the samples; nan where none can be told."""
    told = samples[~np.isnan(samples)]
    if not len(told):
        return np.nan, np.nan
    low, high = np.quantile(told, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
