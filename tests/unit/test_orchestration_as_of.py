"""Builds of the past: the newest few are kept, and none is made of half a lake."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from ingest.settings import Settings
from ingest.source import SHANGHAI
from orchestration.warehouse.as_of import AsOfError, _retire, build_as_of
from orchestration.warehouse.load import begin_anew


@pytest.mark.parametrize(("kept", "left"), [(1, ["new"]), (2, ["b", "new"]), (9, ["a", "b", "new"])])
def test_the_oldest_builds_are_deleted_never_the_one_just_made(tmp_path: Path, kept: int, left: list[str]) -> None:
    settings = Settings(home=tmp_path, as_of=datetime(2025, 7, 22, 15, 5, tzinfo=SHANGHAI), as_of_kept=kept)
    for age, name in enumerate(("b", "a"), start=1):
        folder = tmp_path / "as_of" / name
        folder.mkdir(parents=True)
        os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    settings.workshop.mkdir(parents=True)
    os.utime(settings.workshop, (0, 0))  # by its time it would go first
    _retire(settings)
    names = {settings.workshop.name: "new"}
    assert sorted(names.get(path.name, path.name) for path in (tmp_path / "as_of").iterdir()) == left


def test_half_a_lake_is_no_past(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    begin_anew(settings)
    with pytest.raises(AsOfError, match="if none is at work: alumina rebuild"):
        build_as_of(settings, datetime(2025, 7, 22, tzinfo=SHANGHAI))
