"""What the commands say, in the language of `ALUMINA_LANG`: sentences from `words.toml`, Chinese help texts from `help_zh.toml`.

When a sentence is said stands in the commands; how it is printed, in `terminal.py`.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ingest.settings import Settings, variables

if TYPE_CHECKING:
    from serving.publish.served import Held

FOLDER = Path(__file__).parent
SENTENCES: dict[str, dict[str, dict[str, str]]] = tomllib.loads((FOLDER / "words.toml").read_text(encoding="utf-8"))


def language() -> str:
    """Give `en` or `zh`. A wrong setting or home does not stop the help; the command itself names it."""
    return _language(variables())


@cache
def _language(_variables: frozenset[tuple[str, str]]) -> str:
    """Read all settings once for the same variables: a run says some 200 sentences, and reading takes 2 ms."""
    try:
        return Settings().lang
    except (ValidationError, OSError):
        return "en"


def said(key: str, **figures: object) -> str:
    """Give the sentence `section.name`; `figures` fill its places. One that ends a command (`refused`) keeps its English in Chinese, too."""
    section, _, name = key.partition(".")
    sentence, chosen = SENTENCES[section][name], language()
    told = sentence[chosen].format(**figures)
    return f"{sentence['en'].format(**figures)}（{told}）" if section == "refused" and chosen == "zh" else told


def held_since(held: "Held") -> str:
    """Say that people are held at a release, since when and why."""
    why = said("releases.why", reason=held.reason) if held.reason else ""
    return said("releases.held_since", release=held.release_id, since=held.when, why=why)


@cache
def chinese_help() -> dict[str, Any]:
    """Give the Chinese help: `headings`, and for each command `about` and what its arguments and options are (`help_zh.toml`)."""
    return tomllib.loads((FOLDER / "help_zh.toml").read_text(encoding="utf-8"))


def translate(group: Any) -> None:
    """Put Chinese help in place of the English of a group and all below it; a text that is missing stays English."""
    told, below = chinese_help(), [("alumina", group)]
    while below:
        name, command = below.pop()
        texts = told["command"].get(name, {})
        command.help = texts.get("about", command.help)
        for parameter in command.params:
            parameter.help = texts.get(parameter.name, parameter.help)
        below += [(f"{name} {child}", one) for child, one in getattr(command, "commands", {}).items()]
