"""What is said of figures that reach no mart or do not count as their file states them, and what a mapping writes."""

import os
import shlex
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from feeds import QUOTE_HEADER, VALUE_HEADER, Home, csv_file

from ingest import dropped, reach
from ingest.catalog import mapping
from ingest.catalog.configuration import Configuration
from ingest.catalog.mapping import write
from ingest.catalog.roles import suggested_region, suggested_role
from ingest.catalog.schemas import MappedSeries
from ingest.home import dedicate
from ingest.inbox import NOTE, as_meant
from ingest.source import ConfigurationError, DataOrigin, Outcome
from ingest.sources import sources
from ingest.sources.catalog import Catalog
from orchestration.command import mapped as mapped_command
from orchestration.home.doctor import examine as doctor

NAME = "smm_spot_price_20250716.csv"
OUTPUT = "iai_capacity_20251020.csv"


@pytest.fixture(autouse=True)
def its_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALUMINA_HOME", str(home.settings.root))


def drop(home: Home, name: str, body: bytes) -> None:
    home.settings.inbox.mkdir(parents=True, exist_ok=True)
    path = home.settings.inbox / name
    path.write_bytes(body)
    os.utime(path, (time.time() - 60,) * 2)


def run(home: Home) -> list[str]:
    """Take the inbox in, and give what was said of its files."""
    known = sources(Configuration(home.settings.catalog_overlay))[1:]
    return dropped.take_in(known, known, home.settings, "run").notes


def quotes(value: str, number: str = "SMM-AO-INDEX", stated: str = "") -> bytes:
    return csv_file(f"2025-07-16,全国指数,,,{value},,元/吨,{number},SMM,全国,日,{stated}", header=QUOTE_HEADER)


def output(value: str, stated: str) -> bytes:
    return csv_file(f"2025-09-30,氧化铝产量,{value},千吨,IAI-CN-PROD,IAI,全国,月,{stated}", header=VALUE_HEADER)


def mapped(**changes: str) -> MappedSeries:
    entry = {"commodity": "AO", "role": "output", "provider": "IAI", "series_id": "IAI-CN-PROD", "region": "national", "source": "x"}
    return MappedSeries.model_validate(entry | changes)


# ---------------------------------------------------------------- at the drop


def test_a_series_no_mart_reads_is_said_at_the_drop_and_by_the_doctor(home: Home) -> None:
    drop(home, NAME, quotes("3100", "X-1"))
    said = run(home)
    assert "no mart reads series X-1 of SMM (全国指数)" in said[0]
    assert said[1] == f"{NAME}: say what they are with: alumina inbox map {NAME}"
    (note,) = home.settings.inbox.glob(f"archived/*/{NAME}{NOTE}")
    assert "X-1" in note.read_text(encoding="utf-8")
    dedicate(home.settings, DataOrigin.FILES)
    assert [one.message for one in doctor(home.settings) if one.subject == "series"] == [
        "no mart reads SMM X-1 (全国指数): the catalogue has no such id"
    ]
    write(home.settings.catalog_overlay, [mapped(provider="SMM", series_id="X-1", role="spot")])
    assert [one.message for one in doctor(home.settings) if one.subject == "series"] == []
    drop(home, NAME, quotes("3100", "X-1"))
    assert run(home) == []


def test_a_correction_that_states_an_old_time_is_told_that_it_counts_from_now(home: Home) -> None:
    write(home.settings.catalog_overlay, [mapped()])
    drop(home, OUTPUT, output("7920", "2025-10-20 18:00"))
    assert run(home) == []
    drop(home, "iai_capacity_20251126.csv", output("7950", "2025-11-26 18:00"))
    (said,) = run(home)
    assert "stated time of 1 corrected figures is not believed (IAI-CN-PROD of 2025-09-30: 7,950,000 for 7,920,000, stated 2025-11-26 18:00)" in said
    assert f"{datetime.now(UTC):%Y}" in said
    assert "更正自首次收到时起生效" in said


def test_a_correction_that_does_not_win_is_told_the_name_under_which_it_does(home: Home) -> None:
    drop(home, NAME, quotes("3100", stated="2025-07-16 12:00"))
    drop(home, NAME.replace(".csv", "_r2.csv"), quotes("3101", stated="2025-07-16 12:00"))
    run(home)
    drop(home, NAME, quotes("3110", stated="2025-07-16 11:40"))
    (said,) = run(home)
    assert "1 figures do not count" in said
    assert "drop the file as smm_spot_price_20250716_r3.csv" in said
    drop(home, "smm_spot_price_20250716_r3.csv", quotes("3110", stated="2025-07-16 11:40"))
    (said,) = run(home)
    assert "is not believed" in said, "it counts, from now on"


