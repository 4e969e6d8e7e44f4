"""Policy events and newsflashes: who said it, when it was known, and never the author's text."""

import csv
import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from feeds import NOON, Home, delivery, request_for

from ingest.source import SHANGHAI, Outcome, Parsed, PayloadError, Response
from ingest.sources.policy import EVENTS, FLASH, NEWSFLASH, Policy
from quality.raw import TABLES

HEADER = "event_id,event_date,date_precision,published_at,lang,theme,authority,summary,source,source_url"
LINE = "E1,2025-07-18,day,2025-07-18T15:00+08:00,zh,主题,ministry,摘要,来源,https://example.org"
PUSHED = 1752826800000  # 2025-07-18 16:20 in Shanghai


def events(*lines: str, header: str = HEADER, name: str = "events.csv", encoding: str = "utf-8") -> Parsed:
    return Policy().parse(request_for(name), "\n".join([header, *lines, ""]).encode(encoding))


def flash(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "pushTime": PUSHED, "contentText": "【题】SHMET07月18日讯，正文", "content": "", "flashTag": "1003"} | changes


def flashes(*items: dict[str, Any], **envelope: Any) -> Parsed:
    body = json.dumps({"code": 200, "data": {"dataList": list(items)}} | envelope, ensure_ascii=False).encode()
    return Policy().parse(request_for("shmet_newsflash.json"), body)


def refusal(call: Any) -> tuple[Outcome, str]:
    with pytest.raises(PayloadError) as caught:
        call()
    return caught.value.verdict.outcome, caught.value.verdict.reason


# ---------------------------------------------------------------- the samples, read a second way


def test_every_event_of_the_file_is_kept_and_absent_columns_are_null(shared_data: Path, home: Home) -> None:
    body = (shared_data / "events/policy_events.csv").read_bytes()
    printed = {row["event_id"]: row for row in csv.DictReader(body.decode("utf-8-sig").splitlines())}
    report = home.take(delivery("policy_events.csv", body))
    kept = {row["event_id"]: row for row in home.rows(EVENTS).iter_rows(named=True)}
    assert set(kept) == set(printed) and len(kept) == 8
    assert not report.quarantined
    for key, row in printed.items():
        found = kept[key]
        for name in ("date_precision", "lang", "theme", "authority", "summary"):
            assert found[name] == row[name]
        assert (found["event_source"], found["source_url"]) == (row["source"], row["source_url"] or None)
        assert f"{found['event_date']}" == row["event_date"]
        assert found["published_at"] == (datetime.fromisoformat(row["published_at"]) if row["published_at"] else None)
        assert [found[name] for name in ("event_type", "sectors", "n_industries", "followup_of", "is_desk_override")] == [None] * 4 + [False]
    assert kept["EV005"]["published_at"] == datetime(2025, 7, 2, 9, 57, tzinfo=UTC)


