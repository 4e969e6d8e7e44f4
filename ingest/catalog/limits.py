"""The limits of `limits.toml` as they are asked for: of one feed, of texts, of spreadsheets, of documents. Pure."""

from dataclasses import dataclass, replace
from functools import cached_property

from ingest.catalog.documents import load
from ingest.catalog.schemas import FeedLimits, LimitsFile, Shape, TextLimits
from ingest.paper import Limits as PaperLimits
from ingest.sheet import Limits as SheetLimits


@dataclass(frozen=True)
class Limits:
    """What a payload may be and may cost, for one run."""

    file: LimitsFile

    def of(self, source: str, feed: str) -> "FeedBounds":
        """Give the limits of one feed: its own, those of its source, those of all."""
        return self._feeds.get(f"{source}/{feed}") or self._feeds.get(f"{source}/*") or self._feeds["*"]

    @cached_property
    def _feeds(self) -> dict[str, "FeedBounds"]:
        common = next(row for row in self.file.limit if row.of == "*")
        return {row.of: FeedBounds(**_said(common) | _said(row)) for row in self.file.limit}

    @property
    def shape(self) -> Shape:
        """How a payload may be shaped."""
        return self.file.shape

    @property
    def text(self) -> TextLimits:
        """How much of a foreign text is repeated."""
        return self.file.text

    @cached_property
    def sheet(self) -> SheetLimits:
        """What a spreadsheet may be and may cost."""
        return SheetLimits(**self.file.sheet.model_dump(exclude={"label", "source"}))

    @cached_property
    def parser(self) -> "ParserBounds":
        """What parsing a payload may cost."""
        parser = self.file.parser or load(LimitsFile).parser
        assert parser is not None  # noqa: S101 - the shipped file says it
        return ParserBounds(**parser.model_dump(exclude={"label", "source"}))

    @cached_property
    def paper(self) -> PaperLimits:
        """What a document may be and may cost."""
        paper = self.file.paper or load(LimitsFile).paper
        assert paper is not None  # noqa: S101 - the shipped file says it
        return PaperLimits(**paper.model_dump(exclude={"label", "source"}))


@dataclass(frozen=True, slots=True)
class FeedBounds:
    """What one payload of a feed may be; `limits.toml` says what each counts."""

    bytes: int
    rows: int
    cells: int
    columns: int
    refused_rows: int


@dataclass(frozen=True, slots=True)
class ParserBounds:
    """What parsing one payload may take beyond what its process holds (bytes of memory, seconds), and how much may be made of it (bytes)."""

    memory_bytes: int
    cpu_seconds: int
    bytes_a_second: int
    """Bytes of a payload that give its parser one more second, up to the most."""
    most_cpu_seconds: int
    wall_seconds: float
    answer_bytes: int

    def times(self, factor: int) -> "ParserBounds":
        """Give so many times the memory and the time, for the same answer."""
        if factor == 1:
            return self
        return replace(
            self,
            memory_bytes=self.memory_bytes * factor,
            cpu_seconds=self.cpu_seconds * factor,
            bytes_a_second=max(self.bytes_a_second // factor, 1),
            most_cpu_seconds=self.most_cpu_seconds * factor,
            wall_seconds=self.wall_seconds * factor,
        )

    def seconds(self, size: int) -> float:
        """Give the processor time for a payload of this size."""
        return min(self.cpu_seconds + size / self.bytes_a_second, self.most_cpu_seconds)


def _said(row: FeedLimits) -> dict[str, int]:
    return row.model_dump(exclude={"of", "label", "source"}, exclude_none=True)
