"""dbt's unit tests: figures computed from made-up rows. They need the tables of a built warehouse, not its data."""

import shutil
from pathlib import Path

from tests.pipeline.conftest import Built
from tests.pipeline.test_checks import dbt


def test_dbt_unit_tests_hold(sixty_sessions: Built, tmp_path: Path) -> None:
    shutil.copy(sixty_sessions.home / "warehouse.duckdb", tmp_path)
    done, results = dbt(tmp_path, "test", "--select", "test_type:unit")
    assert done.returncode == 0, done.stdout
    assert results["results"]
    assert {row["status"] for row in results["results"]} == {"pass"}
