"""One reader of `readers`, in a process of its own: eight of them start in the time in which this project's packages are imported once.

    python tests/reliability/one_reader.py SERVING/alumina.duckdb STOP

So it imports DuckDB and nothing of this project. Which client of DuckDB it has is its environment's choice.
"""

import json
import os
import sys
from pathlib import Path

import duckdb

ROWS = 5_000
"""Rows of the outlook that `readers` publishes: many blocks of the file, so that half a file would be seen."""
HERE = "here"
"""What a reader says when it begins to read; before all are there nothing is published, so that a short round is read, too."""


def look(published: Path) -> tuple[str, str | None]:
    """Read one release as a reader does: resolve the link once, then everything from that folder. Give its id and what is torn."""
    folder = published.parent.resolve()
    with duckdb.connect(str(folder / published.name), read_only=True, config={"threads": 1}) as con:
        said = con.execute("select release_id, run_id from serving.publication").fetchall()
        outlook = con.execute("select disclaimer, count(*), sum(sentiment_score) from serving.outlook group by all").fetchall()
        twins = con.execute(f"select release_id, run_id from '{folder}/publication.parquet'").fetchall()
        twin = con.execute(f"select disclaimer, count(*), sum(sentiment_score) from '{folder}/outlook_v2.parquet' group by all").fetchall()
    whole = len(outlook) == 1 and outlook[0][1] == ROWS and outlook == twin and said == twins and said == [(folder.name, outlook[0][0])]
    return folder.name, None if whole else f"{folder.name}: publication {said} {twins}, outlook {outlook} {twin}"


def read_until(published: Path, stop: Path) -> None:
    """Say "here", read without pause until the file `stop` appears, then print what was seen as JSON."""
    sys.stdout.write(f"{HERE}\n")
    sys.stdout.flush()
    os.nice(10)  # on a small machine eight readers would starve the publisher, and nothing would be published to read
    reads, seen, errors, torn = 0, set(), [], []
    while not stop.exists():
        try:
            name, wrong = look(published)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
            continue
        reads += 1
        seen.add(name)
        torn += [wrong] if wrong else []
    sys.stdout.write(json.dumps([reads, sorted(seen), errors, torn, duckdb.__version__]))


if __name__ == "__main__":
    read_until(Path(sys.argv[1]), Path(sys.argv[2]))
