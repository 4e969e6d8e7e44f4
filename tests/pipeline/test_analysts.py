"""The queries of the pages, run on the sample as an analyst would; each answer of docs/analysts.md is checked."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pipeline.conftest import Built

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/analysts.md"
MORE = ("README.md", "docs/zh/analysts.md", "docs/from-spreadsheet-to-sql.md")
"""Other pages with queries; each must give rows."""


class Question(NamedTuple):
    """One section of the page."""

    title: str
    sql: str
    holds: str


def questions(text: str) -> list[Question]:
    """Take the page apart; a section that lost its query or its expectation raises ValueError."""
    found = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        queries, holds = (
            re.findall(r"^```sql\n(.*?)^```", body, re.MULTILINE | re.DOTALL),
            re.findall(r"^Holds on the sample: `(.*)`$", body, re.MULTILINE),
        )
        if (len(queries), len(holds)) != (1, 1):
            raise ValueError(f"{title}: one query and one line 'Holds on the sample' are needed")
        found.append(Question(title, queries[0], holds[0]))
    return found


QUESTIONS = questions(PAGE.read_text(encoding="utf-8"))


def test_there_are_ten() -> None:
    assert [question.title.split(".")[0] for question in QUESTIONS] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.title)
def test_an_analysts_question_is_answered(sample: Built, question: Question) -> None:
    assert sample.published(question.sql) != []
    assert sample.published(f"with answer as (\n{question.sql}\n)\nselect {question.holds} from answer") == [(True,)]


@pytest.mark.parametrize("page", MORE)
def test_every_query_of_another_page_gives_rows(sample: Built, page: str) -> None:
    queries = re.findall(r"^```sql\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(queries) > 0
    assert [query for query in queries if sample.published(query) == []] == []


def test_the_readme_answers_its_question_as_the_release_does(sample: Built) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ((_, answer, sentence),) = sample.published(query)
    assert f"answers `{answer}`:\n\n> {sentence}\n" in text


def test_a_section_without_expectation_is_noticed() -> None:
    with pytest.raises(ValueError, match="Holds on the sample"):
        questions("## 1. Why?\n\n```sql\nselect 1\n```\n")
