"""The text of documents others made: PDF and HTML are read in a child within limits, and what cannot be read is one sentence."""

import io
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from ingest import paper
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.catalog.documents import SHIPPED
from ingest.paper import UnreadableDocumentError, read

LIMITS = SHIPPED_ONLY.limits.paper


def pdf(*pages: str, stream: bytes | None = None) -> bytes:
    """A PDF whose pages hold a text in signs of two bytes, named by a ToUnicode table, as office programs write Chinese."""
    signs = sorted(set("".join(pages)) - {"\n"})
    mapped = "\n".join(f"<{number:04X}> <{sign.encode('utf-16-be').hex()}>" for number, sign in enumerate(signs, 1))
    table = f"begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange {len(signs)} beginbfchar\n{mapped}\nendbfchar endcmap".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{6 + 2 * number} 0 R' for number in range(len(pages)))}] >>".encode(),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 4 0 R /DescendantFonts [5 0 R] >>",
        f"<< /Length {len(table)} >> stream\n".encode() + table + b"\nendstream",
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 1000 >>",
    ]
    for number, text in enumerate(pages):
        lines = ["".join(f"{signs.index(sign) + 1:04X}" for sign in line) for line in text.split("\n")]
        shown = "BT /F 12 Tf 14 TL 50 800 Td " + " ".join(f"<{line}> Tj T*" for line in lines) + " ET"
        body = zlib.compress(shown.encode()) if stream is None else stream
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 850] /Contents {7 + 2 * number} 0 R /Resources << /Font << /F 3 0 R >> >> >>".encode(),
            f"<< /Length {len(body)} /Filter /FlateDecode >> stream\n".encode() + body + b"\nendstream",
        ]
    out, places = io.BytesIO(b"%PDF-1.7\n"), list[int]()
    out.seek(0, io.SEEK_END)
    for number, one in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + one + b"\nendobj\n")
    start = out.tell()
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out.write(
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()
    )
    return out.getvalue()


def refusal(body: bytes, kind: str = "pdf", **changes: int | float) -> str:
    with pytest.raises(UnreadableDocumentError) as caught:
        read(body, kind, replace(LIMITS, **changes))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_text_of_a_pdf_comes_page_by_page() -> None:
    text = read(pdf("氧化铝2509收于3042元/吨\n持仓252718手", "仓单21314吨"), "pdf", LIMITS)
    assert [line.strip() for line in text.split("\n") if line.strip()] == ["氧化铝2509收于3042元/吨", "持仓252718手", "仓单21314吨"]


def test_the_text_of_a_page_is_a_line_a_block_and_a_tab_a_cell() -> None:
    body = (
        "<html><head><title>no</title><script>var x = 3042;</script></head><body><p>AO2509收于<b>3042</b>元/吨</p><!-- 7 --><style>p{}</style>tail"
        "<table><tr><td>AO2509</td><td>3042</td></tr></table></body></html>"
    )
    lines = [line for line in read(body.encode(), "html", LIMITS).split("\n") if line]
    assert lines == ["AO2509收于3042元/吨", "tail", "\tAO2509\t3042"]
    assert read("<p>收于3042元</p>".encode("gb18030"), "html", LIMITS).strip() == "收于3042元"
    assert read('<meta charset="gbk"><p>收于3042元</p>'.encode("gbk"), "html", LIMITS).strip() == "收于3042元"


def test_limits_an_operator_wrote_before_there_was_this_section_still_hold(tmp_path: Path) -> None:
    shipped = (SHIPPED / "limits.toml").read_text(encoding="utf-8")
    begin = shipped.index("# What a document")
    (tmp_path / "limits.toml").write_text(shipped[:begin], encoding="utf-8")
    assert Configuration(tmp_path).limits.paper == LIMITS


def bomb() -> bytes:
    return zlib.compress(b"BT /F 12 Tf " + b"<0001> Tj " * 30_000_000 + b"ET", 9)


