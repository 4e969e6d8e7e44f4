"""The note as readers meet it: in the release, of a past day, and in a browser that can reach nothing."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import openpyxl
import pypdf
import pytest
from lxml import html

from serving.research.note import printing
from tests.pipeline.browser import CHROMIUM, PATIENCE, Tab, tab

DAY = "2025-07-22"
FIGURES = ["price", "receipts", "premium", "profit", "imports", "trade"]
MORE = ["regions", "curve", "spreads", "positions", "members", "season_receipts", "season_stocks", "season_basis", "score", "record"]
CHARTS = {*FIGURES, *MORE}


@pytest.fixture(scope="module")
def written(command, sample) -> Path:
    done = command(sample.home, "note", DAY, "--commodity", "ao")
    assert done.returncode == 0, done.stderr
    assert f"written: {sample.home / 'notes' / f'AO-{DAY}.html'}" in done.stdout
    return sample.home / "notes" / f"AO-{DAY}.html"


@pytest.fixture(scope="module")
def command():
    from tests.pipeline.conftest import alumina

    return alumina


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Tab]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    pytest.importorskip("websockets", reason="no websocket client in this environment")
    with tab(tmp_path) as one:
        yield one


def chart_rows(document: html.HtmlElement) -> dict[str, list[dict]]:
    found = {script.get("data-chart"): json.loads(script.text)["datasets"]["rows"] for script in document.xpath("//script[@data-chart]")}
    return {key: [dict(zip(data["columns"], values, strict=True)) for values in data["values"]] for key, data in found.items()}


def read(path: Path) -> html.HtmlElement:
    return html.fromstring(path.read_text(encoding="utf-8"))


def told(element: html.HtmlElement, language: str = "en") -> str:
    """The text of an element in one language."""
    other = {"en": "zh", "zh": "en"}[language]
    return " ".join("".join(element.xpath(f".//text()[not(ancestor::*[contains(concat(' ', @class, ' '), ' {other} ')])]")).split())


def test_the_release_carries_page_workbook_and_index_within_size_and_seal(sample) -> None:
    release = sample.home / "serving"
    document = read(release / "note.html")
    assert document.xpath("//time/@datetime")[0] == "2025-07-23"
    assert (release / "note.html").stat().st_size <= 1_500_000
    names = {f"note{own}.{form}" for own in ("", "_AL", "_LC") for form in ("html", "xlsx")}
    assert names | {"index.html"} <= set(json.loads((release / "manifest.json").read_text())["files"])
    assert "SAMPLE DATA" in document.xpath("//p[@class='banner']")[0].text_content()


def test_every_number_of_the_first_paragraph_is_the_one_in_its_row(sample, written: Path) -> None:
    """Each is bound to table, column and key: asked for as an analyst would, the row gives the number."""
    figures = read(written).xpath("//p[@class='lead']//data")
    assert len(figures) > 30
    for figure in figures:
        table, _, column = figure.get("data-row").rpartition(".")
        keys = parse_qsl(figure.get("data-key"))
        where = " and ".join(f"{name} = ?" for name, _ in keys)
        found = sample.published(f"select {column} from {table} where {where}", *(value for _, value in keys))
        assert [round(value, 6) for (value,) in found] == [round(float(figure.get("value")), 6)], figure.attrib
        shown = re.match(r"[+−]?[\d,]+(\.\d+)?", figure.text)
        if shown and figure.xpath("ancestor::span[@class='en']"):  # the English page scales nothing but a share; a state is a word
            of_ratio = f"select count(*) from {table} where {where} and unit = 'ratio'"
            is_share = figure.text.endswith("%") and "drivers" in table and sample.published(of_ratio, *(value for _, value in keys)) != [(0,)]
            written_as = float(shown[0].replace(",", "").replace("−", "-").replace("+", ""))
            digits = len((shown[1] or ".")[1:])
            assert abs(written_as - float(figure.get("value")) * (100 if is_share else 1)) <= 0.5000001 * 10**-digits, figure.text


def test_the_headline_and_the_six_figures_of_the_research_note(written: Path) -> None:
    """What an editor would strike out: a change on another price than every terminal's, a unit no desk uses, a state as a number, a rule for a fact."""
    document = read(written)
    zh, en = (told(document.xpath("//p[@class='lead']")[0], language) for language in ("zh", "en"))
    assert zh.startswith("AO2509收于3,513元/吨，较前结算+6.07%（收盘对收盘+3.75%）。成交98.81万手，持仓21.16万手")
    assert en.startswith("AO2509 closed at 3,513 CNY/t, +6.07% on the prior settlement (+3.75% close to close).")
    assert "证据倾向：短期偏多，中期偏多，长期偏空。" in zh
    assert all(
        word in zh
        for word in (
            "主要驱动为",
            "上方阻力3,577",
            "下方支撑3,500",
            "风险：波动过大（两日波幅4.62倍标准差",
            "此外：逼仓风险",
            "改变看法：收盘价跌破20日均线",
        )
    )
    assert not any(wrong in zh for wrong in ("千吨", "千手", "集中到期", "有利可图", "2.00"))
    strip = [
        (told(one.xpath("./dt")[0]), told(one.xpath("./dd")[0]), told(one.xpath("./dd")[1]))
        for one in document.xpath("//section[@class='headline']//dl/div")
    ]
    assert strip == [
        ("Close", "3,513 CNY/t", "+6.07%"),
        ("Open interest", "211,592 lots", "−9,954"),
        ("Registered receipts", "6,922 t", "0"),
        ("Spot index", "3,199.18 CNY/t", "+14.12"),
        ("Futures premium at the close", "313.82 CNY/t", "+112.88"),
        ("Profit", "358.18 CNY/t", "+14.12"),
    ]


