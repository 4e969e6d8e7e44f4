"""The repository checks itself: each rule of the house is a test."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from ingest.sources import SOURCES
from orchestration.instance.attribution import LOCATION, MODULE
from orchestration.warehouse.dbt import write_staging
from quality.fields import FIELDS, LOCAL
from quality.gate import GATES
from quality.raw import TABLES
from serving.publish.keys import published_keys
from serving.publish.release import OWN_TABLES

ROOT = Path(__file__).parents[2]
ROOMS = ("quality", "ingest", "serving", "orchestration")
DBT = ROOT / "dbt_project"
write_staging()  # the staging models are not tracked, they are written from quality/raw.py
MODELS = sorted(DBT.glob("models/**/*.sql"))


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def python_files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def documented() -> dict[str, dict]:
    return {model["name"]: model for file in DBT.glob("models/**/*.yml") for model in yaml.safe_load(file.read_text()).get("models", [])}


def test_heavy_imports_stand_inside_functions() -> None:
    wrong = []
    for path in python_files(*ROOMS):
        for node in ast.parse(path.read_text()).body:
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            if {name.split(".")[0] for name in names} & {"pandas", "great_expectations"}:
                wrong.append(f"{path} imports {names} at load")
    assert wrong == []


def test_a_file_name_stands_once_in_the_tree_but_where_the_folder_is_the_difference() -> None:
    # The sample mirrors the sources feed by feed, and two exchanges may have a feed of one name.
    mirrored = ("ingest/sample/", "ingest/sources/")
    seen: dict[str, list[str]] = {}
    for path in python_files(*ROOMS):
        name = path.relative_to(ROOT).as_posix()
        if path.name != "__init__.py" and not name.startswith("ingest/sample/"):
            seen.setdefault(path.name, []).append(name)
    assert {name: places for name, places in seen.items() if len(places) > 1 and not all(place.startswith(mirrored) for place in places)} == {}


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
    # Their grain is not a key of columns: a place on a board, a finding. A view of groups has the key it is grouped by.
    exempt = {
        "stg_shfe__member_ranking",
        "stg_czce__member_ranking",
        "int_exchange__rankings",
        "quality_results",
        "int_receipts__sums",
        "int_stock__sums",
    } | {name for name in models if name.startswith("int_quality__")}
    # A view of the desk has its key declared in the release, which is held to it there.
    keyed = {
        name
        for name, model in models.items()
        if any("unique_key" in test for test in model.get("data_tests", []))
        or model.get("config", {}).get("meta", {}).get("key")
        or any(row["type"] == "primary_key" for row in model.get("constraints", []))
    }
    unkeyed = set(models) - keyed
    assert unkeyed == exempt


def test_a_model_is_described_and_tested_by_the_yml_beside_it() -> None:
    strangers = []
    for file in DBT.glob("models/**/*.yml"):
        beside, told = {path.stem for path in file.parent.glob("*.sql")}, yaml.safe_load(file.read_text())
        named = [model["name"] for model in told.get("models", [])] + [test["model"] for test in told.get("unit_tests", [])]
        strangers += [f"{file.relative_to(DBT)}: {name}" for name in named if name not in beside]
    assert strangers == []


def test_published_models_are_described_in_both_languages() -> None:
    published = [
        model
        for model in documented().values()
        if any((DBT / "models" / layer / f"{model['name']}.sql").is_file() for layer in ("desk", "marts", "serving"))
    ]
    texts = [model["description"] for model in published] + list(OWN_TABLES.values())
    assert [text for text in texts if not re.search(r"\|\s*\S*[\u4e00-\u9fff]", text)] == []


def test_the_release_gate_asks_for_keys_that_dbt_tests() -> None:
    assert set(GATES) <= set(published_keys())


def test_staging_is_one_to_one_and_nothing_else_reads_raw() -> None:
    for path in MODELS:
        text, layer = path.read_text(), path.relative_to(DBT / "models").parts[0]
        sources = re.findall(r"source\('raw', '(\w+)'\)", text)
        if layer == "staging":
            assert sources == [path.stem.removeprefix("stg_")]
            assert " join " not in text
            assert re.findall(r"^        (\w+),?$", text, re.MULTILINE) == list(TABLES[sources[0]].stored_schema)
        else:
            assert sources == [], path
    staged = {path.stem for path in MODELS if path.stem.startswith("stg_")}
    assert staged == {f"stg_{table.name}" for table in TABLES.values() if table.staged}
    assert staged == {name for path in MODELS for name in re.findall(r"ref\('(stg_\w+)'\)", path.read_text())}  # what nobody reads is not staged
    assert [path for path in tracked() if path.is_relative_to(DBT / "models/staging")] == []


def test_no_intermediate_reads_a_mart_or_what_is_served() -> None:
    layer = {path.stem: path.relative_to(DBT / "models").parts[0] for path in MODELS}
    refs = {(path.stem, name) for path in MODELS for name in re.findall(r"ref\(\s*['\"](\w+)['\"]\s*\)", path.read_text())}
    assert {name for _, name in refs} <= set(layer)
    allowed = {
        "staging": set(),
        "intermediate": {"staging", "intermediate"},
        "marts": set(layer.values()) - {"serving", "desk"},
        "serving": set(layer.values()) - {"desk"},
        "desk": {"staging", "marts", "serving", "desk"},
    }
    assert {(reader, name) for reader, name in refs if layer[name] not in allowed[layer[reader]]} == set()


# Lines a model may have.
LINES = 250
# A model of so many lines is worth a dbt unit test.
TESTED_FROM = 100


def test_a_model_is_short_enough_to_read() -> None:
    lines = {path.stem: len(path.read_text().splitlines()) for path in MODELS}
    assert {name: count for name, count in lines.items() if count > LINES} == {}


def test_a_long_model_has_a_unit_test() -> None:
    tested = {test["model"] for file in DBT.glob("models/**/*.yml") for test in yaml.safe_load(file.read_text()).get("unit_tests", [])}
    assert {path.stem for path in MODELS if len(path.read_text().splitlines()) >= TESTED_FROM} <= tested


def test_prose_of_two_languages_stands_in_the_catalogue() -> None:
    said = re.compile(r"'([^'\n]*[\u4e00-\u9fff][^'\n]*)'")
    written = [*MODELS, *sorted((ROOT / "dbt_project/macros").glob("*.sql"))]
    # What the exchange prints in a sum row is data.
    assert {text for path in written for text in said.findall(re.sub(r"--[^\n]*", "", path.read_text()))} == {"总计"}
    assert said.findall((ROOT / "serving/research/wording.py").read_text().replace('"', "'")) == []


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
    lists = [path.read_text().split("] -%}")[0] for path in MODELS if path.stem in ("int_commodities__parameters", "int_market__breadth")]
    read = {name for text in lists for name in re.findall(r"'(\w+)'", text)}
    assert {row["name"] for row in parameters} == read
    models = "".join(path.read_text() for path in MODELS if path.stem != "int_commodities__parameters")
    serving = "".join(path.read_text() for path in (ROOT / "serving").rglob("*.py"))
    # As a column, or as a name that a loop of Jinja makes a column of.
    assert [name for name in read if not re.search(rf"[.']{name}\b", models) and name not in serving] == []


def test_every_figure_of_the_panel_is_read_by_a_model_or_by_the_fit() -> None:
    told = {row["name"] for row in tomllib.loads((ROOT / "ingest/catalog/panel.toml").read_text())["parameter"]}
    listed = next(path for path in MODELS if path.stem == "int_panel__parameters").read_text().split("] -%}")[0]
    assert told == set(re.findall(r"'(panel_\w+)'", listed))
    models = "".join(path.read_text() for path in [*MODELS, *(DBT / "macros").glob("*.sql")] if path.stem != "int_panel__parameters")
    fit = (ROOT / "serving/research/panel/protocol.py").read_text()
    unread = [name for name in told if not re.search(rf"\b{name}\b", models) and f"    {name.removeprefix('panel_')}: " not in fit]
    assert unread == []


def test_every_column_of_a_raw_table_is_declared_and_every_declared_column_stands_somewhere() -> None:
    assert {name for table in TABLES.values() for name in table.columns} <= set(FIELDS)
    written = [*MODELS, DBT / "macros/desk.sql", ROOT / "quality/raw.py", *(ROOT / "serving").rglob("*.py")]
    text = "".join(path.read_text() for path in written)
    # The desk makes one of each horizon in a loop; the release adds the time in Shanghai to every instant.
    names, words = [name.removesuffix(LOCAL) for name in FIELDS], set(re.findall(r"\w+", text))
    horizons = re.compile("_(short|medium|long)(?=_|$)")
    assert [name for name in names if name not in words and horizons.sub("_{{ horizon }}", name) not in text] == []


def test_answers_of_duckdb_are_read_in_ways_that_both_of_its_major_versions_have() -> None:
    # Gone in 2.0: frames from `execute()`, and single rows from a relation.
    gone = {"execute": {"pl", "arrow", "fetch_arrow_table", "fetch_record_batch"}, "sql": {"fetchone", "fetchmany"}}
    wrong = []
    for path in [*python_files(*ROOMS), *(ROOT / "tests").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=ast.Call(func=ast.Attribute(attr=asked)), attr=read) if read in gone.get(asked, ()):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {asked}(…).{read}")
    assert wrong == []


def test_field_names_carry_their_unit() -> None:
    suffixes = {"CNY/t": "_cny_t", "CNY": "_cny", "USD/t": "_usd_t", "pct": "_pct", "pp": "_pp", "lots": "_lots", "10k CNY": "_10k_cny"}
    assert [field.name for field in FIELDS.values() if field.unit in suffixes and not field.name.endswith(suffixes[field.unit])] == []
    assert [
        field.name
        for field in FIELDS.values()
        if not re.fullmatch(r"[a-z][a-z0-9_]*", field.name) or not field.en or not re.search(r"[\u4e00-\u9fff]", field.zh)
    ] == []


def test_descriptions_of_columns_are_short() -> None:
    assert {field.name: len(field.en) for field in FIELDS.values() if len(field.en) > 150} == {}


def test_every_table_of_a_source_is_claimed_once() -> None:
    claimed = [table for source in SOURCES for table in source.tables]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) | {"ingest__horizon", "ingest__quarantine", "ingest__receipts", "outlook__model"} == set(TABLES)


def test_the_lock_pins_with_hashes_and_names_no_address() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"https?://|--index|--extra|--find-links|@ ", text)
    pins = re.findall(r"^(\S+?)(?:\[.*\])?==\S+(?: ; .+)? \\\n +--hash=sha256:", text, re.MULTILINE)
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
    code = "import sys, orchestration.definitions; print([name for name in ('pandas', 'great_expectations', 'altair', 'pandera', 'dbt') if name in sys.modules])"
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
    dg = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert {module["location_name"], dg["code_location_name"], LOCATION} == {"alumina"}
    assert module["module_name"] == dg["code_location_target_module"] == MODULE == "orchestration.definitions"
    # In production two locations share what the one has (tests/unit/test_orchestration_locations.py); the units start them.
    deploy = ROOT / "orchestration" / "deploy"
    servers = [entry["grpc_server"] for entry in yaml.safe_load((deploy / "workspace.yaml").read_text())["load_from"]]
    started = dict(
        re.findall(r"--module-name (\S+) --host 127.0.0.1 --port (\d+)", "".join(unit.read_text() for unit in (deploy / "systemd").iterdir()))
    )
    modules = {port: name for name, port in started.items()}
    assert {server["location_name"]: modules[str(server["port"])] for server in servers} == {
        LOCATION: "orchestration.without_ranges",
        "ranges": "orchestration.ranges",
    }
