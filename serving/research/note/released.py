"""What a release carries of the page: the newest day of every commodity, their workbooks, and the index of all. Writes no file."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path, PurePosixPath

import duckdb

from serving.research.note import contents, page, workbook
from serving.research.note.model import compose


def released(con: duckdb.DuckDBPyConnection, overlay: Path | None, beside: Sequence[str]) -> dict[str, bytes]:
    """Give the files by name; `beside` names those of the release that the index leads to, too.

    The commodity that stands on most data is `note.html`, any other one `note_AL.html`.
    """
    newest = compose(con, overlay)
    first = newest.known.commodity_code
    codes = [
        code
        for (code,) in con.execute(
            "select distinct commodity_code from serving.outlook_v2 where commodity_code <> ? order by all", [first]
        ).fetchall()
    ]
    files: dict[str, bytes] = {}
    pages: dict[tuple[str, date], str] = {}
    for one in (newest, *(compose(con, overlay, None, code) for code in codes)):
        own = "" if one is newest else f"_{one.known.commodity_code}"
        name, book = (str(PurePosixPath(name).with_stem(f"{PurePosixPath(name).stem}{own}")) for name in (page.FILE_NAME, workbook.FILE_NAME))
        files |= {name: page.html(one).encode(), book: workbook.workbook(one)}
        pages[one.known.commodity_code, one.known.day] = name
    index = contents.contents(con, lambda code, day: pages.get((code, day)), [*files, *beside])
    return files | {contents.FILE_NAME: index.encode()}
