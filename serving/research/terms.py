"""Terms and figures as the trade writes them: names from `glossary.toml`, Chinese units of ten thousand, states as words.

Names of codes and plain numbers are `wording`'s.
"""

from dataclasses import dataclass

from ingest.catalog.documents import SHIPPED, parsed
from ingest.catalog.glossary import FILE, GlossaryFile, Measure, State, Term
from serving.research.wording import TRUTH, UNITS, Said, measured, number


def _glossary() -> GlossaryFile:
    file = parsed(FILE, (SHIPPED / FILE).read_bytes())
    assert isinstance(file, GlossaryFile)  # noqa: S101 - its name says so
    return file


GLOSSARY = _glossary()
TERMS: dict[str, Term] = {term.id: term for term in GLOSSARY.term}
OF_COLUMN: dict[str, Term] = {column: term for term in GLOSSARY.term for column in term.columns}
OF_METRIC: dict[str, Term] = {metric: term for term in GLOSSARY.term for metric in term.metrics}
_MEASURES: dict[str, Measure] = {measure.unit: measure for measure in GLOSSARY.measure}


def term(name: str) -> Said:
    """Give what a term is called."""
    found = TERMS[name]
    return Said(found.zh, found.en)


def explained(column: str, en: str, zh: str) -> tuple[str, str]:
    """Give a column's texts with the term it holds before them, English first; as they are where they begin with it or the column is no term."""
    found = OF_COLUMN.get(column)
    if found is None:
        return en, zh
    begins = en.lower().startswith(found.en.lower())
    return en if begins else f"{found.en[:1].upper()}{found.en[1:]}: {en}", zh if zh.startswith(found.zh) else f"{found.zh}：{zh}"


@dataclass(frozen=True)
class Scale:
    """How amounts of a unit are written: in which unit in either language, how many of the stored one that is, and with which form."""

    unit: Said
    zh_holds: float
    zh_form: str
    en_form: str

    def write(self, value: float | None, *, signed: bool = False) -> Said:
        """Write an amount without its unit."""
        if value is None:
            return Said("–", "–")
        sign = "+" if signed else ""
        return Said(number(value / self.zh_holds, sign + self.zh_form), number(value, sign + self.en_form))


def scale(unit: str, value: float | None, form: str = "compact") -> Scale:
    """Give how a figure of a unit is written, and all that is set beside it: Chinese desks count large amounts in ten thousands."""
    names, measure = UNITS.get(unit, Said("", "")), _MEASURES.get(unit)
    if measure is None or abs(value or 0.0) < measure.above:
        return Scale(names, 1.0, form, form)
    return Scale(Said(measure.zh, names.en), measure.holds, f",.{measure.digits}f", form)


def amount(value: float | None, unit: str, form: str = "compact", *, signed: bool = False) -> Said:
    """Write a figure with its unit: `2706, kt` is 270.6万吨 and 2,706 kt."""
    if value is None:
        return Said("–", "–")
    found = scale(unit, value, form)
    told = found.write(value, signed=signed)
    return Said(f"{told.zh}{found.unit.zh}", f"{told.en}{'' if found.unit.en == '%' else ' '}{found.unit.en}".strip())


def state(value: float | None, states: list[State]) -> Said | None:
    """Give the word of a state; None where the number is none."""
    return next((Said(one.zh, one.en) for one in states if one.value == value), None)


def metric_name(metric: str, en: str, zh: str) -> Said:
    """Give what a rule's metric is called: by its term where it is one."""
    found = OF_METRIC.get(metric)
    return Said(found.zh, found.en) if found else Said(zh, en)


TIMES = ("squeeze_ratio", "signed_turnover_ratio", "volume_oi_ratio")
"""Ratios that are written as so many times; any other is a share, and written in per cent."""


def metric_value(metric: str, value: float | None, unit: str | None) -> Said:
    """Write a rule's metric: a state as its word, an amount in the trade's unit, a share in per cent."""
    found = OF_METRIC.get(metric)
    if found and (word := state(value, found.states)):
        return word
    if unit == "ratio" and value is not None:
        return Said(f"{number(value)}倍", f"{number(value)} ×") if metric in TIMES else Said(*[number(value, ".1%")] * 2)
    if unit is None or unit == TRUTH or value is None:
        return measured(value, unit)
    is_change = "change" in metric or metric.startswith("ret_") or metric.endswith("_mom_pct")
    return amount(value, unit, "+.0f" if unit == "score" else "compact", signed=is_change)


def markdown() -> str:
    """Give the glossary as a page of the docs."""
    lines = [
        "# Glossary",
        "",
        "Made from `ingest/catalog/glossary.toml` by `alumina catalog glossary`; do not edit it here. The page, its workbook and the comments of published columns",
        "say the same words.",
        "",
        "| term | 中文 | what it is | 含义 | columns |",
        "|---|---|---|---|---|",
    ]
    for one in GLOSSARY.term:
        words = "; ".join(f"{number(each.value, 'g')} {each.en}" for each in one.states)
        zh_words = "；".join(f"{number(each.value, 'g')} {each.zh}" for each in one.states)
        told = f"{one.means.en} ({words})" if words else one.means.en
        told_zh = f"{one.means.zh}（{zh_words}）" if zh_words else one.means.zh
        lines.append(f"| {one.en} | {one.zh} | {told} | {told_zh} | {', '.join(f'`{name}`' for name in one.columns)} |")
    lines += ["", "## Units of the Chinese page", "", "| stored | 中文 | used from |", "|---|---|---|"]
    for measure in GLOSSARY.measure:
        begins = f"{measure.above:,.0f} {measure.unit}" if measure.above else "always"
        lines.append(f"| {measure.unit} | {measure.zh} = {measure.holds:,.0f} {measure.unit} | {begins} |")
    return "\n".join(lines) + "\n"