def test_the_order_of_the_page_is_a_desks(written: Path) -> None:
    document = read(written)
    assert [head.get("id") for head in document.xpath("//main//h2")] == [
        "h-headline", "h-outlook", "h-changes", "h-figures", "h-drivers", "h-risks", "h-levels", "h-ahead", "h-quality", "h-all", "h-appendix",
    ]  # fmt: skip
    assert [one.get("data-chart") for one in document.xpath("//section[@aria-labelledby='h-figures']//script")] == FIGURES
    assert [one.get("data-chart") for one in document.xpath("//section[@aria-labelledby='h-all']//script")] == MORE
    ahead = [told(one) for one in document.xpath("//ul[@class='ahead']/li")]
    assert ahead[0] == "08-15 Last trading day AO2508, delivery follows; open interest 20,948 lots"
    assert any(one.startswith("08-20 Customs trade of 2025-07 by code") for one in ahead)
    assert any("Policy follow-up 2025-07-18, no document has followed yet" in one for one in ahead)


def test_words_and_units_are_the_trades(written: Path) -> None:
    document = read(written)
    risks = told(document.xpath("//section[@aria-labelledby='h-risks']")[0], "zh")
    assert "虚实盘比状态 警戒" in risks
    assert "上行尾部风险" in risks
    assert "预期差" in risks
    assert "期现正套打开" not in risks  # it draws goods to warehouses: no risk
    page_zh = told(document.xpath("//main")[0], "zh")
    assert "270.6" in page_zh
    assert "千吨" not in page_zh
    assert "千手" not in page_zh
    sources = [told(one, language) for one in document.xpath("//ul[@class='events']/li/small") for language in ("zh", "en")]
    assert sources[0].startswith("部委")
    assert sources[1].startswith("MIIT at the SCIO press conference")


def test_the_figures_are_those_of_the_marts(written: Path) -> None:
    figures = {
        row.xpath("./th/span[@class='en']")[0].text: told(row.xpath("./td")[0]) for row in read(written).xpath("//table[@class='figures']/tbody/tr")
    }
    assert figures["Close"] == "3,513"
    assert figures["Settlement"] == "3,452"
    assert figures["Registered receipts"] == "6,922"
    assert figures["Spot index"] == "3,199.18"
    assert figures["Profit"] == "358.18"
    assert figures["Futures premium at 11:30"] == "228.82"
    assert figures["Stocks of the users"] == "2,706"
    assert len(figures) == 34


