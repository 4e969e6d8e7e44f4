"""Chinese and English of what the tables say in codes, as the catalogue has them (`words.toml`), and figures as readers write them."""

import operator
from dataclasses import dataclass
from typing import Any

from ingest.catalog.documents import SHIPPED, parsed
from ingest.catalog.languages import FILE


@dataclass(frozen=True)
class Said:
    """A text in both languages."""

    zh: str
    en: str

    @property
    def title(self) -> "Said":
        """The same as it stands at the head of a line: English begins with a capital."""
        return Said(self.zh, self.en[:1].upper() + self.en[1:])

    @property
    def both(self) -> str:
        """The two as one text, which the page's script splits again: for charts, which are drawn in one language at a time."""
        return f"⟦{self.zh}¦{self.en}⟧"


_WORDS = {
    kind: {code: Said(**said) for code, said in words.items()} for kind, words in parsed(FILE, (SHIPPED / FILE).read_bytes()).model_dump().items()
}
PARAGRAPH = _WORDS["paragraph"]
HORIZONS = {code: said.title for code, said in _WORDS["horizon"].items()}
SPANS = _WORDS["span"]
WHY = _WORDS["why"]
DIRECTIONS = _WORDS["direction"]
STATUSES = _WORDS["status"]
BLOCKS = _WORDS["block"]
VERDICTS = _WORDS["verdict"]
OUTCOMES = _WORDS["outcome"]
SOURCES = _WORDS["source"]
MODELS = _WORDS["model"]
FEEDS = _WORDS["feed"]
PRICES = _WORDS["price"]
AUTHORITIES = _WORDS["authority"]
UNITS = _WORDS["unit"]
SIDES = _WORDS["side"]
STATES = _WORDS["state"]
CODES = _WORDS["code"]
LEVELS = _WORDS["level"]
REASONS = _WORDS["reason"]
_SIGNS = {">=": "≥", "<=": "≤", "<>": "≠"}
_HOLDS = {">=": operator.ge, "<=": operator.le, "<>": operator.ne, "=": operator.eq, ">": operator.gt, "<": operator.lt}
COMPARATORS = {"eq": "", "range": "", "gt": "> ", "ge": "≥ ", "lt": "< ", "le": "≤ ", "approx": "≈ "}
TRUTH = "0 or 1"
"""Unit of what is true or false."""


def say(words: dict[str, Said], code: Any) -> Said:
    """Give a code's words; one without any speaks for itself."""
    if code in words:
        return words[code]
    text = "" if code is None else str(code).replace("_", " ")
    return Said(text, text)


def reason(text: str | None, column: str = "") -> Said:
    """Give the words of a `null_reason`: one code, or `column:code` parts, of which only the column's own are meant."""
    parts = [part.rpartition(":") for part in (text or "nothing_known").split(";")]
    meant = dict.fromkeys(code for name, _, code in parts if name in ("", column))
    said = [say(REASONS, code) for code in meant] or [REASONS["no_data"]]
    return Said("、".join(one.zh for one in said), ", ".join(one.en for one in said))


def event_source(named: str | None, authority: str | None) -> Said:
    """Give who told of an event: as the source is named in the language it is named in, and by the kind of authority in the other."""
    kind = say(AUTHORITIES, authority)
    if not named:
        return kind
    is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in named)
    return Said(named, kind.en) if is_chinese else Said(kind.zh, named)


def claimed(text: str, unit: str) -> Said:
    """Give what a claim states, `ge 18000 lots` or `range 3400 to 3500 yuan/t`, as readers write it; a direction speaks for itself."""
    sign, _, rest = text.partition(" ")
    if sign not in COMPARATORS:
        return say(STATES, text)
    figures = rest.removesuffix(unit).split(" to ")
    shown = "–".join(number(float(figure), ",.0f" if float(figure).is_integer() else "g") for figure in figures)
    said = say(UNITS, unit)
    return Said(f"{COMPARATORS[sign]}{shown} {said.zh}".strip(), f"{COMPARATORS[sign]}{shown} {said.en}".strip())


def measured(value: float | None, unit: str | None) -> Said:
    """Give a figure with its unit, or yes and no for what is true or false; codes that are no units are left out."""
    if unit == TRUTH and value is not None:
        return _WORDS["truth"]["true" if value else "false"]
    said = UNITS.get(unit or "", Said("", "")) if value is not None else Said("", "")
    space = "" if said.en == "%" else " "
    return Said(f"{number(value)}{space}{said.zh}".strip(), f"{number(value)}{space}{said.en}".strip())


def number(value: float | None, form: str = "compact") -> str:
    """Write a figure for readers: thousands apart, a true minus sign; a dash where there is none."""
    if value is None:
        return "–"
    if form.endswith("compact"):
        form = form.removesuffix("compact") + (
            ",.0f"
            if abs(value) >= 1000 or float(value).is_integer()
            else ".1f"
            if abs(value) >= 100
            else ".2f"
            if abs(value) >= 1 or value == 0
            else ".3f"
        )
    text = format(value, form)
    is_zero = not any(digit in text for digit in "123456789")
    return (text.lstrip("+-") if is_zero else text).replace("-", "−")


def is_met(condition: str | None, value: float | None) -> bool:
    """Tell whether a figure meets a rule's condition, `score >= 40.00`: of alternatives one may hold and another not."""
    _, _, rest = (condition or "").partition(" ")
    comparator, _, threshold = rest.partition(" ")
    return value is not None and comparator in _HOLDS and _HOLDS[comparator](round(value, 9), float(threshold.replace(",", "")))


def bound(condition: str, *, as_share: bool = False) -> str:
    """Write a rule's condition as what its figure is held against: `score >= 40.00` as `≥ 40`; a share in per cent."""
    comparator, _, threshold = condition.partition(" ")[2].partition(" ")
    if as_share:
        return f"{_SIGNS.get(comparator, comparator)} {number(100 * float(threshold.replace(',', '')), 'g')}%"
    return f"{_SIGNS.get(comparator, comparator)} {threshold.removesuffix('.00').replace('-', '−')}"
