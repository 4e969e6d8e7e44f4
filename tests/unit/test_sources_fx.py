"""Central parity: a rate exists where a fixing was published, and nowhere else."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from feeds import NOON, Home, delivery, request_for

from ingest.source import DataOrigin, Outcome, Parsed, PayloadError, Response
from ingest.sources.fx import TABLE, Fx
from quality.raw import TABLES

HEAD = {"rep_code": "200", "rep_message": ""}
DAY = date(2025, 7, 16)


def history(*records: dict[str, Any], head: Any = HEAD, **data: Any) -> bytes:
    told = {"currency": "USD/CNY", "pageTotal": 1, "searchlist": ["USD/CNY"], "flagMessage": ""} | data
    return json.dumps({"head": head, "data": told, "records": list(records)}).encode()


def row(day: str = "2025-07-16", *values: Any) -> dict[str, Any]:
    return {"date": day, "values": list(values or ("7.1526",))}


def asked(body: bytes) -> Parsed:
    """Read as the answer to the live question about one day."""
    (request,) = Fx().requests(DAY)
    return Fx().parse(request, body)


def dropped(body: bytes, name: str = "cfets_CcprHisNew.json") -> Parsed:
    return Fx().parse(request_for(name), body)


def shown(parsed: Parsed) -> list[tuple[Any, ...]]:
    return list(parsed.frames[TABLE].select("obs_date", "currency_pair", "rate").iter_rows())


def refusal(read: Any, body: bytes) -> tuple[Outcome, str]:
    with pytest.raises(PayloadError) as caught:
        read(body)
    return caught.value.verdict.outcome, caught.value.verdict.reason


# ---------------------------------------------------------------- the samples, read a second way


def test_every_fixing_of_a_history_is_kept_and_a_missing_one_is_no_row(shared_data: Path, home: Home) -> None:
    body = (shared_data / "payloads/synthetic/cfets_CcprHisNew.json").read_bytes()
    told = json.loads(body)
    printed = {
        (record["date"], pair): float(value)
        for record in told["records"]
        for pair, value in zip(told["data"]["searchlist"], record["values"], strict=True)
        if value != "---"
    }
    report = home.take(delivery("cfets_CcprHisNew.json", body))
    assert {(f"{line['obs_date']}", line["currency_pair"]): line["rate"] for line in home.rows(TABLE).iter_rows(named=True)} == printed
    assert len(printed) == 5
    assert not report.quarantined
    assert [(receipt.outcome, receipt.reason, receipt.message) for receipt in home.fetch_log()] == [
        (Outcome.OK, "missing", "missing: no fixing of HKD/CNY on 2025-07-15")
    ]
    assert home.rows(TABLE)["published_at"].null_count() == 5  # the clock says when


def test_the_latest_fixing_states_its_time_and_what_the_rate_counts(shared_data: Path, home: Home) -> None:
    home.take(delivery("cfets_ccpr.json", (shared_data / "payloads/synthetic/cfets_ccpr.json").read_bytes()))
    rows = home.rows(TABLE).sort("currency_pair")
    assert list(rows.select("currency_pair", "rate", "rate_unit").iter_rows()) == [
        ("100JPY/CNY", 4.84, "CNY per 100 JPY"),
        ("USD/CNY", 7.1526, "CNY per 1 USD"),
    ]
    assert set(rows["published_at"]) == {datetime(2025, 7, 16, 1, 15, tzinfo=UTC)}
    assert set(rows["obs_date"]) == {DAY}


def test_a_span_refused_in_the_body_is_not_data(shared_data: Path, home: Home) -> None:
    home.take(delivery("cfets_CcprHisNew_refused.json", (shared_data / "payloads/synthetic/cfets_CcprHisNew_refused.json").read_bytes()))
    (receipt,) = home.fetch_log()
    assert (receipt.outcome, receipt.reason) == (Outcome.NOT_DATA, "refused")
    assert "只提供一年历史数据查询及下载" in receipt.message


def test_a_bank_board_that_fills_weekends_is_no_fixing(shared_data: Path) -> None:
    assert Fx().recognise((shared_data / "fx/usd_cny.csv").name) is None


# ---------------------------------------------------------------- names and requests


def test_one_polite_question_a_day() -> None:
    (request,) = Fx().requests(DAY)
    assert (request.feed, request.key, request.day, request.method) == ("history", "20250716", DAY, "POST")
    assert request.form == {"startDate": "2025-07-16", "endDate": "2025-07-16", "currency": "USD/CNY", "pageNum": "1", "pageSize": "50"}
    assert request.headers["Referer"].startswith("https://www.chinamoney.com.cn/")
    assert request.json is None


@pytest.mark.parametrize(
    ("name", "feed"),
    [("cfets_ccpr.json", "latest"), ("a/cfets_ccpr_20250716.json", "latest"), ("cfets_CcprHisNew_2025.json", "history"), ("cfets_other.json", None), ("ccpr.json", None)],
)  # fmt: skip
def test_files_are_known_by_the_name_of_their_query(name: str, feed: str | None) -> None:
    request = Fx().recognise(name)
    assert (request and request.feed) == feed


def test_the_same_answer_live_and_replayed_gives_the_same_rows(home: Home) -> None:
    (request,) = Fx().requests(DAY)
    home.take((request, Response(history(row()), NOON, 200)))
    assert [receipt.outcome for receipt in home.fetch_log()] == [Outcome.OK]
    assert set(home.rows(TABLE)["data_origin"]) == {str(DataOrigin.FILES)}
    assert shown(asked(history(row()))) == shown(dropped(history(row()))) == [(DAY, "USD/CNY", 7.1526)]


# ---------------------------------------------------------------- answers


def test_columns_follow_the_searchlist_and_not_the_question() -> None:
    parsed = dropped(history(row("2025-07-16", "0.9111", "7.1526"), currency="USD/CNY,CNY/SGD,HKD/CNY", searchlist=["HKD/CNY", "USD/CNY"]))
    assert shown(parsed) == [(DAY, "HKD/CNY", 0.9111), (DAY, "USD/CNY", 7.1526)]
    assert parsed.remarks == ("dropped: CNY/SGD was asked for and is not in the answer",)


def test_one_page_of_several_is_remarked() -> None:
    assert dropped(history(row(), pageTotal=3)).remarks == ("partial: one page of 3",)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (history(row(), head={"rep_code": "500"}), (Outcome.NOT_DATA, "refused")),
        (history(row(), head=None), (Outcome.NOT_DATA, "refused")),
        (history(row(), searchlist=None), (Outcome.FORMAT_CHANGED, "no_searchlist")),
        (history(row(), searchlist=[1]), (Outcome.FORMAT_CHANGED, "no_searchlist")),
        (history(flagMessage="只提供一年历史数据查询及下载"), (Outcome.NOT_DATA, "refused")),
        (history(), (Outcome.NOT_PUBLISHED, "no_fixing")),
        (history(row("2025-07-16", "---")), (Outcome.NOT_PUBLISHED, "no_fixing")),
        (json.dumps({"head": HEAD, "data": [], "records": []}).encode(), (Outcome.FORMAT_CHANGED, "no_envelope")),
        (json.dumps({"head": HEAD, "data": {"searchlist": ["USD/CNY"]}}).encode(), (Outcome.FORMAT_CHANGED, "no_rows_key")),
        (history(row())[:90], (Outcome.NOT_DATA, "unparsable")),
        (b"[1]", (Outcome.FORMAT_CHANGED, "no_envelope")),
        (b"\xff\xfe{}", (Outcome.NOT_DATA, "unparsable")),
    ],
)
def test_an_answer_that_is_none_is_refused(body: bytes, verdict: tuple[Outcome, str]) -> None:
    assert refusal(dropped, body) == verdict


def test_an_answer_about_another_day_or_another_currency_is_refused() -> None:
    assert refusal(asked, history(row("2025-07-15"))) == (Outcome.NOT_DATA, "wrong_date")
    assert refusal(asked, history(row(), searchlist=["HKD/CNY"])) == (Outcome.NOT_DATA, "refused")


@pytest.mark.parametrize("stated", [None, "", "2025-07-16", "soon"])
def test_a_latest_fixing_without_its_time_is_refused(stated: Any) -> None:
    body = json.dumps({"head": HEAD, "data": {"lastDate": stated}, "records": [{"vrtEName": "USD/CNY", "price": "7.1"}]}).encode()
    assert refusal(lambda payload: dropped(payload, "cfets_ccpr.json"), body) == (Outcome.FORMAT_CHANGED, "no_date")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (row("2025-07-16", "7.15", "7.16"), "ragged"),
        ({"date": "2025-07-16"}, "ragged"),
        (row("2025-02-30"), "unreadable_value"),
        (row("2025-07-16", "7.15.26"), "unreadable_value"),
        (row("2025-07-16", float("nan")), "unreadable_value"),
        (row("2025-07-16", "1e999"), "unreadable_value"),
        (row("2025-07-16", True), "unreadable_value"),
    ],
)
def test_a_row_that_cannot_be_believed_is_put_aside_and_the_others_stay(record: dict[str, Any], reason: str) -> None:
    parsed = dropped(history(row("2025-07-15", "7.1498"), record))
    assert [reject.reason for reject in parsed.rejects] == [reason]
    assert shown(parsed) == [(date(2025, 7, 15), "USD/CNY", 7.1498)]


def test_a_pair_nobody_can_name_is_put_aside() -> None:
    parsed = dropped(history(row("2025-07-16", "7.15", "1"), searchlist=["USD/CNY", "美元"]))
    assert [reject.reason for reject in parsed.rejects] == ["unknown_pair"]


@pytest.mark.parametrize("rate", ["0", "-7.15"])
def test_a_rate_that_is_not_positive_goes_to_quarantine(rate: str, home: Home) -> None:
    home.take(delivery("cfets_CcprHisNew.json", history(row("2025-07-15", "7.1498"), row("2025-07-16", rate))))
    assert home.refused() == [(TABLE, "rate_is_not_positive")]
    assert home.rows(TABLE)["rate"].to_list() == [7.1498]


def test_a_page_is_not_a_payload_and_the_frame_is_the_tables() -> None:
    assert Fx().inspect(request_for("cfets_ccpr.json"), Response(b"<html>x</html>", NOON)).reason == "html_instead_of_json"
    assert Fx().inspect(request_for("cfets_ccpr.json"), Response(b"<script>1</script>", NOON, 412)).outcome is Outcome.BLOCKED
    assert dict(dropped(history(row())).frames[TABLE].schema) == TABLES[TABLE].schema
