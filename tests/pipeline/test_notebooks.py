"""The notebooks of docs/notebooks run on the sample, from the first cell to the last, and find what they are about."""

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.settings import REPOSITORY
from tests.pipeline.conftest import Built

FOLDER = REPOSITORY / "docs" / "notebooks"
FINDS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "squeeze_2025_07": lambda found: found["day"]["receipts_t"] == 6922 and found["day"]["answer"] in ("squeeze", "warrants_short"),
    "basis_and_carry": lambda found: found["basis"]["futures_leg"].n_unique() == 3 and found["pairs"].height > 3 and 0 <= found["share"] <= 1,
    "audit_a_note": lambda found: (
        found["wrong"].height > 0 and found["claims"].height == found["verdicts"]["len"].sum() and found["facts"].height > 0
    ),
}


def ran(path: Path) -> Mapping[str, Any]:
    """Run a notebook as its own program does, and give what its cells defined; an error of a cell is raised."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _, found = module.app.run()
    return dict(found)


def test_every_notebook_is_tested_and_listed() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(FINDS)
    page = (REPOSITORY / "docs/notebooks.md").read_text(encoding="utf-8")
    assert [name for name in FINDS if f"`docs/notebooks/{name}.py`" not in page] == []


@pytest.mark.parametrize("name", FINDS)
@pytest.mark.filterwarnings("default")  # marimo's own
def test_a_notebook_runs(sample: Built, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("ALUMINA_HOME", str(sample.home))
    found = ran(FOLDER / f"{name}.py")
    assert FINDS[name](found), {key: value.shape if isinstance(value, pl.DataFrame) else value for key, value in found.items()}
