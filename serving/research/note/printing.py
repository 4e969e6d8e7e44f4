"""The page on paper and as a picture, by the Chromium of this machine where there is one: it opens a file and reaches nothing.

Without a Chromium there is the HTML, and the message says so.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_SECONDS = 120
WIDTH = 1080
"""Pixels of a picture for a chat."""
_VIRTUAL_MS = 60_000


class NoPrinterError(Exception):
    """There is nothing to print with, or it failed; the message says what to do."""


def pdf(html: str, *, english: bool) -> bytes:
    """Print a page on A4; raises NoPrinterError."""
    with tempfile.TemporaryDirectory(prefix="alumina-print-") as folder:
        made = Path(folder) / "note.pdf"
        _chromium(
            Path(folder), html, "#en" if english else "", "--no-pdf-header-footer", f"--virtual-time-budget={_VIRTUAL_MS}", f"--print-to-pdf={made}"
        )
        return _read(made)


def png(html: str) -> bytes:
    """Give a picture of a whole page that is `WIDTH` wide; raises NoPrinterError."""
    with tempfile.TemporaryDirectory(prefix="alumina-print-") as folder:
        made = Path(folder) / "note.png"
        # Its height is only known once it is laid out.
        measured = html.replace("</body>", "<script>document.title = document.documentElement.scrollHeight</script></body>")
        measured = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", measured)
        told = _chromium(Path(folder), measured, "", f"--window-size={WIDTH},400", "--dump-dom")
        height = re.search(r"<title>(\d+)</title>", told)
        if height is None:
            raise NoPrinterError("Chromium did not lay the page out")
        _chromium(
            Path(folder), html, "", f"--window-size={WIDTH},{height[1]}", "--hide-scrollbars", "--force-device-scale-factor=2", f"--screenshot={made}"
        )
        return _read(made)


def _chromium(folder: Path, html: str, fragment: str, *arguments: str) -> str:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise NoPrinterError("there is no Chromium on this machine (Debian: chromium); the HTML page prints from any browser")
    page = folder / "page.html"
    page.write_text(html, encoding="utf-8")
    # Chromium refuses its sandbox to root; the page is our own, and no name resolves in it.
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [
        program, "--headless", *as_root, "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}", *arguments,
        page.as_uri() + fragment,
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS, cwd=folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPrinterError(f"{program} could not print the page: {type(error).__name__}; the HTML page prints from any browser") from None
    return done.stdout


def _read(made: Path) -> bytes:
    if not made.is_file() or not made.stat().st_size:
        raise NoPrinterError("Chromium printed nothing; the HTML page prints from any browser")
    return made.read_bytes()
