# Two commands are enough: `make run` and `make test`. Everything else is a shortcut to `alumina`.
# Needs Python 3.11, 3.12 or 3.13 (with venv), and nothing else; the environment is built from the hash-locked requirements.txt.
# Without PYTHON=… the newest one found that really works: a shim may stand for an interpreter that is not there.
PYTHON ?=
PYTHONS := python3.13 python3.12 python3.11 python3 python
PORT ?= 3000
BIN := .venv/bin
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
# Byte-compiled imports are half the run time; an environment that forbids .pyc files must not slow every command down.
unexport PYTHONDONTWRITEBYTECODE
export DO_NOT_TRACK = 1

.PHONY: run test test-full lint lint-sql ui dbt docs clean lock bench battery spark which-python
run: .venv/.ready
	$(BIN)/alumina run

ui: .venv/.ready
	$(BIN)/alumina ui --port $(PORT)

# dbt by hand, in the home's warehouse: make dbt DBT="test --select fct_basis_daily". Staging models are written first, they are not tracked.
DBT ?= --help
dbt: .venv/.ready
	@$(BIN)/python -c "from orchestration.warehouse.dbt import write_staging; write_staging()"
	@ALUMINA_WAREHOUSE="$$(realpath "$${ALUMINA_HOME:-.alumina}")/warehouse.duckdb" $(BIN)/dbt $(DBT) --project-dir dbt_project --profiles-dir dbt_project

# The site of docs/ in .site/: open .site/index.html. The data dictionary is that of the published release, so a run comes first where there is none.
docs: .venv/.ready
	@test -e "$${ALUMINA_HOME:-.alumina}/serving/alumina.duckdb" || $(BIN)/alumina run
	@NO_MKDOCS_2_WARNING=1 PYTHONWARNINGS="ignore:sqlglotrs is deprecated:DeprecationWarning" $(BIN)/mkdocs build --strict --clean
	@echo "the site: $(CURDIR)/.site/index.html"

# `make test` answers within minutes; `make test-full` runs what takes longer (docs/testing.md says what is where). CI runs both.
# Files (and classes) go to the processes in the order of tests/conftest.py, longest first; linting runs beside and is shown when the tests are through.
PYTEST := $(BIN)/python -m pytest --numprocesses logical --dist loadscope --no-loadscope-reorder
test: .venv/.ready
	@$(call beside,lint,$(PYTEST) -m 'not full')

test-full: .venv/.ready
	@$(call beside,lint-sql,$(PYTEST) -m full)

# Two jobs at once; fails when one does, after both.
define beside
said=$$(mktemp); $(MAKE) --no-print-directory $(1) > "$$said" 2>&1 & lint=$$!; failed=0; \
$(2) || failed=$$?; wait $$lint || failed=$$?; echo "make $(1):"; cat "$$said"; rm -f "$$said"; exit $$failed
endef

# Of the models only what changed since the main branch: sqlfluff takes more than a minute of processor time for all of them.
CHANGED_SQL = $(shell { git diff --name-only --diff-filter=d "$$(git merge-base HEAD main 2> /dev/null || echo HEAD)" -- 'dbt_project/*.sql'; \
  git ls-files --others --exclude-standard -- 'dbt_project/*.sql'; } 2> /dev/null)
SQLFLUFF = $(BIN)/python -m tests.lint_sql
lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(if $(CHANGED_SQL),$(SQLFLUFF) lint $(CHANGED_SQL))

lint-sql: .venv/.ready
	$(SQLFLUFF) lint dbt_project

