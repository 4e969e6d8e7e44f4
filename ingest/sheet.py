"""Foreign spreadsheets, read in a child process of their own: limited memory, processor time and patience, no shell, no network code.

`read` is for the rest of the house; `python -I -m ingest.sheet LIMITS` is the child: a spreadsheet on standard input, its
first sheet's rows as JSON on standard output. Whatever a file makes of the parser ends there, as one sentence.
"""

import io
import json
import resource
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.source import PayloadError

COMMAND: tuple[str, ...] = (sys.executable, "-I", "-m", "ingest.sheet")
ADVICE = "save it again as a plain sheet or as CSV and drop it again"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one spreadsheet may be and may cost: an export of ten years of daily series stays far below all of it."""

    members: int = 200
    inflated_bytes: int = 128 * 2**20
    ratio: int = 200
    cells: int = 3_000_000
    memory_bytes: int = 2**30
    cpu_seconds: int = 20
    wall_seconds: float = 40.0


LIMITS = Limits()


class _RefusedError(Exception):
    """The child's verdict: reason and sentence."""


def read(body: bytes) -> list[list[str]]:
    """Give the rows of the first sheet as text, blank rows included; raises PayloadError when it cannot be read within its limits."""
    limits = LIMITS
    try:
        done = subprocess.run(
            [*COMMAND, json.dumps(asdict(limits))],
            input=body,
            capture_output=True,
            timeout=limits.wall_seconds,
            check=False,
            cwd="/",
            env={"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"},
        )
    except subprocess.TimeoutExpired:
        raise _refusal("too_costly", f"reading the spreadsheet took longer than {limits.wall_seconds:g} seconds and was given up; {ADVICE}") from None
    try:
        answer = json.loads(done.stdout)
        if "reason" in answer:
            raise _refusal(str(answer["reason"]), str(answer["message"]))
        return [[str(cell) for cell in row] for row in answer["rows"]]
    except (ValueError, KeyError, TypeError):
        ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise _refusal(
            "too_costly",
            f"the spreadsheet broke its reader ({ended}) within {limits.memory_bytes >> 20} MB and {limits.cpu_seconds} s of processor time; {ADVICE}",
        ) from None


def _refusal(reason: str, message: str) -> "PayloadError":
    from ingest.source import Outcome, PayloadError  # polars stays out of the child

    return PayloadError(Outcome.NOT_DATA, reason, message)


def main(arguments: Sequence[str]) -> None:
    """Be the child: take the limits on first, then look at the bytes."""
    limits = Limits(**json.loads(arguments[0]))
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    body = sys.stdin.buffer.read()
    try:
        answer: dict[str, object] = {"rows": rows(body, limits)}
    except _RefusedError as refused:
        answer = dict(zip(("reason", "message"), refused.args, strict=True))
    except MemoryError:
        answer = {"reason": "too_costly", "message": f"the spreadsheet needs more than {limits.memory_bytes >> 20} MB to be read; {ADVICE}"}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=True).encode())


def rows(body: bytes, limits: Limits) -> list[list[str]]:
    """Check the parts, then read the first sheet."""
    _check_parts(body, limits)
    import fastexcel

    try:
        sheet = fastexcel.read_excel(body).load_sheet(0, header_row=None, dtypes="string")
        if sheet.width * sheet.total_height > limits.cells:
            raise _RefusedError("oversized", f"the sheet spans {sheet.total_height} rows and {sheet.width} columns, more than is read; {ADVICE}")
        columns = [column.to_pylist() for column in sheet.to_arrow().columns]
    except fastexcel.FastExcelError as error:
        raise _RefusedError("unparsable", f"the file is not a readable spreadsheet: {str(error).splitlines()[0]}") from None
    return [["" if cell is None else str(cell) for cell in line] for line in zip(*columns, strict=True)]


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
