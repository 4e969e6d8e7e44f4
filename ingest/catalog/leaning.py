"""Profiles and stances: what `profiles.toml` and `stances.toml` hold, what they may not contradict, and their rows.

A profile says from which inputs a decision may stand; a stance, where the evidence leans. What an input or a dead-band should be stands in
those files; what is done with them, in SQL. Rules and scenarios have a page of their own (`scoring`).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from ingest.catalog.schemas import Name, Profile
from ingest.catalog.scoring import COMPARATORS, CONDITION, Rows, condition, fingerprint, stands_twice
from quality.typed import Day, Document, Entry, Positive, Share, Text, Wrong, unknown


class Input(Entry):
    """One input that the coverage of a profile counts."""

    code: Name
    en: Text
    zh: Text
    profile: Profile
    """`exchange` counts in both profiles, `full` in that one alone: then it is a group of vendors, customs or policy."""
    signal: Name
    maximum_age_sessions: Annotated[int, Field(ge=0)]
    source: Text | None = None


class ProfilesFile(Document):
    """`profiles.toml`."""

    source: Text
    input: Annotated[list[Input], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """An input stands once, and each profile has one."""
        yield from stands_twice("input", [(row.code,) for row in self.input])
        for profile in ("exchange", "full"):
            if profile not in {row.profile for row in self.input}:
                yield ("input",), f"no input has profile {profile}"


def _one_condition(line: str) -> str:
    if " or " in line:
        raise ValueError(f"{line!r} names alternatives; a dead-band has one condition")
    return condition(line)


Band = Annotated[str, AfterValidator(_one_condition)]


class Lean(Entry):
    """How the parts of a horizon become a stance."""

    horizon: Literal["short", "medium", "long"]
    method: Literal["mean", "signs"]
    """`mean`: weighted mean of the parts' values; `signs`: sum of the parts that lean."""
    steps: Annotated[list[Positive], Field(min_length=1, max_length=2)]
    """Absolute values from which on the stance is 1, and 2."""
    evidence_minimum: Share
    profile: Profile
    """What the stance takes at least."""
    caps: list[Text] = []
    """Flags that hold the stance at 1 on either side."""
    divided_by: Text | None = None
    """Flag with which there is no stance where `divided_from` parts stand on each side."""
    divided_from: Annotated[int, Field(ge=1)] | None = None
    valid_from: Day | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Lean":
        if self.steps != sorted(set(self.steps)):
            raise ValueError(f"steps {self.steps} do not rise")
        if (self.divided_by is None) != (self.divided_from is None):
            raise ValueError("divided_by and divided_from go together")
        return self


class Part(Entry):
    """One thing a stance reads: a metric, and beyond which dead-band it leans to either side."""

    horizon: Literal["short", "medium", "long"]
    code: Name
    en: Text
    zh: Text
    metric: Name
    weight: Annotated[float, Field(ge=0)]
    """Zero retires the part."""
    up: Band | None = None
    down: Band | None = None
    maximum_age_sessions: Annotated[int, Field(ge=0)]
    valid_from: Day | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _bands_are_of_the_metric(self) -> "Part":
        for band in (self.up, self.down):
            if band is not None and _bound(band)[0] != self.metric:
                raise ValueError(f"the dead-band {band!r} is not of the metric {self.metric}")
        return self


def _bound(band: str | None) -> tuple[str | None, str | None, float | None]:
    """Give metric, comparator and threshold of a dead-band; nothing of none."""
    match = CONDITION.fullmatch(band or "")
    return (match[1], COMPARATORS[match[2]], float(match[3])) if match else (None, None, None)


class StancesFile(Document):
    """`stances.toml`."""

    version: Text
    valid_from: Day
    source: Text
    lean: Annotated[list[Lean], Field(min_length=1)]
    part: Annotated[list[Part], Field(min_length=1)]

    def since(self, row: Lean | Part) -> date:
        """Give the day a row is in force from."""
        return row.valid_from or self.valid_from

    def contradictions(self) -> Iterator[Wrong]:
        """A horizon that leans has parts, the parts of a sum of signs have a dead-band, and nothing stands twice from a day on."""
        yield from stands_twice("lean", [(row.horizon, self.since(row)) for row in self.lean])
        yield from stands_twice("part", [(row.horizon, row.code, self.since(row)) for row in self.part])
        methods = {row.horizon: row.method for row in self.lean}
        for number, lean in enumerate(self.lean):
            if not any(part.horizon == lean.horizon for part in self.part):
                yield ("lean", number), f"the {lean.horizon} horizon has no part"
        for number, part in enumerate(self.part):
            if part.horizon not in methods:
                yield ("part", number, "horizon"), unknown("lean of horizon", part.horizon, methods)
            elif (methods[part.horizon] == "signs") == (part.up is None and part.down is None):
                yield ("part", number), "a sum of signs takes a dead-band of each part, up, down or both; a mean takes none"


def profile_rows(file: ProfilesFile) -> Rows:
    """Give the inputs of the profiles."""
    return {
        "catalog__profile_inputs": [
            {
                "input": row.code,
                "input_name": row.en,
                "input_name_zh": row.zh,
                "profile": row.profile,
                "signal": row.signal,
                "maximum_age_sessions": row.maximum_age_sessions,
                "source_note": row.source or file.source,
            }
            for row in file.input
        ]
    }


def stance_rows(file: StancesFile, document: Mapping[str, Any]) -> Rows:
    """Give horizons and their parts; `document` is the file as TOML says it, which the fingerprints are made of."""
    return {
        "catalog__stances": [
            {
                "horizon": row.horizon,
                "valid_from": file.since(row),
                "stance_method": row.method,
                "first_step": row.steps[0],
                "second_step": row.steps[1] if len(row.steps) == 2 else None,
                "evidence_minimum": row.evidence_minimum,
                "profile": row.profile,
                "capped_by": ";".join(row.caps) or None,
                "divided_by": row.divided_by,
                "divided_from": row.divided_from,
                "fingerprint": fingerprint(said),
                "config_version": file.version,
                "source_note": row.source or file.source,
            }
            for row, said in zip(file.lean, document["lean"], strict=True)
        ],
        "catalog__stance_parts": [
            {
                "horizon": row.horizon,
                "part": row.code,
                "valid_from": file.since(row),
                "part_name": row.en,
                "part_name_zh": row.zh,
                "metric": row.metric,
                "weight": row.weight,
                "up_comparator": _bound(row.up)[1],
                "up_threshold": _bound(row.up)[2],
                "down_comparator": _bound(row.down)[1],
                "down_threshold": _bound(row.down)[2],
                "maximum_age_sessions": row.maximum_age_sessions,
                "fingerprint": fingerprint(said),
                "config_version": file.version,
                "source_note": row.source or file.source,
            }
            for row, said in zip(file.part, document["part"], strict=True)
        ],
    }
