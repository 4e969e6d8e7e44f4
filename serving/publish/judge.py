"""The release gate in a process of its own, which loads while the marts are copied.

Great Expectations brings pandas and SciPy: 200 MB that a process never gives back, on top of all a run holds by then. `quality.gate`
says what is audited and how; this module only moves tables there and verdicts back. The process works in its own folder, so that
a gate whose publication was killed cannot touch a release. It ends, and removes its folder, when its pipe closes.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

from ingest.garbage import collect_seldom
from quality.gate import GateResult, run_gate

Gate = Callable[[Mapping[str, pl.DataFrame], Mapping[str, tuple[str, ...]], Path, pl.DataFrame], list[GateResult]]
"""Takes the published tables, their keys, the folder the Data Docs go to, and what every published number is and may be; gives the verdicts of `quality.gate.run_gate`."""

DOCS, RANGES = "docs", "ranges"
NOT_USED = ("scipy.stats", "altair")
"""What Great Expectations loads for expectations that are not used here: a third of the time it takes to load, and 80 MB."""


class GateError(RuntimeError):
    """The gate gave no verdict; the message has the last words of its process."""


@contextmanager
def gate_process() -> Iterator[Gate]:
    """Start the process and give the gate, to be asked once; raises GateError when the process ends without a verdict."""
    with tempfile.TemporaryDirectory(prefix="alumina-gate-") as name, tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        folder = Path(name)
        command = [sys.executable, "-P", "-m", "serving.publish.judge", name]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, encoding="utf-8")

        def gate(frames: Mapping[str, pl.DataFrame], keys: Mapping[str, tuple[str, ...]], docs: Path, ranges: pl.DataFrame) -> list[GateResult]:
            for table, frame in {**frames, RANGES: ranges}.items():
                frame.write_ipc(folder / f"{table}.arrow")
            answer, _ = process.communicate(json.dumps([list(frames), keys]))
            if process.returncode or not answer:
                said.seek(0)
                last = [line.strip() for line in said if line.strip()] or [f"its process ended with {process.returncode}"]
                raise GateError(f"the release gate came to no verdict, the published release stays: {last[-1]}")
            shutil.copytree(folder / DOCS, docs, dirs_exist_ok=True)
            return [GateResult(**{**row, "rows": tuple(row["rows"])}) for row in json.loads(answer)]

        with process:  # closes its pipes and waits for its end
            try:
                yield gate
            finally:
                process.kill()


def put_off(name: str) -> None:
    """Load a module when something of it is used. `importlib.util.LazyLoader` does not do: what is imported twice, it loads at once."""

    def real(attribute: str) -> Any:
        sys.modules.pop(name, None)
        return getattr(importlib.import_module(name), attribute)

    stand_in = ModuleType(name)
    stand_in.__getattr__ = real  # type: ignore[method-assign]
    sys.modules[name] = stand_in


def main() -> None:
    """Load, wait for tables, say the verdicts. Where the pipe ends before, so does this, and nothing stays."""
    folder = Path(sys.argv[1])
    collect_seldom()
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is not an answer
        for name in NOT_USED:
            put_off(name)
        import great_expectations  # noqa: F401 # takes seconds, and the tables are not there yet

        if not (asked := sys.stdin.read()):
            shutil.rmtree(folder, ignore_errors=True)
            return
        tables, known = json.loads(asked)
        frames = {table: pl.read_ipc(folder / f"{table}.arrow").to_pandas() for table in [*tables, RANGES]}
        ranges = frames.pop(RANGES)
        keys = {table: tuple(key) for table, key in known.items()}
        # As they are shown and kept (`orchestration.assets.pictures`): a day as text.
        answers.write(json.dumps([asdict(result) for result in run_gate(frames, keys, folder / DOCS, ranges)], default=str))


if __name__ == "__main__":
    main()
