"""`make lint-sql` says what sqlfluff says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.settings import REPOSITORY

PROGRAMS = {"sqlfluff": ["-m", "sqlfluff"], "nothing done twice": ["-m", "tests.lint_sql"]}
LAYOUT = "with a as (select 1 as b\n  ,2 as c from x where\n   d = 1 and e=2   ),\n\n\n\nf as (\n select * from a\n)\n\nselect b , c from f where b in (1,2 ,3)"
BAD = "select  a as X from {{ ref('fct_spot_daily') }} where {{ add_days('a', 1) }} > 0\n"


@pytest.mark.full
def test_what_is_wrong_is_told_in_the_same_words(tmp_path: Path) -> None:
    for number, sql in enumerate((BAD, BAD, BAD.replace("  ", " ").replace("X", "x"), LAYOUT)):
        (tmp_path / f"{number}.sql").write_text(sql, encoding="utf-8")
    told = {}
    for name, program in PROGRAMS.items():
        command = [sys.executable, *program, "lint", "--config", str(REPOSITORY / "pyproject.toml"), str(tmp_path)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        told[name] = (done.returncode, done.stdout)
    assert told["sqlfluff"] == told["nothing done twice"]
    code, said = told["sqlfluff"]
    assert code == 1
    assert said.count("LT01") > 5
    assert {"LT02", "LT04", "LT07", "LT12"} <= set(re.findall(r"LT\d\d", said))
    assert said.count("CP02") == 2
    assert "TMP" not in said
