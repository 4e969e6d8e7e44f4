"""Cases that are ordinary tests; an environment variable sets the number of rounds."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from ingest.settings import REPOSITORY
from tests.reliability.case import Bench, NotHereError, Step

WRITERS, STARTS = 5, 15


def tests(bench: Bench, steps: range, file: str, chosen: str, **environment: str) -> Iterator[Step]:
    """Each step runs the chosen tests of a file; what pytest says of a failing one is what was bad."""
    if not (REPOSITORY / file).is_file():
        raise NotHereError(f"there is no {file}")
    for _ in steps:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--durations=0", file, "-k", chosen]
        done = subprocess.run(command, cwd=REPOSITORY, env=os.environ | environment, capture_output=True, text=True, check=False)
        told = [line.removeprefix("FAILED ") for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        yield Step(1, tuple(told or [f"pytest ended with {done.returncode}: {done.stdout.strip()[-300:]}"]) if done.returncode else ())


writers = partial(tests, file="tests/unit/test_ingest_writers.py", chosen="runs_at_once", STRESS_ROUNDS="1", STRESS_WRITERS=str(WRITERS))
orders = partial(tests, file="tests/unit/test_ingest_order.py", chosen="any_order and many", STRESS_ORDERS="100")
days = partial(tests, file="tests/pipeline/test_point_in_time.py", chosen="TestSweep", STRESS_DAYS="20")
first_starts = partial(tests, file="tests/unit/test_orchestration_instance.py", chosen="first_starts", ALUMINA_TEST_FIRST_STARTS=f"{STARTS}x1")
