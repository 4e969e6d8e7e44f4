"""What people said of held figures, written down: entries of `reviews.toml` in the home's catalogue folder. Judges nothing."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ingest.catalog.documents import REVIEWS, SHIPPED, load, parsed
from ingest.catalog.schemas import Review, ReviewsFile
from ingest.files import write_atomic


def said(overlay: Path) -> dict[str, Review]:
    """Give the home's words by the figure they are about; raises ConfigurationError where its file is wrong."""
    return {review.id: review for review in load(ReviewsFile, overlay).review}


def add(overlay: Path, ids: Sequence[str], verdict: str, reason: str, at: datetime) -> Path:
    """Add a word on each figure and give the file; raises ConfigurationError where a figure has one already, or the file would be wrong."""
    file = overlay / REVIEWS
    before = (file if file.is_file() else SHIPPED / REVIEWS).read_text(encoding="utf-8").rstrip("\n")
    # What JSON escapes in a text, TOML escapes alike.
    entries = [
        f'[[review]]\nid = "{name}"\nverdict = "{verdict}"\nreason = {json.dumps(reason, ensure_ascii=False)}\nat = {at.isoformat(timespec="seconds")}\n'
        for name in ids
    ]
    body = "\n\n".join([before, *(entry.rstrip("\n") for entry in entries)]).encode() + b"\n"
    parsed(REVIEWS, body)
    write_atomic(file, body)
    return file
