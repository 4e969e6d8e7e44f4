"""Hooks of the site (`mkdocs.yml`): they add pages that are not files in this folder.

The data dictionary is written from the home; the Markdown of the repository's top level is taken from where it lies.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from ingest.settings import REPOSITORY, Settings
from orchestration.warehouse.dictionary import pages

# Pages of the repository's top level, by their name in the site.
ABOVE = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}


def on_config(config: Any) -> Any:
    """Put pages that the navigation does not name at its end, so that none is lost."""
    docs = Path(config.docs_dir)
    unnamed = sorted({path.relative_to(docs).as_posix() for path in docs.rglob("*.md")} - set(_named(config.nav)))
    if unnamed:
        config.nav.append({"More": unnamed})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the dictionary and the pages from above."""
    made = {f"dictionary/{name}": text for name, text in pages(Settings()).items()}
    made |= {name: _moved((REPOSITORY / path).read_text(encoding="utf-8")) for name, path in ABOVE.items()}
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links that go up to the pages from above."""
    for name, path in ABOVE.items():
        markdown = re.sub(rf"\]\(((?:\.\./)*)\.\./{re.escape(path)}", rf"](\1{name}", markdown)
    return markdown


def _named(nav: Any) -> list[str]:
    """List the pages a navigation names, section by section."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [name for part in parts for name in _named(part)]


def _moved(markdown: str) -> str:
    """Rewrite the links of a page from above as if it lay here."""
    for name, path in ABOVE.items():
        markdown = markdown.replace(f"]({path}", f"]({name}")
    return markdown.replace("](docs/", "](").replace("](README.md", "](index.md")
