"""Payloads are parsed in a child process: what comes back is what the source itself would give, and what hangs, eats memory or lies ends there."""

import hashlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from feeds import DAY, Home, answer, delivery, feeds_apart, quote, request_for, warrant

from ingest import parser
from ingest.catalog.configuration import Configuration
from ingest.catalog.documents import SHIPPED
from ingest.flow import FLUSH_BYTES
from ingest.parser import NoParserError, SourceApart, apart
from ingest.source import Adopter, ConfigurationError, DataOrigin, Outcome, Parsed, PayloadError, Request, Source, UnforeseenError
from ingest.sources import SOURCES, sources
from orchestration import resources
from tests.reliability.mutations import BY_NAME as PLAIN
from tests.reliability.mutations import SEEDS, mutate

KX = "kx20250716.dat"
LARGE = answer([quote(month=str(2501 + month)) for month in range(12)] * 4)


def limited(**changes: float) -> SourceApart:
    """The exchange, every payload of which goes to the child, with a few of the shipped limits changed."""
    configuration = Configuration()
    limits = configuration.limits
    object.__setattr__(limits, "parser", replace(limits.parser, **changes))
    (source,) = (source for source in apart(sources(configuration), configuration) if source.name == "shfe")
    assert isinstance(source, SourceApart)
    return source


Spoil = Callable[[str], None]


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoil]:
    """Start a child whose quotes do what some code says before they are parsed, under the real child's limits."""

    def spoil(code: str) -> None:
        program = f"""
import ingest.parser as parser, ingest.sources.shfe as shfe
parse = shfe.Shfe.parse
def spoilt(self, request, body):
    {code}
    return parse(self, request, body)
shfe.Shfe.parse = spoilt
parser.main()
"""
        parser._CHILD.end()
        monkeypatch.setattr(parser, "COMMAND", (sys.executable, "-I", "-c", program))

    yield spoil
    parser._CHILD.end()


def read(source: Source, body: bytes = LARGE) -> Parsed:
    return source.parse(request_for(KX), body)


def asked(source: Source) -> subprocess.Popen[bytes]:
    """The child, after it has parsed a payload of the source."""
    read(source)
    assert parser._CHILD._talk is not None
    return parser._CHILD._talk[0]


def refusal(source: Source, body: bytes = LARGE) -> tuple[str, str]:
    with pytest.raises(PayloadError) as caught:
        read(source, body)
    assert caught.value.verdict.outcome is Outcome.NOT_DATA
    assert "\n" not in caught.value.verdict.message
    return caught.value.verdict.reason, caught.value.verdict.message


def told(source: Source, request: Request, body: bytes) -> Any:
    """What a source makes of a payload, in a form that can be compared."""
    try:
        parsed = source.parse(request, body)
    except PayloadError as error:
        return error.verdict
    return {table: (dict(frame.schema), frame.rows()) for table, frame in parsed.frames.items()}, parsed.rejects, parsed.published_at, parsed.remarks


@pytest.mark.parametrize("name", SEEDS)
def test_what_comes_back_is_what_the_source_gives_whole_or_damaged(name: str) -> None:
    request, body = SEEDS[name]
    plain = PLAIN[request.source]
    (elsewhere,) = apart([plain], limited().configuration)
    for payload in (body, *(mutate(Random(number), body) for number in range(12))):
        assert told(elsewhere, request, payload) == told(plain, request, payload)
    assert parser._CHILD._talk


def test_a_payload_that_takes_too_long_is_refused_and_the_next_is_parsed(child: Spoil) -> None:
    child("while b'hang' in body: pass")
    source = limited(cpu_seconds=1)
    reason, message = refusal(source, LARGE + b"hang")
    assert reason == "too_costly"
    assert "seconds of processor time" in message
    assert read(source).frames["shfe__daily_quotes"].height == 48


def test_a_panic_of_polars_is_told_as_what_it_is(child: Spoil) -> None:
    """A panic is no Exception: the child ended of it, was killed while it ended, and the payload was read a second time."""
    child("exec(\"class Panic(BaseException): pass\\nraise Panic('PyObject pointer is null')\")")
    source = limited()
    reason, message = refusal(source)
    assert (reason, message.startswith("parsing it ended in Panic, as it does where it needs more than 300 MB")) == ("too_costly", True)


