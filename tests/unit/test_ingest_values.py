"""Single values as feeds print them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import values


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        (3139, 3139.0),
        (900.7, 900.7),
        (-50, -50.0),
        (0, 0.0),
        ("3139", 3139.0),
        ("0", 0.0),
        (".15000000", 0.15),
        ("1,234", 1234.0),
        ("1,234.5", 1234.5),
        ("12,345,678", 12345678.0),
        ("+14.12", 14.12),
        ("-2,808", -2808.0),
        ("１２３．４", 123.4),
        ("８，８６３", 8863.0),
        (" １７０．２ ", 170.2),
        ("\u3000170.2\u3000", 170.2),  # the ideographic space of Chinese spreadsheets
        ("1e3", 1000.0),
    ],
)
def test_a_printed_number_is_read_as_printed(printed: Any, read: float) -> None:
    assert values.number(printed) == read


@pytest.mark.parametrize("blank", [None, "", " ", "\u3000", "-", "--", "---", "—", "null"])
def test_a_blank_is_null_and_never_zero(blank: Any) -> None:
    assert values.number(blank) is None
    assert values.whole(blank) is None


@pytest.mark.parametrize(
    "nonsense",
    [
        True, False, "NaN", "nan", "Infinity", "-inf", float("nan"), float("inf"), "1e999", "1,23", "12,34,567", ",5", "1,", "1.2.3", "+", "-.", "e5",
        "81.05 million tonnes", "8105吨", "约170", "0x10", "1 234", "1_000", "3100-3140", "５%", [], {},
    ],
)  # fmt: skip
def test_what_is_not_a_number_is_refused(nonsense: Any) -> None:
    with pytest.raises(ValueError, match=r"number|float"):
        values.number(nonsense)


def test_an_integer_beyond_every_float_is_refused_like_other_nonsense() -> None:
    # JSON has no limit on digits; anything but a ValueError here would stop a whole run.
    with pytest.raises(ValueError, match="number"):
        values.number(10**400)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_a_feed_can_hold_survives_being_printed(number: float) -> None:
    assert values.number(number) == number
    assert values.number(repr(number)) == number
    assert values.number(f"{number:,.2f}") == float(f"{number:.2f}")


@given(st.text())
def test_any_text_is_a_number_or_null_or_a_value_error(text: str) -> None:
    try:
        read = values.number(text)
    except ValueError:
        return
    assert read is None or isinstance(read, float)


@pytest.mark.parametrize(("printed", "read"), [(362485, 362485), ("362,485", 362485), (4021.0, 4021), ("１２", 12), ("-7753", -7753)])
def test_a_count_is_read_as_a_whole_number(printed: Any, read: int) -> None:
    result = values.whole(printed)
    assert result == read
    assert type(result) is int


@pytest.mark.parametrize("printed", [0.5, "1.5", "1,234.5", True, "NaN", "手"])
def test_a_count_with_a_fraction_is_refused(printed: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        values.whole(printed)


@pytest.mark.parametrize("printed", [2**63, "1e30", 1e19])
def test_a_count_no_column_can_hold_is_refused(printed: Any) -> None:
    # Columns of counts are 64 bits wide; a larger one would break the frame instead of the row.
    with pytest.raises(ValueError, match="number"):
        values.whole(printed)


@pytest.mark.parametrize(
    "printed", ["2025-07-16", "2025/7/16", "2025年7月16日", "20250716", " ２０２５-０７-１６ ", "2025-07-16 00:00:00", "2025/07/16"]
)
def test_every_date_form_of_the_contract_is_the_same_day(printed: str) -> None:
    assert values.day(printed) == date(2025, 7, 16)


@pytest.mark.parametrize(
    "nonsense",
    ["", "2025-02-30", "20251301", "2025-07", "16/07/2025", "25-07-16", "202507160", "2025-07-16 11:40", "45854", None, "2025.07.16", "昨日"],
)
def test_what_is_not_a_date_is_refused(nonsense: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a date$"):
        values.day(nonsense)


@pytest.mark.parametrize(
    "printed", ["20250716 15:29:40", "2025-07-16 15:29:40", "2025/7/16 15:29:40", "2025年7月16日 15:29:40", "2025-07-16T15:29:40"]
)
def test_a_time_of_publication_is_shanghai_time(printed: str) -> None:
    read = values.moment(printed)
    assert read is not None
    assert read.astimezone(UTC) == datetime(2025, 7, 16, 7, 29, 40, tzinfo=UTC)


def test_seconds_may_be_left_out_and_midnight_is_a_time() -> None:
    assert values.moment("2025-07-16 9:15") == values.moment("20250716 09:15:00")
    midnight = values.moment("2025-07-16 00:00")
    assert midnight is not None
    assert midnight.date() == date(2025, 7, 16)


@pytest.mark.parametrize("blank", [None, "", " ", "--"])
def test_no_time_of_publication_is_null(blank: Any) -> None:
    assert values.moment(blank) is None


@pytest.mark.parametrize(
    "nonsense", ["2025-07-16", "11:40", "2025-07-16 25:00", "2025-07-16 11:60", "2025-02-30 11:40", "2025-07-16 11:40 PM", "早上"]
)
def test_what_is_not_a_time_is_refused(nonsense: str) -> None:
    with pytest.raises(ValueError, match=r"not a time|not a date|must be in|out of range"):
        values.moment(nonsense)


@pytest.mark.parametrize("read", [values.written_day, values.written_moment, values.moment, values.day, values.number, values.whole])
@pytest.mark.parametrize("text", ["(" * 1_000_000, "1" + " " * 1_000_000 + "x", "1," * 500_000])
def test_a_text_without_end_is_no_figure_and_no_date_and_ends_at_once(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="no figure and no date"):
        read(text)
    assert not values.looks_like_a_value(text)


def test_blanks_in_a_time_are_tried_in_one_way_only() -> None:
    """They were shared out in each way there is: 4 processor seconds for a cell of 1,000, and a file has 30,000 rows."""
    for text in ("1" + " " * 62 + "x", "1" + " T" * 31, "1" + " " * 50 + "AM" + " " * 10):
        for _ in range(3_000):
            with pytest.raises(ValueError, match="is not a time"):
                values.written_moment(text)
    assert values.written_moment("2025-07-16" + " " * 20 + "下午" + " " * 20 + "1:40") == values.written_moment("2025-07-16 13:40")
