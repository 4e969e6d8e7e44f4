"""What the UI shows of foreign text is text."""

import pytest

from orchestration.assets.pictures import markdown


@pytest.mark.parametrize(
    "text", ["![](http://evil.example/seen.png)", "[a link](http://evil.example)", "<img src=//evil.example>", "`code`", "a | b"]
)
def test_a_cell_makes_no_picture_link_or_element(text: str) -> None:
    *_, row = markdown(("payload",), [(text,)]).splitlines()
    assert not {mark for place, mark in enumerate(row[2:-2], 2) if mark in "[]<`|" and row[place - 1] != "\\"}
    assert row.replace("\\", "") == f"| {text} |"
