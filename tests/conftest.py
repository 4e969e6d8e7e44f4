"""Fixtures for all tests, and the order in which test files run."""

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

from ingest.garbage import collect_seldom

# First of all: what is collected and imported stays to the end.
collect_seldom()

# The same examples every time, and no database of them in the repository.
hypothesis.settings.register_profile("repeatable", database=None, deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")

# Real payloads carry no licence to be copied, so they stay beside the repository and tests that read them skip without them.
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
# Files of long tests go first, so that short ones fill what is left of the last minute; the first ones need different builds, so that
# no process waits for another's. docs/testing.md says what each costs.
FIRST = (
    "test_spark", "test_operations", "test_sample_figures", "test_point_in_time", "test_situations", "test_price_history", "test_command", "test_note_page", "test_page_of_the_past", "test_checks",
    "test_battery", "test_ingest_order", "test_hostile_payloads", "test_leaks", "test_production", "test_real_payloads", "test_release", "test_as_of", "test_claim_audit",
)  # fmt: skip


FULL = "pytest.mark.full"
# As many tests run at once as there are processors, so threads of their own only wait for each other: 7 % of the processor time of some
# 1,100 tests, by turns. DuckDB has no variable for it, but takes what Slurm says.
ONE_THREAD = {"SLURM_CPUS_ON_NODE": "1", "POLARS_MAX_THREADS": "1"}


def pytest_configure(config: pytest.Config) -> None:
    """Let libraries of tests and their children work on one thread; in the full tier on as many as they take by themselves."""
    if config.option.markexpr != "full":
        os.environ |= ONE_THREAD


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files without a test of the full tier, where only that is asked for: six files of seven."""
    left_out = config.option.markexpr == "full" and collection_path.suffix == ".py" and FULL not in collection_path.read_text(encoding="utf-8")
    return left_out or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of long tests first; the order within a file stays."""
    hidden = {item.path for item in items if item.get_closest_marker("full")}
    if hidden := {path.name for path in hidden if FULL not in path.read_text(encoding="utf-8")}:
        raise pytest.UsageError(f"`make test-full` would miss tests of {', '.join(sorted(hidden))}: write {FULL} there")
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(FIRST)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED_DATA / "README.md").is_file():
        pytest.skip(f"{SHARED_DATA} is not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder once, whichever process of the test run asks first; the others wait and read the same one. Who changes it takes a copy.

    `ALUMINA_TEST_BUILDS` names a new folder that several test runs share, as the two tiers do in CI.
    """
    base = tmp_path_factory.getbasetemp()
    shared = Path(os.environ.get("ALUMINA_TEST_BUILDS") or (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base))

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.made"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                if folder.exists():
                    pytest.fail(f"{folder} could not be made; the first test that asked for it says why")
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made
