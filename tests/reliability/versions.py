"""Which DuckDB clients open the published file and answer the analysts' questions?

    python -m tests.reliability.versions PUBLISHED.duckdb --folder SCRATCH

Each version gets an environment of its own from the package registry; one the registry does not have is skipped, saying so.
A client must give the same answers, to the last digit shown, as the version the project pins. Exit code 1 when one does not. CI asks
an older and a newer one (`tests/pipeline/test_recipes.py`).
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.pipeline.test_analysts import QUESTIONS
from tests.pipeline.test_desk import QUESTIONS as INNOCENT

VERSIONS = ("1.0.0", "1.1.3", "1.2.2", "1.3.2", "1.4.5", "1.5.5", "1.5.6", "2.0.0", "2.0.1")
PINNED = "1.5.6"
KNOWN = "select fact, day, value from desk.known_at(timestamp '2025-07-22 15:05:00') order by all"
# Runs in the other environment. Also: what a process gets that opens the link again after the swap, while it holds the old release.
CLIENT = """
import json, os, pathlib, shutil, sys, tempfile
import duckdb
published, questions = sys.argv[1], json.loads(sys.stdin.read())
def text(value):
    return f"{value:.9g}" if isinstance(value, float) else str(value)
with duckdb.connect(published, read_only=True) as con:
    con.execute("set TimeZone = 'Asia/Shanghai'")
    rows = [[[text(value) for value in row] for row in con.execute(question).fetchall()] for question in questions]
    tables = con.execute("select schema_name || '.' || table_name from duckdb_tables() union select schema_name || '.' || view_name from duckdb_views() where not internal")
    counts = {name: con.execute(f"select count(*) from {name}").fetchall()[0][0] for (name,) in sorted(tables.fetchall())}
    comments = con.execute("select count(comment) from duckdb_columns() where not internal").fetchall()[0][0]
with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    for name in ("a", "b"):
        (root / name).mkdir()
        with duckdb.connect(str(root / name / "x.duckdb")) as con:
            con.execute(f"create table t as select '{name}' as said")
    (root / "link").symlink_to("a")
    with duckdb.connect(str(root / "link" / "x.duckdb"), read_only=True) as held:
        (root / "next").symlink_to("b")
        (root / "next").replace(root / "link")
        said = []
        for path in (root / "link" / "x.duckdb", (root / "link" / "x.duckdb").resolve()):
            with duckdb.connect(str(path), read_only=True) as con:
                said.append(con.execute("select said from t").fetchall()[0][0])
print(json.dumps([duckdb.__version__, rows, counts, comments, said]))
"""


@dataclass(frozen=True)
class Answer:
    """What one client said of the file, and which release it gives while the old one is held: by the link, by the resolved path."""

    version: str
    rows: list[list[list[str]]]
    counts: dict[str, int]
    comments: int
    by_link: str
    by_resolved_path: str


def answered(python: Path, published: Path) -> Answer | str:
    """Let the DuckDB of an environment answer: what it said, or its last word."""
    questions = json.dumps([*(question.sql for question in QUESTIONS), *(question.innocent for question in INNOCENT), KNOWN])
    done = subprocess.run([str(python), "-c", CLIENT, str(published)], input=questions, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"FAILED {done.stderr.strip().splitlines()[-1]}"
    version, rows, counts, comments, (by_link, by_resolved_path) = json.loads(done.stdout)
    return Answer(version, rows, counts, comments, by_link, by_resolved_path)


def ask(version: str, published: Path, folder: Path) -> Answer | str:
    """Let one version answer: what it said, or in a sentence why not."""
    uv, python = str(Path(sys.executable).with_name("uv")), folder / version / "bin" / "python"
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder / version)], check=True)
    install: list[Any] = [uv, "pip", "install", "--quiet", "--python", python, "--only-binary", ":all:", f"duckdb=={version}", "pytz", "numpy"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"cannot be installed: {done.stderr.strip()[-300:]}"
    return answered(python, published)


def main() -> None:
    """Ask every version and compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("published", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    said = {version: ask(version, given.published.resolve(), given.folder.resolve()) for version in VERSIONS}
    right, failed = said[PINNED], False
    names = {"a": "the old release", "b": "the new one"}
    for version, answer in said.items():
        if isinstance(answer, str) or isinstance(right, str):
            failed |= not str(answer).startswith("cannot be installed")
            line = str(answer)
        else:
            same = (answer.rows, answer.counts, answer.comments) == (right.rows, right.counts, right.comments)
            failed |= not same or answer.by_resolved_path != "b"
            line = (
                f"{'the same answers' if same else 'OTHER ANSWERS'}, {len(answer.counts)} tables and views, {answer.comments} comments; "
                f"while the old one is held, the link gives {names[answer.by_link]}, the resolved path {names[answer.by_resolved_path]}"
            )
        sys.stdout.write(f"duckdb {version}: {line}\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
