"""TOML written by people, read through a pydantic model. Every mistake of a file is reported at once, each as one sentence with line and key.

Here stand the types such files are made of and the way from pydantic's errors to sentences. What a file of the catalogue holds is
`ingest.catalog.schemas`'s to say, what a correction holds `quality.corrections`'s.
"""

import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Loc = tuple[str | int, ...]
"""Where a value stands in a document: keys and places in lists."""
Wrong = tuple[Loc, str]
"""Where something is wrong, and what."""

# Fields an entry of a list is known by, the first it has.
_NAMES = ("id", "code", "name", "dataset", "series_id", "hs_code", "state", "tag")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: Any) -> Any:
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise ValueError(f"{value!r} is no day such as 2025-07-01")
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if _DAY.fullmatch(value) else "")
    except ValueError:
        raise ValueError(f"{value!r} is no day such as 2025-07-01") from None


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number")
    return value


Text = Annotated[str, Field(min_length=1)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A day of TOML, or one written as text, 2025-07-01."""
Number = Annotated[float, AfterValidator(_finite)]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(gt=0, le=1)]


class Entry(BaseModel):
    """A table of a file. An unknown key is an error, because a misspelt key would otherwise be ignored. Text is not converted to numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Document(Entry):
    """A whole file."""

    def contradictions(self) -> Iterator[Wrong]:
        """Give what is wrong between the entries of a file whose entries are right by themselves."""
        return iter(())


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a file, for people."""

    file: str
    line: int
    where: str
    message: str

    def __str__(self) -> str:
        """Say it in one sentence."""
        return " ".join(f"{self.file}, line {self.line}: {self.where + ': ' if self.where else ''}{self.message}".split())


class WrongFileError(ValueError):
    """A file is not what its model reads; `faults` holds all that is wrong with it."""

    def __init__(self, faults: Iterable[Fault], document: Document | None = None) -> None:
        self.faults = tuple(faults)
        self.document = document
        """What was read, where each entry is valid by itself and only contradicts another."""
        super().__init__("; ".join(map(str, self.faults)))


D = TypeVar("D", bound=Document)


def read(model: type[D], file: str, text: str) -> D:
    """Read a file's text; raises WrongFileError with everything that is wrong with it."""
    document = _loaded(file, text)
    try:
        found = model.model_validate(document)
    except ValidationError as error:
        raise WrongFileError(faults(file, text, _told(model, error.errors(include_url=False)))) from None
    if wrong := faults(file, text, found.contradictions()):
        raise WrongFileError(wrong, found)
    return found


def faults(file: str, text: str, wrong: Iterable[Wrong]) -> list[Fault]:
    """Give the line of each mistake, in the order of the lines."""
    found = list(wrong)
    if not found:
        return []
    document, lines = tomllib.loads(text), _lines(text)
    said = {
        Fault(file, next(lines[loc[:n]] for n in range(len(loc), -1, -1) if loc[:n] in lines), _where(document, loc), _cut(message))
        for loc, message in found
    }
    return sorted(said, key=lambda fault: (fault.line, fault.where, fault.message))


def _cut(text: str) -> str:
    """Give a sentence without the middle of what is repeated in it: its end says what is wrong, or which name may be meant."""
    left_out = len(text) - _BEGIN - _END
    return text if left_out <= 0 else f"{text[:_BEGIN]}… ({left_out:,} characters) …{text[-_END:]}"


def near(name: object, names: Iterable[str]) -> str:
    """Give the nearest right name as the end of a sentence, or all of them where none is near and they are few."""
    known = sorted(names)
    if close := get_close_matches(str(name), known, 1) or get_close_matches(str(name).lower(), [one.lower() for one in known], 1):
        return f"; did you mean {next(one for one in known if one.lower() == close[0].lower())!r}?"
    return f"; known are {', '.join(map(repr, known))}" if len(known) <= 12 else ""


def unknown(what: str, name: object, names: Iterable[str]) -> str:
    """Say that a name does not exist, and which one may be meant."""
    return f"there is no {what} {_shown(name)}{near(name, names)}"


def repeated(place: str, entries: Iterable[Any], *keys: str) -> Iterator[Wrong]:
    """Name each entry of a list whose key stands before it."""
    seen: dict[tuple[Any, ...], int] = {}
    for number, entry in enumerate(entries):
        values = tuple(getattr(entry, key) for key in keys)
        if (first := seen.setdefault(values, number)) != number:
            told = ", ".join(f"{key} {_shown(value)}" for key, value in zip(keys, values, strict=True) if value != "")
            yield (place, number, keys[0]), f"{told} stands in entry {first + 1} of [[{place}]] already"


def _loaded(file: str, text: str) -> dict[str, Any]:
    if text.count(".") > _DOTS:
        for number, said_there in enumerate(text.split("\n"), start=1):
            if said_there.count(".") > _DOTS:
                raise WrongFileError([Fault(file, number, "", f"the line has more than {_DOTS:,} dots; no key has so many parts")])
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = re.search(r" \(at line (\d+), column (\d+)\)$", said)
        line = int(place[1]) if place else text.count("\n") + 1
        raise WrongFileError([Fault(file, line, "", f"this is not TOML: {said[: place.start()] if place else said}")]) from None
    except (RecursionError, ValueError):
        raise WrongFileError([Fault(file, 1, "", "lists lie in each other too deep, or a number has thousands of digits")]) from None


def _lines(text: str) -> dict[Loc, int]:
    """Give the line of every key and entry; those inside a value over many lines have the line on which it begins.

    A statement is what TOML takes for a document by itself, so the text is cut where its lines so far are one.
    """
    found: dict[Loc, int] = {(): 1}
    entries: dict[Loc, int] = {}
    table: Loc = ()
    statement, start = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        start, statement = (number, line) if not statement else (start, f"{statement}\n{line}")
        try:
            said = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if line.lstrip().startswith("[") and statement == line:
            table, inner = (), said
            while inner:
                ((key, held),) = inner.items()
                table += (key,)
                if isinstance(held, list):
                    entries[table] = entries.get(table, -1) + 1
                if table in entries:
                    table += (entries[table],)
                found.setdefault(table, start)
                inner = held[0] if isinstance(held, list) else held
        else:
            for loc in _places(said):
                found.setdefault(table + loc, start)
        statement = ""
    return found


def _places(value: Any, at: Loc = ()) -> Iterator[Loc]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in inner:
        yield (*at, key)
        yield from _places(held, (*at, key))


def _where(document: Mapping[str, Any], loc: Loc) -> str:
    """Name a place as people do: rule O1, key when."""
    told: list[str] = []
    path: list[str] = []
    at: Any = document
    for step in loc:
        try:
            at = at[step]
        except (LookupError, TypeError):
            at = None
        if isinstance(step, str):
            path.append(_short(step))
            continue
        known = next((at[name] for name in _NAMES if isinstance(at.get(name), str)), None) if isinstance(at, dict) else None
        told.append(f"{'.'.join(path)} {_short(known) if known else step + 1}")
        path.clear()
    if path:
        if path[:-1]:
            told.append(".".join(path[:-1]))
        told.append(f"key {path[-1]}")
    return ", ".join(told)


_DOTS = 1_000
"""Dots of a line that are read (assumed: no list of figures in a catalogue is as long; a key of 100,000 parts takes 5 GB)."""
_BEGIN, _END = 400, 400
"""Characters of a sentence that are kept (assumed: more than any list of names to choose from has)."""
_SENTENCES = {
    "string_type": "must be text, in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list, in brackets",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
}


def _told(model: type[BaseModel], errors: Iterable[ErrorDetails]) -> Iterator[Wrong]:
    errors = list(errors)
    lacking: dict[Loc, set[str]] = {}
    for error in errors:
        if error["type"] == "missing":
            lacking.setdefault(error["loc"][:-1], set()).add(str(error["loc"][-1]))
    for error in errors:
        loc, kind, context = tuple(step for step in error["loc"] if step != "[key]"), error["type"], error.get("ctx", {})
        if kind == "missing":
            yield loc[:-1], f"key {loc[-1]} is missing"
        elif kind == "extra_forbidden":
            # A key that is missing is the likelier one.
            names = lacking.get(loc[:-1], set())
            close = get_close_matches(str(loc[-1]), names, 1)
            yield loc, f"this key is not known{near(loc[-1], close or _keys(model, loc[:-1]))}"
        elif kind == "literal_error":
            names = set(re.findall(r"'([^']*)'", context["expected"]))
            offered = ", ".join(sorted(names)) or context["expected"]
            hint = near(error["input"], names) if isinstance(error["input"], str) and get_close_matches(error["input"], names, 1) else ""
            yield loc, f"{_shown(error['input'])} is not one of {offered}{hint}"
        elif kind == "string_pattern_mismatch":
            yield loc, f"{_shown(error['input'])} is not of the form {context['pattern']}"
        elif kind in _SENTENCES:
            yield loc, f"{_SENTENCES[kind].format(**context)}, not {_shown(error['input'])}"
        else:
            yield loc, str(context["error"]) if "error" in context else error["msg"]


def _shown(value: Any) -> str:
    return _short(str(value) if isinstance(value, date) else repr(value))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def _keys(model: type[BaseModel], loc: Loc) -> set[str]:
    """Give the keys the table at a place may have."""
    kinds = _models(model)
    for step in loc:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    return {field.alias or name for kind in kinds if isinstance(kind, type) for name, field in _fields(kind).items()}


def _fields(kind: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return kind.model_fields


def _inside(kind: Any, step: str | int) -> list[Any]:
    if not isinstance(kind, type):
        return _models(get_args(kind)[-1])
    return [found for name, field in _fields(kind).items() if (field.alias or name) == step for found in _models(field.annotation)]


def _models(annotation: Any) -> list[Any]:
    """Give the models, or lists and tables of them, an annotation allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [found for part in get_args(annotation) for found in _models(part)]
    if origin in (list, dict):
        return [annotation] if _models(get_args(annotation)[-1]) else []
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
