"""The text of foreign documents (PDF, HTML), read in a child process within limits (`confined`).

`read` is for the rest of the house; `python -I -m ingest.paper LIMITS` is the child: a document on standard input, one line of JSON on
standard output: its text, or why there is none. What the text says is not known here.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ingest import confined

COMMAND: tuple[str, ...] = (sys.executable, "-I", "-m", "ingest.paper")
KINDS = ("pdf", "html")
_BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "section", "article", "title", "ul", "ol", "blockquote"}
)
_UNSEEN = frozenset({"script", "style", "noscript", "template", "svg", "head"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How large one document may be (bytes, pages, characters), and what reading it may cost beyond starting the reader."""

    bytes: int
    pages: int
    characters: int
    memory_bytes: int
    cpu_seconds: int
    pdf_bytes_a_second: int
    """Bytes of a PDF that give its reader one more second: an honest one that takes long is large, a bomb is small."""
    html_cpu_seconds: int
    wall_seconds: float


class UnreadableDocumentError(ValueError):
    """The document has no text that can be read within the limits; the message is one sentence."""


def read(body: bytes, kind: str, limits: Limits) -> str:
    """Give the text of a document; raises UnreadableDocumentError."""
    if len(body) > limits.bytes:
        raise UnreadableDocumentError(f"the file is larger than the {limits.bytes:,} bytes that are read")
    if kind == "html":  # a page takes a tenth of what a PDF does, and 200,000 attributes in one tag, which is no page, take 18 seconds
        limits = replace(limits, cpu_seconds=min(limits.cpu_seconds, limits.html_cpu_seconds))
    else:
        limits = replace(limits, cpu_seconds=limits.cpu_seconds + len(body) // limits.pdf_bytes_a_second)
    try:
        done = confined.ask(COMMAND, json.dumps({"kind": kind, **asdict(limits)}), body, limits.wall_seconds)
    except subprocess.TimeoutExpired:
        raise UnreadableDocumentError(
            f"reading it took longer than {limits.wall_seconds:g} seconds and was given up; save its text as a .txt file"
        ) from None
    try:
        answer = json.loads(done.stdout)
        if "text" in answer:
            return str(answer["text"])
        reason = str(answer["reason"])
    except (ValueError, KeyError, TypeError):
        reason = (
            f"it broke its reader ({confined.ended(done)}) within {limits.memory_bytes >> 20} MB and {limits.cpu_seconds} s of processor time; "
            "save its text as a .txt file"
        )
    raise UnreadableDocumentError(reason)


def main(arguments: Sequence[str]) -> None:
    """Be the child: take the limits on first, then look at the bytes."""
    import lxml.html
    import pypdf  # noqa: F401  what the readers take to start counts for nothing

    asked = json.loads(arguments[0])
    kind, limits = asked.pop("kind"), Limits(**asked)
    confined.take_on(limits.memory_bytes, limits.cpu_seconds)
    body = sys.stdin.buffer.read()
    try:
        parts, left = list[str](), limits.characters
        for part in (
            _pages(body, limits)
            if kind == "pdf"
            else _lines(lxml.html.document_fromstring(body, parser=lxml.html.HTMLParser(encoding=_encoding(body))))
        ):
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise UnreadableDocumentError(f"it holds more than the {limits.characters:,} characters that are read")
        text = "".join(parts)
        if not text.strip():
            raise UnreadableDocumentError("it holds no text; a scan has to be read by a person or by text recognition first")
        answer = {"text": text}
    except UnreadableDocumentError as refused:
        answer = {"reason": str(refused)}
    except MemoryError:
        answer = {"reason": f"it needs more than {limits.memory_bytes >> 20} MB to be read; save its text as a .txt file"}
    except Exception as error:
        answer = {"reason": f"it is not a readable {kind.upper()} document: {(str(error).splitlines() or [type(error).__name__])[0][:200]}"}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=True).encode() + b"\n")


def _pages(body: bytes, limits: Limits) -> Iterator[str]:
    import io
    import logging

    from pypdf import PdfReader

    logging.disable(logging.CRITICAL)  # keep pypdf's remarks about damaged files off standard error
    reader = PdfReader(io.BytesIO(body))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableDocumentError("it is protected by a password; save it without one")
    if len(reader.pages) > limits.pages:
        raise UnreadableDocumentError(f"it has {len(reader.pages):,} pages, more than the {limits.pages:,} that are read")
    for page in reader.pages:
        yield page.extract_text() + "\n"


def _encoding(body: bytes) -> str | None:
    """Give the encoding of a page that is UTF-8 whatever it declares, or that declares none."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return None if b"charset" in body[:4096].lower() else "gb18030"
    return "utf-8"


def _lines(element: Any) -> Iterator[str]:
    """Give the text of a page: a line a block, a tab between the cells of a row."""
    for event, node in _walk(element):
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            if tag in ("td", "th"):
                yield "\t"
            elif tag in _BLOCKS:
                yield "\n"
            yield " ".join((node.text or "").split()) if tag else ""
        else:
            if tag in _BLOCKS:
                yield "\n"
            yield " ".join((node.tail or "").split())


def _walk(root: Any) -> Iterator[tuple[str, Any]]:
    import lxml.etree

    unseen = 0
    for event, node in lxml.etree.iterwalk(root, events=("start", "end")):
        if node.tag in _UNSEEN or not isinstance(node.tag, str):
            unseen += 1 if event == "start" else -1
            if event == "end" and not unseen:
                yield "end", node
        elif not unseen:
            yield event, node


if __name__ == "__main__":
    main(sys.argv[1:])
