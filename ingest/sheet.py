"""Foreign spreadsheets, read in a child process of their own: limited memory, processor time and patience, no shell, no network code.

`read` is for the rest of the house; `python -I -m ingest.sheet LIMITS` is the child: a spreadsheet on standard input, its
first sheet's rows as lines of JSON on standard output, how many they are on the last. Whatever a file makes of the parser ends there, as one sentence.
"""

import io
import json
import math
import resource
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.source import PayloadError

COMMAND: tuple[str, ...] = (sys.executable, "-I", "-m", "ingest.sheet")
# Rows that are handed over together.
_PART = 2_000
ADVICE = "save it again as a plain sheet or as CSV and drop it again"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one spreadsheet may be (parts, bytes and ratio once inflated, cells) and may cost its reader beyond what that takes to start."""

    members: int
    inflated_bytes: int
    ratio: int
    cells: int
    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float


class _RefusedError(Exception):
    """The child's verdict: reason and sentence."""


def read(body: bytes, limits: Limits) -> list[list[str]]:
    """Give the rows of the first sheet as text, blank rows included; raises PayloadError when it cannot be read within its limits."""
    try:
        done = subprocess.run(
            [*COMMAND, json.dumps(asdict(limits))],
            input=body,
            capture_output=True,
            timeout=limits.wall_seconds,
            check=False,
            cwd="/",
            env={
                "LC_ALL": "C.UTF-8",
                "OMP_NUM_THREADS": "1",
                "ARROW_IO_THREADS": "1",
                "ARROW_DEFAULT_MEMORY_POOL": "system",
                "MALLOC_ARENA_MAX": "1",
            },
        )
    except subprocess.TimeoutExpired:
        raise _refusal("too_costly", f"reading the spreadsheet took longer than {limits.wall_seconds:g} seconds and was given up; {ADVICE}") from None
    try:
        *parts, end = map(json.loads, done.stdout.splitlines())
        if "reason" in end:
            raise _refusal(str(end["reason"]), str(end["message"]))
        found = [[str(cell) for cell in row] for part in parts for row in part]
        if len(found) != end["rows"]:
            raise ValueError("rows are missing")
    except (ValueError, KeyError, TypeError):
        ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise _refusal(
            "too_costly",
            f"the spreadsheet broke its reader ({ended}) within {limits.memory_bytes >> 20} MB and {limits.cpu_seconds} s of processor time; {ADVICE}",
        ) from None
    return found


def _refusal(reason: str, message: str) -> "PayloadError":
    from ingest.source import Outcome, PayloadError  # polars stays out of the child

    return PayloadError(Outcome.NOT_DATA, reason, message)


def main(arguments: Sequence[str]) -> None:
    """Be the child: take the limits on first, then look at the bytes."""
    import fastexcel  # noqa: F401  what the reader takes to start counts for nothing

    limits = Limits(**json.loads(arguments[0]))
    started = math.ceil(time.process_time())
    for kind, most in (
        (resource.RLIMIT_AS, _address_space() + limits.memory_bytes),
        (resource.RLIMIT_CPU, started + limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    body = sys.stdin.buffer.read()
    try:
        count, found = 0, iter(rows(body, limits))
        while part := list(islice(found, _PART)):
            count += len(part)
            _say(part)
        end: dict[str, object] = {"rows": count}
    except _RefusedError as refused:
        end = dict(zip(("reason", "message"), refused.args, strict=True))
    except MemoryError:
        end = {"reason": "too_costly", "message": f"the spreadsheet needs more than {limits.memory_bytes >> 20} MB to be read; {ADVICE}"}
    _say(end)


def _say(part: object) -> None:
    sys.stdout.buffer.write(json.dumps(part, ensure_ascii=True).encode() + b"\n")


def _address_space() -> int:
    """Bytes of address space this process holds; where the system does not say, what the reader holds on Linux (measured: 1.1 GB, assumed)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**30


def rows(body: bytes, limits: Limits) -> Iterator[list[str]]:
    """Check the parts, then read the first sheet, some rows at a time."""
    _check_parts(body, limits)
    import fastexcel

    try:
        sheet = fastexcel.read_excel(body).load_sheet(0, header_row=None, dtypes="string")
        if sheet.width * sheet.total_height > limits.cells:
            raise _RefusedError("oversized", f"the sheet spans {sheet.total_height} rows and {sheet.width} columns, more than is read; {ADVICE}")
        table = sheet.to_arrow()
    except fastexcel.FastExcelError as error:
        raise _RefusedError("unparsable", f"the file is not a readable spreadsheet: {str(error).splitlines()[0]}") from None
    for begin in range(0, table.num_rows, _PART):
        columns = [column.to_pylist() for column in table.slice(begin, _PART).columns]
        yield from (["" if cell is None else str(cell) for cell in line] for line in zip(*columns, strict=True))


def _check_parts(body: bytes, limits: Limits) -> None:
    """Refuse what its directory says is too large; then inflate once, in pieces, since a directory may lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
            inflated = sum(part.file_size for part in parts)
            if len(parts) > limits.members or inflated > limits.inflated_bytes or inflated > limits.ratio * len(body):
                raise _RefusedError("oversized", f"the spreadsheet would inflate to {inflated} bytes in {len(parts)} parts; it is not read")
            if any(part.flag_bits & 1 for part in parts):
                raise _RefusedError("unparsable", "the spreadsheet is protected by a password; save it without one and drop it again")
            broken = archive.testzip()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, OSError, zlib.error) as error:
        raise _RefusedError("unparsable", f"the file is not a readable spreadsheet: {error}") from None
    if broken is not None:
        raise _RefusedError("unparsable", f"the file is not a readable spreadsheet: its part {broken!r} is damaged")


if __name__ == "__main__":
    main(sys.argv[1:])
