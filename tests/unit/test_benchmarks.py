"""The table of docs/performance.md agrees with the file of results, and each part of the benchmarks can still be run."""

import functools
import importlib
from pathlib import Path

import pytest

from tests.benchmarks import bench_withstand, results
from tests.benchmarks.__main__ import PARTS
from tests.benchmarks.results import Result, at_least, at_most, keep, load, shown, table
from tests.marks import between


@pytest.mark.parametrize("document", [results.DOCUMENT, results.SCALE])
def test_the_table_is_what_the_results_say(document: Path) -> None:
    rows = results.of(document, (result for found in load().values() for result in found))
    assert rows
    assert between(document, results.BEGIN, results.END) == table(rows)


def test_every_part_has_results_in_its_place() -> None:
    assert list(load()) == list(PARTS)


def test_a_goal_is_met_or_not_by_its_figure() -> None:
    assert [at_most("run: a", 1.0, "x", 1.0, "").met, at_most("run: a", 1.001, "x", 1.0, "").met] == [True, False]
    assert [at_least("run: a", 5.0, "x", 5.0, "").met, at_least("run: a", 4.99, "x", 5.0, "").met] == [True, False]
    for row in load().values():
        for result in row:
            assert (result.met is None) == (result.goal == "")


def test_a_part_measured_anew_takes_the_place_of_its_own_results(tmp_path: Path) -> None:
    path, document = tmp_path / "results.json", tmp_path / "performance.md"
    document.write_text(f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n")
    order = ("run", "models")
    keep("models", [shown("models: b", 2.0, "x", "")], order, path, document)
    keep("run", [at_most("run: a", 3.0, "x", 1.0, "by turns")], order, path, document)
    keep("models", [shown("models: c", 123.4, "MB", "")], order, path, document)
    assert [result for found in load(path).values() for result in found] == [
        Result("run: a", 3.0, "x", "<= 1", False, "by turns"),
        Result("models: c", 123.0, "MB", "", None, ""),
    ]
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| run: a | 3 x | ≤ 1 | **no** | by turns |" in text
    with pytest.raises(ValueError, match="not named as results of 'run'"):
        keep("run", [shown("models: d", 1.0, "x", "")], order, path, document)


def test_what_withstanding_costs_is_asked_of_functions_that_are_there() -> None:
    for module, names in bench_withstand.GUARDS.items():
        for name in names:
            assert callable(functools.reduce(getattr, name.split("."), importlib.import_module(module)))