def test_a_commodity_without_a_feed_shows_no_rows_for_it_and_says_so(command, sample) -> None:
    assert command(sample.home, "note", DAY, "--commodity", "LC").returncode == 0
    document = read(sample.home / "notes" / f"LC-{DAY}.html")
    names = [told(row) for row in document.xpath("//table[@class='figures']/tbody/tr/th")]
    assert names
    assert not any("Cost" in name or "Import" in name for name in names)
    assert document.xpath("//tr[@class='missing']") == []
    assert {script.get("data-chart") for script in document.xpath("//script[@data-chart]")} < CHARTS
    assert "Without a source, so not shown: " in told(document.xpath("//section[@aria-labelledby='h-quality']")[0])


def test_a_figure_has_its_place_among_those_of_the_trailing_window(sample, written: Path) -> None:
    document = html.fromstring(written.read_text(encoding="utf-8"))
    shown = {row.xpath("./th/span[@class='en']")[0].text: told(row.xpath("./td")[2]) for row in document.xpath("//table[@class='figures']/tbody/tr")}
    ranked = """
        with recent as (
            select trade_date, {column} as value from marts.{mart}
            where commodity_code = 'AO' and {where} and trade_date <= date '2025-07-22' and {column} is not null
            order by trade_date desc limit 250
        )
        select printf('%.0f%%', 100.0 * avg(case when value <= (select arg_max(value, trade_date) from recent) then 1 else 0 end)) from recent
    """
    for name, mart, column, where in (
        ("Close", "fct_futures_daily", "close_cny_t", "is_dominant"),
        ("Open interest", "fct_futures_daily", "open_interest_lots", "is_dominant"),
        ("Spot index", "fct_spot_daily", "spot_cny_t", "region = 'national' and provider = 'SMM' and frequency = 'daily'"),
    ):
        assert [(shown[name],)] == sample.published(ranked.format(mart=mart, column=column, where=where)), name
    # What comes by week or month counts on every session until the next; what the score ranks keeps the score's own place.
    (rates,) = sample.published(
        """
        with known as (
            select t.trade_date, arg_max(c.utilisation_pct, c.period_end) as rate
            from marts.dim_trading_day as t
            inner join marts.fct_capacity as c
                on c.commodity_code = 'AO' and c.region = 'national' and c.frequency = 'weekly' and c.provider = 'SMM'
                and c.period_end <= t.trade_date and c.available_at <= t.trade_date::timestamptz + interval '17 hours 30 minutes'
            where t.trade_date <= date '2025-07-22'
            group by t.trade_date
            order by t.trade_date desc
            limit 250
        )
        select count(*), printf('%.0f%%', 100.0 * avg(case when rate <= (select arg_max(rate, trade_date) from known) then 1 else 0 end)) from known
        """
    )
    assert rates == (250, shown["Operating rate"])
    (score,) = sample.published(
        "select printf('%.0f%%', 100 * percentile_ratio) from serving.outlook_drivers "
        "where commodity_code = 'AO' and as_of_date = date '2025-07-22' and signal = 'exports_mom_pct' and driver_kind = 'component'"
    )
    assert score == (shown["Exports, month on month"],)


def note_of(command, sample, day: str) -> html.HtmlElement:
    assert command(sample.home, "note", day).returncode == 0
    return html.fromstring((sample.home / "notes" / f"AO-{day}.html").read_text(encoding="utf-8"))


def test_a_call_that_changed_is_said_to_have_changed(command, sample) -> None:
    rows = sample.published(
        "select direction, stance, risk_flags from serving.outlook_v2 where commodity_code = 'AO' and horizon = 'medium' "
        "and as_of_date in ('2025-07-22', '2025-07-23') order by as_of_date"
    )
    assert [row[:2] for row in rows] == [("up", 1), ("sideways", 0)]
    (_, medium, _) = note_of(command, sample, "2025-07-23").xpath("//ul[@class='calls']/li")
    said = " ".join("".join(medium.xpath(".//*[@class='en']//text()")).split())
    assert "Leans up +1" in said
    assert "Leans to neither side 0" in said
    assert ("cleared: overextended" in said.lower()) == ("OVEREXTENDED" in rows[0][2] and "OVEREXTENDED" not in rows[1][2])


