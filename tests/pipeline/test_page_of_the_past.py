"""A page of a past day is the page that was written then: byte for byte that of an archive that ends at its decision, but for what names the release.

The archive that ends there is the whole one built as of the decision; that the two are one is what `test_point_in_time.py` holds.
"""

import re
from datetime import date, datetime, time
from pathlib import Path

import duckdb
import pytest

from ingest.source import SHANGHAI
from serving.research.note import page
from tests.pipeline.conftest import Built, House, Model

RELEASE = re.compile(r" · (<span class=\"zh\" lang=\"zh-CN\">)(发布|未发布)<.*?</p>", re.DOTALL)


def as_of_release(home: Path, day: date, commodity: str) -> str:
    """The page of a day by the release, without what names the release and the code."""
    with duckdb.connect(str((home / "serving" / "alumina.duckdb").resolve()), read_only=True) as con:
        return unnamed(con, day, commodity)


def as_it_was(home: Path, root: Path, models: list[Model], day: date, *commodities: str) -> list[str]:
    """The pages of a day by a warehouse of what was known at its decision."""
    house = House(root)
    root.mkdir(parents=True)
    for name in ("lake", "archive", "home.json"):
        (root / name).symlink_to(home / name)
    warehouse = house.build(models, as_of=datetime.combine(day, time(17, 30), SHANGHAI))
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return [unnamed(con, day, commodity) for commodity in commodities]


def unnamed(con: duckdb.DuckDBPyConnection, day: date, commodity: str) -> str:
    con.execute("set TimeZone = 'Asia/Shanghai'")
    text, count = RELEASE.subn("</p>", page.render(con, None, day, commodity))
    assert count == 1
    return text


def differing(one: str, other: str) -> list[tuple[str, str]]:
    """The first lines in which two pages differ, each around the first letter that does."""
    found = []
    for a, b in zip(one.splitlines(), other.splitlines(), strict=False):
        if a != b:
            place = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
            found.append((a[max(0, place - 80) : place + 120], b[max(0, place - 80) : place + 120]))
    return found[:5] or ([("", "one is longer")] if one != other else [])


@pytest.mark.full
def test_the_page_of_a_past_day_is_the_page_written_then(sample: Built, models: list[Model], tmp_path: Path) -> None:
    day = date(2025, 7, 22)
    (then,) = as_it_was(sample.home, tmp_path / "then", models, day, "AO")
    assert differing(as_of_release(sample.home, day, "AO"), then) == []


@pytest.mark.full
@pytest.mark.parametrize("day", [date(2025, 2, 5), date(2024, 9, 30), date(2025, 5, 20)], ids=str)
def test_so_are_those_of_a_new_year_a_holiday_eve_and_a_customs_day(sample: Built, models: list[Model], tmp_path: Path, day: date) -> None:
    """Of every commodity: after the New Year without sessions, on the eve of the October holiday, half an hour before customs publish."""
    commodities = ["AO", "AL"] + (["LC"] if day.year == 2025 else [])
    then = as_it_was(sample.home, tmp_path / "then", models, day, *commodities)
    differences = {code: differing(as_of_release(sample.home, day, code), text) for code, text in zip(commodities, then, strict=True)}
    assert not any(differences.values()), differences


def test_what_was_known_later_is_seen(sample: Built) -> None:
    """Two neighbouring days differ, and in more than a date: the comparison compares."""
    one, other = (as_of_release(sample.home, day, "AO") for day in (date(2025, 7, 21), date(2025, 7, 22)))
    assert len(differing(one.replace("2025-07-21", ""), other.replace("2025-07-22", ""))) == 5
