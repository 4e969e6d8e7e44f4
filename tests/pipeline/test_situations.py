"""A bad week, seen as the UI shows it: what fails is named with its rows, what fails for a moment is tried again, and what is published stays."""

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.models import dbt_models
from orchestration.assets.retries import SECONDS
from orchestration.instance.attribution import REASON
from tests.pipeline.conftest import SLICE, until
from tests.pipeline.small import Small
from tests.pipeline.test_operations import instance_of

WAITED = f"SECONDS = {SECONDS}"
"""In the house that a dbt is killed in, the second try does not wait so long: nobody works meanwhile."""
SENTENCE = "No commodity is ever called XX."


@pytest.fixture
def small(tmp_path: Path, small_house: Small) -> Small:
    return small_house.copied(tmp_path)


@pytest.mark.full
def test_a_failing_dbt_test_is_named_with_its_rows_and_the_release_stays(small: Small) -> None:
    release = os.readlink(small.home / "serving")
    test = small.root / "dbt_project" / "tests" / "assert_no_commodity_is_called_xx.sql"
    test.parent.mkdir(exist_ok=True)
    model = "{{ ref('outlook_v2') }}"
    test.write_text(f"-- {SENTENCE}\nselect commodity_code, 'XX' as called from {model} limit 3\n", encoding="utf-8")
    done = small.run("run", *SLICE)
    assert done.returncode == 1
    assert "the published release stays, dbt build failed: assert_no_commodity_is_called_xx: Got 3 results" in done.stderr
    assert os.readlink(small.home / "serving") == release
    with instance_of(small.home) as instance:
        (record,) = instance.get_run_records(limit=1)
        run_id = record.dagster_run.run_id
        # The list of runs says it in one line, the asset's check shows the rows, all of them lie in the home.
        assert record.dagster_run.tags[REASON].startswith("the published release stays, dbt build failed: assert_no_commodity")
        told = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        evaluations = [event.get_dagster_event().asset_check_evaluation_data for event in told]
        (failed,) = [one for one in evaluations if not one.passed and one.check_name.startswith("assert_no_commodity")]
        assert "| XX |" in str(failed.metadata["failing_rows"].value)
    kept = [json.loads(line) for line in (small.home / "failures" / f"{run_id}.jsonl").read_text().splitlines()]
    assert [row["row"]["called"] for row in kept] == ["XX"] * 3


def _dbt(small: Small) -> list[int]:
    """Give the processes of dbt that build in this home, where they were started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile
            if b"dbt\0build\0" in (process / "cmdline").read_bytes() and (process / "cwd").samefile(small.home):
                found.append(int(process.name))
    return found


@pytest.mark.full
def test_a_dbt_that_is_killed_every_time_is_told_and_one_that_is_killed_once_is_tried_once_more(small: Small) -> None:
    """The second run heals what the first one left, and gets over a death of its own."""
    retries = small.root / "orchestration" / "assets" / "retries.py"
    said = retries.read_text(encoding="utf-8")
    assert WAITED in said
    retries.write_text(said.replace(WAITED, "SECONDS = 1"), encoding="utf-8")
    release = os.readlink(small.home / "serving")
    with small.start("run", *SLICE) as process:
        while process.poll() is None:
            for pid in _dbt(small):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
        _, err = process.communicate()
    assert process.returncode == 1
    assert "dbt was killed (signal 9); the published release stays" in err
    assert os.readlink(small.home / "serving") == release
    with small.start("run", *SLICE) as process:
        first = until("dbt", lambda: _dbt(small))
        time.sleep(1)  # it is at work
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert os.readlink(small.home / "serving") != release
    with instance_of(small.home) as instance:
        (record,) = instance.get_run_records(limit=1)
        again = instance.all_logs(record.dagster_run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY)
        assert [event.step_key for event in again] == [dbt_models.op.name]
