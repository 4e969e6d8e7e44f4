"""A problem is reported when it begins and when it is over: feeds, refused rows, held figures, rejected outlooks, overdue feeds."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ingest.archive import Attempt
from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.settings import Settings
from ingest.source import DataOrigin, Outcome
from orchestration.home import conditions
from orchestration.home.conditions import settle_overdue, settle_published, settle_source
from orchestration.home.doctor import Finding, Level
from orchestration.instance.alerts import standing
from tests.reliability.readers import publish, small_home

NOW = datetime(2025, 7, 22, 9, tzinfo=UTC)
PAGE = Attempt(
    NOW, "run", "shfe", "kx", "20250722", "kx20250722.dat", Outcome.BLOCKED, "challenge", "a firewall page", 412, 10, None, DataOrigin.LIVE
)
CAME = replace(PAGE, outcome=Outcome.OK, reason="", message="", payload_sha256="0" * 64)


def causes(settings: Settings) -> list[str]:
    return [note["cause"] for note in standing(settings)]


def test_a_feed_that_is_blocked_is_told_with_what_is_lost_until_it_comes(settings: Settings) -> None:
    refused = Counter({("shfe__daily_quotes", "unreadable_value"): 2})
    for _ in range(2):
        settle_source(settings, "shfe", [PAGE], refused, SHIPPED_ONLY.feeds, "1")
    notes = [json.loads(line) for line in (settings.root / "alerts.jsonl").read_text().splitlines()]
    assert [(note["kind"], note["severity"]) for note in notes] == [("feed_failed", "error"), ("rows_refused", "warning")]
    assert "no price, basis, score or outlook of the day" in notes[0]["message"]
    assert "2 of shfe__daily_quotes (unreadable value)" in notes[1]["message"]
    other = replace(CAME, feed="pm")
    settle_source(settings, "shfe", [other], refused, SHIPPED_ONLY.feeds, "2")
    assert causes(settings) == ["feed:shfe/kx", "rows:shfe"], "a feed that was not asked for is not over"
    settle_source(settings, "shfe", [CAME], Counter(), SHIPPED_ONLY.feeds, "3")
    assert causes(settings) == []


def test_a_rejected_outlook_and_held_figures_are_told_until_a_release_is_without_them(tmp_path: Path) -> None:
    settings = small_home(tmp_path / "home")
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("create table serving.held_figures (held_id varchar, held_status varchar, reason_en varchar)")
        con.execute("comment on table serving.held_figures is 'One row per held_id. | 每个暂扣数值一行。'")
        con.execute("insert into serving.held_figures values ('H1', 'held', 'Zero.')")
        con.execute("update serving.outlook_v2 set status = 'rejected', status_reason = 'chain_too_short'")
    publish(settings, 0)
    settle_published(settings, "1")
    told = {note["cause"]: note["message"] for note in standing(settings)}
    assert told["figures"] == "1 figures are held, such as: Zero. alumina review list"
    assert told["outlook:AO"].startswith("the outlook of AO is rejected: chain_too_short")
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("update serving.outlook_v2 set status = 'validated'; update serving.held_figures set held_status = 'accepted'")
    publish(settings, 1)
    settle_published(settings, "2")
    assert causes(settings) == []


def test_all_that_is_wrong_with_a_feed_is_told(settings: Settings) -> None:
    gone = replace(PAGE, request_name="kx20250721.dat", request_key="20250721", outcome=Outcome.FORMAT_CHANGED, message="no column SETTLEMENTPRICE")
    settle_source(settings, "shfe", [PAGE, gone], Counter(), SHIPPED_ONLY.feeds, "1")
    (note,) = standing(settings)
    assert "a firewall page" in note["message"]
    assert "no column SETTLEMENTPRICE" in note["message"]


def test_a_release_made_before_figures_were_held_says_nothing(tmp_path: Path) -> None:
    settings = small_home(tmp_path / "home")
    publish(settings, 0)
    settle_published(settings, "1")
    assert causes(settings) == []


def test_where_nothing_is_published_nothing_is_said(settings: Settings) -> None:
    settle_published(settings, "1")
    assert causes(settings) == []


def test_an_overdue_feed_is_told_until_it_has_come(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding(Level.ERROR, "shfe/pm", "overdue since 2025-07-22 20:00")]
    monkeypatch.setattr(conditions, "overdue", lambda *_: found)
    settle_overdue(settings, NOW)
    assert [note["message"] for note in standing(settings)] == ["shfe/pm is overdue since 2025-07-22 20:00"]
    monkeypatch.setattr(conditions, "overdue", lambda *_: [])
    settle_overdue(settings, NOW)
    assert causes(settings) == []
