"""Print safely: no text controls the terminal, and no console error ends the command.

Foreign text may hold escapes that move the cursor or rewrite the title; they are shown, not sent. A character that the
console's encoding lacks is replaced. If the console is gone (a closed pipe, a full disk), only the words are lost. What is said stands in `words.toml`.
"""

import codecs
import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO, Any, cast

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
from rich.segment import Segment
from typer.core import TyperGroup

from ingest.storable import storable_lines
from orchestration.command.words import chinese_help, language, translate

# Replacements for our marks on an ASCII or GBK console.
_PLAIN = {"✓": "+", "✗": "x", "·": "-", "–": "-", "…": "..."}


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(character) or character.encode("ascii", "backslashreplace").decode() for character in text)
    return plain, error.end


codecs.register_error("alumina", _replaced)


# Commands by their users, in the order of the help; others come last.
_USERS = {
    "For operators": (
        "run", "ui", "doctor", "inbox", "review", "schedule", "releases", "rollback", "rebuild", "backup", "restore", "backfill", "catalog",
        "tidy", "purge", "upgrade", "prepare",
    ),
    "For analysts": ("outlook", "note", "serve", "export", "audit", "whatif"),
    "For researchers": ("backtest", "fit"),
}  # fmt: skip


class ByUser(TyperGroup):
    """A list of commands grouped by their users; its help, and that of all commands below, speaks the language of `ALUMINA_LANG`."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command line, its help put into Chinese first where that is asked for."""
        if language() == "zh":
            translate(self)
        _take_utf8_alone(self)
        return super().main(*arguments, **options)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each kind of user."""
        left = {name: command for name in self.list_commands(ctx) if (command := self.get_command(ctx, name)) and not command.hidden}
        for title, names in _USERS.items():
            _section(formatter, title, {name: left.pop(name) for name in names if name in left})
        _section(formatter, "Other commands", left)


def _take_utf8_alone(group: Any) -> None:
    """Let every text typed for the commands of a group, and of all below them, be UTF-8."""
    for command in group.commands.values():
        for parameter in command.params:
            parameter.callback = parameter.callback or _utf8
        if hasattr(command, "commands"):
            _take_utf8_alone(command)


def _utf8(context: Any, parameter: Any, value: Any) -> Any:
    """Give what was typed. A text of another encoding, as a GBK terminal sends it, could be kept in no file; paths are no texts, the system takes any name."""
    for text in value if isinstance(value, list | tuple) else (value,):
        try:
            _ = text.encode() if isinstance(text, str) else b""
        except UnicodeEncodeError:
            raise typer.BadParameter(f"{text!a} is not UTF-8; set the terminal to UTF-8 and type it again", context, parameter) from None
    return value


def _section(formatter: Any, title: str, commands: Mapping[str, Any]) -> None:
    if commands:
        heading = chinese_help()["headings"][title] if language() == "zh" else title
        with formatter.section(heading):
            # The whole first sentence; a sentence that is cut off helps nobody.
            formatter.write_dl([(name, re.split("; |；", command.get_short_help_str(400))[0].rstrip(".。")) for name, command in commands.items()])


_LOST: dict[str, OSError] = {}
"""What stopped writing to a stream, by its name: several modules of the command print to the same one."""


class Output:
    """Standard output or error as the command found it. Writing never raises; what stopped it is kept in `lost`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lost: OSError | None = None
        self._stream: Any = getattr(sys, name)  # a run sends what its tools print elsewhere, and its steps are still shown

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stream, attribute)

    def write(self, text: str) -> int:
        """Write and flush, so that what cannot be written is known here and not when the process ends."""
        self._put(lambda stream: stream.write(text))
        return len(text)

    def write_bytes(self, block: bytes) -> None:
        """Write lines of UTF-8 as they are; to a terminal, as text that is fit to be shown."""
        if self._stream is not None and self._stream.isatty():
            self.write(storable_lines(block.decode().replace("\r\n", "\n")))
        else:
            self._put(lambda stream: stream.buffer.write(block))

    def flush(self) -> None:
        """Do nothing: every write is flushed."""

    def _put(self, write: Callable[[Any], object]) -> None:
        if self._stream is None or self.lost is not None:
            return
        try:
            write(self._stream)
            self._stream.flush()
        except OSError as error:
            self.lost = _LOST[self.name] = error
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())  # the stream still holds what it could not write
                os.close(nowhere)

    def end(self) -> None:
        """Write what others put into the stream, too."""
        self._put(lambda stream: None)


class _Shown:
    """Something to print, its text made fit to be shown line by line."""

    def __init__(self, renderable: Any) -> None:
        self.renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.renderable, options):
            yield segment if segment.control else Segment(storable_lines(segment.text), segment.style)


class _Showing(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Shown(renderable) for renderable in renderables]


def console(output: Output) -> Console:
    """Give a console that shows what others wrote and prints it to `output`; brackets in a text are no markup, unless a call says so."""
    made = Console(file=cast("IO[str]", output), markup=False)
    made.push_render_hook(_Showing())
    return made


@contextmanager
def prepared(*outputs: Output) -> Iterator[None]:
    """Let no printing end the command, whatever the console's encoding, and even when it is gone.

    Raises SystemExit 1 where a command succeeded but its output could not be written, unless the reader closed the pipe.
    """
    _LOST.clear()
    for output in outputs:
        with suppress(AttributeError):  # closed, or replaced by what takes every character
            output.reconfigure(errors="alumina")
    before, sys.excepthook = sys.excepthook, _told
    try:
        yield
    except SystemExit as ended:
        if not ended.code:
            _end(outputs)
        raise
    else:
        _end(outputs)
    finally:
        sys.excepthook = before


def _end(outputs: tuple[Output, ...]) -> None:
    for output in outputs:
        output.end()
        if (lost := _LOST.get(output.name)) is not None and lost.errno != errno.EPIPE:
            Output("stderr").write(f"alumina: the {output.name} of this command could not be written: {lost.strerror}\n")
            raise SystemExit(1) from None


def _told(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Print a bug's traceback as Python does, with its text made safe to show."""
    Output("stderr").write(storable_lines("".join(traceback.format_exception(kind, error, where))))
