"""Claims out of a note's text, by rules: numbers with units near the words of metrics, dates, contracts, tables. No model, no chance.

The words are data (`words`, `not`, `change_of`, `when`, `part_of` of `metrics.toml`), the grammar is here: what stands between two numbers says what the
second is. A number that cannot be placed is given with the reason and never guessed. Where the text comes from: `texts`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import islice

from ingest.catalog.calendar import Calendar
from serving.research.audit.claims import COLUMNS, parse_period
from serving.research.audit.entities import DOMINANT, resolve
from serving.research.audit.interval import Interval
from serving.research.audit.meanings import Catalog, Metric

_FIGURE = r"\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,10})?|\d{1,15}(?:\.\d{1,10})?"
_UP = r"(?<!不)(?:上涨|上升|上调|上行|增加|增长|提升|提高|走高|回升|扩大|累库|日增|[涨升增]|\bup\b|\brose\b|\brise\b|\bincreased?\b|\bgain(?:ed)?\b|\bhigher\b)"
_DOWN = r"(?:下跌|下降|下调|下行|减少|回落|下滑|走低|收窄|缩减|去库|日降|日减|[跌降减]|\bdown\b|\bfell\b|\bfall\b|\bdecreased?\b|\bdropp?e?d?\b|\blower\b)"
_CHANGE = re.compile(rf"(?P<open>涨跌|变化|变动|增减|环比|同比|\bchange\b)|(?P<up>{_UP})|(?P<down>{_DOWN})", re.IGNORECASE)
_NO_CHANGE = re.compile(r"涨跌停|升贴水|升水|增值|跌停|涨停|加权|减产|增产|增仓意愿|上升空间|增速")
_AGAINST = re.compile(r"[较比]|环比|同比|\bfrom\b|compared|versus", re.IGNORECASE)
_TO = re.compile(r"^\s*(?:后)?(?:[，,；;]\s*)?(?:[至到为]|\bto\b)\s*$", re.IGNORECASE)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_MONTH = rf"(?:{'|'.join(_MONTHS)})"
_DATE = re.compile(
    r"(?P<iso>20\d\d[-/.]\d{1,2}[-/.]\d{1,2})|(?P<full>20\d\d\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日)|(?P<day>\d{1,2}\s*月\s*\d{1,2}\s*日)"
    rf"|(?P<en_day>\b\d{{1,2}} {_MONTH}(?:,? 20\d\d)?|\b{_MONTH} \d{{1,2}}(?!\d)(?:, 20\d\d)?)|(?P<en_month>\b{_MONTH} 20\d\d|(?<=\b[Ii]n ){_MONTH}|(?<=\bfor ){_MONTH})"
    r"|(?P<year_month>20\d\d\s*年\s*\d{1,2}\s*月份?)|(?P<month>(?<!\d)\d{1,2}\s*月份?(?!\d))|(?P<word>今日|当日|昨日|昨夜|昨晚|隔夜|前一交易日|上一交易日|上周[一二三四五]|本周[一二三四五]|周[一二三四五](?!度))"
)  # fmt: skip
_IGNORED = re.compile(
    r"20\d\d\s*年|\d{1,2}:\d{2}|第\s*\d+|前\s*\d+|每手\s*\d+\s*吨|(?<![\d.])\d{1,6}(?:\.\d+)?\s*(?:大卡|%\s*(?=液碱|烧碱)|年期|天|日均线|个月|个交易日|小时)|[A-Z]00|(?m:^\s*\d{1,2}\s*[、.．)）])|GB/T\s*\d+|HS\s*\d+|(?:烧碱|液碱)\s*[（(]\s*\d{1,2}\s*%\s*[）)]"
)
_BASE = re.compile(r"(?:较|比|自|from|since)\s*$", re.IGNORECASE)
_WEEK = re.compile(
    r"[较比]上周|周环比|周度(?!产|开工|均)|周(?:涨|跌|增|减|升|降)|周内|环比上周|from (?:the )?(?:previous|last) week|week on week", re.IGNORECASE
)
_MONTHLY = re.compile(r"[较比]上月|月环比", re.IGNORECASE)
_NIGHT = re.compile(r"夜盘|当晚|昨夜|昨晚|隔夜|night session", re.IGNORECASE)
_CAPTION = re.compile(r"\s*(?:图表?|表)\s*\d*\s*[：:]|\s*(?:数据|资料)?来源\s*[：:]")
_AFTER = re.compile(r"\s*(?:(?P<up>increase|rise|gain)|(?P<down>decrease|drop|fall|decline))\b", re.IGNORECASE)
_ENDS_AT = re.compile(r"(?:[至到为]|\bto)\s*$", re.IGNORECASE)
_FORECAST = re.compile(r"预计|有望|或将|若(?!干)|如果|假如|目标价|预测|\bforecasts?\b|\bexpect(?:s|ed)?\b|\bif\b|\bcould\b", re.IGNORECASE)
_OVER = re.compile(r"(?:超过?|逾|突破|高于|站上|大于|above|over|more than|exceed(?:s|ed)?)\s*(?:了)?\s*$", re.IGNORECASE)
_UNDER = re.compile(r"(?:不足|低于|不到|跌破|below|under|less than)\s*$", re.IGNORECASE)
_ABOUT = re.compile(r"(?:约|近|逼近|接近|大约|约为|about|around|nearly|some)\s*$", re.IGNORECASE)
_SENTENCE = re.compile(r"[。！？!?\n]|\.(?=\s+[A-Z]|\s*$)")
# A list told together: names, 分别, and as many figures; what is said before and after the names is said of each.
_LIST = re.compile(r"(?P<names>[^。！？!?\n；;，,：:]{2,120})分别(?P<verb>[^\d。！？!?\n；;，,]{0,8})$")
_COUNTED = re.compile(r"^[两三四五六七八九十各](?:地区?|省|港|家|者|个?合约)")
_BETWEEN_NAMES = re.compile(r"、|(?<!共)[和及与]")
_BETWEEN_FIGURES = re.compile(r"\s*(?:、|，|,|[和及与])\s*(?:[+\-−])?\s*")
_CELLS = re.compile(r"\t|\|| {2,}")
_EARLIER = re.compile(
    r"前值|前期|前一?[日周月期]|上一?[日周月期]|昨|去年|同期|\bprevious\b|\bprior\b|\bago\b|\blast (?:week|month|year)", re.IGNORECASE
)
_MOST_CELLS = 60  # a row of more is no table of a note
_LEAD, _AROUND = 400, 300  # characters before a number that can say what it is, and of its sentence that can say of whom
_TERMINAL = re.compile(r"[。！？!?；;：:】.]\s*$")
NUMBERS_LIMIT = 5000
_WRAPPED = 25  # a line of at least so many characters that ends nowhere goes on in the next
_NEAR, _QUOTE = 8, 120
_REGION_ALONE = 24  # characters of a name and a mark or two
_BARE_DIGITS = 3  # a number without a unit and of fewer digits numbers a page or a line
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF1A)} | {
    ord("％"): "%",
    ord("－"): "-",
    ord("＋"): "+",
    ord("．"): ".",
    ord("，"): "，",
}


@dataclass(frozen=True)
class Found:
    """A number of the text and what it says."""

    start: int
    end: int
    shown: str
    quote: str
    metric: str = ""
    """Name; blank where none could be told."""
    candidates: tuple[str, ...] = ()
    kind: str = "quantity"
    entity: str = ""
    period: str = ""
    cmp: str = ""
    value: str = ""
    value_high: str = ""
    unit: str = ""
    direction: str = ""
    is_confident: bool = False
    reason: str = ""

    def row(self, claim_id: str) -> dict[str, str]:
        """Give the claim as a row of a claims file."""
        cells = {name: str(getattr(self, name)) for name in COLUMNS if name in Found.__dataclass_fields__}
        return dict.fromkeys(COLUMNS, "") | cells | {"claim_id": claim_id, "quote_zh": self.quote, "metric": self.metric or "unmapped"}


@dataclass
class _Number:
    """A number as it stands in a part of the text."""

    start: int
    end: int
    sign: str
    low: str
    high: str
    unit: str
    scale: int
    more: str


@dataclass
class _State:
    """What the text has spoken of last."""

    commodity: str
    contracts: dict[str, str] = field(default_factory=dict)
    main: dict[str, str] = field(default_factory=dict)
    """The contract the text has called the dominant one, by commodity."""
    customs: str = ""
    pair: tuple[str, ...] = ()
    is_foreign: bool = False
    is_dominant: bool = False
    region: str = ""
    """The region the sentence has given a figure of last: a change told after it is of the same one."""
    metric: Metric | None = None
    level: Metric | None = None
    before: Metric | None = None
    """The level an earlier sentence of the paragraph ended with: a region alone before a number is a part of it."""
    direction: str = ""
    unit: str = ""
    period: str = ""
    is_night: bool = False


@dataclass(frozen=True)
class _Part:
    """A paragraph or a table row; `places` gives the index in the text of each of its characters."""

    text: str
    places: Sequence[int]


class TooManyNumbersError(ValueError):
    """The text holds more numbers than a note can."""


def _refuse_many(numbers: int) -> None:
    """Raise TooManyNumbersError where there are more numbers than a note can hold."""
    if numbers > NUMBERS_LIMIT:
        raise TooManyNumbersError(f"more than {NUMBERS_LIMIT:,} numbers; a note has a few hundred")


class Extractor:
    """Reads notes of one catalogue."""

    def __init__(self, catalog: Catalog, calendar: Calendar) -> None:
        self.catalog, self.calendar = catalog, calendar
        self.spoken = [metric for metric in catalog.metrics.values() if metric.words or metric.change_of or metric.part_of]
        self._words = [
            (metric, [re.compile(word, re.IGNORECASE) for word in metric.words], [re.compile(word, re.IGNORECASE) for word in metric.not_words])
            for metric in self.spoken
        ]

    @cached_property
    def _number(self) -> re.Pattern[str]:
        units = sorted((name for name in self.catalog.unit_names if name not in ("contract", "text", "list", "date")), key=len, reverse=True)
        words = "|".join(re.escape(unit) + (r"(?![a-z])" if unit[-1:].isascii() and unit[-1:].isalpha() else "") for unit in units)
        return re.compile(
            rf"(?P<sign>(?<![\dA-Za-z%％)）])[+\-−])?(?P<low>{_FIGURE})(?:\s*(?:-|—|–|~|～|至)\s*(?P<high>{_FIGURE}))?"
            rf"\s*(?P<scale>[万亿](?=\s*[余多)）,，。；]|$))?(?P<more>[余多])?\s*(?P<unit>{words})?",
            re.IGNORECASE,
        )

    def extract(self, text: str, as_of: date, commodity: str) -> list[Found]:
        """Give the numbers of a text in its order."""
        plain = text.translate(_FULL_WIDTH)
        state, found, header = _State(commodity), list[Found](), list[str]()
        for part in _parts(plain):
            cells = [cell.strip() for cell in _CELLS.split(part.text.strip("\n"))]
            is_row = 1 < len(cells) <= _MOST_CELLS and not re.search(r"[。；;]", part.text)
            undated = [_DATE.sub("", cell) for cell in cells[1:]]  # a column can be headed by its day
            if is_row and (not re.search(r"\d", "".join(undated)) or any(self._number.fullmatch(cell) for cell in cells[1:])):
                if not any(re.search(r"\d{2}", cell) for cell in undated):
                    header = cells
                    continue
                found += self._row(part, header, as_of, state)
                continue
            header = header if is_row else []
            found += islice(self._prose(part, as_of, state), NUMBERS_LIMIT + 1)
            _refuse_many(len(found))
        return sorted(found, key=lambda one: one.start)

    # ---- prose ---------------------------------------------------------------------------------------------------------------------

    def _prose(self, part: _Part, as_of: date, state: _State) -> Iterator[Found]:
        text, day_text = part.text, ""
        state.level = state.before = None
        masked = _mask(text, [match.span() for match in (*_DATE.finditer(text), *_IGNORED.finditer(text))])
        names = [match.span() for match in self.catalog.lexicon.pattern.finditer(text) if match["product"] or match["hs"] or match["bare"]]
        masked = _mask(masked, names)
        begin = 0
        for end in [*(match.end() for match in _SENTENCE.finditer(masked)), len(text)]:
            state.metric, state.level, state.before, state.region = None, None, state.level or state.before, ""
            last, day = begin, day_text
            # Counted before they are judged: a sentence of too many ends at once.
            numbers = list(islice(self._numbers(masked, begin, end), NUMBERS_LIMIT + 1))
            _refuse_many(len(numbers))
            listed = self._listed(text, begin, numbers)
            for place, number in enumerate(numbers):
                spoken_day, day = day, _scope(text, last, number.start, day)
                lead = text[max(last, number.start - _LEAD) : number.start]
                if place in listed:
                    lead, unit = listed[place]
                    number = replace(number, unit=number.unit or unit)
                elif number.sign and not number.unit and re.fullmatch(r"\s*[（(]\s*", lead):
                    number = replace(number, unit=state.unit)  # 352.15万吨(+3.2): the change is in the unit before it
                self._speak_of(lead if place in listed else text[last : number.start], state)
                tail = re.split(r"[，。；;,、\n]", text[number.end : min(end, number.end + _AROUND)], maxsplit=1)[0]
                sentence = text[max(begin, number.start - _AROUND) : min(end, number.end + _AROUND)]
                state.is_night = _is_night(text[max(begin, number.start - _AROUND) : number.start])
                yield self._placed(part, number, lead, tail, sentence, day, as_of, state)
                if day != spoken_day and _TO.search(_DATE.sub("", lead)):
                    day = spoken_day  # 前一交易日为25: one figure of another day, and back
                last = number.end
            day_text = _scope(text, last, end, day)
            self._speak_of(text[last:end], state)
            begin = end

    def _listed(self, text: str, begin: int, numbers: Sequence[_Number]) -> dict[int, tuple[str, str]]:
        """Give what each figure of a list is said of, by its place among the numbers: its own name with the words all share, and the list's unit."""
        found: dict[int, tuple[str, str]] = {}
        for first, number in enumerate(numbers):
            before = text[max(begin, number.start - _LEAD) : number.start]
            if first in found or not (match := _LIST.search(before)):
                continue
            names = _BETWEEN_NAMES.split(match["names"])
            last = first
            while last + 1 < len(numbers) and _BETWEEN_FIGURES.fullmatch(text[numbers[last].end : numbers[last + 1].start]):
                last += 1
            if len(names) < 2 or last + 1 - first != len(names):
                continue
            shared_before, own = self._split_name(names[0], at_end=True)
            own_last, shared_after = self._split_name(names[-1], at_end=False)
            unit = next((one.unit for one in reversed(numbers[first : last + 1]) if one.unit), "")
            for place, name in enumerate([own, *names[1:-1], own_last]):
                found[first + place] = (f"{before[: match.start()]}{shared_before}{name}{shared_after}{match['verb']}", unit)
        return found

    def _split_name(self, text: str, *, at_end: bool) -> tuple[str, str]:
        """Part the first (last) name of a list from the words before (after) it that are said of all: the name is a word of the catalogue, else all of it."""
        spans = [match.span() for match in self.catalog.lexicon.pattern.finditer(text) if match["word"] or match["product"] or match["bare"]]
        if at_end:
            ending = [begin for begin, end in spans if end == len(text)]
            return (text[: ending[-1]], text[ending[-1] :]) if ending else ("", text)
        starting = [end for begin, end in spans if begin == 0]
        return (text[: starting[0]], _COUNTED.sub("", text[starting[0] :])) if starting else (text, "")

    def _numbers(self, masked: str, begin: int, end: int) -> Iterator[_Number]:
        for match in self._number.finditer(masked, begin, end):
            unit = self.catalog.unit_named(match["unit"]) or "" if match["unit"] else ""
            scale = {"万": 10_000, "亿": 100_000_000}.get(match["scale"] or "", 1)
            stop = (
                match.end("unit")
                if match["unit"]
                else match.end("more")
                if match["more"]
                else match.end("high")
                if match["high"]
                else match.end("low")
            )
            yield _Number(
                match.start("sign") if match["sign"] else match.start("low"), stop, (match["sign"] or "").replace("−", "-"),
                match["low"].replace(",", ""), (match["high"] or "").replace(",", ""), unit, scale, match["more"] or "",
            )  # fmt: skip

    def _speak_of(self, words: str, state: _State) -> None:
        """Take in which commodity and contracts the words name; of several commodities the last one is meant."""
        lexicon, contracts, is_main = self.catalog.lexicon, list[str](), False
        for match in lexicon.pattern.finditer(words):
            word = (match["product"] or match[0]).lower()
            if match["bare"]:
                contracts += [] if state.is_foreign else [f"{state.commodity}{match['bare']}"]
            elif word in lexicon.commodities and not (len(word) <= 2 and word.isascii() and match[0].islower()):
                code = lexicon.commodities[word]
                state.is_foreign, state.commodity = not code, code or state.commodity
                state.customs = self.catalog.customs_words.get(word, "")
                if match["product"] and code:
                    contracts.append(f"{code}{match['month']}")
            elif word in DOMINANT:
                is_main = True
        if contracts:
            # A pair is spoken of for its spread; what comes after it without a contract is about the one it was about before.
            spoken = contracts if len(contracts) == 1 else [one for one in contracts if one[:-4] not in state.contracts]
            state.contracts.update({contract[:-4]: contract for contract in reversed(spoken)})
            state.pair = tuple(contracts[-2:]) if len(contracts) > 1 else ()
            state.is_dominant = False
            if is_main:
                state.main[contracts[0][:-4]] = contracts[0]
        elif is_main and state.commodity in state.main:
            state.contracts[state.commodity] = state.main[state.commodity]
        elif is_main:
            state.is_dominant = True

    def _placed(self, part: _Part, number: _Number, lead: str, tail: str, sentence: str, day: str, as_of: date, state: _State) -> Found:
        shown = part.text[number.start : number.end]
        begin = max(part.text.rfind(sign, 0, number.start) for sign in "，。；\n,;") + 1
        if re.fullmatch(r"[\s\d,+\-（(]*", part.text[begin : number.start]) or "," in part.text[max(begin - 1, 0) : begin]:
            begin = max(0, number.start - 24, part.text.rfind("。", 0, number.start) + 1)
        quote = part.text[begin : number.end][-_QUOTE:].strip()
        blank = Found(part.places[number.start], part.places[number.end - 1] + 1, shown, quote)
        if state.is_foreign:
            return replace(blank, reason="about a product or market the catalogue does not have")
        metric, candidates, how = self._metric(number, lead, tail, state)
        if metric is None:
            return replace(blank, candidates=candidates, reason=how)
        return self._claim(blank, number, metric, candidates, how, lead, tail, sentence, day, as_of, state)

    # ---- which metric --------------------------------------------------------------------------------------------------------------

    def _metric(self, number: _Number, lead: str, tail: str, state: _State) -> tuple[Metric | None, tuple[str, ...], str]:
        """Give the metric, its rivals, and how it was told: `said`, or why there is none."""
        named = self._named(lead, tail, number.unit, state)
        best = named[0] if named else None
        rest = lead[best[1] :] if best else lead
        change = None if _NO_CHANGE.search(rest) else _last(_CHANGE, rest) or _AFTER.match(tail)
        candidates = tuple(dict.fromkeys(metric.name for metric, _ in named[:3]))
        if best and state.metric and state.metric.is_of_range:
            pair = {best[0].name, state.metric.name}
            best = next(((one, best[1]) for one in self.spoken if pair <= set(one.part_of)), best)
        fits = best is not None and self._fits(best[0], number.unit)
        if best and fits and (not change or _ENDS_AT.search(rest)) and not (_AGAINST.search(rest) and number.unit in ("pct", "pp")):
            return best[0], candidates, "said"
        if not best and _TO.search(_DATE.sub("", rest)) and state.level and self._fits(state.level, number.unit):
            return state.level, (state.level.name,), "said"
        if best and best[0].is_change and self._fits(best[0], number.unit) and not best[0].change_of:
            return best[0], candidates, "said"
        level = best[0] if best else state.level
        if level is not None and level.change_of and (base := self.catalog.metrics.get(level.change_of[0])):
            level = base
        if level is not None and (
            change or (best and not fits) or _AGAINST.search(rest) or (number.sign and not best) or re.fullmatch(r"[\s（(,，/或]*", lead)
        ):
            chosen, rivals = None, list[Metric]()
            for base in (level, *([state.level] if state.level and state.level is not level else ())):  # 周环比 can be of what was said last
                rivals = [one for one in self.spoken if base.name in one.change_of and self._fits(one, number.unit or base.plain_unit or base.unit)]
                if chosen := self._chosen(rivals, lead, tail, state):
                    break
            if chosen:
                return chosen, tuple(one.name for one in rivals), "said" if best or level.name != "settle" else "left open"
            return (
                None,
                tuple(one.name for one in rivals) or candidates,
                f"neither {level.name} nor a change of it is given in {number.unit or 'a bare number'}",
            )
        part = self._part_of(lead, number.unit, state)
        if part:
            return part, (part.name,), "said"
        return None, candidates, "no words of a metric before it" if number.unit else "a bare number without words of a metric"

    def _named(self, lead: str, tail: str, unit: str, state: _State) -> list[tuple[Metric, int]]:
        """Give the metrics whose words stand in the lead, the nearest first; those that take the unit before those that do not."""
        found: list[tuple[bool, int, int, Metric]] = []
        for metric, words, others in self._words:
            if metric.commodity not in ("", state.commodity):
                continue
            for match in (match for pattern in words for match in pattern.finditer(lead)):
                near = lead[max(0, match.start() - _NEAR) :] + tail[:4]
                if not any(other.search(near) for other in others):
                    found.append((self._fits(metric, unit) or unit in metric.never, match.end(), match.end() - match.start(), metric))
        found.sort(key=lambda one: one[:3], reverse=True)
        return [(metric, end) for _, end, _, metric in found]

    def _chosen(self, rivals: Sequence[Metric], lead: str, tail: str, state: _State) -> Metric | None:
        text = f"{lead} {tail} {'夜盘' if state.is_night else ''}"
        is_range = bool(_WEEK.search(lead) or _MONTHLY.search(lead) or _based(lead))
        fitting = [one for one in rivals if one.when and re.search(one.when, text, re.IGNORECASE)]
        if fitting and not is_range:
            return fitting[0]
        plain = [one for one in rivals if not one.when]
        return next((one for one in plain if one.is_of_range == is_range), next(iter([*plain, *fitting]), None))

    def _part_of(self, lead: str, unit: str, state: _State) -> Metric | None:
        level = state.level or (state.before if len(lead.strip()) <= _REGION_ALONE else None)
        if level is None or not resolve(lead, self.catalog.lexicon, state.commodity).region:
            return None
        regional = [one for one in self.spoken if any("{region}" in key for key in self._keys(one)) and self._fits(one, unit)]
        return next((one for one in regional if level.name in (one.name, *one.part_of)), None)

    def _fits(self, metric: Metric, unit: str) -> bool:
        """Tell whether a metric is given in a unit; a bare number is taken to be in the metric's own."""
        own = {one for one in (metric.unit, metric.plain_unit, *metric.units, *metric.never) if one}
        if not unit:
            return bool(own)
        return any(self.catalog.converted(Interval.of(1), unit, one) is not None for one in own)

    # ---- the claim -----------------------------------------------------------------------------------------------------------------

    def _claim(
        self, blank: Found, number: _Number, metric: Metric, candidates: tuple[str, ...], how: str, lead: str, tail: str, sentence: str, day: str, as_of: date, state: _State
    ) -> Found:  # fmt: skip
        change = _last(_CHANGE, lead) or _AFTER.match(tail)
        direction = state.direction if change is None or change.groupdict().get("open") else "up" if change["up"] else "down"
        if change and change.groupdict().get("open") and re.search(r"涨跌|变化|变动|增减", change["open"]):
            direction = "up"  # where rises and falls are told under one word, a fall has its sign
        value, high = number.low, number.high
        if number.sign:
            direction = "down" if number.sign == "-" else "up"
        is_change = metric.is_change or bool(metric.change_of)
        if number.scale != 1:
            value = str(float(value) * number.scale).removesuffix(".0")
        if (
            number.sign == "-"
            or (is_change and direction == "down" and float(value))
            or (not number.sign and metric.negative and re.search(metric.negative, lead))
        ):
            value = f"-{value}"
        unit = number.unit or metric.plain_unit or metric.unit
        cmp = (
            "range"
            if high
            else "gt"
            if _OVER.search(lead)
            else "lt"
            if _UNDER.search(lead)
            else "approx"
            if _ABOUT.search(lead)
            else "ge"
            if number.more
            else "eq"
        )
        if re.match(r"\s*(?:左右|附近|上下)", tail) and cmp == "eq":
            cmp = "approx"
        entity, trouble = self._entity(metric, lead + " " + tail[:6], sentence, state)
        period, more = self._period(metric, lead, day, as_of, state)
        trouble = trouble or more
        if how == "left open":
            trouble = trouble or "whose change it is is left open"
        if value.startswith("-") and not is_change and metric.neutral is None:
            trouble = trouble or "a level below zero"
        if is_change and not direction and float(number.low):
            trouble = trouble or "a change without a direction"
        if _FORECAST.search(sentence.partition(blank.shown)[0]):
            trouble = trouble or "a forecast or a condition"
        if (
            not number.unit
            and how != "column"
            and ((len(number.low.replace(".", "")) < _BARE_DIGITS and not _is_direct(lead)) or not re.search(r"[^\s，,。；;]{1,12}\s*$", lead))
        ):
            trouble = trouble or "a bare number"
        if not is_change:
            state.level = metric
        elif metric.change_of and (state.level is None or state.level.name not in metric.change_of):
            state.level = self.catalog.metrics[metric.change_of[0]]
        state.metric, state.direction, state.unit, state.period = metric, direction if is_change else "", unit, period
        return replace(
            blank, metric=metric.name, candidates=candidates, kind="change" if is_change else "quantity", entity=entity, period=period, cmp=cmp,
            value=value, value_high=high, unit=unit, direction=direction if is_change else "", is_confident=not trouble, reason=trouble,
        )  # fmt: skip

    def _entity(self, metric: Metric, near: str, sentence: str, state: _State) -> tuple[str, str]:
        """Say what the claim is about, and what is doubtful of it."""
        keys = self._keys(metric)
        if any("{far}" in key for key in keys):
            if len(state.pair) == 2:
                return "-".join(state.pair), ""
            return state.commodity, "a spread of which both contracts are not named"
        if any("{contract}" in key for key in keys):
            contract = "" if state.is_dominant else state.contracts.get(state.commodity, "")
            return contract or f"{state.commodity} dominant", ""
        if any("{hs}" in key for key in keys):
            code = state.customs or self.catalog.products.get(state.commodity, "")
            return (f"HS {code}", "") if code else (state.commodity, "no customs code")
        named = resolve(near, self.catalog.lexicon, state.commodity)
        around = resolve(sentence, self.catalog.lexicon, state.commodity)
        vendors = sorted(named.vendors or (around.vendors if len(around.vendors) == 1 else ()))
        parts = [*vendors, state.commodity]
        if any("{region}" in key for key in keys):
            region = named.region or (state.region if metric.change_of else "")
            if not region:
                return " ".join(parts), "no region is named"
            state.region = region
            parts.append(region.capitalize())
        return " ".join(parts), ""

    def _keys(self, metric: Metric) -> list[str]:
        names = {name for one in metric.definitions for name in re.findall(r"[a-z_]\w*", one.formula)}
        return [fact.key for name, fact in self.catalog.facts.items() if name in names]

    def _grids(self, metric: Metric) -> set[str]:
        names = {name for one in metric.definitions for name in re.findall(r"[a-z_]\w*", one.formula)}
        return {fact.grid for name, fact in self.catalog.facts.items() if name in names}

    def _period(self, metric: Metric, lead: str, day: str, as_of: date, state: _State) -> tuple[str, str]:
        if metric.is_monthly or self._grids(metric) == {"month"}:
            month = next((found for found in (day,) if re.search(r"月份?$", found)), "")
            if not month:
                return as_of.isoformat()[:7], "no month is named"
            return parse_period(re.sub(r"\s", "", month), as_of, self.calendar).start.isoformat()[:7], ""
        if re.search(r"月份?$", day):
            return parse_period(re.sub(r"\s", "", day), as_of, self.calendar).start.isoformat()[:7], ""
        try:
            end = parse_period(re.sub(r"\s", "", day), as_of, self.calendar).end if day else self._last_day(metric, as_of)
        except ValueError:
            return as_of.isoformat(), f"the day {day!r} cannot be read"
        sessions = self.calendar.between(max(self.calendar.first_day, end - timedelta(days=30)), end) if end <= self.calendar.last_day else []
        if state.is_night and any("{contract}" in key for key in self._keys(metric)):
            evening = next((one for one in reversed(sessions) if one < as_of), end) if end == as_of and not day else end
            return f"NS {evening}", "" if self.calendar.night_of(evening) else "no night session that evening"
        if metric.is_of_range and state.period and state.metric and state.metric.is_of_range and not (_WEEK.search(lead) or _based(lead)):
            return state.period, ""
        based = _based(lead)
        if based and (metric.is_change or metric.change_of):
            start = parse_period(re.sub(r"\s", "", based), as_of, self.calendar).end
            return (f"{start}/{end}", "") if start < end else (end.isoformat(), "")
        if (_WEEK.search(lead) or re.search(r"[本当上]周|周内", lead)) and (metric.is_change or metric.is_of_range):
            friday = end - timedelta(days=end.weekday() + 3)
            if "any" in self._grids(metric):
                return f"{end - timedelta(days=7)}/{end}", ""
            base = next((one for one in reversed(sessions) if one <= friday), friday)
            if metric.is_change or metric.change_of:
                return f"{base}/{end}", ""
            first = next((one for one in sessions if one > base), end)
            return f"{first}/{end}", ""
        return end.isoformat(), ""

    def _last_day(self, metric: Metric, as_of: date) -> date:
        """Give the day of a figure without one: of what a session has the last one by the note's day."""
        is_of_session = any("{contract}" in key or key.startswith("{commodity}") for key in self._keys(metric))
        return next(iter(self.calendar.between(as_of - timedelta(days=14), as_of)[-1:]), as_of) if is_of_session else as_of

    # ---- tables --------------------------------------------------------------------------------------------------------------------

    def _row(self, part: _Part, header: Sequence[str], as_of: date, state: _State) -> Iterator[Found]:
        """A row `name figure figure …`: the header says what each column is; without one the name does, and a signed figure is its change."""
        cells = list(_cells(part.text))
        if not cells:
            return
        name = cells[0][0]
        self._speak_of(name, state)
        unit_of_name = self._unit_in(name)
        state.metric = state.level = None
        own = self._named(name, "", "", state)
        for number, (cell, at) in enumerate(cells[1:], 1):
            head = header[number] if number < len(header) else ""
            match = self._number.fullmatch(cell)
            if not match:
                continue
            figures = _Number(
                at, at + len(cell), (match["sign"] or "").replace("−", "-"), match["low"].replace(",", ""), (match["high"] or "").replace(",", ""),
                self.catalog.unit_named(match["unit"]) or "" if match["unit"] else self._unit_in(head) or unit_of_name, 1, "",
            )  # fmt: skip
            columns = self._named(head, "", figures.unit, state)
            quote = " ".join(text for text in (name, head, cell) if text)[-_QUOTE:]
            blank = Found(part.places[at], part.places[at + len(cell) - 1] + 1, cell, quote)
            metric = columns[0][0] if columns else None
            if metric is None and own and (number == 1 or not (figures.sign or _CHANGE.search(head))):
                metric = own[0][0]
            elif metric is None or (metric.is_change and own and not set(metric.change_of) & {own[0][0].name}):
                level = state.level or (own[0][0] if own else None)
                rivals = [one for one in self.spoken if level and level.name in one.change_of and self._fits(one, figures.unit or state.unit)]
                metric = self._chosen(rivals, head, "", state)
                figures.unit = figures.unit or state.unit
            if state.is_foreign:
                yield replace(blank, reason="about a product or market the catalogue does not have")
            elif metric is None:
                yield replace(blank, reason="a column without words of a metric")
            else:
                if metric.is_change and not figures.sign and float(figures.low):
                    figures.sign = "+"
                day = _scope(head, 0, len(head), "")
                claim = self._claim(blank, figures, metric, (metric.name,), "column", f"{name} {head} ", "", f"{name} {head}", day, as_of, state)
                is_earlier = _EARLIER.search(head) and not day and not (metric.is_change or metric.change_of)
                yield replace(claim, is_confident=False, reason="a figure of an earlier print") if is_earlier else claim

    def _unit_in(self, text: str) -> str:
        """Give the unit in the brackets of a name or a header."""
        for inside in re.findall(r"[(（]([^()（）]+)[)）]", text):
            if unit := self.catalog.unit_named(inside):
                return unit
        return ""


