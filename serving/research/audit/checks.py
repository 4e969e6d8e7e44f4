"""The automatic checks on a single claim or a pair. Each gives what it found in words, or None; a breach names the check.

A3 (cross-claim identity), A6 (definition search) and A10 (quadrant against narrative) are part of judging, see `verdicts`.
"""

import calendar
import math
import re
from collections.abc import Iterable, Sequence
from datetime import date
from difflib import SequenceMatcher
from fractions import Fraction

from ingest.catalog.calendar import Calendar
from serving.research.audit.claims import Claim
from serving.research.audit.interval import Interval, tick_bases
from serving.research.audit.meanings import Catalog, Commodity, Metric
from serving.research.wording import Said

SLIPS = (100, 10_000)
NIGHT_WORDS = ("夜盘", "夜间")
SIGNIFICANT_DIGITS = 4  # fewer are shared by chance
SHORTEST_QUOTE = 6  # characters; shorter ones are alike by chance


def shown(value: Fraction, digits: int = 2) -> str:
    """Write a figure for people, without zeros that say nothing."""
    text = f"{float(value):,.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def tick_solvability(change: Interval, prices: Iterable[tuple[str, Interval]], tick: Fraction) -> list[str]:
    """A1: say from which bases each price gives the claimed change."""
    found = []
    for name, price in prices:
        bases = tick_bases(price.middle, change, tick)
        told = ", ".join(shown(base) for base in bases[:3]) if bases else f"no base on the tick ({shown(price.middle / (1 + change.middle / 100))})"
        found.append(f"A1 {'pass' if bases else 'fail'}: {shown(price.middle)} ({name}) needs {told}")
    return found


def off_tick(claim: Claim, commodity: Commodity) -> Said | None:
    """A12: say when a price of a contract does not stand on its tick."""
    tick = commodity.tick_on(claim.period.end)
    wrong = [value for value in (claim.value, claim.value_high) if value is not None and (value / tick).denominator != 1]
    if not wrong or claim.cmp not in ("", "eq", "range"):
        return None
    below = math.floor(wrong[0] / tick) * tick
    sides = f"{shown(below)} / {shown(below + tick)}"
    return Said(
        f"A12 不符：{shown(wrong[0])} 不是最小变动价位 {shown(tick)} 的整数倍（相邻价位 {sides}）",
        f"A12 fail: {shown(wrong[0])} is not on the tick of {shown(tick)} (prices beside it: {sides})",
    )


def double_sided(stated: Interval, held: Interval) -> Said | None:
    """A13: say when a volume is twice the published one: counted on both sides."""
    if held.low <= 0 or stated.meets(held) or not stated.meets(held * 2):
        return None
    twice = shown(held.middle * 2)
    return Said(
        f"A13 不符：{shown(stated.middle)} 为单边成交量 {shown(held.middle)} 的两倍（2 × = {twice}），即双边口径",
        f"A13 fail: {shown(stated.middle)} is twice the single-sided volume {shown(held.middle)} (2 x = {twice})",
    )


def no_session(claim: Claim, days: Calendar) -> Said | None:
    """A14: say when the day a price or a volume is claimed for has no session, and the words name that day."""
    day = claim.period.end
    if claim.period.start != day or claim.period.is_month or claim.period.night or days.is_session(day):
        return None
    before = days.between(days.first_day, day)[-1:]
    last = f"{before[0]}" if before else "none"
    return Said(
        f"A14 不符：{day}（周{'一二三四五六日'[day.weekday()]}）不是交易日，此前最近交易日为 {last}",
        f"A14 fail: {day} ({day:%A}) is no session; the last one before it is {last}",
    )


