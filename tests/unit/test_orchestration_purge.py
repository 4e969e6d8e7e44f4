"""A provider whose licence ends is removed for good, with what goes said first; what is left proves itself, and copies forget it, too."""

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from feeds import QUOTE_HEADER, Home, csv_file, delivery

from ingest import reach
from ingest.archive import Archive, ArchiveError
from ingest.flow import ClockError
from ingest.home import dedicate
from ingest.lake import Lake
from ingest.notes import NoteError, write_note
from ingest.origins import ReplayOrigin
from ingest.settings import Settings
from ingest.source import DataOrigin
from ingest.sources import SOURCES
from orchestration.command import cli
from orchestration.home import purge as purging
from orchestration.home.backup import backup
from orchestration.home.purge import PurgeError, plan, purge
from orchestration.instance.alerts import _notes
from serving.publish.served import ReleaseError, kept, retire, rollback
from serving.seal import seal
from tests.reliability.flips import flip

NOON = datetime(2025, 7, 16, 4, tzinfo=UTC)
SMM, ALD, BOTH = "smm_spot_price_20250716.csv", "ald_spot_price_20250716.csv", "smm_spot_price_20250717.csv"


def _file(*providers: str, day: str = "2025-07-16") -> bytes:
    lines = (f"{day},氧化铝全国均价,3190,3210,3200,0,元/吨,{name}-AO-NATL,{name.upper()},全国,日," for name in providers)
    return csv_file(*lines, header=QUOTE_HEADER)


@pytest.fixture
def two(home: Home) -> Home:
    dedicate(home.settings, DataOrigin.FILES)
    home.take(delivery(SMM, _file("smm"), NOON), delivery(ALD, _file("ald"), NOON))
    archived = home.settings.inbox / "archived" / "2025-07"
    archived.mkdir(parents=True)
    (archived / SMM).write_bytes(_file("smm"))
    (archived / ALD).write_bytes(_file("ald"))
    return home


def _providers(settings: Settings) -> set[str]:
    return set(reach.held(Lake(settings.lake), "spot__quotes")["provider"])


def test_what_goes_is_said_first_and_nothing_is_changed(two: Home) -> None:
    before = {path: path.read_bytes() for path in two.settings.root.rglob("*") if path.is_file()}
    asked = plan(two.settings, "smm")
    assert (list(asked.payloads.values()), dict(asked.rows), dict(asked.others), len(asked.copies)) == ([SMM], {"spot__quotes": 1}, {}, 1)
    assert f"1 payloads of SMM: {SMM}" in asked.lines()
    assert {path: path.read_bytes() for path in two.settings.root.rglob("*") if path.is_file()} == before
    with pytest.raises(PurgeError, match="this home holds nothing of 'mysteel'; there are ALD, SMM"):
        plan(two.settings, "mysteel")


def test_a_purged_payload_is_gone_from_archive_inbox_and_copy_and_nothing_misses_it(two: Home, tmp_path: Path) -> None:
    settings = two.settings
    backup(settings, tmp_path / "copy")
    (archived,) = (settings.inbox / "archived").rglob(SMM)
    for name in ("again.csv", "mine/again.csv"):  # dropped once more and not taken in yet
        (settings.inbox / name).parent.mkdir(exist_ok=True)
        shutil.copy(archived, settings.inbox / name)
    asked = plan(settings, "smm")
    (sha,) = asked.payloads
    purge(settings, asked, "cancelled in July")
    assert not list(settings.inbox.rglob("again.csv"))
    archive = Archive(settings.archive)
    with pytest.raises(ArchiveError, match="is not in the archive"):
        archive.get(sha)
    assert archive.purged() == {sha: "SMM: cancelled in July"}
    assert list(archive.faults()) == []
    assert len(list(archive.fetch_log())) == 2  # that it came is kept
    assert [request.name for request, _ in ReplayOrigin(archive).deliveries(SOURCES)] == [ALD]
    assert sha not in set(archive.accepted(["spot"])["payload_sha256"])
    assert [path.name for path in (settings.inbox / "archived").rglob("*.csv")] == [ALD]
    assert settings.rebuilding.exists()
    assert [note["kind"] for note in _notes(settings)] == ["purged"]
    settings.rebuilding.unlink()
    assert (tmp_path / "copy" / "archive" / "blobs" / sha[:2] / sha).exists()
    assert backup(settings, tmp_path / "copy").payloads == 1
    assert not (tmp_path / "copy" / "archive" / "blobs" / sha[:2] / sha).exists()
    assert list(Archive(tmp_path / "copy" / "archive").faults()) == []


