"""Days and months of a source: a range is taken in by one run, again changes nothing, and what came late is found."""

import hashlib
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from queue import Queue
from typing import Any

import dagster as dg
import pytest

from ingest.archive import Archive, Attempt
from ingest.catalog.calendar import CalendarHorizonError, load_calendar
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin, Outcome, Request, Response
from ingest.sources import SOURCES
from orchestration.assets.arrivals import arrivals_asset, arrivals_key
from orchestration.assets.intake import lake_asset
from orchestration.assets.partitions import DAY_SOURCES, MONTH_SOURCES, day_arrivals, days_of, lacking, month_arrivals
from orchestration.instance.event_log import BatchedSqliteEventLogStorage
from orchestration.resources import Home, Intake

BY_NAME = {source.name: source for source in SOURCES}
CALENDAR = load_calendar()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def _materialize(asset: dg.AssetsDefinition, settings: Settings, instance: dg.DagsterInstance, first: str = "", last: str = "", **intake: Any) -> Any:
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last} if first else {}
    resources = {"home": Home(path=str(settings.root)), "intake": Intake(**intake)}
    return dg.materialize([asset], instance=instance, resources=resources, tags=tags, raise_on_error=False)


def _content(settings: Settings) -> str:
    files = sorted(path for folder in (settings.lake, settings.archive / "blobs") for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()


def test_sources_have_the_calendar_they_publish_by() -> None:
    assert {source.name for source in DAY_SOURCES} == {"shfe", "gfex", "czce", "fx"}
    assert {source.name for source in MONTH_SOURCES} == {"customs"}


def test_a_range_of_days_is_one_run_closed_days_are_not_asked_and_again_changes_nothing(settings: Settings, instance: dg.DagsterInstance) -> None:
    asset, key = arrivals_asset(BY_NAME["shfe"]), arrivals_key("shfe")
    done = _materialize(asset, settings, instance, "2025-07-17", "2025-07-21")
    assert done.success
    assert instance.get_materialized_partitions(key) == {f"2025-07-{day}" for day in (17, 18, 19, 20, 21)}
    assert instance.get_runs_count() == 1
    days = {receipt.request_key for receipt in Archive(settings.archive).fetch_log()}
    assert days == {"20250717", "20250718", "20250721"}
    before = _content(settings)
    for first, last in (("2025-07-17", "2025-07-21"), ("2025-07-18", "2025-07-18")):
        assert _materialize(asset, settings, instance, first, last).success
    assert _content(settings) == before
    assert {receipt.outcome for receipt in Archive(settings.archive).fetch_log()} == {Outcome.OK, Outcome.UNCHANGED}


def test_a_day_that_did_not_come_stays_open_and_is_named(settings: Settings, instance: dg.DagsterInstance) -> None:
    asset, key = arrivals_asset(BY_NAME["shfe"]), arrivals_key("shfe")
    done = _materialize(asset, settings, instance, "2025-07-22", "2025-07-25")  # the sample ends on the 23rd
    assert not done.success
    assert "2 of 4 partitions of shfe did not arrive: 2025-07-24" in done.failure_data_for_node("arrivals__shfe").error.message
    assert instance.get_materialized_partitions(key) == {"2025-07-22", "2025-07-23"}


def test_a_day_past_the_calendar_is_refused_with_what_to_do(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.catalog_overlay.mkdir(parents=True)
    monkeypatch.setattr("orchestration.assets.arrivals.load_calendar", lambda overlay: type(CALENDAR)(CALENDAR.first_day, date(2025, 7, 1), ()))
    done = _materialize(arrivals_asset(BY_NAME["fx"]), settings, instance, "2025-07-22", "2025-07-22")
    assert "add the exchange's closures for that year to catalog/calendar.toml" in str(done.failure_data_for_node("arrivals__fx").error)
    assert not settings.archive.exists()


def test_months_of_customs(settings: Settings, instance: dg.DagsterInstance) -> None:
    asset = arrivals_asset(BY_NAME["customs"])
    assert _materialize(asset, settings, instance, "2025-03", "2025-05").success
    assert instance.get_materialized_partitions(arrivals_key("customs")) == {"2025-03", "2025-04", "2025-05"}


def test_a_feed_that_challenges_is_asked_once_for_a_range_of_months(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Request] = []

    class Challenging:
        def __init__(self, agent: str, turns: object) -> None:
            pass

        def fetch(self, request: Request) -> Response:
            asked.append(request)
            return Response(b"", datetime.now(UTC), 403)

    monkeypatch.setattr("orchestration.resources.HttpClient", Challenging)
    assert not _materialize(arrivals_asset(BY_NAME["customs"]), settings, instance, "2024-10", "2024-12", source="live").success
    receipts = list(Archive(settings.archive).fetch_log())
    assert [receipt.request_name for receipt in receipts if receipt.reason == "challenge"] == [request.name for request in asked]
    assert len(asked) == len({request.feed for request in asked})
    months = {span[0] for receipt in receipts if (span := days_of(receipt.request_key))}
    assert months == {date(2024, month, 1) for month in (10, 11, 12)}


def test_a_run_of_the_lake_marks_what_it_covered(settings: Settings, instance: dg.DagsterInstance) -> None:
    for name in ("fx", "customs"):
        assert _materialize(lake_asset(BY_NAME[name]), settings, instance).success
    assert dg.materialize(
        [lake_asset(BY_NAME["shfe"])],
        instance=instance,
        resources={"home": Home(path=str(settings.root)), "intake": Intake(first="2025-07-10", last="2025-07-14")},
    ).success
    assert instance.get_materialized_partitions(arrivals_key("shfe")) == {f"2025-07-{day}" for day in (10, 11, 12, 13, 14)}
    assert len(instance.get_materialized_partitions(arrivals_key("fx"))) > 700
    assert instance.get_materialized_partitions(arrivals_key("customs")) >= {"2025-04", "2025-05", "2025-06"}


def test_a_batch_of_events_leaves_what_single_events_leave(settings: Settings, instance: dg.DagsterInstance) -> None:
    assert type(instance.event_log_storage) is BatchedSqliteEventLogStorage
    one, many = dg.AssetKey("one"), arrivals_key("fx")
    instance.report_runless_asset_event(dg.AssetMaterialization(one, partition="2025-07-21", metadata={"outcome": "ok"}))
    assert _materialize(arrivals_asset(BY_NAME["fx"]), settings, instance, "2025-07-21", "2025-07-22").success
    assert instance.get_materialized_partitions(many) == {"2025-07-21", "2025-07-22"}
    latest = instance.get_latest_materialization_event(many)
    assert latest is not None
    assert latest.asset_materialization.partition == "2025-07-22"
    run = instance.get_runs()[0].run_id
    partitions = [e.dagster_event.partition for e in instance.all_logs(run) if e.dagster_event and e.dagster_event.is_step_materialization]
    assert partitions == ["2025-07-21", "2025-07-22"]
    assert set(instance.all_asset_keys()) >= {one, many}


def test_every_asset_a_run_set_out_to_make_is_in_the_index_also_when_none_was_made(instance: dg.DagsterInstance) -> None:
    def failing(name: str) -> dg.AssetsDefinition:
        @dg.asset(name=name)
        def made() -> None:
            raise ValueError(name)

        return made

    keys = [dg.AssetKey(name) for name in ("a", "b", "c")]
    assert not dg.materialize([failing(key.path[0]) for key in keys], instance=instance, raise_on_error=False).success
    assert {record.asset_entry.asset_key for record in instance.get_asset_records(keys)} == set(keys)


@pytest.mark.parametrize("broken", ["", "b"])
def test_a_check_that_a_failed_run_did_not_reach_stays_as_it_was(instance: dg.DagsterInstance, broken: str) -> None:
    def asset(name: str, deps: list[str], fails: bool) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=deps, check_specs=[dg.AssetCheckSpec("kept", asset=name)])
        def made() -> dg.MaterializeResult:
            if fails:
                raise ValueError("broken")
            return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="kept", passed=name != broken)])

        return made

    keys = [dg.AssetCheckKey(dg.AssetKey(name), "kept") for name in ("a", "b")]
    assert dg.materialize([asset("a", [], fails=False), asset("b", ["a"], fails=False)], instance=instance).success
    before = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert not dg.materialize([asset("a", [], fails=False), asset("b", ["a"], fails=True)], instance=instance, raise_on_error=False).success
    after = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert after[keys[0]].run_id != before[keys[0]].run_id
    assert after[keys[1]] == before[keys[1]]


