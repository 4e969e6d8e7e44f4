"""The catalogue is typed: what is wrong is refused in sentences that name file, line, key and the nearest right name."""

import ast
import inspect
import json
import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ingest.catalog.documents import CALENDAR, COMMODITIES, FILES, REVIEWS, SERIES, SHIPPED, catalog_files
from ingest.catalog.editors import schemas
from ingest.catalog.metrics import FUNCTIONS
from ingest.catalog.references import _names, catalogue_faults, faults_of
from ingest.catalog.scoring import ScoreFile
from ingest.settings import Settings
from orchestration.command.catalog_command import catalog_check, catalog_schema
from quality.typed import Document, Fault, WrongFileError, read
from serving.research.audit import formulas

ROOT = SHIPPED.parents[1]
NAMES = sorted(name for name, _ in catalog_files(None))
TEXTS = {name: (SHIPPED / name).read_text(encoding="utf-8") for name in NAMES}
# What is shipped holds no entry: the one it shows as an example stands for those people write.
TEXTS[REVIEWS] = re.sub(r"^# (?=\[\[|\w+ = )", "", TEXTS[REVIEWS], flags=re.MULTILINE)


def faults(**changed: str) -> list[str]:
    """What is wrong with the shipped catalogue when files (`__` for a slash) read otherwise."""
    changed = {f"{name.replace('__', '/')}.toml": text for name, text in changed.items()}
    files = {**TEXTS, **changed}
    return [str(fault) for fault in faults_of((name, text.encode()) for name, text in files.items())]


def swapped(file: str, old: str, new: str, count: int = 1) -> dict[str, str]:
    name = f"{file.replace('__', '/')}.toml"
    assert old in TEXTS[name]
    return {file: TEXTS[name].replace(old, new, count)}


def test_nothing_is_wrong_with_what_is_shipped() -> None:
    assert catalogue_faults() == []
    assert {name for name in NAMES if not name.startswith(COMMODITIES)} == set(FILES) - {SERIES}