def test_what_was_made_of_a_payload_goes_with_it(two: Home) -> None:
    settings = two.settings
    inbox, built = settings.inbox, settings.root / "as_of" / "2025-07-16T1200+0800" / "warehouse.duckdb"
    (inbox / "refused").mkdir()
    gone = [
        inbox / "archived" / "2025-07" / f"{SMM}.note.txt",
        inbox / "refused" / f"{SMM}.reason.txt",
        settings.root / "failures" / "1.jsonl",
        built,
    ]
    stay = [inbox / "archived" / "2025-07" / f"{ALD}.note.txt", inbox / "refused" / f"{ALD}.reason.txt"]
    for path in (*gone, *stay):
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.name.removesuffix(".reason.txt")
        path.write_text(f"{name} was taken, 1 of its rows were not.\nThe file lies in archived/2025-07/{name}.\n- 3200\n")
    purge(settings, plan(settings, "smm"), "cancelled")
    assert [path.name for path in (*gone, *stay) if path.exists()] == [path.name for path in stay]


def test_a_purge_that_was_cut_off_is_finished_by_doing_it_again(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, asked = two.settings, plan(two.settings, "smm")
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(OSError("the machine went down")))
    with pytest.raises(OSError, match="went down"):
        Archive(settings.archive).purge(asked.payloads.keys(), "smm: cancelled")
    monkeypatch.undo()
    (sha,) = asked.payloads
    assert list(Archive(settings.archive).faults()) == []
    Archive(settings.archive).purge(asked.payloads.keys(), "smm: cancelled")
    with pytest.raises(ArchiveError):
        Archive(settings.archive).get(sha)


@pytest.mark.parametrize("is_rotten", [False, True])
@pytest.mark.parametrize("cut_off_at", range(6))
def test_a_purge_that_was_cut_off_anywhere_is_finished_by_a_rebuild(
    two: Home, monkeypatch: pytest.MonkeyPatch, cut_off_at: int, is_rotten: bool
) -> None:
    settings, asked, done = two.settings, plan(two.settings, "smm"), []
    (sha,) = asked.payloads
    unlink = Path.unlink

    def counted(path: Path, *, missing_ok: bool = False) -> None:
        if len(done) == cut_off_at:
            raise KeyboardInterrupt
        done.append(path)
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", counted)
        if cut_off_at == 0:
            patched.setattr(purging, "expire", lambda _: counted(settings.root / "nothing"))
        with suppress(KeyboardInterrupt):
            purge(settings, asked, "cancelled")
    if is_rotten:
        flip(settings.rebuilding)
        with suppress(PurgeError):  # where all of it is deleted, there is nothing to be said of it
            plan(settings, "smm")
    monkeypatch.setattr(cli, "_run", lambda _: None)
    cli.rebuild()
    assert Archive(settings.archive).purged() == {sha: "SMM: cancelled"}
    assert list(Archive(settings.archive).faults()) == []
    assert [path.name for path in (settings.archive / "blobs").rglob("*") if path.name == sha] == []
    assert [path.name for path in (settings.inbox / "archived").rglob("*") if path.is_file()] == [ALD]
    told = [note["kind"] for note in _notes(settings)]
    assert told[-1:] == ["purged"]


def test_who_purges_again_what_was_cut_off_is_told_to_rebuild(two: Home) -> None:
    purge(two.settings, plan(two.settings, "smm"), "cancelled")  # and the rebuild was cut off
    with pytest.raises(PurgeError, match="SMM is being purged already; where that was cut off, alumina rebuild finishes it"):
        plan(two.settings, "smm")


def test_without_a_backup_of_its_rotten_note_a_purge_is_done_again(two: Home) -> None:
    settings = two.settings
    asked = plan(settings, "smm")
    purge(settings, asked, "cancelled")
    settings.rebuilding.unlink()
    Lake(settings.lake).clear()
    note = settings.archive / "purged.json"
    flip(note)
    with pytest.raises(NoteError, match="without one delete it, and purge what was purged again"):
        Archive(settings.archive).accepted(["spot"])
    assert [str(fault) for fault in Archive(settings.archive).faults()] == [f"{note} has changed on disk"]
    note.unlink()
    purge(settings, plan(settings, "smm"), "cancelled")
    assert list(Archive(settings.archive).faults()) == []


