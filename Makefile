# Two commands are enough: `make run` and `make test`. Everything else is a shortcut to `alumina`.
# Needs python3.11 (with venv), and nothing else; the environment is built from the hash-locked requirements.txt.
PYTHON ?= python3.11
BIN := .venv/bin
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
# Byte-compiled imports are half the run time; an environment that forbids .pyc files must not slow every command down.
unexport PYTHONDONTWRITEBYTECODE
export DO_NOT_TRACK = 1

.PHONY: run test lint ui clean lock bench
run: .venv/.ready
	$(BIN)/alumina run

ui: .venv/.ready
	$(BIN)/alumina ui

# Two halves at once, on two cores: what needs the built sample, and everything else.
APART := $(addprefix tests/pipeline/test_,point_in_time.py leaks.py new_commodity.py price_history.py live.py real_payloads.py detection.py production.py)
test: lint
	$(BIN)/python -m pytest tests/unit tests/repo tests/reliability $(APART) & others=$$!; failed=0; \
	$(BIN)/python -m pytest tests/pipeline $(addprefix --ignore=,$(APART)) || failed=$$?; wait $$others; exit $$failed

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt_project --processes 2

# uv installs the locked set in about a quarter of pip's time; it is itself taken from the lock, hashes checked, and pip is the fallback.
.venv/.ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv
	awk '/^[^ ]/ { keep = /^uv==/ } keep' requirements.txt > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --no-deps --require-hashes --compile-bytecode --python $(BIN)/python -r requirements.txt \
	  || $(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	$(BIN)/alumina prepare
	touch .venv/.ready

lock:
	$(BIN)/uv pip compile -p 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header \
	  --no-annotate --extra dev --extra production pyproject.toml -o requirements.txt

clean:
	rm -rf .alumina dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache

# Ratios, not absolute times: each benchmark runs what it is compared with in the same run.
bench: .venv/.ready
	$(BIN)/python -m tests.benchmarks.bench_ingest
	$(BIN)/python -m tests.benchmarks.bench_serving
	$(BIN)/python -m tests.benchmarks.bench_models
