"""Score, outlook, alerts and what-if on the sample: the golden case comes out of rules and data, no branch knows its day."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingest.settings import Settings
from orchestration.warehouse.dbt import remember_compiled
from serving.research.backtest import _FORECASTS
from serving.research.whatif import WhatIfError, parse, shocks, whatif
from tests.pipeline.conftest import RECORD, alumina

GOLDEN = date(2025, 7, 22)


@pytest.fixture(scope="session")
def golden(sample: Any) -> dict[str, dict[str, Any]]:
    names = [name for (name,) in sample.published("select column_name from (describe serving.outlook)")]
    rows = sample.published("select * from serving.outlook where commodity_code = 'AO' and as_of_date = ?", GOLDEN)
    return {row["horizon"]: row for row in (dict(zip(names, values, strict=True)) for values in rows)}


def test_the_flags_follow_from_printed_facts(golden: Any) -> None:
    """Stance and score of the day are reported as they come out; what receipts, margins, premium and policy say of it is a matter of fact."""
    for row in golden.values():
        assert set(row["risk_flags"].split(";")) >= {"OVERSUPPLY", "POLICY_GAP", "SQUEEZE", "OVEREXTENDED", "ARB_OPEN"}
        assert row["weakened_flags"] == "SQUEEZE"
    assert golden["short"]["tail"] == "up"


def test_each_kind_of_statement_stands_by_itself(golden: Any) -> None:
    for horizon, row in golden.items():
        assert (row["profile"], row["status"], row["status_reason"]) == ("full", "validated", None)
        # The sample is too short for a probability, and no horizon of half a year has one.
        assert (row["probability_up"], row["call"], row["confidence"], row["forecast_score"]) == (None, None, None, None)
        assert row["call_reason"].partition(":")[0] == ("no_forecast_at_this_horizon" if horizon == "long" else "panel_too_short")
        assert row["interval80_low_cny_t"] < row["close_cny_t"] < row["interval80_high_cny_t"]
        assert row["score"] == row["sentiment_score"]
        assert {"up": 1, "down": -1, "sideways": 0}[row["direction"]] == (row["stance"] > 0) - (row["stance"] < 0)
    widths = [golden[name]["interval80_high_cny_t"] - golden[name]["interval80_low_cny_t"] for name in ("short", "medium", "long")]
    assert widths == sorted(widths)
    assert abs(golden["short"]["stance"]) <= 1  # capped by OVEREXTENDED and POLICY_GAP


def test_of_all_three_commodities_the_newest_outlook_is_valid(sample: Any) -> None:
    rows = sample.published("select commodity_code, profile, status, count(*) from serving.outlook_latest group by all order by all")
    assert rows == [("AL", "exchange", "validated", 3), ("AO", "full", "validated", 3), ("LC", "exchange", "validated", 3)]
    assert sample.published(
        "select distinct stance_reason from serving.outlook where horizon = 'long' and profile = 'exchange' and status <> 'rejected'"
    ) == [("needs_fundamentals",)]


def test_a_row_is_rejected_for_its_quotes_or_its_chain_alone(sample: Any) -> None:
    rows = sample.published(
        "select status_reason, count(*), max(stance), max(interval80_low_cny_t) from serving.outlook where status = 'rejected' group by 1"
    )
    assert {part for reason, *_ in rows for part in reason.split(";")} <= {"chain_too_short", "no_quotes", "stale_quotes"}
    assert {row[2:] for row in rows} == {(None, None)}
    late = sample.published("select distinct status_reason from serving.outlook where status = 'fallback'")
    assert late and all(reason.startswith("vendor_inputs_late;") for (reason,) in late)


def test_the_first_outlook_is_a_view_with_its_own_names(sample: Any) -> None:
    """What reads `outlook_v1` goes on reading: the stance is where the evidence leans, a fallback is a valid row."""
    ((rows, same, validated, fallen),) = sample.published(
        """
        select count(*), count(*) filter (v1.score is not distinct from case when v2.status <> 'rejected' then v2.sentiment_score end and v1.stance is not distinct from v2.stance and v1.confidence is null),
            count(*) filter (v1.status = 'validated'), count(*) filter (v2.status in ('validated', 'fallback'))
        from serving.outlook_v1 as v1 inner join serving.outlook_v2 as v2 using (commodity_code, as_of_date, horizon)
        """
    )
    assert rows == same > 3000
    assert validated == fallen > 2000


def test_a_record_grows_with_what_is_known_and_is_none_before(sample: Any) -> None:
    rows = sample.published(
        "select as_of_date, stance_track_n, stance_track_hit_ratio, stance_track_low, stance_track_high from serving.outlook "
        "where commodity_code = 'AO' and horizon = 'short' order by 1"
    )
    counts = [n for _, n, *_ in rows]
    assert counts == sorted(counts)
    assert counts[0] == 0 and counts[-1] > 100
    assert all(low <= hit <= high for _, n, hit, low, high in rows if n)


def test_a_scenario_says_if_then_and_what_ends_it_in_both_languages(sample: Any) -> None:
    rows = sample.published(
        "select scenario, if_text_en, if_text_zh, then_text_en, then_text_zh, invalidated_by_en, invalidated_by_zh, evidence_en, is_weakened, event_reason "
        "from serving.outlook_scenarios where commodity_code = 'AO' and as_of_date = ?",
        GOLDEN,
    )
    told = {row[0]: row for row in rows}
    assert told.keys() >= {"OVERSUPPLY", "POLICY_GAP", "SQUEEZE", "OVEREXTENDED", "ARB_OPEN"}
    assert all(text for row in rows for text in row[1:7])
    assert "97.6" in told["ARB_OPEN"][7] or "premium at which cash and carry breaks even" in told["ARB_OPEN"][7]
    assert {name for name, row in told.items() if row[8]} == {"SQUEEZE"}
    assert told["ARB_OPEN"][9] == "no_study:needs_spot" and told["POLICY_GAP"][9] == "no_study:needs_policy"
    assert {told[name][9] for name in ("OVEREXTENDED", "SQUEEZE")} <= {None, "too_few_dates"}
    assert not any(word in f" {text} " for row in rows for text in row[1:7] for word in (" will ", "将"))


def test_the_major_level_is_the_trigger_and_the_high_resists(golden: Any) -> None:
    assert golden["short"]["trigger_level_cny_t"] == 3500
    assert "3577" in golden["short"]["resistance_levels"].split(";")


def test_the_levels_of_the_worked_example_are_there_by_kind(sample: Any, golden: Any) -> None:
    found = set(sample.published("select level_kind, level_cny_t from marts.fct_price_levels where commodity_code = 'AO' and trade_date = ?", GOLDEN))
    assert found >= {
        ("cost_daily", 2841.0),
        ("cost_monthly", 2971.0),
        ("major", 3500.0),
        ("stage_high_20", 3577.0),
        ("round", 3300.0),
        ("round", 3400.0),
    }
    assert {"2841", "2971", "3500"} <= set(golden["short"]["support_levels"].split(";"))


def test_a_rule_reads_the_best_carry_of_the_dominant_contract_that_can_be_delivered(sample: Any) -> None:
    excess = dict(
        sample.working(
            "select data_date, signal_value from intermediate.int_outlook__facts where commodity_code = 'AO' and signal = 'carry_excess_cny_t'"
        )
    )
    net = dict(
        sample.published(
            "select trade_date, max(net_cny_t) from marts.fct_carry_daily "
            "where commodity_code = 'AO' and contract_role = 'dominant' and is_best_pair and origin_region <> 'national' group by trade_date"
        )
    )
    (hurdle,) = {round(net[day] - excess[day], 6) for day in net}
    assert excess.keys() == net.keys()
    ((stated,),) = sample.working(
        "select term_value from intermediate.int_commodities__terms where commodity_code = 'AO' and term = 'carry_hurdle_cny_t' and scope = ''"
    )
    assert hurdle == stated
    raised = [day for (day,) in sample.published("select raised_date from serving.alerts where commodity_code = 'AO' and alert = 'ARBITRAGE_WINDOW'")]
    assert raised and date(2025, 5, 22) not in raised
    assert all(excess[day] > 0 for day in raised)


def test_where_the_best_carry_leaves_nothing_is_a_level(sample: Any) -> None:
    """At the level the best pair's net is zero: the close less the net, grossed up for the VAT and fees that grow with the price."""
    level, close, net = sample.published(
        "select l.level_cny_t, c.futures_cny_t, c.net_cny_t from marts.fct_price_levels as l "
        "inner join marts.fct_carry_daily as c using (commodity_code, trade_date) "
        "where l.commodity_code = 'AO' and l.trade_date = ? and l.level_kind = 'carry_break_even' and c.is_best_pair and c.contract_role = 'dominant'",
        GOLDEN,
    )[0]
    assert net > 0
    assert close - level == pytest.approx(net * 1.13, rel=0.03)


