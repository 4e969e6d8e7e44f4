"""The recipes of docs/bi.md, run as they stand there, in an environment of their own. For a release, not for CI.

    python -m tests.reliability.recipes HOME --folder SCRATCH

The environment holds what the page says a reader installs. A recipe is a `python` block or a line that begins with `duckdb`; HOME stands in
for `.alumina`. Exit code 1 when one fails or says nothing.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/bi.md"
PACKAGES = ("duckdb-engine", "sqlalchemy", "duckdb", "duckdb-cli", "pandas", "polars", "pyarrow", "pytz")


def main() -> None:
    """Run each recipe and show the end of what it says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    uv, binaries = str(Path(sys.executable).with_name("uv")), given.folder.resolve() / "venv" / "bin"
    if not binaries.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", "3.11", str(binaries.parent)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(binaries / "python"), *PACKAGES], check=True)
    (given.folder / ".alumina").unlink(missing_ok=True)
    (given.folder / ".alumina").symlink_to(given.home.resolve())
    page, failed = PAGE.read_text(encoding="utf-8"), False
    python = [[str(binaries / "python"), "-c", text] for text in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    shell = [["bash", "-c", f"PATH={binaries}:$PATH {line}"] for line in re.findall(r"^duckdb .*$", page, re.MULTILINE)]
    for command in (*python, *shell):
        done = subprocess.run(command, cwd=given.folder, capture_output=True, text=True, check=False)
        said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
        failed |= done.returncode != 0 or not said
        sys.stdout.write(
            f"{'ran' if done.returncode == 0 else 'FAILED'}: {command[-1].strip().splitlines()[0]}\n" + "".join(f"    {line}\n" for line in said[-6:])
        )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
