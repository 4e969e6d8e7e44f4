"""A journal proves itself: whatever is not as it was written is seen, and only what a cut-off write left is passed over."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import files as files_module
from ingest import journal as journal_module
from ingest.journal import Journal, JournalError, sealed

ROWS = [json.dumps({"n": n, "text": "挑战页"}) for n in range(3)]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "log", "*.jsonl", tmp_path / "log.lock", tmp_path / "log.length")


def again(journal: Journal) -> Journal:
    """The same files, read by somebody who remembers nothing."""
    return Journal(journal.folder, journal.pattern, journal.folder.with_name("log.lock"), journal.folder.with_name("log.length"))


def rows(journal: Journal) -> list[str]:
    return [line.decode() for line in again(journal).read()]


def write(journal: Journal, *names: str) -> list[Path]:
    for row, name in zip(ROWS, names, strict=True):
        journal.append([row], name)
    return journal.files


def test_rows_are_read_as_they_were_appended_and_each_line_stays_json(journal: Journal) -> None:
    journal.append(ROWS[:2], "a.jsonl")
    again(journal).append(ROWS[2:], "a.jsonl")
    assert rows(journal) == ROWS == [line.decode() for line in journal.read()]
    (file,) = journal.files
    assert [{"n": json.loads(line)["n"], "text": "挑战页"} for line in file.read_text().splitlines()] == [json.loads(row) for row in ROWS]


def test_nothing_is_nothing(journal: Journal) -> None:
    journal.append([], "a.jsonl")
    assert rows(journal) == []
    assert not journal.folder.exists()


def test_order_is_that_of_appending_also_where_a_name_would_come_earlier(journal: Journal) -> None:
    first, second = write(journal, "2025-07.jsonl", "2025-08.jsonl", "2024-01.jsonl")
    assert (first.name, second.name) == ("2025-07.jsonl", "2025-08.jsonl")
    assert rows(journal) == ROWS


def test_every_flipped_bit_is_seen_and_names_its_file(journal: Journal) -> None:
    for file in write(journal, "a.jsonl", "a.jsonl", "b.jsonl"):
        whole = file.read_bytes()
        for place in range(len(whole)):
            for bit in range(8) if whole[place : place + 1] == b"\n" else (place % 8,):
                body = bytearray(whole)
                body[place] ^= 1 << bit
                file.write_bytes(bytes(body))
                assert {fault.path for fault in again(journal).faults()} >= {file}, (file.name, place, bit)
                with pytest.raises(JournalError, match=str(file)):
                    again(journal).read()
        file.write_bytes(whole)
    assert rows(journal) == ROWS


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [lines[0], lines[2]],
        lambda lines: [lines[1], lines[2]],
        lambda lines: [lines[0], lines[0], lines[1], lines[2]],
        lambda lines: [lines[0], lines[2], lines[1]],
        lambda lines: [lines[0], b"\n", lines[1], lines[2]],
        lambda lines: [lines[0], b"\n"],
    ],
    ids=["lost", "first lost", "doubled", "moved", "empty", "empty at the end"],
)
def test_a_lost_a_doubled_and_a_moved_line_are_seen(journal: Journal, damage: Callable[[list[bytes]], list[bytes]]) -> None:
    (file,) = write(journal, "a.jsonl", "a.jsonl", "a.jsonl")
    file.write_bytes(b"".join(damage(file.read_bytes().splitlines(keepends=True))))
    with pytest.raises(JournalError, match=str(file)):
        rows(journal)


def test_a_lost_file_between_others_is_seen(journal: Journal) -> None:
    _, second, third = write(journal, "a.jsonl", "b.jsonl", "c.jsonl")
    second.unlink()
    with pytest.raises(JournalError, match=str(third)):
        rows(journal)


def test_what_a_cut_off_write_left_is_passed_over_and_taken_away_by_the_next(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    (file,) = write(journal, "a.jsonl", "a.jsonl", "a.jsonl")
    whole = file.read_bytes()
    begin = whole.rindex(b"\n", 0, -1) + 1
    for length in range(begin, len(whole) - 1):
        file.write_bytes(whole[:length])
        journal.forget_length()  # a write that was cut off noted none
        assert rows(journal) == ROWS[:2], length
        again(journal).append(ROWS[2:], "a.jsonl")
        assert file.read_bytes() == whole, length
    assert "an interrupted write left" in caplog.text
    file.write_bytes(whole[:-1])  # all but the line break: it is whole
    assert rows(journal) == ROWS
    again(journal).append(ROWS[:1], "a.jsonl")
    assert rows(journal) == [*ROWS, ROWS[0]]


def test_what_a_cut_off_write_left_is_taken_away_before_a_new_file_begins(journal: Journal) -> None:
    (file,) = write(journal, "a.jsonl", "a.jsonl", "a.jsonl")
    file.write_bytes(file.read_bytes() + b"\0" * 700)
    again(journal).append(ROWS[:1], "b.jsonl")
    assert rows(journal) == [*ROWS, ROWS[0]]


def test_nothing_is_written_after_a_last_line_that_is_damaged(journal: Journal) -> None:
    (file,) = write(journal, "a.jsonl", "a.jsonl", "a.jsonl")
    whole = file.read_bytes()
    for body in (whole[:-2] + b"\x7f\n", whole[:-1] + b"\x0b"):
        file.write_bytes(body)
        with pytest.raises(JournalError, match=str(file)):
            again(journal).append(ROWS[:1], "a.jsonl")
        assert file.read_bytes() == body


def test_lines_longer_than_a_block_are_followed_by_the_next(journal: Journal) -> None:
    long = json.dumps({"text": "x" * 200_000})
    for row in (long, ROWS[0], long, long):
        again(journal).append([row], "a.jsonl")
    assert rows(journal) == [long, ROWS[0], long, long]


def test_a_write_that_fails_half_way_leaves_nothing(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError("disk full")

    (file,) = write(journal, "a.jsonl", "a.jsonl", "a.jsonl")
    before = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="disk full"):
            journal.append(ROWS, "a.jsonl")
    assert file.read_bytes() == before


def test_what_was_read_while_somebody_wrote_is_read_again_before_it_is_called_damaged(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = write(journal, "a.jsonl", "a.jsonl", "a.jsonl")
    whole, looks = file.read_bytes(), iter([b"half a line\nof another moment\n"])
    monkeypatch.setattr(Path, "read_bytes", lambda path: next(looks, whole))
    assert rows(journal) == ROWS


# ---------------------------------------------------------------- lines written before there was a chain


def is_row(line: bytes) -> bool:
    try:
        return bool(json.loads(line).keys() == {"n", "text"})
    except ValueError:
        return False


def old(journal: Journal, **files: str) -> None:
    journal.folder.mkdir()
    for name, text in files.items():
        (journal.folder / f"{name}.jsonl").write_text(text)


def test_old_lines_are_chained_and_a_second_time_changes_nothing(journal: Journal) -> None:
    old(journal, a=f"{ROWS[0]}\n{ROWS[1]}\n", b=f"{ROWS[2]}\n")
    journal.adopt(is_row)
    assert rows(journal) == ROWS
    before = [file.read_bytes() for file in journal.files]
    again(journal).adopt(is_row)
    assert [file.read_bytes() for file in journal.files] == before


def test_a_home_brought_up_halfway_is_brought_up_to_the_end(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    old(journal, a=f"{ROWS[0]}\n{ROWS[1]}\n", b=f"{ROWS[2]}\n")
    write_atomic, left = files_module.write_atomic, [1]

    def dies_at_the_second(path: Path, body: bytes) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        write_atomic(path, body)

    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "write_atomic", dies_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            journal.adopt(is_row)
    again(journal).adopt(is_row)
    assert rows(journal) == ROWS


def test_of_old_lines_those_cut_off_are_dropped_and_said_and_a_damaged_one_stops_everything(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    old(journal, a=f"{ROWS[0]}\n{ROWS[1][:9]}\n{ROWS[2]}\n")
    with caplog.at_level(logging.WARNING):
        journal.adopt(is_row)
    assert rows(journal) == [ROWS[0], ROWS[2]]
    assert "a.jsonl line 2 was cut off" in caplog.text
    file = journal.files[0]
    text = f"{ROWS[0]}\n{ROWS[1].replace('n', 'm', 1)}\n{ROWS[2]}\n"
    file.write_text(text)
    with pytest.raises(JournalError, match=f"{file} line 2 cannot be read"):
        again(journal).adopt(is_row)
    assert file.read_text() == text


def test_who_has_read_before_sees_what_was_added_to_the_last_file_and_to_new_ones(journal: Journal) -> None:
    seen = []
    for row, name in zip(ROWS, ("a.jsonl", "a.jsonl", "b.jsonl"), strict=True):
        again(journal).append([row], name)
        seen.append([line.decode() for line in journal.read()])
    assert seen == [ROWS[:1], ROWS[:2], ROWS]


@pytest.mark.parametrize("place", [5, -5], ids=["in what was read before", "in what was added since"])
def test_who_has_read_before_sees_what_changed_as_well(journal: Journal, place: int) -> None:
    journal.append(ROWS[:2], "a.jsonl")
    journal.read()
    again(journal).append(ROWS[2:], "a.jsonl")
    (file,) = journal.files
    body = bytearray(file.read_bytes())
    body[place] ^= 1
    file.write_bytes(body)
    with pytest.raises(JournalError, match=r"a\.jsonl has changed on disk at line"):
        journal.read()


@pytest.mark.parametrize("left", [0, 1, 2])
def test_whole_lines_that_are_gone_at_the_end_are_missed_and_nothing_is_written_after_them(journal: Journal, left: int) -> None:
    *_, last = write(journal, "a.jsonl", "b.jsonl", "b.jsonl")
    whole = last.read_bytes()
    lines = whole.splitlines(keepends=True)
    if left == 0:
        last.unlink()
    else:
        last.write_bytes(b"".join(lines[: left - 1]))
    for ask in (lambda: rows(journal), lambda: journal.read(), lambda: again(journal).append(ROWS[:1], "a.jsonl")):
        with pytest.raises(JournalError, match=r"b\.jsonl has lost whole lines at its end"):
            ask()
    assert [str(fault) for fault in again(journal).faults()] == [f"{last} has lost whole lines at its end"]
    last.write_bytes(whole)
    assert rows(journal) == ROWS
    last.write_bytes(whole[:-1])  # the line is whole without its line break
    assert rows(journal) == ROWS


@pytest.mark.parametrize("filler", [b"\0", b"x", b'"'], ids=ascii)
def test_an_end_that_has_rotted_with_its_line_break_is_no_write_that_was_cut_off(journal: Journal, filler: bytes) -> None:
    *_, last = write(journal, "a.jsonl", "b.jsonl", "b.jsonl")
    whole = last.read_bytes()
    for count in range(2, len(whole) + 1):
        last.write_bytes(whole[:-count] + filler * count)
        with pytest.raises(JournalError, match=r"b\.jsonl (has lost whole lines at its end|line \d)|changed on disk at line"):
            rows(journal)
        assert next(again(journal).faults(), None) is not None
        with pytest.raises(JournalError):
            again(journal).append(ROWS[:1], "b.jsonl")


@pytest.mark.parametrize(
    "body", [None, b"", b'{"file": "a.jsonl", "bytes": 99999, "chain": "0123456789abcdef"}\n', sealed('["a"]'), sealed('{"file": "a"}')]
)
def test_the_note_of_the_length_is_no_line_and_the_next_write_makes_it_anew(journal: Journal, body: bytes | None) -> None:
    journal.append(ROWS[:1], "a.jsonl")
    note = journal.folder.with_name("log.length")
    note.unlink() if body is None else note.write_bytes(body)
    assert rows(journal) == ROWS[:1]
    again(journal).append(ROWS[1:], "a.jsonl")
    assert rows(journal) == ROWS
    assert json.loads(note.read_bytes())["bytes"] == journal.files[0].stat().st_size - 1


def test_a_line_that_was_written_is_kept_though_its_note_was_not(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append(ROWS[:1], "a.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "write_atomic", _disk_is_full)
        journal.append(ROWS[1:], "a.jsonl")
    assert rows(journal) == ROWS


def _disk_is_full(*_: object, **__: object) -> None:
    raise OSError(28, "no space left on device")
