"""One home holds the sample or real data, never both; every path lies below it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest.archive import Archive, Attempt
from ingest.home import FormatError, MixedHomeError, dedicate, format_of, origin_of, source_of
from ingest.journal import sealed
from ingest.settings import REPOSITORY, Settings
from ingest.source import DataOrigin, Outcome


def test_a_new_home_belongs_to_nobody(settings: Settings) -> None:
    assert origin_of(settings) is None


@pytest.mark.parametrize("origin", [DataOrigin.SAMPLE, DataOrigin.FILES, DataOrigin.LIVE])
def test_the_first_data_claims_the_home_and_may_come_again(settings: Settings, origin: DataOrigin) -> None:
    dedicate(settings, origin)
    before = (settings.root / "home.json").read_bytes()
    dedicate(settings, origin)
    assert origin_of(settings) is origin
    assert (settings.root / "home.json").read_bytes() == before


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (DataOrigin.SAMPLE, DataOrigin.FILES),
        (DataOrigin.SAMPLE, DataOrigin.LIVE),
        (DataOrigin.FILES, DataOrigin.SAMPLE),
        (DataOrigin.LIVE, DataOrigin.SAMPLE),
    ],
)
def test_sample_and_real_data_do_not_mix_and_the_sentence_says_what_to_do(settings: Settings, first: DataOrigin, second: DataOrigin) -> None:
    dedicate(settings, first)
    with pytest.raises(MixedHomeError) as caught:
        dedicate(settings, second)
    assert str(caught.value) == f"the home {settings.root} holds {first} data and cannot take {second} data; set ALUMINA_HOME to another folder"
    assert origin_of(settings) is first


@pytest.mark.parametrize(("first", "second"), [(DataOrigin.FILES, DataOrigin.LIVE), (DataOrigin.LIVE, DataOrigin.FILES)])
def test_files_and_live_data_share_a_home(settings: Settings, first: DataOrigin, second: DataOrigin) -> None:
    dedicate(settings, first)
    dedicate(settings, second)
    assert origin_of(settings) is first


@pytest.mark.parametrize(
    ("inbox", "expected"),
    [
        (None, DataOrigin.SAMPLE),
        ((), DataOrigin.SAMPLE),
        ((".gitkeep",), DataOrigin.SAMPLE),
        (("smm_spot_price_20250716.csv",), DataOrigin.FILES),
        (("still-copying.csv.part",), DataOrigin.FILES),  # the home must not become the sample's while the first file arrives
        (("a-folder/",), DataOrigin.FILES),
    ],
)
def test_a_new_home_takes_its_inbox_and_else_the_sample(settings: Settings, inbox: tuple[str, ...] | None, expected: DataOrigin) -> None:
    for name in inbox or ():
        path = settings.inbox / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(b"x")
    if inbox == ():
        settings.inbox.mkdir(parents=True)
    assert source_of(settings) is expected


@pytest.mark.parametrize("held", [DataOrigin.SAMPLE, DataOrigin.FILES, DataOrigin.LIVE])
def test_a_home_goes_on_with_what_it_holds_whatever_lies_in_its_inbox(settings: Settings, held: DataOrigin) -> None:
    dedicate(settings, held)
    settings.inbox.mkdir()
    (settings.inbox / "events.csv").write_bytes(b"x")
    assert source_of(settings) is held


@pytest.mark.parametrize("held", [DataOrigin.SAMPLE, DataOrigin.LIVE])
def test_a_home_that_lost_its_note_still_holds_what_its_fetch_log_says(settings: Settings, held: DataOrigin) -> None:
    dedicate(settings, held)
    at = datetime(2026, 1, 5, 8, tzinfo=UTC)
    for label in (DataOrigin.CONFIG, held):
        Archive(settings.archive).record([Attempt(at, "run", "shfe", "kx", "20260105", "kx.dat", Outcome.OK, "", "", 200, 1, "0" * 64, label)])
    (settings.root / "home.json").unlink()
    other = DataOrigin.FILES if held is DataOrigin.SAMPLE else DataOrigin.SAMPLE
    with pytest.raises(MixedHomeError):
        dedicate(settings, other)
    assert (origin_of(settings), source_of(settings)) == (held, held)
    assert f'"data_origin": "{held}"' in (settings.root / "home.json").read_text(), "the note is there again"


@pytest.mark.parametrize(
    "body",
    [
        sealed('{"format": "x"}'),
        sealed('{"format": null}'),
        sealed('{"format": 0}'),
        sealed('{"format": true}'),
        sealed('{"format": 2, "data_origin": "lve"}'),
        sealed('{"format": 2, "data_origin": []}'),
        b'{"data_origin": "\\ud800", "created_at": "2026-01-05"}',  # of format 1, which no hash protects
        b"[" * 200_000,
    ],
)
def test_a_note_of_a_home_that_makes_no_sense_is_refused_in_one_sentence(settings: Settings, body: bytes) -> None:
    settings.root.mkdir(parents=True)
    (settings.root / "home.json").write_bytes(body)
    for asked in (format_of, origin_of):
        with pytest.raises(FormatError, match=r"home\.json has changed on disk; restore it from a backup"):
            asked(settings)
    assert (settings.root / "home.json").read_bytes() == body


def test_the_home_comes_from_the_environment_and_every_path_lies_below_it(tmp_path: Path, settings: Settings) -> None:
    assert settings.root == tmp_path / "home"
    paths = [
        settings.archive,
        settings.lake,
        settings.catalog_overlay,
        settings.warehouse,
        settings.releases,
        settings.serving,
        settings.status,
        settings.rejected,
        settings.dagster,
    ]
    assert all(path.parent == settings.root for path in paths)
    assert len(set(paths)) == len(paths)


def test_without_an_environment_the_home_is_a_folder_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALUMINA_HOME")
    assert Settings().root == REPOSITORY / ".alumina"


@pytest.mark.parametrize("value", ["2025-07-22T15:05:00+08:00", "yesterday"])
def test_a_look_back_is_asked_for_by_the_caller_and_never_by_the_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALUMINA_AS_OF", value)
    monkeypatch.setenv("ALUMINA_RELEASES_KEPT", "3")
    assert (Settings().as_of, Settings().workshop, Settings().releases_kept) == (None, settings.root, 3)
    then = datetime(2025, 7, 22, 15, 5, tzinfo=UTC)
    assert Settings(as_of=then).as_of == settings.model_copy(update={"as_of": then}).as_of == then
    assert Settings(as_of=then).workshop == settings.root / "as_of" / "2025-07-22T1505+0000"


def test_a_home_may_be_written_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings(home=Path("~/warehouse")).root == tmp_path / "warehouse"


@pytest.mark.parametrize(
    ("name", "value"),
    [("MEMORY_LIMIT", "lots"), ("MEMORY_LIMIT", "4GB'; drop"), ("THREADS", "0"), ("RELEASES_KEPT", "1"), ("LOCK_WAIT_SECONDS", "-1")],
)
def test_a_setting_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ALUMINA_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
