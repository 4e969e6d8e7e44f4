"""Is it what it claims to be? Judged before anything is parsed."""

from pathlib import Path

import pytest
from feeds import NOON, Home, answer, delivery, quote

from ingest.inspect import BLOCKING_STATUS, CHALLENGE_MARKERS, inspect, kind_of
from ingest.source import Outcome, Response

JSON = b'{"report_date": "20250716"}'
PAGE = b"<!DOCTYPE html><html><body>%s</body></html>"
XLSX = b"PK\x03\x04rest of a spreadsheet"


def judged(body: bytes, expected: str = "json", status: int | None = 200, **headers: str) -> tuple[Outcome, str]:
    verdict = inspect(Response(body, NOON, status, {name.replace("_", "-"): value for name, value in headers.items()}), expected)
    assert bool(verdict.message) == (verdict.outcome is not Outcome.OK)
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize(
    ("body", "expected"), [(JSON, "json"), (b"\xef\xbb\xbf [1]", "json"), (PAGE % b"x", "html"), (XLSX, "xlsx"), (b"a,b\n1,2", "text")]
)
def test_the_promised_content_is_accepted_over_http_and_from_a_file(body: bytes, expected: str) -> None:
    assert judged(body, expected)[0] is Outcome.OK
    assert judged(body, expected, status=None)[0] is Outcome.OK


@pytest.mark.parametrize("marker", CHALLENGE_MARKERS)
def test_a_challenge_page_under_status_200_is_blocked(marker: str) -> None:
    # Real ones are about 10 kB, with the marker after a long head.
    page = PAGE % (b"<!-- filler -->" * 600 + f"<div {marker}>".encode())
    assert judged(page) == (Outcome.BLOCKED, "challenge")
    assert judged(page, "html") == (Outcome.BLOCKED, "challenge")


def test_a_page_that_starts_with_a_script_is_blocked() -> None:
    assert judged(b"\n  <script>var prefix=1</script>") == (Outcome.BLOCKED, "challenge")
    assert judged(b"\xef\xbb\xbf<script>", "html") == (Outcome.BLOCKED, "challenge")


@pytest.mark.parametrize("status", [403, 412, 429, 520, 567])
def test_a_blocking_status_is_blocked_whatever_the_body(status: int) -> None:
    assert status in BLOCKING_STATUS
    for body in (b"", JSON, PAGE % b"wait"):
        assert judged(body, status=status) == (Outcome.BLOCKED, "challenge")


def test_a_challenge_page_is_blocked_under_any_status() -> None:
    assert judged(PAGE % b'<div id="captcha">', status=404)[0] is Outcome.BLOCKED
    assert judged(PAGE % b'<div id="captcha">', status=503)[0] is Outcome.BLOCKED


def test_a_marker_inside_data_is_not_a_challenge() -> None:
    assert judged(b'{"o_msg": "js-challenge"}')[0] is Outcome.OK


def test_404_means_not_published() -> None:
    assert judged(PAGE % b"nothing here", status=404) == (Outcome.NOT_PUBLISHED, "not_found")
    assert judged(b"", status=404) == (Outcome.NOT_PUBLISHED, "not_found")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 301, 302, 400, 204])
def test_any_other_status_is_an_http_error_even_with_data_in_the_body(status: int) -> None:
    assert judged(JSON, status=status) == (Outcome.HTTP_ERROR, "status")


def test_a_transport_error_is_an_http_error_and_says_what_happened() -> None:
    verdict = inspect(Response(b"", NOON, error="ConnectTimeout: timed out"), "json")
    assert (verdict.outcome, verdict.reason) == (Outcome.HTTP_ERROR, "transport")
    assert "ConnectTimeout: timed out" in verdict.message


def test_a_page_that_breaks_off_is_truncated_and_not_a_shorter_page() -> None:
    assert judged(PAGE % b"x", "html") == (Outcome.OK, "")
    assert judged((PAGE % b"x").upper() + b"\n<!-- served by 3 -->\n", "html") == (Outcome.OK, "")
    for length in (30, 40, len(PAGE % b"x") - 1):
        assert judged((PAGE % b"x")[:length], "html") == (Outcome.NOT_DATA, "truncated")


@pytest.mark.parametrize("body", [b"<html><head><title>404</title></head></html>", "<html><h1>页面不存在</h1></html>".encode()])
def test_a_small_not_found_page_under_status_200_is_a_soft_404(body: bytes) -> None:
    assert judged(body) == (Outcome.NOT_DATA, "soft_404")
    assert judged(body, "html") == (Outcome.NOT_DATA, "soft_404")  # where a page is what was asked for, it is still not the page


