"""A copy of the project with few models, for tests of locks, kills, repetition and rebuilding, where only the course of a run matters.

Packages, Dagster, DuckDB, dbt, gate and release are the real ones, copied from the repository into a folder of their own. Only the models
are others: of the hundred and more are left the tables a release reads, each a copy of what the real models made of the same home. A
table has its rows as long as `raw` has all of the rows it had then, so what a cut-off run would leave out is missed in the release, too.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

from ingest.settings import REPOSITORY
from serving.publish.keys import SCHEMAS, published_keys
from tests.pipeline.conftest import ALUMINA, HANGS, copied

ROOMS = ("quality", "ingest", "serving", "orchestration")
FILES = ("workspace.yaml", "requirements.txt", "dbt_project/dbt_project.yml", "dbt_project/profiles.yml")
FOLDERS = (*ROOMS, "dbt_project/macros", "dbt_project/materializations", "dbt_project/tests/generic")
HELD = "shfe__daily_quotes"
"""The raw table whose rows are counted."""


@dataclass(frozen=True)
class Small:
    """A small house and one home that lives in it."""

    root: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process take its packages from the house, wherever it is started."""
        return os.environ | {"PYTHONPATH": str(self.root), "ALUMINA_HOME": str(self.home), "COLUMNS": "200", "ALUMINA_LOCK_WAIT_SECONDS": str(HANGS)}

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start the `alumina` command; `more` is added to its environment."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [str(ALUMINA), *arguments], cwd=self.root, env=self.environment | more, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the `alumina` command to its end."""
        with self.start(*arguments, **more) as process:
            out, err = process.communicate(timeout=HANGS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def copied(self, root: Path) -> "Small":
        """Give a house and a home of its own; what the models read stays where it was furnished."""
        root.mkdir(parents=True, exist_ok=True)
        return Small(copied(self.root, root / "house"), copied(self.home, root / "home"))


def furnish(root: Path, home: Path) -> Small:
    """Make the house in a new folder, with models that give again what stands in the warehouse of `home`."""
    for name in FOLDERS:
        shutil.copytree(REPOSITORY / name, root / name)
    for name in FILES:
        shutil.copy2(REPOSITORY / name, root / name)
    project, tables = root / "dbt_project", root / "tables"
    # The sources are written by the house itself before it parses; the views on them are left out.
    config = project / "dbt_project.yml"
    config.write_text(config.read_text(encoding="utf-8").replace("    staging:\n", "    staging:\n      +enabled: false\n"), encoding="utf-8")
    tables.mkdir()
    described: dict[str, list[dict[str, object]]] = {}
    keys = published_keys()  # the gate asks for them
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        ((rows,),) = con.execute(f"select count(*) from raw.{HELD}").fetchall()
        for schema, table, comment in wanted(con):
            kept = tables / f"{schema}.{table}.parquet"
            con.execute(f"copy {schema}.{table} to '{kept}' (format parquet)")
            model = project / "models" / schema / f"{table}.sql"
            model.parent.mkdir(parents=True, exist_ok=True)
            model.write_text(f"select * from read_parquet('{kept}')\nwhere (select count(*) from {{{{ source('raw', '{HELD}') }}}}) = {rows}\n")
            columns = list(keys.get(f"{schema}.{table}", ()))
            tests = {"data_tests": [{"unique_key": {"arguments": {"columns": columns}}}]} if columns else {}
            described.setdefault(schema, []).append({"name": table, "description": comment or f"One row per row of {table}."} | tests)
    for schema, models in described.items():
        text = yaml.safe_dump({"version": 2, "models": models}, allow_unicode=True)
        (project / "models" / schema / "_small.yml").write_text(text, encoding="utf-8")
    house = Small(root, home)
    prepared = house.run("prepare")
    assert prepared.returncode == 0, prepared.stdout + prepared.stderr
    return house


def wanted(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, str | None]]:
    """Name the tables a release copies, and those of the working warehouse that it computes from."""
    texts = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "serving").rglob("*.py"))
    read = set(re.findall(r"\bintermediate\.(\w+)", texts))
    found = con.execute("select schema_name, table_name, comment from duckdb_tables() order by all").fetchall()
    yield from ((schema, table, comment) for schema, table, comment in found if schema in SCHEMAS or (schema == "intermediate" and table in read))
