"""The exchange as it really behaves, replayed on loopback: real-format payloads, real failure modes, no other address touched."""

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from ingest import sample
from ingest.archive import Archive
from ingest.catalog.calendar import load_calendar
from ingest.flow import Report, ingest
from ingest.http import HttpClient, Pace
from ingest.lake import Lake
from ingest.origins import LiveOrigin
from ingest.source import Outcome, Request, Response
from ingest.sources.shfe import BASE, Shfe

SITE = BASE.split("/data/")[0]
DAY = date(2025, 7, 16)
STAMP = "20250716"
CHALLENGE = ("<!DOCTYPE html><html><head><title>WEB 应用防火墙</title></head><body><div id='captcha'></div></body></html>" + " " * 9000).encode()


@dataclass
class Answer:
    """What the replay server says at one address."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Close the connection after this many bytes."""
    slow: bool = False


class Replay:
    """A server on loopback that knows the exchange's addresses; answers can be changed between requests."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.release = threading.Event()
        replay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                replay.asked.append(self.path)
                known = replay.answers.get(self.path.rsplit("/", 1)[-1])
                answer = (known.pop(0) if len(known) > 1 else known[0]) if known else Answer(b"<html><title>404</title></html>", 404)
                self.send_response(answer.status)
                for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.slow:
                    replay.release.wait(5)
                self.wfile.write(answer.body[: answer.cut])

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def replay() -> Iterator[Replay]:
    site = Replay()
    yield site
    site.release.set()
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module")
def payloads() -> dict[str, bytes]:
    """Real-format payloads of two sessions, from the sample."""
    return {request.name: response.body for request, response in sample.deliveries(DAY, date(2025, 7, 17), ("shfe",))}


@dataclass
class Warehouse:
    """Archive and lake that live requests are taken into, with waiting instead of sleeping."""

    root: Path
    site: Replay
    waited: list[float] = field(default_factory=list)

    def fetch(self, request: Request) -> Response:
        assert request.url is not None
        assert request.url.startswith(SITE)
        client = HttpClient(Pace(seconds_between=0.5, retry_after=(1.0, 2.0), timeout=0.5), sleep=self.waited.append)
        return client.fetch(replace(request, url=request.url.replace(SITE, self.site.url)))

    def run(self, first: date = DAY, last: date = DAY) -> Report:
        origin = LiveOrigin(first, last, load_calendar(), self.fetch)
        return ingest([Shfe()], origin, Archive(self.root / "archive"), Lake(self.root / "lake"), "run")

    def outcomes(self, report: Report) -> dict[str, Outcome]:
        return {feed: outcome for (_, feed, outcome), count in report.outcomes.items() if count}

    def rows(self, table: str) -> pl.DataFrame:
        files = sorted((self.root / "lake" / table).rglob("*.parquet"))
        return pl.concat([pl.read_parquet(file) for file in files]) if files else pl.DataFrame()


@pytest.fixture
def warehouse(tmp_path: Path, replay: Replay) -> Warehouse:
    return Warehouse(tmp_path, replay)


def _publish(site: Replay, payloads: dict[str, bytes]) -> None:
    site.answers = {name: [Answer(body)] for name, body in payloads.items()}


def test_a_published_day_is_taken_in_and_asked_for_once(warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes]) -> None:
    _publish(replay, payloads)
    report = warehouse.run()
    assert {feed: outcome for feed, outcome in warehouse.outcomes(report).items() if feed in ("kx", "pm", "dailystock")} == dict.fromkeys(
        ("kx", "pm", "dailystock"), Outcome.OK
    )
    assert len(replay.asked) == len(set(replay.asked))
    assert warehouse.rows("shfe__daily_quotes")["data_origin"].unique().to_list() == ["live"]
    again = warehouse.run()
    assert again.count(Outcome.UNCHANGED) == report.count(Outcome.OK)
    assert sum(again.rows.values()) == 0


def test_a_closed_day_is_not_asked_for(warehouse: Warehouse, replay: Replay) -> None:
    report = warehouse.run(date(2025, 7, 12), date(2025, 7, 13))  # a weekend
    assert set(warehouse.outcomes(report).values()) == {Outcome.NO_SESSION}
    assert report.problems == []
    assert replay.asked == []


def test_a_404_on_a_session_day_is_not_published_yet_and_adds_nothing(warehouse: Warehouse) -> None:
    report = warehouse.run()
    assert set(warehouse.outcomes(report).values()) == {Outcome.NOT_PUBLISHED}
    assert warehouse.rows("shfe__daily_quotes").is_empty()


@pytest.mark.parametrize(
    "answer", [Answer(CHALLENGE), Answer(b"<script>x</script>", 412), Answer(b"", 403), Answer(b"busy", 429)], ids=["200", "412", "403", "429"]
)
def test_a_challenge_stops_the_feed_for_the_run_and_not_the_others(
    warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes], answer: Answer
) -> None:
    _publish(replay, payloads)
    replay.answers[f"kx{STAMP}.dat"] = [answer]
    report = warehouse.run(DAY, date(2025, 7, 17))
    assert report.outcomes[("shfe", "kx", Outcome.BLOCKED)] == 2
    assert [receipt.reason for receipt in report.problems if receipt.feed == "kx"] == ["challenge", "held_back"]
    assert len([path for path in replay.asked if "/kx" in path]) == 1  # asked once, never hammered
    assert report.outcomes[("shfe", "dailystock", Outcome.OK)] == 2


def test_an_intraday_file_is_not_final_and_the_evening_one_is(warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes]) -> None:
    intraday = json.loads(payloads[f"kx{STAMP}.dat"])
    for row in intraday["o_curinstrument"]:
        row["SETTLEMENTPRICE"] = ""
    _publish(replay, payloads)
    replay.answers[f"kx{STAMP}.dat"] = [Answer(json.dumps(intraday).encode()), Answer(payloads[f"kx{STAMP}.dat"])]
    first = warehouse.run()
    assert first.outcomes[("shfe", "kx", Outcome.NOT_PUBLISHED)] == 1
    assert "no settlement price yet" in next(receipt.message for receipt in first.problems if receipt.feed == "kx")
    assert warehouse.rows("shfe__daily_quotes").is_empty()
    assert warehouse.run().outcomes[("shfe", "kx", Outcome.OK)] == 1
    assert warehouse.rows("shfe__daily_quotes").height > 10


def test_a_file_revised_an_hour_later_is_a_second_version(warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes]) -> None:
    revised = json.loads(payloads[f"kx{STAMP}.dat"])
    row = next(row for row in revised["o_curinstrument"] if row["PRODUCTID"].strip() == "ao_f" and row["DELIVERYMONTH"] == "2509")
    row["OPENINTEREST"] += 5
    revised["update_date"] = f"{STAMP} 16:32:10"
    _publish(replay, payloads)
    replay.answers[f"kx{STAMP}.dat"].append(Answer(json.dumps(revised, ensure_ascii=False).encode()))
    warehouse.run()
    assert warehouse.run().outcomes[("shfe", "kx", Outcome.OK)] == 1
    versions = (
        warehouse.rows("shfe__daily_quotes").filter((pl.col("product_id") == "ao") & (pl.col("delivery_month_code") == "2509")).sort("published_at")
    )
    assert versions["open_interest_lots"].to_list() == [row["OPENINTEREST"] - 5, row["OPENINTEREST"]]
    assert versions["payload_sha256"].n_unique() == 2


def test_a_gzipped_answer_is_read(warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes]) -> None:
    _publish(replay, payloads)
    packed = gzip.compress(payloads[f"kx{STAMP}.dat"])
    replay.answers[f"kx{STAMP}.dat"] = [Answer(packed, headers={"Content-Encoding": "gzip", "Content-Length": str(len(packed))})]
    assert warehouse.run().outcomes[("shfe", "kx", Outcome.OK)] == 1


@pytest.mark.parametrize(
    ("answer", "outcome", "attempts"),
    [
        (Answer(b"{" + b" " * 2000, slow=True), Outcome.HTTP_ERROR, 3),
        (Answer(b"{" + b" " * 2000, cut=100), Outcome.HTTP_ERROR, 3),
        (Answer(b'{"report_date": "2025', headers={"Content-Length": "21"}), Outcome.NOT_DATA, 1),
        (Answer(b"", 302, {"Location": "/elsewhere"}), Outcome.HTTP_ERROR, 1),
        (Answer(b"broken", 503), Outcome.HTTP_ERROR, 1),
        (Answer(b""), Outcome.NOT_DATA, 1),
    ],
    ids=["slow body", "connection closed early", "truncated json", "redirect", "server error", "empty"],
)
def test_a_failed_answer_has_its_outcome_and_only_the_network_is_retried(
    warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes], answer: Answer, outcome: Outcome, attempts: int
) -> None:
    _publish(replay, payloads)
    replay.answers[f"kx{STAMP}.dat"] = [answer]
    report = warehouse.run()
    assert report.outcomes[("shfe", "kx", outcome)] == 1
    assert len([path for path in replay.asked if "/kx" in path]) == attempts
    assert "/elsewhere" not in replay.asked
    assert warehouse.rows("shfe__daily_quotes").is_empty()
    assert report.outcomes[("shfe", "pm", Outcome.OK)] == 1