def test_a_figure_told_again_or_on_its_own_day_is_no_correction(home: Home) -> None:
    drop(home, NAME, quotes("3100", stated="2025-07-16 11:40"))
    drop(home, "smm_spot_price_20250717.csv", quotes("3100", stated="2025-07-16 11:50"))
    assert run(home) == []
    drop(home, "smm_spot_price_20250718.csv", quotes("3105"))  # states no time that could be disbelieved
    assert run(home) == []


def test_the_advice_names_the_next_number(home: Home) -> None:
    sunday = quotes("3100").replace(b"\r\n2025-07-16", "\r\n2025-07-13,山,,,3100,,元/吨,SMM-AO-INDEX,SMM,全国,日,\r\n2025-07-16".encode())
    for name, again in ((NAME, "_r1"), ("smm_spot_price_20250716_r1.csv", "_r2"), (NAME, "_r2")):
        drop(home, name, sunday + b"\r\n" * len(again + name))
        run(home)
        note = max(home.settings.inbox.glob("refused/*.reason.txt"), key=lambda path: path.stat().st_mtime_ns)
        assert f"drop the file again as smm_spot_price_20250716{again}.csv" in note.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "came", "next_name"),
    [
        ("a_spot_price_20250716.csv", [], "a_spot_price_20250716_r1.csv"),
        ("a_spot_price_20250716_r1.csv", [], "a_spot_price_20250716_r2.csv"),
        ("a_spot_price_20250716 (1).csv", ["a_spot_price_20250716_r9.csv"], "a_spot_price_20250716_r10.csv"),
        ("a_spot_price_20250716.xlsx", ["a_spot_price_20250716_R2.csv", "b_spot_price_20250716_r7.csv"], "a_spot_price_20250716_r3.xlsx"),
    ],
)
def test_the_next_name_is_one_more_than_the_highest_that_came(name: str, came: list[str], next_name: str) -> None:
    assert reach.next_name(name, came) == next_name


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("smm_spot_price_20250722 (1).XLSX", "smm_spot_price_20250722.xlsx"),
        ("smm_spot_price_20250722（2）.csv", "smm_spot_price_20250722.csv"),
        ("smm_spot_price_20250722 - 副本.csv", "smm_spot_price_20250722.csv"),
        ("smm_spot_price_20250722 - Copy (3).csv", "smm_spot_price_20250722.csv"),
        ("SMM_Spot_Price_20250722.TXT", "smm_spot_price_20250722.csv"),
        ("gacc_import_202505(1).csv", "gacc_import_202505.csv"),
    ],
)
def test_the_marks_of_browsers_and_file_managers_say_nothing(name: str, meant: str) -> None:
    assert meant in as_meant(name)


@pytest.mark.parametrize(
    ("name", "series", "feed"),
    [
        ("上海有色网.csv", "氧化铝:均价:全国", "spot_price"),
        ("Wind导出20250722.csv", "氧化铝:开工率", "capacity"),
        ("新建表格.csv", "氧化铝完全成本", "cost_profit"),
        ("现货价.csv", "全国指标", "spot_price"),
        ("库存.csv", "氧化铝:港口库存", "inventory"),
        ("数据.csv", "几内亚铝土矿CIF", "inputs"),
    ],
)
def test_a_file_of_any_name_is_known_by_its_series_then_by_its_name(home: Home, name: str, series: str, feed: str) -> None:
    drop(home, name, csv_file(f"2025-07-16,{series},50,%,X-1,SMM,全国,周,"))
    run(home)
    (attempt,) = home.fetch_log()
    assert (attempt.outcome, attempt.feed, attempt.request_name) == (Outcome.OK, feed, name)


def test_a_file_of_many_feeds_is_asked_for_its_name(home: Home) -> None:
    drop(home, "数据.csv", csv_file("2025-07-16,库存,50,吨,X-1,SMM,全国,周,", "2025-07-16,完全成本,50,元/吨,X-2,SMM,全国,周,"))
    run(home)
    (attempt,) = home.fetch_log()
    assert (attempt.outcome, attempt.reason) == (Outcome.NOT_DATA, "several_feeds")
    assert "holds series of cost_profit, inventory" in attempt.message
    drop(home, "库存.xls", b"\xd0\xcf\x11\xe0")
    run(home)
    assert "save it as .xlsx" in home.fetch_log()[-1].message


# ---------------------------------------------------------------- mapping


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("氧化铝:均价:全国", "spot"),
        ("氧化铝完全成本", "cost_full"),
        ("氧化铝:周度开工率", "operating_rate"),
        ("山东:建成产能", "capacity_built"),
        ("甲", None),
    ],
)
def test_a_series_name_suggests_its_role(name: str, role: str | None) -> None:
    assert suggested_role(name) == role


def test_a_series_name_suggests_its_region() -> None:
    assert suggested_region("氧化铝:均价:山东", {"shandong": "山东", "henan": "河南"}) == "shandong"
    assert suggested_region("氧化铝", {"shandong": "山东"}) == "national"


