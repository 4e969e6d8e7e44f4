"""The inbox: what is dropped ends in `archived/` or, with a reason, in `refused/`; nothing is lost, followed or half read."""

import io
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from feeds import QUOTE_HEADER, Home, answer, csv_file, quote, warrant

from ingest import dropped
from ingest.catalog.configuration import Configuration
from ingest.dropped import examine, refuse_inbox, take_in
from ingest.home import MixedHomeError
from ingest.inbox import Inbox, InboxError, safe_name
from ingest.origins import InboxOrigin, ReplayOrigin
from ingest.source import ConfigurationError, DataOrigin, Outcome
from ingest.sources import SOURCES, sources
from ingest.storable import storable

FEEDS = SOURCES[1:]
GOOD = csv_file("2025-07-16,山东氧化铝,3080,3120,3100,,元/吨,SMM-AO-SPOT-SHANDONG,SMM,山东,日,2025-07-16 11:40", header=QUOTE_HEADER)
HALF = GOOD + "2025-07-13,山东氧化铝,3080,3120,3100,,元/吨,SMM-AO-SPOT-SHANDONG,SMM,山东,日,\n".encode()  # a Sunday
NAME = "smm_spot_price_20250716.csv"


@pytest.fixture
def inbox(home: Home) -> Inbox:
    home.settings.inbox.mkdir(parents=True)
    return Inbox(home.settings.inbox, home.settings.inbox_settle_seconds)


def drop(inbox: Inbox, name: str, body: bytes = GOOD, age: float = 60) -> Path:
    path = inbox.folder / name
    path.write_bytes(body)
    os.utime(path, (time.time() - age,) * 2)
    return path


def run(home: Home, run_id: str = "run") -> list[Outcome]:
    known = sources(Configuration(home.settings.catalog_overlay))
    return [receipt.outcome for receipt in take_in(known[1:], known, home.settings, run_id).fetch_log]


def tree(inbox: Inbox) -> list[str]:
    return sorted(path.relative_to(inbox.folder).as_posix() for path in inbox.folder.rglob("*") if not path.is_dir() or path.is_symlink())


def month() -> str:
    from datetime import datetime

    from ingest.source import SHANGHAI

    return f"{datetime.now(SHANGHAI):%Y-%m}"


# ---------------------------------------------------------------- the way of a file


def test_a_good_file_is_taken_and_filed_under_its_month(home: Home, inbox: Inbox) -> None:
    drop(inbox, NAME)
    assert run(home) == [Outcome.OK]
    assert tree(inbox) == [f"archived/{month()}/{NAME}"]
    assert (inbox.folder / "archived" / month() / NAME).read_bytes() == GOOD
    (receipt,) = home.fetch_log()
    assert receipt.data_origin is DataOrigin.FILES
    assert home.archive.get(receipt.payload_sha256 or "") == GOOD
    assert home.rows("spot__quotes").select("value", "data_origin").row(0) == (3100, "files")


@pytest.mark.parametrize(
    ("name", "body", "broken"),
    [
        (NAME, GOOD, "calendar.toml"),
        ("acme_bars_20250716.csv", b"contract,event_ts,open,high,low,close,volume,oi\nao2509,2025-07-16 09:01,1,1,1,1,1,1\n", "commodities/xx.toml"),
    ],
)
def test_a_broken_catalogue_refuses_no_file_and_names_itself(home: Home, inbox: Inbox, name: str, body: bytes, broken: str) -> None:
    file = home.settings.catalog_overlay / broken
    file.parent.mkdir(parents=True)
    file.write_text("x = ", encoding="utf-8")
    drop(inbox, name, body)
    with pytest.raises(ConfigurationError, match=f"^catalogue file {broken}, line 1: .+"):
        run(home)
    assert tree(inbox) == [name]
    file.unlink()
    assert run(home) == [Outcome.OK]
    assert tree(inbox) == [f"archived/{month()}/{name}"]


def test_a_bad_file_lies_beside_the_sentence_that_says_what_to_do(home: Home, inbox: Inbox) -> None:
    bad = GOOD.replace(b",SMM,", ",某网,".encode())
    drop(inbox, NAME, bad)
    assert run(home) == [Outcome.NOT_DATA]
    assert tree(inbox) == [f"refused/{NAME}", f"refused/{NAME}.reason.txt"]
    assert (inbox.folder / "refused" / NAME).read_bytes() == bad
    first, second = (inbox.folder / "refused" / f"{NAME}.reason.txt").read_text().splitlines()
    assert "source '某网' is none that is known" in first
    assert "drop it into the inbox again" in second