AO = "commodities__ao"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (swapped("clock", "grace_minutes = 240", "grace_minute = 240"), "clock.toml, line 22: clock shfe__warehouse_receipts, key grace_minute: this key is not known; did you mean 'grace_minutes'?"),
        (swapped("exchanges", 'unit = "g"', 'units = "g"'), "exchanges.toml, line 51: shfe.contracts.au, key units: this key is not known; did you mean 'unit'?"),
        (swapped("exchanges", "ao = { size = 20", "ao = { size = 0"), "exchanges.toml, line 45: shfe.contracts.ao, key size: must be above 0, not 0"),
        (swapped("exchanges", "cu = { size = 5,", "cu = { size = 5000,"), "exchanges.toml, line 43: shfe.contracts.cu, key size: must be at most 1000, not 5000"),
        (swapped("exchanges", '"石油沥青" = "bu"', '"石油沥青" = "bx"'), "exchanges.toml, line 29: shfe.aliases, key 石油沥青: there is no product 'bx'"),
        (swapped("alerts", 'name = "all"\nleast = "warning"', 'name = "all"\nleast = "warning"\nabout = ["shfe", "shfe/kk"]'), "route all, about 2: there is no source, feed, table or commodity 'shfe/kk'; did you mean 'shfe/kx'?"),
        (swapped(AO, 'exchange = "SHFE"', 'exchange = "SHEF"'), "commodities/ao.toml, line 8: commodity, key exchange: 'SHEF' is not one of CZCE, GFEX, INE, SHFE; did you mean 'SHFE'?"),
        (swapped(AO, "contract_size_t = 20.0", "contract_size_t = 500.0"), "contract_spec 1, key contract_size_t: no contract_spec has the 20 t a lot of ao holds by exchanges.toml"),
        (swapped(AO, 'product_id = "ao"', 'product_id = "aox"'), "commodity, key product_id: there is no product of SHFE 'aox'; did you mean 'ao'?"),
        (swapped(AO, 'role = "spot"', 'role = "spott"'), "series SMM-AO-INDEX, key role: there is no role 'spott'; did you mean 'spot'?"),
        (swapped(AO, 'region = "shandong"', 'region = "shandog"'), "key region: there is no region 'shandog'; did you mean 'shandong'?; regions.toml names them"),
        (swapped(AO, '"shandong>henan" = 90', '"shandong>hennan" = 90'), "term freight_cny_t, values, key shandong>hennan: there is no region 'hennan'; did you mean 'henan'?"),
        (swapped(AO, "australia_china>bayuquan>bayuquan", "australia_china>bayuqan>bayuquan"), "key scope: there is no region 'bayuqan'; did you mean 'bayuquan'?"),
        (swapped(AO, "australia_china>bayuquan>bayuquan", "bayuquan"), "key scope: 'western_australia>bayuquan' is no import leg; write origin>route>port>region"),
        (swapped(AO, 'hs_code = "28182000"', "hs_code = 28182000"), "key hs_code: 28182000 is not an HS code of 4, 6 or 8 digits, in quotes"),
        (swapped("commodities__al", 'commodity_code = "AL"', 'commodity_code = "AO"'), "commodities/ao.toml, line 5: commodity, key commodity_code: commodity AO stands in commodities/al.toml already"),
        (swapped("parameters", 'unit = "ratio"', 'unit = "%"'), "parameters.toml, line 8: parameter roll_open_interest_ratio, key unit: the models read roll_open_interest_ratio in 'ratio', not in '%'"),
        (swapped("parameters", 'name = "roll_deadline_sessions"', 'name = "roll_deadlin_sessions"'), "there is no parameter 'roll_deadlin_sessions'; did you mean 'roll_deadline_sessions'?"),
        (swapped("parameters", 'name = "roll_deadline_sessions"', 'name = "roll_deadlin_sessions"'), "parameters.toml, line 1: parameter roll_deadline_sessions for all commodities is missing; the models read it"),
        (swapped("parameters", 'commodity = "AL"', 'commodity = "AX"'), "key commodity: there is no commodity 'AX'; known are 'AL', 'AO', 'LC'"),
        (swapped("score", 'signal = "news_tone"', 'signal = "news_tne"'), "score.toml, line 50: component P2, key signal: there is no signal 'news_tne'; did you mean 'news_tone'?"),
        (swapped("score", "share = 0.35", 'share = 0.35\n[[cap]]\nblock = "polcy"\nshare = 0.3'), "cap 2, key block: there is no block 'polcy'; did you mean 'policy'?"),
        (swapped("score", "weight = 20", "weight = 21"), "score.toml, line 17: key total_weight: the weights for commodity '*' on 2023-06-19 add up to 111, total_weight says 110"),
        (swapped("rules", 'when = ["mom12 > 0", "close_over_ma20_pct > 0"]', 'when = ["mom12 > 0", "close_over_ma2_pct > 0"]'), "rule O1, when 2: there is no metric 'close_over_ma2_pct'; did you mean 'close_over_ma20_pct'?"),
        (swapped("rules", 'shows = ["profit_cny_t"]', 'shows = ["profit_cny"]'), "rule O7, scenario.shows 1: there is no metric 'profit_cny'; did you mean 'profit_cny_t'?"),
        (swapped("rules", 'level = "alert"', 'level = "alrt"'), "key level: 'alrt' is not one of alert, note, watch; did you mean 'alert'?"),
        (swapped("rules", 'effects = [{ effect = "flag", text = "OVERSUPPLY" }]', 'effects = [{ effect = "stance_add", horizon = "long", value = -1 }]'), "rule O7, effects 1, key effect: a rule makes a scenario and takes no stance: where the evidence leans stands in stances.toml"),
        (swapped("rules", 'effects = [{ effect = "flag", text = "OVERSUPPLY" }]', 'effects = [{ effect = "confidence_add", value = -0.1 }]'), "rule O7, effects 1, key effect: a rule makes a scenario and moves no confidence: that comes from the probability of a licensed call alone"),
        (swapped("stances", 'metric = "block_money"', 'metric = "block_mony"'), "part money, key metric: there is no metric 'block_mony'; did you mean 'block_money'?"),
        (swapped("stances", 'divided_by = "DIVERGENCE"', 'divided_by = "DIVERGENC"'), "key divided_by: no rule raises flag 'DIVERGENC'; did you mean 'DIVERGENCE'?"),
        (swapped("stances", "steps = [20, 50]", "steps = [50, 20]"), "lean 1: steps [50.0, 20.0] do not rise"),
        (swapped("stances", 'up = "carry >= 0.5"', 'up = "mom12 >= 0.5"'), "part carry: the dead-band 'mom12 >= 0.5' is not of the metric carry"),
        (swapped("stances", 'up = "carry >= 0.5"', 'up = "carry >= 0.5 or carry = 0"'), "a dead-band has one condition"),
        (swapped("stances", 'up = "is_receipts_low = 1"\n', ""), "part low_receipts: a sum of signs takes a dead-band of each part, up, down or both; a mean takes none"),
        (swapped("profiles", 'signal = "spot_cny_t"', 'signal = "spot_cny"'), "input spot, key signal: there is no signal 'spot_cny'; did you mean 'spot_cny_t'?"),
        (swapped(AO, 'product_id = "ao"', 'product_id = "ao"\nprofile = "exchang"'), "commodity, key profile: 'exchang' is not one of auto, exchange, full; did you mean 'exchange'?"),
        (swapped("rules", 'name = "trend"', 'name = "trned"'), "there is no metric 'trned'; did you mean 'trend'?"),
        (swapped("schedule", '"shfe__margins_fees"', '"shfe__margin_fees"'), "schedule evening, waits_for 6: there is no dataset 'shfe__margin_fees'; did you mean 'shfe__margins_fees'?"),
        (swapped("schedule", 'after = "evening"', 'after = "evning"'), "freshness, key after: there is no schedule 'evning'; did you mean 'evening'?"),
        (swapped("releases", 'dataset = "customs__monthly_trade"', 'dataset = "customs__montly_trade"'), "key dataset: there is no dataset 'customs__montly_trade'"),
        (swapped("releases", '"2023-05" = "2023-06-20"', '"2023-05" = "2023-05-20"'), "figures of 2023-05 cannot have come out on 2023-05-20"),
        (swapped("clock", 'latest = "16:00"', 'latest = "15:00"'), "clock.toml, line 9: clock shfe__daily_quotes: latest lies before earliest"),
        (swapped("clock", 'latest = "24:00"', 'latest = "24:01"'), "'24:01' is not a time of day HH:MM"),
        (swapped("terms", "value = 0.13", "value = nan"), "term vat_ratio, key value: nan is not a number"),
        (swapped("terms", "value = 0.13", "value = 0.13\nvalues = { a = 1 }"), "term vat_ratio: a term has either value or values"),
        (swapped("whatif", 'role = "fob"', 'role = "fbo"'), "shock fob_usd_t, changes 1, key role: there is no role 'fbo'; did you mean 'fob'?"),
        (swapped("metrics", 'asserts = "settle"', 'asserts = "setle"'), "metric settle, key asserts: there is no fact 'setle'; did you mean 'settle'?"),
        (swapped("metrics", 'formula = "close",', 'formula = "clse",'), "metric close, definition 1, key formula: there is no fact or constant 'clse'; did you mean 'close'?"),
        (swapped("metrics", 'formula = "median(close)"', 'formula = "meadian(close)"'), "there is no function 'meadian'; did you mean 'median'?"),
        (swapped("metrics", 'futures_leg_value"\ncommodity = "AO"', 'futures_leg_value"\ncommodity = "AOO"'), "fact last_1130, key commodity: there is no commodity 'AOO'; did you mean 'AO'?"),
        (swapped("lexicon", 'words = ["挺价", "惜售"]', 'words = ["挺价", "惜售", "减产"]'), "words 3: 减产 is a term already"),
        ({"parameter": "x = 1"}, "parameter.toml, line 1: the catalogue has no file of this name; did you mean 'parameters.toml'?"),
    ],
)  # fmt: skip
def test_each_slip_is_refused_with_its_line_and_the_nearest_right_name(changed: dict[str, str], sentence: str) -> None:
    assert [said for said in faults(**changed) if sentence in said], faults(**changed)