def test_the_score_lies_inside_its_band_and_is_the_sum_of_its_blocks(golden: Any) -> None:
    row = golden["short"]
    assert row["score_band_low"] < row["sentiment_score"] < row["score_band_high"]
    parts = [row[f"contribution_{block}"] for block in ("policy", "receipts", "money", "fundamentals")]
    assert sum(parts) == pytest.approx(row["sentiment_score"], abs=1e-9)


@pytest.mark.parametrize("language", ["headline_en", "headline_zh"])
def test_each_number_of_a_headline_is_a_number_of_its_row(golden: Any, language: str) -> None:
    row = golden["short"]
    for text in (f"{row['close_cny_t']:,.0f}", f"{row['ret_cc_2d_pct']:+.2f}", f"{row['receipts_t']:,.0f}", f"{abs(row['premium_rate_pct']):.2f}"):
        assert text in row[language], text
    assert row["dominant_contract"] in row[language]


def test_a_headline_is_refused_where_the_row_is_rejected(sample: Any) -> None:
    rows = sample.published("select headline_en, headline_zh, stance from serving.outlook where status = 'rejected'")
    assert rows
    assert {(en.startswith("No statement"), zh.startswith("不作判断"), stance) for en, zh, stance in rows} == {(True, True, None)}
    told = sample.published("select headline_en, headline_zh from serving.outlook where status <> 'rejected'")
    assert all("evidence leans" in en or "no stance" in en for en, _ in told)
    assert not any(" will " in en or "将" in zh for en, zh in told)