def test_a_payload_that_is_brought_again_is_kept_again(two: Home) -> None:
    settings, asked = two.settings, plan(two.settings, "smm")
    Archive(settings.archive).purge(asked.payloads.keys(), "smm: cancelled")
    two.take(delivery(SMM, _file("smm"), NOON.replace(day=18)))
    assert Archive(settings.archive).purged() == {}
    assert list(Archive(settings.archive).faults()) == []


def test_others_in_the_same_file_are_named(home: Home) -> None:
    dedicate(home.settings, DataOrigin.FILES)
    home.take(delivery(BOTH, _file("smm", "ald", day="2025-07-17"), NOON))
    asked = plan(home.settings, "smm")
    assert asked.others == {"ALD": 1}
    assert "rows of other providers: 1 of ALD; export these anew and drop them again" in " ".join(asked.lines())


def test_files_of_which_no_row_was_taken_go_too(home: Home) -> None:
    """A licence ends for what was refused as well: by the name of the file, or by what its rows in quarantine say."""
    dedicate(home.settings, DataOrigin.FILES)
    refused = _file("smm").replace("元/吨".encode(), b"furlong")
    saturday = _file("smm", day="2025-07-19")
    home.take(
        delivery(SMM, refused, NOON),
        delivery("smm_spot_price_20250719.csv", saturday, NOON),
        delivery("ald_spot_price_20250719.csv", saturday + b"\n", NOON),  # the name says ALD, the row SMM
        delivery(ALD, _file("ald"), NOON),
    )
    assert _providers(home.settings) == {"ALD"}
    asked = plan(home.settings, "smm")
    assert ALD not in asked.payloads.values()
    assert len(asked.payloads) == 3
    assert "their rows: none was taken" in asked.lines()
    purge(home.settings, asked, "ended")
    assert not any(Archive(home.settings.archive).root.joinpath("blobs", sha[:2], sha).exists() for sha in asked.payloads)


def _release(settings: Settings, name: str) -> None:
    folder = settings.releases / name
    folder.mkdir(parents=True)
    (folder / "alumina.duckdb").write_bytes(name.encode())
    seal(folder, name)
    settings.serving.unlink(missing_ok=True)
    settings.serving.symlink_to(Path("releases") / name)


