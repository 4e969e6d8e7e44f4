"""The tone of Chinese news about one product, by a lexicon. Pure: a text and a lexicon give the tones, and nothing else does.

There is no segmenter behind it: the entries of the lexicon are themselves the words, found longest first. What lies
between them only counts for distance. The rules of tokens, clauses and windows stand at the head of `catalog/lexicon.toml`.
"""

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast, get_args

from ingest.catalog.documents import parsed
from ingest.catalog.schemas import Kind, LexiconFile
from ingest.sums import added

GAP = "…"  # between the parts of a term
_BREAK = re.compile(r"[\s,，。;；:：、.!！?？()（）【】\[\]《》<>\"“”/|]+")
KINDS: tuple[str, ...] = get_args(Kind)
FILE = "lexicon.toml"
_PIECE = 64

# Number of its clause, and a word; "" is text of one token's length that no entry knows.
Token = tuple[int, str]


@dataclass(frozen=True)
class Tone:
    """What a text says for one perspective; `tone` is above -1 and below 1, the parts are sums of degrees."""

    perspective: str
    tone: float
    positive: float
    negative: float
    hits: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """One version of the word lists. `version` names it and its content: any change of an entry makes another."""

    version: str
    source: str
    window: int
    negations: frozenset[str]
    degrees: Mapping[str, float]
    subjects: Mapping[str, str]
    participants: Mapping[str, str]
    terms: Mapping[tuple[str, ...], tuple[str, int]]
    """Parts of a term -> its kind and its sign for its own subject."""
    links: Mapping[tuple[str, str], tuple[tuple[str, int], ...]]
    """(subject, kind) -> perspectives and the sign of each."""
    plain: frozenset[str]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Find entries, the longest first; letters and digits in a row; a break; any other character."""
        parts = (part for term in self.terms for part in term)
        entries = {*self.negations, *self.degrees, *self.subjects, *self.participants, *self.plain, *parts}
        longest = "|".join(re.escape(entry) for entry in sorted(entries, key=lambda entry: (-len(entry), entry)))
        return re.compile(rf"(?P<entry>{longest})|(?P<latin>[A-Za-z0-9]+)|(?P<gap>{_BREAK.pattern})|(?P<other>.)", re.DOTALL)


@lru_cache(maxsize=4)
def read_lexicon(body: bytes) -> Lexicon:
    """Read the file's bytes; raises ConfigurationError with everything that is wrong with them."""
    file = cast(LexiconFile, parsed(FILE, body))
    terms = {tuple(word.split(GAP)): (row.kind, row.sign) for row in file.term for word in row.words}
    links: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for row in file.link:
        for kind in row.kinds:
            links.setdefault((row.subject, kind), []).append((row.perspective, row.sign))
    subjects = dict(file.subjects)
    for actor in file.participants:  # who makes a product speaks of it
        if inside := [word for word in subjects if word in actor]:
            subjects.setdefault(actor, subjects[max(inside, key=len)])
    content = json.dumps(tomllib.loads(body.decode("utf-8")), sort_keys=True, ensure_ascii=False).encode()
    return Lexicon(
        version=f"{file.version}+{hashlib.sha256(content).hexdigest()[:8]}",
        source=file.source,
        window=file.window_tokens,
        negations=frozenset(file.negations),
        degrees=file.degrees,
        subjects=subjects,
        participants=file.participants,
        terms=terms,
        links={key: tuple(found) for key, found in links.items()},
        plain=frozenset(file.plain),
    )


def lexicon_rows(body: bytes) -> Iterator[dict[str, Any]]:
    """Give every entry as a row of `catalog__lexicon`: kind of entry, the entry, what it stands for, its number."""
    lexicon = read_lexicon(body)
    found: list[tuple[str, str, str, float | None]] = [("window", "tokens", "", float(lexicon.window))]
    found += [("negation", word, "", -1.0) for word in lexicon.negations]
    found += [("degree", word, "", degree) for word, degree in lexicon.degrees.items()]
    found += [("subject", word, subject, None) for word, subject in lexicon.subjects.items()]
    found += [("participant", word, role, None) for word, role in lexicon.participants.items()]
    found += [("plain", word, "", None) for word in lexicon.plain]
    found += [("term", GAP.join(parts), kind, float(sign)) for parts, (kind, sign) in lexicon.terms.items()]
    found += [("link", f"{subject}>{perspective}", kind, float(sign)) for (subject, kind), to in lexicon.links.items() for perspective, sign in to]
    for entry_kind, entry, meaning, effect in sorted(found, key=lambda row: row[:3]):
        yield {
            "entry_kind": entry_kind,
            "entry": entry,
            "entry_meaning": meaning,
            "entry_effect": effect,
            "lexicon_version": lexicon.version,
            "source_note": lexicon.source,
        }


def compatible(text: str) -> str:
    """Give a text of any length in its compatible form (NFKC), piece by piece: at once it would take the square of a run of accents."""
    pieces, begin = [], 0
    while begin < len(text):
        end = begin + _PIECE
        while end < min(len(text), begin + 2 * _PIECE) and unicodedata.combining(text[end]):
            end += 1  # an accent goes with its letter
        pieces.append(unicodedata.normalize("NFKC", text[begin:end]))
        begin = end
    return "".join(pieces)


