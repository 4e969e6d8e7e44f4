"""Calls that fail: every N-th fsync, replace, write and open; a disk that is full; a backup or restore that ends at any of its writes.

    python -m tests.reliability.failing --room KIB FOLDER

The second form is the one process that works on a small disk of its own, mounted at FOLDER.
"""

import argparse
import builtins
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from ingest import notes
from ingest.settings import REPOSITORY, Settings
from ingest.source import HomeError
from orchestration.home import backup as copies
from tests.reliability import readers, work
from tests.reliability.case import Bench, NotHereError, Step

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
PLACES: dict[str, tuple[tuple[Any, str], ...]] = {
    "fsync": ((os, "fsync"),),
    "replace": ((os, "replace"), (os, "rename")),
    "open": ((io, "open"), (builtins, "open"), (os, "open")),
    "write": ((io, "open"), (builtins, "open")),
}
"""Where Python's own calls are found, by their name; what DuckDB and polars write is tried on a disk that is full."""
DISK = "64m"


@dataclass
class Fate:
    """How many calls there were, and whether the one that was to fail did."""

    left: int
    fell: bool = False

    def now(self) -> bool:
        """Tell, for one more call, whether it is the one."""
        self.left -= 1
        self.fell |= self.left == -1
        return self.left == -1


class Writes:
    """A file whose writes are counted."""

    def __init__(self, file: Any, fate: Fate) -> None:
        self.file, self.fate = file, fate

    def write(self, body: Any) -> int:
        if self.fate.now():
            self.file.write(body[: len(body) // 2])  # half of it is there, as on a disk that fills up
            raise FULL
        return int(self.file.write(body))

    def __enter__(self) -> "Writes":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@contextmanager
def fails(
    targets: tuple[tuple[Any, str], ...], number: int, error: BaseException, *, of: Callable[..., bool] = lambda *_, **__: True
) -> Iterator[Fate]:
    """Let call `number`, from 0, of all targets together raise; counted are those whose arguments `of` says yes to."""
    fate = Fate(number)

    def instead(real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if of(*arguments, **named) and fate.now():
            raise error
        return real(*arguments, **named)

    with ExitStack() as patches:
        for place, name in targets:
            patches.enter_context(mock.patch.object(place, name, partial(instead, getattr(place, name))))
        yield fate


@contextmanager
def writes_fail(home: Path, number: int) -> Iterator[Fate]:
    """Let write `number`, from 0, to files of a home fail half-way."""
    fate, real = Fate(number), io.open

    def opened(path: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        file = real(path, mode, *arguments, **named)
        return Writes(file, fate) if set(mode) & set("wax+") and str(path).startswith(str(home)) else file

    with mock.patch.object(io, "open", opened), mock.patch.object(builtins, "open", opened):
        yield fate


def failing(call: str, home: Path, number: int) -> Any:
    """Let the N-th of the calls of one name in a home fail."""
    if call == "write":
        return writes_fail(home, number)
    return fails(PLACES[call], number, FULL, of=lambda what, *_, **__: isinstance(what, int) or str(what).startswith(str(home)))


def calls(bench: Bench, steps: range) -> Iterator[Step]:
    """Step N lets call N of each kind fail, once while payloads are taken in and once while a release is published."""
    folder = bench.fresh("failing calls")
    payloads = work.write_payloads(folder / "payloads", work.DAYS[:2])
    golden = work.golden_content(folder / "alone", payloads)
    template = work.new_home(folder / "template").root
    through = set[tuple[str, str]]()
    for number in steps:
        tried, bad = 0, list[str]()
        for part in ("taking in", "publishing"):
            for call in PLACES:
                if (part, call) in through:
                    continue
                settings = Settings(home=copied(template, folder / f"{number}-{part}-{call}"))
                do: Callable[[], Any] = partial(work.commit, settings, payloads) if part == "taking in" else partial(readers.publish, settings, 1)
                with failing(call, settings.root, number) as fate:
                    ended = outcome(do)
                if not fate.fell:
                    through.add((part, call))
                    continue
                tried += 1
                found = [ended] if ended else []
                found += work.damage(settings)
                found += work.after_the_next(settings, payloads, golden, 2)
                bad += [f"{call} {number} while {part}: {what}" for what in found]
                remove(settings.root)
        yield Step(tried, tuple(bad))


def copied(home: Path, target: Path) -> Path:
    """Copy a home that is a hundredth of a real one."""
    shutil.copytree(home, target, symlinks=True)
    return target


def remove(home: Path) -> None:
    """Delete a home with its read-only releases."""
    subprocess.run(["chmod", "-R", "u+w", str(home)], check=True)
    shutil.rmtree(home)


def outcome(do: Callable[[], Any]) -> str:
    """Do something that may fail: empty when it ended well or with an error that says what was wrong, else what it ended with."""
    try:
        do()
    except (OSError, HomeError, duckdb.Error):
        return ""
    except Exception as error:
        return "" if str(FULL.strerror) in str(error) else f"ended with {type(error).__name__}: {error}"
    return ""


ROOM = [0, *(round(2 ** (step / 2.5)) for step in range(4, 35))]
"""KiB that are free, 32 sizes: from nothing over a few pages to more than a release needs."""


def full_disk(bench: Bench, steps: range) -> Iterator[Step]:
    """Step N takes in and publishes with that much room, then with enough of it."""
    folder = bench.fresh("full disk")
    inside = ["sh", "-c", f'mount -t tmpfs -o size={DISK} tmpfs "$1" && exec "$2" -m tests.reliability.failing --room "$3" "$1"', "sh", str(folder)]
    if subprocess.run(["unshare", "--mount", "--map-root-user", "true"], capture_output=True, check=False).returncode:
        raise NotHereError("no disk of its own can be mounted: `unshare --mount --map-root-user` is not permitted")
    for number in steps:
        command = ["unshare", "--mount", "--map-root-user", *inside, sys.executable, str(ROOM[number % len(ROOM)])]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-500:])
        yield Step(1, tuple(json.loads(done.stdout)))


def on_a_full_disk(folder: Path, room: int) -> list[str]:
    """Take in with so many KiB free, publish with so many, then do both with enough; say what was bad."""
    payloads = work.write_payloads(folder / "payloads", work.DAYS[:2])
    golden = work.golden_content(folder / "alone", payloads)
    settings, bad = work.new_home(folder / "home"), list[str]()
    readers.say(settings, 1)
    for do in (partial(work.take_in, settings, payloads), partial(readers.swap, settings, 1)):
        with little_room(folder, room):
            ended = outcome(do)
            bad += [*([ended] if ended else []), *work.damage(settings)]
    return [f"{room} KiB free: {what}" for what in bad + work.after_the_next(settings, payloads, golden, 2)]


@contextmanager
def little_room(folder: Path, room: int) -> Iterator[None]:
    """Fill the disk of a folder until so many KiB are free; afterwards they are free again."""
    free, ballast = os.statvfs(folder), folder / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - room * 1024))
    try:
        yield
    finally:
        ballast.unlink()