def test_across_a_roll_no_change_joins_two_contracts(command, sample) -> None:
    """On 2025-06-04 the dominant contract rolled: what is told is AO2509 against itself, or nothing."""
    document = note_of(command, sample, "2025-06-04")
    changes = {
        row.xpath("./th/span[@class='en']")[0].text: told(row.xpath("./td")[1])
        for row in document.xpath("//table[@class='figures']/tbody/tr")
        if len(row.xpath("./td")) > 3
    }
    (volume,) = sample.published(
        "select sum(case trade_date when date '2025-06-04' then volume_lots else -volume_lots end) from marts.fct_futures_daily "
        "where contract_code = 'AO2509' and trade_date in ('2025-06-03', '2025-06-04')"
    )
    assert changes["Volume"] == f"{int(volume[0]):+,}".replace("-", "−")
    assert changes["Futures premium at the close"] == changes["Premium rate"] == "–"


def test_the_record_of_a_stance_stands_beside_it_as_it_was_known_then(command, sample, written: Path) -> None:
    def short(document) -> str:
        return told(document.xpath("//article[contains(@class, 'card')]")[0])

    asked = (
        "select printf('%.0f%% / %.0f%% n %d', 100 * stance_track_hit_ratio, 100 * stance_track_base_ratio, stance_track_n) from serving.outlook "
        "where commodity_code = 'AO' and horizon = 'short' and as_of_date = ?"
    )
    assert sample.published(asked, DAY)[0][0] in short(read(written))
    assert sample.published(asked, "2024-12-02")[0][0] in short(note_of(command, sample, "2024-12-02"))
    assert sample.published(asked, DAY) != sample.published(asked, "2024-12-02")


def test_net_trade_stands_over_the_bars_of_its_month(browser: Tab, written: Path) -> None:
    browser.open(written.as_uri(), 1440)
    gap = browser.evaluate(
        """
        (() => {
            const middle = e => { const box = e.getBoundingClientRect(); return (box.left + box.right) / 2 };
            const svg = document.querySelector('#chart-trade svg');
            const bars = [...svg.querySelectorAll('.mark-rect.role-mark')][0].children, dots = svg.querySelector('.mark-symbol.role-mark').children;
            return Math.max(...[...dots].map((dot, place) => Math.abs(middle(dot) - middle(bars[place]))));
        })()
        """
    )
    assert gap < 1