def test_flashes_keep_title_time_and_hash_and_nothing_of_the_text(shared_data: Path, home: Home) -> None:
    body = (shared_data / "payloads/synthetic/shmet_newsflash.json").read_bytes()
    report = home.take(delivery("shmet_newsflash.json", body))
    kept = {row["flash_id"]: row for row in home.rows(NEWSFLASH).iter_rows(named=True)}
    assert not report.quarantined
    assert {key: (row["title"], row["published_at"], row["event_date"]) for key, row in kept.items()} == {
        "9000002": ("测试标题二", datetime(2025, 7, 18, 8, 20, tzinfo=UTC), date(2025, 7, 18)),
        # Just after midnight in China, still the day before in UTC.
        "9000001": ("测试标题一", datetime(2025, 7, 17, 16, 5, tzinfo=UTC), date(2025, 7, 18)),
    }
    text = json.loads(body)["data"]["dataList"][0]["contentText"]
    assert kept["9000002"]["text_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert kept["9000001"]["text_sha256"] == hashlib.sha256("【测试标题一】SHMET07月18日讯，测试正文 A。".encode()).hexdigest()
    for row in kept.values():
        assert not any("测试正文" in str(value) for value in row.values())
        assert row["source_url"] == FLASH


# ---------------------------------------------------------------- names and requests


@pytest.mark.parametrize(
    ("name", "feed"),
    [
        ("events.csv", "events"), ("policy_events.csv", "events"), ("a/desk_20250718.csv", "events"), ("events_2025.csv", "events"),
        ("shmet_newsflash_20250718.json", "newsflash"), ("desk.csv", None), ("my_desk_1.csv", None), ("news.json", None),
    ],
)  # fmt: skip
def test_files_are_known_by_their_names(name: str, feed: str | None) -> None:
    request = Policy().recognise(name)
    assert (request and request.feed) == feed


def test_the_feed_is_asked_for_today_only_and_with_a_body_of_json() -> None:
    page = Policy(today=lambda: date(2025, 7, 18))
    assert list(page.requests(date(2025, 7, 17))) == []
    (request,) = page.requests(date(2025, 7, 18))
    assert (request.url, request.method, request.form) == (FLASH, "POST", None)
    assert request.json == {"currentPage": 1, "pageSize": 100, "content": "", "flashTag": "1003"}
    known = page.recognise(request.name)
    assert known is not None and known.feed == request.feed
    assert Policy().today() == datetime.now(UTC).astimezone(SHANGHAI).date()


# ---------------------------------------------------------------- events


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encoding_says_nothing_about_the_rows(encoding: str) -> None:
    assert events(LINE, encoding=encoding).frames[EVENTS]["theme"].to_list() == ["主题"]


@pytest.mark.parametrize(
    ("printed", "known"),
    [
        ("2025-07-18T15:00+08:00", datetime(2025, 7, 18, 7, tzinfo=UTC)),
        ("2025-07-18T07:00Z", datetime(2025, 7, 18, 7, tzinfo=UTC)),
        ("2025-07-18 15:00", datetime(2025, 7, 18, 7, tzinfo=UTC)),
        ("2025-07-18T15:00:30", datetime(2025, 7, 18, 7, 0, 30, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_time_without_a_zone_is_shanghais_and_blank_is_left_to_the_clock(printed: str, known: datetime | None) -> None:
    frame = events(LINE.replace("2025-07-18T15:00+08:00", printed)).frames[EVENTS]
    assert frame["published_at"].to_list() == [known]


def test_an_event_known_to_the_month_stands_on_its_first_day() -> None:
    for printed in ("2025-03", "2025-03-01", "2025-03-17"):
        frame = events(LINE.replace("2025-07-18,day,2025-07-18T15:00+08:00", f"{printed},month,")).frames[EVENTS]
        assert frame["event_date"].to_list() == [date(2025, 3, 1)]


def test_the_desks_rows_are_shown_as_such() -> None:
    assert events(LINE, name="desk_20250718.csv").frames[EVENTS]["is_desk_override"].to_list() == [True]


def test_optional_columns_are_read_and_unknown_ones_kept() -> None:
    parsed = events(LINE + ",plan,nonferrous;steel,10,E0,x", header=HEADER + ",type,sectors,n_industries,followup_of,note")
    row = parsed.frames[EVENTS].row(0, named=True)
    assert [row[name] for name in ("event_type", "sectors", "n_industries", "followup_of")] == ["plan", "nonferrous;steel", 10, "E0"]
    assert (json.loads(row["extra"]), parsed.remarks) == ({"note": "x"}, ("unknown_column:note",))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE.replace("ministry", "president"), "unknown_authority"),
        (LINE.replace("ministry", ""), "unknown_authority"),
        (LINE.replace(",day,", ",week,"), "unknown_date_precision"),
        (LINE.replace("2025-07-18,", "2025-02-30,", 1), "unreadable_value"),
        (LINE.replace("2025-07-18T15:00+08:00", "2025-07-18"), "unreadable_value"),
        (LINE.replace("2025-07-18T15:00+08:00", "下午"), "unreadable_value"),
        (LINE.replace("E1", ""), "blank"),
        (LINE.replace("摘要", ""), "blank"),
    ],
)
def test_a_row_that_cannot_be_believed_is_put_aside_and_the_others_stay(line: str, reason: str) -> None:
    parsed = events(LINE.replace("E1", "E0"), line)
    assert [reject.reason for reject in parsed.rejects] == [reason]
    assert parsed.rejects[0].message.startswith("line 3: ")
    assert parsed.frames[EVENTS]["event_id"].to_list() == ["E0"]


@pytest.mark.parametrize(("column", "value", "reason"), [("type", "gossip", "unknown_type"), ("n_industries", "ten", "unreadable_value")])
def test_an_optional_value_that_is_there_must_be_known(column: str, value: str, reason: str) -> None:
    assert [reject.reason for reject in events(f"{LINE},{value}", header=f"{HEADER},{column}").rejects] == [reason]


def test_an_event_told_again_is_known_from_its_first_telling() -> None:
    again = LINE.replace("2025-07-18T15:00", "2025-07-19T09:00").replace("来源", "另一来源")
    unknown = LINE.replace("2025-07-18T15:00+08:00", "").replace("来源", "第三来源")
    for lines in ([LINE, again, unknown], [unknown, again, LINE]):
        parsed = events(*lines, LINE)
        assert parsed.frames[EVENTS]["event_source"].to_list() == ["来源"]
        assert [reject.reason for reject in parsed.rejects] == ["repeat", "repeat"]


def test_rows_that_contradict_each_other_about_one_event_are_all_refused() -> None:
    parsed = events(LINE, LINE.replace("ministry", "rumour"), LINE.replace("E1", "E2"))
    assert [(reject.reason, reject.row["event_id"]) for reject in parsed.rejects] == [("two_versions", "E1")] * 2
    assert parsed.frames[EVENTS]["event_id"].to_list() == ["E2"]


def test_the_same_row_twice_counts_once(home: Home) -> None:
    home.take(delivery("events.csv", "\n".join([HEADER, LINE, LINE]).encode()))
    assert home.rows(EVENTS).height == 1
    assert not home.refused()


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (HEADER.replace(",authority", "") + "\n" + LINE.replace(",ministry", ""), (Outcome.FORMAT_CHANGED, "missing_column")),
        (HEADER + ",theme\n" + LINE + ",x", (Outcome.FORMAT_CHANGED, "repeated_header")),
        (HEADER + "\n" + LINE.replace("摘要", "摘要, 有逗号"), (Outcome.NOT_DATA, "ragged")),
        (HEADER, (Outcome.NOT_DATA, "no_rows")),
        (HEADER + '\n"' + LINE, (Outcome.NOT_DATA, "unparsable")),
    ],
)
def test_an_events_file_that_cannot_be_trusted_is_refused(body: str, verdict: tuple[Outcome, str]) -> None:
    assert refusal(lambda: Policy().parse(request_for("events.csv"), body.encode())) == verdict


