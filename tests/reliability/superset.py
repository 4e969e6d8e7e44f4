"""Apache Superset on the published file: the dashboard is made through its API and kept, or what is kept is imported; both end with a picture.

    python -m tests.reliability.superset make PUBLISHED.duckdb --folder SCRATCH
    python -m tests.reliability.superset try PUBLISHED.duckdb --folder SCRATCH

`make` makes the dashboard of `dashboard.py` in a fresh Superset and writes its export to docs/bi/superset. `try` imports what stands there into
another fresh one, as docs/bi.md says, and swaps the release under it. Everything else happens in SCRATCH: an environment from the package registry, Superset's own database, a
server on loopback, and at the end `dashboard.png`, for a person to look at. Needs `uv` and a Chromium on the path; not for CI. Exit code 0 when
every chart was drawn from the file.
"""

import argparse
import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import httpx

from tests.reliability import dashboard

# Superset 6.1 does not start with flask-caching 2.5, and imports rich and cachetools without asking for them; it stands on SQLAlchemy 1.4, for which
# duckdb-sqlalchemy (asks for 2) is too new and duckdb-engine is not. DuckDB as the project pins it.
PACKAGES = (
    "apache-superset==6.1.0",
    "flask-caching<2.4",
    "duckdb-engine==0.17.0",
    "duckdb==1.5.6",
    "rich",
    "cachetools",
    "setuptools<81",
    "playwright==1.65.2",
)
BUNDLE = Path(__file__).parents[2] / "docs/bi/superset"
PLACE = "duckdb:////alumina/serving/alumina.duckdb"
"""Where the kept dashboard looks for the file: the home mounted as /alumina. Its link is followed at each query."""
RELEASES = ("first", "second")
PORT = 18088
CONFIG = """
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
WTF_CSRF_ENABLED = False  # the API is called without a browser, on loopback
TALISMAN_ENABLED = False
"""
# Superset's login page, then the dashboard alone, high enough to have all of its charts in view; ready when nothing loads any more. It says how
# many charts were drawn, and what those said that were not.
BROWSER = """
import json, os, sys
from playwright.sync_api import sync_playwright
url, slug, picture, chromium = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1400, "height": 3500})
    page.set_default_timeout(300000)
    page.goto(url + "/login/")
    page.fill("input#username, input[name=username]", "admin")
    page.fill("input#password, input[name=password]", os.environ["ADMIN_PASSWORD"])
    page.keyboard.press("Enter")
    page.wait_for_url(lambda now: "/login" not in now)
    page.goto(f"{url}/superset/dashboard/{slug}/?standalone=2")
    page.wait_for_selector("canvas")
    page.wait_for_function("document.querySelectorAll('[data-test=loading-indicator], .loading').length === 0")
    page.wait_for_timeout(4000)
    page.screenshot(path=picture, full_page=True)
    count = lambda selector: page.locator(selector).count()
    failed = page.locator(".dashboard-chart .ant-alert, .dashboard-chart [role=alert]").all_inner_texts()
    print(json.dumps({"canvases": count("canvas"), "tables": count(".dashboard-chart table"), "failed": failed}))
    browser.close()
"""


def install(folder: Path) -> Path:
    """Make the environment, once; give its folder of executables."""
    binaries = folder / "venv" / "bin"
    if not (binaries / "superset").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", "3.11", str(binaries.parent)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(binaries / "python"), *PACKAGES], check=True)
    return binaries


def prepare(folder: Path, binaries: Path, password: str) -> dict[str, str]:
    """Make Superset's own database and its administrator; give the environment of the server."""
    config = folder / "superset_config.py"
    config.write_text(CONFIG.format(key=secrets.token_hex(32), folder=folder), encoding="utf-8")
    environment = os.environ | {"SUPERSET_CONFIG_PATH": str(config), "ADMIN_PASSWORD": password}
    environment.pop("PYTHONPATH", None)
    (folder / "superset.db").unlink(missing_ok=True)
    superset, log = str(binaries / "superset"), folder / "prepare.log"
    person = ["--username", "admin", "--firstname", "A", "--lastname", "B", "--email", "admin@example.invalid", "--password", password]
    with log.open("w") as out:
        for command in (["db", "upgrade"], ["fab", "create-admin", *person], ["init"]):
            subprocess.run([superset, *command], env=environment, stdout=out, stderr=out, check=True)
    return environment


