"""The one path of a payload: nothing is lost, nothing is counted twice, nothing depends on its neighbours."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from feeds import DAY, FEEDS, NOON, QUOTE_HEADER, Deliveries, Home, answer, csv_file, delivery, quote, rank, warrant

from ingest import flow
from ingest.archive import ArchiveError, Attempt
from ingest.backfill import wanted
from ingest.catalog.calendar import CalendarHorizonError, load_calendar
from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.catalog.documents import SHIPPED
from ingest.catalog.limits import Limits
from ingest.flow import ClockError, Report, ingest
from ingest.lake import Lake
from ingest.origins import CatalogOrigin, FilesOrigin, LiveOrigin, ReplayOrigin
from ingest.settings import Settings
from ingest.source import DataOrigin, Outcome, Parsed, Request, Response, Source, Verdict
from ingest.sources.catalog import Catalog
from ingest.sources.shfe import Shfe
from ingest.sources.spot import Spot
from quality.raw import TABLES

QUOTES, TOTALS, WARRANTS, RANKING, SPOT = (
    "shfe__daily_quotes", "shfe__daily_totals", "shfe__warehouse_receipts", "shfe__member_ranking", "spot__quotes",
)  # fmt: skip
KX = delivery("kx20250716.dat", answer([quote(), quote(month="2510")]))
SPOT_LINE = "2025-07-16,山东氧化铝,3080,3120,3100,,元/吨,SD,SMM,山东,日,2025-07-16 11:40"


def spot(*lines: str, name: str = "smm_spot_price_20250716.csv") -> tuple[Request, Response]:
    return delivery(name, csv_file(*lines, header=QUOTE_HEADER))


def outcomes(home: Home) -> list[tuple[str, Outcome, str]]:
    return [(receipt.request_name, receipt.outcome, receipt.reason) for receipt in home.fetch_log()]


def content(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the lake, order aside."""
    return {name: sorted(home.rows(name).iter_rows(), key=repr) for name in TABLES}


# ---------------------------------------------------------------- the ordinary path


def test_an_accepted_payload_is_archived_stored_with_its_provenance_and_receipted(home: Home) -> None:
    report = home.take(KX, run_id="run-7")
    request, response = KX
    rows = home.rows(QUOTES)
    (receipt,) = home.fetch_log()
    assert rows.height == report.rows[QUOTES] == 2
    assert receipt.payload_sha256 is not None
    assert home.archive.get(receipt.payload_sha256) == response.body
    assert rows.select("payload_sha256", "source", "fetched_at", "published_at", "parser_version", "data_origin").unique().rows() == [
        (receipt.payload_sha256, "shfe", NOON, datetime(2025, 7, 16, 7, 29, 40, tzinfo=UTC), Shfe.parser_version, "files")
    ]
    assert (receipt.run_id, receipt.outcome, receipt.request, receipt.request_name) == ("run-7", Outcome.OK, ("shfe", "kx", "20250716"), request.name)
    assert (receipt.payload_bytes, receipt.http_status, receipt.attempted_at) == (len(response.body), None, NOON)
    assert (report.attempts, report.problems, report.payloads) == (1, [], [receipt.payload_sha256])


def test_a_second_delivery_is_unchanged_and_adds_nothing(home: Home) -> None:
    home.take(KX)
    before = content(home), home.lake.manifest.read_bytes()
    report = home.take((KX[0], Response(KX[1].body, NOON + timedelta(days=1))))
    assert report.count(Outcome.UNCHANGED) == report.attempts == 1
    assert not report.payloads
    assert (content(home), home.lake.manifest.read_bytes()) == before
    assert [receipt.outcome for receipt in home.fetch_log()] == [Outcome.OK, Outcome.UNCHANGED]


def test_the_same_file_twice_in_one_run_counts_once(home: Home) -> None:
    report = home.take(KX, KX)
    assert home.rows(QUOTES).height == 2
    assert (report.count(Outcome.OK), report.count(Outcome.UNCHANGED)) == (1, 1)


def test_one_file_under_two_names_in_one_run_counts_once(home: Home) -> None:
    lines = (SPOT_LINE, SPOT_LINE.replace("07-16", "07-15", 1), SPOT_LINE.replace("3100", "many"))
    home.take(spot(*lines), spot(*lines, name="smm_spot_price_20250716_r1.csv"))
    assert home.rows(SPOT)["obs_date"].to_list() == [date(2025, 7, 15), DAY]
    assert home.refused() == [(SPOT, "unreadable_value")]
    assert [outcome for _, outcome, _ in outcomes(home)] == [Outcome.OK, Outcome.OK]


def test_a_changed_file_is_a_second_vintage_and_the_first_stays(home: Home) -> None:
    home.take(KX)
    home.take(delivery("kx20250716.dat", answer([quote(), quote(month="2510", SETTLEMENTPRICE=3026)]), NOON + timedelta(days=1)))
    rows = home.rows(QUOTES).filter(delivery_month_code="2510").sort("fetched_at")
    assert rows["settle_price"].to_list() == [3025, 3026]
    assert [outcome for _, outcome, _ in outcomes(home)] == [Outcome.OK, Outcome.OK]


def test_a_newer_parser_reads_again_what_the_lake_holds(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.take(KX)
    monkeypatch.setattr(Shfe, "parser_version", "3-test")
    report = home.take((KX[0], Response(KX[1].body, NOON + timedelta(days=5))))
    assert report.count(Outcome.UNCHANGED) == 1, "the payload is the same, only its reading is new"
    assert report.rows[QUOTES] == 2
    versions = home.rows(QUOTES).select("parser_version", "fetched_at").unique().sort("parser_version").rows()
    assert versions == [("3", NOON), ("3-test", NOON)], "the bytes were first in hand when they were"
    assert set(home.lake.parsed().values()) == {"3-test"}
    assert home.take(KX).rows[QUOTES] == 0


def crash(*_: object, **__: object) -> None:
    raise OSError("power went out")


def test_a_run_whose_receipts_a_power_cut_took_heals(home: Home) -> None:
    home.take(KX)
    shutil.rmtree(home.archive.root / "receipts")
    home.archive.log.forget_length()  # it is noted once the lines have survived
    before = content(home)
    home.take(KX)
    assert content(home) == before
    assert [receipt.outcome for receipt in home.fetch_log()] == [Outcome.OK]


def test_a_run_cut_off_before_the_lake_heals_though_the_payload_never_comes_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(home.lake), "commit", crash)
        with pytest.raises(OSError, match="power went out"):
            home.take(KX)
    assert [receipt.outcome for receipt in home.fetch_log()] == [Outcome.OK], "it was in hand"
    assert home.rows(QUOTES).is_empty()
    report = home.take(run_id="later")
    assert home.rows(QUOTES)["fetched_at"].unique().to_list() == [NOON]
    assert (report.rows[QUOTES], report.payloads, report.attempts, report.fetch_log) == (2, [home.fetch_log()[0].payload_sha256], 0, [])
    assert home.take(KX).count(Outcome.UNCHANGED) == 1
    assert home.rows(QUOTES).height == 2