def names_day(quote: str, day: date) -> bool:
    """Tell whether a quote prints a day: 7月12日, 2025-07-12, July 12, 12 Jul."""
    month = rf"{calendar.month_abbr[day.month]}[a-z]*\.?"
    forms = (rf"(?<!\d)0?{day.month}\s*[月/.-]\s*0?{day.day}(?!\d)", rf"\b{month}\s*{day.day}(?!\d)", rf"(?<!\d){day.day}\s*{month}")
    return any(re.search(form, quote, re.IGNORECASE) for form in forms)


def beyond_limit_change(claim: Claim, stated: Interval, commodity: Commodity) -> tuple[Said, bool] | None:
    """A2: say when a change against the settlement before is more than the limit allows, and whether a notice says what the limit is."""
    limit = commodity.limit_on(claim.period.end)
    if limit is None or claim.cmp not in ("", "eq", "ge", "gt"):
        return None
    ratio, is_sourced = 100 * limit[0], limit[1]
    if -ratio <= stated.high and stated.low <= ratio:
        return None
    said = Said(
        f"A2 不符：较昨结算 {shown(stated.middle)} % 超出交易日 {claim.period.end} 的涨跌停幅度 {shown(ratio)} %",
        f"A2 fail: {shown(stated.middle)} % against the settlement before is beyond the limit of {shown(ratio)} % of trade date {claim.period.end}",
    )
    return said, is_sourced


def outside_range(name: str, stated: Interval, high: tuple[str, Interval] | None, low: tuple[str, Interval] | None) -> str | None:
    """A15: say when a price the note states lies above the high, or below the low, it states of the same day."""
    if high and stated.low > high[1].high:
        return f"fail versus {high[0]}: A15 the {name} {shown(stated.middle)} is above the high {shown(high[1].middle)}"
    if low and stated.high < low[1].low:
        return f"fail versus {low[0]}: A15 the {name} {shown(stated.middle)} is below the low {shown(low[1].middle)}"
    return None


def quoted_unit(claim: Claim, catalog: Catalog) -> str | None:
    """A4: say when the unit beside the claimed figure in the quote is of another kind than the claim's own."""
    if not claim.unit or claim.value is None:
        return None
    digits = f"{float(abs(claim.value)):.10f}".replace(".", "").strip("0")
    # A run of digits is taken once and whole (`*+` gives nothing back): taken from each digit on, 2,000 of them took a third of a second.
    for match in re.finditer(r"(?<!\d)(\d[\d,]*+(?:\.\d++)?)\s*+([万亿]?[^\s\d，。；,;()（）]{1,5})", claim.quote):
        if match[1].replace(",", "").replace(".", "").strip("0") != digits:
            continue
        for length in range(len(match[2]), 0, -1):
            unit = catalog.unit_named(match[2][:length])
            if unit:
                apart = catalog.converted(Interval.of(1), unit, claim.unit) is None and catalog.converted(Interval.of(1), claim.unit, unit) is None
                return f"fail: A4 the quote gives {match[1]} in {match[2][:length]}, the unit says {claim.unit}" if apart else None
    return None


def beyond_limit(claim: Claim, pre_settle: Interval, commodity: Commodity) -> tuple[Said, bool] | None:
    """A2: say when the claimed price cannot have traded on its trade date, and whether a notice says what the limit is."""
    limit = commodity.limit_on(claim.period.end)
    if limit is None or claim.value is None:
        return None
    ratio, is_sourced = limit
    tick = commodity.tick_on(claim.period.end)
    high = math.floor(pre_settle.high * (1 + ratio) / tick) * tick
    low = math.ceil(pre_settle.low * (1 - ratio) / tick) * tick
    if low <= claim.value <= high:
        return None
    figure, span, base = shown(claim.value), (shown(low), shown(high)), f"{shown(100 * ratio)} %"
    said = Said(
        f"A2 不符：{figure} 超出交易日 {claim.period.end} 的涨跌停范围 {span[0]} 至 {span[1]}（昨结算 {shown(pre_settle.middle)} 的 {base}）",
        f"A2 fail: {figure} is outside the price limits {span[0]} to {span[1]} of trade date {claim.period.end} ({base} on {shown(pre_settle.middle)})",
    )
    return said, is_sourced


