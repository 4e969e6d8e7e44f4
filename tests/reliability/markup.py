"""Markup in texts of a release: it is told as text, and never becomes an element, an attribute, a script or an address of the note's page.

Every page is also opened in a browser, where there is one: nothing of the text may run, nothing is asked for, and no line leaves the page.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import duckdb
from lxml import html

from serving.publish.release import FILE_NAME
from serving.research.note import page
from tests.pipeline.browser import CHROMIUM, Tab, tab
from tests.reliability.case import Bench, Step

MARK = "canary"
HOSTILE = (
    "</script><script>alert(1)</script>&\"'<b>",
    f'<img src=x onerror="window.{MARK}=1">',
    f'"><svg/onload=window.{MARK}=1>',
    f"' onmouseover='window.{MARK}=1' x='",
    f'<iframe srcdoc="<script>parent.{MARK}=1</script>"></iframe>',
    f"javascript:window.{MARK}=1",
    f"<a href=javascript:window.{MARK}=1>x</a>",
    f"--><script>window.{MARK}=1</script><!--",
    f"]]><script>window.{MARK}=1</script>",
    f"</title></style></textarea><script>window.{MARK}=1</script>",
    f"\\u003cscript\\u003ewindow.{MARK}=1\\u003c/script\\u003e",
    f"&lt;script&gt;window.{MARK}=1&lt;/script&gt;",
    f"\u2028</ScRiPt ><sCrIpT>window.{MARK}=1</sCrIpT >",
    f"<base href=https://{MARK}.example/><link rel=stylesheet href=//{MARK}.example/x>",
    f"<meta http-equiv=refresh content='0;url=https://{MARK}.example/'>",
    f"<math><mtext><table><mglyph><style><img src=x onerror=window.{MARK}=1>",
    f"${{window.{MARK}=1}} {{{{constructor.constructor('window.{MARK}=1')()}}}}",
    f"<form action=https://{MARK}.example/><input autofocus onfocus=window.{MARK}=1>",
    "\u202e<b>\u0007</b>\ufeff",
    f"<object data=https://{MARK}.example/></object><embed src=//{MARK}.example/>",
)
LONGEST = max(HOSTILE, key=len)
WIDTH = 1280
_TEXTS = """
    select schema_name, table_name, column_name from duckdb_columns()
    where data_type = 'VARCHAR' and not internal and table_oid in (select table_oid from duckdb_tables()) order by all
"""


def injections(bench: Bench, steps: range) -> Iterator[Step]:
    """Each step puts one hostile text into every row of one text column of a release, and renders the note; columns that change no page are passed over."""
    folder = bench.fresh("markup")
    copy = folder / FILE_NAME
    copy.write_bytes((bench.home() / "serving" / FILE_NAME).read_bytes())
    with duckdb.connect(str(copy)) as con, ExitStack() as opened:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        browser = opened.enter_context(tab(folder / "profile")) if CHROMIUM else None
        plain, columns = page.render(con, None), shown(con)
        for number in steps:
            name, text, rendered = "", HOSTILE[number % len(HOSTILE)], None
            while rendered in (None, plain):
                columns = [column for column in columns if column != name]
                name = columns[number % len(columns)]
                rendered = with_texts(con, {name: text})
            bad = foreign(str(rendered), plain)
            if browser is not None and not bad:
                bad += in_a_browser(browser, str(rendered), folder / "page.html")
            yield Step(1, tuple(f"{text!r} in {name}: {what}" for what in bad))


def shown(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Name the text columns of the tables the note reads, as schema."table"."column", in an order of no meaning."""
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(page.__file__).parent.rglob("*.py"))
    read = set(re.findall(r"\b(?:marts|serving)\.(\w+)", sources))
    columns = [f'{schema}."{table}"."{column}"' for schema, table, column in con.execute(_TEXTS).fetchall() if table in read]
    Random(0).shuffle(columns)
    return columns


