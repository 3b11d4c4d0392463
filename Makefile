# make run      one whole night on this machine: synthetic extracts, Airflow's DAGs, ranked lists
# make serve    the officers' pages on 127.0.0.1 until Ctrl-C, five ready people to sign in as (PORT=8001 for another)
# make airflow  the real scheduler and web page on 127.0.0.1 until Ctrl-C (another port: make airflow PORT=8081)
# make screenshots   a picture of every page at two widths in var/screenshots; needs Chromium
# make check    lint, types, import layers, contracts, secrets
# make test     every test but whole nights, servers, real data and pages in a browser, which are   make test-whole
# make docs     the documentation as pages in build/docs, every link within it checked
# make audit    bill of materials in build/, licences, known vulnerabilities (asks PyPI)
# make setup    the environment alone                          make lock   pin the dependencies anew
# make faults   nights killed at random moments, apart from make test: make faults SEED=7 KILLS=200; with KILLS=0 only
#               the other faults: a full disk, a bucket that fails, a database killed, a clock that jumps ...
# make cluster-test   a night by two workers on PostgreSQL, S3 and Redis, all started and ended by the test;
#               with KILL=1 two more nights: a worker is killed; the S3 server, Redis and a scheduler are
# make clean    remove state and caches, keep the environment
# Needs Python 3.11, 3.12 or 3.13 (another one than python3: make run PYTHON=python3.12), git and make.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run serve test test-whole audit check airflow clean lock setup screenshots docs faults cluster-test

PYTHON ?= python3
WORKERS ?= 2
# Whole nights, killed ones too, real registers, servers, the built documentation and pages in a browser.
WHOLE := tests/night tests/privacy tests/browser tests/integration tests/golden tests/docs \
  tests/dags/test_ingest_run.py tests/dags/test_lineage_run.py tests/review/test_serve.py \
  $(addprefix tests/intake/test_,kill.py redrop.py agreements_night.py erasure_night.py onboard_night.py) \
  $(addprefix tests/unit/test_,model_backtest.py model_life.py rehearsal.py)
BIN := .venv/bin
READY := .venv/ready

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

setup: $(READY)

# Made again only when what is installed would change. The lock is whole, so pip resolves nothing: asked to, it takes an
# extra of a package, which a lock does not name, for one that is not pinned.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "This needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is not one of them or not there. Install one and say: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || { echo "Making the environment in .venv ..."; $(PYTHON) -m venv .venv || { \
	  echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }; }
	@echo "Installing the pinned packages, each checked against its hash; the first time takes some minutes ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
	@echo "The environment is ready."

run: $(READY)
	@$(BIN)/python dags/run_one_night.py

serve: $(READY)
	@LODA_REVIEW_LOCAL_SIGN_IN=1 exec $(BIN)/loda serve --port $(or $(PORT),8000)

airflow: $(READY)
	@exec $(BIN)/python dags/serve_airflow.py --port $(or $(PORT),8080)

# Compiled code is kept even where the environment says not to: tests start some thirty processes that load everything.
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q

test: $(READY)
	@$(PYTEST) $(addprefix --ignore=,$(WHOLE) tests/security/test_secrets.py)

test-whole: $(READY)
	@$(PYTEST) $(WHOLE)

faults: $(READY)
	@LODA_FAULTS=1 LODA_FAULT_SEED=$(or $(SEED),7) LODA_FAULT_KILLS=$(or $(KILLS),200) LODA_FAULT_WORKERS=$(WORKERS) \
	  $(BIN)/python -m pytest -q -s tests/faults

# One process: the servers and both workers share this machine.
cluster-test: $(READY)
	@LODA_CLUSTER=1 $(BIN)/python -m pytest -q --durations=0 tests/cluster $(if $(KILL),,-k "not killed")

# A package that cannot be asked about fails, so that no silence is taken for safety. Needs PyPI's own interface.
audit: $(READY)
	@mkdir -p build
	@echo "Bill of materials ..." && $(BIN)/python -W ignore -m cyclonedx_py requirements requirements.lock \
	  --pyproject pyproject.toml --mc-type application --output-reproducible --of JSON -o build/sbom.cdx.json
	@echo "It is build/sbom.cdx.json."
	@echo "Licences ..." && $(BIN)/python -m pytest -q tests/security/test_licences.py
	@echo "Known vulnerabilities ..." && $(BIN)/pip-audit --strict -r requirements.lock --require-hashes --disable-pip \
	  --progress-spinner off

screenshots: $(READY)
	@mkdir -p var/screenshots
	@LODA_REQUIRE_BROWSER=1 LODA_SCREENSHOTS="$(CURDIR)/var/screenshots" $(BIN)/python -m pytest -q tests/browser/test_every_page.py
	@echo "The pictures are in var/screenshots."

# The page of settings is made anew first, so that the pages are never behind the code.
docs: $(READY)
	@$(BIN)/python -m pipelines.cli.settings_page > build.tmp && mv build.tmp docs/configuration.md || { rm -f build.tmp; exit 1; }
	@$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs
	@echo "The pages are in build/docs; begin with index.html."

check: $(READY)
	@echo "Lint ..." && $(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@echo "Types ..." && $(BIN)/mypy --no-error-summary -p pipelines -p schemas -p models -p expectations -p review
	@echo "Import layers ..." && $(BIN)/lint-imports --no-logo
	@echo "Contracts, mappings, agreements ..." && $(BIN)/python -m schemas.lint && $(BIN)/python -c "$$LINT_CONTRACTS"
	@echo "Security ..." && $(BIN)/bandit -q -c pyproject.toml -r pipelines review models schemas expectations dags
	@$(BIN)/python -m pytest -q --no-header tests/security/test_secrets.py
	@echo "Documentation ..." && $(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs

# 'datacontract lint' on every contract, in one process instead of thirteen.
define LINT_CONTRACTS
import pathlib, sys
from datacontract.data_contract import DataContract
bad = 0
for path in sorted(pathlib.Path("schemas/contracts").glob("*.odcs.yaml")):
    for check in DataContract(data_contract_file=str(path)).lint().checks:
        if check.result.value != "passed":
            bad += 1
            print(f"{path}: {check.name}: {check.reason}")
sys.exit(bad and 1)
endef
export LINT_CONTRACTS

# The lock names no index (uv writes none of its own accord) and holds for Python 3.11 to 3.13 on every platform.
# uv lives in an environment of its own.
lock:
	@test -x .venv/uv/bin/uv || { $(PYTHON) -m venv .venv/uv && .venv/uv/bin/python -m pip install -qq uv; }
	@echo "Resolving ..."
	@UV_CUSTOM_COMPILE_COMMAND='make lock' .venv/uv/bin/uv pip compile pyproject.toml --all-extras --python-version 3.11 --universal --generate-hashes \
	  --quiet --output-file requirements.lock
	@echo "requirements.lock is written; 'make setup' installs it."

clean:
	@rm -rf var .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache build dist *.egg-info
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	@echo "State and caches are gone; the environment in .venv is kept."
