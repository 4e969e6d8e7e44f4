"""What a what-if reads of the last build is believed only where it is as that build left it."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingest.settings import Settings
from orchestration.home.tidy import tidy
from orchestration.warehouse.dbt import remember_compiled
from serving.research.whatif import WhatIfError, _own_folder, _rebuild, copies_of, forget_copies

KEY, SQL = "model.alumina.int_receipts__known", "select 12 as tons from main.input"
WHOLE = {
    "nodes": {
        "model.alumina.input": {"resource_type": "model", "alias": "input", "depends_on": {"nodes": []}},
        KEY: {
            "resource_type": "model",
            "alias": "fct_receipts_daily",
            "schema": "main",
            "package_name": "alumina",
            "original_file_path": "models/known.sql",
            "config": {"materialized": "table"},
            "depends_on": {"nodes": ["model.alumina.input"]},
        },
    }
}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Give the folder of dbt after a build of one model."""
    dbt = tmp_path / "dbt"
    (dbt / "compiled" / "alumina" / "models").mkdir(parents=True)
    (dbt / "compiled" / "alumina" / "models" / "known.sql").write_text(SQL)
    (dbt / "manifest.json").write_text(json.dumps(WHOLE))
    remember_compiled(Settings(home=tmp_path), {"results": [{"unique_id": KEY, "compiled_code": SQL}]})
    return dbt


def tons(dbt: Path) -> list[tuple[int]]:
    """Build again what follows from `input`, and give it."""
    with duckdb.connect() as con:
        con.execute("create table main.input as select 1 as one")
        _rebuild(con, dbt, {"input"})
        return con.execute("select tons from main.fct_receipts_daily").fetchall()


def test_the_sql_of_a_model_is_run_as_it_was_built(built: Path) -> None:
    assert tons(built) == [(12,)]
    remember_compiled(Settings(home=built.parent), {"results": []})  # a build of other models
    assert tons(built) == [(12,)]


@pytest.mark.parametrize(("file", "old", "new"), [("compiled/alumina/models/known.sql", b"12", b"13"), ("manifest.json", b'"table"', b'"view" ')])
def test_a_figure_that_was_flipped_in_what_dbt_left_is_a_sentence(built: Path, file: str, old: bytes, new: bytes) -> None:
    path = built / file
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(WhatIfError, match=r"has changed on disk since the last build ended; `alumina run` writes it anew"):
        tons(built)


def test_a_note_of_the_hashes_that_has_rotted_or_is_lost_is_a_sentence_and_the_next_build_writes_it(built: Path) -> None:
    note = built / "compiled.json"
    note.write_bytes(note.read_bytes().replace(b"0", b"1"))
    with pytest.raises(WhatIfError, match=r"compiled\.json has changed on disk; `alumina run` writes it anew"):
        tons(built)
    remember_compiled(Settings(home=built.parent), {"results": [{"unique_id": KEY, "compiled_code": SQL}]})
    assert tons(built) == [(12,)]
    note.unlink()
    with pytest.raises(WhatIfError, match=r"manifest\.json has changed on disk"):
        tons(built)


AT_WORK = """
import sys
from pathlib import Path
from ingest.settings import Settings
from serving.research.whatif import _own_folder
with _own_folder(Settings(home=Path(sys.argv[1]))) as folder:
    (folder / "warehouse.duckdb").write_bytes(bytes(10_000_000))
    print("copied", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("by", ["tidy", "the next"])
def test_the_copy_of_a_killed_what_if_goes_and_one_in_use_stays(instance: dg.DagsterInstance, settings: Settings, by: str) -> None:
    command = [sys.executable, "-c", AT_WORK, str(settings.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"copied\n"
        (copy,) = copies_of(settings)
        assert forget_copies(settings) == 0
        assert (copy / "warehouse.duckdb").is_file()
        process.kill()
    if by == "tidy":
        done = tidy(settings, instance, datetime(2026, 6, 1, tzinfo=UTC))
        assert (done.copies, done.bytes_freed > 5_000_000) == (1, True)
        assert "with the copies of the warehouse of 1 killed what-ifs" in str(done)
    else:
        with _own_folder(settings) as folder:
            assert copies_of(settings) == [folder]
    assert copies_of(settings) == []