def participants(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Name the roles of those who act or speak in a text, in alphabetical order."""
    return tuple(sorted({lexicon.participants[word] for _, word in _tokens(text, lexicon) if word in lexicon.participants}))


def score(text: str, lexicon: Lexicon) -> list[Tone]:
    """Score a text for every perspective it has something to say for.

    A text that names a product and says nothing good or bad of it is neutral, 0; one that names none and holds no term
    that stands for itself has no tone at all, and gives nothing.
    """
    tokens = list(_tokens(text, lexicon))
    weighed: dict[str, list[tuple[str, float]]] = {}
    for subject in {lexicon.subjects[word] for _, word in tokens if word in lexicon.subjects}:
        for kind in KINDS:
            for perspective, _ in lexicon.links.get((subject, kind), ()):
                weighed.setdefault(perspective, [])
    subjects = _subjects(tokens, lexicon)
    for first, last, parts in _found(tokens, lexicon):
        kind, own_sign = lexicon.terms[parts]
        weight = own_sign * _modifier(tokens, first, last, lexicon)
        for perspective, sign in lexicon.links.get((subjects[first], kind), ()):
            weighed.setdefault(perspective, []).append((GAP.join(parts), sign * weight))
    return [_tone(perspective, terms) for perspective, terms in sorted(weighed.items())]


def _tone(perspective: str, terms: Sequence[tuple[str, float]]) -> Tone:
    positive = added(weight for _, weight in terms if weight > 0)
    negative = -added(weight for _, weight in terms if weight < 0)
    tone = (positive - negative) / (positive + negative + 1)
    return Tone(perspective, tone, positive, negative, tuple(f"{word}={weight:+g}" for word, weight in terms))


def _tokens(text: str, lexicon: Lexicon) -> Iterator[Token]:
    clause, unknown = 0, 0
    for match in lexicon.pattern.finditer(compatible(text)):
        if match.lastgroup == "other":
            unknown += 1
            continue
        yield from [(clause, "")] * ((unknown + 1) // 2)
        unknown = 0
        if match.lastgroup == "gap":
            clause += 1
        else:
            word = match[0]
            yield clause, "" if match.lastgroup == "latin" or word in lexicon.plain else word
    yield from [(clause, "")] * ((unknown + 1) // 2)


def _found(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Find terms as (first token, last token, parts); a token belongs to one term only, one of more parts first."""
    taken: set[int] = set()
    places: dict[str, list[int]] = {}
    for place, (_, word) in enumerate(tokens):
        if word:
            places.setdefault(word, []).append(place)
    for parts in sorted(lexicon.terms, key=lambda parts: (-len(parts), parts)):
        for first in places.get(parts[0], ()):
            at: list[int] = [first]
            for part in parts[1:]:
                reach = range(at[-1] + 1, min(at[-1] + 1 + lexicon.window + 1, len(tokens)))
                at += [place for place in reach if tokens[place] == (tokens[first][0], part)][:1]
            if len(at) == len(parts) and not taken & set(at):
                taken.update(at)
                yield first, at[-1], parts


def _modifier(tokens: Sequence[Token], first: int, last: int, lexicon: Lexicon) -> float:
    """Multiply the nearest degree with -1 for each of the nearest negations that stand side by side."""
    near = [word for _, word in reversed(tokens[first + 1 : last])]
    for place in range(first - 1, max(-1, first - 1 - lexicon.window), -1):
        at, word = tokens[place]
        # Terms side by side share what stands before them; over other words an earlier term keeps it to itself.
        if at != tokens[first][0] or ((word,) in lexicon.terms and (tokens[place + 1][1],) not in lexicon.terms):
            break
        near.append(word)
    degree = next((lexicon.degrees[word] for word in near if word in lexicon.degrees), 1.0)
    start = next((place for place, word in enumerate(near) if word in lexicon.negations), len(near))
    run = next((place for place, word in enumerate(near[start:]) if word not in lexicon.negations), len(near) - start)
    return degree * (-1.0) ** run


def _subjects(tokens: Sequence[Token], lexicon: Lexicon) -> list[str]:
    """Name the subject a term at each token has: the one before it in its clause or itself, else the next there, else the last of all before ("")."""
    found = [(clause, lexicon.subjects.get(word)) for clause, word in tokens]
    before: list[str | None] = []
    earlier: list[str] = []
    last, newest = (-1, ""), ""
    for clause, subject in found:
        earlier.append(newest)
        if subject is not None:
            last, newest = (clause, subject), subject
        before.append(last[1] if last[0] == clause else None)
    after: list[str | None] = []
    following: tuple[int, str | None] = (-1, None)
    for clause, subject in reversed(found):
        following = (clause, subject) if subject is not None else following
        after.append(following[1] if following[0] == clause else None)
    return [one or two or three for one, two, three in zip(before, reversed(after), earlier, strict=True)]
