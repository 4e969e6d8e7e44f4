"""dbt's unit tests: figures computed from made-up rows. They need the tables of a built warehouse, not its data."""

from tests.pipeline.conftest import Built
from tests.pipeline.test_checks import dbt


def test_dbt_unit_tests_hold(sample: Built) -> None:
    done, results = dbt(sample.home, "test", "--select", "test_type:unit")
    assert done.returncode == 0, done.stdout
    assert results["results"]
    assert {row["status"] for row in results["results"]} == {"pass"}
