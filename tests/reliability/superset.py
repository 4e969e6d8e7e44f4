"""Apache Superset on the published file: install, register read-only, dataset, chart, screenshot. For a release, not for CI.

    python -m tests.reliability.superset PUBLISHED.duckdb --folder SCRATCH

Everything happens in SCRATCH: an environment from the package registry, Superset's own database, a server on loopback, and at
the end `chart.png`, for a person to look at. Needs `uv` and a Chromium on the path. Exit code 0 when the chart's data came from the file and the page drew it.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx

# Superset 6.1 does not start with flask-caching 2.5, and imports rich and cachetools without asking for them; DuckDB as the project pins it.
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
PORT = 18088
CONFIG = """
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
WTF_CSRF_ENABLED = False  # the API is called without a browser, on loopback
TALISMAN_ENABLED = False
"""
# Superset's login page, then the chart alone; the page is ready when its canvas is drawn.
BROWSER = """
import os, sys
from playwright.sync_api import sync_playwright
url, chart, picture, chromium = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(url + "/login/")
    page.fill("input#username, input[name=username]", "admin")
    page.fill("input#password, input[name=password]", os.environ["ADMIN_PASSWORD"])
    page.keyboard.press("Enter")
    page.wait_for_url(lambda now: "/login" not in now, timeout=60000)
    page.goto(f"{url}/explore/?slice_id={chart}&standalone=1")
    page.wait_for_selector("canvas", timeout=60000)
    page.wait_for_timeout(3000)
    page.screenshot(path=picture)
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


def wait_for(url: str, seconds: float = 120) -> None:
    """Wait until the server answers; raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/health", timeout=5).text == "OK":
                return
        except httpx.HTTPError:
            pass
        time.sleep(1)
    raise TimeoutError(f"Superset did not answer on {url}")


def register(url: str, password: str, published: Path) -> tuple[int, int]:
    """Register the file read-only, a dataset on serving.outlook and a line chart; give the chart's id and how many rows its query brought."""
    with httpx.Client(base_url=f"{url}/api/v1", timeout=60) as client:

        def post(path: str, body: dict) -> dict:
            answer = client.post(path, json=body)
            if answer.is_error:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
            return answer.json()

        login = {"username": "admin", "password": password, "provider": "db", "refresh": False}
        client.headers["Authorization"] = f"Bearer {post('/security/login', login)['access_token']}"
        extra = {"engine_params": {"connect_args": {"read_only": True, "config": {"threads": 2}}}}
        database = {"database_name": "alumina", "sqlalchemy_uri": f"duckdb:///{published}", "extra": json.dumps(extra), "expose_in_sqllab": True}
        database_id = post("/database/", database)["id"]
        dataset = post("/dataset/", {"database": database_id, "schema": "serving", "table_name": "outlook"})["id"]
        score = {"expressionType": "SQL", "sqlExpression": "max(score)", "label": "score"}
        short = {"expressionType": "SQL", "clause": "WHERE", "sqlExpression": "commodity_code = 'AO' and horizon = 'short'"}
        params = {
            "datasource": f"{dataset}__table", "viz_type": "echarts_timeseries_line", "x_axis": "as_of_date", "time_grain_sqla": "P1D",
            "metrics": [score], "groupby": [], "adhoc_filters": [short], "row_limit": 10000, "time_range": "No filter",
        }  # fmt: skip
        chart = post(
            "/chart/",
            {
                "slice_name": "AO outlook score",
                "viz_type": params["viz_type"],
                "datasource_id": dataset,
                "datasource_type": "table",
                "params": json.dumps(params),
            },
        )["id"]
        question = {
            "datasource": {"id": dataset, "type": "table"},
            "queries": [{"columns": ["as_of_date"], "metrics": [score], "extras": {"where": short["sqlExpression"]}, "row_limit": 10000}],
            "result_format": "json",
            "result_type": "full",
        }
        return chart, int(post("/chart/data", question)["result"][0]["rowcount"])


def main() -> None:
    """Run the recipe and say what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("published", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    folder, url, password = given.folder.resolve(), f"http://127.0.0.1:{PORT}", secrets.token_urlsafe(12)
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no Chromium to take the screenshot with")
    binaries = install(folder)
    environment = prepare(folder, binaries, password)
    command = [str(binaries / "gunicorn"), "--threads", "4", "--bind", f"127.0.0.1:{PORT}", "--timeout", "120", "superset.app:create_app()"]
    with (folder / "server.log").open("w") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server:
        try:
            wait_for(url)
            chart, rows = register(url, password, given.published.resolve())
            picture = folder / "chart.png"
            browser = [str(binaries / "python"), "-c", BROWSER, url, str(chart), str(picture), chromium]
            subprocess.run(browser, env=environment, check=True, timeout=180)
        finally:
            server.terminate()
    sys.stdout.write(f"Superset read {rows} days of serving.outlook from {given.published}; look at {picture}\n")


if __name__ == "__main__":
    main()