def test_a_mapping_adds_to_what_is_there_and_is_read_with_it(home: Home) -> None:
    overlay = home.settings.catalog_overlay
    write(overlay, [mapped()])
    write(overlay, [mapped(series_id='X"\\1', role="spot")])
    assert {("IAI", "IAI-CN-PROD"), ("IAI", 'X"\\1'), ("SMM", "SMM-AO-INDEX")} <= Configuration(overlay).series
    (request,) = [
        item for item in __import__("ingest.origins", fromlist=["x"]).CatalogOrigin(overlay).deliveries([]) if item[0].name == "series.toml"
    ]
    rows = Catalog().parse(request[0], request[1].body).frames["catalog__series"]
    assert rows.select("commodity_code", "role", "series_id").rows() == [("AO", "output", "IAI-CN-PROD"), ("AO", "spot", 'X"\\1')]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"role": "spott"}, "there is no role 'spott'; did you mean 'spot'?"),
        ({"region": "shandon"}, "did you mean 'shandong'?"),
        ({"commodity": "AX"}, "there is no commodity 'AX'"),
        ({"provider": "SMM", "series_id": "SMM-AO-INDEX", "role": "spot"}, "has the role spot in commodities/ao.toml already"),
    ],
)
def test_a_mapping_that_would_make_the_catalogue_wrong_is_not_written(home: Home, changes: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match="nothing was written") as caught:
        write(home.settings.catalog_overlay, [mapped(**changes)])
    assert words in str(caught.value)
    assert not (home.settings.catalog_overlay / "series.toml").exists()


def test_a_command_that_is_shown_is_safe_to_paste_whatever_file_and_series_are_called() -> None:
    series = reach.SeriesRead("SMM", "x'; touch y; echo '", "现货价", "national", "元/吨", 1, date(2025, 7, 1), date(2025, 7, 1), 3100.0)
    for name in ("-rf.csv", "it's; touch y.csv", "$(touch y).csv"):
        words = shlex.split(mapped_command.command_for(series, name, Configuration()))
        assert words[3:6] == [reach.no_option(name), "--series", series.series_id]
        (*_, told) = reach.said_unread([series], [], name)
        assert shlex.split(told.partition("with: ")[2]) == ["alumina", "inbox", "map", reach.no_option(name)]
    assert reach.no_option("-rf.csv") == "./-rf.csv"


def test_the_command_shows_what_is_open_and_writes_what_is_said(home: Home, tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.write_bytes(quotes("3100", "X-1"))

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"ALUMINA_HOME": str(home.settings.root)}
        program = [str(Path(sys.executable).with_name("alumina")), "inbox", "map", str(file), *arguments]
        return subprocess.run(program, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    shown = command().stdout
    assert "1 of 1 series" in shown
    assert "现货价" in shown
    assert f"alumina inbox map '{file}' --series 'X-1' --role spot --region national" in shown
    assert command("--series", "X-9", "--role", "spot").stderr == "alumina: the file has no series X-9; it has X-1\n"
    refused = command("--series", "X-1", "--role", "fob").stderr
    assert refused.startswith(
        "alumina: series X-1 is in CNY/t, and the role fob is read in USD/t: every figure would be held; roles in CNY/t: spot, tender"
    )
    done = command("--series", "X-1", "--role", "spot", "--region", "shandong")
    assert (done.returncode, done.stderr) == (0, "")
    assert ("SMM", "X-1") in Configuration(home.settings.catalog_overlay).series
    assert 'region = "shandong"' in (home.settings.catalog_overlay / mapping.SERIES).read_text(encoding="utf-8")


def test_the_advice_of_a_check_can_be_pasted_whatever_the_name_and_wherever_it_lies(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "氧化铝价格 (1).csv"
    body = csv_file("2025-07-16,甲,3100,元/吨,X-1,SMM", header="日期,名称,均价,单位,指标ID,数据来源")
    file.write_bytes(body)
    configuration = Configuration(home.settings.catalog_overlay)
    said = dropped.examine(file, sources(configuration), configuration, home.settings).notes
    assert said[-1] == f"say what they are with: alumina inbox map '{file}'"


def test_of_many_series_that_no_mart_reads_some_are_told_and_the_others_counted() -> None:
    """A file of 29,900 series printed as many lines, each with a name of any length."""
    day = date(2025, 7, 16)
    series = [reach.SeriesRead("SMM", f"X{number}{'x' * 1_000}", "氧化铝", "", "CNY/t", 1, day, day, 1.0) for number in range(250)]
    said = reach.said_unread(series, [], "a.csv")
    assert len(said) == 200 + 2
    assert said[-2] == "nor 50 more series of this file"
    assert max(map(len, said)) < 700
