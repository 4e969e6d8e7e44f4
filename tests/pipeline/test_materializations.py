"""How a model takes the place of the one before it: in one transaction, whatever it was, and not at all where it fails or breaks its key."""

import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.dbt import PROJECT
from tests.pipeline.conftest import ALUMINA

pytestmark = pytest.mark.full

CONFIG = """
name: alumina
version: "1.0"
config-version: 2
profile: alumina
macro-paths: [materializations]
models:
  alumina:
    +persist_docs: {relation: true}
"""
DESCRIBED = """
models:
  - name: first
    description: What the first holds
  - name: keyed
    config: {meta: {key: [a, b]}}
  - name: typed
    config: {contract: {enforced: true}}
    columns:
      - {name: a, data_type: bigint}
"""


def build(project: Path, warehouse: Path, **models: str) -> subprocess.CompletedProcess[str]:
    for name, sql in models.items():
        (project / "models" / f"{name}.sql").write_text(sql)
    command = [str(ALUMINA.with_name("alumina-dbt")), "run", "--project-dir", str(project), "--profiles-dir", str(PROJECT)]
    environment = os.environ | {"ALUMINA_WAREHOUSE": str(warehouse), "DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def held(warehouse: Path) -> dict[str, tuple[str, list[tuple[object, ...]]]]:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        kinds = con.execute("select table_name, lower(table_type) from information_schema.tables").fetchall()
        return {name: (kind, con.execute(f"select * from {name}").fetchall()) for name, kind in kinds}


def test_a_model_takes_the_place_of_the_one_before_it_and_one_that_fails_takes_none(tmp_path: Path) -> None:
    project, warehouse = tmp_path / "project", tmp_path / "warehouse.duckdb"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text(CONFIG)
    (project / "models" / "described.yml").write_text(DESCRIBED)
    shutil.copytree(PROJECT / "materializations", project / "materializations")
    table, view = "{{ config(materialized='table') }} ", "{{ config(materialized='view') }} "
    done = build(
        project,
        warehouse,
        first=f"{table}select 1 as a",
        second=f"{view}select a + 1 as a from {{{{ ref('first') }}}}",
        typed=f"{table}select 7::bigint as a",
        keyed=f"{table}select 1 as a, 'x' as b",
    )
    assert done.returncode == 0, done.stdout
    kept = {"keyed": ("base table", [(1, "x")])}
    assert held(warehouse) == {"first": ("base table", [(1,)]), "second": ("view", [(2,)]), "typed": ("base table", [(7,)])} | kept

    # A table becomes a view, a view a table; the third fails half-way and leaves what was there.
    done = build(
        project,
        warehouse,
        first=f"{view}select 10 as a",
        second=f"{table}select a + 1 as a from {{{{ ref('first') }}}}",
        typed=f"{table}select case when a > 10 then error('beyond')::bigint else a::bigint end as a from {{{{ ref('second') }}}}",
        keyed=f"{table}from (values (2, 'y'), (2, 'z'), (2, 'y')) as t(a, b)",
    )
    assert done.returncode != 0
    assert "beyond" in done.stdout
    assert "the key (a, b) of main.keyed is null or names several rows for 1 of its values, such as {'a': 2, 'b': y}" in done.stdout
    assert held(warehouse) == {"first": ("view", [(10,)]), "second": ("base table", [(11,)]), "typed": ("base table", [(7,)])} | kept
    with duckdb.connect(str(warehouse), read_only=True) as con:
        assert con.execute("select comment from duckdb_views() where view_name = 'first'").fetchall() == [("What the first holds",)]
        assert con.execute("select data_type from duckdb_columns() where table_name = 'typed'").fetchall() == [("BIGINT",)]

    # A part that is null breaks a key as well, of a view as of a table.
    done = build(project, warehouse, keyed=f"{view}from (values (2, 'y'), (2, null)) as t(a, b)")
    assert "the key (a, b) of main.keyed is null or names several rows for 1 of its values, such as {'a': 2, 'b': NULL}" in done.stdout
    assert held(warehouse)["keyed"] == kept["keyed"]
