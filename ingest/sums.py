"""Adding up floats so that every Python gives the same digits. For figures that are published, and for the bytes of the sample."""

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import TypeVar

_Number = TypeVar("_Number", int, float)


def added(values: Iterable[_Number]) -> _Number:
    """Add up from the first to the last, 0 for none. The built-in `sum` does so on Python 3.11 only: from 3.12 on it carries the rounding error along."""
    total: _Number = reduce(add, values, 0)
    return total