def test_a_past_day_ends_at_its_decision(command, sample) -> None:
    assert command(sample.home, "note", "2025-05-20").returncode == 0
    document = html.fromstring((sample.home / "notes" / "AO-2025-05-20.html").read_text(encoding="utf-8"))
    rows = chart_rows(document)
    assert set(rows) == CHARTS
    daily = CHARTS - {"trade", "season_stocks"}
    assert {name: max(row["t"] for row in rows[name]) for name in daily} == dict.fromkeys(daily, "2025-05-20")
    assert max(row["t"] for row in rows["season_stocks"]) <= "2025-05-20"
    assert max(row["t"] for row in rows["trade"]) == "2025-03-01"  # April came at 18:00, half an hour after the decision
    assert "2025-05-2" not in "".join(re.findall(r"2025-05-2[1-9]", "".join(document.xpath("//section[@aria-labelledby='h-appendix']//text()"))))


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "light"), pytest.param(1440, "dark", marks=pytest.mark.full)])
@pytest.mark.parametrize(("language", "mark", "word"), [("zh-CN", "", "进口"), ("en", "#en", "Imports")])
def test_it_opens_in_a_browser_without_errors_or_requests(
    browser: Tab, written: Path, width: int, scheme: str, language: str, mark: str, word: str
) -> None:
    browser.open(written.as_uri() + mark, width, scheme=scheme)
    assert browser.complaints == []
    assert [address for address in browser.requests if not address.startswith(("data:", written.as_uri()))] == []
    marks = browser.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.chart')].map(c => [c.id.slice(6), c.querySelectorAll('svg g[class*=mark-].role-mark > *').length]))"
    )
    assert set(marks) == CHARTS
    assert min(marks.values()) > 2
    assert browser.evaluate("document.documentElement.lang") == language
    assert word in browser.evaluate("document.querySelector('#chart-trade svg').textContent")
    heights = browser.evaluate("[...document.querySelectorAll('.chart')].map(c => c.clientHeight)")
    assert set(heights) == {350}, heights  # what was kept free for them: nothing below moved when they were drawn
    other = "zh" if language == "en" else "en"
    assert browser.evaluate(f"[...document.querySelectorAll('.{other}')].filter(e => e.getClientRects().length).length") == 0
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    # No legend is cut off at the right.
    assert (
        browser.evaluate(
            "[...document.querySelectorAll('.chart svg')].filter(s => [...s.querySelectorAll('.role-legend')].some("
            "l => l.getBoundingClientRect().right > s.getBoundingClientRect().right + 1)).map(s => s.closest('.chart').id)"
        )
        == []
    )
    # Nothing stands out of its own box: figures, cards, cells and charts.
    assert (
        browser.evaluate(
            "[...document.querySelectorAll('figure, .card, .figures td, .rule')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 200))"
        )
        == []
    )


def test_on_paper_every_page_shows_its_text_and_charts_fit_half_a_page(browser: Tab, written: Path) -> None:
    browser.open(written.as_uri(), 1440)
    wide = browser.evaluate("document.querySelector('#chart-price svg').viewBox.baseVal.width")
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate("Math.max(...[...document.querySelectorAll('.chart svg')].map(s => s.viewBox.baseVal.width))") < 450 < wide
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate("document.querySelector('#chart-price svg').viewBox.baseVal.width") == wide
    # A picture over the whole page is opaque in some viewers of PDF files.
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.evaluate("getComputedStyle(document.body, '::before').backgroundImage") == "none"
    assert "SAMPLE" in browser.evaluate("getComputedStyle(document.body, '::before').content")


def test_every_part_is_in_a_landmark_and_a_chart_is_read_by_its_description(browser: Tab, written: Path) -> None:
    browser.open(written.as_uri(), 1440)
    assert browser.evaluate("[...document.body.children].filter(e => !e.matches('header, main, footer, script, #vg-tooltip-element')).length") == 0
    labels = "[...document.querySelectorAll('.chart[role=img][tabindex=\"0\"]')].filter(c => c.querySelector('svg[aria-hidden=true]')).map(c => c.ariaLabel)"
    assert len(labels_zh := browser.evaluate(labels)) == len(CHARTS)
    assert any("6,922" in label for label in labels_zh)
    assert all(re.search("[一-龥]", label) for label in labels_zh)
    browser.open(written.as_uri() + "#en", 1440)
    assert len(labels_en := browser.evaluate(labels)) == len(CHARTS)
    assert [label for label in labels_en if re.search("[一-龥]|Vega", label)] == []


# Marks of charts are hidden from readers and thousands: left out.
AXE = """axe.run({include: %s, exclude: [['.chart svg']]}, {runOnly: ['wcag2a', 'wcag2aa', 'best-practice'], resultTypes: ['violations']})
    .then(found => found.violations.map(one => [one.id, one.nodes.map(node => node.html.slice(0, 120))]))"""


