"""The site of docs/: it builds without a warning, has every table and column with its lineage, and its search knows both languages."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.settings import REPOSITORY, Settings
from orchestration.warehouse.dictionary import pages
from tests.pipeline.browser import CHROMIUM, PATIENCE, tab
from tests.pipeline.conftest import Built

MKDOCS = Path(sys.executable).with_name("mkdocs")


def build(config: Path, site: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Build a site as `make docs` does."""
    command = [str(MKDOCS), "build", "--strict", "--config-file", str(config), "--site-dir", str(site)]
    return subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | {"ALUMINA_HOME": str(home), "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def site(sample: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    done = build(REPOSITORY / "mkdocs.yml", folder, sample.home)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_dictionary_has_every_table_and_column_and_what_it_is_made_of(sample: Built) -> None:
    found = pages(Settings(home=sample.home))
    described = sample.published("select schema_name || '.' || table_name, column_name from serving.data_dictionary")
    assert {f"{table}.md" for table, _ in described} == set(found) - {"index.md", "columns.md", "models.md"}
    assert [(table, column) for table, column in described if column != "*" and f"\n| `{column}` |" not in found[f"{table}.md"]] == []
    row = next(line for line in found["marts.fct_receipts_daily.md"].splitlines() if line.startswith("| `receipts_t` |"))
    assert "`int_receipts__daily.receipts_t`" in row
    assert "`shfe__warehouse_receipts`" in row
    lost = []
    for name, text in found.items():
        for target in re.findall(r"\]\(([^)]+)\)", text):
            page, _, heading = target.partition("#")
            if page not in found or (heading and f"\n### {heading}\n" not in found[page]):
                lost.append((name, target))
    assert lost == []


def test_every_published_table_is_listed_by_its_use(sample: Built) -> None:
    page = (REPOSITORY / "docs/tables.md").read_text(encoding="utf-8")
    published = sample.published("select distinct table_name from serving.data_dictionary where schema_name in ('marts', 'serving')")
    assert [name for (name,) in published if f"{name}`" not in page and name not in ("outlook_v1", "outlook_v2")] == []


def test_a_dictionary_of_another_code_says_so(sample: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.warehouse.dictionary.code_version", lambda: "another")
    assert "built by another version of the code" in pages(Settings(home=sample.home))["index.md"]


@pytest.mark.full
def test_the_site_builds_strictly_and_names_no_address_to_load_from(site: Path) -> None:
    pages_built = list(site.rglob("*.html"))
    assert len(pages_built) > 60
    loads = re.compile(r"<(?:script|img|iframe)[^>]+src=\"(https?:[^\"]+)\"|<link[^>]+rel=\"(?:stylesheet|preload)\"[^>]+href=\"(https?:[^\"]+)\"")
    assert {found for page in pages_built for found in loads.findall(page.read_text(encoding="utf-8"))} == set()


@pytest.mark.full
def test_a_link_that_leads_nowhere_stops_the_build(tmp_path: Path, sample: Built) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# Start\n\n[lost](nowhere.md#here)\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"INHERIT: {REPOSITORY / 'mkdocs.yml'}\ndocs_dir: docs\nhooks: []\nnav: [index.md]\nextra_css: []\n")
    done = build(config, tmp_path / "site", sample.home)
    assert done.returncode != 0
    assert "nowhere.md" in done.stdout + done.stderr


@pytest.mark.full
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(("asked", "finds"), [("squeeze ratio", "fct_receipts_daily"), ("逼仓", "squeeze_answers")])
def test_the_search_knows_both_languages_without_a_network(site: Path, tmp_path: Path, asked: str, finds: str) -> None:
    with tab(tmp_path) as page:
        page.open((site / "index.html").as_uri(), 1280)
        page.evaluate("document.querySelector('[data-md-toggle=search]').click(); document.querySelector('input[name=query]').focus()")
        page.call("Input.insertText", text=asked)
        deadline, titles = time.monotonic() + PATIENCE, []
        while not titles:
            assert time.monotonic() < deadline, page.complaints
            time.sleep(0.2)
            titles = json.loads(page.evaluate("JSON.stringify([...document.querySelectorAll('.md-search-result__item h1')].map(e => e.innerText))"))
        assert any(finds in title for title in titles), titles
        assert [address for address in page.requests if address.startswith("http")] == []
        assert page.complaints == []