def test_every_driver_has_a_unit_and_every_payload_a_source(sample: Any) -> None:
    assert sample.published("select distinct driver from serving.outlook_drivers where unit is null") == []
    assert sample.published("select count(*) from serving.outlook_drivers where (payload_sha256 is null) <> (source is null)") == [(0,)]


@pytest.mark.parametrize(
    ("column", "kind"), [("risk_flags", "flag"), ("conflicts", "conflict"), ("watchlist", "watch"), ("weakened_flags", "weaken")]
)
def test_what_the_outlook_lists_as_text_stands_as_rows(sample: Any, column: str, kind: str) -> None:
    texts = sample.published(f"select commodity_code, as_of_date, {column} from serving.outlook_v2 where horizon = 'medium' and status = 'validated'")
    rows = sample.published("select commodity_code, as_of_date, signal from serving.outlook_drivers where driver_kind = ?", kind)
    listed = {(code, day, one) for code, day, text in texts for one in (text or "").split(";") if one}
    held = {row for row in rows if (row[0], row[1]) in {(code, day) for code, day, _ in texts}}
    assert listed
    assert listed <= held


def test_levels_stand_as_rows_with_their_kind(sample: Any) -> None:
    rows = sample.published(
        "select driver_name, signal, signal_value, unit, data_date from serving.outlook_drivers where commodity_code = 'AO' and as_of_date = ? and driver_kind = 'level'",
        GOLDEN,
    )
    assert {row[:3] for row in rows} >= {
        ("support", "cost_daily", 2841.0),
        ("support", "major", 3500.0),
        ("resistance", "stage_high_20;stage_high_60", 3577.0),
    }
    assert {row[3:] for row in rows} == {("CNY/t", GOLDEN)}