def test_rows_that_were_not_taken_are_listed_though_the_file_was(home: Home, inbox: Inbox) -> None:
    drop(inbox, NAME, HALF)
    assert run(home) == [Outcome.OK]
    assert tree(inbox) == [f"archived/{month()}/{NAME}", f"refused/{NAME}.reason.txt"]
    note = (inbox.folder / "refused" / f"{NAME}.reason.txt").read_text()
    assert f"{NAME} was taken, 1 of its rows were not" in note
    assert f"archived/{month()}/{NAME}" in note
    assert "no_session: line 3: 2025-07-13 is not a trading day" in note


@pytest.mark.parametrize(
    ("name", "body", "word"),
    [
        ("holiday photos.zip", b"PK\x03\x04", "no source of this warehouse reads a file of this name"),
        ("kx20250716.dat", answer([quote(SETTLEMENTPRICE="")]), "final"),
        ("smm_spot_price_20250716.xlsx", b"<html><table></table></html>", "not the xlsx its name promises"),
        ("smm_spot_price_20250717.csv", b"PK\x03\x04not a csv", "not the text its name promises"),
        ("smm_spot_price_20250718.csv", b"", "empty"),
    ],
)
def test_every_refusal_says_why(home: Home, inbox: Inbox, name: str, body: bytes, word: str) -> None:
    drop(inbox, name, body)
    (outcome,) = run(home)
    assert outcome not in (Outcome.OK, Outcome.UNCHANGED)
    assert word in (inbox.folder / "refused" / f"{name}.reason.txt").read_text()
    assert (inbox.folder / "refused" / name).read_bytes() == body


def test_files_of_every_source_go_the_same_way(home: Home, inbox: Inbox) -> None:
    drop(inbox, "20250716dailystock.dat", answer([warrant(), warrant(name="总计", level="2")], key="o_cursor"))
    drop(
        inbox,
        "acme_bars_20250716.csv",
        csv_file("ao2509,2025-07-16 10:00,3150,3160,3140,3155,1,2", header="contract,event_ts,open,high,low,close,volume,oi"),
    )
    assert run(home) == [Outcome.OK, Outcome.OK]
    assert home.rows("shfe__warehouse_receipts").height == 2
    assert home.rows("bars__prices").height == 1


def test_a_source_takes_only_its_own_files(home: Home, inbox: Inbox) -> None:
    drop(inbox, NAME)
    drop(inbox, "unknown.bin", b"x")
    spot = next(source for source in SOURCES if source.name == "spot")
    assert len(take_in([spot], SOURCES, home.settings, "run").fetch_log) == 1
    assert [entry.name for entry in inbox.entries()] == ["unknown.bin"]


# ---------------------------------------------------------------- again, and after a crash


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_overwritten(home: Home, inbox: Inbox) -> None:
    for expected in ([Outcome.OK], [Outcome.UNCHANGED]):
        drop(inbox, NAME)
        assert run(home) == expected
    stem = NAME.removesuffix(".csv")
    drop(inbox, NAME, GOOD.replace(b"3080", b"3090"))
    assert run(home) == [Outcome.OK]
    assert tree(inbox) == [
        f"archived/{month()}/{stem}-2.csv", f"archived/{month()}/{stem}-3.csv", f"archived/{month()}/{stem}-3.csv.note.txt", f"archived/{month()}/{NAME}",
    ]  # fmt: skip
    for _ in range(2):
        drop(inbox, "x.bin", b"x")
        run(home)
    assert [name for name in tree(inbox) if "refused" in name] == [
        "refused/x-2.bin", "refused/x-2.bin.reason.txt", "refused/x.bin", "refused/x.bin.reason.txt",
    ]  # fmt: skip


