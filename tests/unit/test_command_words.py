"""Each sentence and each help text of a command is there in English and Chinese, and no command prints a sentence of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from orchestration.command import words
from orchestration.command.cli import app
from orchestration.command.terminal import _USERS
from serving.publish.served import Held
from tests.unit.test_doctor_words import CHINESE, places

SPEAKING = ("cli.py", "inbox_command.py", "mapped.py", "operate_command.py", "releases_command.py", "review_command.py")
PRINTING = {
    "_plain",
    "_say",
    "fail",
    "print",
    "status",
    "update",
    "prompt",
    "add_column",
    "add_row",
    "Table",
    "ReviewError",
    "BackfillError",
    "ScheduleError",
}
ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
TREES = [ast.parse(path.read_text(encoding="utf-8")) for path in (words.FOLDER / name for name in SPEAKING) if path.is_file()]
KEYS = {f"{section}.{name}" for section, names in words.SENTENCES.items() for name in names}


def called(node: ast.AST) -> str:
    """Name the function of a call; empty for what is none."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def literals(node: ast.AST) -> Iterator[str]:
    """Give the texts of an expression, but for those that `said` picks."""
    if called(node) == "said":
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from literals(child)


def printed(tree: ast.AST) -> list[str]:
    """Give the English sentences a module prints by itself."""
    calls = (node for node in ast.walk(tree) if called(node) in PRINTING)
    return [text for call in calls for child in ast.iter_child_nodes(call) for text in literals(child) if ENGLISH.search(text)]


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Give a command and all below it, by the names a person types."""
    yield name, command
    for child, below in getattr(command, "commands", {}).items():
        yield from commands(f"{name} {child}", below)


def test_every_sentence_has_both_languages_and_the_same_places() -> None:
    for section, sentences in words.SENTENCES.items():
        for name, said in sentences.items():
            assert set(said) == {"en", "zh"}, name
            assert not CHINESE.search(said["en"]), name
            assert CHINESE.search(said["zh"]) or not re.search(r"[a-z]{3}", re.sub(r"\{[^{}]*\}", "", said["en"])), name
            # The English of a refusal stands beside its Chinese, so its figures need not stand there twice.
            assert places(said["zh"]) <= places(said["en"]), name
            assert section == "refused" or places(said["zh"]) == places(said["en"]), name


def test_every_sentence_is_said_and_no_other() -> None:
    picked = [node for tree in TREES for node in ast.walk(tree) if called(node) == "said"] + [
        node for node in ast.walk(ast.parse(Path(words.__file__).read_text(encoding="utf-8"))) if called(node) == "said"
    ]
    texts = " ".join(path.read_text(encoding="utf-8") for path in words.FOLDER.glob("*.py"))
    exact = {text for node in picked for text in _keys(node.args[0]) if text in KEYS or re.fullmatch(r"\w+\.\w+", text)}  # type: ignore[attr-defined]
    assert exact <= KEYS
    begun = set(re.findall(r"f[\"'](\w+\.(?:\w+_)?)\{", texts))
    assert [key for key in sorted(KEYS) if f'"{key}"' not in texts and f"'{key}'" not in texts and not key.startswith(tuple(begun))] == []


def _keys(node: ast.AST) -> Iterator[str]:
    yield from (part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str))


def test_no_command_prints_english_alone() -> None:
    assert [text for tree in TREES for text in printed(tree)] == []


def test_a_sentence_that_is_printed_in_english_alone_is_noticed() -> None:
    assert printed(ast.parse('fail(f"home {home} of yours is gone")')) == [" of yours is gone"]
    assert printed(ast.parse('_plain(said("run.all is well"))')) == []


def test_every_command_and_option_has_chinese_help_and_no_other_is_told() -> None:
    told = words.chinese_help()
    tree = dict(commands("alumina", get_command(app)))
    here = {name: {"about"} | {one.name for one in command.params if getattr(one, "help", None)} for name, command in tree.items()}
    assert {name: set(texts) for name, texts in told["command"].items()} == here
    assert [text for texts in told["command"].values() for text in texts.values() if not CHINESE.search(text)] == []
    assert set(told["headings"]) == {*_USERS, "Other commands"}


def test_the_help_speaks_the_language_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    english = CliRunner().invoke(app, ["run", "--help"]).output
    assert not CHINESE.search(english)
    monkeypatch.setenv("ALUMINA_LANG", "zh")
    chinese = CliRunner().invoke(app, ["run", "--help"]).output
    assert "采集数据，构建并检验全部模型" in chinese
    assert "First day" not in chinese


def test_a_refusal_in_chinese_keeps_the_english_sentence_for_those_who_search_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    english = words.said("refused.payloads_need_files")
    monkeypatch.setenv("ALUMINA_LANG", "zh")
    assert words.said("refused.payloads_need_files") == f"{english}（--payloads 须与 --source files 同用）"
    assert words.said("releases.nothing") == "没有可删除的"


def test_the_command_says_of_a_hold_what_its_message_says() -> None:
    held = Held("20250722T093000000000Z-a", "2025-07-22T09:30:00+00:00", "a wrong close")
    assert words.held_since(held) == str(held)
