"""Notes: small JSON files of a home that hold one fact each (how the last publication ended, what was rolled back) and their own hash.

A note ends in `"chain"`, the hash of what stands before it (`ingest.journal`), so a flipped bit is seen before the note is believed.
Each writer gives its notes their meaning.
"""

import json
from pathlib import Path
from typing import Any

from ingest.files import write_atomic
from ingest.journal import CHAIN, sealed, unsealed
from ingest.source import HomeError


class NoteError(HomeError):
    """A note was changed on disk."""


def write_note(path: Path, facts: dict[str, Any], *, durable: bool = True) -> None:
    """Write a note in one step."""
    write_atomic(path, sealed(json.dumps(facts, ensure_ascii=False, indent=1, default=str)) + b"\n", durable=durable)


def read_note(path: Path, mend: str) -> dict[str, Any] | None:
    """Read a note; None where there is none. Raises NoteError, with `mend` as the advice, for one that was changed on disk."""
    try:
        row = unsealed(path.read_bytes().removesuffix(b"\n"))
    except FileNotFoundError:
        return None
    if row is None:
        raise NoteError(f"{path} has changed on disk; {mend}")
    try:
        facts = json.loads(row)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):  # sealed, and by nobody here
        raise NoteError(f"{path} has changed on disk; {mend}")
    return facts


def is_whole(path: Path) -> bool:
    """Tell whether a note says what was written, or there is none."""
    try:
        read_note(path, "")
    except NoteError:
        return False
    return True


def adopt_note(path: Path, name: str = "") -> None:
    """Add the hash to a note of format 1; a bare list gets `name` as its key. An unreadable note stays, and its reader refuses it."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return
    if unsealed(body.removesuffix(b"\n")) is not None:
        return
    try:
        facts = json.loads(body)
    except ValueError:
        facts = None
    if name and isinstance(facts, list):
        facts = {name: facts}
    if isinstance(facts, dict) and CHAIN not in facts:  # one that has a hash, and not the right one, has rotted
        write_note(path, facts)
