"""Cases of the battery whose trial is a whole run or a whole release, in a short round, and on something broken on purpose."""

import html
from pathlib import Path

import lxml.html
import pytest

from serving.research.note import page
from tests.pipeline.conftest import SLICE, Built
from tests.pipeline.small import Small
from tests.reliability import markup, surroundings
from tests.reliability.case import Bench, Step


@pytest.fixture
def bench(tmp_path: Path, sixty_sessions: Built) -> Bench:
    return Bench(tmp_path / "bench", SLICE, sixty_sessions.home)


@pytest.fixture
def small_bench(tmp_path: Path, sixty_sessions: Built, small_house: Small) -> Bench:
    return Bench(tmp_path / "bench", SLICE, sixty_sessions.home, small_house)


def test_markup_stays_text_and_a_page_that_escapes_nothing_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(markup.injections(bench, range(1, 3))) == [Step(1)] * 2
    render = page.render
    monkeypatch.setattr(page, "render", lambda *arguments: html.unescape(render(*arguments)))
    assert [step.bad for step in markup.injections(bench, range(1, 2))] != [()]


def test_a_dozen_texts_from_outside_run_nothing_and_break_nothing(sample: Built, tmp_path: Path) -> None:
    bad, rendered = markup.together(Bench(tmp_path / "bench", SLICE, sample.home))
    assert bad == []
    # All of them are told, none of the columns is one that no page shows; in a chart's data `<` is written otherwise.
    text = lxml.html.fromstring(rendered).text_content()
    begun = [f"{place} {markup.HOSTILE[place]}"[:12] for place in range(len(markup.FROM_OUTSIDE))]
    assert [told for told in begun if told not in text and told.replace("<", "\\u003c") not in text] == []


def test_a_line_separator_in_a_name_breaks_no_chart(sample: Built, tmp_path: Path) -> None:
    """Where a chart has names in an expression, this one would end a string of it."""
    names = dict.fromkeys(
        ("marts.fct_members_daily.participant", "marts.fct_receipts_warehouse_daily.region", "marts.fct_receipts_warehouse_daily.warehouse"),
        "\u2028\u2029",
    )
    bad, rendered = markup.together(Bench(tmp_path / "bench", SLICE, sample.home), names)
    assert bad == []
    assert rendered.count("\\u2028") > 10


@pytest.mark.full
def test_secrets_are_nowhere_and_a_run_that_tells_one_is_seen(small_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, small = small_bench, small_bench.small("secrets")
    monkeypatch.setattr(Bench, "small", lambda *_: small)
    assert [step.bad for step in surroundings.secrets(bench, range(1, 2))] == [()]
    doctor = small.root / "orchestration" / "home" / "doctor.py"
    doctor.write_text(f"import os, sys\nsys.stderr.write(os.environ.get('PGPASSWORD', ''))\n{doctor.read_text()}")
    (step,) = surroundings.secrets(bench, range(1, 2))
    assert "`alumina doctor`: printed: canary" in step.bad[0]
