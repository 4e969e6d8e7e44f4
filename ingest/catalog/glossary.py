"""What `glossary.toml` holds: the trade's terms in Chinese and English, the words of states, and the larger units Chinese desks count in.

The page, its workbook, the comments of published columns and `docs/glossary.md` take their words from here. Sentences and names of codes
stand in `words.toml`.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from ingest.catalog.languages import Said
from quality.fields import FIELDS
from quality.typed import Document, Entry, Number, Positive, Text, Wrong, repeated, unknown

FILE = "glossary.toml"


class State(Entry):
    """What a number that stands for a state means."""

    value: Number
    zh: Text
    en: Text


class Term(Entry):
    """A term: its names, what it means, the published columns that hold it, and the words of its states where it has some."""

    id: Text
    zh: Text
    en: Text
    means: Said
    columns: list[Text] = []
    metrics: list[Text] = []
    """Metrics of `rules.toml` that are this term under another name."""
    states: list[State] = []


class Measure(Entry):
    """A unit in which Chinese desks count by another than the tables hold: how many of the stored unit it is, and from what amount on it is used."""

    unit: Text
    zh: Text
    holds: Positive
    above: Annotated[Number, Field(ge=0)] = 0.0
    digits: Annotated[int, Field(ge=0, le=4)] = 2


class GlossaryFile(Document):
    """`glossary.toml`."""

    term: list[Term]
    measure: list[Measure]

    def contradictions(self) -> Iterator[Wrong]:
        """An id, a name and a unit stand once, a column and a metric are one term each, and a column is one that is published."""
        yield from repeated("term", self.term, "id")
        yield from repeated("term", self.term, "zh")
        yield from repeated("term", self.term, "en")
        yield from repeated("measure", self.measure, "unit")
        taken: dict[tuple[str, str], str] = {}
        for place, term in enumerate(self.term):
            for column in term.columns:
                if column not in FIELDS:
                    yield ("term", place, "columns"), unknown("column", column, FIELDS)
            for kind, name in [*(("columns", name) for name in term.columns), *(("metrics", name) for name in term.metrics)]:
                if (first := taken.setdefault((kind, name), term.id)) != term.id:
                    yield ("term", place, kind), f"{name} is the term {first} already"
