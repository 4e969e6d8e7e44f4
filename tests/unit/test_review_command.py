"""`alumina review`: what is held is shown, and a person's word is written down once, with reason and time, or refused in a sentence."""

from pathlib import Path

import duckdb
import pytest

from ingest.catalog.documents import REVIEWS
from ingest.catalog.references import catalogue_faults
from ingest.catalog.reviews import said
from ingest.settings import Settings
from ingest.source import SHANGHAI
from orchestration.command import review_command
from orchestration.command.review_command import ReviewError, review_accept, review_list, review_reject
from quality.fields import FIELDS
from tests.reliability.readers import publish, small_home

COLUMNS = ("held_id", "held_status", "held_rule", "request_name", "payload_sha256", "reason_en", "reason_zh", "held_at")
ROWS = [
    ("H0000000001", "held", "not_positive", "a.csv", "a", "Zero.", "为零。"),
    ("H0000000002", "held", "jump", "b.csv", "b", "Far.", "过远。"),
    ("H0000000003", "released", "jump", "c.csv", "c", "Once.", "曾。"),
]


@pytest.fixture
def home(settings: Settings) -> Settings:
    small_home(settings.root)
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute(f"create table serving.held_figures ({', '.join(f'{name} {FIELDS[name].kind}' for name in COLUMNS)})")
        con.execute("comment on table serving.held_figures is 'One row per held_id. | 每个暂扣数值一行。'")
        con.executemany(
            "insert into serving.held_figures values (?, ?, ?, ?, ?, ?, ?, timestamptz '2025-07-16 09:00:00+08')", [list(row) for row in ROWS]
        )
    publish(settings, 0)
    return settings


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(review_command, "_say", lines.append)
    return lines


def test_what_is_held_is_shown_with_its_reason_in_both_languages(home: Settings, shown: list[str]) -> None:
    review_list()
    assert shown == [
        "2 figures are held", "  H0000000001  held  a.csv", "      Zero.", "      为零。", "  H0000000002  held  b.csv", "      Far.", "      过远。",
    ]  # fmt: skip
    shown.clear()
    review_list(everything=True)
    assert "  H0000000003  released  c.csv" in shown


def test_a_figure_in_a_unit_no_mart_reads_cannot_be_accepted(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_command, "_held", lambda _: [{"held_id": "H0000000009", "held_status": "held", "held_rule": "unit_of_role"}])
    with pytest.raises(ReviewError, match=r"^H0000000009 is in a unit no mart reads; drop the figure in the unit of its role"):
        review_accept(["H0000000009"], "it is right")
    assert not (home.catalog_overlay / REVIEWS).exists()


def test_a_word_is_written_once_with_its_reason_and_time(home: Settings, shown: list[str]) -> None:
    review_accept(["H0000000001"], 'the vendor said "right"\n\\ by telephone')
    review_reject(["H0000000002"], "打错")
    words = said(home.catalog_overlay)
    assert {name: (word.verdict, word.reason) for name, word in words.items()} == {
        "H0000000001": ("accept", 'the vendor said "right"\n\\ by telephone'),
        "H0000000002": ("reject", "打错"),
    }
    assert all(word.at.utcoffset() == word.at.astimezone(SHANGHAI).utcoffset() for word in words.values())
    assert catalogue_faults(home.catalog_overlay) == []
    shown.clear()
    review_list()
    assert "  H0000000001  held; accepted, the next run acts on it  a.csv" in shown
    for again in (review_accept, review_reject):
        with pytest.raises(ReviewError, match=r"^H0000000001 was accepted already; to take that back, delete its entry in .*reviews\.toml$"):
            again(["H0000000001"], "again")
    assert said(home.catalog_overlay) == words


@pytest.mark.parametrize(
    ("ids", "reason", "sentence"),
    [
        (["H9999999999"], "x", "no held figure is called H9999999999; alumina review list shows them"),
        (["H0000000003"], "x", "H0000000003 is released already"),
        (["H0000000001"], " ", "--reason is empty"),
    ],
)
def test_a_word_that_cannot_be_is_refused_and_nothing_is_written(home: Settings, ids: list[str], reason: str, sentence: str) -> None:
    with pytest.raises(ReviewError, match=sentence):
        review_accept(ids, reason)
    assert not (home.catalog_overlay / REVIEWS).exists()


def test_a_home_without_a_release_or_with_an_older_one_says_so(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="nothing is published"):
        review_list()
    small_home(settings.root)
    publish(settings, 0)
    with pytest.raises(ReviewError, match="made before figures were held; alumina run makes a new one"):
        review_list()


def test_a_spoilt_file_of_words_is_named(home: Settings) -> None:
    home.catalog_overlay.mkdir(parents=True, exist_ok=True)
    (home.catalog_overlay / REVIEWS).write_text("[[review]]\nid = 'x'\n", encoding="utf-8")
    with pytest.raises(ReviewError, match=r"reviews\.toml, line 1"):
        review_accept(["H0000000001"], "x")