def test_the_command_says_it_first_and_with_yes_leaves_one_release_without_the_provider(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, said = two.settings, list[str]()
    monkeypatch.setattr(cli, "_plain", said.append)
    for name in ("20250714T000000000000Z-a", "20250715T000000000000Z-b"):
        _release(settings, name)

    def rebuild() -> None:
        assert settings.rebuilding.exists()
        settings.rebuilding.unlink()
        _release(settings, "20250716T000000000000Z-c")

    monkeypatch.setattr(cli, "rebuild", rebuild)
    cli.purge("smm")
    assert said[-1] == "nothing was changed; to do it: alumina purge smm --yes"
    assert len(kept(settings)) == 2
    cli.purge("smm", reason="cancelled", yes=True)
    assert [path.name for path in kept(settings)] == ["20250716T000000000000Z-c"]
    assert said[-1] == f"2 releases deleted; nothing of smm is left in archive, lake, warehouse and releases of {settings.root}"
    Lake(settings.lake).clear()
    with pytest.raises(PurgeError, match="nothing of 'smm'"):
        cli.purge("smm")


@pytest.mark.parametrize("command", [cli.rebuild, lambda: cli.purge("smm", yes=True)], ids=["rebuild", "purge"])
def test_before_a_clock_that_ran_back_nothing_is_deleted(two: Home, monkeypatch: pytest.MonkeyPatch, command: Callable[[], None]) -> None:
    later = delivery("ald_spot_price_20250717.csv", _file("ald", day="2025-07-17"), datetime(2099, 7, 17, tzinfo=UTC))
    two.take(later, now=lambda: datetime(2099, 7, 18, tzinfo=UTC))
    said = list[str]()
    monkeypatch.setattr(cli, "fail", lambda why: said.append(why))
    monkeypatch.setattr(cli, "_run", lambda _: None)
    before = {path: path.read_bytes() for path in two.settings.root.rglob("*") if path.is_file() and path.suffix != ".lock"}
    try:
        command()
    except ClockError as error:
        said.append(str(error))
    assert ["the clock of this machine says" in why for why in said] == [True]
    assert {path: path.read_bytes() for path in before} == before
    assert not two.settings.rebuilding.exists()


def test_releases_of_a_purge_that_was_cut_off_go_with_the_next_publication(two: Home) -> None:
    settings = two.settings
    for name in ("20250714T000000000000Z-a", "20250715T000000000000Z-b"):
        _release(settings, name)
    purge(settings, plan(settings, "smm"), "cancelled")
    assert retire(settings) == ["20250714T000000000000Z-a"]  # the other one is read
    with pytest.raises(ReleaseError, match="there is no release before"):
        rollback(settings)
    _release(settings, "20250716T000000000000Z-c")
    with pytest.raises(ReleaseError, match="there is no release before"):
        rollback(settings)
    assert retire(settings) == ["20250715T000000000000Z-b"]
    assert [path.name for path in kept(settings)] == ["20250716T000000000000Z-c"]


def test_a_payload_that_comes_while_it_is_purged_is_kept_whole(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, asked = two.settings, plan(two.settings, "smm")
    (sha,) = asked.payloads
    body, unlink, came = Archive(settings.archive).get(sha), Path.unlink, list[threading.Thread]()

    def bring_again(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == sha:  # noted as purged, not yet deleted
            came.append(threading.Thread(target=Archive(settings.archive).put, args=(body,)))
            came[0].start()
            came[0].join(0.5)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", bring_again)
    Archive(settings.archive).purge([sha], "smm: cancelled")
    monkeypatch.undo()
    came[0].join()
    assert Archive(settings.archive).get(sha) == body
    assert list(Archive(settings.archive).faults()) == []


def test_the_sample_is_nobodys_and_a_release_people_are_held_at_stays(settings: Settings, two: Home) -> None:
    write_note(settings.held, {"release_id": "r", "since": "2025-07-16T04:00:00+00:00", "reason": "", "waiting": []})
    with pytest.raises(PurgeError, match="when nobody is held at one: people are held at r since 2025-07-16 12:00 Asia/Shanghai"):
        plan(settings, "smm")
    sample = Settings(home=settings.root.with_name("sample"))
    dedicate(sample, DataOrigin.SAMPLE)
    with pytest.raises(PurgeError, match="holds the sample, which no licence binds"):
        plan(sample, "smm")


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_what_earlier_runs_logged_of_a_provider_goes_with_the_rebuild(
    two: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, is_cut_off: bool
) -> None:
    settings, figure, table = two.settings, "3141592", dg.AssetKey(["marts", "fct_spot_daily"])

    def made(run_id: str, shown: str) -> None:
        instance.add_run(dg.DagsterRun("daily", run_id=run_id, status=dg.DagsterRunStatus.SUCCESS))
        made = StepMaterializationData(dg.AssetMaterialization(table, metadata={"preview": dg.MetadataValue.md(shown), "chart": shown}))
        event = DagsterEvent(DagsterEventType.ASSET_MATERIALIZATION.value, "daily", event_specific_data=made)
        instance.event_log_storage.store_event(EventLogEntry(None, "info", "", run_id, 0.0, None, "daily", event))
        log = settings.root / "logs" / f"{run_id}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(shown)

    def held() -> list[str]:
        places = (settings.dagster, settings.root / "logs")
        return [path.name for place in places for path in place.rglob("*") if path.is_file() and figure.encode() in path.read_bytes()]

    made("before", figure)
    assert held()
    purge(settings, plan(settings, "smm"), "cancelled")
    if is_cut_off:
        monkeypatch.setattr(cli, "_run", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            cli.rebuild()
    monkeypatch.setattr(cli, "_run", lambda _: made("after", "27"))
    cli.rebuild()
    assert held() == []
    assert len(instance.get_runs()) == 2
    assert (settings.root / "logs" / "after.log").is_file()
    newest = instance.get_latest_materialization_event(table)
    assert newest is not None
    assert newest.run_id == "after"
