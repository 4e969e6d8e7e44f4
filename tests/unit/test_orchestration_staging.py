"""Staging models are what `quality.raw` says of the tables: one view each, written and never tracked."""

import json
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from feeds import Home, delivery

from ingest.settings import Settings
from ingest.source import Parsed, Request
from ingest.sources.fx import TABLE, Fx
from orchestration.warehouse import dbt, load, staging
from orchestration.warehouse.load import connect, load_raw
from quality import fields, raw
from quality.fields import Field, Kind
from quality.raw import TABLES

WIDER = replace(TABLES[TABLE], columns=(*TABLES[TABLE].columns, "band_pct"), staged=True)
STAGED = {f"stg_{table.name}" for table in TABLES.values() if table.staged}


class FxWithBand(Fx):
    """The source as it would read one figure more."""

    def parse(self, request: Request, body: bytes) -> Parsed:
        parsed = super().parse(request, body)
        return replace(parsed, frames={TABLE: parsed.frames[TABLE].with_columns(pl.lit(2.0).alias("band_pct"))})


def test_a_column_is_added_to_a_feed_by_its_field_and_its_parser_alone(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fields.FIELDS, "band_pct", Field("band_pct", Kind.NUMBER, "pct", "Width of the band around the fixing", "浮动区间"))
    monkeypatch.setitem(raw.TABLES, TABLE, WIDER)
    monkeypatch.setattr(load, "TABLES", {name: TABLES[name] for name in (TABLE, "ingest__receipts")})
    body = {"head": {"rep_code": "200"}, "data": {"searchlist": ["USD/CNY"]}, "records": [{"date": "2025-07-16", "values": ["7.1526"]}]}
    home.take(delivery("cfets_CcprHisNew.json", json.dumps(body).encode()), sources=[FxWithBand()])
    load_raw(home.settings)
    staging.write(tmp_path / "staging")
    model = (tmp_path / "staging" / "fx" / f"stg_{TABLE}.sql").read_text()
    with connect(home.settings, read_only=True) as con:
        (row,) = con.sql(re.sub(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", r"\1.\2", model)).select("rate, band_pct").fetchall()
    assert row == (7.1526, 2.0)


def test_only_the_model_of_the_table_that_changed_is_written_anew(tmp_path: Path) -> None:
    staging.write(tmp_path, TABLES | {TABLE: replace(TABLES[TABLE], staged=True)})
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*") if path.is_file()}
    staging.write(tmp_path, TABLES | {TABLE: WIDER})
    changed = [path.name for path, inode in before.items() if path.stat().st_ino != inode]
    assert changed == [f"stg_{TABLE}.sql"]


def test_the_folder_holds_the_models_of_the_tables_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "fx").mkdir()
    (tmp_path / "fx" / "stg_fx__forgotten.sql").write_text("select 1")
    (tmp_path / "notes.txt").write_text("not a model")
    staging.write(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {*staging.models(), "notes.txt"}
    assert {Path(name).stem for name in names if name.endswith(".sql")} == STAGED


def test_key_and_description_of_a_table_stand_in_its_yml() -> None:
    files = staging.models()
    told = {model["name"]: model for name, text in files.items() if "/_" in name for model in yaml.safe_load(text)["models"]}
    sources = {table["name"]: table["description"] for table in yaml.safe_load(files["_sources.yml"])["sources"][0]["tables"]}
    assert sources == {name: table.description for name, table in TABLES.items()}

    def key(model: dict[str, Any]) -> list[str] | None:
        return model.get("config", {}).get("meta", {}).get("key")  # type: ignore[no-any-return]

    assert told["stg_shfe__daily_quotes"]["description"].startswith("One row per trade_date, product_id, delivery_month_code and payload. Daily")
    assert key(told["stg_shfe__daily_quotes"]) == ["trade_date", "product_id", "delivery_month_code", "payload_sha256"]
    assert key(told["stg_catalog__regions"]) == ["region"]  # configuration is replaced: its newest state has no second payload
    assert key(told["stg_ingest__quarantine"]) == ["payload_sha256", "table_name", "reason", "row_json"]
    assert key(told["stg_shfe__member_ranking"]) is None  # the rank of a sum row is null


@pytest.fixture
def empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(dbt.PROJECT / name, tmp_path)
    monkeypatch.setattr(dbt, "PROJECT", tmp_path)
    return tmp_path


def parsing(monkeypatch: pytest.MonkeyPatch, project: Path) -> list[int]:
    """How many staging models stood there at each parse; a parse takes its time and writes piece by piece, as dbt's does."""
    parsed: list[int] = []

    def parse(settings: Settings, target: Path) -> None:
        parsed.append(len(list(project.rglob("stg_*.sql"))))
        target.mkdir(exist_ok=True)
        with (target / "manifest.json").open("w") as file:
            for piece in ("{", '"nodes": {}', "}"):
                file.write(piece)
                file.flush()
                time.sleep(0.02)

    monkeypatch.setattr(dbt, "parse", parse)
    return parsed


def test_the_project_is_parsed_with_its_staging_models_written(empty_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = parsing(monkeypatch, empty_project)
    dbt.project()
    assert parsed == [len(STAGED)]
    dbt.project()
    assert len(parsed) == 1  # nothing has changed since
    time.sleep(0.02)
    next(empty_project.rglob("stg_shfe__daily_quotes.sql")).unlink()
    dbt.project()
    assert parsed == [len(STAGED)] * 2


def test_processes_that_start_at_once_parse_the_project_once_and_read_it_whole(empty_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = parsing(monkeypatch, empty_project)

    def started(_: int) -> Any:
        return json.loads(dbt.project().manifest_path.read_text())

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(started, range(8))) == [{"nodes": {}}] * 8
    assert len(parsed) == 1
