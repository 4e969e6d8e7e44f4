"""What the SQL linter has in place of dbt: it reads the project's own macros, but has no adapter that chooses a dialect.

A dispatched macro is shown to it as a call of a function of the same name, with all that stands in its arguments. Nothing here runs in a
build; what dbt's `ref` and `config` are, sqlfluff knows itself.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any


class Adapter:
    """Stands in for dbt's adapter."""

    @staticmethod
    def dispatch(name: str, package: str) -> Callable[..., str]:
        """Give what writes a call of the macro as SQL."""
        return lambda *arguments, **named: f"{name}({', '.join(part for argument in (*arguments, *named.values()) for part in _sql(argument))})"


def _sql(argument: Any) -> Iterator[str]:
    """Give an argument's parts as SQL; the direction of an order means nothing outside of one."""
    if isinstance(argument, dict):
        for part in argument.values():
            yield from _sql(part)
    elif isinstance(argument, list | tuple):
        for part in argument:
            yield from _sql(part)
    else:
        yield re.sub(r"\s+(asc|desc)\b", "", str(argument).lower() if isinstance(argument, bool) else str(argument))


adapter = Adapter()
globals()["return"] = lambda value: value  # dbt's own, a word that Python keeps for itself