def test_everything_is_said_at_once() -> None:
    text = (
        TEXTS["score.toml"]
        .replace("weight = 20", "weigth = 20")
        .replace('profile = "full"', 'profile = "ful"', 2)
        .replace("sign = -1", "sign = 0", 1)
    )
    clock = TEXTS["clock.toml"].replace("day_offset = 84", "day_offset = -84")
    assert [said.split(", ", 1)[1].split(": ", 1)[1] for said in faults(score=text, clock=clock)] == [
        "clock customs__monthly_trade, key day_offset: must be at least 0, not -84",
        "component P1: key weight is missing",
        "component P1, key weigth: this key is not known; did you mean 'weight'?",
        "component P1, key profile: 'ful' is not one of exchange, full; did you mean 'full'?",
        "component P2, key profile: 'ful' is not one of exchange, full; did you mean 'full'?",
        "component R1, key sign: 0 is not one of 1 or -1",
    ]


def test_an_operators_metrics_and_calendar_extend_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "metrics.toml").write_text(
        '[[metric]]\nname = "range"\nunit = "yuan/t"\ndefinition = [{ formula = "high - low" }]\n', encoding="utf-8"
    )
    (tmp_path / "calendar.toml").write_text('last_day = "2027-12-31"\n[closures]\n2027 = ["2027-01-01"]\n', encoding="utf-8")
    assert catalogue_faults(tmp_path) == []
    (tmp_path / "calendar.toml").write_text('\nlast_day = "2028-12-31"\n[closures]\n2027 = ["2027-01-01", "2026-12-31"]\n', encoding="utf-8")
    (first,) = catalogue_faults(tmp_path)
    assert str(
        first
    ) == "calendar.toml, line 4: closures.2027, key 2: 2026-12-31 to 2026-12-31 does not lie in 2027" or "does not lie in 2027" in str(first)
    (tmp_path / "calendar.toml").write_text('\nlast_day = "2028-12-31"\n[closures]\n2027 = ["2027-01-01"]\n', encoding="utf-8")
    assert str(catalogue_faults(tmp_path)[0]) == (
        "calendar.toml, line 2: key last_day: the calendar reaches to 2028-12-31 without the closures of 2028; no year is free of holidays"
    )


