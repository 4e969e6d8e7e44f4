"""Which files of the lake Spark is shown: those the manifest commits, whole, and of a payload read anew the newest rows. Needs no Java."""

from pathlib import Path

import pytest
from test_ingest_lake import OTHER, SHA, parameters, totals

from ingest.lake import Lake, LakeError
from ingest.settings import Settings
from orchestration.spark.registered import registration

TOTALS = "shfe__daily_totals"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def linked(folder: Path, table: str = TOTALS) -> set[Path]:
    return {path.resolve() for path in (folder / table).iterdir()}


def view(statements: list[str], table: str = TOTALS) -> str:
    return next(text for text in statements if text.startswith(f"create view raw.`{table}`"))


def test_committed_files_are_linked_and_debris_is_not(settings: Settings, tmp_path: Path) -> None:
    lake = Lake(settings.lake)
    batch = lake.commit({SHA: "1"}, {TOTALS: totals()})
    (file,) = batch.files
    (settings.lake / file.path).with_name("debris.parquet").write_bytes(b"half a file")
    statements = registration(settings, tmp_path / "raw")
    assert linked(tmp_path / "raw") == {(settings.lake / file.path).resolve()}
    assert "not in" not in view(statements)
    assert len([text for text in statements if text.startswith("create table lake.")]) > 50


def test_a_payload_that_was_read_anew_counts_with_its_newest_batch(settings: Settings, tmp_path: Path) -> None:
    lake = Lake(settings.lake)
    first = lake.commit({SHA: "1"}, {TOTALS: totals(volume=10)})
    lake.commit({SHA: "2"}, {TOTALS: totals(volume=11)})
    lake.commit({OTHER: "1"}, {TOTALS: totals(OTHER)})
    assert view(registration(settings, tmp_path / "raw")).endswith(f"not in (('{first.batch_id}', '{SHA}'))")
    assert len(linked(tmp_path / "raw")) == 3


def test_configuration_is_that_of_the_newest_batch_alone(settings: Settings, tmp_path: Path) -> None:
    lake = Lake(settings.lake)
    lake.commit({SHA: "1"}, {"catalog__parameters": parameters(1.0)})
    newest = lake.commit({OTHER: "1"}, {"catalog__parameters": parameters(2.0, OTHER)})
    registration(settings, tmp_path / "raw")
    assert linked(tmp_path / "raw", "catalog__parameters") == {(settings.lake / file.path).resolve() for file in newest.files}


def test_what_the_lake_does_not_hold_is_written_beside_it(settings: Settings, tmp_path: Path) -> None:
    registration(settings, tmp_path / "raw")
    assert [path.name for path in (tmp_path / "raw" / "ingest__horizon").iterdir()] == ["beside.parquet"]


def test_only_the_tables_that_are_asked_for_are_registered(settings: Settings, tmp_path: Path) -> None:
    statements = registration(settings, tmp_path / "raw", [TOTALS])
    assert [path.name for path in (tmp_path / "raw").iterdir()] == [TOTALS]
    assert [text for text in statements if text.startswith("create table")] == [
        text for text in statements if f"create table lake.`{TOTALS}`" in text
    ]


@pytest.mark.parametrize("damage", ["rotten", "missing"])
def test_a_damaged_file_is_refused_before_any_statement(settings: Settings, tmp_path: Path, damage: str) -> None:
    (file,) = Lake(settings.lake).commit({SHA: "1"}, {TOTALS: totals()}).files
    path = settings.lake / file.path
    if damage == "rotten":
        path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:])
    else:
        path.unlink()
    with pytest.raises(LakeError, match=f"lake file {file.path} is missing or has changed on disk"):
        registration(settings, tmp_path / "raw")
