"""The recipes of docs/bi.md, run as they stand there against the sample; and other DuckDB clients on the published file."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy
import yaml
from openpyxl import load_workbook

from ingest.settings import Settings
from serving.publish.keys import published_keys
from serving.publish.spreadsheets import Wanted, export_csv
from tests.pipeline.conftest import ALUMINA, Built
from tests.reliability import dashboard, versions

PAGE = Path(__file__).parents[2] / "docs/bi.md"
TEXT = PAGE.read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
NODE = re.findall(r"^```js\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SHELL = re.findall(r"^(?:duckdb|alumina export) .*$", TEXT, re.MULTILINE)
BUNDLE = {path.relative_to(PAGE.parent / "bi/superset").as_posix(): path for path in (PAGE.parent / "bi/superset").rglob("*.yaml")}
# Superset and pip have environments of their own; everything else a reader can paste is here.
CLIENTS = ("1.4.5", "2.0.1")
TOO_OLD = "1.0.0"


def recipe(word: str) -> str:
    """The recipe in Python that has a word."""
    (found,) = [code for code in PYTHON if word in code]
    return found


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
    assert (len(PYTHON), len(NODE)) == (4, 1)
    assert [line.split()[0] for line in SHELL] == ["duckdb", "alumina", "alumina", "alumina"]


def test_sqlalchemy_reads_rows_and_keys(desk: Path) -> None:
    said = run(desk, sys.executable, "-c", recipe("sqlalchemy"))
    assert all(word in said for word in ("direction_short", "2025-07-23", "['commodity_code', 'trade_date']"))


def test_sqlalchemy_reflects_every_table_of_the_desk_with_its_references(sample: Built) -> None:
    file = (sample.home / "serving" / "alumina.duckdb").resolve()
    engine = sqlalchemy.create_engine(f"duckdb:///{file}", connect_args={"read_only": True})
    known = sqlalchemy.MetaData()
    known.reflect(engine, schema="desk")
    engine.dispose()
    assert {name.split(".")[1] for name in known.tables} == {name.split(".")[1] for name in published_keys() if name.startswith("desk.")}
    referred = {key.target_fullname for key in known.tables["desk.spot_regions"].foreign_keys}
    assert referred == {"desk.dim_product.commodity_code", "desk.dim_date.calendar_date", "desk.dim_region.region", "desk.dim_provider.provider"}


def test_duckdb_hands_over_a_frame(desk: Path) -> None:
    assert "2025-07-23" in run(desk, sys.executable, "-c", recipe(".pl()"))


def test_polars_and_pandas_read_the_twin(desk: Path) -> None:
    said = run(desk, sys.executable, "-c", recipe("read_parquet"))
    assert said.count("2025-07-23") == 3 + 3  # a row of each commodity, from both


def test_the_command_line_client_shows_the_newest_outlook(desk: Path) -> None:
    said = run(desk, "bash", "-c", SHELL[0])
    assert all(word in said for word in ("commodity_code", "AO", "direction_short", "up"))


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("alumina")])
def test_an_export_is_a_file_excel_reads(desk: Path, line: str) -> None:
    run(desk, "bash", "-c", line)
    file = desk / line.split("--to ")[1].split()[0]
    if file.suffix == ".xlsx":
        headers = [str(cell.value) for cell in next(iter(load_workbook(file)["outlook_daily"].iter_rows()))]
    else:
        assert file.read_bytes().startswith(b"\xef\xbb\xbf")
        headers = next(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
    assert ("品种代码" if "--zh" in line else "commodity_code") in headers
    if "fct_spot_daily" in line:
        assert "现货价 [CNY/t]" in headers


def test_power_query_finds_the_twin_its_recipe_reads(sample: Built) -> None:
    (name,) = re.findall(r'"desk\\(\w+\.parquet)"', TEXT)
    file = pq.ParquetFile((sample.home / "serving" / "desk" / name).resolve())
    assert {"commodity_code", "trade_date"} <= set(file.schema_arrow.names)
    # Plain columns in a codec it knows.
    assert {str(file.schema_arrow.field(column).type) for column in ("commodity_code", "trade_date", "close_cny_t")} == {
        "string",
        "date32[day]",
        "double",
    }
    assert {file.metadata.row_group(0).column(column).compression for column in range(file.metadata.num_columns)} == {"SNAPPY"}


def test_power_query_makes_the_headers_of_the_export(sample: Built) -> None:
    (query,) = re.findall(r"^```\n(let\n.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    words = pq.read_table((sample.home / "serving" / "data_dictionary.parquet").resolve())
    read = {name for line in query.splitlines() if "words" in line or "headed" in line for name in re.findall(r"\[(\w+)\]", line)}
    assert read - {"header"} <= set(words.schema.names)
    assert read >= {"schema_name", "table_name", "column_name", "unit", "description_zh"}
    told = [row for row in words.to_pylist() if (row["schema_name"], row["table_name"]) == ("desk", "futures_dominant") and row["column_name"] != "*"]
    headers = {row["column_name"]: row["description_zh"] + ("" if row["unit"] == "-" else f" [{row['unit']}]") for row in told}
    assert len(set(headers.values())) == len(headers)  # two equal ones stop RenameColumns
    wanted = Wanted("desk.futures_dominant", chinese=True, since=date(2025, 7, 23))
    body = b"".join(export_csv(Settings(home=sample.home), wanted)).decode("utf-8-sig")
    exported = next(csv.reader(io.StringIO(body)))
    columns = pq.ParquetFile((sample.home / "serving" / "desk" / "futures_dominant.parquet").resolve()).schema_arrow.names
    assert [headers[column] for column in columns] == exported


def kept(kind: str) -> list[dict[str, Any]]:
    """What the kept dashboard says of its datasets or charts."""
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for name, path in sorted(BUNDLE.items()) if name.startswith(f"{kind}/")]


def test_the_dashboard_kept_for_superset_names_what_is_published(sample: Built) -> None:
    there: dict[str, set[str]] = {}
    for table, column in sample.published("select schema_name || '.' || table_name, column_name from duckdb_columns() where not internal"):
        there.setdefault(table, set()).add(column)
    allowed = {
        (table, column): (time, rows)
        for table, column, time, rows in sample.published("select table_name, column_name, over_time, over_rows from desk.metrics")
    }
    datasets = {dataset["uuid"]: dataset for dataset in kept("datasets")}
    assert {f"{dataset['schema']}.{dataset['table_name']}" for dataset in datasets.values()} == set(dashboard.TABLES)
    for dataset in datasets.values():
        table = f"{dataset['schema']}.{dataset['table_name']}"
        assert {column["column_name"] for column in dataset["columns"]} <= there[table], table
        for metric in dataset["metrics"]:
            if (name := metric["metric_name"]) != "count":
                assert metric["expression"] == dashboard.expression(name, dashboard.days()[table], *allowed[dataset["table_name"], name])
    for chart in kept("charts"):
        dataset, params = datasets[chart["dataset_uuid"]], chart["params"]
        columns = {column["column_name"] for column in dataset["columns"]}
        assert {*params.get("all_columns", ()), *params.get("groupby", ()), *([params["x_axis"]] if "x_axis" in params else [])} <= columns
        assert set(params.get("metrics", ())) <= {metric["metric_name"] for metric in dataset["metrics"]}


def test_the_dashboard_kept_is_the_one_that_is_stated_and_names_no_machine() -> None:
    stated = {chart.uuid: (chart.name, dashboard.params(chart, 0)) for chart in dashboard.CHARTS}
    found = {chart["uuid"]: (chart["slice_name"], chart["params"] | {"datasource": "0__table"}) for chart in kept("charts")}
    assert {uuid: name for uuid, (name, _) in found.items()} == {uuid: name for uuid, (name, _) in stated.items()}
    for uuid, (_, params) in stated.items():
        assert {key: value for key, value in params.items() if value is not None} == found[uuid][1]
    (database,) = kept("databases")
    assert database["sqlalchemy_uri"] == "duckdb:////alumina/serving/alumina.duckdb"
    assert database["extra"]["engine_params"]["connect_args"]["read_only"] is True
    (board,) = kept("dashboards")
    assert {item["meta"]["uuid"] for item in board["position"].values() if isinstance(item, dict) and item["type"] == "CHART"} == set(stated)


@pytest.mark.full
def test_ibis_reads_the_desk(desk: Path, tmp_path: Path) -> None:
    uv, python = str(Path(sys.executable).with_name("uv")), tmp_path / "ibis" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "ibis")], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "--only-binary", ":all:", "ibis-framework[duckdb]", "duckdb<2"]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        pytest.skip("ibis cannot be installed here")
    assert run(desk, str(python), "-c", recipe("ibis")).count("2025-07-2") == 3


@pytest.mark.full
def test_node_reads_the_desk(desk: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("there is no node here")
    if subprocess.run(["npm", "install", "--silent", "--no-save", "@duckdb/node-api"], cwd=desk, capture_output=True, check=False).returncode:
        pytest.skip("the client for node cannot be installed here")
    (desk / "recipe.mjs").write_text(NODE[0], encoding="utf-8")
    assert [row["trade_date"] for row in json.loads(run(desk, "node", "recipe.mjs"))] == ["2025-07-23", "2025-07-22", "2025-07-21"]


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


@pytest.mark.full
def test_a_client_that_is_too_old_refuses_and_the_page_says_its_words(sample: Built, tmp_path: Path) -> None:
    answer = versions.ask(TOO_OLD, (sample.home / "serving" / "alumina.duckdb").resolve(), tmp_path)
    if isinstance(answer, str) and answer.startswith("cannot be installed"):
        pytest.skip(answer)
    (words,) = re.findall(rf"^\| {TOO_OLD} \| no.*`(.+?) … (.+?)`", TEXT, re.MULTILINE)
    assert isinstance(answer, str), answer
    assert all(word in answer for word in words), answer