@pytest.mark.parametrize(("width", "scheme", "mark"), [(1440, "light", ""), pytest.param(390, "dark", "#en", marks=pytest.mark.full)])
def test_nothing_stands_in_the_way_of_a_reader_with_other_means(browser: Tab, written: Path, width: int, scheme: str, mark: str) -> None:
    """Contrast AA, names, order, landmarks, by axe-core; the sample's watermark, which lies over all text, is taken off so that contrast can be told."""
    axe = pytest.importorskip("axe_core_python.base", reason="axe-core is not installed")
    browser.open(written.as_uri() + mark, width, scheme=scheme)
    browser.evaluate("document.body.classList.remove('sample')")
    browser.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8") + "; 0")
    assert browser.evaluate(AXE % "[['html']]") == []
    # It sees what it must: quiet text made quieter, a chart without its text.
    browser.evaluate("document.querySelector('.foot').style.color = '#888'; document.querySelector('.foot').style.background = '#999'")
    browser.evaluate("document.querySelector('.chart').removeAttribute('aria-label')")
    assert {name for name, _ in browser.evaluate(AXE % "[['.foot'], ['.chart']]")} == {"color-contrast", "role-img-alt"}


def test_charts_and_wide_tables_are_reached_by_the_keyboard(browser: Tab, written: Path) -> None:
    browser.open(written.as_uri(), 1440)
    reached = []
    for _ in range(60):
        for kind in ("rawKeyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(browser.evaluate("document.activeElement.id || document.activeElement.className || document.activeElement.tagName"))
    assert {f"chart-{key}" for key in CHARTS} <= set(reached)
    assert "scroll" in reached
    assert reached[:2] == ["to-zh", "to-en"]


def test_a_missing_font_falls_back(browser: Tab, written: Path) -> None:
    browser.open(written.as_uri(), 1440)
    families = browser.evaluate("getComputedStyle(document.documentElement).fontFamily")
    assert families.endswith("sans-serif")
    assert browser.evaluate("[...document.fonts].length") == 0  # nothing to wait for


@pytest.mark.full
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_note_on_paper_and_its_headline_as_a_picture(command, sample) -> None:
    done = command(sample.home, "note", DAY, "--commodity", "AO", "--as", "pdf", "--as", "png", "--english")
    assert done.returncode == 0, done.stderr
    notes = sample.home / "notes"
    pages = pypdf.PdfReader(notes / f"AO-{DAY}-en.pdf").pages
    assert 4 <= len(pages) <= 12
    assert "+6.07%" in pages[0].extract_text()
    assert "什么" not in pages[0].extract_text()
    head = (notes / f"AO-{DAY}-en.png").read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    assert width == 2160
    assert 900 < height < 2400


def test_without_a_browser_there_is_the_page_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "NAMES", ("no-such-browser",))
    with pytest.raises(printing.NoPrinterError, match=r"there is no Chromium on this machine .* the HTML page prints from any browser"):
        printing.pdf("<p>", english=False)


def test_the_workbook_holds_the_tables_as_numbers_with_units(sample) -> None:
    book = openpyxl.load_workbook(sample.home / "serving" / "note.xlsx")
    names = book.sheetnames
    assert names[:9] == [
        "要点 Headline",
        "期限 Horizons",
        "指标 Figures",
        "驱动 Drivers",
        "变化 Changes",
        "风险与情景 Scenarios",
        "价位 Levels",
        "日程 Ahead",
        "来源 Sources",
    ]
    assert {name.split()[-1] for name in names[9:]} == CHARTS
    assert {sheet.freeze_panes for sheet in book} == {"B2"}
    figures = {row[1].value: row for row in book["指标 Figures"].iter_rows(min_row=2)}
    receipts, spot = figures["注册仓单 Registered receipts"], figures["现货指数 Spot index"]
    asked = "select receipts_t from marts.fct_receipts_daily where commodity_code = 'AO' and trade_date = '2025-07-23'"
    assert [(receipts[2].value,)] == sample.published(asked)
    assert (receipts[3].value, spot[3].value, spot[2].data_type) == ("吨 t", "元/吨 CNY/t", "n")
    assert spot[6].is_date
    assert [cell.coordinate for sheet in book for row in sheet for cell in row if cell.data_type == "f"] == []