def test_a_child_that_ends_by_itself_has_time_to(child: Spoil) -> None:
    child("import atexit, os, sys, time; os.closerange(3, 64); time.sleep(0.5); os._exit(7)")
    assert "exit code 7" in refusal(limited())[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGALRM, signal.SIGPROF, signal.SIGABRT, signal.SIGSEGV])
def test_a_child_that_ended_before_it_was_asked_says_nothing_of_the_payload(number: int) -> None:
    source = limited()
    process = asked(source)
    os.kill(process.pid, number)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert read(source).frames


def test_a_run_that_was_stopped_for_long_asks_again(tmp_path: Path, child: Spoil) -> None:
    seen = tmp_path / "seen"
    child(f"import os, time; os.path.exists({str(seen)!r}) or (os.mkdir({str(seen)!r}), time.sleep(60))")
    assert read(limited(wall_seconds=0.5)).frames["shfe__daily_quotes"].height == 48


def test_a_payload_that_waits_too_long_is_refused(child: Spoil) -> None:
    child("import time; time.sleep(600)")
    assert refusal(limited(wall_seconds=0.2)) == ("too_costly", f"parsing it took longer than 0.2 seconds and was given up; {parser.ADVICE}")


@pytest.mark.parametrize("hoard", ["[b'x' * 2**20 for _ in range(10_000)]", "__import__('polars').zeros(2**31, eager=True)"])
def test_a_payload_that_takes_too_much_memory_is_refused_and_the_next_is_parsed(hoard: str, child: Spoil) -> None:
    child(f"hoard = {hoard} if b'hoard' in body else 0")
    source = limited(memory_bytes=50 * 2**20)
    reason, message = refusal(source, LARGE + b"hoard")
    assert (reason, "50 MB" in message) == ("too_costly", True)
    assert read(source).frames["shfe__daily_quotes"].height == 48


def test_a_child_that_has_grown_is_replaced(child: Spoil) -> None:
    child("import builtins; builtins.kept = getattr(builtins, 'kept', []) + [b'x' * 2**25]")
    source, seen = limited(memory_bytes=60 * 2**20), set()
    for _ in range(6):
        read(source)
        seen.add(parser._CHILD._talk and parser._CHILD._talk[0].pid)
    assert len(seen - {None}) >= 2


def test_a_long_text_in_many_rows_is_refused_before_it_is_sent() -> None:
    rows = [warrant(f"W{n}", REGNAME="") for n in range(4_900)]
    rows[0]["REGNAME"] = "山东" + "x" * 60_000
    body = answer(rows, "o_cursor")
    with pytest.raises(PayloadError, match=r"would be made of|for want of|more than 300 MB"):
        limited().parse(request_for("20250716dailystock.dat"), body)
    rows[0]["REGNAME"] = "山东" + "x" * 500
    assert limited().parse(request_for("20250716dailystock.dat"), answer(rows, "o_cursor")).frames["shfe__warehouse_receipts"].height == 4_900


def test_an_answer_is_no_larger_than_it_may_be() -> None:
    assert read(limited(answer_bytes=1_000_000)).frames
    reason, message = refusal(limited(answer_bytes=2_000))
    assert (reason, "more than 2,000 bytes" in message) == ("oversized", True)


def test_a_payload_that_was_accepted_is_read_again_within_twice_as_much(child: Spoil) -> None:
    """The same bytes take now a little more and now a little less: one that was accepted near its limit must not be lost when all is read again."""
    child("held = b'x' * (80 * 2**20)")
    configuration = limited(memory_bytes=60 * 2**20).configuration
    plain = [source for source in sources(configuration) if source.name == "shfe"]
    (first,), (again,) = apart(plain, configuration), apart(plain, configuration, lambda: [hashlib.sha256(LARGE).hexdigest()])
    assert refusal(first)[0] == "too_costly"
    assert read(again).frames["shfe__daily_quotes"].height == 48
    bounds = configuration.limits.parser
    assert bounds.times(2).seconds(400_000) == 2 * bounds.seconds(400_000)


