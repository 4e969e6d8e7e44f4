"""The note as readers meet it: in the release, of a past day, and in a browser that can reach nothing."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html

from tests.pipeline.browser import CHROMIUM, PATIENCE, Tab, tab

DAY = "2025-07-22"
CHARTS = {"price", "receipts", "basis", "spot", "margin", "parity", "trade", "curve"}


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
    return {script.get("data-chart"): json.loads(script.text)["datasets"]["rows"] for script in document.xpath("//script[@data-chart]")}


def test_the_release_carries_the_note_of_its_newest_day_within_size_and_seal(sample) -> None:
    path = sample.home / "serving" / "note.html"
    document = html.fromstring(path.read_text(encoding="utf-8"))
    assert document.xpath("//time/@datetime")[0] == "2025-07-23"
    assert path.stat().st_size <= 3_000_000
    assert "note.html" in json.loads((sample.home / "serving" / "manifest.json").read_text())["files"]
    assert "SAMPLE DATA" in document.xpath("//p[@class='banner']")[0].text_content()


def test_the_page_says_what_the_outlook_says(sample, written: Path) -> None:
    document = html.fromstring(written.read_text(encoding="utf-8"))
    rows = sample.published(
        "select headline_zh, headline_en from serving.outlook_v2 where commodity_code = 'AO' and as_of_date = ? and horizon = 'short'", DAY
    )
    shown = document.xpath("//section[@class='outlook']")[0].text_content()
    assert all(sentence in shown for text in rows[0] for sentence in text.replace("。", "。|").replace(". ", ".|").split("|"))
    figures = {
        row.xpath("./th/span[@class='en']")[0].text: row.xpath("./td")[0].text_content()
        for row in document.xpath("//table[@class='figures']/tbody/tr")
    }
    assert figures["Close"] == "3,513"
    assert figures["Settlement"] == "3,452"
    assert figures["Registered receipts"] == "6,922"
    assert figures["Spot index, national"] == "3,199.18"
    assert figures["Profit"] == "358.18"
    assert figures["Futures premium at 11:30"] == "228.82"
    assert len(figures) == 34


def test_a_figure_has_its_place_among_those_of_the_trailing_window(sample, written: Path) -> None:
    document = html.fromstring(written.read_text(encoding="utf-8"))
    shown = {
        row.xpath("./th/span[@class='en']")[0].text: row.xpath("./td")[2].text_content()
        for row in document.xpath("//table[@class='figures']/tbody/tr")
    }
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
        ("Spot index, national", "fct_spot_daily", "spot_cny_t", "region = 'national' and provider = 'SMM' and frequency = 'daily'"),
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
        row.xpath("./th/span[@class='en']")[0].text: row.xpath("./td")[1].text_content()
        for row in document.xpath("//table[@class='figures']/tbody/tr")
        if len(row.xpath("./td")) > 3
    }
    (volume,) = sample.published(
        "select sum(case trade_date when date '2025-06-04' then volume_lots else -volume_lots end) from marts.fct_futures_daily "
        "where contract_code = 'AO2509' and trade_date in ('2025-06-03', '2025-06-04')"
    )
    assert changes["Volume"] == f"{int(volume[0]):+,}".replace("-", "−")
    assert changes["Futures premium at the close"] == changes["Premium rate at the close"] == "–"


def test_the_record_of_a_stance_stands_beside_it_as_it_was_known_then(command, sample, written: Path) -> None:
    def told(document) -> str:
        card = document.xpath("//article[contains(@class, 'card')]")[0]
        return " ".join(" ".join(card.xpath(".//text()[not(ancestor::*[@class='zh'])]")).split())

    asked = (
        "select printf('%.0f%% / %.0f%% n %d', 100 * stance_track_hit_ratio, 100 * stance_track_base_ratio, stance_track_n) from serving.outlook "
        "where commodity_code = 'AO' and horizon = 'short' and as_of_date = ?"
    )
    assert f"Record {sample.published(asked, DAY)[0][0]}" in told(html.fromstring(written.read_text(encoding="utf-8")))
    assert f"Record {sample.published(asked, '2024-12-02')[0][0]}" in told(note_of(command, sample, "2024-12-02"))
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
    assert {name: max(row["t"] for row in rows[name]) for name in CHARTS - {"trade"}} == dict.fromkeys(CHARTS - {"trade"}, "2025-05-20")
    assert max(row["t"] for row in rows["trade"]) == "2025-03-01"  # April came at 18:00, half an hour after the decision
    assert not document.xpath("//*[@id='h-claims']")  # the note it audits was not yet written


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "light"), (1440, "dark")])
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
    other = "zh" if language == "en" else "en"
    assert browser.evaluate(f"[...document.querySelectorAll('.{other}')].filter(e => e.getClientRects().length).length") == 0
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
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
    assert not any(re.search("[一-龥]|Vega", label) for label in labels_en)


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
