"""The recipes of docs/bi.md, run as they stand there against the sample; and other DuckDB clients on the published file."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.conftest import ALUMINA, Built
from tests.reliability import versions

PAGE = Path(__file__).parents[2] / "docs/bi.md"
TEXT = PAGE.read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SHELL = re.findall(r"^(?:duckdb|alumina export) .*$", TEXT, re.MULTILINE)
# Superset and pip have environments of their own; everything else a reader can paste is here.
CLIENTS = ("1.4.5", "2.0.1")


@pytest.fixture(scope="module")
def desk(sample: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `.alumina` is the sample's home, as a clone's is."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / ".alumina").symlink_to(sample.home)
    return folder


def run(desk: Path, *command: str) -> str:
    here = os.environ | {"PATH": f"{ALUMINA.parent}{os.pathsep}{os.environ['PATH']}", "ALUMINA_HOME": str(desk / ".alumina")}
    done = subprocess.run(command, cwd=desk, env=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_has_the_recipes_this_file_runs() -> None:
    assert len(PYTHON) == 2
    assert [line.split()[0] for line in SHELL] == ["duckdb", "alumina", "alumina"]


def test_sqlalchemy_reads_three_horizons(desk: Path) -> None:
    said = run(desk, sys.executable, "-c", next(code for code in PYTHON if "sqlalchemy" in code))
    assert [horizon for horizon in ("short", "medium", "long") if horizon in said] == ["short", "medium", "long"]


def test_polars_and_pandas_read_the_twin(desk: Path) -> None:
    said = run(desk, sys.executable, "-c", next(code for code in PYTHON if "read_parquet" in code))
    assert said.count("2025-07-23") == 9 + 3  # nine rows of three commodities from polars, the last three from pandas


def test_the_command_line_client_shows_the_newest_outlook(desk: Path) -> None:
    said = run(desk, "bash", "-c", SHELL[0])
    assert all(word in said for word in ("commodity_code", "AO", "short", "sideways"))


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("alumina")])
def test_an_export_is_a_file_excel_reads(desk: Path, line: str) -> None:
    run(desk, "bash", "-c", line)
    written = (desk / line.split("--to ")[1].split()[0]).read_bytes()
    assert written.startswith(b"\xef\xbb\xbf")
    headers = written.decode("utf-8-sig").splitlines()[0]
    assert ("品种代码" if "--zh" in line else "commodity_code") in headers


@pytest.mark.full
@pytest.mark.parametrize("version", CLIENTS)
def test_an_older_and_a_newer_client_give_the_same_answers(sample: Built, tmp_path: Path, version: str) -> None:
    file = (sample.home / "serving" / "alumina.duckdb").resolve()
    answer = versions.ask(version, file, tmp_path)
    if isinstance(answer, str) and answer.startswith("cannot be installed"):
        pytest.skip(answer)
    assert isinstance(answer, versions.Answer), answer
    ours = versions.answered(Path(sys.executable), file)
    assert isinstance(ours, versions.Answer), ours
    assert answer.version == version
    assert (answer.rows, answer.counts, answer.comments) == (ours.rows, ours.counts, ours.comments)
    assert answer.by_resolved_path == "b"  # while the old release is held, the resolved path gives the new one
