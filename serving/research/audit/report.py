"""The audit as one page: no script, no address, nothing to load; every text is escaped."""

from collections.abc import Mapping, Sequence
from html import escape

from serving.research.audit.claims import Note
from serving.research.audit.verdicts import Judged
from serving.research.wording import measured

_STYLE = """
body{font:14px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #d8dee4;padding:.4rem .5rem;text-align:left;vertical-align:top}
th{position:sticky;top:0;background:#f6f8fa}td.number{text-align:right;white-space:nowrap}small{color:#57606a}
.supported{color:#116329}.contradicted{color:#a40e26;font-weight:700}.definition_dependent{color:#7d4e00}.sample{background:#fff8c5;padding:.5rem 1rem}
"""
_COLUMNS = ("Claim 论断", "Quote 摘句", "Claimed 论断值", "Verdict 结论", "Found 证据值", "Self-consistency 自洽", "Evidence 证据")


def render(note: Note, judged: Sequence[Judged], totals: Mapping[str, int], release_id: str, *, is_real: bool) -> str:
    """Give the page as HTML."""
    counts = ", ".join(f"{verdict.replace('_', ' ')} {count}" for verdict, count in totals.items() if count)
    warning = (
        "" if is_real else '<p class="sample">SAMPLE DATA: only the published figures of its ledger are evidence, nothing simulated. 样本数据</p>'
    )
    header = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Claim audit: {escape(note.name)}</title><style>{_STYLE}</style></head>'
        f"<body><h1>Claim audit 论断审计: {escape(note.name)}</h1>{warning}"
        f"<p>Publisher {escape(note.publisher or 'not stated')}, as of {note.as_of}, release {escape(release_id)}. {escape(counts)}.</p>"
        f"<table><thead><tr>{header}</tr></thead><tbody>{''.join(map(_row, judged))}</tbody></table></body></html>\n"
    )


def _row(row: Judged) -> str:
    claim = row.claim
    found = "" if row.value_found is None else escape(measured(row.value_found, row.value_unit).en)
    said = row.reconciling_definition
    told = escape(row.evidence) + (f"<br><b>{escape(said.en)}<br>{escape(said.zh)}</b>" if said.en else "")
    return (
        f"<tr><td>{escape(claim.claim_id)}<br><small>{escape(claim.section)}</small></td>"
        f"<td>{escape(claim.quote)}<br><small>{escape(claim.metric)}, {escape(claim.entity)}, {escape(claim.period_text)}</small></td>"
        f'<td>{escape(claim.claimed_text)}</td><td class="{row.verdict}">{escape(row.verdict.replace("_", " "))}</td>'
        f'<td class="number">{found}</td><td>{escape(row.self_consistency)}</td><td>{told}</td></tr>'
    )
