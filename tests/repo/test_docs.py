"""The pages agree with the repository: links resolve, files and commands exist, the journey of a figure is the one dbt builds."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from ingest.settings import Settings
from ingest.sources import SOURCES
from orchestration.command.cli import app
from orchestration.warehouse.dbt import project

ROOT = Path(__file__).parents[2]
README_BYTES = 7 * 1024
COMMAND = re.compile(r"(?:^|&& |\| )(?:\w+=\S+ )*(?:\S*/)?alumina ((?!needs)[a-z][a-z-]*)(?: ([a-z][a-z-]*))?", re.MULTILINE)


def tracked(pattern: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in names.stdout.splitlines() if (ROOT / name).is_file()]


PAGES = tracked("*.md")
FILES = {path.relative_to(ROOT).as_posix() for path in tracked("*")}


def prose(page: Path) -> str:
    """Give a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as MkDocs and code hosts link to them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title.replace("`", "")).strip().lower()) for title in titles}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_a_page_and_a_heading(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        # The dictionary is written when the site is built.
        if (ROOT / "docs/dictionary") in other.parents:
            continue
        if not other.exists() or (heading and heading not in anchors(other)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_are_named_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # tells of what was
    rooms = "quality|ingest|serving|orchestration|dbt_project|tests|docs"
    named = re.findall(rf"(?<!New file )`((?:{rooms})/[\w./-]+)`", prose(page))
    folders = {parent.as_posix() for name in FILES for parent in Path(name).parents}
    made = ("dbt_project/models/staging", "dbt_project/target", "serving/note.html", "serving/alumina.duckdb", "docs/dictionary")
    named = [name for name in named if "_N." not in name]
    assert [name for name in named if name not in FILES and name.rstrip("/") not in folders and not name.startswith(made)] == []


def test_commands_that_are_named_exist() -> None:
    top: Any = typer.main.get_command(app)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        code = "\n".join(re.findall(r"`([^`\n]+)`", prose(page)) + re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        for name, sub in COMMAND.findall(code):
            below = getattr(top.commands.get(name), "commands", {})
            if name not in top.commands or (sub and below and sub not in below):
                wrong.append((page.name, name, sub))
        wrong += [(page.name, "make", target) for target in re.findall(r"^(?:.*`)?make ([a-z][a-z-]*)", code, re.MULTILINE) if target not in targets]
    assert wrong == []


def test_the_journey_of_a_figure_is_the_one_dbt_builds() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    chart = next(block for block in re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if "outlook_v2" in block)
    arrows = re.findall(r"^([\w.]+) → (\w+)$", chart, re.MULTILINE)
    assert len(arrows) == len(chart.splitlines()) >= 10
    parents = json.loads(Path(project().manifest_path).read_text(encoding="utf-8"))["parent_map"]
    built = {(parent.split(".", 2)[2], child.split(".")[2]) for child, above in parents.items() for parent in above if child.startswith("model.")}
    assert [arrow for arrow in arrows if arrow not in built] == []
    # One way from the first to the last.
    assert {down for _, down in arrows} >= {up for up, _ in arrows if not up.startswith("raw.")}


def test_descriptions_of_tables_are_short() -> None:
    nodes = json.loads(Path(project().manifest_path).read_text(encoding="utf-8"))["nodes"].values()
    said = {node["name"]: node["description"].partition(" | ")[0] for node in nodes if node["resource_type"] == "model"}
    assert len(said) > 200
    assert {name: len(text) for name, text in said.items() if len(text) > 200} == {}


def test_every_setting_is_told_and_no_other() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition("\n## Settings\n")[2]
    assert set(re.findall(r"`(ALUMINA_[A-Z_]+)`", text)) == {f"ALUMINA_{name.upper()}" for name in Settings.model_fields if name != "as_of"}


def test_file_names_of_the_sources_page_are_recognised() -> None:
    text = (ROOT / "docs/sources.md").read_text(encoding="utf-8").partition("## Names of payload files")[2]
    names = [name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]
    told = [
        name.replace("*", "_x") if "_*" not in name else name.replace("*", "x")
        for name in names
        if re.search(r"^\w.*\.\w+$", name) and "{" not in name
    ]
    assert len(told) > 20
    assert [name for name in told if not any(source.recognise(name) for source in SOURCES if source.name not in ("catalog", "unread"))] == []


def test_every_folder_has_an_owner_and_every_owner_a_folder() -> None:
    rows = [line.split() for line in (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    owned = [path.strip("/") for path, *owners in rows if owners and path != "*"]
    assert [path for path in owned if not (ROOT / path).exists()] == []
    assert {name.split("/")[0] for name in FILES if "/" in name and name[0] != "."} - {"tests"} <= set(owned)


def test_hooks_run_tools_of_the_environment_and_download_nothing() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    hooks = [hook for repo in repos for hook in repo["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    tools = [Path(hook["entry"].split()[0]) for hook in hooks]
    assert [tool.as_posix() for tool in tools if tool.parts[:2] != (".venv", "bin") or not Path(sys.executable).with_name(tool.name).exists()] == []


def test_the_methodology_explains_every_column_of_the_outlook() -> None:
    told = (ROOT / "docs/methodology.md").read_text(encoding="utf-8")
    columns = [row["name"] for row in json.loads((ROOT / "tests/contracts/outlook_v2.json").read_text(encoding="utf-8"))["columns"]]
    assert len(columns) > 60
    assert [name for name in columns if not re.search(rf"`{name}`", told) and not name.endswith("_sh")] == []