@contextmanager
def serve(folder: Path, binaries: Path, environment: dict[str, str], seconds: float = 120) -> Iterator[str]:
    """Run the server for the block, and give its address; raises TimeoutError when it does not answer."""
    url = f"http://127.0.0.1:{PORT}"
    command = [str(binaries / "gunicorn"), "--threads", "4", "--bind", f"127.0.0.1:{PORT}", "--timeout", "120", "superset.app:create_app()"]
    with (folder / "server.log").open("w") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server:
        try:
            until = time.monotonic() + seconds
            while not _answers(url):
                if time.monotonic() > until:
                    raise TimeoutError(f"Superset did not answer on {url}")
                time.sleep(1)
            yield url
        finally:
            server.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).text == "OK"
    except httpx.HTTPError:
        return False


class Api:
    """Superset's API, as the administrator."""

    def __init__(self, url: str, password: str) -> None:
        self.client = httpx.Client(base_url=f"{url}/api/v1", timeout=120)
        login = {"username": "admin", "password": password, "provider": "db", "refresh": False}
        self.client.headers["Authorization"] = f"Bearer {self.ask('POST', '/security/login', json=login).json()['access_token']}"

    def ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Ask; raises RuntimeError with Superset's words."""
        answer = self.client.request(method, path, **what)
        if answer.is_error:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer

    def made(self, path: str, body: dict[str, Any]) -> int:
        """Make something; give its id."""
        return int(self.ask("POST", path, json=body).json()["id"])


def make(api: Api, published: Path) -> dict[str, str]:
    """Make database, datasets, charts and dashboard through the API; give the export, file by file."""
    extra = {"engine_params": {"connect_args": {"read_only": True, "config": {"threads": 2}}}}
    database = api.made(
        "/database/",
        {"database_name": "alumina", "sqlalchemy_uri": f"duckdb:///{published}", "extra": json.dumps(extra), "expose_in_sqllab": True},
    )
    datasets: dict[str, int] = {}
    for table in dashboard.TABLES:
        schema, _, name = table.partition(".")
        datasets[table] = api.made("/dataset/", {"database": database, "schema": schema, "table_name": name})
        if metrics := _metrics(published, table):
            api.ask("PUT", f"/dataset/{datasets[table]}", json={"metrics": metrics, "main_dttm_col": dashboard.days()[table]})
    charts = []
    for chart in dashboard.CHARTS:
        params, dataset = dashboard.params(chart, datasets[chart.table]), datasets[chart.table]
        body = {"slice_name": chart.name, "viz_type": params["viz_type"], "datasource_id": dataset, "datasource_type": "table"}
        charts.append((chart, api.made("/chart/", body | {"params": json.dumps(params), "uuid": chart.uuid})))
    filters = [dashboard.one_commodity(charts, datasets["desk.outlook_daily"])]
    board = api.made(
        "/dashboard/",
        {
            "dashboard_title": dashboard.NAME,
            "slug": dashboard.SLUG,
            "published": True,
            "position_json": json.dumps(dashboard.layout(charts)),
            "json_metadata": json.dumps({"native_filter_configuration": filters, "cross_filters_enabled": False, "refresh_frequency": 0}),
        },
    )
    for _, number in charts:
        api.ask("PUT", f"/chart/{number}", json={"dashboards": [board]})
    archive = api.ask("GET", "/dashboard/export/", params={"q": f"!({board})"}).content
    with zipfile.ZipFile(io.BytesIO(archive)) as export:
        return {name: export.read(name).decode() for name in export.namelist()}


def _metrics(published: Path, table: str) -> list[dict[str, str]]:
    """Make the metrics of a dataset from what the file says of its figures."""
    drawn = dashboard.drawn(table)
    with duckdb.connect(str(published.resolve()), read_only=True) as con:
        rows = con.execute(
            "select column_name, unit, over_time, over_rows, description_en from desk.metrics where table_name = ? order by position",
            [table.partition(".")[2]],
        ).fetchall()
    return [
        {
            "metric_name": name,
            "verbose_name": f"{name.removesuffix('_cny_t').removesuffix('_t').replace('_', ' ')} [{unit}]",
            "expression": dashboard.expression(name, dashboard.days()[table], over_time, over_rows),
            "description": description,
        }
        for name, unit, over_time, over_rows, description in rows
        if name in drawn
    ]