def test_an_asset_that_a_failed_run_did_not_reach_is_not_shown_as_failed(instance: dg.DagsterInstance) -> None:
    def asset(name: str, deps: list[str], fails: bool) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=deps)
        def made() -> None:
            if fails:
                raise ValueError("broken")

        return made

    def last_run() -> dict[str, str | None]:
        return {record.asset_entry.asset_key.path[0]: record.asset_entry.last_run_id for record in instance.get_asset_records()}

    def run(fails: bool) -> str:
        assets = [asset("a", [], fails=False), asset("b", ["a"], fails=fails), asset("c", ["b"], fails=False)]
        return dg.materialize(assets, instance=instance, raise_on_error=False).run_id

    whole = run(fails=False)
    assert last_run() == dict.fromkeys("abc", whole)
    broken = run(fails=True)
    # What failed is the run's; what it never came to belongs to the run that made it.
    assert last_run() == {"a": broken, "b": broken, "c": whole}


TELL = """
import sys
import dagster as dg
with dg.DagsterInstance.get() as instance:
    instance.report_engine_event(sys.argv[2], instance.get_run_by_id(sys.argv[1]))
"""


def test_who_watches_a_run_hears_what_another_process_writes_while_its_log_is_open(instance: dg.DagsterInstance) -> None:
    """The page of a run in the UI follows it this way."""
    run = instance.create_run_for_job(dg.GraphDefinition(name="daily", node_defs=[]).to_job())
    heard: Queue[str] = Queue()
    instance.report_engine_event("before", run)
    instance.event_log_storage.watch(run.run_id, None, lambda entry, _: heard.put(entry.user_message or entry.message))
    for told in ("first", "second"):
        subprocess.run([sys.executable, "-c", TELL, run.run_id, told], check=True, timeout=120)
    assert [heard.get(timeout=60) for _ in range(3)] == ["before", "first", "second"]


