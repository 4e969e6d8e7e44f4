"""A step is tried once more where the machine failed for a moment, and where it did not the first failure is the last."""

import errno

import dagster as dg
import pytest

from orchestration.assets import retries
from orchestration.instance.alerts import cause


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "SECONDS", 0)


@pytest.mark.parametrize(
    ("fails", "tries", "success"),
    [
        ([OSError(errno.EIO, "Input/output error")], 2, True),
        ([OSError(errno.EIO, "Input/output error")] * 2, 2, False),
        ([OSError(errno.ENOSPC, "No space left on device")], 1, False),
        ([OSError(errno.EFBIG, "File too large")], 1, False),
        ([ValueError("the catalogue is wrong")], 1, False),
    ],
)
def test_a_step_is_tried_once_more_where_that_may_help(fails: list[Exception], tries: int, success: bool) -> None:
    left, tried = list(fails), []

    @dg.asset
    def step() -> None:
        tried.append(1)
        with retries.tried_again():
            if left:
                raise left.pop(0)

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([step], instance=instance, raise_on_error=False)
    assert (len(tried), result.success) == (tries, success)
    if not success:
        (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
        assert cause(failure).endswith(str(fails[-1]))
