"""`sqlfluff` without two repetitions that took most of its time.

    python -m tests.lint_sql lint dbt_project

The project's macros are compiled once instead of once a file: what comes of a source follows from the source and the extensions alone.
The layout of a file is worked out once instead of once a rule: linting changes no file, so each rule sees the same.
Nothing else is changed: rules, files and messages are sqlfluff's. Should it ask another way one day, it is merely slower.
"""

from types import CodeType

from jinja2 import Environment
from sqlfluff.cli.commands import cli
from sqlfluff.core import FluffConfig
from sqlfluff.core.parser import BaseSegment
from sqlfluff.utils.reflow.sequence import ReflowSequence

_compile = Environment.compile
_known: dict[tuple[str, type[Environment], tuple[str, ...]], CodeType] = {}


def compile_once(self: Environment, source: str, name: str | None = None, filename: str | None = None) -> CodeType:
    """Compile a template that has no name, as a macro's text has none, or give what came of the same source before."""
    if name is not None or filename is not None:
        return _compile(self, source, name, filename)
    key = (source, type(self), tuple(sorted(self.extensions)))
    if key not in _known:
        _known[key] = _compile(self, source)
    return _known[key]


_from_root = ReflowSequence.from_root
_last: list[tuple[BaseSegment, FluffConfig, ReflowSequence]] = []


def from_root_once(cls: type[ReflowSequence], root_segment: BaseSegment, config: FluffConfig) -> ReflowSequence:
    """Give the layout of a file, the same for every rule that asks for it."""
    if not _last or _last[0][0] is not root_segment or _last[0][1] is not config:
        _last[:] = [(root_segment, config, _from_root(root_segment, config))]
    return _last[0][2]


if __name__ == "__main__":
    ReflowSequence.from_root = classmethod(from_root_once)  # type: ignore[assignment]
    Environment.compile = compile_once  # type: ignore[assignment,method-assign]
    cli()