def test_drivers_name_rule_value_and_payload(sample: Any) -> None:
    fired = sample.published(
        "select distinct rule_id from serving.outlook_drivers where commodity_code = 'AO' and as_of_date = ? and driver_kind = 'rule'", GOLDEN
    )
    assert {rule for (rule,) in fired} >= {"O3", "O4", "O6", "O7", "O8", "O9"}
    (row,) = sample.published(
        "select signal_value, data_date, payload_sha256 from serving.outlook_drivers "
        "where commodity_code = 'AO' and as_of_date = ? and driver_kind = 'component' and driver = 'R1'",
        GOLDEN,
    )
    assert row[:2] == (6922, GOLDEN)
    assert sample.working('select count(*) from raw."shfe__warehouse_receipts" where payload_sha256 = ?', row[2])[0][0] > 0


def test_changes_tell_the_whole_difference_of_the_score(sample: Any) -> None:
    (row,) = sample.published(
        """
        with told as (
            select commodity_code, as_of_date, max(previous_as_of_date) as before_date,
                sum(change_new_data + change_revision + change_calendar + change_configuration) as told
            from serving.outlook_changes group by all
        )
        select count(*), max(abs(told.told - (coalesce(a.score, 0) - coalesce(b.score, 0))))
        from told
        inner join marts.fct_sentiment_daily as a using (commodity_code, as_of_date)
        inner join marts.fct_sentiment_daily as b on told.commodity_code = b.commodity_code and told.before_date = b.as_of_date
        """
    )
    assert row[0] > 900
    assert row[1] < 1e-9


def test_nothing_of_the_sample_is_restated_so_no_change_is_a_revision(sample: Any) -> None:
    assert sample.working("select max(vintage) from intermediate.int_series__values") == [(1,)]
    assert sample.published("select count(*) from serving.outlook_changes where change_revision <> 0") == [(0,)]


def test_alerts_are_raised_and_cleared_with_times(sample: Any) -> None:
    rows = sample.published(
        "select alert, raised_at, cleared_at, is_active from serving.alerts where commodity_code = 'AO' and raised_date >= date '2025-06-01'"
    )
    assert {"SQUEEZE", "ARBITRAGE_WINDOW", "IMPORT_WINDOW"} <= {alert for alert, *_ in rows}
    # The limit went from 9 % to 8 % on that day: a change in either direction is news.
    changed = "select raised_date from serving.alerts where commodity_code = 'AO' and alert = 'LIMIT_OR_MARGIN_CHANGED'"
    assert (date(2025, 3, 11),) in sample.published(changed)
    assert all((cleared is None) == active and (cleared is None or cleared > raised) for _, raised, cleared, active in rows)