def test_a_file_that_is_no_text_is_a_fault_too(tmp_path: Path) -> None:
    (tmp_path / "regions.toml").write_bytes("[regions]\n全国".encode("gb18030"))
    (tmp_path / "calendar.toml").write_bytes(b"\xff")
    assert [(fault.file, fault.message) for fault in catalogue_faults(tmp_path)] == [
        ("calendar.toml", "this is not text in UTF-8"), ("regions.toml", "this is not text in UTF-8"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["folder", "link", "circle", "pipe"])
def test_what_is_no_file_is_a_fault_too_and_nothing_waits_for_it(tmp_path: Path, kind: str) -> None:
    for name in ("regions.toml", "calendar.toml"):
        path = tmp_path / name
        {
            "folder": path.mkdir,
            "link": lambda path=path: path.symlink_to("nowhere"),
            "circle": lambda path=path: path.symlink_to(path.name),
            "pipe": lambda path=path: os.mkfifo(path),
        }[kind]()
    assert [str(fault) for fault in catalogue_faults(tmp_path)] == [
        "calendar.toml, line 1: this is no file, or a link to none", "regions.toml, line 1: this is no file, or a link to none",
    ]  # fmt: skip


# ---------------------------------------------------------------- lines


@pytest.mark.parametrize("name", NAMES)
def test_the_line_of_a_key_is_where_it_stands(name: str) -> None:
    # Held against the text itself: an unknown key put on any line of its own is found on that line.
    lines = TEXTS[name].split("\n")
    places = [number for number, line in enumerate(lines) if re.match(r"[a-z_]+ = [^\[{]*$", line)]
    for number in places[:: max(1, len(places) // 5)]:
        changed = "\n".join([*lines[:number], "zzzz = 1", *lines[number:]])
        found = faults(**{name.removesuffix(".toml").replace("/", "__"): changed})
        assert any(f"{name}, line {number + 1}: " in said and "key zzzz" in said for said in found), (number, found)


# ---------------------------------------------------------------- one slip, anywhere

# Keys that may be left out: then the file says something else, or what the default says.
OPTIONAL = {
    "grace_minutes", "unit", "scope", "model_id", "commodity", "no_release", "window", "maps_to", "night", "zh", "label", "basis", "over", "needs", "vendor",
    "kinds", "states", "rests_on", "mart", "neutral", "band", "approx", "low", "asserts", "is_price", "is_receipts", "tick_price", "narrative", "units", "grid",
    "factor", "copy_of", "day_step", "half_width", "source", "definition", "formula", "open", "closed", "up", "down", "caps", "shows", "study",
    "aliases", "words", "not", "example", "change_of", "when", "is_change", "is_any_of", "on_tick", "is_market", "never", "span", "said", "absence", "open_ended", "series", "hs_code", "part_of", "plain_unit", "is_of_range", "is_monthly", "is_limited", "negative",
    "pdf_bytes_a_second", "html_cpu_seconds", "refused_characters",
}  # fmt: skip
# Tables whose keys are the writer's own words.
OWN_WORDS = re.compile(
    r"\[(regions|units|constants|themes|judgement|degrees|subjects|participants|shfe\.\w+|closures|sentence|held|stance|why|volatility|tail|side|horizon|span|direction|status|block|verdict|outcome|source|model|feed|price|unit|truth|state|code|level|reason)\]"
)
# Numbers that may lie below zero: a sign, what an effect adds, a bound of a metric.
SIGNED = {"sign", "value", "neutral", "low", "high", "lowest", "highest"}
KEY = re.compile(r"(?P<key>[a-z_]+) = (?P<value>\"[^\"]*\"|-?[\d.]+|true|false)(?=$|\s|,|\s})")


def slips(name: str) -> Iterator[tuple[str, str, str, str]]:
    """Each way to spoil one key of a file: the key, what was done, the text, and the key as the sentence must name it."""
    lines = TEXTS[name].split("\n")
    words = False
    for number, line in enumerate(lines):
        if line.startswith("["):
            words = bool(OWN_WORDS.match(line))
        if line.lstrip().startswith("#") or "\u2026" in line:
            continue
        for match in KEY.finditer(line.split(" #")[0]):
            key, value, inline = match["key"], match["value"], "{" in line[: match.start()]
            if words and not inline:
                continue

            def text(new: str, match: re.Match[str] = match, line: str = line, number: int = number) -> str:
                return "\n".join([*lines[:number], line[: match.start()] + new + line[match.end() :], *lines[number + 1 :]])

            yield key, "renamed", text(f"{key}_x = {value}"), f"{key}_x"
            yield key, "of another type", text(f"{key} = [[]]"), key
            if re.fullmatch(r"[\d.]+", value) and value.strip("0.") and key not in SIGNED:
                yield key, "negative", text(f"{key} = -{value}"), key
            if key not in OPTIONAL and not inline:
                yield key, "left out", text(""), key


@cache
def slips_of(name: str) -> list[tuple[str, str, str, str]]:
    """Give the slips of a file; made when a test asks, not when pytest looks for tests."""
    return list(slips(name))


@pytest.mark.parametrize("name", NAMES)
@effort(max_examples=8)
@given(data=st.data())
def test_one_slip_anywhere_is_refused_by_file_and_key_and_nothing_else_is_raised(name: str, data: st.DataObject) -> None:
    _, _, text, named = data.draw(st.sampled_from(slips_of(name)))
    found = faults(**{name.removesuffix(".toml").replace("/", "__"): text})
    assert any(said.startswith(f"{name}, line ") and named in said for said in found), found


@given(text=st.text(max_size=60), name=st.sampled_from(sorted({*FILES, "commodities/zz.toml"})))
def test_any_text_is_read_or_refused_and_nothing_else(text: str, name: str) -> None:
    try:
        for fault in faults_of([(name, text.encode("utf-8", "ignore"))]):
            assert isinstance(fault, Fault) and fault.file == name and fault.line >= 1
    except Exception as error:
        pytest.fail(f"{type(error).__name__}: {error}")


# ---------------------------------------------------------------- the command


def test_the_check_says_all_errors_of_the_home_and_where_it_looked(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    catalog_check()
    assert "nothing is wrong" in capsys.readouterr().out
    settings.catalog_overlay.mkdir(parents=True)
    for name, old, new in (("clock", "grace_minutes = 240", "grace_minute = 240"), ("regions", "zh = ", "zz = "), ("schedule", "name = ", "name = ")):
        (settings.catalog_overlay / f"{name}.toml").write_text(TEXTS[f"{name}.toml"].replace(old, new, 1), encoding="utf-8")
    with pytest.raises(typer.Exit) as ended:
        catalog_check()
    said = capsys.readouterr()
    assert ended.value.exit_code == 1
    assert [line.split(": ")[0] for line in said.err.splitlines()] == ["clock.toml, line 22", "regions.toml, line 5", "regions.toml, line 5"]
    assert "clock.toml, regions.toml, schedule.toml" in said.out and "the home's is not read" in said.out


def test_schemas_are_written_beside_the_home_s_catalogue(settings: Settings) -> None:
    catalog_schema(None)
    written = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (settings.catalog_overlay / "schema").iterdir()}
    assert written == schemas()
    assert catalogue_faults(settings.catalog_overlay) == []


# ---------------------------------------------------------------- what is said elsewhere too


def test_what_formulas_may_call_is_what_the_audit_evaluates() -> None:
    tree = ast.parse(inspect.getsource(formulas))
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "_call")
    cases = [match.value for match in ast.walk(call) if isinstance(match, ast.MatchValue)]
    assert {case.value for case in cases if isinstance(case, ast.Constant)} == set(FUNCTIONS)


def test_every_name_the_models_read_is_known() -> None:
    sql = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "dbt_project/models").rglob("*.sql")))
    known = _names()
    terms = set(re.findall(r"\bterms?\.?term = '(\w+)'|\bterm = '(\w+)'", sql))
    assert {one or other for one, other in terms} <= set(known.terms)
    roles = set(re.findall(r"\brole = '(\w+)'", sql)) | {
        name for some in re.findall(r"\brole in \(([^)]*)\)", sql) for name in re.findall(r"'(\w+)'", some)
    }
    assert roles - {"product", "dominant"} <= known.roles  # of customs codes; of contracts
    names = (ROOT / "dbt_project/models/intermediate").rglob("int_commodities__parameters.sql")
    listed = re.findall(r"'(\w+)'", next(names).read_text(encoding="utf-8").split("-%}")[0])
    assert set(listed) <= set(known.parameters)