def keep(files: dict[str, str], published: Path) -> None:
    """Write an export where it is kept, in place of what stood there, looking for the file where everybody can have it."""
    shutil.rmtree(BUNDLE, ignore_errors=True)
    with duckdb.connect(str(published.resolve()), read_only=True) as con:
        asked = "select schema_name || '.' || table_name, list(column_name order by column_index) from duckdb_columns() group by all"
        columns = dict(con.execute(asked).fetchall())
    for name, text in dashboard.steady(files, columns).items():
        file = BUNDLE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(f"duckdb:///{published}", PLACE), encoding="utf-8")


def bring(folder: Path, binaries: Path, environment: dict[str, str], published: Path) -> None:
    """Import what is kept, step by step as docs/bi.md says."""
    bundle = folder / "alumina"
    shutil.rmtree(bundle, ignore_errors=True)
    shutil.copytree(BUNDLE, bundle)
    database = bundle / "databases/alumina.yaml"
    database.write_text(database.read_text(encoding="utf-8").replace(PLACE, f"duckdb:///{published}"), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "zipfile", "-c", "alumina.zip", "alumina"], cwd=folder, check=True)
    with (folder / "import.log").open("w") as log:
        command = [str(binaries / "superset"), "import-dashboards", "--path", "alumina.zip", "--username", "admin"]
        subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=True)


def home_of_two(folder: Path, published: Path) -> Path:
    """Make a home with the file as its served release and another one to swap to; give the path by its link."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    for name in RELEASES:
        (home / "releases" / name).mkdir(parents=True)
        shutil.copyfile(published, home / "releases" / name / "alumina.duckdb")
        with duckdb.connect(str(home / "releases" / name / "alumina.duckdb")) as con:
            con.execute("update serving.publication set release_id = ?", [name])
    (home / "serving").symlink_to(Path("releases") / RELEASES[0])
    return home / "serving" / "alumina.duckdb"


def releases_read(api: Api, link: Path) -> list[str]:
    """Give which release Superset reads, before and after the link is swapped under it."""
    (database,) = (row["id"] for row in api.ask("GET", "/database/").json()["result"] if row["database_name"] == "alumina")
    said = []
    for name in RELEASES:
        (link.parent.parent / "next").symlink_to(Path("releases") / name)
        (link.parent.parent / "next").replace(link.parent)
        question = {"database_id": database, "sql": "select release_id from serving.publication", "schema": "serving", "runAsync": False}
        said.append(str(api.ask("POST", "/sqllab/execute/", json=question).json()["data"][0]["release_id"]))
    return said


def main() -> None:
    """Make or try the dashboard, and say what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["make", "try"])
    parser.add_argument("published", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    folder, published, password = given.folder.resolve(), given.published.absolute(), secrets.token_urlsafe(12)
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no Chromium to take the screenshot with")
    binaries = install(folder)
    environment = prepare(folder, binaries, password)
    link = home_of_two(folder, published)
    if given.what == "try":
        bring(folder, binaries, environment, link)
    with serve(folder, binaries, environment) as url:
        if given.what == "make":
            keep(make(Api(url, password), link), link)
        picture = folder / "dashboard.png"
        browser = [str(binaries / "python"), "-c", BROWSER, url, dashboard.SLUG, str(picture), chromium]
        seen = json.loads(subprocess.run(browser, env=environment, check=True, timeout=900, stdout=subprocess.PIPE, text=True).stdout)
        read = releases_read(Api(url, password), link)
    wanted = sum(chart.kind != "table" for chart in dashboard.CHARTS)
    sys.stdout.write(f"{seen['canvases']} of {wanted} charts and {seen['tables']} tables drawn from {published}; look at {picture}\n")
    sys.stdout.write(f"around a swap of the link Superset read the releases {read}\n")
    if read != list(RELEASES):
        sys.exit("Superset does not follow the link")
    if seen["canvases"] < wanted or seen["failed"]:
        sys.exit(f"not every chart was drawn: {seen['failed']}")


if __name__ == "__main__":
    main()
