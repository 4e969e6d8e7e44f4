"""What every room of tests may ask for."""

from pathlib import Path

import hypothesis
import pytest

# The same examples every time, and no database of them in the repository.
hypothesis.settings.register_profile("repeatable", database=None, deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")

# Real payloads carry no licence to be copied, so they stay beside the repository and tests that read them skip without them.
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED_DATA / "README.md").is_file():
        pytest.skip(f"{SHARED_DATA} is not on this machine")
    return SHARED_DATA
