"""What the sample delivered in an earlier run is read from the archive: the same deliveries, and made again where anything is amiss."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from ingest import made_before, sample
from ingest.archive import Archive
from ingest.made_before import MadeBefore
from ingest.origins import Delivery

DAYS = (date(2025, 7, 21), date(2025, 7, 22))
SOURCES = ("gfex", "shfe", "spot")


class Making:
    """Counts how often the sample was really made."""

    def __init__(self) -> None:
        self.times = 0
        self.all = list(sample.deliveries(*DAYS, SOURCES))

    def __call__(self) -> Iterator[Delivery]:
        self.times += 1
        return iter(self.all)


@pytest.fixture(scope="module")
def _made() -> Making:
    return Making()


@pytest.fixture
def making(_made: Making) -> Making:
    _made.times = 0
    return _made


@pytest.fixture
def take(tmp_path: Path, making: Making) -> Callable[..., list[Delivery]]:
    archive = Archive(tmp_path / "archive")

    def taken(window: str = "w") -> list[Delivery]:
        found = []
        for request, response in MadeBefore(tmp_path / "sample", archive).deliveries("+".join(SOURCES), window, making):
            archive.put(response.body, durable=False)
            found.append((request, response))
        return found

    return taken


def test_the_second_run_gives_the_same_deliveries_and_makes_none(take: Callable[..., list[Delivery]], making: Making) -> None:
    assert take() == making.all
    assert take() == making.all
    assert making.times == 1


def test_another_window_is_made(take: Callable[..., list[Delivery]], making: Making) -> None:
    take()
    assert take("another") == making.all
    assert making.times == 2


def test_another_code_of_the_sample_is_made(take: Callable[..., list[Delivery]], making: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    take()
    monkeypatch.setattr(made_before, "_code", lambda: "edited")
    assert take() == making.all
    assert making.times == 2


def test_what_was_not_taken_to_the_end_is_not_noted(tmp_path: Path, making: Making, take: Callable[..., list[Delivery]]) -> None:
    next(MadeBefore(tmp_path / "sample", Archive(tmp_path / "archive")).deliveries("+".join(SOURCES), "w", making))
    assert take() == making.all
    assert making.times == 2


@pytest.mark.parametrize("harm", [lambda blob: blob.unlink(), lambda blob: blob.write_bytes(b"rotted")], ids=["lost", "rotted"])
def test_a_payload_that_is_amiss_is_made_again_and_kept_anew(
    take: Callable[..., list[Delivery]], making: Making, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    take()
    sha = Archive(tmp_path / "archive").put(making.all[len(making.all) // 2][1].body)
    harm(tmp_path / "archive" / "blobs" / sha[:2] / sha)
    assert take() == making.all
    assert making.times == 2
    assert take() == making.all
    assert making.times == 2


def test_a_note_that_has_changed_is_not_believed(take: Callable[..., list[Delivery]], making: Making, tmp_path: Path) -> None:
    take()
    (note,) = (tmp_path / "sample").iterdir()
    note.write_bytes(note.read_bytes().replace(b"shfe", b"gfex", 1))
    assert take() == making.all
    assert making.times == 2
