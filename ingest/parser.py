"""Payloads from outside are parsed in a child process with limited memory and time (`confined`), whatever they make of their parser.

`apart` is for the rest of the house: it gives sources whose payloads are parsed there, and which are the same otherwise.
`python -I -m ingest.parser` is the child. It parses one payload after another, each within limits of its own. A payload that takes more ends the
child and is refused in a sentence; the next one has a new child. What a payload may hold is judged before (`within`), what its figures mean
is the source's business.
"""

import atexit
import hashlib
import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import UTC, date
from functools import cache, lru_cache
from itertools import count
from typing import IO, Any
from zoneinfo import ZoneInfo

import polars as pl

from ingest import confined
from ingest.catalog.configuration import Configuration
from ingest.catalog.limits import ParserBounds
from ingest.source import Adopter, ConfigurationError, HomeError, Outcome, Parsed, PayloadError, Request, Response, Source, UnforeseenError, Verdict

COMMAND: tuple[str, ...] = (sys.executable, "-I", "-m", "ingest.parser")
ADVICE = "export a shorter span, or raise the limit in catalog/limits.toml of the home"
# What an answer may be made of. The child reads what strangers wrote, so nothing else is made of what it says.
_IN_AN_ANSWER = frozenset(
    {
        ("ingest.source", "Reject"),
        ("ingest.source", "Request"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("zoneinfo", "ZoneInfo"),
    }
)
_READY = b"ready"
_LENGTH = 8
# Ends that say nothing of the payload: somebody killed the child, or all of the run was stopped for longer than the child may wait.
_ANOTHERS_FAULT = (-signal.SIGKILL, -signal.SIGALRM)
# Before an answer: whether the child goes on, or has grown by more than a payload may take and is to be replaced.
_GOES_ON, _WORN = b"+", b"-"
# Sources the child keeps unpacked; assumed: a run has twelve.
_SOURCES_KEPT = 32
# Seconds a child has beyond its own alarm, and to end by itself; assumed: Python ends within half of one.
_GRACE_SECONDS = 2.0
# So many times the limits hold for what was accepted before; assumed: two readings of the same bytes differ by less.
_AGAIN = 2
# Files of any name that are remembered; assumed: far more than one run is given of such.
_REMEMBERED = 256
_SERIAL = count()
# Files of any name, by sha256, that took more than they may when they were looked at, and why: no other source tries.
_GIVEN_UP: dict[str, tuple[Outcome, str, str]] = {}


class NoParserError(HomeError):
    """The child does not start. The machine is at fault, and no payload."""


def apart(sources: Iterable[Source], configuration: Configuration, accepted: Callable[[], Collection[str]] = frozenset) -> tuple[Source, ...]:
    """Give the sources with their payloads parsed in the child. The catalogue, which the operator wrote, is read in this process.

    What a payload takes is not the same each time. So one that was `accepted` before (sha256) is read again within twice as much, and is not lost.
    """
    before = cache(lambda: frozenset(accepted()))
    return tuple(source if source.name == "catalog" else _apart(source, configuration, before) for source in sources)


def _apart(source: Source, configuration: Configuration, accepted: Callable[[], Collection[str]]) -> Source:
    return AdopterApart(source, configuration, accepted) if isinstance(source, Adopter) else SourceApart(source, configuration, accepted)


class SourceApart:
    """A source whose payloads are parsed in the child."""

    def __init__(self, source: Source, configuration: Configuration, accepted: Callable[[], Collection[str]]) -> None:
        self._accepted = accepted
        self.configuration = configuration
        self.name = source.name
        self.parser_version = source.parser_version
        self.tables = source.tables
        self.cadence = source.cadence
        self._source = source
        self._packed = b""

    def requests(self, day: date) -> Iterable[Request]:
        """Give what the source publishes for a day."""
        return self._source.requests(day)

    def recognise(self, path: str) -> Request | None:
        """Know a file by its name."""
        return self._source.recognise(path)

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Judge status and first bytes, which takes no parser."""
        return self._source.inspect(request, response)

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Parse a payload within the limits.

        Raises PayloadError and ConfigurationError as the source does, UnforeseenError for anything else it raises, and NoParserError.
        """
        sha = hashlib.sha256(body).hexdigest()
        if sha in _GIVEN_UP:
            raise PayloadError(*_GIVEN_UP[sha])
        times = _AGAIN if sha in self._accepted() else 1
        frames, rejects, published_at, remarks = self._ask(times, "parse", request, body)
        return Parsed({table: pl.read_ipc_stream(io.BytesIO(frame)) for table, frame in frames.items()}, rejects, published_at, remarks)

    def _ask(self, times: int, what: str, *arguments: Any) -> Any:
        # The child keeps what it unpacks: a number of its own keeps the catalogue of one run from being that of the next.
        self._packed = self._packed or pickle.dumps((next(_SERIAL), self._source))
        return _CHILD.ask(self._packed, what, arguments, self.configuration.limits.parser.times(times))


class AdopterApart(SourceApart):
    """A source that knows files by what they hold, which is read in the child as well."""

    def adopt(self, name: str, body: bytes) -> Request | None:
        """Give the request a file answers; None where it is not this source's, or takes more than it may."""
        if (sha := hashlib.sha256(body).hexdigest()) in _GIVEN_UP:
            return None
        try:
            found: Request | None = self._ask(1, "adopt", name, body)
        except PayloadError as error:
            while len(_GIVEN_UP) >= _REMEMBERED:
                _GIVEN_UP.pop(next(iter(_GIVEN_UP)))
            _GIVEN_UP[sha] = (error.verdict.outcome, error.verdict.reason, error.verdict.message)
            return None  # the source that takes all files refuses it
        return found


class _Child:
    """The child of this process: made when it is first asked, and again after each that ended."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)  # a fork has no part in what its parent and the child say to each other
        atexit.register(self.end)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._talk: tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]] | None = None

    def end(self, patience: float = 0.0) -> int:
        """Let the child go, and give the code it left; one that is ending by itself has so many seconds for it."""
        if self._talk is None:
            return 0
        (process, to, by), self._talk = self._talk, None
        with suppress(BrokenPipeError):
            to.close()
        by.close()
        with suppress(subprocess.TimeoutExpired):
            return process.wait(patience)
        process.kill()
        return process.wait()

    def ask(self, source: bytes, what: str, arguments: tuple[Any, ...], limits: ParserBounds) -> Any:
        """Have a source do something in the child: give its answer, or raise what it raised."""
        size = len(arguments[-1])
        question = pickle.dumps((source, what, arguments, limits))
        with self._lock:
            answer = self._answer(question, limits)
            if answer in _ANOTHERS_FAULT:
                answer = self._answer(question, limits)
        if isinstance(answer, int):
            raise PayloadError(Outcome.NOT_DATA, "too_costly", _why(answer, size, limits))
        kind, told = _unpacked(answer)
        match kind:
            case "refused":
                outcome, reason, message = told
                raise PayloadError(Outcome(outcome), reason, message)
            case "wrong catalogue":
                raise ConfigurationError(*told)
            case "unforeseen":
                raise UnforeseenError(*told)
        return told

    def _answer(self, question: bytes, limits: ParserBounds) -> bytes | int:
        """Give the answer, or the code the child left when it gave none."""
        if self._talk is not None and self._talk[0].poll() is not None:
            self.end()  # it ended since the last answer
        process, to, by = self._talk = self._talk or self._start()
        is_given_up = threading.Event()

        def give_up() -> None:
            is_given_up.set()
            process.kill()

        # The child's own alarm comes first; one that somebody stopped hears none.
        patience = threading.Timer(limits.wall_seconds + _GRACE_SECONDS, give_up)
        patience.daemon = True
        patience.start()
        try:
            _write(to, question)
            answer = _read(by)
        except BrokenPipeError:
            answer = b""
        except BaseException:
            self.end()  # the next answer would be to this question
            raise
        finally:
            patience.cancel()
        if answer.startswith(_GOES_ON):
            return answer[1:]
        code = self.end(_GRACE_SECONDS)
        return answer[1:] or (-signal.SIGALRM if is_given_up.is_set() else code)

    @staticmethod
    def _start() -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/", env=confined.ENVIRONMENT)
        except OSError as error:
            raise NoParserError(f"the process that parses payloads does not start: {error.strerror or error}") from None
        to, by, said = process.stdin, process.stdout, process.stderr
        assert to is not None and by is not None and said is not None  # noqa: S101, PT018 - all are pipes
        with said:  # it says something there only before it is ready
            if _read(by) == _READY:
                return process, to, by
            *_, last = said.read().decode("utf-8", "replace").splitlines() or [confined.ended_by(process.wait())]
        process.kill()
        process.wait()
        to.close()
        by.close()
        raise NoParserError(f"the process that parses payloads does not start: {last}")


_CHILD = _Child()


def end_parser() -> None:
    """Let this process's child go, where there is one; the next payload has a new one."""
    _CHILD.end()


def _why(code: int, size: int, limits: ParserBounds) -> str:
    """Say why a payload has no answer, from the code the child left."""
    held = f"{limits.memory_bytes >> 20} MB and {limits.seconds(size):.1f} s of processor time"
    match -code:
        case signal.SIGPROF:
            return f"parsing it takes more than the {limits.seconds(size):.1f} seconds of processor time for {size:,} bytes; {ADVICE}"
        case signal.SIGALRM:
            return f"parsing it took longer than {limits.wall_seconds:g} seconds and was given up; {ADVICE}"
        case signal.SIGABRT:
            return f"its parser gave up, for want of more than {limits.memory_bytes >> 20} MB most likely; {ADVICE}"
        case signal.SIGKILL:
            return f"its parser was killed twice by somebody else, for want of memory perhaps; {ADVICE}"
    return f"it broke its parser ({confined.ended_by(code)}) within {held}; {ADVICE}"


def _write(file: IO[bytes], content: bytes) -> None:
    file.write(len(content).to_bytes(_LENGTH, "big"))
    file.write(content)
    file.flush()


def _read(file: IO[bytes]) -> bytes:
    """Give what was written at once; nothing where the other side has gone."""
    head = file.read(_LENGTH)
    length = int.from_bytes(head, "big")
    content = file.read(length) if len(head) == _LENGTH else b""
    return content if len(content) == length else b""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _IN_AN_ANSWER:
            raise pickle.UnpicklingError(f"an answer holds {module}.{name}")
        return super().find_class(module, name)


def _unpacked(answer: bytes) -> tuple[str, Any]:
    try:
        kind, told = _Unpickler(io.BytesIO(answer)).load()
    except Exception as error:
        raise UnforeseenError(f"its parser gave an answer that cannot be read: {error}", traceback.format_exc()) from None
    return kind, told


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        return (ZoneInfo, (value.key,)) if isinstance(value, ZoneInfo) else NotImplemented


def _packed(kind: str, told: Any) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump((kind, told))
    return buffer.getvalue()


def main() -> None:
    """Be the child: answer each question until the parent has gone."""
    import ingest.sources  # noqa: F401  what the parsers take to start counts for nothing

    for interruption in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interruption, signal.SIG_IGN)  # meant for the parent, with whom the child ends
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    confined.write_nothing()
    begun = confined.address_space()
    source_of: Callable[[bytes], tuple[int, Source]] = lru_cache(_SOURCES_KEPT)(pickle.loads)
    _write(told, _READY)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for usual in range(3):
        os.dup2(nowhere, usual)  # from now on nothing but answers is said to the parent
    while question := _read(asked):
        packed, what, arguments, limits = pickle.loads(question)  # noqa: S301 - of the parent
        confined.hold(confined.address_space() + limits.memory_bytes, limits.seconds(len(arguments[-1])), limits.wall_seconds)
        try:
            answer = _answered(source_of(packed)[1], what, arguments)
            if len(answer) > limits.answer_bytes:
                told_of = (
                    f"more than {limits.answer_bytes:,} bytes would be made of {len(arguments[-1]):,}: a long text stands in many rows; shorten it"
                )
                answer = _packed("refused", (str(Outcome.NOT_DATA), "oversized", told_of))
            broken = ""
        except MemoryError:
            broken = "needs"
        except BaseException as error:  # a panic of polars, which for want of memory is no MemoryError
            broken = f"ended in {type(error).__name__}, as it does where it needs"
        confined.let_go()
        if broken:
            answer = _packed(
                "refused", (str(Outcome.NOT_DATA), "too_costly", f"parsing it {broken} more than {limits.memory_bytes >> 20} MB; {ADVICE}")
            )
        _write(told, (_WORN if broken or confined.address_space() > begun + limits.memory_bytes else _GOES_ON) + answer)


def _answered(source: Source, what: str, arguments: tuple[Any, ...]) -> bytes:
    """Let a source do what is asked, and put what came of it into an answer."""
    try:
        if what == "adopt":
            assert isinstance(source, Adopter)  # noqa: S101 - nobody else is asked
            return _packed("done", source.adopt(*arguments))
        parsed = source.parse(*arguments)
        published_at = parsed.published_at.astimezone(UTC) if parsed.published_at else None
        return _packed("done", ({table: _ipc(frame) for table, frame in parsed.frames.items()}, parsed.rejects, published_at, parsed.remarks))
    except PayloadError as error:
        return _packed("refused", (str(error.verdict.outcome), error.verdict.reason, error.verdict.message))
    except ConfigurationError as error:
        return _packed("wrong catalogue", (str(error),))
    except MemoryError:
        raise
    except Exception as error:
        return _packed("unforeseen", (f"{type(error).__name__}: {error}", traceback.format_exc()))


def _ipc(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