def unit_breach(claim: Claim, metric: Metric, catalog: Catalog) -> Said | None:
    """A4: say when the metric can never carry the unit, or the unit cannot stand with the words of the quote."""
    kind = catalog.units[claim.unit][0] if claim.unit else ""
    reasons = [reason for pattern, types, reason in catalog.unit_words if kind in types and pattern.search(claim.quote)]
    if claim.unit and claim.unit in metric.never:
        units = [unit for unit in metric.units if unit] or [metric.unit]
        own = Said(
            f"{metric.name} 以 {'或 '.join(units)} 计，不能用 {claim.unit}",
            f"{metric.name} is given in {' or '.join(units)}, it cannot carry {claim.unit}",
        )
        reasons = [own, *reasons]
    if not reasons:
        return None
    return Said(f"A4 不符：{'；'.join(reason.zh for reason in reasons)}", f"A4 fail: {'; '.join(reason.en for reason in reasons)}")


def wrong_trade_date(claim: Claim) -> Said | None:
    """A5: say when a night session is given another trade date than the calendar's."""
    period = claim.period
    if period.stated_trade_date in (None, period.end):
        return None
    return Said(
        f"A5 不符：{period.night} 夜盘属于交易日 {period.end}，不是 {period.stated_trade_date}",
        f"A5 fail: the night of {period.night} belongs to trade date {period.end}, not {period.stated_trade_date}",
    )


def magnitude_slip(claimed: Fraction, found: Fraction, tolerance: Fraction) -> Said | None:
    """A8: say when a figure is 100 or 10,000 times another, or the other way round."""
    if claimed <= 0 or found <= 0:
        return None
    for slip in SLIPS:
        for ratio, zh, en in (
            (claimed / found / slip, f"{slip:,} 倍", f"{slip:,} times"),
            (found / claimed / slip, f"{slip:,} 分之一", f"a {slip:,}th of"),
        ):
            if abs(ratio - 1) <= tolerance:
                return Said(f"A8 不符：论断为已公布数值 {shown(found)} 的 {zh}", f"A8 fail: the claim is {en} the published figure {shown(found)}")
    return None


def warrant_multiple(level: Interval, unit: Fraction, tolerance: Fraction) -> str:
    """A9: say whether a receipts level is a whole number of warrants."""
    number = round(level.middle / unit)
    apart = max(Fraction(0), abs(level.middle - number * unit) - (level.high - level.low) / 2)
    holds = apart <= tolerance * level.middle
    return f"A9 {'pass' if holds else 'fail'}: {number} warrants of {shown(unit)} t, {shown(100 * apart / level.middle)} % apart"


def same_value(claim: Claim, others: Sequence[Claim]) -> str | None:
    """A7: say when another field of the note carries the identical figure."""
    if claim.value is None or len(str(abs(claim.value.numerator)).strip("0")) < SIGNIFICANT_DIGITS:
        return None
    twins = [other.claim_id for other in others if other.value == claim.value and other.claim_id != claim.claim_id and other.metric != claim.metric]
    return f"A7: same figure as {', '.join(twins)}" if twins else None


def repeated_quote(claim: Claim, earlier: Sequence[Claim], likeness: Fraction) -> str | None:
    """A11: say when the quote repeats an earlier one of another section."""
    if len(claim.quote) < SHORTEST_QUOTE:
        return None
    for other in earlier:
        if other.section != claim.section and len(other.quote) >= SHORTEST_QUOTE:
            matcher = SequenceMatcher(None, claim.quote, other.quote, autojunk=False)
            if matcher.real_quick_ratio() >= likeness and matcher.quick_ratio() >= likeness and matcher.ratio() >= likeness:
                return f"A11: repeats the words of {other.claim_id}"
    return None