def _is_direct(lead: str) -> bool:
    """Tell whether a word of change stands right before the number: up 15."""
    match = _last(_CHANGE, lead)
    return match is not None and not match["open"] and not lead[match.end() :].strip("：: ")


def _is_night(text: str) -> bool:
    """Tell whether the words speak of a night session since they last named a day."""
    night, day = _last(_NIGHT, text), None
    for match in _DATE.finditer(text):
        day = None if _BASE.search(text[: match.start()]) else match
    return night is not None and (day is None or night.start() >= day.start())


def _based(lead: str) -> str:
    """Give the day a change is counted from, where the words name one: 较7月4日收盘价."""
    found = ""
    for match in _DATE.finditer(lead):
        if _BASE.search(lead[: match.start()]) and not match["month"] and not match["year_month"] and not match["en_month"]:
            found = _plain(match)
    return "" if found in ("昨日", "前一交易日", "上一交易日", "今日", "当日") else found


def _scope(text: str, begin: int, end: int, day: str) -> str:
    """Give the day the words speak of from here on."""
    for match in _DATE.finditer(text, begin, end):
        if not _BASE.search(text[max(0, match.start() - 6) : match.start()]):
            day = _plain(match)
    return day


def _plain(match: re.Match[str]) -> str:
    """Give a day or month in the words `parse_period` reads: 17 July is 7月17日, last night yesterday."""
    text = match[0]
    if match["en_day"] or match["en_month"]:
        month = next(number for number, name in enumerate(_MONTHS, 1) if name in text)
        year, day = re.search(r"20\d\d", text), re.search(r"\b\d{1,2}\b", text)
        return (f"{year[0]}年" if year else "") + f"{month}月" + (f"{day[0]}日" if day else "")
    return "昨日" if text in ("昨夜", "昨晚", "隔夜") else text


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text):
        found = match
    return found