def test_what_a_cut_off_run_accepted_and_the_parser_now_refuses_is_told_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(home.lake), "commit", crash)
        with pytest.raises(OSError, match="power went out"):
            home.take(KX)
    monkeypatch.setattr(Shfe, "parse", lambda *_: 1 / 0)
    for _ in range(2):
        home.take()
    assert [(receipt.outcome, receipt.attempted_at) for receipt in home.fetch_log()] == [(Outcome.OK, NOON), (Outcome.FORMAT_CHANGED, NOON)]


# ---------------------------------------------------------------- a payload in hand is acknowledged, whatever ends the run


@dataclass
class Then:
    """An origin that delivers what it is given, and then fails."""

    items: Sequence[tuple[Request, Response]]
    error: BaseException
    data_origin: DataOrigin = DataOrigin.LIVE
    seen: Callable[[], None] = lambda: None

    def deliveries(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        for item in self.items:
            yield item
            self.seen()
        raise self.error


@pytest.mark.parametrize("error", [ValueError("past the calendar"), KeyboardInterrupt()])
@pytest.mark.parametrize("origin", [DataOrigin.LIVE, DataOrigin.FILES, DataOrigin.SAMPLE])
def test_whatever_ends_a_run_what_came_before_it_is_kept(home: Home, error: BaseException, origin: DataOrigin) -> None:
    items = [KX, delivery("kx20250717.dat", answer([quote()], day=date(2025, 7, 17)))]
    with pytest.raises(type(error)):
        ingest(FEEDS, Then(items, error, origin), home.archive, home.lake, "run")
    assert [receipt.outcome for receipt in home.fetch_log()] == [Outcome.OK] * 2
    assert home.rows(QUOTES).height == 3


def test_half_a_configuration_is_not_kept(home: Home) -> None:
    files = list(CatalogOrigin().deliveries([Catalog()]))
    ingest([Catalog()], CatalogOrigin(), home.archive, home.lake, "run")
    before = content(home)
    with pytest.raises(KeyboardInterrupt):
        ingest([Catalog()], Then(files[:3], KeyboardInterrupt(), DataOrigin.CONFIG), home.archive, home.lake, "run")
    assert content(home) == before
    assert len(list(home.lake.batches())) == 1


def test_the_first_failure_is_told_also_where_what_came_before_it_cannot_be_committed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(home.lake), "commit", crash)
    with pytest.raises(ValueError, match="past the calendar"):
        ingest(FEEDS, Then([KX], ValueError("past the calendar")), home.archive, home.lake, "run")
    assert [receipt.outcome for receipt in home.fetch_log()] == [Outcome.OK]


def test_each_live_payload_has_its_receipt_before_the_next_is_asked_for(home: Home) -> None:
    written: list[int] = []
    nothing = (KX[0], Response(b"", NOON, verdict=Verdict(Outcome.NO_SESSION, "calendar", "closed")))
    items = [KX, nothing, delivery("kx20250717.dat", b"<html>"), delivery("kx20250718.dat", b"{}")]
    origin = Then(items, KeyboardInterrupt(), seen=lambda: written.append(len(home.fetch_log())))
    with pytest.raises(KeyboardInterrupt):
        ingest(FEEDS, origin, home.archive, home.lake, "run")
    assert written == [1, 1, 3, 4], "where nothing came there is nothing to lose"


def states(attempts: Iterable[Attempt]) -> list[tuple[str, Outcome, str]]:
    return [(attempt.request_name, attempt.outcome, attempt.reason) for attempt in attempts]


def ask(home: Home, *items: tuple[Request, Response], run_id: str = "run") -> Report:
    return ingest(FEEDS, Deliveries(list(items), DataOrigin.LIVE), home.archive, home.lake, run_id, now=lambda: NOON + timedelta(hours=9))


