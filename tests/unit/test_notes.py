"""Small notes of a home prove themselves; a flipped bit is one sentence that names the file, and never a traceback."""

import json
from pathlib import Path

import pytest

from ingest.notes import NoteError, adopt_note, read_note, write_note
from ingest.settings import Settings
from orchestration.home.doctor import Level, examine
from orchestration.warehouse import dbt, lineage
from serving.publish.release import PublishRefusedError
from tests.reliability.flips import flip
from tests.reliability.readers import publish, small_home

FACTS = {"outcome": "published", "reason": "第一", "at": "2025-07-22T09:40:00+00:00"}


def test_every_flipped_bit_of_a_note_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    write_note(path, FACTS)
    assert read_note(path, "") == FACTS
    for position in range(path.stat().st_size - 1):  # the line break at the end says nothing
        for bit in range(8):
            flip(path, position, bit)
            with pytest.raises(NoteError, match=r"note\.json has changed on disk; make it anew"):
                read_note(path, "make it anew")
            flip(path, position, bit)
    assert read_note(tmp_path / "none.json", "") is None


@pytest.mark.parametrize(("text", "facts"), [('{"a": 1}', {"a": 1}), ('["x"]', {"names": ["x"]})])
def test_a_note_from_before_is_sealed_as_it_stands(tmp_path: Path, text: str, facts: dict[str, object]) -> None:
    path = tmp_path / "note.json"
    path.write_text(text)
    for _ in range(2):
        adopt_note(path, "names")
        assert read_note(path, "") == facts


def test_a_note_that_nobody_can_read_stays_for_its_reader_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    path.write_text('{"a": ')
    adopt_note(path)
    with pytest.raises(NoteError):
        read_note(path, "")


def test_rot_in_the_notes_of_a_build_means_that_nothing_is_known_of_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    dbt.record_results(settings, {"results": []}, ())
    assert dbt.last_results(settings) == []
    flip(settings.workshop / dbt.RESULTS, 3)
    with pytest.raises(PublishRefusedError, match=r"dbt_results\.json has changed on disk"):
        dbt.last_results(settings)
    lineage.keep(settings, {}, afresh=True)
    assert lineage.sources(settings) == {}
    flip(settings.workshop / lineage.KEPT, 1)
    with pytest.raises(PublishRefusedError, match="alumina run"):
        lineage.sources(settings)


def test_the_doctor_names_a_rotten_status_and_a_rotten_release(tmp_path: Path) -> None:
    settings = small_home(tmp_path / "home")
    publish(settings, 0)
    assert [finding.message for finding in examine(settings, deep=True) if finding.subject in ("archive", "lake", "releases")] == [
        "every file is as it was written"
    ] * 3
    served = settings.serving.resolve()
    flip(served / "publication.parquet", 8)
    assert [f.level for f in examine(settings) if f.subject == "publication"] == [Level.OK], "the short look reads the database alone"
    assert any("publication.parquet has changed on disk" in f.message for f in examine(settings, deep=True) if f.level is Level.ERROR)
    flip(served / "alumina.duckdb", 5000)
    assert any("alumina.duckdb has changed on disk" in f.message for f in examine(settings) if f.level is Level.ERROR)
    flip(settings.status, 5)
    assert any("status.json has changed on disk; alumina run writes it anew" in f.message for f in examine(settings) if f.level is Level.ERROR)
    assert json.loads((served / "manifest.json").read_text())["release_id"] == served.name
