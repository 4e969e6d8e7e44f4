"""The battery itself: it goes on where it was ended, and each case says "bad" where what it is about is broken on purpose.

A case whose trial is a whole run is shown so in tests/pipeline/test_battery.py.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.settings import Settings
from ingest.source import Outcome
from orchestration.home import backup as copies
from serving import seal
from serving.publish import release
from tests.reliability import battery, commands, failing, flips, kills, markup, mutations, readers, surroundings, work
from tests.reliability.battery import Record
from tests.reliability.case import Bench, Case, NotHereError, Step
from tests.reliability.kills import PARTS

FOREVER = float("inf")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench")


def bad(steps: Iterator[Step]) -> list[str]:
    return [what for step in steps for what in step.bad]


# ---------------------------------------------------------------- the runner


def numbers(bench: Bench, steps: range) -> Iterator[Step]:
    for number in steps:
        if number == 2:
            raise KeyError("unforeseen")
        yield Step(10, (f"number {number}",) if number == 3 else ())


def elsewhere(bench: Bench, steps: range) -> Iterator[Step]:
    raise NotHereError("no such machine")
    yield Step(1)


CASES = (
    Case("numbers", "a number", numbers, 5),
    Case("one", "one", lambda _, steps: (Step(1) for _ in steps), 2),
    Case("moon", "a leap", elsewhere, 3),
)


def test_a_step_that_breaks_off_is_bad_and_the_case_goes_on(bench: Bench) -> None:
    records = {case.name: Record(case.full) for case in CASES}
    list(battery.fought(bench, CASES, records, FOREVER))
    assert (records["numbers"].done, records["numbers"].tried) == (5, 41)
    assert records["numbers"].bad == ["step 2 broke off: KeyError: 'unforeseen'", "number 3"]
    assert (records["one"].tried, records["one"].bad) == (2, [])
    assert (records["moon"].tried, records["moon"].not_here) == (0, "no such machine")


def test_the_cases_take_turns_so_that_less_time_leaves_none_out(bench: Bench) -> None:
    records = {name: Record(steps) for name, steps in (("numbers", 4), ("one", 2))}
    order = [name for name, _ in battery.fought(bench, CASES[:2], records, FOREVER)]
    assert order == ["numbers", "one", "numbers", "numbers", "one", "numbers"]
    assert list(battery.fought(bench, CASES[:2], {name: Record(4) for name in records}, time.monotonic())) == []


def test_a_battery_that_was_ended_goes_on_and_its_table_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "reliability.md"
    document.write_text(f"before\n{battery.BEGIN}\nold\n{battery.END}\nafter\n")
    monkeypatch.setattr(battery, "CASES", CASES)
    arguments = ["--folder", str(tmp_path), "--document", str(document), "--jobs", "1"]
    monkeypatch.setattr(battery, "write_atomic", _ends_after(battery.write_atomic, 3))
    with pytest.raises(KeyboardInterrupt):
        battery.main(arguments)
    monkeypatch.undo()
    monkeypatch.setattr(battery, "CASES", CASES)
    results = tmp_path / "full" / "results"
    assert 0 < sum(record.done for record in battery.load(results).values()) < 7
    assert battery.main([*arguments, "--resume"]) == 1
    assert battery.load(results)["numbers"].tried == 41, "no step was done twice"
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| `numbers` | a number | 41 | 2 | 5 of 5 |" in text
    assert "| `moon` | a leap | 0 | 0 | no such machine |" in text
    assert "- `numbers`: number 3" in text
    document.write_text("no marks")
    with pytest.raises(ValueError, match="has no <!-- battery"):
        battery.main([*arguments, "--resume"])


def test_several_jobs_share_the_cases_and_a_job_that_dies_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "reliability.md"
    document.write_text(f"{battery.BEGIN}\n{battery.END}\n")
    monkeypatch.setattr(Bench, "home", lambda _: tmp_path)
    arguments = ["--folder", str(tmp_path), "--document", str(document), "--jobs", "2"]
    monkeypatch.setattr(battery, "CASES", CASES)
    assert battery.main(arguments) == 1
    assert "| `numbers` | a number | 41 | 2 | 5 of 5 |" in document.read_text()
    assert "| `one` | one | 2 | 0 | 2 of 2 |" in document.read_text()
    monkeypatch.setattr(battery, "CASES", (CASES[1], Case("dies", "a death", lambda *_: os._exit(9), 1)))
    assert battery.main(arguments) == 1
    assert "a job of the battery ended with 9" in capfd.readouterr().out


def test_long_cases_are_dealt_to_jobs_of_their_own() -> None:
    cases = [Case(str(minutes), "", numbers, 1, minutes=minutes) for minutes in (1, 9, 5, 3)]
    assert [[case.name for case in job] for job in battery.dealt(cases, 2)] == [["9"], ["5", "3", "1"]]
    assert [len(job) for job in battery.dealt(cases, 9)] == [1] * 4


def _ends_after(write: Any, number: int) -> Any:
    left = [number]

    def once(*arguments: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        write(*arguments)

    return once


def test_no_path_of_the_machine_is_told(tmp_path: Path) -> None:
    record = Record(1, 1, 1, [f"{tmp_path}/house/x and {battery.REPOSITORY}/tests\nand {Path.home()}/y"])
    text = battery.table([CASES[0]], {"numbers": record}, "a machine", tmp_path)
    assert "- `numbers`: FOLDER/house/x and ./tests and ~/y" in text
    assert "| `numbers` | a number | 1 | 1 | 1 of 5 |" in text
    assert "not run" in battery.table([CASES[0]], {}, "a machine", tmp_path)


# ---------------------------------------------------------------- each case on something broken


class Careless(kills.Small):
    """A house in which a run that ends early takes a table with it, and no later run brings it back."""

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        with duckdb.connect(str(self.home / "warehouse.duckdb")) as con:
            con.execute("drop table if exists raw.spot__quotes")
        return subprocess.Popen([sys.executable, "-c", ""], text=True)


def _careless(bench: Bench) -> Careless:
    folder = bench.fresh("careless")
    settings = work.new_home(folder / "home")
    work.take_in(settings, work.write_payloads(folder / "payloads", work.DAYS[:1]))
    return Careless(folder, settings.root)


def test_kills_of_the_command_tell_what_does_not_come_back(bench: Bench) -> None:
    assert bad(kills.commands(bench, range(3, 4), house=_careless)) == ["killed at publishing: raw.spot__quotes is not what it was"]


def test_kills_of_the_work_leave_a_home_whole_and_tell_of_half_a_line(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(kills.parts(bench, range(len(PARTS)))) == [Step(1)] * len(PARTS)

    def half_a_line(home: Path, payloads: Path, *_: object) -> tuple[bool, float]:
        settings = Settings(home=home)
        work.commit(settings, payloads)
        with (settings.lake / "manifest.jsonl").open("ab") as file:
            file.write(b"half a line\n")
        return True, 0.0

    monkeypatch.setattr(kills, "_cut_off", half_a_line)
    (step,) = kills.parts(bench, range(1, 2))
    assert any("manifest.jsonl" in what for what in step.bad)


@pytest.mark.full
def test_failing_calls_leave_a_home_whole_and_a_seal_that_hides_them_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (step,) = failing.calls(bench, range(3, 4))
    assert step.tried >= 4
    assert step.bad == ()

    def hides(*arguments: Any) -> None:
        with suppress(OSError):
            seal.seal(*arguments)

    monkeypatch.setattr(release, "seal", hides)
    monkeypatch.setattr(failing, "PLACES", {"write": failing.PLACES["write"]})
    assert any("manifest.json is missing" in what for what in bad(failing.calls(bench, range(4))))


@pytest.mark.full
def test_a_full_disk_leaves_a_home_whole_and_debris_is_seen(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = failing.ROOM.index(256)  # enough to take in, too little to publish
    some_room = range(place, place + 1)
    try:
        assert list(failing.full_disk(bench, some_room)) == [Step(1)]
    except NotHereError as reason:
        pytest.skip(str(reason))
    (tmp_path / "sitecustomize.py").write_text("from serving.publish import release\nrelease.remove = lambda folder: None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert any(".building-" in what for what in bad(failing.full_disk(bench, some_room)))


def test_a_backup_that_forgets_it_was_cut_off_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(failing.backups(bench, range(3, 4))) == [Step(2)]
    monkeypatch.setattr(copies, "half_a_home", lambda _: "")
    assert any("half a home passes for a whole one" in what for what in bad(failing.backups(bench, range(3, 4))))


def test_a_parser_that_raises_what_it_likes_or_refuses_without_a_reason_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def parse(self, *_: object) -> None:
            raise KeyError("VARID")

    name = "shfe/dailystock/dat"
    monkeypatch.setitem(mutations.BY_NAME, "shfe", Broken())  # type: ignore[arg-type]
    assert mutations.attack(name, range(2)).bad == [f"{name} mutation {number}: KeyError: 'VARID'" for number in range(2)]
    monkeypatch.setattr(mutations, "read", lambda *_: Outcome.OK)
    assert mutations.attack(name, range(1)).bad == [f"{name} mutation 0: refused as ok"]


def test_no_session_is_an_answer_of_a_week_without_a_stock_report_alone() -> None:
    stock, other = (mutations.SEEDS[f"shfe/{feed}/dat"][0] for feed in ("weeklystock", "dailystock"))
    is_told = mutations.is_week_without_report
    assert is_told(stock, b'{"o_cursor": []}', Outcome.NO_SESSION)
    assert not is_told(stock, b'{"o_cursor": [{"VARID": "ao"}]}', Outcome.NO_SESSION)
    assert not is_told(stock, b'{"o_cursor": []}', Outcome.UNCHANGED)
    assert not is_told(other, b'{"o_cursor": []}', Outcome.NO_SESSION)


def test_readers_see_a_link_that_is_gone_for_a_moment(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_two_steps(settings: Any, release_id: str) -> None:
        settings.serving.unlink(missing_ok=True)
        time.sleep(0.5)
        settings.serving.symlink_to(Path("releases") / release_id)

    monkeypatch.setattr(release, "point_serving_at", in_two_steps)
    assert readers.hammer(tmp_path / "home", publishes=3, readers=2).errors != ()


PAGE = '<html><body><script>own()</script><p>{}</p><script data-chart="x">{{"rows": "{}"}}</script></body></html>'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<script>x</script>", "a script: x"),
        ("<img src=x>", "an element img"),
        ("<b onclick=x>", "a handler onclick"),
        ("<a href=' JavaScript:x'>", "an address"),
    ],
)
def test_markup_that_got_into_a_page_is_seen(text: str, told: str) -> None:
    plain = PAGE.format("plain", "plain")
    assert markup.foreign(PAGE.format("other", "other"), plain) == []
    assert any(told in what for what in markup.foreign(PAGE.format(text, "plain"), plain))
    assert any("data that is cut off" in what for what in markup.foreign(PAGE.format("plain", "</script>"), plain))


def test_a_secret_is_found_wherever_it_stands(tmp_path: Path) -> None:
    secret = surroundings.canaries()["PGPASSWORD"]
    rows = f"select 'x' as a, {{'y': repeat('{secret}', 2)}} as b from range(5000)"
    with duckdb.connect(str(tmp_path / "a.duckdb")) as con:
        con.execute(f"create schema s; create table s.t as {rows}; copy s.t to '{tmp_path / 'a.parquet'}' (compression zstd)")
        con.execute(f"copy (select 1 as a) to '{tmp_path / 'clean.parquet'}'")
    (tmp_path / "run.log").write_text(f"asked {secret} for it")
    assert surroundings.holders(tmp_path) == [f"it stands in {name}" for name in ("a.duckdb", "a.parquet", "run.log")]


def test_who_asks_for_an_address_is_told(tmp_path: Path) -> None:
    code = "import socket, contextlib\nwith contextlib.suppress(OSError): socket.create_connection(('192.0.2.1', 80), timeout=1)"
    assert "192.0.2.1" in surroundings.apart_run([sys.executable, "-c", code], tmp_path, tmp_path / "calls.txt")[0]
    assert surroundings.apart_run([sys.executable, "-c", "raise SystemExit('no')"], tmp_path, tmp_path / "none.txt") == ["failed: no"]


def test_flips_are_seen_and_a_seal_nobody_looks_at_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (step,) = flips.bits(bench, range(1))
    assert step.tried > 15
    assert step.bad == ()
    monkeypatch.setattr(seal, "_fault", lambda *_: "")
    assert any("alumina.duckdb flipped and nobody saw it" in what for what in bad(flips.bits(bench, range(1))))


def test_a_test_that_fails_is_what_was_bad(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "test_writers.py"
    file.write_text("import os\n\ndef test_rounds() -> None:\n    assert os.environ['STRESS_ROUNDS'] == '2'\n")
    assert list(commands.tests(bench, range(1), str(file), "rounds", STRESS_ROUNDS="2")) == [Step(1)]
    assert "test_rounds" in bad(commands.tests(bench, range(1), str(file), "rounds", STRESS_ROUNDS="1"))[0]
    assert "pytest ended with 5" in bad(commands.tests(bench, range(1), str(file), "nothing_of_that_name"))[0]
    with pytest.raises(NotHereError):
        list(commands.tests(bench, range(1), "tests/unit/test_of_tomorrow.py", "x"))


def test_a_text_that_a_declared_key_refuses_is_refused_with_the_release_and_leaves_it_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup.page, "render", lambda con, _: con.execute("select string_agg(a || b) from t").fetchall()[0][0])
    with duckdb.connect() as con:
        con.execute("create table t (a varchar primary key, b varchar); insert into t values ('1', 'x'), ('2', 'x')")
        assert markup.with_texts(con, {"t.a": "<b>"}) is None
        assert markup.with_texts(con, {"t.b": "<b>"}) == "1<b>,2<b>"
        assert con.execute("select a, b from t order by a").fetchall() == [("1", "x"), ("2", "x")]
