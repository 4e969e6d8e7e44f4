"""Keep pandas out of the process of a run: it is installed for Great Expectations, which works in a process of its own, and for `alumina backtest`.

DuckDB loads pandas as soon as a parameter is bound, and pandera when it is imported, both only to ask whether a value is one of pandas. Both do
without where it is not installed. Loaded, it and pyarrow behind it take 60 MB and 0.4 processor seconds.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType


class _NoPandas:
    """Answer as Python does where pandas is not installed; pandera reads the words."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=name)
        return None


@contextmanager
def without_pandas() -> Iterator[None]:
    """Hide pandas from what is imported meanwhile; a process that has loaded it before keeps it."""
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
