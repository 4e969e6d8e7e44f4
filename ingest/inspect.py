"""Is this payload what it claims to be? Judged from status and first bytes, before anything is parsed.

What a payload says inside (envelope, date, rows) is its source's business. Challenges are detected and reported, never solved.
"""

import re

from ingest.source import Outcome, Response, Verdict

OK = Verdict(Outcome.OK)

# Seen by two public clients of the exchange: about 10 KB of HTML under status 200.
CHALLENGE_MARKERS = ("WEB 应用防火墙", "safeline_bot_challenge", "js-challenge", 'id="slider"', 'id="captcha"')
BLOCKING_STATUS = frozenset({403, 412, 429, 520, 567})
SOFT_404_LIMIT = 6_000
# Reason of an incomplete payload. It must be judged now: the archive does not keep the headers that show it.
TRUNCATED = "truncated"
# Reason of a page that says under status 200 that there is nothing at this address.
SOFT_404 = "soft_404"
# The end tag must come last, except for white space and comments. Otherwise a page that broke off would pass as one with fewer rows.
PAGE_END = 1_000
KINDS = {b"{": "json", b"[": "json", b"<": "html", b"PK\x03\x04": "xlsx", b"\xd0\xcf\x11\xe0": "xls"}
_ADVICE = {
    ("xls", "xlsx"): ": an old spreadsheet, or one with a password; save it as .xlsx without a password and drop it again",
    ("html", "xlsx"): ": a web page under a spreadsheet's name; open it in the spreadsheet program, save it as .xlsx and drop it again",
}


def kind_of(body: bytes) -> str:
    """Name what the first bytes are: json, html, xlsx, xls or text."""
    head = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    return next((kind for magic, kind in KINDS.items() if head.startswith(magic)), "text")


def lacks_bytes(response: Response) -> bool:
    """Tell whether another number of bytes came than the headers say."""
    length = response.headers.get("content-length", "")
    return bool(re.fullmatch(r"\d{1,18}", length, re.ASCII)) and "content-encoding" not in response.headers and int(length) != len(response.body)


def inspect(response: Response, expected: str) -> Verdict:
    """Judge an answer that should hold `expected` (json, html, xlsx or text)."""
    body, status = response.body, response.status
    if response.error is not None:
        return Verdict(Outcome.HTTP_ERROR, "transport", f"no answer: {response.error}; the next run asks again")
    kind = kind_of(body)
    text = body[:20_000].decode("utf-8", "replace") if kind == "html" else ""
    marker = next((marker for marker in CHALLENGE_MARKERS if marker in text), None)
    if status in BLOCKING_STATUS or marker or text.lstrip("\ufeff \t\r\n").startswith("<script"):
        return Verdict(Outcome.BLOCKED, "challenge", f"the site answered with a challenge page instead of data ({marker or f'status {status}'})")
    if status == 404:
        return Verdict(Outcome.NOT_PUBLISHED, "not_found", "the address answers 404: not published yet, or the address has moved")
    if status is not None and status != 200:
        return Verdict(Outcome.HTTP_ERROR, "status", f"the address answers with status {status}")
    if not body.strip():
        return Verdict(Outcome.NOT_DATA, "empty", "the payload is empty")
    if lacks_bytes(response):
        return Verdict(Outcome.NOT_DATA, TRUNCATED, f"{len(body)} of {response.headers['content-length']} bytes arrived")
    if kind == "html" and len(body) < SOFT_404_LIMIT and ("<title>404</title>" in text or "页面不存在" in text):
        return Verdict(Outcome.NOT_DATA, SOFT_404, "a page that says 'not found' arrived with status 200")
    if kind == expected == "html" and b"</html>" not in body[-PAGE_END:].lower():
        return Verdict(Outcome.NOT_DATA, TRUNCATED, "the page breaks off: its end tag is missing")
    if kind != expected:
        return Verdict(
            Outcome.NOT_DATA,
            f"{kind}_instead_of_{expected}",
            f"the content is {kind}, not the {expected} its name promises{_ADVICE.get((kind, expected), '')}",
        )
    return OK