def test_an_event_that_follows_itself_goes_to_quarantine(home: Home) -> None:
    home.take(delivery("events.csv", "\n".join([HEADER + ",followup_of", LINE + ",E1"]).encode()))
    assert home.refused() == [(EVENTS, "follows_itself")]


# ---------------------------------------------------------------- newsflash


def test_one_text_has_one_hash_in_either_form() -> None:
    plain = flash(contentText="【题】正文 &amp; 更多")
    marked = flash(id=2, contentText=None, content="<p>【题】正文&nbsp;<b>&amp;</b> 更多</p>\n")
    assert flashes(plain, marked).frames[NEWSFLASH]["text_sha256"].n_unique() == 1


def test_a_flash_without_a_title_has_none() -> None:
    assert flashes(flash(contentText="没有题目")).frames[NEWSFLASH]["title"].to_list() == [None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "no_id"),
        ({"pushTime": None}, "unreadable_value"),
        ({"pushTime": PUSHED // 1000}, "unreadable_value"),
        ({"pushTime": -PUSHED}, "unreadable_value"),
        ({"pushTime": 10**300}, "unreadable_value"),
        ({"pushTime": "2025-07-18"}, "unreadable_value"),
        ({"pushTime": True}, "unreadable_value"),
        ({"contentText": " ", "content": "<p>&nbsp;</p>"}, "no_text"),
    ],
)
def test_a_flash_that_cannot_be_believed_is_put_aside_without_its_text(change: dict[str, Any], reason: str) -> None:
    parsed = flashes(flash(id=7), flash(**change))
    assert [reject.reason for reject in parsed.rejects] == [reason]
    assert not {"content", "contentText"} & set(parsed.rejects[0].row)
    assert parsed.frames[NEWSFLASH]["flash_id"].to_list() == ["7"]


