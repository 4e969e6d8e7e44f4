"""Publishing when something breaks on the way, and going back: readers keep a whole release, and the reason is told."""

import errno
import json
import os
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingest.notes import NoteError
from ingest.settings import Settings
from serving.publish import release
from serving.publish import served as served_by
from serving.publish.differences import differences
from tests.reliability.flips import flip
from tests.reliability.readers import publish, small_home

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def published(tmp_path: Path) -> Settings:
    settings = small_home(tmp_path / "home")
    publish(settings, 0)
    return settings


def status(settings: Settings) -> dict[str, str]:
    return json.loads(settings.status.read_text())


def served(settings: Settings) -> str:
    return Path(os.readlink(settings.serving)).name


def there(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.releases.iterdir())


def fail(*_: object, **__: object) -> None:
    raise FULL


def test_a_full_disk_leaves_no_debris_and_the_status_says_what_failed(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before, write = there(published), release.write_status

    def needs_room(settings: Settings, *arguments: str) -> None:
        if list(settings.releases.glob(".building-*")):
            raise OSError(errno.ENOSPC, "no room for the status either")
        write(settings, *arguments)

    monkeypatch.setattr(release, "_export", fail)
    monkeypatch.setattr(release, "write_status", needs_room)
    with pytest.raises(OSError, match="No space left on device"):
        publish(published, 1)
    assert there(published) == before == [served(published)]
    assert (status(published)["outcome"], status(published)["reason"]) == ("failed", f"OSError: {FULL}")


def test_what_nobody_foresaw_is_told_with_its_type(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(*_: object) -> None:
        raise KeyError("value_found_unit")

    monkeypatch.setattr(release, "seal", forgets)
    with pytest.raises(KeyError):
        publish(published, 1)
    assert status(published)["reason"] == "KeyError: 'value_found_unit'"


def test_a_status_that_cannot_be_written_does_not_hide_what_went_wrong(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before, write = there(published), release.write_status

    def only_begun(settings: Settings, release_id: str, run_id: str, outcome: str, reason: str) -> None:
        if outcome != "running":
            raise OSError(errno.ENOSPC, "no room for the status either")
        write(settings, release_id, run_id, outcome, reason)

    monkeypatch.setattr(release, "write_status", only_begun)
    monkeypatch.setattr(release, "_undescribed", lambda _: ["serving.mystery"])
    with pytest.raises(release.PublishRefusedError, match=r"serving\.mystery has no description"):
        publish(published, 1)
    assert there(published) == before


def test_what_a_build_that_died_left_behind_is_swept_before_the_next_begins(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (published.releases / ".building-dead").mkdir()
    (published.releases / ".building-dead" / "alumina.duckdb").write_bytes(b"half")
    monkeypatch.setattr(release, "copy_relations", fail)
    with pytest.raises(OSError, match="No space"):
        publish(published, 1)
    assert there(published) == [served(published)]


def test_what_was_named_and_never_served_is_swept_and_a_stranger_s_folder_is_left_alone(published: Settings) -> None:
    first = served(published)
    publish(published, 1)
    served_by.rollback(published)
    rejected = [name for name in there(published) if name != first]
    # A build that was killed between its rename and the swap.
    shutil.copytree(published.releases / first, published.releases / "29991231T000000000000Z-deadbeef")
    (published.releases / "thesis").mkdir()
    served_by.let_go(published)
    publish(published, 2)
    assert there(published) == sorted([first, *rejected, served(published), "thesis"])
    assert served_by.rollback(published) == first


def test_a_release_that_could_not_be_swapped_in_is_not_one_to_go_back_to(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = served(published)
    monkeypatch.setattr(release, "point_serving_at", fail)
    with pytest.raises(OSError, match="No space"):
        publish(published, 1)
    assert there(published) == [before] == [served(published)]
    assert status(published)["outcome"] == "failed"


def test_a_swap_that_is_done_is_a_publication_whatever_comes_after(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, write = served_by.sync_folder, release.write_status

    def root_cannot_be_synced(folder: Path) -> None:
        if folder == published.root:
            raise OSError(errno.EIO, "Input/output error")
        sync(folder)

    def only_begun(settings: Settings, release_id: str, run_id: str, outcome: str, reason: str) -> None:
        if outcome != "running":
            raise FULL
        write(settings, release_id, run_id, outcome, reason)

    monkeypatch.setattr(served_by, "sync_folder", root_cannot_be_synced)
    monkeypatch.setattr(release, "write_status", only_begun)
    made = publish(published, 1)
    assert served(published) == made.release_id == there(published)[-1]
    assert (made.path / release.FILE_NAME).is_file()


def test_an_interruption_right_after_the_swap_does_not_take_the_release_from_its_readers(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = release.point_serving_at

    def interrupted(settings: Settings, release_id: str) -> None:
        swap(settings, release_id)
        raise KeyboardInterrupt

    monkeypatch.setattr(release, "point_serving_at", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(published, 1)
    assert (published.serving / release.FILE_NAME).is_file()
    assert len(there(published)) == 2


class Yesterday(datetime):
    """A clock that stands a day back."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.now(tz) - timedelta(days=1)


def test_a_clock_a_day_back_hides_no_release_from_a_rollback_and_deletes_none(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [served(published), publish(published, 1).release_id, publish(published, 2).release_id]
    monkeypatch.setattr(release, "datetime", Yesterday)
    made.append(publish(published, 3).release_id)
    assert there(published) == made == sorted(made), "ids only go up"
    assert served_by.rollback(published) == made[2]
    served_by.let_go(published)
    made.append(publish(published, 4).release_id)
    assert there(published) == made
    assert served_by.rollback(published) == made[2]
    with duckdb.connect(str(published.releases / made[4] / release.FILE_NAME), read_only=True) as con:
        ((released_at,),) = con.execute("select released_at from serving.publication").fetchall()
    assert released_at < datetime.now(UTC) - timedelta(hours=23), "what the clock said is told as it was"


def test_a_rejected_release_is_never_gone_back_to(published: Settings) -> None:
    good = served(published)
    publish(published, 1)
    assert served_by.rollback(published) == good
    served_by.let_go(published)
    publish(published, 2)
    assert served_by.rollback(published) == good == served(published)
    assert status(published)["outcome"] == "rolled_back"
    with pytest.raises(served_by.ReleaseError, match=f"there is no release before {good}"):
        served_by.rollback(published)


def test_rejected_releases_take_no_place_of_one_to_go_back_to(published: Settings) -> None:
    settings, good = Settings(home=published.home, releases_kept=2), served(published)
    for number in range(1, 4):
        publish(settings, number)
        assert served_by.rollback(settings) == good
        served_by.let_go(settings)
    newest = publish(settings, 4).release_id
    assert there(settings)[0] == good
    assert there(settings)[-1] == newest
    assert len(there(settings)) == 3, "two to go back to and the last rejected one"
    assert set(json.loads(settings.rejected.read_text())["rejected"]) >= set(there(settings)[1:-1])


def test_going_back_in_a_home_without_a_release_is_answered_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(served_by.ReleaseError, match="nothing is published in"):
        served_by.rollback(Settings(home=tmp_path / "home"))


def test_equal_marts_give_equal_tables_and_examples_whatever_order_they_were_made_in(published: Settings, tmp_path: Path) -> None:
    other = small_home(tmp_path / "other")
    with duckdb.connect(str(other.warehouse)) as con:
        con.execute("create table serving.shuffled as from serving.outlook_v2 order by hash(as_of_date)")
        con.execute("drop table serving.outlook_v2; alter table serving.shuffled rename to outlook_v2")
        con.execute("comment on table serving.outlook_v2 is 'One row per number of a test. | 测试。'")
    publish(other, 0)
    for name in ("outlook_v2.parquet", "data_dictionary.parquet"):
        one, two = (pl.read_parquet(settings.serving / name) for settings in (published, other))
        if name == "data_dictionary.parquet":  # what a release says of itself has its own id and time
            one, two = (frame.filter(pl.col("table_name") != "publication") for frame in (one, two))
        assert one.equals(two), name


def test_links_left_by_a_process_that_died_are_swept(published: Settings) -> None:
    (published.root / ".serving.99999999").symlink_to("releases/nowhere")
    publish(published, 1)
    assert list(published.root.glob(".serving.*")) == []


def test_who_goes_back_is_not_undone_by_the_next_publication(published: Settings) -> None:
    good = served(published)
    bad = publish(published, 1).release_id
    assert served_by.rollback(published, "wrong receipts\x1b[2J") == good
    waits = publish(published, 2)
    assert (served(published), waits.release_id in waits.waits_for) == (good, False)
    assert f"people are held at {good} since" in waits.waits_for
    assert "(wrong receipts" in waits.waits_for
    assert (status(published)["outcome"], status(published)["serving"]) == ("waiting", good)
    newest = publish(published, 3).release_id
    states = {one.release_id: one.state for one in served_by.listed(published)}
    assert states == {good: "held", bad: "rejected", waits.release_id: "waiting", newest: "waiting"}
    assert served_by.let_go(published) == newest == served(published)
    assert served_by.pinned(published) is None
    after = publish(published, 4)
    assert (after.waits_for, served(published)) == ("", after.release_id)


def test_a_release_that_waited_and_rotted_is_not_let_go_to(published: Settings) -> None:
    good = served(published)
    served_by.hold(published)
    flip(publish(published, 1).path / release.FILE_NAME, 5000)
    assert served_by.let_go(published) == good
    with pytest.raises(served_by.ReleaseError, match="not held"):
        served_by.let_go(published)


def test_nobody_is_held_at_a_release_that_has_rotted(published: Settings) -> None:
    flip(published.serving / release.FILE_NAME, 5000)
    with pytest.raises(served_by.ReleaseError, match=r"alumina\.duckdb has changed on disk.*nobody is held there"):
        served_by.hold(published)
    assert served_by.pinned(published) is None


def test_a_lost_link_costs_no_release_whatever_the_next_runs_come_to(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [served(published), publish(published, 1).release_id]
    for lose in (published.serving, published.status):  # the second time the status is lost, too
        lose.unlink()
        published.serving.unlink(missing_ok=True)
        for number in (2, 3):
            with monkeypatch.context() as patched:
                patched.setattr(release, "copy_relations", fail)
                with pytest.raises(OSError, match="No space"):
                    publish(published, number)
            assert there(published) == made
        with pytest.raises(served_by.ReleaseError, match=r"leads to no release, so people read none: ln -sfn ") as told:
            served_by.rollback(published)
        subprocess.run(shlex.split(str(told.value).partition(": ")[2]), check=True)  # as it says
        assert served(published) == made[-1]
        assert served_by.link_lost(published) == ""


def test_a_folder_in_place_of_the_link_is_a_sentence_and_costs_no_release(published: Settings) -> None:
    made = [served(published), publish(published, 1).release_id]
    served_by.hold(published)
    whole = shutil.copytree(published.serving.resolve(), published.root / "copied")
    published.serving.unlink()
    whole.rename(published.serving)  # as a copy of the home that follows links has it
    with pytest.raises(served_by.ReleaseError, match="is no link to a release") as told:
        served_by.let_go(published)
    published.held.unlink()
    with pytest.raises(served_by.ReleaseError, match="is no link to a release"):
        publish(published, 2)
    assert there(published) == made
    published.serving.rename(published.root / "elsewhere")
    subprocess.run(shlex.split(str(told.value).partition("elsewhere: ")[2]), check=True)
    assert served(published) == made[-1]


def test_who_holds_people_at_a_release_whose_link_was_lost_lets_go_to_it(published: Settings) -> None:
    held = served_by.hold(published)
    published.serving.unlink()
    assert served_by.let_go(published) == held == served(published)
    served_by.hold(published)
    served_by.remove(published.releases / held)
    with pytest.raises(served_by.ReleaseError, match="there is no release"):
        served_by.let_go(published)


def test_only_the_newest_that_waits_takes_room(published: Settings) -> None:
    settings, good = Settings(home=published.home, releases_kept=2), served(published)
    served_by.hold(settings)
    made = [publish(settings, number).release_id for number in range(1, 5)]
    assert there(settings) == [good, *made[-2:]]
    assert served_by.retire(settings, 1) == [made[-2]]
    assert served_by.let_go(settings) == made[-1]


def test_a_note_of_holding_that_has_rotted_stops_who_would_publish(published: Settings) -> None:
    served_by.hold(published)
    flip(published.held, 100)
    with pytest.raises(NoteError, match=r"held\.json has changed on disk; delete it where the newest release is to be served"):
        publish(published, 1)


def test_what_changed_between_two_releases_is_told_by_table(published: Settings) -> None:
    before = published.serving.resolve()
    with duckdb.connect(str(published.warehouse)) as con:
        con.execute("insert into serving.outlook_v2 by name select * replace (as_of_date + 100000 as as_of_date) from serving.outlook_v2 limit 1")
        con.execute(
            "update serving.outlook_v2 set sentiment_score = sentiment_score + 1 where as_of_date = (select min(as_of_date) from serving.outlook_v2)"
        )
    after = publish(published, 1).path
    (change,) = [one for one in differences(before, after) if one.table == "serving.outlook_v2"]
    assert (change.new, change.gone) == (1, 0)
    assert change.rows_after == (change.rows_before or 0) + 1
    assert dict(change.changed)["sentiment_score"] >= 1
    assert differences(after, after) == []
    assert served_by.found(published, "served") == after
    with pytest.raises(served_by.ReleaseError, match="2 releases begin with 2"):
        served_by.found(published, "2")
