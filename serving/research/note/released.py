"""What a release carries of the page: the newest day, its workbook, and the index of all. Writes no file."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from serving.research.note import contents, page, workbook
from serving.research.note.model import compose


def released(con: duckdb.DuckDBPyConnection, overlay: Path | None, beside: Sequence[str]) -> dict[str, bytes]:
    """Give the files by name; `beside` names those of the release that the index leads to, too."""
    newest = compose(con, overlay)
    files = {page.FILE_NAME: page.html(newest).encode(), workbook.FILE_NAME: workbook.workbook(newest)}
    known = (newest.known.commodity_code, newest.known.day)
    index = contents.contents(con, lambda code, day: page.FILE_NAME if (code, day) == known else None, [*files, *beside])
    return files | {contents.FILE_NAME: index.encode()}
