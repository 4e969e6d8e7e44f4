"""The recipes of CONTRIBUTING.md, followed to the letter in one scratch copy of the repository, one after the other.

A recipe is prose with blocks. The line before a block says what to do with it: `New file`, `At the end of`, `In … after …`, or `Then`, which
runs it. A recipe whose place is gone, or whose command fails, fails here.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ingest.settings import REPOSITORY
from tests.pipeline.conftest import Built

TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = ("commodity", "rule", "metric", "mart", "check", "chart", "feed")
STEP = re.compile(
    r"^(?P<what>New file|At the end of|In|Then)(?: `(?P<path>[^`]+)`)?(?:, after `(?P<after>[^\n]+)`)?:\n\n```\w+\n(?P<block>.*?)^```$", re.M | re.S
)


class Step(NamedTuple):
    """One block of a recipe."""

    what: str
    path: str | None
    after: str | None
    block: str


def recipes(text: str) -> dict[str, list[Step]]:
    """Give the steps of each recipe by its title; a block that no line introduces raises ValueError."""
    found = {}
    for section in re.split(r"^## Recipe: ", text, flags=re.MULTILINE)[1:]:
        title, _, body = re.split(r"^## ", section, flags=re.MULTILINE)[0].partition("\n")
        steps = [Step(*match.groups()) for match in STEP.finditer(body)]
        if len(steps) != len(re.findall(r"^```\w+$", body, re.MULTILINE)):
            raise ValueError(f"{title}: a block is introduced by no line that says where it goes")
        found[title] = steps
    return found


def follow(step: Step, root: Path) -> None:
    """Change the copy as the step says; a place that is not there, or there twice, raises ValueError."""
    assert step.path is not None
    path = root / step.path
    if step.what == "New file":
        if path.exists():
            raise ValueError(f"{step.path} is there already")
        path.write_text(step.block, encoding="utf-8")
    elif step.what == "At the end of":
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{step.block}", encoding="utf-8")
    else:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if line.lstrip().startswith(str(step.after).lstrip())]
        if len(places) != 1:
            raise ValueError(f"{step.path} has {len(places)} lines that begin with {step.after!r}")
        lines.insert(places[0] + 1, step.block)
        path.write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scratch copy of what is tracked."""
    root = tmp_path_factory.mktemp("contributing") / "copy"
    subprocess.run(["git", "checkout-index", "--all", f"--prefix={root}/"], cwd=REPOSITORY, check=True)
    return root


@pytest.fixture(scope="module")
def run(copy: Path, sample: Built, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run a command line of a recipe in the copy; dbt builds in a copy of the sample's warehouse."""
    home = tmp_path_factory.mktemp("home") / "home"
    home.mkdir()
    warehouse = home / "warehouse.duckdb"
    subprocess.run(["cp", str(sample.home / warehouse.name), str(warehouse)], check=True)
    beside = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{beside}:{os.environ['PATH']}", "PYTHONPATH": str(copy), "ALUMINA_HOME": str(home),
        "ALUMINA_MEMORY_LIMIT": "2GB", "DO_NOT_TRACK": "1", "COLUMNS": "200",
    }  # fmt: skip

    def made(line: str) -> subprocess.CompletedProcess[str]:
        program, *rest = shlex.split(line)
        # The copy has no environment of its own; it takes the one of these tests.
        command = ["make", "-o", ".venv/.ready", f"BIN={beside}", *rest] if program == "make" else [str(beside / Path(program).name), *rest]
        return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)

    return made


def test_there_is_a_recipe_for_each_thing_people_add() -> None:
    assert [title for title, name in zip(recipes(TEXT), RECIPES, strict=True) if name not in title] == []


@pytest.mark.full
def test_every_recipe_runs(copy: Path, run: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    wrong = {}
    for title, steps in recipes(TEXT).items():
        ran = 0
        for step in steps:
            if step.what != "Then":
                follow(step, copy)
                continue
            for line in step.block.splitlines():
                ran += 1
                if (done := run(line)).returncode:
                    wrong[f"{title}: {line}"] = (done.stdout + done.stderr)[-3000:]
        assert ran, f"{title} ends in no command"
    assert wrong == {}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step("New file", "here.toml", None, "x"), "is there already"),
        (Step("In", "here.toml", "nowhere", "x"), "has 0 lines"),
        (Step("In", "here.toml", "a = ", "x"), "has 2 lines"),
    ],
)
def test_a_step_whose_place_is_gone_is_noticed(tmp_path: Path, step: Step, said: str) -> None:
    (tmp_path / "here.toml").write_text("a = 1\na = 2\n")
    with pytest.raises(ValueError, match=said):
        follow(step, tmp_path)


def test_a_block_that_says_nothing_of_its_place_is_noticed() -> None:
    with pytest.raises(ValueError, match="no line that says where"):
        recipes("## Recipe: add a thing\n\nDo this:\n\n```toml\na = 1\n```\n")
