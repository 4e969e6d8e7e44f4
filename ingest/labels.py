"""Labels of sums, as exchanges, the customs portal and vendors print them. Everything that must tell a sum from a name asks here.

A mark of the source itself (a class in the page, a row status) is read by the source's module first. Pure; no I/O.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Extent(StrEnum):
    """What a sum row covers, by its wording."""

    PART = "part"
    """Some of the rows: 合计, 小计, subtotal."""
    WHOLE = "whole"
    """All of them, or all of the kind named before the word: 总计, 共计, total."""


@dataclass(frozen=True, slots=True)
class SumLabel:
    """A label of a sum, recognised."""

    extent: Extent
    word: str
    """The word it was known by, in its plain form."""
    kind: str
    """What stands before the word: 保税商品 of 保税商品总计; blank where the sum is of everything."""

    @property
    def text(self) -> str:
        """The label in the one spelling that is kept, whatever was printed."""
        return self.kind + ("总计" if self.extent is Extent.WHOLE else "合计")


class UnknownSumError(ValueError):
    """A label that looks like one of a sum but is not in the vocabulary."""


# The longest label of a sum in any file seen has some 20 characters, so five times that is assumed to hold any. Taking a label apart takes the
# square of its length.
LONGEST = 100
# Longer words first: 合计 ends 总合计, total ends subtotal.
_WORDS = {
    "总合计": Extent.WHOLE,
    "总小计": Extent.WHOLE,
    "合计总计": Extent.WHOLE,
    "总计": Extent.WHOLE,
    "总值": Extent.WHOLE,
    "共计": Extent.WHOLE,
    "合共": Extent.WHOLE,
    "合计": Extent.PART,
    "小计": Extent.PART,
    "分计": Extent.PART,
    "subtotal": Extent.PART,
    "grandtotal": Extent.WHOLE,
    "total": Extent.WHOLE,
}
# No name of a warehouse, factory, product or country in any file seen holds one of these (tests/unit/test_labels.py).
_SUSPECT = re.compile(r"计$|合计|总计|小计|共计|累计|总数|总和|总量|总额|汇总|total|^sum$|sumof")
_UNITS = "吨|手|千克|公斤|克|桶|万吨|元|美元|万元|kg|t|lots?|tons?|tonnes?|mt|usd|cny"
_IN_BRACKETS = r"(?<=.)(?:\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】)"
# A bracket with what it holds is taken one way only: taken also sign by sign, `()` forty times over was tried in 2^40 ways.
_TAIL = re.compile(rf"(?:{_IN_BRACKETS}|/(?:{_UNITS})|(?<=[计共l])(?:{_UNITS})|(?!{_IN_BRACKETS})[\W_])+$")
_HEAD = re.compile(r"^[\W_]+")


def sum_label(label: str) -> SumLabel | None:
    """Tell which sum a label names; None for a name of something else. Raises UnknownSumError for one that only looks like a sum.

    Full-width forms, white space anywhere, invisible characters, units in brackets and closing marks make no difference.
    """
    if len(label) > LONGEST and len(printed := "".join(label.split())) > LONGEST:
        if _SUSPECT.search("".join(unicodedata.normalize("NFKC", character) for character in printed).casefold()):
            raise UnknownSumError(f"{printed[:LONGEST]!r}… looks like the label of a sum, and is none that is known (总计, 合计, 小计 …)")
        return None
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKC", label)
        if not character.isspace() and unicodedata.category(character) not in ("Cf", "Cc")
    ).casefold()
    core = _HEAD.sub("", _TAIL.sub("", plain)).replace("-", "")
    for word, extent in _WORDS.items():
        if core.endswith(word):
            return SumLabel(extent, word, core.removesuffix(word).rstrip("_的:"))
    if _SUSPECT.search(core):
        raise UnknownSumError(f"{label.strip()!r} looks like the label of a sum, and is none that is known (总计, 合计, 小计 …)")
    return None


def is_whole(label: str) -> bool:
    """Tell whether a label is that of the sum of everything."""
    try:
        found = sum_label(label)
    except UnknownSumError:
        return False
    return found is not None and found.extent is Extent.WHOLE and not found.kind
