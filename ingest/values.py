"""Reading single values as feeds print them: numbers, dates, times. Blank is null, never zero; nonsense is a ValueError."""

import math
import re
import unicodedata
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Any

from ingest.source import SHANGHAI

# Lots of the whole exchange are below 1e9; a float holds whole numbers exactly up to here, and a column a little more.
LARGEST_COUNT = 2**53
# Figures and dates, as printed, are below 40 characters, padding in full width included.
LONGEST = 64
# The largest float has 412 characters with its commas. Of dates none is as long: looking for a weekday takes the square of a run of brackets,
# normalizing that of a run of accents.
LONGEST_NUMBER = 512
# Years that are read; assumed: nothing here was traded before the first, and no contract or plan reaches beyond the last. Python's first day has no
# time in UTC, and its last day no day after it.
FIRST_YEAR, LAST_YEAR = 1900, 2099
BLANKS = frozenset({"", "-", "--", "---", "—", "null", "None"})
# The days of spreadsheets: day 1 is 1900-01-01, and the 29 February 1900 they know never was. From 1990 to 2099.
DAY_ZERO, FIRST_SERIAL, LAST_SERIAL = date(1899, 12, 30), 32_874, 73_050
_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"
_YEAR_FIRST = re.compile(rf"((?:19|20)\d{{2}})[-/.年](\d{{1,2}})[-/.月](\d{{1,2}})日?{_MIDNIGHT}")
_YEAR_LAST = re.compile(rf"(\d{{1,2}})[-/.](\d{{1,2}})[-/.]((?:19|20)\d{{2}}){_MIDNIGHT}")
_MONTH = re.compile(r"((?:19|20)\d{2})[-/.年]?((?<=\d{4})\d{2}|(?<=\D)\d{1,2})月?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED_MONTH = re.compile(rf"(\d{{1,2}})[- ]({'|'.join(_MONTHS)})[a-z]*[- ](\d{{4}})", re.IGNORECASE)
_HALF = "AM|PM|上午|下午"
_MOMENT = re.compile(
    # `*+` gives nothing back: given back, blanks in the middle were tried in each way there is to share them out.
    rf"(?P<day>.+?)[ T]*+(?P<before>{_HALF})? *+(?P<hour>(?<!\d)\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}})(?:\.0+)?)? *+(?P<after>{_HALF})?",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_SERIAL = re.compile(r"(\d{5})(?:\.0+)?")
_WEEKDAY = re.compile(r"[ (]*(?:星期|周)[一二三四五六日天]\)?$")
_LIKE_A_VALUE = re.compile(rf"[+-]?[\d.][\d.,/:年月日\-+T%eE ]*|\d{{1,2}}[- ](?:{'|'.join(_MONTHS)})[a-z]*[- ]\d+", re.IGNORECASE)
# What else terminals and spreadsheets print for a missing figure.
MISSING = BLANKS | {"#N/A", "#N/A N/A", "N/A", "NA", "NaN", "nan"}
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?")


def plain(value: Any, most_ascii: int = LONGEST) -> str:
    """Give a printed value in its plain form (full-width digits, padding); raises ValueError for a text longer than any figure or date."""
    text = str(value).strip()
    if len(text) > (most_ascii if text.isascii() else LONGEST):
        raise ValueError(f"{text[:LONGEST]!r}… is {len(text):,} characters long, no figure and no date")
    return text if text.isascii() else unicodedata.normalize("NFKC", text).strip()


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
        text = plain(value, LONGEST_NUMBER)
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
    try:
        found = date(*(int(part) for part in match.groups()))
    except ValueError:  # its own words do not say which text it was
        raise ValueError(f"{str(value)!r} is not a date") from None
    return _of_our_time(found)


def _of_our_time(found: date) -> date:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"{found} lies before {FIRST_YEAR} or after {LAST_YEAR}")
    return found


def written_day(value: Any, *, is_monthly: bool | None = None) -> date:
    """Read a day as people and their programs write it; of a month (`2025年7月`, `2025-07`) its last day.

    Beside the forms of `day`: `2025.7.22`, `22-Jul-2025`, `7/22/2025` where it can be one day only, a weekday behind it, and the number by
    which spreadsheets count days. Raises ValueError with what to write instead; also for a month where `is_monthly` is False.
    """
    text = _WEEKDAY.sub("", plain(value))
    if match := _MONTH.fullmatch(text):
        if re.fullmatch(r"\d{4}\.1", text):  # a spreadsheet shows 2025.10 so
            raise ValueError(f"{text!r} may be January or October; write the month as {match[1]}-01 or {match[1]}-10")
        if is_monthly is False:
            raise ValueError(
                f"{text!r} is a month, and the series is not monthly; write the day as {match[1]}-{int(match[2]):02d}-22, or 月 as its frequency"
            )
        return _date(text, int(match[1]), int(match[2]), monthrange(int(match[1]), int(match[2]))[1] if 0 < int(match[2]) < 13 else 0)
    if match := _YEAR_FIRST.fullmatch(text):
        return _date(text, *map(int, match.groups()))
    if match := _YEAR_LAST.fullmatch(text):
        first, second, year = map(int, match.groups())
        if first != second and max(first, second) <= 12:
            raise ValueError(f"{text!r} may be {year}-{first:02d}-{second:02d} or {year}-{second:02d}-{first:02d}; write it as one of these")
        return _date(text, year, *((first, second) if first <= 12 else (second, first)))
    if match := _NAMED_MONTH.fullmatch(text):
        return _date(text, int(match[3]), _MONTHS.index(match[2][:3].lower()) + 1, int(match[1]))
    if (match := _SERIAL.fullmatch(text)) and FIRST_SERIAL <= int(match[1]) <= LAST_SERIAL:
        return DAY_ZERO + timedelta(days=int(match[1]))
    if match := _COMPACT.fullmatch(text):
        return _date(text, *map(int, match.groups()))
    raise ValueError(f"{str(value)!r} is not a date; write it as 2025-07-22")


def _date(text: str, year: int, month: int, of_month: int) -> date:
    try:
        found = date(year, month, of_month)
    except ValueError:
        raise ValueError(f"{text!r} is not a date; write it as 2025-07-22") from None
    return _of_our_time(found)


def is_month(text: str) -> bool:
    """Tell whether a text is a month without a day."""
    return _MONTH.fullmatch(plain(text)) is not None


def is_day(text: str) -> bool:
    """Tell whether a text is a day or a month as people write it."""
    try:
        written_day(text)
    except ValueError:
        return False
    return True


def looks_like_a_value(text: str) -> bool:
    """Tell whether a text is meant as a day or a figure, be it one that cannot be read."""
    try:
        return _LIKE_A_VALUE.fullmatch(_WEEKDAY.sub("", plain(text))) is not None
    except ValueError:
        return False


def written_moment(value: Any) -> datetime | None:
    """Read a local time of publication as people write it: a day of `written_day` and an hour, with AM, PM, 上午 or 下午; blank is None."""
    text = plain(value if value is not None else "")
    if text in BLANKS:
        return None
    match = _MOMENT.fullmatch(text)
    if not match:
        raise ValueError(f"{str(value)!r} is not a time; write it as 2025-07-16 11:40, or leave it blank")
    hour, half = int(match["hour"]), (match["before"] or match["after"] or "").upper()
    if half and not (1 <= hour <= 12 or (hour < 24 and half in ("PM", "下午"))):
        raise ValueError(f"{str(value)!r} is not a time; write it as 2025-07-16 11:40, or leave it blank")
    if half:
        hour = hour if hour > 12 else hour % 12 + (12 if half in ("PM", "下午") else 0)  # 下午13:40 is written, too
    return moment(f"{written_day(match['day'])} {hour}:{match['minute']}:{match['second'] or '00'}")


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
    return datetime.combine(day(match.group(1)), time(hour, minute, second), SHANGHAI)
