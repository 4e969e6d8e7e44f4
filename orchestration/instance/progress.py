"""How far a step is, for who looks on in the same process: the command line shows it, the UI reads the log of the run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[str, int, int], None]] = []


def tell(what: str, done: int, total: int) -> None:
    """Tell whoever listens that so much of a step is done."""
    for listener in _listeners:
        listener(what, done, total)


@contextmanager
def heard_by(listener: Callable[[str, int, int], None]) -> Iterator[None]:
    """Let a listener hear what steps tell while the block lasts."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
