"""What `words.toml` holds: Chinese and English of codes, and the sentences of the outlook with the places that figures take in them."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from quality.typed import Document, Entry, Wrong, unknown

FILE = "words.toml"
_PLACE = re.compile(r"\{([^{}]*)\}")


class Said(Entry):
    """One thing in both languages; empty where a language says nothing."""

    zh: str
    en: str


class Sentences(Entry):
    """The sentences the headline of the outlook is made of, each with the places it may have (`PLACES`)."""

    stated: Said
    parts: Said
    no_stance: Said
    record: Said
    forecast_called: Said
    forecast_no_edge: Said
    forecast_too_short: Said
    interval: Said
    state: Said
    closed: Said
    day: Said
    two_days: Said
    receipts: Said
    premium: Said
    discount: Said
    risks: Said
    none: Said
    between_sentences: Said
    between_parts: Said


class Paragraph(Entry):
    """What the page's first paragraph and its cards are made of, each with the places it may have (`PARAGRAPH`)."""

    closed: Said
    traded: Said
    receipts: Said
    receipts_change: Said
    receipts_same: Said
    views: Said
    view: Said
    called: Said
    drivers: Said
    against: Said
    driver: Said
    resistance: Said
    support: Said
    risk: Said
    risk_condition: Said
    more_risks: Said
    no_risk: Said
    mind: Said
    stands_up: Said
    stands_down: Said
    stands_apart: Said
    unknown: Said
    no_stance: Said
    part: Said
    separator: Said
    sentences: Said
    views_between: Said


class WhyHeld(Entry):
    """Why a figure is held (`held_rule`), with its places; `divided` and `multiplied` are the hint {fits}: how it would be believed."""

    unit_of_role: Said
    not_positive: Said
    outside_bounds: Said
    range: Said
    unit_changed: Said
    another_scale: Said
    jump: Said
    rejected: Said
    divided: Said
    multiplied: Said


class Squeeze(Entry):
    """What is said of a squeeze: a sentence for each answer, and those it stands on, each with the places it may have (`SQUEEZE`)."""

    none: Said
    watch: Said
    squeeze: Said
    warrants_short: Said
    easing: Said
    unknown: Said
    measure: Said
    rank: Said
    stock: Said
    no_stock: Said
    all_goods: Said
    withdrawn: Said
    expiring: Said


_ANSWER = ("name", "contract", "day")
SQUEEZE = dict.fromkeys(("none", "watch", "squeeze", "warrants_short", "easing", "unknown"), _ANSWER) | {
    "measure": ("interest", "sessions", "ratio", "receipts", "floor"),
    "rank": ("percent", "cycles"),
    "stock": ("day", "goods"),
    "no_stock": (),
    "all_goods": ("ratio",),
    "withdrawn": ("contract", "withdrawn", "delivered", "usual", "since"),
    "expiring": ("expiring",),
}
PARAGRAPH = {
    "closed": ("contract", "close", "change", "change_close"),
    "traded": ("volume", "interest", "change"),
    "receipts": ("receipts", "change"),
    "receipts_change": ("change",),
    "receipts_same": (),
    "views": ("views",),
    "view": ("horizon", "stance"),
    "called": ("probability",),
    "drivers": ("drivers",),
    "against": ("drivers",),
    "driver": ("name", "value", "contribution"),
    "resistance": ("levels",),
    "support": ("levels",),
    "risk": ("risk", "conditions", "if", "then"),
    "risk_condition": ("name", "value"),
    "more_risks": ("risks",),
    "no_risk": (),
    "mind": ("ends",),
    "stands_up": ("parts",),
    "stands_down": ("parts",),
    "stands_apart": ("parts",),
    "unknown": ("parts",),
    "no_stance": ("why",),
    "part": ("name", "value"),
    "separator": (),
    "sentences": (),
    "views_between": (),
}
WHY_HELD = ("series", "day", "value", "unit", "before", "before_day", "lowest", "highest", "low", "high", "factor", "fits", "read_unit")
PLACES = {
    "stated": ("name", "horizon", "stance", "volatility", "tail", "parts"),
    "parts": ("parts",),
    "no_stance": ("name", "horizon", "why"),
    "record": ("n", "hits", "base", "verdict"),
    "forecast_called": ("probability",),
    "interval": ("low", "high"),
    "state": ("score",),
    "closed": ("contract", "close", "day", "two_days"),
    "day": ("against_settlement", "against_close"),
    "two_days": ("change",),
    "receipts": ("receipts",),
    "premium": ("distance",),
    "discount": ("distance",),
    "risks": ("risks",),
    "none": ("reasons", "coverage"),
}
Words = Annotated[dict[str, Said], Field(min_length=1)]


class WordsFile(Document):
    """`words.toml`."""

    sentence: Sentences
    paragraph: Paragraph
    held: WhyHeld
    squeeze: Squeeze
    stance: dict[Literal["2", "1", "0", "-1", "-2"], Said]
    why: Words
    volatility: Words
    tail: Words
    side: dict[Literal["support", "resistance"], Said]
    horizon: dict[Literal["short", "medium", "long"], Said]
    span: Words
    direction: Words
    status: Words
    block: Words
    verdict: Words
    outcome: Words
    source: Words
    provider: dict[str, Said] = Field(default_factory=dict)
    authority: Words
    model: Words
    feed: Words
    price: Words
    unit: Words
    truth: dict[Literal["true", "false"], Said]
    state: Words
    code: Words
    level: Words
    reason: Words

    def contradictions(self) -> Iterator[Wrong]:
        """A sentence has no place that nothing fills."""
        told = [
            *(("sentence", name, said, PLACES.get(name, ())) for name, said in self.sentence),
            *(("paragraph", name, said, PARAGRAPH[name]) for name, said in self.paragraph),
            *(("held", name, said, WHY_HELD) for name, said in self.held),
            *(("squeeze", name, said, SQUEEZE[name]) for name, said in self.squeeze),
        ]
        for kind, name, said, places in told:
            for language, text in said:
                for place in _PLACE.findall(text):
                    if place not in places:
                        yield (kind, name, language), unknown("place", place, places)