def locked() -> bytes:
    writer, out = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("收于3042元")))), io.BytesIO()
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "kind", "changes", "sentence"),
    [
        (b"", "pdf", {}, "it is not a readable PDF document"),
        (b"%PDF-1.7\nnothing", "pdf", {}, "it is not a readable PDF document"),
        (b"<html></html>", "pdf", {}, "it is not a readable PDF document"),
        (b"", "html", {}, "it is not a readable HTML document"),
        (b"<script>3042</script>", "html", {}, "it holds no text"),
        (pdf(""), "pdf", {}, "it holds no text; a scan has to be read"),
        (pdf("a", "b", "c"), "pdf", {"pages": 2}, "it has 3 pages, more than the 2 that are read"),
        (pdf("收于3042元"), "pdf", {"characters": 3}, "it holds more than the 3 characters that are read"),
        (pdf("收于3042元"), "pdf", {"bytes": 100}, "the file is larger than the 100 bytes"),
        (b"<p>" + b"x" * 500_000, "html", {}, "it holds more than the 200,000 characters"),
    ],
)
def test_a_document_that_cannot_be_read_is_one_sentence(body: bytes, kind: str, changes: dict[str, int], sentence: str) -> None:
    assert refusal(body, kind, **changes).startswith(sentence)


def test_a_password_is_asked_for_nobody() -> None:
    assert refusal(locked()).startswith("it is protected by a password")


def test_a_bomb_ends_in_the_child() -> None:
    told = refusal(pdf("x", stream=bomb()), cpu_seconds=3, wall_seconds=20, memory_bytes=100 << 20)
    assert "save its text as a .txt file" in told or told.startswith("it is not a readable PDF")


def test_a_small_pdf_that_takes_long_ends_after_two_seconds_and_a_large_one_has_more() -> None:
    long = pdf("x", stream=zlib.compress(b"BT /F 12 Tf " + b"<0001> Tj " * 1_500_000 + b"ET", 9))
    assert len(long) < 100_000
    assert "within 300 MB and 2 s of processor time; save its text as a .txt file" in refusal(long)
    assert "and 2 s of processor time" in refusal(long + b"\n" * 400_000, cpu_seconds=1)


def test_a_page_has_less_time_than_a_pdf() -> None:
    # Each attribute is compared with all before it: a tag of 200,000 takes 18 seconds.
    page = b"<p " + b" ".join(b"a%d=1" % number for number in range(200_000)) + b">x</p>"
    assert "within 300 MB and 2 s of processor time" in refusal(page, "html")


def test_a_circle_of_pages_ends() -> None:
    assert refusal(pdf("a").replace(b"/Kids [6 0 R]", b"/Kids [2 0 R]"))


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import time; time.sleep(60)", "reading it took longer than 1 seconds and was given up"),
        ("raise SystemExit(3)", r"it broke its reader (exit code 3)"),
        ("x = bytearray(2 << 30)", "it needs more than 300 MB"),
        ("import os; os.kill(os.getpid(), 9)", "it broke its reader (signal 9)"),
    ],
)
def test_whatever_a_reader_does_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch, code: str, sentence: str) -> None:
    program = f"import sys, ingest.paper as paper\ndef pages(body, limits):\n    {code}\n    yield ''\npaper._pages = pages\npaper.main(sys.argv[1:])"
    monkeypatch.setattr(paper, "COMMAND", (sys.executable, "-I", "-c", program))
    assert refusal(pdf("a"), wall_seconds=1.0 if "sleep" in code else 40.0).startswith(sentence)


def test_the_child_writes_nothing_and_knows_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    code = f"import os; yield str(os.environ.get('SECRET')) + os.getcwd(); open({str(tmp_path / 'out')!r}, 'w').write('x' * 9000)"
    program = f"import sys, ingest.paper as paper\ndef pages(body, limits):\n    {code}\npaper._pages = pages\npaper.main(sys.argv[1:])"
    monkeypatch.setattr(paper, "COMMAND", (sys.executable, "-I", "-c", program))
    assert refusal(pdf("a"))
    assert not (tmp_path / "out").exists() or (tmp_path / "out").stat().st_size == 0