def cut_off(home: Home, monkeypatch: pytest.MonkeyPatch, *items: tuple[Request, Response], place: tuple[object, str] = (flow, "_inspect")) -> None:
    """Ask, and be ended while the first is looked at."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            ask(home, *items)


def live(name: str, body: bytes, at: datetime = NOON, status: int = 200, **headers: str) -> tuple[Request, Response]:
    return delivery(name, body)[0], Response(body, at, status, headers={key.replace("_", "-"): text for key, text in headers.items()})


NOT_FOUND = b"<html><title>404</title></html>"


@pytest.mark.parametrize("place", [(Shfe, "parse"), (flow, "_inspect")], ids=lambda place: place[1])
@pytest.mark.parametrize("by", ["a run", "a rebuild"])
def test_a_live_payload_in_hand_is_acknowledged_though_reading_it_was_interrupted(
    home: Home, monkeypatch: pytest.MonkeyPatch, place: tuple[object, str], by: str
) -> None:
    cut_off(home, monkeypatch, KX, place=place)
    assert states(home.archive.waiting()) == [(KX[0].name, Outcome.OK, "unread")]
    assert home.fetch_log() == [], "nothing is believed of it until it is read"
    assert home.archive.spoken_of() == {home.archive.waiting()[0].payload_sha256}
    home.take(run_id="later") if by == "a run" else rebuilt(home)
    assert home.rows(QUOTES).height == 2
    assert states(home.fetch_log()) == [(KX[0].name, Outcome.OK, "")]
    assert home.archive.waiting() == []
    home.take()
    assert len(home.fetch_log()) == 1


@pytest.mark.parametrize(("body", "outcome"), [(KX[1].body, Outcome.OK), (b"<html>", Outcome.NOT_DATA)], ids=["read", "refused"])
def test_a_live_payload_has_its_receipt_before_anything_looks_at_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, body: bytes, outcome: Outcome
) -> None:
    inspect, at_first = flow._inspect, list[tuple[str, Outcome, str]]()

    def looked_at(source: Source, request: Request, response: Response) -> Verdict:
        at_first.extend(states(home.archive.waiting()))
        return inspect(source, request, response)

    monkeypatch.setattr(flow, "_inspect", looked_at)
    ask(home, live(KX[0].name, body))
    assert at_first == [(KX[0].name, Outcome.OK, "unread")]
    assert [receipt.outcome for receipt in home.fetch_log()] == [outcome], "the verdict takes its place"
    assert home.archive.accepted(["shfe"]).height == (outcome is Outcome.OK)
    assert len(home.archive.log.read()) == 2
    ingest(FEEDS, ReplayOrigin(home.archive), home.archive, Lake(home.settings.root / "again"), "rebuild", record=False)
    assert len(home.archive.log.read()) == 2, "a rebuild writes none"
    monkeypatch.undo()
    ask(home, live(KX[0].name, body, NOON + timedelta(hours=1)))
    assert [receipt.outcome for receipt in home.fetch_log()] == [outcome, Outcome.UNCHANGED if outcome is Outcome.OK else outcome]


def test_what_waits_is_judged_as_it_came_though_the_same_bytes_were_refused_before(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    name, later = KX[0].name, NOON + timedelta(minutes=30)
    ask(home, live(name, NOT_FOUND, status=404))
    cut_off(home, monkeypatch, live(name, NOT_FOUND, later, status=404))
    for _ in range(2):
        ask(home)
    assert [(attempt.outcome, attempt.attempted_at) for attempt in home.fetch_log()] == [
        (Outcome.NOT_PUBLISHED, NOON),
        (Outcome.NOT_PUBLISHED, later),
    ]


def test_what_waits_is_read_though_the_lake_holds_its_bytes_of_another_day(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.take(KX)
    stale = live("kx20250717.dat", KX[1].body)
    cut_off(home, monkeypatch, stale)
    ask(home)
    assert states(home.fetch_log())[-1] == ("kx20250717.dat", Outcome.NOT_DATA, "wrong_date")
    ask(home, stale)
    assert states(home.fetch_log())[-1] == ("kx20250717.dat", Outcome.NOT_DATA, "wrong_date")


def test_remarks_of_what_waited_are_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "smm_spot_price_20250716.csv"
    half_read = live(name, csv_file(SPOT_LINE, SPOT_LINE.replace("2025-07-16", "no day", 1), header=QUOTE_HEADER))
    cut_off(home, monkeypatch, half_read)
    report = ask(home)
    assert [(attempt.outcome, attempt.message) for attempt in home.fetch_log()] == [(Outcome.OK, "1 rows in quarantine")]
    assert (report.rows["spot__quotes"], report.attempts) == (1, 0)


def test_what_lacks_bytes_never_waits_since_only_its_headers_show_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    short = live(KX[0].name, KX[1].body, content_length=str(len(KX[1].body) + 9))
    cut_off(home, monkeypatch, short)
    assert home.archive.waiting() == []
    ask(home, short)
    assert states(home.fetch_log()) == [(KX[0].name, Outcome.NOT_DATA, "truncated")]


def test_two_runs_that_judge_what_waited_make_one_attempt(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = Shfe.parse

    def meanwhile(*arguments: Any) -> Parsed:
        monkeypatch.setattr(Shfe, "parse", parse)
        ask(home, run_id="another")
        return parse(*arguments)

    monkeypatch.setattr(Shfe, "parse", meanwhile)
    ask(home, live(KX[0].name, b'{"o_curinstrument": 1}'))
    assert len(home.archive.log.read()) == 3
    assert [attempt.outcome for attempt in home.fetch_log()] == [Outcome.NOT_DATA]


def test_a_backfill_asks_again_for_what_nobody_has_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off(home, monkeypatch, live(KX[0].name, b"<html>please log in</html>"))
    day = date(2025, 7, 16)
    left = wanted([Shfe()], load_calendar(), day, day, home.archive.fetch_log())
    assert KX[0].name in [request.name for requests in left.values() for request in requests]


def test_a_live_run_across_the_end_of_the_calendar_keeps_the_days_before_it(home: Home) -> None:
    def fetch(request: Request) -> Response:
        assert request.day is not None
        return Response(answer([quote(month="2703")], day=request.day) if request.feed == "kx" else b"", NOON, 200)

    origin = LiveOrigin(date(2026, 12, 28), date(2027, 1, 4), load_calendar(), fetch)
    with pytest.raises(CalendarHorizonError):
        ingest([Shfe()], origin, home.archive, home.lake, "run")
    assert sorted({receipt.request_key for receipt in home.fetch_log()}) == ["20261228", "20261229", "20261230", "20261231"]
    assert home.rows(QUOTES)["trade_date"].to_list() == [date(2026, 12, day) for day in (28, 29, 30, 31)]


def test_rows_that_waited_for_the_calendar_come_in_by_themselves_once_it_is_extended(home: Home) -> None:
    name, days = "smm_spot_price_20270105.csv", ("2026-12-31", "2027-01-04", "2028-01-04")
    body = csv_file(*(f"{day},氧化铝,3080,3120,3100,,元/吨,A,SMM,全国,日," for day in days), header=QUOTE_HEADER)
    bars = "smm_bars_20270104.csv"
    of_bars = b"contract,event_ts,open,high,low,close,volume,oi\nao2703,2027-01-04 10:00,3000,3010,2990,3005,10,5\n"
    home.take(delivery(name, body), delivery(bars, of_bars))
    assert home.refused() == [("bars__prices", "outside_calendar"), *[("spot__quotes", "outside_calendar")] * 2]
    before = len(home.fetch_log())
    home.take()  # nothing has changed: nothing is read again
    assert home.rows("spot__quotes").height == 1
    overlay = home.settings.catalog_overlay
    overlay.mkdir(parents=True)
    (overlay / "calendar.toml").write_text('last_day = "2027-12-31"\n[closures]\n2027 = ["2027-01-01"]\n')
    report = home.take()
    assert (report.rows["spot__quotes"], report.rows["bars__prices"], report.attempts) == (2, 1, 0)
    assert len(home.fetch_log()) == before, "it came when it came"
    newest = list(home.lake.batches())[-2:]
    assert {sha for batch in newest for sha in batch.payloads} == {sha for batch in home.lake.batches() for sha in batch.payloads}
    versions = {source.name: source.parser_version for source in FEEDS}
    assert {version for batch in newest for version in batch.payloads.values()} == {f"{versions[name]}+2027-12-31" for name in ("spot", "bars")}
    again = home.take()
    assert not again.rows, "the row of 2028 waits on, and costs nothing"
    assert len(list(home.lake.batches())) == 3


# ---------------------------------------------------------------- the clock


def on_disk(home: Home) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.settings.root.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_a_run_whose_clock_stands_before_the_newest_receipt_says_so_and_changes_nothing(home: Home) -> None:
    home.take(KX)
    before = on_disk(home)
    correction = delivery("kx20250716.dat", answer([quote(SETTLEMENTPRICE=3026)]), NOON - timedelta(days=1))
    with pytest.raises(ClockError, match=r"^the clock of this machine says 2025-07-15 \d\d:\d\d UTC, but the newest attempt in .* is of 2025-07-16"):
        home.take(correction, now=lambda: NOON - timedelta(days=1))
    assert on_disk(home) == before
    home.take(correction, now=lambda: NOON)


def test_a_clock_that_runs_back_during_a_run_ends_it_and_what_came_before_is_kept(home: Home) -> None:
    times = iter([NOON, NOON + timedelta(hours=1), NOON])
    with pytest.raises(ClockError, match="and said before"):
        home.take(KX, spot(SPOT_LINE), now=lambda: next(times))
    assert outcomes(home) == [("kx20250716.dat", Outcome.OK, "")]
    assert home.rows(QUOTES).height == 2


def test_the_times_of_the_sample_are_its_own_and_stop_nobody(home: Home) -> None:
    items = Deliveries([(KX[0], Response(KX[1].body, NOON + timedelta(days=9)))], DataOrigin.SAMPLE)
    for _ in range(2):
        ingest(FEEDS, items, home.archive, home.lake, "run", now=lambda: NOON)


# ---------------------------------------------------------------- what a rebuild writes


def test_a_rebuild_writes_no_receipts(home: Home) -> None:
    home.take(KX, record=False)
    assert home.rows(QUOTES).height == 2
    assert home.fetch_log() == []


def test_flushing_after_every_payload_gives_the_same_rows(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [KX, delivery("kx20250717.dat", answer([quote()], day=date(2025, 7, 17))), spot(SPOT_LINE), KX]
    home.take(*items)
    monkeypatch.setattr(flow, "FLUSH_PAYLOADS", 1)
    other = Home(Settings(home=tmp_path / "other"))
    report = other.take(*items)
    assert content(other) == content(home)
    assert len(list(other.lake.batches())) == 3
    assert report.count(Outcome.OK, Outcome.UNCHANGED) == 4


def test_progress_is_told_after_every_payload(home: Home) -> None:
    seen: list[int] = []
    home.take(KX, KX, spot(SPOT_LINE), progress=seen.append)
    assert seen == [1, 2, 3]


# ---------------------------------------------------------------- bad rows


def test_a_row_printed_twice_counts_once(home: Home) -> None:
    report = home.take(delivery("kx20250716.dat", answer([quote(), quote(), quote(month="2510")])))
    assert home.rows(QUOTES)["delivery_month_code"].to_list() == ["2509", "2510"]
    assert not report.quarantined


def test_rows_that_contradict_each_other_all_go_to_quarantine(home: Home) -> None:
    # Which of the two is right cannot be known, so neither is believed.
    report = home.take(delivery("kx20250716.dat", answer([quote(), quote(SETTLEMENTPRICE=3030), quote(month="2510")])))
    assert home.rows(QUOTES)["delivery_month_code"].to_list() == ["2510"]
    assert home.refused() == [(QUOTES, "duplicate_key")] * 2
    assert report.quarantined == {(QUOTES, "duplicate_key"): 2}
    assert {json.loads(text)["settle_price"] for text in home.rows("ingest__quarantine")["row_json"]} == {3025, 3030}


def test_a_close_above_the_high_goes_to_quarantine_with_the_row_and_its_reason(home: Home) -> None:
    report = home.take(delivery("kx20250716.dat", answer([quote(), quote(month="2510", CLOSEPRICE=3061)])))
    assert home.rows(QUOTES)["delivery_month_code"].to_list() == ["2509"]
    row = home.rows("ingest__quarantine").row(0, named=True)
    assert (row["table_name"], row["request_name"], row["reason"]) == (QUOTES, "kx20250716.dat", "close_outside_range")
    assert row["message"] == "the close lies outside low and high"
    shown = json.loads(row["row_json"])
    assert (shown["delivery_month_code"], shown["close_price"], shown["trade_date"]) == ("2510", 3061, "2025-07-16")
    assert not {"payload_sha256", "_row"} & set(shown)
    assert row["payload_sha256"] == home.fetch_log()[0].payload_sha256
    assert report.rows[QUOTES] == 1
    assert report.rows["ingest__quarantine"] == 1


def test_a_row_that_breaks_two_rules_has_a_reason_for_each(home: Home) -> None:
    home.take(delivery("kx20250716.dat", answer([quote(), quote(month="2513", CLOSEPRICE=3061)])))
    assert home.refused() == [(QUOTES, "close_outside_range"), (QUOTES, "delivery_month_is_not_yymm")]


def test_a_negative_count_breaks_the_bounds_of_its_column(home: Home) -> None:
    report = home.take(delivery("kx20250716.dat", answer([quote(), quote(month="2510", OPENINTEREST=-1)])))
    ((table, reason),) = home.refused()
    assert table == QUOTES
    assert reason.startswith("open_interest_lots:")
    assert report.rows[QUOTES] == 1


def test_a_payload_whose_every_row_is_refused_is_read_once_and_remembered(home: Home) -> None:
    home.take(delivery("kx20250716.dat", answer([quote(CLOSEPRICE=9999)])))
    assert home.rows(QUOTES).is_empty()
    report = home.take(delivery("kx20250716.dat", answer([quote(CLOSEPRICE=9999)])))
    assert report.count(Outcome.UNCHANGED) == 1
    assert home.refused() == [(QUOTES, "close_outside_range")]


def test_the_receipt_says_how_many_rows_the_parser_put_aside(home: Home) -> None:
    home.take(delivery("kx20250716.dat", answer([quote(), quote(DELIVERYMONTH="合计")])))
    (receipt,) = home.fetch_log()
    assert receipt.outcome is Outcome.OK
    assert "1 rows in quarantine" in receipt.message


# ---------------------------------------------------------------- bad payloads

BAD = {
    "kx20250717.dat": b"<html>WEB \xe5\xba\x94\xe7\x94\xa8\xe9\x98\xb2\xe7\x81\xab\xe5\xa2\x99</html>",
    "pm20250716.dat": b'{"report_date": "20250716", "o_cursor": [',
    "20250716dailystock.dat": b"",
    "dailystock_20260915.html": b"<html></html>",
    "smm_spot_price_20250716.csv": b"\xff\xff\xff",
    "ald_capacity_20250716.xlsx": b"PK\x03\x04",
    "notes.txt": b"hello",
}


def test_a_bad_payload_does_not_stop_the_others(home: Home) -> None:
    bad = [delivery(name, body) for name, body in BAD.items()]
    report = home.take(*bad[:4], KX, *bad[4:])
    assert home.rows(QUOTES).height == 2
    assert {name: (outcome, reason) for name, outcome, reason in outcomes(home)} == {
        "kx20250717.dat": (Outcome.BLOCKED, "challenge"),
        "pm20250716.dat": (Outcome.NOT_DATA, "unparsable"),
        "20250716dailystock.dat": (Outcome.NOT_DATA, "empty"),
        "dailystock_20260915.html": (Outcome.FORMAT_CHANGED, "no_date"),
        "kx20250716.dat": (Outcome.OK, ""),
        "smm_spot_price_20250716.csv": (Outcome.NOT_DATA, "undecodable"),
        "ald_capacity_20250716.xlsx": (Outcome.NOT_DATA, "unparsable"),
        "notes.txt": (Outcome.NOT_DATA, "no_reader"),
    }
    assert len(report.problems) == 7
    for receipt in report.problems:
        assert receipt.message, receipt.request_name
        assert receipt.payload_sha256 is None or home.archive.get(receipt.payload_sha256) == BAD[receipt.request_name]


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(delivery("kx20250717.dat", answer([quote(), {"PRODUCTID": "ao_f"}], day=date(2025, 7, 17))), id="a row without its month"),
        pytest.param(delivery("kx20250717.dat", answer([quote(VOLUME=10**25)], day=date(2025, 7, 17))), id="a count of 26 digits"),
        pytest.param(delivery("kx20250717.dat", answer([quote(OPENPRICE=10**400)], day=date(2025, 7, 17))), id="a price of 401 digits"),
        pytest.param(delivery("20250716dailystock.dat", answer([warrant(), {"VARID": "ao"}], "o_cursor")), id="a warrant row without figures"),
        pytest.param(delivery("pm20250716.dat", answer([rank(), {"INSTRUMENTID": "ao2509"}], "o_cursor")), id="a ranking row without figures"),
        pytest.param(
            delivery(
                "dailystock_20260915.html",
                b'<html><table class="content_intro"><tr><td>2026-09-15</td></tr></table><table class="el-table_table"><tr><th>\xe6\x9c\x9f\xe8\xb4\xa7</th></tr>'
                b'<tr class="special_row_type"><td>x</td></tr><tr><td>1</td></tr></table></html>',
            ),
            id="a page without a column of warehouses",
        ),
    ],
)
def test_no_payload_however_odd_stops_the_others(home: Home, poison: tuple[Request, Response]) -> None:
    home.take(poison, KX)
    assert home.rows(QUOTES).filter(trade_date=DAY).height == 2
    assert len(home.fetch_log()) == 2


def test_yesterdays_bytes_under_todays_name_are_not_todays_file(home: Home) -> None:
    # A server that still serves yesterday's file: its bytes are known, which does not make them today's.
    home.take(KX, delivery("kx20250717.dat", KX[1].body))
    assert outcomes(home)[1] == ("kx20250717.dat", Outcome.NOT_DATA, "wrong_date")


def test_yesterdays_bytes_under_todays_name_are_not_todays_file_in_a_later_run_either(home: Home) -> None:
    home.take(KX)
    home.take(delivery("kx20250717.dat", KX[1].body))
    assert outcomes(home)[1] == ("kx20250717.dat", Outcome.NOT_DATA, "wrong_date")


def test_known_bytes_under_another_providers_name_stay_those_of_the_provider_they_state(home: Home) -> None:
    home.take(spot(SPOT_LINE), spot(SPOT_LINE, name="ald_spot_price_20250716.csv"))
    assert outcomes(home)[1] == ("ald_spot_price_20250716.csv", Outcome.OK, "provider_of_content")
    assert home.rows("spot__quotes")["provider"].to_list() == ["SMM"]


def test_a_refused_payload_is_tried_again_and_accepted_when_it_is_final(home: Home) -> None:
    home.take(delivery("kx20250716.dat", answer([quote(SETTLEMENTPRICE="")])))
    home.take(KX)
    assert [outcome for _, outcome, _ in outcomes(home)] == [Outcome.NOT_PUBLISHED, Outcome.OK]
    assert home.rows(QUOTES).height == 2


def test_what_the_origin_knew_without_asking_is_receipted_and_is_no_problem(home: Home) -> None:
    request = Request("shfe", "kx", "20250719", "kx20250719.dat", date(2025, 7, 19))
    report = home.take((request, Response(b"", NOON, verdict=Verdict(Outcome.NO_SESSION, "calendar", "closed"))))
    (receipt,) = home.fetch_log()
    assert (receipt.outcome, receipt.payload_sha256, receipt.payload_bytes) == (Outcome.NO_SESSION, None, 0)
    assert report.problems == []


# ---------------------------------------------------------------- nothing depends on its neighbours


def test_the_lake_holds_the_same_rows_in_whatever_order_and_portions_payloads_arrive(tmp_path: Path) -> None:
    items = [
        KX,
        delivery("kx20250716.dat", answer([quote(), quote(month="2510", SETTLEMENTPRICE=3026)])),  # a rewritten file
        spot(SPOT_LINE),
        # One series going on in a second file: its change and its jump are judged inside the file, whatever came before.
        spot(SPOT_LINE.replace("2025-07-16", "2025-07-17").replace("3080,3120,3100,", "310,314,312,-2788")),
    ]
    held: list[dict[str, list[tuple[Any, ...]]]] = []
    # Every payload comes first, last and beside every other one at least once.
    for number, order in enumerate([*(items[turn:] + items[:turn] for turn in range(4)), items[::-1], [items[n] for n in (2, 0, 3, 1)]]):
        whole = Home(Settings(home=tmp_path / f"whole{number}"))
        whole.take(*order)
        held.append(content(whole))
    portions = Home(Settings(home=tmp_path / "portions"))
    for item in items:
        portions.take(item)
    held.append(content(portions))
    assert len(held[0][QUOTES]) == 4
    assert len(held[0][SPOT]) == 2
    assert all(one == held[0] for one in held)


def test_a_bad_row_of_one_payload_changes_no_row_of_another(home: Home) -> None:
    home.take(delivery("kx20250716.dat", answer([quote(CLOSEPRICE=9999)])), delivery("kx20250717.dat", answer([quote()], day=date(2025, 7, 17))))
    assert home.rows(QUOTES)["trade_date"].to_list() == [date(2025, 7, 17)]
    assert home.rows("ingest__quarantine")["request_name"].to_list() == ["kx20250716.dat"]


# ---------------------------------------------------------------- configuration


REGIONS = (SHIPPED / "regions.toml").read_text(encoding="utf-8")
MARS = 'mars = { zh = "火星", en = "Mars" }\n'


def catalog(home: Home, **files: str) -> flow.Report:
    overlay = home.settings.catalog_overlay
    overlay.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (overlay / f"{name}.toml").write_text("# by the operator\n" + text, encoding="utf-8")
    return ingest([Catalog()], CatalogOrigin(overlay), home.archive, home.lake, "run")


def newest(home: Home, table: str) -> list[dict[str, Any]]:
    batch = [batch for batch in home.lake.batches() if any(file.table == table for file in batch.files)][-1]
    return pl.concat([pl.read_parquet(home.lake.verified(file)) for file in batch.files if file.table == table]).to_dicts()


def test_the_shipped_catalogue_is_read_without_a_problem(home: Home) -> None:
    report = catalog(home)
    assert report.problems == []
    assert not report.quarantined
    # What people said of held figures is their own: nothing is shipped.
    tables = {name for name in TABLES if name.startswith("catalog__")} - {"catalog__reviews"}
    assert {name for name in tables if report.rows[name]} == tables
    assert {row["commodity_code"] for row in newest(home, "catalog__commodities")} >= {"AO"}
    assert {row["data_origin"] for row in newest(home, "catalog__parameters")} == {"config"}


def test_a_catalogue_in_force_is_not_read_again_and_one_changed_file_brings_all_of_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog(home)
    read: list[str] = []
    inner = Catalog.parse

    def parse(self: Catalog, request: Request, body: bytes) -> Parsed:
        read.append(request.name)
        return inner(self, request, body)

    monkeypatch.setattr(Catalog, "parse", parse)
    report = catalog(home)
    assert (read, report.count(Outcome.UNCHANGED), sum(report.rows.values())) == ([], report.attempts, 0)
    report = catalog(home, regions=REGIONS + MARS)
    assert (len(read), report.count(Outcome.OK)) == (report.attempts, 1)
    catalog(home, regions=REGIONS)
    del read[:]
    assert catalog(home, regions=REGIONS + MARS).attempts == len(read), "held by the lake, and not in force"


def test_an_unchanged_catalogue_adds_nothing(home: Home) -> None:
    catalog(home)
    before = home.lake.manifest.read_bytes()
    report = catalog(home)
    assert report.count(Outcome.UNCHANGED) == report.attempts
    assert home.lake.manifest.read_bytes() == before


def test_an_operators_file_replaces_the_shipped_one_and_the_rest_stays(home: Home) -> None:
    catalog(home)
    clocks = len(newest(home, "catalog__publication_clock"))
    catalog(home, regions=REGIONS + MARS)
    assert "mars" in {row["region"] for row in newest(home, "catalog__regions")}
    assert len(newest(home, "catalog__publication_clock")) == clocks


def test_an_operators_file_may_start_with_a_table(home: Home) -> None:
    # `[regions]` is the most natural first line of TOML; it is not JSON.
    home.settings.catalog_overlay.mkdir(parents=True)
    (home.settings.catalog_overlay / "regions.toml").write_text(REGIONS[REGIONS.index("[regions]") :] + MARS, encoding="utf-8")
    assert [(problem.request_name, problem.message) for problem in catalog(home).problems] == []
    assert "mars" in {row["region"] for row in newest(home, "catalog__regions")}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("parameters", "[[parameter]\nname ="),
        ("parameters", '[[parameter]]\nname = "p"\nvalue = 1.0\nunit = "t"\n'),
        ("parameters", '[[parameter]]\nname = "p"\nvalue = "many"\nunit = "t"\nsource = "s"\n'),
        ("clock", '[[clock]]\ndataset = "d"\nday_offset = 0\nearliest = "25:00"\nlatest = "26:00"\nlabel = "assumed"\nsource = "s"\n'),
        ("calendar", "closures = 5"),
        ("calendar", 'last_day = "someday"'),
        ("regions", "regions = 5"),
    ],
)
def test_an_unreadable_catalogue_file_keeps_the_earlier_configuration_and_says_which(home: Home, name: str, text: str) -> None:
    catalog(home)
    before = {table: newest(home, table) for table in ("catalog__parameters", "catalog__regions", "catalog__trading_days")}
    report = catalog(home, **{name: text}, **({} if name == "regions" else {"regions": REGIONS + MARS}))
    (problem,) = report.problems
    assert problem.outcome is Outcome.FORMAT_CHANGED
    assert f"{name}.toml" in problem.message
    assert {table: newest(home, table) for table in before} == before, "half a configuration is worse than yesterday's"


def test_a_catalogue_row_that_breaks_a_rule_keeps_the_earlier_configuration_too(home: Home) -> None:
    # A parameter given twice is refused by its key. Taking the rest would silently drop both of it from the configuration.
    catalog(home)
    before = newest(home, "catalog__parameters")
    entry = '[[parameter]]\nname = "p"\nvalue = {}\nunit = "t"\nsource = "s"\n'
    catalog(home, parameters=entry.format("1.0") + entry.format("2.0") + entry.replace('"p"', '"q"').format("3.0"))
    assert newest(home, "catalog__parameters") == before


def test_a_block_of_too_much_weight_is_refused(home: Home) -> None:
    text = (SHIPPED / "score.toml").read_text(encoding="utf-8")
    report = catalog(home, score=text.replace("share = ", "share = 0.01 # ", 1))
    assert [problem.request_name for problem in report.problems] == ["score.toml"]


def test_files_that_contradict_each_other_keep_the_earlier_configuration_and_all_is_said_at_once(home: Home) -> None:
    catalog(home)
    before = newest(home, "catalog__regions")
    terms = (SHIPPED / "terms.toml").read_text(encoding="utf-8").replace('"vat_ratio"', '"vat_ration"').replace('unit = "CNY/t a day"', 'unit = "%"')
    report = catalog(home, regions=REGIONS.replace("xinjiang = ", "xinjang = ") + MARS, terms=terms)
    said = {problem.request_name: problem.message for problem in report.problems}
    assert said.keys() == {"commodities/ao.toml", "terms.toml"}
    assert "there is no region 'xinjiang'; did you mean 'xinjang'?" in said["commodities/ao.toml"]
    assert "there is no term 'vat_ration'; did you mean 'vat_ratio'?" in said["terms.toml"]
    assert "the models read storage_cny_t_day in 'CNY/t a day', not in '%'" in said["terms.toml"]
    assert newest(home, "catalog__regions") == before


# ---------------------------------------------------------------- origins


def folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, body in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body)
    return root


def names(items: Iterable[tuple[Request, Response]]) -> list[str]:
    return [request.name for request, _ in items]


def test_a_folder_delivers_every_file_and_what_nobody_reads_is_reported(home: Home, tmp_path: Path) -> None:
    drop = folder(
        tmp_path / "drop",
        {"2025/kx20250716.dat": KX[1].body, "b/notes.txt": b"hello", "smm_spot_price_20250716.csv": csv_file(SPOT_LINE, header=QUOTE_HEADER)},
    )
    report = ingest(FEEDS, FilesOrigin(drop, FEEDS), home.archive, home.lake, "run")
    assert {name: outcome for name, outcome, _ in outcomes(home)} == {
        "kx20250716.dat": Outcome.OK,
        "notes.txt": Outcome.NOT_DATA,
        "smm_spot_price_20250716.csv": Outcome.OK,
    }
    assert [problem.reason for problem in report.problems] == ["no_reader"]


def test_a_window_leaves_out_the_daily_files_of_other_days(tmp_path: Path) -> None:
    drop = folder(tmp_path / "drop", {f"kx202507{day}.dat": b"{}" for day in (15, 16, 17)} | {"smm_spot_price_20250101.csv": b"x"})
    origin = FilesOrigin(drop, FEEDS, date(2025, 7, 16), date(2025, 7, 16))
    assert names(origin.deliveries(FEEDS)) == ["kx20250716.dat", "smm_spot_price_20250101.csv"]


def test_only_the_sources_asked_for_are_delivered(tmp_path: Path) -> None:
    drop = folder(tmp_path / "drop", {"kx20250716.dat": b"{}", "smm_spot_price_20250101.csv": b"x", "notes.txt": b"x"})
    assert names(FilesOrigin(drop, FEEDS).deliveries([Shfe()])) == ["kx20250716.dat"]


def test_a_link_is_not_followed_and_is_reported(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(KX[1].body)
    drop = folder(tmp_path / "drop", {})
    drop.mkdir()
    (drop / "kx20250716.dat").symlink_to(secret)
    ingest(FEEDS, FilesOrigin(drop, FEEDS), home.archive, home.lake, "run")
    (receipt,) = home.fetch_log()
    assert (receipt.outcome, receipt.reason) == (Outcome.NOT_DATA, "unreadable_file")
    assert "links are not followed" in receipt.message
    assert not list((home.archive.root).glob("blobs/*"))


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_takes_the_place_of_a_file_while_it_is_looked_at_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    secret, drop = tmp_path / "secret", folder(tmp_path / "drop", {"kx20250716.dat": KX[1].body})
    secret.write_bytes(b"of the operator alone")
    walk = os.walk

    def listed(top: Path) -> list[Any]:
        found = list(walk(top))
        path = drop / "kx20250716.dat"
        path.unlink()
        {"link": lambda: path.symlink_to(secret), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}[kind]()
        return found

    monkeypatch.setattr(os, "walk", listed)
    monkeypatch.setattr(Path, "is_symlink", lambda _: False)  # asked a moment before
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    ((_, response),) = FilesOrigin(drop, FEEDS).deliveries(FEEDS)
    assert (response.body, response.error) == (b"", "not a regular file; links are not followed")


def test_a_file_name_in_another_encoding_does_not_stop_the_others(home: Home, tmp_path: Path) -> None:
    # What unpacking a Windows archive leaves behind: a name in GBK, which is no text in UTF-8.
    drop = folder(tmp_path / "drop", {"kx20250716.dat": KX[1].body})
    Path(str(drop).encode().decode() + "/" + "现货.csv".encode("gbk").decode("utf-8", "surrogateescape")).write_bytes(b"a,b\n")
    ingest(FEEDS, FilesOrigin(drop, FEEDS), home.archive, home.lake, "run")
    assert sorted(receipt.outcome for receipt in home.fetch_log()) == [Outcome.NOT_DATA, Outcome.OK]


def test_a_folder_that_is_not_there_is_an_error_and_not_an_empty_delivery(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="does not exist"):
        list(FilesOrigin(tmp_path / "nowhere", FEEDS).deliveries(FEEDS))


def test_a_live_run_asks_only_on_sessions() -> None:
    asked: list[str] = []

    def fetch(request: Request) -> Response:
        asked.append(request.name)
        return Response(answer([quote()]), NOON, 200)

    origin = LiveOrigin(date(2025, 7, 18), date(2025, 7, 21), load_calendar(), fetch)
    delivered = list(origin.deliveries([Shfe()]))
    names = ["kx{}.dat", "js{}.dat", "pm{}.dat", "{}dailystock.dat", "Settlement{}.dat", "ContractDailyTradeArgument{}.dat", "ContractBaseInfo{}.dat"]
    friday, monday = [*names, "{}weeklystock.dat"], names
    assert asked == [name.format(f"2025{day}") for day, every in (("0718", friday), ("0721", monday)) for name in every]
    closed = [response.verdict for request, response in delivered if request.day in (date(2025, 7, 19), date(2025, 7, 20))]
    assert [verdict and verdict.outcome for verdict in closed] == [Outcome.NO_SESSION] * 14


def test_a_feed_that_blocks_is_left_alone_for_the_rest_of_the_run() -> None:
    asked: list[str] = []

    def fetch(request: Request) -> Response:
        asked.append(request.name)
        return Response(b'<html><div id="slider"></div></html>', NOON, 200) if request.feed == "pm" else Response(answer([quote()]), NOON, 200)

    delivered = list(LiveOrigin(date(2025, 7, 14), date(2025, 7, 16), load_calendar(), fetch).deliveries([Shfe()]))
    assert [name for name in asked if name.startswith("pm")] == ["pm20250714.dat"]
    assert len([name for name in asked if name.startswith("kx")]) == 3
    held = [response.verdict for request, response in delivered if request.feed == "pm"][1:]
    assert [(verdict.outcome, verdict.reason) for verdict in held if verdict] == [(Outcome.BLOCKED, "held_back")] * 2


def _unanswered(request: Request) -> Response:
    return Response(b"", NOON, error="ConnectError: no route")


def test_a_host_that_gives_no_answer_is_left_alone_for_the_rest_of_the_run() -> None:
    asked: list[str] = []

    def fetch(request: Request) -> Response:
        asked.append(request.name)
        return _unanswered(request)

    delivered = list(LiveOrigin(date(2025, 7, 14), date(2025, 7, 16), load_calendar(), fetch, silent_after=2).deliveries([Shfe()]))
    assert asked == ["kx20250714.dat", "js20250714.dat"]
    held = [response.verdict for _, response in delivered if response.verdict]
    assert len(held) == 3 * 7 - 2
    assert {(verdict.outcome, verdict.reason) for verdict in held} == {(Outcome.HTTP_ERROR, "held_back")}
    assert held[0].message == "not asked for: www.shfe.com.cn gave no answer 2 times in a row (ConnectError: no route); the next run asks again"


def test_one_feed_that_gives_no_answer_costs_that_feed_and_an_answer_between_ends_the_row() -> None:
    asked: list[str] = []

    def fetch(request: Request) -> Response:
        asked.append(request.name)
        is_lost = request.feed == "pm" or request.name in ("js20250714.dat", "js20250716.dat")
        return _unanswered(request) if is_lost else Response(answer([quote()]), NOON, 200)

    list(LiveOrigin(date(2025, 7, 14), date(2025, 7, 17), load_calendar(), fetch, silent_after=2).deliveries([Shfe()]))
    assert [name for name in asked if name.startswith("pm")] == ["pm20250714.dat", "pm20250715.dat"]
    assert len([name for name in asked if name.startswith("js")]) == 4
    assert len([name for name in asked if name.startswith("kx")]) == 4


def test_a_live_run_past_the_calendar_fails_before_it_asks() -> None:
    def fetch(request: Request) -> Response:
        raise AssertionError("asked without knowing whether the day is a session")

    with pytest.raises(CalendarHorizonError):
        list(LiveOrigin(date(2027, 1, 4), date(2027, 1, 4), load_calendar(), fetch).deliveries([Shfe()]))


def test_replaying_the_archive_gives_the_lake_again(home: Home, tmp_path: Path) -> None:
    home.take(KX, spot(SPOT_LINE), delivery("pm20250716.dat", b"cut"), delivery("notes.txt", b"x"))
    home.take(delivery("kx20250716.dat", answer([quote(SETTLEMENTPRICE=3026)]), NOON + timedelta(days=1)))
    home.take(KX)
    other = Home(Settings(home=tmp_path / "other"))
    origin = ReplayOrigin(home.archive)
    assert origin.data_origin is DataOrigin.FILES
    ingest(FEEDS, origin, home.archive, other.lake, "rebuild", record=False)
    assert content(other) == content(home)
    assert len(home.fetch_log()) == 6


def test_replaying_an_archive_that_has_rotted_fails_and_names_the_payload(home: Home) -> None:
    home.take(KX)
    sha = home.fetch_log()[0].payload_sha256
    assert sha is not None
    (home.archive.root / "blobs" / sha[:2] / sha).write_bytes(b"rotten")
    with pytest.raises(ArchiveError, match=sha):
        list(ReplayOrigin(home.archive).deliveries(FEEDS))


def rebuilt(home: Home) -> flow.Report:
    """What `alumina rebuild` does: the lake is gone, the archive is replayed."""
    shutil.rmtree(home.lake.root, ignore_errors=True)
    return ingest(FEEDS, ReplayOrigin(home.archive), home.archive, home.lake, "rebuild", record=False)


def test_a_payload_refused_by_a_parser_is_read_once_the_parser_is_mended(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a column nobody foresaw")

    later = (KX[0], Response(answer([quote(SETTLEMENTPRICE=3026)]), NOON + timedelta(days=2)))
    with monkeypatch.context() as patch:
        patch.setattr(Shfe, "parse", broken)
        home.take(KX)
        home.take((KX[0], Response(KX[1].body, NOON + timedelta(days=1))))
        assert rebuilt(home).count(Outcome.FORMAT_CHANGED) == 1
        assert len(home.fetch_log()) == 2, "what stays refused is not told again"
    home.take(later)
    report = rebuilt(home)
    assert [receipt.attempted_at for receipt in report.fetch_log] == [NOON, later[1].fetched_at], "in the order they first came"
    held = content(home)
    assert [(row["delivery_month_code"], row["fetched_at"]) for row in home.rows(QUOTES).sort("fetched_at", "delivery_month_code").to_dicts()] == [
        ("2509", NOON),
        ("2510", NOON),
        ("2509", later[1].fetched_at),
    ]
    known = home.fetch_log()
    assert [(receipt.run_id, receipt.outcome, receipt.attempted_at) for receipt in known[3:]] == [("rebuild", Outcome.OK, NOON)]
    rebuilt(home)
    assert (content(home), home.fetch_log()) == (held, known), "a second time gives the same"
    report = home.take((KX[0], Response(KX[1].body, NOON + timedelta(days=3))), (KX[0], Response(later[1].body, NOON + timedelta(days=4))))
    assert not report.payloads, "the next run knows it"
    assert content(home) == held


def test_a_mended_payload_known_under_another_name_has_the_time_of_its_first_coming(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Spot, "parse", lambda *_: 1 / 0)
        home.take(spot(SPOT_LINE))
    request, response = spot(SPOT_LINE, name="smm_spot_price_20250716_r1.csv")
    home.take((request, Response(response.body, NOON + timedelta(days=1))))
    rebuilt(home)
    held = content(home)
    assert home.rows(SPOT)["fetched_at"].to_list() == [NOON]
    rebuilt(home)
    assert content(home) == held


def test_bytes_that_first_came_under_a_wrong_name_are_replayed_under_the_right_one(home: Home) -> None:
    home.take(delivery("kx20250717.dat", KX[1].body), KX)
    held = content(home)
    rebuilt(home)
    assert content(home) == held
    assert home.rows(QUOTES).height == 2


def test_what_was_no_payload_is_not_made_one_by_a_replay(home: Home) -> None:
    """A page under status 404, bytes of which a part did not arrive, a challenge: no parser decided that."""
    request, response = KX
    home.take(
        (request, Response(response.body, NOON, 404)),
        (request, Response(response.body + b" ", NOON, 200, {"content-length": "1000000"})),
        (request, Response(response.body + b"  ", NOON, 403)),
    )
    assert [outcome for _, outcome, _ in outcomes(home)] == [Outcome.NOT_PUBLISHED, Outcome.NOT_DATA, Outcome.BLOCKED]
    report = rebuilt(home)
    assert (report.attempts, report.count(Outcome.NOT_PUBLISHED)) == (1, 1)
    assert home.rows(QUOTES).is_empty()


def test_rows_that_break_a_rule_repeat_their_cells_up_to_a_limit_and_their_reason_always(home: Home) -> None:
    """A row is told once for each rule it breaks: a spreadsheet of 25 kB with long cells took 22 seconds and 0.8 GB."""
    rows = [quote(HIGHESTPRICE=1, LOWESTPRICE=5_000, PRODUCTNAME="x" * 900) | {"说明": "y" * 900} for _ in range(20)]
    body = answer([row | {"DELIVERYMONTH": f"{2501 + number % 12}", "OPENPRICE": 3010 + number} for number, row in enumerate(rows)])
    limits = Limits(SHIPPED_ONLY.limits.file.model_copy(update={"text": SHIPPED_ONLY.limits.text.model_copy(update={"refused_characters": 5_000})}))
    report = home.take(delivery("kx20250716.dat", body), limits=limits)
    told = home.rows("ingest__quarantine")
    assert told.height == sum(report.quarantined.values()) > 20
    assert all(told["reason"].to_list())
    assert 0 < sum("stand here already" in row for row in told["row_json"]) < told.height
    assert sum(map(len, told["row_json"])) < 5_000 + 3_000 + 100 * told.height
