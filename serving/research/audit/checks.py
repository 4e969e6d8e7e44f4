"""The automatic checks on a single claim or a pair. Each gives what it found in words, or None; a breach names the check.

A3 (cross-claim identity), A6 (definition search) and A10 (quadrant against narrative) are part of judging, see `verdicts`.
"""

import math
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from fractions import Fraction

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


def beyond_limit(claim: Claim, pre_settle: Interval, commodity: Commodity) -> Said | None:
    """A2: say when the claimed price cannot have traded on its trade date."""
    ratio = commodity.limit_on(claim.period.end)
    if ratio is None or claim.value is None:
        return None
    high = math.floor(pre_settle.high * (1 + ratio) / commodity.tick) * commodity.tick
    low = math.ceil(pre_settle.low * (1 - ratio) / commodity.tick) * commodity.tick
    if low <= claim.value <= high:
        return None
    figure, span, base = shown(claim.value), (shown(low), shown(high)), f"{shown(100 * ratio)} %"
    return Said(
        f"A2 不符：{figure} 超出交易日 {claim.period.end} 的涨跌停范围 {span[0]} 至 {span[1]}（昨结算 {shown(pre_settle.middle)} 的 {base}）",
        f"A2 fail: {figure} is outside the price limits {span[0]} to {span[1]} of trade date {claim.period.end} ({base} on {shown(pre_settle.middle)})",
    )


def unit_breach(claim: Claim, metric: Metric, catalog: Catalog) -> Said | None:
    """A4: say when the unit cannot stand with the metric, or with the words of the quote."""
    kind = catalog.units[claim.unit][0] if claim.unit else ""
    if claim.unit and metric.definitions:
        allowed = {catalog.units[unit][0] for unit in (metric.unit, *metric.units) if unit}
        if allowed and kind not in allowed:
            units = [unit for unit in metric.units if unit] or [metric.unit]
            return Said(
                f"A4 不符：{metric.name} 以 {'或 '.join(units)} 计，不能用 {claim.unit}",
                f"A4 fail: {metric.name} is given in {' or '.join(units)}, it cannot carry {claim.unit}",
            )
    reasons = [reason for pattern, types, reason in catalog.unit_words if kind in types and pattern.search(claim.quote)]
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