def _mask(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Blank out what is no figure: dates, contracts, clocks, numbering."""
    signs = list(text)
    for begin, end in spans:
        signs[begin:end] = ["\x00" if sign.isdigit() or sign in ".,%-/:" else sign for sign in signs[begin:end]]
    return "".join(signs)


def _parts(text: str) -> Iterator[_Part]:
    """Give paragraphs, whose wrapped lines are joined again, and table rows."""
    signs, places, place = list[str](), list[int](), 0
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        if _CAPTION.match(body):
            body = ""
        is_row = len(_CELLS.split(body.strip())) > 1 and not re.search(r"[。；;]", body)
        if is_row and signs:
            yield _Part("".join(signs), places)
            signs, places = [], []
        if body.strip():
            if signs and signs[-1].isascii() and signs[-1].isalnum() and body.lstrip()[:1].isascii():
                signs.append(" ")
                places.append(place)
            start = len(body) - len(body.lstrip()) if signs else 0
            for index in range(start, len(body)):
                if body[index - 2 : index + 1] != "   ":  # a run of blanks says no more than two of them
                    signs.append(body[index])
                    places.append(place + index)
        if signs and (is_row or (body.strip() and (_TERMINAL.search(body) or len(body.strip()) < _WRAPPED))):
            yield _Part("".join(signs), places)
            signs, places = [], []
        place += len(line)
    if signs:
        yield _Part("".join(signs), places)


def _cells(text: str) -> Iterator[tuple[str, int]]:
    place = 0
    for match in [*_CELLS.finditer(text), None]:
        end = match.start() if match else len(text)
        cell = text[place:end]
        if cell.strip():
            yield cell.strip(), place + len(cell) - len(cell.lstrip())
        place = match.end() if match else end
