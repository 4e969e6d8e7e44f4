"""What a claim is about: the words of its entity, resolved by the catalogue or by nothing.

Names in Chinese and English, codes, nicknames and forms of contracts are data (`[[name]]` of `metrics.toml`, the commodities' own files, the
exchanges' products). A word nobody knows never becomes the note's own commodity.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

DOMINANT = ("主力", "主连", "dominant", "main")
_CONTRACT = r"(?<![A-Za-z])(?P<product>(?-i:[A-Z]{1,2}(?=[\s-]?\d)|[a-z]{1,2}(?=\d)))[\s-]?(?P<month>2\d(?:0[1-9]|1[0-2]))(?!\d)"
_HS = r"(?<![A-Za-z])HS\s*(?P<hs>\d{4,8})(?!\d)"
_MONTH = (
    r"(?<![\d.])(?P<bare>2\d(?:0[1-9]|1[0-2]))(?![\d.])(?!\s*(?:[元手吨张万亿美%％个家]|yuan|lots?|usd|tonnes?|tons?|t\b))"  # 2607 元 is no contract
)
_REST = r"(?P<rest>[A-Za-z]+\d*|[^\W\d_])"  # of Chinese one sign at a time: what follows it may be known


@dataclass(frozen=True)
class Lexicon:
    """Every word an entity can be made of, in lower case."""

    commodities: Mapping[str, str]
    """Code of the commodity by word; blank for a product the catalogue does not have."""
    customs: Mapping[str, str]
    regions: Mapping[str, str]
    vendors: Mapping[str, str]
    """Beginning of a vendor's series by its names; the name itself where it has none."""
    themes: Mapping[str, str]
    neutral: frozenset[str]
    pattern: re.Pattern[str] = field(init=False)
    resolved: dict[tuple[str, str], "Entity"] = field(default_factory=dict, compare=False, repr=False)
    """What was resolved before: each word of a text is looked for among hundreds, and a claim's quote is asked about ten times."""

    def __post_init__(self) -> None:
        """Put all words into one pattern, the longest first: 氧化铝 is not 铝."""
        words = {*self.commodities, *self.regions, *self.vendors, *self.themes, *self.neutral, *DOMINANT}
        known = "|".join(_bounded(word) for word in sorted(words, key=lambda word: (-len(word), word)))
        object.__setattr__(self, "pattern", re.compile(f"{_HS}|{_CONTRACT}|(?P<word>{known})|{_MONTH}|{_REST}", re.IGNORECASE))


def _bounded(word: str) -> str:
    text = re.escape(word)
    return rf"(?<![A-Za-z]){text}(?![A-Za-z])" if word.isascii() else text


@dataclass(frozen=True)
class Entity:
    """What an entity's words name."""

    commodity: str
    """Code; blank where none can be told, `reason` says why."""
    contracts: tuple[str, ...] = ()
    is_dominant: bool = False
    hs: str = ""
    region: str = ""
    vendors: frozenset[str] = frozenset()
    theme: str = ""
    unknown: tuple[str, ...] = ()
    """Words that may say something nobody here understands."""
    reason: str = ""


def resolve(text: str, lexicon: Lexicon, own: str) -> Entity:
    """Give what the words name; `own` is the note's commodity, meant where they name none and are all known."""
    if (known := lexicon.resolved.get((text, own))) is None:
        known = lexicon.resolved[text, own] = _resolved(text, lexicon, own)
    return known


def _resolved(text: str, lexicon: Lexicon, own: str) -> Entity:
    codes, foreign, unknown = dict[str, None](), list[str](), list[str]()
    contracts, months, end = list[str](), list[str](), -1
    vendors, hs, region, theme, is_dominant = set[str](), "", "", "", False
    for match in lexicon.pattern.finditer(text):
        word = match[0].lower()
        if match["hs"]:
            hs = match["hs"]
            if code := lexicon.customs.get(hs):
                codes[code] = None
        elif match["product"]:
            code = lexicon.commodities.get(match["product"].lower(), "")
            if code:
                codes[code] = None
                contracts.append(f"{code}{match['month']}")
            else:
                foreign.append(match["product"].upper())
        elif match["bare"]:
            months.append(match["bare"])
        elif match["rest"]:
            joined = bool(unknown) and match.start() == end and not match[0].isascii()
            unknown[len(unknown) - joined :] = [(unknown[-1] if joined else "") + match[0]]
            end = match.end()
        elif word in lexicon.commodities:
            code = lexicon.commodities[word]
            codes.update({code: None} if code else {})
            foreign += [] if code else [match[0]]
        elif word in lexicon.regions:
            region = lexicon.regions[word]
        elif word in lexicon.vendors:
            vendors.add(lexicon.vendors[word])
        elif word in lexicon.themes:
            theme = lexicon.themes[word]
        elif word in DOMINANT:
            is_dominant = True
    found = list(codes)
    code, reason = (found[0] if len(found) == 1 else own), ""
    if foreign:
        code, reason = "", f"{foreign[0]!r} is no commodity of the catalogue"
    elif len(found) > 1:
        code, reason = "", f"the entity names several commodities: {', '.join(sorted(found))}"
    elif not found and unknown:
        code, reason = "", f"{_short(text)!r} names no commodity of the catalogue"
    if code:
        contracts += [f"{code}{month}" for month in months]
    return Entity(code, tuple(dict.fromkeys(contracts)), is_dominant, hs, region, frozenset(vendors), theme, tuple(unknown), reason)


def vendors_in(text: str, lexicon: Lexicon) -> frozenset[str]:
    """Give the vendors a text names."""
    return resolve(text, lexicon, "").vendors


def same_publisher(publisher: str, groups: Iterable[Iterable[str]]) -> Iterator[re.Pattern[str]]:
    """Give patterns of all names of a publisher: as stated, and every other the catalogue knows it by, in any language."""
    names = {publisher}
    for group in map(tuple, groups):
        if any(re.search(_bounded(name), publisher, re.IGNORECASE) for name in group):
            names.update(group)
    return (re.compile(_bounded(name), re.IGNORECASE) for name in sorted(names))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
