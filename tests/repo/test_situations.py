"""The table of situations in docs/operations.md: at least twenty, each with a test that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _rows(text: str) -> list[list[str]]:
    """Give the cells of the table below the heading `Situations`, without its header."""
    _, _, rest = text.partition("## Situations\n")
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def _missing(rows: list[list[str]]) -> list[str]:
    """Name the tests of rows that do not exist."""
    missing = []
    for *_, test in rows:
        file, _, name = test.strip("`").partition("::")
        path = ROOT / file
        there = (
            {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)}
            if path.is_file()
            else set()
        )
        if name not in there:
            missing.append(test)
    return missing


ROWS = _rows((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))


def test_there_are_twenty_situations_and_each_says_all_of_it() -> None:
    assert len(ROWS) >= 20
    assert [row for row in ROWS if len(row) != 5 or not all(row)] == []
    assert len({row[0] for row in ROWS}) == len(ROWS)


def test_each_situation_has_a_test_that_exists() -> None:
    assert _missing(ROWS) == []


@pytest.mark.parametrize("test", ["`tests/repo/test_situations.py::test_that_is_not_there`", "`tests/nowhere.py::test_x`", ""])
def test_a_test_that_is_not_there_is_named(test: str) -> None:
    assert _missing([["a", "b", "c", "d", test]]) == [test]