def test_a_large_page_that_mentions_404_is_judged_by_its_content() -> None:
    page = PAGE % ("页面不存在".encode() + b" " * 7_000)
    assert judged(page, "html")[0] is Outcome.OK


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_an_empty_payload_is_not_data(body: bytes) -> None:
    assert judged(body) == (Outcome.NOT_DATA, "empty")


def test_a_body_shorter_than_its_announced_length_is_truncated() -> None:
    assert judged(JSON, content_length=str(len(JSON) + 1)) == (Outcome.NOT_DATA, "truncated")
    assert judged(JSON, content_length=str(len(JSON)))[0] is Outcome.OK


def test_the_announced_length_of_a_compressed_body_says_nothing_about_the_inflated_one() -> None:
    assert judged(JSON, content_length="12", content_encoding="gzip")[0] is Outcome.OK


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        (PAGE % b"x", "json", "html_instead_of_json"),
        (PAGE % b"x", "xlsx", "html_instead_of_xlsx"),
        (PAGE % b"x", "text", "html_instead_of_text"),
        (XLSX, "text", "xlsx_instead_of_text"),
        (b"\xd0\xcf\x11\xe0old", "xlsx", "xls_instead_of_xlsx"),
        (JSON, "html", "json_instead_of_html"),
        (b"a,b\n", "xlsx", "text_instead_of_xlsx"),
    ],
)
def test_content_of_another_kind_is_not_data_and_both_kinds_are_named(body: bytes, expected: str, reason: str) -> None:
    assert judged(body, expected) == (Outcome.NOT_DATA, reason)


def test_the_kind_is_read_off_the_first_bytes() -> None:
    assert [kind_of(body) for body in (b"", b"\xef\xbb\xbf{", b"\n[", b"PK\x03\x04", b"PK", b"\xd0\xcf\x11\xe0")] == [
        "text",
        "json",
        "json",
        "xlsx",
        "text",
        "xls",
    ]


# What `data/README.md` promises for each hand-made bad input, taken through the whole path of a payload.
MALFORMED = {
    "waf_page": (Outcome.BLOCKED, "challenge"),
    "soft_404": (Outcome.NOT_DATA, "soft_404"),
    "unsettled": (Outcome.NOT_PUBLISHED, "unsettled"),
    "partly_settled": (Outcome.NOT_PUBLISHED, "unsettled"),
    "truncated": (Outcome.NOT_DATA, "unparsable"),
    "wrong_inner_date": (Outcome.NOT_DATA, "wrong_date"),
    "control_char": (Outcome.OK, "control_char"),
    "series_id_sci_notation": (Outcome.NOT_DATA, "mangled_series_id"),
    "missing_unit_column": (Outcome.FORMAT_CHANGED, "missing_column"),
    "xlsx_as_csv": (Outcome.NOT_DATA, "xlsx_instead_of_text"),
    "html_as_xlsx": (Outcome.NOT_DATA, "html_instead_of_xlsx"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_has_the_documented_outcome(case: str, shared_data: Path, home: Home) -> None:
    (file,) = (shared_data / "malformed" / case).iterdir()
    home.take(delivery(file.name, file.read_bytes()))
    (receipt,) = home.fetch_log()
    assert (receipt.outcome, receipt.reason) == MALFORMED[case]
    accepted = receipt.outcome is Outcome.OK
    assert bool(list(home.lake.batches())) == accepted, "a refused file must leave nothing in the lake"
    assert receipt.payload_sha256 is not None
    assert home.archive.get(receipt.payload_sha256) == file.read_bytes(), "a refused file is kept all the same"


def test_a_total_that_does_not_match_its_details_is_kept_as_printed_for_the_check_that_finds_it(shared_data: Path, home: Home) -> None:
    # The relation spans rows, so dbt holds it; ingestion must neither mend nor drop either side of it.
    (file,) = (shared_data / "malformed" / "total_mismatch").iterdir()
    home.take(delivery(file.name, file.read_bytes()))
    rows = home.rows("shfe__warehouse_receipts").filter(warehouse_type="warehouse")
    assert rows.filter(row_level="product_total")["receipts_qty"].to_list() == [25_600]
    assert rows.filter(row_level="detail")["receipts_qty"].sum() == 25_500


def test_a_payload_that_passes_inspection_still_has_to_parse(home: Home) -> None:
    body = answer([quote()])
    home.take(delivery("kx20250716.dat", body[: len(body) // 2]))
    assert [(receipt.outcome, receipt.reason) for receipt in home.fetch_log()] == [(Outcome.NOT_DATA, "unparsable")]