def test_every_shipped_series_and_bound_has_a_role_the_models_read_in_its_unit() -> None:
    changed = {name: body for name, body in catalog_files(None) if name != "commodities/ao.toml"}
    ao = dict(catalog_files(None))["commodities/ao.toml"].decode()
    assert faults_of(catalog_files(None)) == []
    wrong = ao.replace('roles = ["fob"]\nunit = "USD/t"', 'roles = ["fob"]\nunit = "CNY/t"')
    (said,) = faults_of((changed | {"commodities/ao.toml": wrong.encode()}).items())
    assert "the role fob is read in USD/t, not in CNY/t" in str(said)


def test_the_shipped_schemas_are_those_of_the_models() -> None:
    shipped = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (SHIPPED / "schema").glob("*.json")}
    assert shipped == schemas(), "run `alumina catalog schema ingest/catalog/schema`"


@pytest.mark.parametrize("name", NAMES)
def test_each_shipped_file_names_its_schema_and_keeps_it(name: str) -> None:
    first = TEXTS[name].split("\n")[0]
    assert first.startswith("#:schema ")
    schema = json.loads(((SHIPPED / name).parent / first.removeprefix("#:schema ")).read_text(encoding="utf-8"))
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(json.loads(json.dumps(tomllib.loads(TEXTS[name]), default=str)), schema)


