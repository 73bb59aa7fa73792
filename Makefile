# providers-codegen: everything a person or a CI job runs. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CODEGEN := $(BIN)/python -m codegen

NEW_ENOUGH := $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; set PYTHON=/path/to/it")'

.DEFAULT_GOAL := help

GATEWAY := consumers/gateway
GATEWAY_BIN := $(CURDIR)/$(GATEWAY)/.venv/bin
GATEWAY_PIP := $(GATEWAY_BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help generate verify check report test test-gateway conformance fuzz snapshots fmt lint \
	gateway bench bench-check bench-gateway clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

generate: $(VENV)/.runtime ## Write generated/ from providers.yaml
	@$(CODEGEN) generate

verify: $(VENV)/.runtime ## Fail if generated/ is not what providers.yaml gives
	@$(CODEGEN) verify

check: $(VENV)/.runtime ## Check providers.yaml and write nothing
	@$(CODEGEN) check

report: $(VENV)/.runtime ## Write build/report.html: who serves which model, and who pays
	@$(CODEGEN) matrix --format html --output build/report.html

test: $(VENV)/.toolchains $(GATEWAY)/.venv/.dev ## Run all tests, with real Python, Go, Node and Chromium
	@$(BIN)/python -m pytest
	@cd $(GATEWAY) && $(GATEWAY_BIN)/python -m pytest

test-gateway: $(VENV)/.runtime $(GATEWAY)/.venv/.dev ## Run the tests of the gateway, and nothing else
	@cd $(GATEWAY) && $(GATEWAY_BIN)/python -m pytest

gateway: $(GATEWAY)/.venv/.runtime ## Run the gateway with a vendor of its own; ARGS= takes its options
	@cd $(GATEWAY) && $(GATEWAY_BIN)/python -m gateway $(or $(ARGS),--demo)

conformance: $(VENV)/.toolchains ## Run vectors.json through each language, and nothing else
	@$(BIN)/python -m pytest tests/test_conformance.py

fuzz: $(VENV)/.fuzz ## Try 300,000 bad inputs on the compiler, half of them steered by coverage
	@$(BIN)/python -m tests.fuzz

snapshots: $(VENV)/.toolchains ## Rewrite the goldens of the tests; read the diff before you commit
	@$(BIN)/python -m pytest --snapshot-update

fmt: $(VENV)/.dev $(GATEWAY)/.venv/.dev ## Format the Python code and providers.yaml
	@$(BIN)/ruff check --quiet --select I --fix codegen tests benchmarks action examples
	@$(BIN)/black --quiet codegen tests benchmarks action examples
	@$(CODEGEN) fmt
	@cd $(GATEWAY) && $(GATEWAY_BIN)/ruff check --quiet --select I --fix . && $(GATEWAY_BIN)/black --quiet .

lint: $(VENV)/.dev $(GATEWAY)/.venv/.dev ## Judge style and types
	@$(BIN)/ruff check codegen tests benchmarks action examples
	@$(BIN)/black --quiet --check codegen tests benchmarks action examples
	@$(BIN)/black --quiet --check --line-length 88 generated/python
	@$(CODEGEN) fmt --check --diff
	@$(BIN)/mypy
	@cd $(GATEWAY) && $(GATEWAY_BIN)/ruff check . && $(GATEWAY_BIN)/black --quiet --check .
	@cd $(GATEWAY) && $(GATEWAY_BIN)/mypy

bench: $(VENV)/.toolchains ## Measure everything against its rivals; refresh docs/performance.md
	@$(BIN)/python -m benchmarks

bench-check: $(VENV)/.toolchains ## Compare counts of work with those recorded; RECORD=1 records
	@$(BIN)/python -m benchmarks.regression $(if $(RECORD),--record) $(if $(ALSO),--also $(ALSO))

bench-gateway: $(GATEWAY)/.venv/.dev ## Put the gateway under load, beside a rival; takes 15 minutes
	@cd $(GATEWAY) && $(GATEWAY_BIN)/python -m bench

clean: ## Remove what the targets installed and cached
	rm -rf $(VENV) $(GATEWAY)/.venv tests/typescript/node_modules tests/chromium/node_modules tests/.artifacts build dist
	rm -f tests/sarif/*.json
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is one layer of the set-up; a target asks for the layer that it needs.

$(VENV)/bin/python:
	@$(NEW_ENOUGH)
	@echo "set-up: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock | $(VENV)/bin/python
	@echo "set-up: what the compiler needs"
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/.runtime
	@echo "set-up: what the tests need"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.toolchains: requirements-tools.lock tests/typescript/package-lock.json tests/chromium/package-lock.json tests/sarif/go.sum | $(VENV)/.dev
	@$(BIN)/python tests/toolchains.py
	@touch $@

$(VENV)/.fuzz: requirements-fuzz.lock | $(VENV)/.dev
	@echo "set-up: the fuzzer that coverage steers"
	@$(PIP) --require-hashes -r requirements-fuzz.lock || { \
	  echo "make fuzz: NOT RUN: atheris, which steers by coverage, cannot be installed here;" >&2; \
	  echo "$(BIN)/python -m tests.fuzz.by_structure 100000 FOLDER runs the other half" >&2; exit 1; }
	@touch $@

# The gateway is a project of its own, with its own environment: what it needs and what the
# compiler needs never meet. It takes the generated registry by path, as it stands.

$(GATEWAY)/.venv/bin/python:
	@$(NEW_ENOUGH)
	@echo "set-up: a virtual environment in $(GATEWAY)/.venv"
	@$(PYTHON) -m venv $(GATEWAY)/.venv

$(GATEWAY)/.venv/.runtime: $(GATEWAY)/requirements.lock $(GATEWAY)/pyproject.toml | $(GATEWAY)/.venv/bin/python
	@echo "set-up: what the gateway needs"
	@$(GATEWAY_PIP) --require-hashes -r $(GATEWAY)/requirements.lock
	@$(GATEWAY_PIP) --require-hashes -r $(GATEWAY)/requirements-build.lock
	@$(GATEWAY_PIP) --no-deps --no-build-isolation --editable generated/python --editable $(GATEWAY)
	@touch $@

$(GATEWAY)/.venv/.dev: $(GATEWAY)/requirements-dev.lock | $(GATEWAY)/.venv/.runtime
	@echo "set-up: what the gateway's tests need"
	@$(GATEWAY_PIP) --require-hashes -r $(GATEWAY)/requirements-dev.lock
	@touch $@