# uv installs the locked set in about a quarter of pip's time; it is itself taken from the lock, hashes checked, and pip is the fallback.
.venv/.ready: requirements.txt pyproject.toml
	@python=$$($(FIND_PYTHON)); echo "install 1/5: an environment in .venv with $$("$$python" --version), $$python"; "$$python" -m venv --clear .venv
	@echo "install 2/5: uv, the installer"
	@awk '/^[^ ]/ { keep = /^uv==/ } keep' requirements.txt > .venv/uv.txt
	@$(PIP) --quiet --no-deps --require-hashes -r .venv/uv.txt
	@echo "install 3/5: the $$(grep -c '^[a-z].*==' requirements.txt) packages of requirements.txt, hashes checked (half a minute, or minutes on a slow network)"
	@$(BIN)/uv pip install --quiet --no-deps --require-hashes --compile-bytecode --python $(BIN)/python -r requirements.txt \
	  || $(PIP) --no-deps --require-hashes -r requirements.txt
	@echo "install 4/5: this project"
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable . \
	  || $(PIP) --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/uv pip check --quiet --python $(BIN)/python || $(BIN)/python -m pip check
	@echo "install 5/5: reading the dbt project, bundling the chart library"
	@$(BIN)/alumina prepare
	@touch .venv/.ready

# Spark and dbt for it, apart from everything else: nobody who works with DuckDB needs them. `make spark` asks for it.
.venv-spark/.ready: orchestration/deploy/requirements-spark.txt | .venv/.ready
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-spark
	$(BIN)/uv pip install --quiet --no-deps --require-hashes --python .venv-spark/bin/python -r $<
	@touch $@

# The models on Spark against those of the home's warehouse, the scale run and parts side by side; writes the table in docs/scale.md. One thing
# alone: SPARK=identity (each model on DuckDB's tables), SPARK=chain (all from the lake), SPARK=start and SPARK=stop (a cluster that stays).
SPARK ?=
spark: .venv/.ready .venv-spark/.ready
	@$(if $(filter start stop,$(SPARK)),,test -e "$${ALUMINA_HOME:-.alumina}/serving/alumina.duckdb" || $(BIN)/alumina run)
	$(BIN)/python -m $(or $(addprefix orchestration.spark ,$(SPARK)),tests.benchmarks --part cluster --part spark --part parts --home "$$(realpath "$${ALUMINA_HOME:-.alumina}")")

PIP = $(BIN)/python -m pip install --disable-pip-version-check
# Prints the interpreter to use, or a sentence on stderr. Every one on the PATH is asked: a broken shim may stand before one that works.
define FIND_PYTHON
names='$(or $(PYTHON),$(PYTHONS))'; \
version='import sys, ensurepip, venv; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit(1); print(f"{v[0]}.{v[1]}")'; \
found=$$({ type -ap $$names || true; } | while IFS= read -r path; do if is=$$("$$path" -c "$$version" 2> /dev/null); then echo "$$is $$path"; fi; done \
  | sort -s -t. -k2,2nr | head -n 1); \
[ -n "$$found" ] || { echo "alumina needs Python 3.11, 3.12 or 3.13 with ensurepip and venv. Of $$names none does." \
  "Install one (Debian: python3.11 and python3.11-venv) or name one: make PYTHON=/path/to/python" >&2; exit 1; }; \
echo "$${found#* }"
endef

which-python:
	@$(FIND_PYTHON)

# One lock for all three versions: markers say what is for which.
lock:
	$(BIN)/uv pip compile --universal -p 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header \
	  --no-annotate --extra dev --extra docs --extra production pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal -p 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header \
	  --no-annotate --group spark -o orchestration/deploy/requirements-spark.txt

clean:
	rm -rf .alumina .site dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache

# Ratios and processor seconds, never times by the clock; up to half an hour. Writes tests/benchmarks/results.json and the table in docs/performance.md.
# One part alone: BENCH="--part run"
bench: .venv/.ready
	$(BIN)/python -m tests.benchmarks $(BENCH)

# Kills, failing calls, hostile payloads and the like, up to 90 minutes; ended early it goes on with BATTERY="--resume". Writes docs/reliability.md.
battery: .venv/.ready
	$(BIN)/python -m tests.reliability.battery $(BATTERY)