def test_a_document_is_read_once_it_is_right() -> None:
    assert isinstance(read(FILES[CALENDAR], CALENDAR, TEXTS[CALENDAR]), Document)
    with pytest.raises(WrongFileError, match=r"^calendar\.toml, line 1: key x: this key is not known"):
        read(FILES[CALENDAR], CALENDAR, "x = 1")


def test_days_may_be_written_as_text_or_as_toml_days() -> None:
    assert faults(**swapped("score", 'valid_from = "2023-06-19"', "valid_from = 2023-06-19")) == []
    assert faults(**swapped("score", 'valid_from = "2023-06-19"', "valid_from = 2023-06-19T00:00:00")) != []
    assert faults(**swapped("score", 'valid_from = "2023-06-19"', 'valid_from = "20230619"')) != []


@pytest.mark.parametrize("name", ["clock.toml", "rules.toml", "reviews.toml", "calendar.toml", "commodities/ao.toml", "series.toml"])
@pytest.mark.parametrize("what", ["a name", "a key", "a figure"])
def test_a_text_without_end_is_repeated_in_part(settings: Settings, capsys: pytest.CaptureFixture[str], name: str, what: str) -> None:
    without_end = "x" * 100_000
    text = (SHIPPED / name).read_text(encoding="utf-8") if (SHIPPED / name).is_file() else '[[series]]\nrole = "spot"\nvalue = "0"\n'
    old, new = {
        "a name": (r'(?m)^(\w+) = ".*"$', rf'\1 = "{without_end}"'),
        "a key": (r"(?m)^(\w+) = ", rf"{without_end}_\1 = "),
        "a figure": (r"(?m)^(\w+) = [^\"\[{].*$", rf'\1 = "{without_end}"'),
    }[what]
    path = settings.catalog_overlay / name
    path.parent.mkdir(parents=True)
    path.write_text(re.sub(old, new, text, count=2), encoding="utf-8")
    with suppress(typer.Exit):
        catalog_check()
    said = "".join(capsys.readouterr())
    assert max(map(len, said.splitlines())) < 2_000


@pytest.mark.parametrize("text", ["a." * 100_000 + "b = 1", "\n[" + "a." * 30_000 + "b]", "a = {" + "b." * 50_000 + "c = 1}"])
def test_a_key_of_as_many_parts_as_no_key_has_is_one_sentence(text: str) -> None:
    """Python's reader makes a table of each: 200 kB took 50 seconds and 5 GB."""
    with pytest.raises(WrongFileError, match=r"score.toml, line [12]: the line has more than 1,000 dots; no key has so many parts"):
        read(ScoreFile, "score.toml", text)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 100_000])
def test_a_file_that_python_cannot_read_is_one_sentence(text: str) -> None:
    with pytest.raises(WrongFileError, match=r"score.toml, line 1: lists lie in each other too deep, or a number has thousands of digits"):
        read(ScoreFile, "score.toml", text)
