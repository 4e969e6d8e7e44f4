"""The audit as one page: no script, no address, nothing to load; every text is escaped."""

import re
from collections.abc import Mapping, Sequence
from html import escape

from serving.research.audit.checks import shown
from serving.research.audit.claims import Note
from serving.research.audit.formulas import Used
from serving.research.audit.verdicts import Judged
from serving.research.wording import VERDICTS, Said, measured, say

_STYLE = """
body{font:14px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #d8dee4;padding:.4rem .5rem;text-align:left;vertical-align:top}
th{position:sticky;top:0;background:#f6f8fa}td.number{text-align:right;white-space:nowrap}small{color:#57606a}
.supported{color:#116329}.contradicted{color:#a40e26;font-weight:700}.definition_dependent{color:#7d4e00}.sample{background:#fff8c5;padding:.5rem 1rem}
"""
_COLUMNS = ("论断 Claim", "摘句 Quote", "论断值 Claimed", "结论 Verdict", "证据值 Found", "自洽 Self-consistency", "计算 Arithmetic", "数据 Figures")
_SHOWN_FIGURES = 16
# What the audit says of what is missing, in Chinese: the sentence, and its words.
_REASONS = (
    (r"(\S+) of (.+) on (\S+) is not held from another publisher", r"\3 \2 的 \1：未持有其他发布方的数值"),
    (r"not held: (.+)", r"未持有：\1"),
    (r"(.+) is no commodity of the catalogue", r"\1 不在品种目录中"),
    (r"(.+) names no commodity of the catalogue", r"\1 未指明目录中的品种"),
    (r"the entity names several commodities: (.+)", r"主体涉及多个品种：\1"),
    (r"the claim names no metric; .+", "论断未指明指标；`alumina audit --metrics` 列出全部指标"),
    (r"price_basis (.+) is not one of (\S+): (.+)", r"口径 \1 不属于 \2：\3"),
    (r"(.+) is held in (.+); a claim in (.+) is not comparable", r"\1 以 \2 计，与 \3 不可比"),
    (r"the claim follows (.+), the series held is of (.+)", r"论断引用 \1，所持序列属 \2"),
    (r"(\S+) row (\d+), (.+)", r"第 \2 行无法读取：\3"),
    (r"no definition of (\S+) fits .+", r"\1 没有适用于该论断类型与期间的口径"),
    (r"(\S+) is held month by month; a total over (\S+) is not", r"\1 按月持有，未持有 \2 的合计"),
    (r"no definition fits the claim", "没有适用的口径"),
)


def render(note: Note, judged: Sequence[Judged], as_of: Sequence[Judged], totals: Mapping[str, int], release_id: str, *, is_real: bool) -> str:
    """Give the page as HTML; `as_of` are the same claims on what was known on the note's day, none where that is not told apart."""
    zh = "，".join(f"{say(VERDICTS, verdict).zh} {count}" for verdict, count in totals.items() if count)
    en = ", ".join(f"{verdict.replace('_', ' ')} {count}" for verdict, count in totals.items() if count)
    warning = (
        "" if is_real else '<p class="sample">SAMPLE DATA: only the published figures of its ledger are evidence, nothing simulated. 样本数据</p>'
    )
    header = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    then = {row.claim.claim_id: row for row in as_of}
    rows = "".join(_row(row, then.get(row.claim.claim_id, row)) for row in judged)
    return (
        f'<!doctype html>\n<html lang="zh"><head><meta charset="utf-8"><title>Claim audit: {escape(note.name)}</title><style>{_STYLE}</style></head>'
        f"<body><h1>论断审计 Claim audit: {escape(note.name)}</h1>{warning}"
        f"<p>发布方 {escape(note.publisher or '未注明')}，截至 {note.as_of}，版本 {escape(release_id)}。{escape(zh)}。<br>"
        f"Publisher {escape(note.publisher or 'not stated')}, as of {note.as_of}, release {escape(release_id)}. {escape(en)}.</p>"
        f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></body></html>\n"
    )


def _row(row: Judged, then: Judged) -> str:
    claim = row.claim
    found = Said("", "") if row.value_found is None else measured(row.value_found, row.value_unit)
    verdict = _named(row)
    if then.verdict is not row.verdict:
        verdict += f"<br><small>当日所知 as of the note's day: {_named(then)}</small>"
    figures = [f"{used.name} {used.day} {_figure(used)} ({used.printed_by or used.claim_id})" for used in row.used]
    more = [f"… {len(figures) - _SHOWN_FIGURES}"] if len(figures) > _SHOWN_FIGURES else []
    return (
        f"<tr><td>{escape(claim.claim_id)}<br><small>{escape(claim.section)}</small></td>"
        f"<td>{escape(claim.quote)}<br><small>{escape(claim.metric)}, {escape(claim.entity)}, {escape(claim.period_text)}</small></td>"
        f'<td>{escape(claim.claimed_text)}</td><td class="{row.verdict}">{verdict}</td>'
        f'<td class="number">{_both(found)}</td><td>{escape(row.self_consistency)}</td><td>{_told(row)}</td>'
        f"<td><small>{'<br>'.join(map(escape, dict.fromkeys([*figures[:_SHOWN_FIGURES], *more])))}</small></td></tr>"
    )


def _named(row: Judged) -> str:
    return escape(f"{say(VERDICTS, str(row.verdict)).zh} {row.verdict.replace('_', ' ')}")


def _told(row: Judged) -> str:
    """Each line of the arithmetic in both languages; where there is none, why not. Remarks of the checks follow."""
    lines = [_both(one) for one in row.arithmetic]
    said = row.reconciling_definition
    if said.en and said not in row.arithmetic and str(row.verdict) == "contradicted":
        lines.append(f"<b>{_both(said)}</b>")
    remarks = [part for part in row.evidence.split(". ") if re.match(r"A\d+\b|SMM|repeats|marked|read against|no field|fixed", part)]
    if not row.arithmetic:
        lines.append(_both(Said(_reason(row.evidence), row.evidence)))
        remarks = []
    return "<br>".join([*lines, *(f"<small>{escape(part)}</small>" for part in remarks)])


def _reason(text: str) -> str:
    """Give in Chinese what is missing; a sentence without a Chinese form speaks for itself."""
    for pattern, chinese in _REASONS:
        if re.search(pattern, text):
            return re.sub(pattern, chinese, text)
    return text


def _both(said: Said) -> str:
    return escape(said.zh) + (f"<br>{escape(said.en)}" if said.en != said.zh else "")


def _figure(used: Used) -> str:
    return "" if used.value is None else shown(used.value.middle)