@pytest.mark.parametrize("code", ["AL", "LC"])
def test_a_commodity_without_vendors_has_its_page_without_an_empty_row(sample, code: str) -> None:
    """What nobody ever gave a figure of is named once and has no row, no chart and no sheet."""
    document = read(sample.home / "serving" / f"note_{code}.html")
    assert code in told(document.xpath("//p[@class='kicker']")[0])
    shown = [told(row) for row in document.xpath("//table[@class='figures']//th[@scope='row']")]
    assert any(row.startswith("Registered receipts") for row in shown)
    absent = told(document.xpath("//section[@aria-labelledby='h-quality']/p[last()]")[0])
    for name in ("Spot index", "Operating rate", "Imports"):
        assert not any(row.startswith(name) for row in shown), shown
        assert name in absent
    assert {"price", "receipts"} <= set(chart_rows(document)) <= CHARTS - {"profit", "imports", "trade", "premium", "regions"}
    assert all(chart_rows(document).values())
    sheets = openpyxl.load_workbook(sample.home / "serving" / f"note_{code}.xlsx", read_only=True).sheetnames
    assert {name.split()[-1] for name in sheets} & CHARTS == set(chart_rows(document))
    index = read(sample.home / "serving" / "index.html")
    assert len(index.xpath(f"//section[@aria-labelledby='h-latest']//a[@href='note_{code}.html']")) == 1
    assert index.xpath(f"//table[@id='days']//a[@href='note_{code}.html']/text()") == ["2025-07-23"]


def test_the_index_lists_all_days_sorts_and_searches(browser: Tab, sample) -> None:
    page = sample.home / "serving" / "index.html"
    document = read(page)
    (days,) = sample.published("select count(*) from (select distinct commodity_code, as_of_date from serving.outlook_v2)")
    assert len(document.xpath("//table[@id='days']/tbody/tr")) == days[0]
    for link in document.xpath("//a/@href[not(starts-with(., '#'))]"):
        assert (page.parent / link).is_file(), link
    assert document.xpath("//section[@aria-labelledby='h-claims']//ul/li")
    browser.open(page.resolve().as_uri(), 390)
    assert browser.complaints == []
    assert [address for address in browser.requests if not address.startswith("data:")] == [page.resolve().as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    shown = "[...document.querySelectorAll('#days tbody tr')].filter(row => !row.hidden)"
    browser.evaluate("{ const box = document.getElementById('search'); box.value = 'ao 2025-07-2'; box.dispatchEvent(new Event('input')) }")
    assert browser.evaluate(f"{shown}.length") == 3
    browser.evaluate("[...document.querySelectorAll('#days th button')][2].click()")
    closes = browser.evaluate(f"{shown}.map(row => Number(row.cells[2].textContent.replace(',', '')))")
    assert closes == sorted(closes)
    assert browser.evaluate("document.querySelector('#days th[aria-sort]').getAttribute('aria-sort')") == "ascending"


def test_every_chart_is_valid_vega_lite(written: Path) -> None:
    """The page makes them without checking each part, for speed."""
    import altair as alt

    document = html.fromstring(written.read_text(encoding="utf-8"))
    for script in document.xpath("//script[@data-chart]"):
        alt.LayerChart.from_dict(json.loads(script.text), validate=True)


def test_the_language_switches_in_the_page(browser: Tab, written: Path) -> None:
    browser.open(written.as_uri(), 1440)
    browser.evaluate("document.querySelector('.to-en').click()")
    deadline = time.monotonic() + PATIENCE
    while "Imports" not in browser.evaluate("document.querySelector('#chart-trade').textContent") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "Imports" in browser.evaluate("document.querySelector('#chart-trade svg').textContent")
    assert "Alumina daily note" in browser.evaluate("document.title")
    assert browser.complaints == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("note", "2025-07-20"), "no outlook for any commodity on 2025-07-20; published: AL from 2023-06-19"),
        (("note", "--commodity", "CU"), "no outlook for CU on any day"),
        (("note", "tomorrow"), "the day 'tomorrow' is not a day"),
    ],
)
def test_a_mistake_is_one_sentence(command, sample, arguments: tuple[str, ...], sentence: str) -> None:
    done = command(sample.home, *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