def test_a_file_that_takes_too_much_is_tried_by_one_source_alone(child: Spoil, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    ask = parser.SourceApart._ask
    monkeypatch.setattr(parser.SourceApart, "_ask", lambda self, times, what, *given: (names.append(self.name), ask(self, times, what, *given))[1])
    configuration = Configuration()
    limits = configuration.limits
    object.__setattr__(limits, "parser", replace(limits.parser, wall_seconds=0.05, cpu_seconds=1))
    adopters = [source for source in apart(sources(configuration), configuration) if isinstance(source, Adopter)]
    body = b"x,y\n" * 5_000
    child("pass")
    monkeypatch.setattr(
        parser,
        "COMMAND",
        (
            *parser.COMMAND[:-1],
            parser.COMMAND[-1].replace(
                "parser.main()", "import ingest.vendor as v, time; v.VendorSource.adopt = lambda *_: time.sleep(9); parser.main()"
            ),
        ),
    )
    assert len(adopters) > 1
    assert [source.adopt("x.csv", body) for source in adopters] == [None] * len(adopters)
    assert len(names) == 1
    (last,) = apart([SOURCES[-1]], configuration)
    with pytest.raises(PayloadError, match="took longer than"):
        last.parse(Request("unread", "file", "x.csv", "x.csv"), body)
    assert len(names) == 1


def test_a_child_that_somebody_killed_is_asked_again_once(tmp_path: Path, child: Spoil) -> None:
    killed = f"import os; os.path.exists({str(tmp_path / 'a')!r}) or (os.mkdir({str(tmp_path / 'a')!r}), os.kill(os.getpid(), 9))"
    child(killed)
    assert read(limited()).frames["shfe__daily_quotes"].height == 48
    child("import os; os.kill(os.getpid(), 9)")
    assert "killed twice" in refusal(limited())[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_interrupts_the_parent_does_not_end_the_child(number: int) -> None:
    source = limited()
    process = asked(source)
    os.kill(process.pid, number)
    assert read(source).frames
    assert asked(source) is process


def test_what_a_parser_did_not_foresee_comes_back_as_text_with_its_place(child: Spoil) -> None:
    child("{}['warehouse']")
    with pytest.raises(UnforeseenError, match=r"^KeyError: 'warehouse'$") as caught:
        read(limited())
    assert "in spoilt" in caught.value.place


def test_a_run_says_what_a_parser_did_not_foresee_and_reads_the_next(home: Home, child: Spoil, caplog: pytest.LogCaptureFixture) -> None:
    child("{}['warehouse'] if b'\"ru_f\"' in body else 0")
    other = answer([quote("ru", str(2501 + month)) for month in range(12)] * 4)
    report = home.take(
        delivery(KX, other),
        delivery("kx20250717.dat", answer([quote(month=str(2501 + month)) for month in range(12)] * 4, day=DAY.replace(day=17))),
        sources=feeds_apart(),
    )
    bad, good = report.fetch_log
    assert (bad.outcome, bad.reason, bad.message) == (Outcome.FORMAT_CHANGED, "parser_failed", f"{KX} cannot be read: KeyError: 'warehouse'")
    assert good.outcome is Outcome.OK
    assert "in spoilt" in caplog.text


def test_what_a_parser_prints_is_no_answer(child: Spoil) -> None:
    child("import os; print('x' * 100, flush=True); os.write(1, b'x' * 100)")
    assert read(limited()).frames["shfe__daily_quotes"].height == 48


def test_nothing_is_made_of_an_answer_but_rows(tmp_path: Path, child: Spoil) -> None:
    trap = tmp_path / "trap"
    child(
        f"import os; E = type('E', (), {{'__reduce__': lambda _: (os.mkdir, ({str(trap)!r},))}}); parser._answered = lambda *_: parser._packed('done', E())",
    )
    with pytest.raises(UnforeseenError, match=r"an answer holds posix\.mkdir"):
        _ = read(limited()), read(limited())
    assert not trap.exists()


def test_a_machine_without_the_child_refuses_no_payload(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    parser._CHILD.end()
    monkeypatch.setattr(parser, "COMMAND", (sys.executable, "-I", "-c", "raise SystemExit('no room')"))
    with pytest.raises(NoParserError, match="the process that parses payloads does not start: no room"):
        home.take(delivery(KX, LARGE), sources=feeds_apart())
    assert [attempt.outcome for attempt in home.archive.fetch_log() if attempt.is_failure] == []
    monkeypatch.undo()
    assert home.take(delivery(KX, LARGE), sources=feeds_apart()).fetch_log[0].outcome is Outcome.OK


def test_a_process_that_cannot_be_started_at_all_refuses_no_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    parser._CHILD.end()
    monkeypatch.setattr(parser, "COMMAND", ("/no/such/python",))
    with pytest.raises(NoParserError, match="does not start: No such file or directory"):
        read(limited())


def test_the_next_run_parses_by_its_own_catalogue(tmp_path: Path) -> None:
    def parse() -> Parsed:
        return next(source for source in feeds_apart(tmp_path) if source.name == "shfe").parse(request_for("20250716dailystock.dat"), body)

    body = answer([warrant(f"库{n}") for n in range(200)], "o_cursor")
    assert parse().frames["shfe__warehouse_receipts"].height == 200
    (tmp_path / "exchanges.toml").write_text((SHIPPED / "exchanges.toml").read_text(encoding="utf-8") + "\nx", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"exchanges\.toml"):
        parse()


def test_a_fork_has_a_child_of_its_own() -> None:
    source = limited()
    read(source)
    assert parser._CHILD._talk is not None
    own = parser._CHILD._talk[0].pid
    if not (pid := os.fork()):
        with_child = parser._CHILD._talk
        os._exit(0 if with_child is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert read(source).frames
    assert parser._CHILD._talk[0].pid == own


def test_a_payload_of_some_bytes_goes_there_too_and_those_of_the_sample_do_not(tmp_path: Path) -> None:
    """A label of 50 brackets, or a spreadsheet that packs its headers well, needs few bytes."""
    parser._CHILD.end()
    home = resources.Home(path=str(tmp_path))
    for origin, is_started in ((DataOrigin.SAMPLE, False), (DataOrigin.LIVE, True)):
        source = next(source for source in home.sources(origin) if source.name == "shfe")
        source.parse(request_for(KX), answer([quote()]))
        assert (parser._CHILD._talk is not None) == is_started


def test_a_child_that_was_stopped_is_given_up(monkeypatch: pytest.MonkeyPatch, child: Spoil) -> None:
    monkeypatch.setattr(parser, "_GRACE_SECONDS", 0.2)
    source = limited(wall_seconds=0.3)
    os.kill(asked(source).pid, signal.SIGSTOP)
    assert read(source, LARGE + b" " * 2**20).frames, "another child is asked"
    child("import os; os.kill(os.getpid(), 19)")
    assert "took longer than 0.3 seconds" in refusal(source)[1]


def test_the_child_ends_with_its_parent() -> None:
    source = limited()
    read(source)
    assert parser._CHILD._talk is not None
    process, to, _ = parser._CHILD._talk
    to.close()
    assert process.wait(10) == 0
    parser._CHILD.end()


def test_every_source_of_payloads_is_read_apart_and_is_the_same_otherwise() -> None:
    for plain, elsewhere in zip(SOURCES[1:], feeds_apart(), strict=True):
        assert type(elsewhere) is not type(plain)
        assert hasattr(elsewhere, "adopt") == hasattr(plain, "adopt")
        for name in ("name", "parser_version", "tables", "cadence"):
            assert getattr(elsewhere, name) == getattr(plain, name)
        assert list(elsewhere.requests(date(2025, 7, 16))) == list(plain.requests(date(2025, 7, 16)))
        pickle.dumps(plain)


def test_payloads_of_which_much_is_made_are_written_before_there_are_many(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [warrant(f"W{n}", REGNAME="x" * 9_000) for n in range(40)]
    days = [DAY.replace(day=day) for day in (14, 15, 16, 17, 18)]
    made = [delivery(f"{day:%Y%m%d}dailystock.dat", answer(rows, "o_cursor", day=day)) for day in days]
    monkeypatch.setattr("ingest.flow.FLUSH_BYTES", 500_000)
    assert FLUSH_BYTES > 500_000
    assert {attempt.outcome for attempt in home.take(*made).fetch_log} == {Outcome.OK}
    assert len(list(home.lake.batches())) > 1
