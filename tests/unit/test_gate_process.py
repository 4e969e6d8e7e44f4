"""Whatever becomes of the process the gate works in, one sentence says it and nothing of it stays; its verdicts are held in `test_quality_release`."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from serving.publish.judge import GateError, gate_process, put_off


def folders() -> set[str]:
    return {path.name for path in Path(os.environ["TMPDIR"]).glob("alumina-gate-*")}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary folders of the process lie where this test can see them."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_a_process_that_dies_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'Traceback' >&2\necho 'MemoryError: no room for the tables' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(GateError, match="no verdict, the published release stays: MemoryError: no room for the tables"), gate_process() as gate:
        gate({"marts.fct_basis_daily": pl.DataFrame({"a": [1]})}, {}, tmp_path / "docs", pl.DataFrame())
    assert not folders()


def test_one_that_is_killed_says_how_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(GateError, match="its process ended with -9"), gate_process() as gate:
        gate({}, {}, tmp_path / "docs", pl.DataFrame())


def test_one_whose_publication_ended_before_it_was_asked_clears_up(tmp_path: Path) -> None:
    (tmp_path / "great_expectations.py").touch()  # what takes seconds to load is not what is looked at here
    folder = tmp_path / "left"
    folder.mkdir()
    command = [sys.executable, "-m", "serving.publish.judge", str(folder)]
    subprocess.run(command, stdin=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(tmp_path)}, check=True)
    assert not folder.exists()


def test_what_is_put_off_is_loaded_when_it_is_used_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of_no_use.py").write_text("import sys\nsys.loaded_of_no_use = True\nvalue = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "of_no_use", None)  # as it was before, when the test is over
    put_off("of_no_use")
    import of_no_use as again
    import of_no_use as first  # type: ignore[import-not-found]

    assert not hasattr(sys, "loaded_of_no_use")
    assert (first.value, again.value) == (3, 3)
    assert sys.__dict__.pop("loaded_of_no_use")
