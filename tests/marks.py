"""Parts of a document that a program writes, between two marks: the tables of the battery and of the benchmarks."""

from pathlib import Path

from ingest.files import write_atomic


def between(document: Path, begin: str, end: str) -> str:
    """Give the text between the marks; raises ValueError where the document has none."""
    return _parts(document, begin, end)[1].strip("\n")


def write_between(document: Path, begin: str, end: str, text: str) -> None:
    """Put a text between the marks of a document; raises ValueError where it has none."""
    before, _, after = _parts(document, begin, end)
    write_atomic(document, f"{before}{begin}\n{text}\n{end}{after}".encode())


def _parts(document: Path, begin: str, end: str) -> tuple[str, str, str]:
    before, begun, rest = document.read_text(encoding="utf-8").partition(begin)
    within, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{document} has no {begin} … {end}")
    return before, within, after