def test_a_log_that_was_wiped_starts_anew(instance: dg.DagsterInstance) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("one"))
    instance.event_log_storage.wipe()
    assert list(instance.all_asset_keys()) == []
    instance.report_runless_asset_event(dg.AssetMaterialization("two"))
    assert list(instance.all_asset_keys()) == [dg.AssetKey("two")]


def _receipt(day: str, outcome: Outcome, feed: str = "history", source: str = "fx", message: str = "") -> Attempt:
    at = datetime(2025, 7, 22, 9, tzinfo=UTC)
    sha = "0" * 64 if outcome in (Outcome.OK, Outcome.UNCHANGED) else None
    return Attempt(at, "run", source, feed, day, f"{feed}{day}", outcome, "", message, 200, 10, sha, DataOrigin.LIVE)


def test_a_day_is_complete_when_the_newest_answer_to_each_request_is() -> None:
    feeds = [_receipt("20250721", Outcome.OK, "kx", "shfe"), _receipt("20250721", Outcome.HTTP_ERROR, "pm", "shfe", "timeout")]
    found = day_arrivals(feeds, CALENDAR, date(2025, 7, 19), date(2025, 7, 21))
    assert found["2025-07-19"].outcome is Outcome.NO_SESSION
    assert not found["2025-07-21"].is_complete
    assert found["2025-07-21"].reason == "pm20250721: timeout"
    assert day_arrivals([*feeds, _receipt("20250721", Outcome.OK, "pm", "shfe")], CALENDAR, date(2025, 7, 21), date(2025, 7, 21))[
        "2025-07-21"
    ].is_complete


def test_a_month_arrives_with_one_usable_file() -> None:
    found = month_arrivals([_receipt("gacc_import_202504-202505.csv", Outcome.OK), _receipt("156_0_2818_M_202505", Outcome.HTTP_ERROR)])
    assert {month for month, arrival in found.items() if arrival.is_complete} == {"2025-04", "2025-05"}


@pytest.mark.parametrize(
    ("key", "span"),
    [
        ("20250716", (date(2025, 7, 16), date(2025, 7, 16))),
        ("202502", (date(2025, 2, 1), date(2025, 2, 28))),
        ("gacc_export_202411-202501.csv", (date(2024, 11, 1), date(2025, 1, 31))),
        ("policy_events.csv", None),
        ("20251345", None),
        ("209913", None),
    ],
)
def test_a_key_speaks_of_days_or_of_none(key: str, span: tuple[date, date] | None) -> None:
    assert days_of(key) == span


def test_late_data_reopens_the_right_days() -> None:
    fx = [BY_NAME["fx"]]
    known = [_receipt(day, Outcome.OK) for day in ("20250715", "20250716", "20250717", "20250721")] + [_receipt("20250718", Outcome.NOT_PUBLISHED)]
    noon = datetime(2025, 7, 22, 12, tzinfo=SHANGHAI)
    assert lacking(known, CALENDAR, noon, 7, fx) == {"fx": [date(2025, 7, 18), date(2025, 7, 22)]}
    assert lacking(known, CALENDAR, datetime(2025, 7, 22, 9, tzinfo=SHANGHAI), 7, fx) == {"fx": [date(2025, 7, 18)]}
    assert lacking([*known, _receipt("20250718", Outcome.OK), _receipt("20250722", Outcome.OK)], CALENDAR, noon, 7, fx) == {}


def test_nothing_is_late_over_a_holiday_and_nothing_is_guessed_past_the_calendar() -> None:
    fx = [BY_NAME["fx"]]
    known = [_receipt(day, Outcome.OK) for day in ("20250924", "20250925", "20250926", "20250929", "20250930")]
    for day in range(1, 9):
        assert lacking(known, CALENDAR, datetime(2025, 10, day, 22, tzinfo=SHANGHAI), 7, fx) == {}
    assert lacking(known, CALENDAR, datetime(2025, 10, 9, 22, tzinfo=SHANGHAI), 7, fx) == {"fx": [date(2025, 10, 9)]}
    with pytest.raises(CalendarHorizonError):
        lacking(known, CALENDAR, datetime(2027, 1, 5, 22, tzinfo=SHANGHAI), 7, fx)
