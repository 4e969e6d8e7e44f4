"""Policy events and news of July 2025 as they stood at each decision, from payload to mart."""

from datetime import date

import pytest

AO_ON_22_JULY = "commodity_code = 'AO' and as_of_date = date '2025-07-22'"


def known(sample, day: date, code: str = "AO") -> dict[str, object]:
    columns = ("policy_intensity", "policy_event_count", "commodity_document_count", "newest_event_id", "implemented_ratio", "policy_null_reason")
    (row,) = sample.working(f"select {', '.join(columns)} from intermediate.int_policy__known where commodity_code = ? and as_of_date = ?", code, day)
    return dict(zip(columns, row, strict=True))


def test_the_ministrys_plan_for_ten_industries_weighs_1_40(sample) -> None:
    rows = sample.published(
        "select authority_weight, specificity_ratio, phase_ratio, intensity, half_life_sessions, followup_state "
        "from marts.fct_policy_events where commodity_code = 'AO' and event_id = 'POL-20250718'"
    )
    assert rows == [(4, 0.5, 0.7, 1.4, 10, "pending")]


def test_a_plan_for_aluminium_is_of_the_sector_for_alumina_of_the_commodity_for_aluminium_and_nothing_to_lithium(sample) -> None:
    rows = sample.published(
        "select commodity_code, relation, intensity, is_commodity_document from marts.fct_policy_events where event_id = 'POL-202503-AL' order by 1"
    )
    assert rows == [("AL", "commodity", 2.8, True), ("AO", "sector", 2.24, False)]


def test_there_was_no_document_of_alumina_on_22_july(sample) -> None:
    assert known(sample, date(2025, 7, 22))["commodity_document_count"] == 0
    assert known(sample, date(2025, 7, 22), "AL")["commodity_document_count"] == 1


def test_intensity_on_22_july_is_the_sum_of_what_was_known_halved_every_ten_sessions(sample) -> None:
    """The plan two sessions ago, the chain of 2024-07-30 refreshed 15 sessions ago, the draft law of 20, the aluminium plan of 77 (from 03-31)."""
    sessions = sample.published(
        "select count(*) from marts.dim_trading_day where trade_date > date '2025-03-31' and trade_date <= date '2025-07-22'"
    )[0][0]
    expected = sum(first * 0.5 ** (age / 10) for first, age in ((1.4, 2), (0.8, 15), (0.8, 20), (2.24, sessions)))
    found = known(sample, date(2025, 7, 22))
    assert found["policy_intensity"] == pytest.approx(expected, abs=1e-6)
    assert (found["policy_event_count"], found["newest_event_id"], found["implemented_ratio"]) == (5, "POL-20250718", 0)


def test_the_commission_of_1_july_refreshes_the_politburo_of_2024(sample) -> None:
    rows = sample.published(
        "select event_id, cluster_id, followup_state, last_followup_id from marts.fct_policy_events "
        "where commodity_code = 'AO' and cluster_id = 'POL-20240730' order by 1"
    )
    assert rows == [("POL-20240730", "POL-20240730", "followed_up", "POL-20250701"), ("POL-20250701", "POL-20240730", "pending", None)]


@pytest.mark.parametrize(("day", "newest"), [(date(2025, 7, 18), "POL-20250701"), (date(2025, 7, 21), "POL-20250718")])
def test_an_event_without_a_stated_time_is_known_from_the_end_of_its_day(sample, day: date, newest: str) -> None:
    assert known(sample, day)["newest_event_id"] == newest


@pytest.mark.parametrize(
    ("event", "known_from"), [("POL-202503-AL", "2025-04-01 00:00"), ("SUP-202506-SWAP", "2025-07-01 00:00"), ("POL-20250718", "2025-07-19 00:00")]
)
def test_an_event_known_to_the_month_is_not_known_before_the_months_end(sample, event: str, known_from: str) -> None:
    rows = sample.published(
        "select strftime(available_at, '%Y-%m-%d %H:%M') from marts.fct_policy_events where commodity_code = 'AO' and event_id = ?", event
    )
    assert rows == [(known_from,)]


def test_the_plan_of_march_2025_is_first_seen_in_april(sample) -> None:
    assert known(sample, date(2025, 3, 31))["newest_event_id"] == "POL-20240730"
    assert known(sample, date(2025, 4, 1))["newest_event_id"] == "POL-202503-AL"


def test_before_the_first_event_there_is_no_intensity_and_a_reason(sample) -> None:
    assert known(sample, date(2024, 7, 30)) == dict.fromkeys(known(sample, date(2024, 7, 30)), None) | {"policy_null_reason": "no_policy_known"}
    assert known(sample, date(2024, 7, 31))["policy_intensity"] == pytest.approx(0.8 * 0.5 ** (1 / 10), abs=1e-6)


def test_price_reports_of_media_are_listed_and_weigh_nothing(sample) -> None:
    rows = sample.published(
        "select distinct intensity, phase, null_reason, is_commodity_document from marts.fct_policy_events where event_type in ('other', 'supply')"
    )
    assert rows == [(None, None, "no_policy", False)]


def test_tone_is_the_mean_of_the_flashes_of_five_sessions_by_the_time_they_were_pushed(sample) -> None:
    """Flashes are fetched at the end of the month: were that their time, the window of 22 July would hold none."""
    tones = sample.working(
        "select tone from raw.policy__tone where perspective = 'alumina' "
        "and published_at > timestamptz '2025-07-15 17:30:00+08' and published_at <= timestamptz '2025-07-22 17:30:00+08'"
    )
    assert len(tones) > 2
    ((tone, count, reason),) = sample.working(
        f"select news_tone, news_count, news_null_reason from intermediate.int_policy__known where {AO_ON_22_JULY}"
    )
    assert (tone, count, reason) == (pytest.approx(sum(value for (value,) in tones) / len(tones)), len(tones), None)
    fetched = sample.working(
        "select min(fetched_at) > timestamptz '2025-07-22 17:30:00+08' from raw.policy__tone "
        "where published_at > timestamptz '2025-07-15 17:30:00+08' and published_at <= timestamptz '2025-07-22 17:30:00+08'"
    )
    assert fetched == [(True,)]


def test_a_window_without_a_flash_has_no_tone_and_a_reason(sample) -> None:
    rows = sample.working("select distinct news_tone, news_count, news_null_reason from intermediate.int_policy__known where commodity_code = 'LC'")
    assert rows == [(None, 0, "no_news_in_window")]
    assert sample.working("select count(*) from intermediate.int_policy__known where (news_tone is null) <> (news_null_reason is not null)") == [(0,)]
