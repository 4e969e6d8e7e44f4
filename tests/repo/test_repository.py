"""The repository checks itself: what the house must not forget, each rule as a test."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from ingest.sources import SOURCES
from quality.fields import FIELDS
from quality.raw import TABLES
from serving.release import OWN_TABLES

ROOT = Path(__file__).parents[2]
ROOMS = ("quality", "ingest", "serving", "orchestration")  # imports run from right to left only
DBT = ROOT / "dbt_project"
MODELS = sorted(DBT.glob("models/**/*.sql"))


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def python_files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def documented() -> dict[str, dict]:
    return {model["name"]: model for file in DBT.glob("models/**/*.yml") for model in yaml.safe_load(file.read_text()).get("models", [])}


def test_imports_run_one_way() -> None:
    wrong = []
    for place, room in enumerate(ROOMS):
        for path in python_files(room):
            for node in ast.walk(ast.parse(path.read_text())):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
                wrong += [f"{path.relative_to(ROOT)} imports {name}" for name in names if name.split(".")[0] in (*ROOMS[place + 1 :], "tests")]
    assert wrong == []


def test_dagster_stays_in_orchestration_and_heavy_imports_inside_functions() -> None:
    wrong = []
    for path in python_files(*ROOMS):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            tops = {name.split(".")[0] for name in names}
            if tops & {"dagster", "dagster_dbt", "dbt"} and path.relative_to(ROOT).parts[0] != "orchestration":
                wrong.append(f"{path} imports {tops}")
            if tops & {"pandas", "great_expectations"} and node in tree.body:
                wrong.append(f"{path} imports {tops} at load")
    assert wrong == []


def test_only_settings_reads_the_environment() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in python_files(*ROOMS)
        if re.search(r"os\.getenv|environ\.get\(|environ\[[^\]]+\](?!\s*=)", path.read_text())
    }
    assert readers == set()  # pydantic-settings does it in ingest/settings.py


def test_every_module_says_what_belongs_there() -> None:
    assert [str(path) for path in python_files(*ROOMS) if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_sql_knows_no_commodity_by_name() -> None:
    codes = {tomllib.loads(file.read_text())["commodity"]["commodity_code"] for file in (ROOT / "ingest/catalog/commodities").glob("*.toml")} | {
        "AL",
        "CU",
        "LC",
    }
    pattern = re.compile(rf"'({'|'.join(codes)})'|\b({'|'.join(codes)})\d{{4}}\b|氧化铝|碳酸锂|'(ao|al|cu|lc)'|alumina_", re.IGNORECASE)
    files = [path for path in DBT.glob("**/*.sql") if "target" not in path.parts]
    assert {str(path): pattern.findall(path.read_text()) for path in files if pattern.search(path.read_text())} == {}


def test_every_model_is_described_by_its_grain_and_keyed() -> None:
    models = documented()
    assert {path.stem for path in MODELS} == set(models)
    assert [name for name, model in models.items() if not model["description"].startswith("One row per ")] == []
    # Their grain is not a key of columns: a place on a board, a finding.
    exempt = {"stg_shfe__member_ranking", "int_quality__identities", "quality_results"}
    unkeyed = {name for name, model in models.items() if not any("unique_key" in test for test in model.get("data_tests", []))}
    assert unkeyed == exempt


def test_published_models_are_described_in_both_languages() -> None:
    published = [
        model
        for model in documented().values()
        if (DBT / "models" / "marts" / f"{model['name']}.sql").is_file() or (DBT / "models" / "serving" / f"{model['name']}.sql").is_file()
    ]
    texts = [model["description"] for model in published] + list(OWN_TABLES.values())
    assert [text for text in texts if not re.search(r"\|\s*\S*[\u4e00-\u9fff]", text)] == []


def test_staging_is_one_to_one_and_nothing_else_reads_raw() -> None:
    for path in MODELS:
        text, layer = path.read_text(), path.relative_to(DBT / "models").parts[0]
        sources = re.findall(r"source\('raw', '(\w+)'\)", text)
        if layer == "staging":
            assert sources == [path.stem.removeprefix("stg_")]
            assert " join " not in text
        else:
            assert sources == [], path
    assert {f"stg_{name}" for name in TABLES} == {path.stem for path in MODELS if path.stem.startswith("stg_")}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_step_of_a_model_joins_at_most_seven_times_and_a_model_ends_in_final(path: Path) -> None:
    text = path.read_text()
    ctes = re.split(r"\n\w+ as \(\n|with (?:recursive )?\w+ as \(\n", text)
    assert max(len(re.findall(r"\bjoin\b", part)) for part in ctes) <= 7
    assert re.search(r"select \* from (final|renamed)\n(where .*\n)?$", text)


def test_dialect_differences_live_in_macros() -> None:
    duckdb_only = re.compile(r"\b(arg_max|arg_min|qualify|asof join|list_\w+|string_agg|make_date|timezone)\s*\(|\bqualify\b|::", re.IGNORECASE)
    wrong = {}
    for path in MODELS:
        plain = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|--[^\n]*", "", path.read_text(), flags=re.DOTALL)
        if duckdb_only.search(plain):
            wrong[path.stem] = duckdb_only.findall(plain)
    assert wrong == {}


def test_every_threshold_has_a_source_and_is_used() -> None:
    parameters = tomllib.loads((ROOT / "ingest/catalog/parameters.toml").read_text())["parameter"]
    assert [row["name"] for row in parameters if not row["source"].strip() or not row["unit"].strip()] == []
    lists = [
        (DBT / f"models/intermediate/{model}.sql").read_text().split("] -%}")[0] for model in ("int_commodities__parameters", "int_market__breadth")
    ]
    read = {name for text in lists for name in re.findall(r"'(\w+)'", text)}
    assert {row["name"] for row in parameters} == read
    models = "".join(path.read_text() for path in MODELS if path.stem != "int_commodities__parameters")
    serving = "".join(path.read_text() for path in (ROOT / "serving").rglob("*.py"))
    assert [name for name in read if f".{name}" not in models and name not in serving] == []


def test_every_column_of_a_raw_table_is_declared_and_every_declared_column_stands_somewhere() -> None:
    assert {name for table in TABLES.values() for name in table.columns} <= set(FIELDS)
    text = "".join(path.read_text() for path in [*MODELS, ROOT / "quality/raw.py", *(ROOT / "serving").rglob("*.py")])
    assert [name for name in FIELDS if not re.search(rf"\b{name}\b", text)] == []


def test_field_names_carry_their_unit() -> None:
    suffixes = {"CNY/t": "_cny_t", "CNY": "_cny", "USD/t": "_usd_t", "pct": "_pct", "pp": "_pp", "lots": "_lots", "10k CNY": "_10k_cny"}
    assert [field.name for field in FIELDS.values() if field.unit in suffixes and not field.name.endswith(suffixes[field.unit])] == []
    assert [
        field.name
        for field in FIELDS.values()
        if not re.fullmatch(r"[a-z][a-z0-9_]*", field.name) or not field.en or not re.search(r"[\u4e00-\u9fff]", field.zh)
    ] == []


def test_every_table_of_a_source_is_claimed_once() -> None:
    claimed = [table for source in SOURCES for table in source.tables]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) | {"ingest__horizon", "ingest__quarantine", "ingest__receipts"} == set(TABLES)


def test_the_lock_pins_with_hashes_and_names_no_address() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"https?://|--index|--extra|--find-links|@ ", text)
    pins = re.findall(r"^(\S+?)(?:\[.*\])?==\S+ \\\n +--hash=sha256:", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^\S+==", text, re.MULTILINE)) > 100


def test_no_machine_and_no_registry_is_named() -> None:
    words = re.compile(
        "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "deb\\.debian" + r"\.org", "/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/"))
    )
    text = {path: path.read_text(encoding="utf-8", errors="ignore") for path in tracked() if path.suffix != ".lock"}
    assert [str(path) for path, body in text.items() if words.search(body)] == []


def test_nothing_large_and_no_shared_file_is_tracked(shared_data: Path) -> None:
    import hashlib

    shared = {hashlib.sha256(path.read_bytes()).hexdigest() for path in shared_data.rglob("*") if path.is_file() and path.stat().st_size > 200}
    assert [str(path) for path in tracked() if path.stat().st_size > 1_000_000] == []
    assert [str(path) for path in tracked() if hashlib.sha256(path.read_bytes()).hexdigest() in shared] == []


def test_definitions_load_light_and_touch_nothing(tmp_path: Path) -> None:
    code = "import sys, orchestration.definitions; print([name for name in ('pandas', 'great_expectations', 'altair', 'pandera') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"ALUMINA_HOME": str(tmp_path / "home"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert not (tmp_path / "home").exists()


def test_every_way_to_load_dagster_names_the_same_code_location() -> None:
    (module,) = (entry["python_module"] for entry in yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"])
    (server,) = (entry["grpc_server"] for entry in yaml.safe_load((ROOT / "orchestration/deploy/workspace.yaml").read_text())["load_from"])
    dg = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert {module["location_name"], server["location_name"], dg["code_location_name"]} == {"alumina"}
    assert module["module_name"] == dg["code_location_target_module"] == "orchestration.definitions"


def test_readme_names_only_commands_that_exist() -> None:
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", readme, re.MULTILINE)) != set()
    assert {name for pair in re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", readme, re.MULTILINE) for name in pair if name} <= targets
    help_text = subprocess.run([str(Path(sys.executable).with_name("alumina")), "--help"], capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"alumina (run|outlook|audit|note|whatif|backtest|rebuild|doctor|rollback|ui|prepare|backup|restore)\b", readme))
    assert [name for name in named if not re.search(rf"^\s+{name}\b", help_text, re.MULTILINE)] == []
