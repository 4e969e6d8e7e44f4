"""What the doctor says is there in both languages, with the same figures, and docs/zh explains every subject."""

import ast
import re
import string
from pathlib import Path

from ingest.settings import REPOSITORY, Settings
from orchestration.home import doctor

CHINESE = re.compile(r"[\u4e00-\u9fff]")
CALLS = [
    call
    for call in ast.walk(ast.parse(Path(doctor.__file__).read_text(encoding="utf-8")))
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_finding"
]


def places(text: str) -> set[str]:
    """Name the places of a sentence; `_zh` marks the Chinese word of the same figure."""
    return {name.removesuffix("_zh") for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_has_both_languages_and_the_same_places() -> None:
    for key, said in doctor.SENTENCES.items():
        assert set(said) <= {"en", "zh", "do", "do_zh"}, key
        assert CHINESE.search(said["zh"]), key
        assert places(said["en"]) == places(said["zh"]), key
        if advice := said.get("do_zh"):
            assert CHINESE.search(advice), key
            assert places(advice) == places(said["do"]), key


def test_every_sentence_is_said_somewhere() -> None:
    text = Path(doctor.__file__).read_text(encoding="utf-8")
    assert [key for key in doctor.SENTENCES if f'"{key}"' not in text] == []


def test_a_finding_is_told_in_the_language_that_was_asked_for(tmp_path: Path) -> None:
    findings = doctor.examine(Settings(home=tmp_path / "home"))
    assert len(findings) > 5
    assert [finding.told("zh")[0] for finding in findings if not CHINESE.search(finding.told("zh")[0])] == []
    assert [finding.told("en")[0] for finding in findings if CHINESE.search(finding.told("en")[0])] == []


def test_the_chinese_page_explains_every_subject() -> None:
    page = (REPOSITORY / "docs/zh/doctor.md").read_text(encoding="utf-8")
    subjects = {call.args[1].value for call in CALLS if isinstance(call.args[1], ast.Constant)}
    assert len(subjects) > 8
    assert [subject for subject in subjects if f"| `{subject}` |" not in page] == []
