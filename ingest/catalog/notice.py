"""The exchanges' yearly notice on holidays (休市安排), pasted as it is: the closed days it names, and nothing else of it. Pure; no I/O."""

import re
import unicodedata
from datetime import date

_DAY = r"(?:(?P<{0}y>\d{{4}})年)?(?:(?P<{0}m>\d{{1,2}})月)?(?P<{0}d>\d{{1,2}})日"
_SPAN = re.compile(_DAY.format("a") + r"(?:(?:至|到|[-—~–]+)" + _DAY.format("b") + r")?")


def closed_spans(year: str, text: str) -> list[tuple[date, date]]:
    """Give first and last of the closed days a notice of a year names, in its order.

    Reads sentences such as 春节：2月5日（星期五）至2月11日（星期四）休市，2月12日起照常开市; weekends and the evening without night trading say
    nothing of a closed day and are passed over. Raises ValueError where no day can be read, a day does not exist or lies in another year.
    """
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    plain = re.sub(r"\([^()]*\)", "", plain)
    spans: list[tuple[date, date]] = []
    for part in re.split(r"[。;,\n]|(?<=市)、", plain):
        if not re.search("休市|放假", part) or re.search("夜盘|周末", part):
            continue
        for match in _SPAN.finditer(part):
            first = _date(year, match["ay"], match["am"], match["ad"], match.group())
            last = first if match["bd"] is None else _date(year, match["by"] or match["ay"], match["bm"] or match["am"], match["bd"], match.group())
            if last < first:
                raise ValueError(f"{match.group()} ends before it begins")
            if last.year == int(year):
                spans.append((max(first, date(int(year), 1, 1)), last))
    if not spans:
        raise ValueError(f"no closed day of {year} can be read from the notice; it must say, holiday by holiday, such as 劳动节: 5月1日至5月5日休市")
    return spans


def _date(year: str, said: str | None, month: str | None, day: str, shown: str) -> date:
    if month is None:
        raise ValueError(f"{shown} names no month")
    try:
        return date(int(said or year), int(month), int(day))
    except ValueError:
        raise ValueError(f"{shown} is no day of {said or year}") from None