WRITERS = ((copies, "write_atomic"), (notes, "write_atomic"))
"""What a backup and a restore write through."""


def backups(bench: Bench, steps: range) -> Iterator[Step]:
    """Step N ends a backup and a restore at write N; the next must finish them, and half a copy must not pass for a whole one."""
    folder = bench.fresh("backups")
    settings = work.new_home(folder / "home")
    work.commit(settings, work.write_payloads(folder / "payloads", work.DAYS))
    whole = folder / "whole"
    copies.backup(settings, whole)
    for number in steps:
        tried, bad = 0, list[str]()
        copy, new = folder / f"copy{number}", Settings(home=folder / f"home{number}")
        for what, do in (("backup", partial(copies.backup, settings, copy)), ("restore", partial(copies.restore, new, whole))):
            with fails(WRITERS, number, KeyboardInterrupt()) as fate:
                try:
                    do()
                except KeyboardInterrupt:
                    tried += 1
            if fate.fell:
                found = backup_unfinished(settings, copy, folder / f"early{number}") if what == "backup" else restore_unfinished(settings, whole, new)
                bad += [f"{what} ended at write {number}: {told}" for told in found]
        for path in (copy, new.root):
            remove(path)
        yield Step(tried, tuple(bad))


def backup_unfinished(settings: Settings, copy: Path, early: Path) -> list[str]:
    """Say what is wrong with a copy that was cut off, and with what the next backup makes of it."""
    bad = []
    if (copy / copies.MARK).is_file():
        try:
            copies.restore(Settings(home=early), copy)
        except copies.BackupError as error:
            bad += [] if "cut off before it was complete" in str(error) else [str(error)]
        else:
            bad.append("half a copy was put back as a whole one")
    copies.backup(settings, copy)
    return bad + otherwise(settings.root, copy)


def restore_unfinished(settings: Settings, copy: Path, new: Settings) -> list[str]:
    """Say what is wrong with a home whose restore was cut off, and with what the next restore makes of it."""
    bad = []
    if new.restoring.exists() and f"alumina restore {copy}" not in copies.half_a_home(new):
        bad.append("half a home passes for a whole one")
    copies.restore(new, copy)
    bad += [said] if (said := copies.half_a_home(new)) else []
    bad += [] if new.rebuilding.exists() else ["the home does not know that its lake is to be made anew"]
    return bad + otherwise(settings.root, new.root)


def otherwise(home: Path, other: Path) -> list[str]:
    """Name what a copy or a home put back does not hold as the home does."""
    kept, there = files(home), files(other)
    bad = [f"{name} is missing or another" for name in sorted(kept.keys() | there.keys()) if kept.get(name) != there.get(name)]
    return bad if os.readlink(home / "serving") == os.readlink(other / "serving") else [*bad, "serving is another release"]


KEPT = ("archive/blobs", "archive/receipts", "releases", "catalog", "home.json", "status.json", "rejected.json")


def files(home: Path) -> dict[str, bytes]:
    """Give everything a copy must hold, by path."""
    paths = [path for part in KEPT for path in ([home / part] if (home / part).is_file() else sorted((home / part).rglob("*")))]
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in paths if path.is_file() and not path.name.endswith(".lock")}


def main() -> None:
    """Work on the disk somebody mounted, and print what was bad as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--room", type=int, required=True)
    given = parser.parse_args()
    sys.stdout.write(json.dumps(on_a_full_disk(given.folder, given.room)))


if __name__ == "__main__":
    main()