def test_the_backtest_of_the_sample_says_what_it_stands_on(sample: Any) -> None:
    rows = sample.published(
        "select strategy, forecasts, calls, hit_ratio, hit_ratio_low, hit_ratio_high, brier, side_up_ratio, side_down_ratio, longest_spell_sessions, data_origin "
        "from serving.outlook_backtest where commodity_code = 'AO' and horizon = 'short' and statements = 'validated'"
    )
    found = {row[0]: row for row in rows}
    assert set(found) == {"rules", "momentum", "flat"}
    assert {row[-1] for row in rows} == {"sample"}
    assert found["rules"][1] > 300
    assert 0 < found["rules"][2] < found["rules"][1]
    assert found["rules"][4] <= found["rules"][3] <= found["rules"][5]
    assert [found[name][6] for name in ("rules", "momentum", "flat")] == [None, None, 0.25]
    assert 0 < found["rules"][7] < 1 and 0 < found["rules"][8] < 1 and found["rules"][9] > 1
    assert found["flat"][7:10] == (0, 0, 0)
    # Half a year on, the contract that was dominant has expired: another is held.
    ((long_calls,),) = sample.published(
        "select calls from serving.outlook_backtest where commodity_code = 'AO' and horizon = 'long' and strategy = 'rules' and statements = 'validated'"
    )
    assert long_calls > 100


def test_the_model_card_says_that_the_sample_is_too_short(sample: Any) -> None:
    told = dict(sample.published("select horizon, model_reason from serving.model_card where term = 'has_probability' and model_value = 0"))
    assert told == {"short": "panel_too_short:17x508", "medium": "panel_too_short:17x508", "long": "no_forecast_at_this_horizon"}


def test_the_page_of_the_record_holds_what_the_protocol_prints_of_the_sample(sample: Any) -> None:
    printed = alumina(sample.home, "backtest", "--markdown")
    assert printed.returncode == 0, printed.stderr
    page = RECORD.read_text(encoding="utf-8")
    told = page.split("<!-- sample: begin", 1)[1].split("-->", 1)[1].split("<!-- sample: end", 1)[0]
    assert told.strip() == printed.stdout.strip()
    assert "panel too short" in told


@pytest.mark.parametrize(
    ("text", "name", "before", "after"),
    [
        ("bauxite_usd_t=+5", "cost_full_cny_t", 2841.0, 2912.0),
        ("bauxite_usd_t=+5", "profit_cny_t", 358.18, 287.18),
        pytest.param("storage_cny_t_day=+0.5", "carry_net_cny_t", 191.2, 162.7, marks=pytest.mark.full),
        ("receipts_t=-5000", "receipts_t", 6922.0, 1922.0),
        ("receipts_t=-5000", "warrants", 23.0, 6.0),
        ("receipts_t=-5000", "squeeze_dominant_ratio", 611.0, 2202.0),
    ],
)
def test_what_if_gives_the_worked_figures(sample: Any, answers: Any, text: str, name: str, before: float, after: float) -> None:
    readout = next(row for row in answers(sample.home, text).readouts if row.name == name)
    assert readout.before == pytest.approx(before, abs=0.5 if name == "squeeze_dominant_ratio" else 0.05)
    assert readout.after == pytest.approx(after, abs=0.5 if name == "squeeze_dominant_ratio" else 0.05)


@pytest.mark.full
def test_a_tenth_on_the_dollar_moves_parity_by_its_weight(sample: Any, answers: Any) -> None:
    readout = next(row for row in answers(sample.home, "fx=+0.1").readouts if row.name == "parity_cny_t")
    ((fob, freight),) = sample.published(
        "select fob_usd_t, freight_usd_t from marts.fct_import_parity_daily where commodity_code = 'AO' and trade_date = ? limit 1", GOLDEN
    )
    assert readout.after - readout.before == pytest.approx((fob + freight) * 0.1 * 1.13, abs=0.01)


@pytest.mark.full
def test_nothing_moved_changes_nothing(sample: Any, answers: Any) -> None:
    assert all(
        row.before == pytest.approx(row.after) or row.before is row.after is None for row in answers(sample.home, "receipts_t=0", "fx=0").readouts
    )