def test_a_crash_between_taking_in_and_filing_heals_on_the_next_run(home: Home, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(inbox, NAME, HALF)
    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "file_away", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(home)
    assert tree(inbox) == [NAME]
    assert run(home, "again") == [Outcome.UNCHANGED]
    assert tree(inbox) == [f"archived/{month()}/{NAME}", f"refused/{NAME}.reason.txt"]
    assert home.rows("spot__quotes").height == 1


def test_a_crash_before_the_lake_leaves_the_file_for_the_next_run(home: Home, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(inbox, NAME)
    with monkeypatch.context() as patch:
        patch.setattr("ingest.lake.Lake.commit", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            run(home)
    assert tree(inbox) == [NAME]
    assert run(home) == [Outcome.UNCHANGED], "it was acknowledged when it was in hand"
    assert home.rows("spot__quotes").height == 1
    assert tree(inbox) == [f"archived/{month()}/{NAME}"]


def test_a_file_replaced_while_it_was_taken_in_is_left_for_the_next_run(home: Home, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    path, file_away = drop(inbox, NAME), Inbox.file_away

    def replaced(self: Inbox, *arguments: object) -> Path | None:
        path.write_bytes(GOOD.replace(b"3080", b"3090"))
        return file_away(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Inbox, "file_away", replaced)
    run(home)
    assert tree(inbox) == [NAME]


def test_rebuilding_keeps_what_came_by_hand_apart_from_what_came_live(home: Home, inbox: Inbox) -> None:
    drop(inbox, NAME)
    run(home)
    receipts = home.fetch_log()
    origin = ReplayOrigin(home.archive)
    assert [response.data_origin for _, response in origin.deliveries(FEEDS)] == [receipts[0].data_origin] == [DataOrigin.FILES]


# ---------------------------------------------------------------- when a file counts


def still() -> Callable[[float], None]:
    return lambda _: None


def test_unfinished_and_hidden_files_do_not_count(home: Home, inbox: Inbox) -> None:
    for name in (f"{NAME}.part", f"{NAME}.PART", ".hidden.csv", "~$smm_spot_price_20250716.xlsx", f"{NAME}.crdownload"):
        drop(inbox, name)
    assert inbox.entries() == []
    assert run(home) == []
    (inbox.folder / f"{NAME}.part").rename(inbox.folder / NAME)
    assert run(home) == [Outcome.OK]


def test_a_file_just_written_is_watched_and_one_that_grows_waits(inbox: Inbox) -> None:
    path = drop(inbox, NAME, age=0)
    slept: list[float] = []

    def grow(seconds: float) -> None:
        slept.append(seconds)
        with path.open("ab") as file:
            file.write(b"more")

    growing = Inbox(inbox.folder, 2.0, sleep=grow)
    assert list(InboxOrigin(growing, SOURCES).deliveries(FEEDS)) == []
    assert slept == [2.0]
    quiet = Inbox(inbox.folder, 2.0, sleep=slept.append)
    assert len(list(InboxOrigin(quiet, SOURCES).deliveries(FEEDS))) == 1
    assert slept == [2.0, 2.0]
    os.utime(path, (time.time() - 3,) * 2)
    assert len(list(InboxOrigin(quiet, SOURCES).deliveries(FEEDS))) == 1
    assert slept == [2.0, 2.0], "left alone long enough already"


def test_a_clock_that_runs_ahead_is_met_by_watching(inbox: Inbox) -> None:
    drop(inbox, NAME, age=-86_400)
    slept: list[float] = []
    assert len(list(InboxOrigin(Inbox(inbox.folder, 2.0, sleep=slept.append), SOURCES).deliveries(FEEDS))) == 1
    assert slept == [2.0]


def test_many_files_of_a_clock_that_runs_ahead_are_watched_together(inbox: Inbox) -> None:
    for number in range(5):
        drop(inbox, f"smm_spot_price_2025071{number}.csv", age=-86_400)
    slept: list[float] = []
    assert len(list(InboxOrigin(Inbox(inbox.folder, 2.0, sleep=slept.append), SOURCES).deliveries(FEEDS))) == 5
    assert slept == [2.0]


def test_a_file_that_changes_between_looking_and_reading_waits(inbox: Inbox) -> None:
    path = drop(inbox, NAME)
    (entry,) = inbox.entries()
    path.write_bytes(GOOD + b"\n")
    assert inbox.read(entry) is None
    path.unlink()
    assert inbox.read(entry) is None
    path.mkdir()
    assert inbox.read(entry) is None
    assert not Inbox(inbox.folder, 2.0, now=lambda: 0.0, sleep=still()).settled([entry])


# ---------------------------------------------------------------- hostile things


def test_a_link_is_moved_and_never_followed(home: Home, inbox: Inbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(GOOD)
    (inbox.folder / NAME).symlink_to(secret)
    assert run(home) == [Outcome.NOT_DATA]
    assert (inbox.folder / "refused" / NAME).is_symlink()
    assert "links are not followed" in (inbox.folder / "refused" / f"{NAME}.reason.txt").read_text()
    assert secret.read_bytes() == GOOD
    assert not home.rows("spot__quotes").height


def test_a_link_put_in_place_of_a_file_after_it_was_seen_is_not_followed(inbox: Inbox, tmp_path: Path) -> None:
    path = drop(inbox, NAME)
    (entry,) = inbox.entries()
    path.unlink()
    path.symlink_to(tmp_path / "secret.csv")
    response = inbox.read(entry)
    assert response is None or response.error


def test_a_pipe_does_not_hold_the_run_up(home: Home, inbox: Inbox) -> None:
    os.mkfifo(inbox.folder / NAME)
    assert run(home) == [Outcome.NOT_DATA]
    assert "not a regular file" in (inbox.folder / "refused" / f"{NAME}.reason.txt").read_text()


def test_a_huge_file_is_refused_unread(home: Home, inbox: Inbox) -> None:
    path = inbox.folder / NAME
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # sparse
    os.utime(path, (0, 0))
    assert run(home) == [Outcome.NOT_DATA]
    assert "larger than" in (inbox.folder / "refused" / f"{NAME}.reason.txt").read_text()
    assert (inbox.folder / "refused" / NAME).stat().st_size == 5 * 2**30


def test_a_bomb_is_refused_and_kept(home: Home, inbox: Inbox) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * 50_000_000)
    drop(inbox, "smm_spot_price_20250716.xlsx", buffer.getvalue())
    assert run(home) == [Outcome.NOT_DATA]
    assert "would inflate" in (inbox.folder / "refused" / "smm_spot_price_20250716.xlsx.reason.txt").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "a\nb\x1b[31mred.csv",
        "invoice\u202excod.exe",
        "x..\\..\\etc\\passwd",
        "x" * 240 + ".csv",
        "氧" * 80 + ".csv",
        "-rf",
        "[bold]x.csv",
        b"\xff\xfe.csv".decode("utf-8", "surrogateescape"),
        "$(reboot).csv",
        "CON.csv ",
    ],
)
def test_a_hostile_name_is_data_and_nothing_else(home: Home, inbox: Inbox, name: str) -> None:
    drop(inbox, name, b"x")
    assert run(home) == [Outcome.NOT_DATA]
    (receipt,) = home.fetch_log()
    for text in (receipt.request_name, receipt.request_key, receipt.message, *tree(inbox)):
        assert storable(text) == text
        text.encode()
    refused = [path for path in (inbox.folder / "refused").iterdir() if not path.name.endswith(".reason.txt")]
    assert [path.read_bytes() for path in refused] == [b"x"]
    note = (inbox.folder / "refused" / f"{refused[0].name}.reason.txt").read_text()
    assert name == refused[0].name or ascii(name) in note
    assert list(inbox.folder.parent.rglob("passwd")) == []


@pytest.mark.parametrize(("name", "safe"), [("..", "_"), ("../../x", "_.._x"), ("a/b.csv", "a_b.csv"), ("", "_"), ("ok 文件.csv", "ok 文件.csv")])
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_two_names_that_become_one_when_made_safe_are_both_kept(home: Home, inbox: Inbox) -> None:
    drop(inbox, "a\x01.bin", b"1")
    drop(inbox, "a\x02.bin", b"2")
    run(home)
    assert {(inbox.folder / "refused" / name).read_bytes() for name in ("a_.bin", "a_-2.bin")} == {b"1", b"2"}


def test_a_folder_that_was_made_a_link_is_not_filed_into(home: Home, inbox: Inbox, tmp_path: Path) -> None:
    (inbox.folder / "archived").symlink_to(tmp_path)
    drop(inbox, NAME)
    drop(inbox, "what.bin", b"x")
    known = sources(Configuration(home.settings.catalog_overlay))
    report = take_in(known[1:], known, home.settings, "run")
    # Who may write the inbox stops nothing else: the rows are taken, the other file is filed away, and what stands in the way is told.
    assert {attempt.outcome for attempt in report.fetch_log} == {Outcome.OK, Outcome.NOT_DATA}
    assert [note for note in report.notes if note.startswith(f"{NAME} stays in the inbox: {inbox.folder / 'archived'} is a link; remove it")]
    assert (inbox.folder / NAME).is_file()
    assert (inbox.folder / "refused" / "what.bin").is_file()
    assert list(tmp_path.glob("20*")) == []
    assert len(list(inbox.in_the_way())) == 1
    with pytest.raises(InboxError, match="is a link"):
        inbox._free(Path("archived"), NAME)


@pytest.mark.parametrize("name", ["archived", "refused"])
def test_a_file_that_has_the_name_of_a_folder_is_named(home: Home, inbox: Inbox, name: str) -> None:
    drop(inbox, name)
    drop(inbox, NAME, GOOD if name == "archived" else b"x")
    known = sources(Configuration(home.settings.catalog_overlay))
    (note,) = [note for note in take_in(known[1:], known, home.settings, "run").notes if note.startswith(NAME)]
    assert f"{name} is no folder; move it elsewhere" in note
    assert (inbox.folder / NAME).is_file()
    assert [why for why in inbox.in_the_way() if f"{name} is no folder" in why]


def test_of_a_million_files_a_run_looks_at_the_first_and_says_so(home: Home, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        drop(inbox, f"{number}.bin", b"x")
    monkeypatch.setattr("ingest.dropped.inbox_of", lambda _settings: replace(inbox, most=3))
    known = sources(Configuration(home.settings.catalog_overlay))
    report = take_in(known[1:], known, home.settings, "run")
    assert len(report.fetch_log) == 3
    assert report.notes == [f"{inbox.folder} holds more than 3 files: those behind them, by name, wait for the next run"]
    assert sorted(path.name for path in inbox.folder.glob("*.bin")) == ["3.bin", "4.bin", "5.bin", "6.bin"]
    assert [len(take_in(known[1:], known, home.settings, f"run {number}").fetch_log) for number in (2, 3)] == [3, 1]


def test_of_a_note_that_someone_made_endless_no_more_than_the_beginning_is_read(inbox: Inbox) -> None:
    folder = inbox.folder / "archived" / month()
    folder.mkdir(parents=True)
    with (folder / "huge.csv.note.txt").open("wb") as file:
        file.write(b"one remark\n")
        file.truncate(2**36)  # no room on disk: a hole
    ((name, lines),) = inbox.notes(0.0)
    assert (name, lines[0]) == ("huge.csv", "one remark")
    assert sum(map(len, lines)) < 2**20


def test_what_lies_among_the_reasons_and_is_none_is_neither_followed_nor_waited_for(home: Home, inbox: Inbox, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    (inbox.folder / "link.reason.txt").symlink_to(tmp_path / "secret")
    os.mkfifo(inbox.folder / "pipe.reason.txt")
    run(home)
    (inbox.folder / "refused" / "folder.reason.txt").mkdir()
    (inbox.folder / "archived" / month()).mkdir(parents=True)
    os.mkfifo(inbox.folder / "archived" / month() / "pipe.note.txt")
    told = dict(inbox.refusals())
    assert sorted(told) == ["link.reason.txt", "pipe.reason.txt"]
    assert "hunter2" not in str(told)
    assert list(inbox.notes(0.0)) == []


def test_folders_are_left_alone_and_named(home: Home, inbox: Inbox) -> None:
    (inbox.folder / "mine").mkdir()
    (inbox.folder / "mine" / NAME).write_bytes(GOOD)
    assert run(home) == []
    assert inbox.folders() == ["mine"]
    assert (inbox.folder / "mine" / NAME).is_file()


def test_a_formula_in_a_file_is_text(home: Home, inbox: Inbox) -> None:
    drop(inbox, NAME, GOOD.replace("山东氧化铝".encode(), b"=cmd|'/c calc'!A1"))
    run(home)
    assert home.rows("spot__quotes")["series_name"].to_list() == ["=cmd|'/c calc'!A1"]


# ---------------------------------------------------------------- homes, and trying a file out


def test_a_home_of_the_sample_refuses_the_inbox_and_touches_nothing(home: Home, inbox: Inbox) -> None:
    refuse_inbox(home.settings)  # an empty one is no trouble
    drop(inbox, NAME)
    with pytest.raises(MixedHomeError, match="set ALUMINA_HOME to another folder"):
        refuse_inbox(home.settings)
    assert tree(inbox) == [NAME]


def test_a_home_without_an_inbox_has_an_empty_one(home: Home) -> None:
    assert run(home) == []
    assert not home.settings.inbox.exists()


def test_trying_a_file_out_says_what_would_be_read_and_leaves_no_trace(home: Home, inbox: Inbox) -> None:
    path = drop(inbox, NAME, HALF)
    before = path.stat()
    found = examine(path, SOURCES)
    assert found.is_useful
    assert (found.attempt.source, found.attempt.feed) == ("spot", "spot_price")
    (table,) = found.tables
    assert (table.table, table.rows, table.series, str(table.first), str(table.last)) == ("spot__quotes", 1, 1, "2025-07-16", "2025-07-16")
    (row,) = found.refused
    assert "no_session: line 3" in row
    assert tree(inbox) == [NAME]
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert not home.settings.archive.exists()
    assert not home.settings.lake.exists()


def test_trying_out_a_file_that_would_be_refused_says_so(inbox: Inbox, tmp_path: Path) -> None:
    found = examine(drop(inbox, NAME, b"<html>"), SOURCES)
    assert not found.is_taken
    assert found.attempt.message
    only_sunday = csv_file("2025-07-13,山东氧化铝,3080,3120,3100,,元/吨,SD,SMM,山东,日,", header=QUOTE_HEADER)
    found = examine(drop(inbox, NAME, only_sunday), SOURCES)
    assert found.is_taken
    assert not found.is_useful
    for missing in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(OSError, match=r"nothing\.csv|folder"):
            examine(missing, SOURCES)


def test_the_settings_say_how_long_a_file_must_rest(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest.settings import Settings

    monkeypatch.setenv("ALUMINA_INBOX_SETTLE_SECONDS", "7.5")
    assert dropped.inbox_of(Settings()).settle_seconds == 7.5
    assert home.settings.inbox == home.settings.root / "inbox"


def test_the_command_says_in_words_what_would_become_of_a_file(home: Home, inbox: Inbox) -> None:
    def command(*arguments: str) -> tuple[int, str, str]:
        environment = os.environ | {"ALUMINA_HOME": str(home.settings.root), "COLUMNS": "80"}
        done = subprocess.run(
            [str(Path(sys.executable).with_name("alumina")), "inbox", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    path = drop(inbox, NAME, HALF)
    code, said, complained = command("check", str(path))
    assert (code, complained) == (0, "")
    assert "source spot, feed spot_price" in said
    assert "spot__quotes: 1 rows of 1 series, 2025-07-16 to 2025-07-16" in said
    assert "no_session: line 3" in said
    many = [f"2025-07-{day:02d},series {number},3000,元/吨,ID{number},SMM" for number in range(30) for day in (12, 13, 14, 15, 16, 19, 20, 26, 27)]
    long = drop(inbox, "smm_spot_price_20250729.csv", csv_file(*many, header="日期,名称,均价,单位,指标ID,数据来源"))
    code, said, _ = command("check", str(long))
    assert (code, said.count("no_session: ")) == (0, 180), "Saturdays and Sundays; from 200 on they are counted"
    more = [
        *many,
        *(line.replace("2025-07", "2025-08").replace("-12,", "-09,").replace("-13,", "-10,") for line in many if "-12," in line or "-13," in line),
    ]
    long.write_bytes(csv_file(*more, header="日期,名称,均价,单位,指标ID,数据来源"))
    code, said, _ = command("check", str(long))
    assert (code, said.count("no_session: "), "and 40 more" in said) == (0, 200, True)
    long.unlink()
    drop(inbox, "junk\x1b[31m.bin", b"x")
    code, _, complained = command("check", str(inbox.folder / "junk\x1b[31m.bin"))
    assert code == 1
    assert "would be refused (not_data, no_reader)" in complained
    assert "\x1b[31m.bin" not in complained
    code, _, complained = command("check", str(inbox.folder / "nothing.csv"))
    assert code == 1
    assert "cannot be read: No such file or directory" in complained
    assert len(tree(inbox)) == 2
    assert "2 files waiting for the next run" in command("list")[1]
    run(home)
    _, said, _ = command("list")
    assert "0 files waiting" in said
    assert f"! {NAME}: {NAME} was taken, 1 of its rows were not" in said
