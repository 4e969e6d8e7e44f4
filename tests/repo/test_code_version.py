"""The code version covers every file that decides what a release holds; each other file is listed here with the reason."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from serving.publish import release
from serving.publish.release import code_version, deciding_files

ROOT = Path(__file__).parents[2]
DECIDES_NOTHING = {
    "*.md": "read by people",
    "docs/*.md": "read by people",
    "docs/zh/*.md": "read by people",
    "docs/images/*": "looked at by people",
    "docs/bi/superset/*": "a dashboard for those who have Superset",
    "docs/bi/superset/charts/*": "a dashboard for those who have Superset",
    "docs/bi/superset/dashboards/*": "a dashboard for those who have Superset",
    "docs/bi/superset/databases/*": "a dashboard for those who have Superset",
    "docs/bi/superset/datasets/alumina/*": "a dashboard for those who have Superset",
    "docs/hooks.py": "makes the site",
    "docs/stylesheets/*": "makes the site",
    "docs/javascripts/*": "makes the site",
    "docs/notebooks/*": "run by people, on a release",
    "mkdocs.yml": "makes the site",
    ".github/*": "who answers for what, and how a change is proposed",
    ".github/ISSUE_TEMPLATE/*": "how a fault is reported",
    ".pre-commit-config.yaml": "what is checked before a commit",
    "LICENSE": "read by people",
    ".gitignore": "what is kept in version control",
    ".editorconfig": "how editors indent",
    ".ci/run": "what is tested, on which machine",
    "Makefile": "shortcuts to the command; which Python it takes stands in the environment's own version",
    "pyproject.toml": "ranges of which requirements.txt is the exact set, entry points, and the settings of linters; the package's version is in code_version by itself",
    "workspace.yaml": "where Dagster finds the code",
    "orchestration/deploy/*": "where the project is run: addresses, ports, storage of runs",
    "orchestration/deploy/systemd/*": "who starts it again, within which limits",
    "dbt_project/.sqlfluffignore": "what is linted",
}


def tracked() -> set[str]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in names if not name.startswith("tests/") and (ROOT / name).is_file()}


def left_out(name: str) -> list[str]:
    return [
        pattern
        for pattern in DECIDES_NOTHING
        if len(PurePosixPath(pattern).parts) == len(PurePosixPath(name).parts) and PurePosixPath(name).match(pattern)
    ]


def test_every_file_decides_or_is_said_not_to() -> None:
    decides = {path.relative_to(ROOT).as_posix() for path in deciding_files()}
    assert sorted(name for name in tracked() if (name in decides) == bool(left_out(name))) == []
    assert [pattern for pattern in DECIDES_NOTHING if not any(pattern in left_out(name) for name in tracked())] == []


def test_nothing_that_is_made_while_running_counts() -> None:
    made = {part for path in deciding_files() for part in path.relative_to(ROOT).parts} & {"__pycache__", "target", "logs"}
    assert made == set()


@pytest.mark.parametrize(
    "name",
    [
        "dbt_project/dbt_project.yml",
        "dbt_project/profiles.yml",
        "dbt_project/tests/rule.sql",
        "orchestration/warehouse/lineage.py",
        "requirements.txt",
    ],
)
def test_a_change_of_what_decides_is_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(release, "REPOSITORY", tmp_path)
    (tmp_path / "requirements.txt").write_text("a==1")
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    versions = set()
    for text in ("one", "another"):
        path.write_text(text)
        versions.add(code_version())
    assert len(versions) == 2
