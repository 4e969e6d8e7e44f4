"""The page as one HTML file: words in both languages, figures, charts, nothing to load, nothing that could reach outside.

Everything that comes from data is escaped: markup by the template engine, charts' data as JSON that holds no `<`. A content security policy
that names the page's own two scripts by hash forbids any other script and every request.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from ingest.files import write_atomic
from ingest.settings import Settings
from serving.research import wording as words
from serving.research.note.bundle import bundle
from serving.research.note.charts import CONFIG
from serving.research.note.indicators import GROUPS
from serving.research.note.known import NoteError
from serving.research.note.model import Page, compose
from serving.research.note.paragraph import Figure
from serving.research.note.past import find
from serving.research.note.printing import pdf, png
from serving.research.note.workbook import workbook
from serving.research.wording import Said, number, say

FILE_NAME = "note.html"
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_HERE = Path(__file__).parent


FORMS = ("html", "xlsx", "pdf", "png")
"""What a page can be written as; the last two take a Chromium on this machine."""


class Written(NamedTuple):
    """The files, and what `past.Found` says of where the page is from."""

    paths: list[Path]
    restated: int
    decided: str
    built: str


def write_note(
    settings: Settings, day: date | None = None, commodity_code: str | None = None, *, forms: Sequence[str] = ("html",), english: bool = False
) -> Written:
    """Write the page of a day (default the newest published one) into `notes/` of the home, in each of the forms.

    Raises NothingPublishedError without a release, NoteError when the release has no outlook of that day or commodity or a catalogue file cannot
    be read, and NoPrinterError where a form takes a Chromium and there is none: before anything is written.
    """
    found = find(settings, day, commodity_code)
    page = found.page
    made = {
        "html": lambda: html(page).encode(),
        "xlsx": lambda: workbook(page),
        "pdf": lambda: pdf(html(page), english=english),
        "png": lambda: png(picture(page, "en" if english else "zh")),
    }
    bodies = {form: made[form]() for form in forms}
    stem = settings.root / "notes" / f"{page.known.commodity_code}-{page.known.day}"
    paths = []
    for form, body in bodies.items():
        path = stem.with_name(f"{stem.name}{'-en' if english and form in ('pdf', 'png') else ''}.{form}")
        write_atomic(path, body)
        paths.append(path)
    return Written(paths, *found[1:])


def render(con: duckdb.DuckDBPyConnection, overlay: Path | None, day: date | None = None, commodity_code: str | None = None) -> str:
    """Give the page from an open release; raises NoteError when it has no outlook of that day or commodity or a catalogue file cannot be read."""
    return html(compose(con, overlay, day, commodity_code))


def html(page: Page) -> str:
    """Write a page as HTML."""
    script, library = (_HERE / "page.js").read_text(encoding="utf-8"), bundle()
    text: str = template("page.html").render(
        page=page,
        known=page.known,
        first=page.first,
        json=plain_json,
        config=CONFIG,
        monthly={one.signal for _, group in GROUPS for one in group if one.rhythm == "month" and one.signal},
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        library=library,
        policy=policy(library, script),
    )
    return text


def picture(page: Page, language: str) -> str:
    """Write the headline block alone as HTML, for a picture of it: one language, no script."""
    text: str = template("picture.html").render(
        page=page, known=page.known, first=page.first, language=language, style=(_HERE / "page.css").read_text(encoding="utf-8"), policy=policy()
    )
    return text


@cache
def template(name: str) -> Any:
    """Give a template of this folder, with the words of both languages; everything put into it is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"number": number}
    environment.globals |= {"words": words, "Said": Said, "say": say, "is_figure": lambda part: isinstance(part, Figure)}
    return environment.get_template(name)


def policy(*scripts: str) -> str:
    """Give the content security policy of a page that runs its own scripts alone and asks for nothing."""
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            "img-src data:",
            f"script-src {' '.join(_hash(script) for script in scripts) or chr(39) + 'none' + chr(39)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def plain_json(value: Any) -> str:
    """Write JSON that can stand in a script element: nothing in it can end the element or start markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


__all__ = ["FILE_NAME", "FORMS", "NoteError", "html", "picture", "policy", "render", "template", "write_note"]