@pytest.mark.full
def test_after_a_build_of_one_model_the_others_are_run_as_they_were_built_before(sample: Any, answers: Any, tmp_path: Path) -> None:
    """The manifest of such a build holds the SQL of that one model."""
    shutil.copy(sample.home / "warehouse.duckdb", tmp_path)
    shutil.copytree(sample.home / "dbt" / "compiled", tmp_path / "dbt" / "compiled")
    manifest = json.loads((sample.home / "dbt" / "manifest.json").read_text())
    for node in manifest["nodes"].values():
        node.pop("compiled_code", None)
    (tmp_path / "dbt" / "manifest.json").write_text(json.dumps(manifest))
    shutil.copy(sample.home / "dbt" / "compiled.json", tmp_path / "dbt")
    remember_compiled(Settings(home=tmp_path), {"results": []})
    moved = parse(["fx=+0.1"], shocks())
    assert whatif(Settings(home=tmp_path), moved, "AO", GOLDEN).readouts == answers(sample.home, "fx=+0.1").readouts
    shutil.rmtree(tmp_path / "dbt" / "compiled")
    with pytest.raises(WhatIfError, match="was not built yet"):
        whatif(Settings(home=tmp_path), moved, "AO", GOLDEN)


def test_only_declared_figures_can_be_moved() -> None:
    with pytest.raises(WhatIfError, match=r"'copper' is not declared in whatif\.toml; declared are bauxite_usd_t"):
        parse(["copper=+1"], shocks())
    with pytest.raises(WhatIfError, match="'fx plus one' is not an assignment"):
        parse(["fx plus one"], shocks())


def test_the_warehouse_is_copied_while_writers_wait(sample: Any) -> None:
    class Busy(Exception):
        pass

    @contextmanager
    def hold() -> Iterator[None]:
        raise Busy
        yield

    with pytest.raises(Busy):
        whatif(Settings(home=sample.home), {}, "AO", GOLDEN, hold)


@pytest.fixture(scope="session")
def answers() -> Any:
    held: dict[tuple[str, ...], Any] = {}

    def ask(home: Path, *texts: str) -> Any:
        if texts not in held:
            held[texts] = whatif(Settings(home=home), parse(texts, shocks()), "AO", GOLDEN)
        return held[texts]

    return ask


def untimely_trades(sample: Any, forecasts: str) -> list[tuple[Any, ...]]:
    """Give the judged statements whose entry is not the open of the first trade date after the decision's, or whose exit is not the horizon's end."""
    return sample.working(
        f"""
        with judged as ({forecasts}),
        sessions as (select trade_date, row_number() over (order by trade_date) as number from marts.dim_trading_day)
        select judged.commodity_code, judged.as_of_date, judged.horizon, judged.entry_date, judged.exit_date
        from judged
        inner join sessions as decided on judged.as_of_date = decided.trade_date
        inner join sessions as entered on judged.entry_date = entered.trade_date
        inner join sessions as left_on on judged.exit_date = left_on.trade_date
        where entered.number <> decided.number + 1 or left_on.number <> decided.number + judged.sessions
            or judged.entry_cny_t is not null and judged.entry_cny_t not in (
                select open_cny_t from marts.fct_futures_daily as quotes
                where quotes.commodity_code = judged.commodity_code and quotes.trade_date = judged.entry_date
            )
        """
    )


@pytest.mark.parametrize(
    ("honest", "early"),
    [
        ("said.session_index + 1 = next_day", "said.session_index = next_day"),
        ("said.session_index + said.sessions = last_day", "said.session_index + said.sessions - 1 = last_day"),
        ("resolved.entry_date = entry.trade_date", "resolved.as_of_date = entry.trade_date"),
    ],
)
def test_the_backtest_trades_after_the_decision_and_an_earlier_trade_is_seen(sample: Any, honest: str, early: str) -> None:
    assert sample.working(f"select count(*) from ({_FORECASTS}) where entry_cny_t is not null and exit_cny_t is not null")[0][0] > 1000
    assert untimely_trades(sample, _FORECASTS) == []
    assert _FORECASTS.count(honest) == 1
    assert untimely_trades(sample, _FORECASTS.replace(honest, early)) != []
