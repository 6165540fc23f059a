# Feuillet: `make serve` to try it, `make test` to prove it. Needs Python 3.11 or later, make and a C compiler.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
FUZZ_SECONDS ?= 60

# the uv of this machine when it runs (a version manager's shim may not), else one of our own
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .cache/uv/bin/uv)

# trust the authorities that this machine trusts, such as a hospital's proxy (the second name is for older uv)
ifneq (,$(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt))
export UV_SYSTEM_CERTS := true
export UV_NATIVE_TLS := true
endif

# Every command and every server of the tests starts from compiled modules, even where the environment forbids writing them
unexport PYTHONDONTWRITEBYTECODE

# on Linux the extra `card` is built here, against the headers of PC/SC; without them Feuillet lacks cards only
PCSC = [[ $$(uname) != Linux ]] || { [[ -e /usr/include/PCSC/winscard.h ]] && command -v swig >/dev/null; }
SYNC = $(UV) sync --frozen --all-extras $$({ $(PCSC); } || echo --no-extra card)

.PHONY: help setup serve test fuzz bench lint format clean

help: ## Show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(READY) ## Install Feuillet and its tools into .venv, as uv.lock says

$(READY): pyproject.toml uv.lock | $(UV)
	$(SYNC)
	@touch $@

# into a directory of its own where python3 has pip, which spares a virtual environment
.cache/uv/bin/uv:
	@python3 -m pip install --quiet --disable-pip-version-check --target .cache/uv uv==$(UV_VERSION) 2>/dev/null || { \
	  python3 -m venv .cache/uv || { echo "python3 cannot make a virtual environment (Debian: apt-get install python3-venv)" >&2; exit 1; }; \
	  .cache/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }

serve: $(READY) ## Run a registry and a repository with demo keys and data
	@exec $(VENV)/bin/feuillet serve --demo --insecure-demo

test: $(READY) ## Run every test, against real servers
	@tests/services/install
	@$(SYNC) --group object-store --quiet
	@$(PYTHON) -m tests.services.minio
	@TESTS_MINIO_SECONDS=0 $(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: $(READY) ## Run each fuzz target for FUZZ_SECONDS (60)
	@tests/services/fuzz $(PYTHON) $(FUZZ_SECONDS)

bench: $(READY) ## Measure ITI-18, 41 and 43 beside the floor that each cannot beat
	@$(PYTHON) -m bench $(ARGS)

lint: $(READY) ## Check style, types, and that imports go down only
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) -m pytest -q --no-header tests/architecture

format: $(READY) ## Put the code in the house's format
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

clean: ## Remove what was installed and built here
	rm -rf $(VENV) .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
