"""Reading single values as feeds print them: numbers, dates, times. Blank is null, never zero; nonsense is a ValueError."""

import math
import re
import unicodedata
from datetime import date, datetime, time
from typing import Any

from ingest.source import SHANGHAI

# Lots of the whole exchange are below 1e9; a float holds whole numbers exactly up to here, and a column a little more.
LARGEST_COUNT = 2**53
# Figures and dates in full-width digits, as printed, are below 40 characters, padding included.
LONGEST = 64
# Before it nothing here was traded or published; the first day of all has no time in UTC.
FIRST_YEAR = 1900
BLANKS = frozenset({"", "-", "--", "---", "—", "null", "None"})
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?")


def plain(value: Any) -> str:
    """Give a printed value in its plain form (full-width digits, padding); raises ValueError for a text longer than any figure or date."""
    text = str(value)
    if text.isascii():
        return text.strip()
    if len(text) > LONGEST:  # normalizing takes the square of a run of accents
        raise ValueError(f"{text[:LONGEST]!r}… is {len(text):,} characters long, no figure and no date")
    return unicodedata.normalize("NFKC", text).strip()


def number(value: Any) -> float | None:
    """Read a JSON number or a printed one (thousands commas, full-width digits); raises ValueError on anything else."""
    kind = type(value)
    if kind is float and math.isfinite(value):
        return float(value)
    if kind is int and -LARGEST_COUNT <= value <= LARGEST_COUNT:
        return float(value)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, int | float):
        try:
            result = float(value)
        except OverflowError:
            raise ValueError("a number with hundreds of digits is not a figure") from None
    else:
        text = plain(value)
        if text in BLANKS:
            return None
        if not _NUMBER.fullmatch(text) or not any(character.isdigit() for character in text):
            raise ValueError(f"{str(value)!r} is not a number")
        result = float(text.replace(",", ""))
    if not math.isfinite(result):
        raise ValueError(f"{value!r} is not a finite number")
    return result


def whole(value: Any) -> int | None:
    """Read a count; raises ValueError when it has a fraction."""
    if type(value) is int and -LARGEST_COUNT <= value <= LARGEST_COUNT:
        return value
    result = number(value)
    if result is None:
        return None
    if result != int(result) or abs(result) > LARGEST_COUNT:
        raise ValueError(f"{value!r} is not a whole number of any size that is counted here")
    return int(result)


def day(value: Any) -> date:
    """Read `2025-07-16`, `2025/7/16`, `2025年7月16日` or `20250716`; raises ValueError on anything else."""
    text = plain(value)
    match = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text) or re.fullmatch(r"(\d{4})[-/年](\d{1,2})[-/月](\d{1,2})日?(?:[ T]00:00(?::00)?)?", text)
    if not match:
        raise ValueError(f"{str(value)!r} is not a date")
    return date(*(int(part) for part in match.groups()))


def iso_day(text: str) -> date:
    """Read a day as people are asked to write it, `2025-07-22`; raises ValueError on every other form, also those ISO 8601 knows besides."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError(f"{text!r} is not a day; write it as 2025-07-22")
    return date.fromisoformat(text)


def moment(value: Any) -> datetime | None:
    """Read a local time of publication (`20250716 15:29:40`, `2025-07-16 11:40`); blank is None, nonsense a ValueError."""
    text = plain(value if value is not None else "")
    if text in BLANKS:
        return None
    match = re.fullmatch(r"(\S+?)[ T](\d{1,2}):(\d{2})(?::(\d{2}))?", text)
    if not match:
        raise ValueError(f"{str(value)!r} is not a time")
    hour, minute, second = (int(part or 0) for part in match.groups()[1:])
    found = day(match.group(1))
    if found.year < FIRST_YEAR:
        raise ValueError(f"{str(value)!r} is a time before anything was published")
    return datetime.combine(found, time(hour, minute, second), SHANGHAI)