def with_texts(con: duckdb.DuckDBPyConnection, texts: dict[str, str], *, before: bool = False) -> str | None:
    """Render the note with a text in every row of each column, or before what stands there; None when it is refused whole, be it by a declared key.

    The release is then as it was.
    """
    con.begin()
    try:
        for name, text in texts.items():
            table, _, column = name.rpartition(".")
            own = f"|| ' ' || {column}" if before else ""
            try:
                con.execute(f"update {table} set {column} = ? {own} where {column} is not null", [text])
            except duckdb.ConstraintException:
                return None
        with suppress(Exception):  # the release is refused with what is raised here, see `serving.publish.release`
            return page.render(con, None)
        return None
    finally:
        con.rollback()


# Texts of others that every page shows: what they wrote, and what names their places and people.
FROM_OUTSIDE = (
    "marts.fct_policy_events.summary", "marts.fct_policy_events.event_source", "marts.fct_policy_events.authority", "marts.fct_members_daily.participant",
    "marts.fct_receipts_warehouse_daily.region", "marts.dim_commodity.name_zh", "marts.dim_commodity.name_en", "serving.outlook_drivers.driver_name",
    "serving.outlook_drivers.driver_name_zh", "serving.outlook_scenarios.if_text_zh", "serving.outlook_scenarios.then_text_en", "serving.outlook_v2.disclaimer",
)  # fmt: skip


def together(bench: Bench, texts: dict[str, str] | None = None) -> tuple[list[str], str]:
    """Put texts into columns at once, else a hostile one into each of a dozen; give what is wrong with the page, and the page."""
    folder = bench.fresh("together")
    copy = folder / FILE_NAME
    copy.write_bytes((bench.home() / "serving" / FILE_NAME).read_bytes())
    with duckdb.connect(str(copy)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        plain = page.render(con, None)
        # Before what stands there, so that regions and members stay several.
        hostile = {name: f"{place} {HOSTILE[place]}" for place, name in enumerate(FROM_OUTSIDE)}
        hostile |= {"serving.outlook_v2.status": LONGEST}  # a badge, which is never broken
        rendered = with_texts(con, texts or hostile, before=True) or ""
    bad = foreign(rendered, plain)
    if CHROMIUM:
        with tab(folder / "profile") as browser:
            bad += in_a_browser(browser, rendered, folder / "page.html")
    return bad, rendered


def foreign(rendered: str, plain: str) -> list[str]:
    """Name what is in a page and not in the plain one: another script, a loader, a handler, an address that is a script, broken data."""
    document, before = html.fromstring(rendered), html.fromstring(plain)
    found = [f"a script: {text[:80]}" for text in (Counter(_scripts(document)) - Counter(_scripts(before)))]
    found += [
        f"an element {name}"
        for name in ("iframe", "object", "embed", "img", "base", "form", "input", "math")
        if _count(document, name) > _count(before, name)
    ]
    found += [f"a handler {name}" for name in sorted(_attributes(document) - _attributes(before)) if name.startswith("on")]
    found += [
        f"an address {value[:80]}"
        for value in document.xpath("//@href | //@src | //@action")
        if value.strip().lower().startswith(("javascript:", "data:text", "//"))
    ]
    for script in document.xpath("//script[@type='application/json' or @data-chart]"):
        try:
            json.loads(script.text or "null")
        except ValueError:
            found.append(f"data that is cut off: {script.attrib}")
    return found


def _scripts(document: html.HtmlElement) -> list[str]:
    return [script.text or "" for script in document.xpath("//script[not(@type='application/json') and not(@data-chart)]")]


def _count(document: html.HtmlElement, name: str) -> int:
    return len(document.xpath(f"//{name}"))


def _attributes(document: html.HtmlElement) -> set[str]:
    return {name for element in document.iter() for name in element.attrib if isinstance(name, str)}


def in_a_browser(browser: Tab, rendered: str, file: Path) -> list[str]:
    """Open a page in a browser: nothing of the text may run, nothing is asked for, and nothing stands out of the page."""
    file.write_text(rendered, encoding="utf-8")
    browser.requests.clear()
    try:
        browser.open(file.as_uri(), WIDTH)
    except AssertionError as error:
        return [str(error)[:300]]
    found = [] if browser.evaluate(f"typeof window.{MARK}") == "undefined" else ["it ran in a browser"]
    found += [f"a browser asked for {address}" for address in browser.requests if not address.startswith(("file:", "data:", "blob:"))]
    wide = browser.evaluate("document.documentElement.scrollWidth")
    return found + ([f"the page is {wide} wide"] if wide > WIDTH else [])