@pytest.mark.parametrize(
    ("envelope", "verdict"),
    [
        ({"code": 500, "msg": "error"}, (Outcome.NOT_DATA, "refused")),
        ({"data": None}, (Outcome.FORMAT_CHANGED, "no_rows_key")),
        ({"data": {"dataList": [1]}}, (Outcome.FORMAT_CHANGED, "no_rows_key")),
        ({"data": {"dataList": []}}, (Outcome.NOT_DATA, "no_rows")),
    ],
)
def test_an_answer_that_is_none_is_refused(envelope: dict[str, Any], verdict: tuple[Outcome, str]) -> None:
    assert refusal(lambda: flashes(flash(), **envelope)) == verdict


def test_hostile_markup_is_read_in_no_time() -> None:
    parsed = flashes(flash(contentText="", content="<" * 300_000 + "【题】x"))
    assert parsed.frames[NEWSFLASH].height == 1


def test_a_page_or_half_a_payload_is_not_a_payload() -> None:
    assert Policy().inspect(request_for("events.csv"), Response(b"<html>x</html>", NOON)).reason == "html_instead_of_text"
    assert Policy().inspect(request_for("shmet_newsflash.json"), Response(b"<script>1", NOON)).outcome is Outcome.BLOCKED
    assert refusal(lambda: Policy().parse(request_for("shmet_newsflash.json"), b'{"code": 200, "da')) == (Outcome.NOT_DATA, "unparsable")


def test_the_frames_are_the_tables() -> None:
    assert dict(events(LINE).frames[EVENTS].schema) == TABLES[EVENTS].schema
    assert dict(flashes(flash()).frames[NEWSFLASH].schema) == TABLES[NEWSFLASH].schema


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html;x", "file:///etc/passwd", "www.example.org", "https://a b"]
)
def test_an_address_that_could_run_in_a_readers_browser_is_kept_as_text_only(address: str, home: Home) -> None:
    good = LINE.replace("E1", "E2")
    body = "\n".join([HEADER, LINE.replace("https://example.org", address), good]).encode()
    report = home.take(delivery("events.csv", body))
    assert not report.quarantined
    assert [(row["event_id"], row["source_url"], row["extra"]) for row in home.rows(EVENTS).sort("event_id").iter_rows(named=True)] == [
        ("E1", None, json.dumps({"source_url": address})),
        ("E2", "https://example.org", None),
    ]
    (receipt,) = home.fetch_log()
    assert receipt.message == "no_web_address: the source_url of 1 rows is not http or https; it is kept as text and not as an address"


def test_a_flash_of_many_characters_is_weighed_in_time_that_grows_with_its_length() -> None:
    # With the square of the length this takes a quarter of an hour.
    parsed = flashes(flash(contentText="减产" * 30_000), flash(id=2, contentText="氧化铝" + "\u0301\u0316" * 50_000))
    assert parsed.frames[NEWSFLASH].height == 2


@pytest.mark.parametrize(
    ("day", "published"),
    [
        ("9999-12-31", ""), ("0001-01-01", ""), ("2025-07-18", "9999-12-31T23:00-08:00"), ("2025-07-18", "0001-01-01T00:30+08:00"),
        ("2100-01-01", ""), ("1899-12-31", ""),
    ],
)  # fmt: skip
def test_a_day_of_no_time_of_ours_is_refused_alone(day: str, published: str) -> None:
    """Python has no time in UTC for its first day and no day after its last: each took its whole file along."""
    spoilt = LINE.replace("E1,2025-07-18", f"E2,{day}").replace("2025-07-18T15:00+08:00", published)
    parsed = events(LINE, spoilt)
    assert parsed.frames[EVENTS]["event_id"].to_list() == ["E1"]
    assert [reject.reason for reject in parsed.rejects] == ["unreadable_value"]


def test_a_text_full_of_another_separator_is_no_table() -> None:
    """The widest line said what stands between cells, so one such summary refused its whole file."""
    spoilt = LINE.replace("E1", "E2").replace("摘要", f'"{"一; " * 30}"')
    parsed = events(LINE, spoilt)
    assert parsed.frames[EVENTS]["event_id"].to_list() == ["E1", "E2"]
    assert not parsed.rejects
