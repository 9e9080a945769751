# Needs only Python >= 3.11 with venv and pip. `make` alone says what there is.
#
#   PYTHON  the interpreter to make the environment from       VENV  where the environment stands
#   ARGS    passed on to what runs, such as: make test ARGS="tests/wire -k crc"
#   JOBS    how many processes run tests, or fuzz
#   MINUTES how long each target is fuzzed

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
JOBS ?= 2
MINUTES ?= 1
UV ?= uv

python := $(VENV)/bin/python
pip := $(python) -m pip --disable-pip-version-check --quiet install
# Stamps: an environment is made again only when the lock that it was made from has changed.
ready := $(VENV)/.kiro-trio-ready
dev_ready := $(VENV)/.kiro-trio-dev-ready
# What the gateway is compared with has dependencies of its own, and nobody else needs them: not locked, not with ours.
peer_ready := .venv-peer/.kiro-trio-ready

.PHONY: help demo test lint format bench soak fuzz screenshots lock clean

help:  ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

demo: $(ready)  ## Stream a request that Claude Code really sent through the gateway, from a simulated Kiro
	@$(python) -m kiro_trio demo $(ARGS)

test: $(dev_ready)  ## Run all tests
	@$(python) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(dev_ready)  ## Check style, types and the direction of imports
	@$(python) -m ruff check
	@$(python) -m ruff format --check
	@$(python) -m mypy
	@$(VENV)/bin/lint-imports

format: $(dev_ready)  ## Bring all files into shape
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

bench: $(dev_ready)  ## Measure decoder, conversion, then the gateway beside a peer (ARGS are the gateway's)
	@$(python) bench/decoder.py
	@$(python) -m bench.conversion
	@$(MAKE) --no-print-directory $(peer_ready) || echo "No peer: what it needs could not be installed."
	@$(python) -m bench.gateway $(ARGS)

soak: $(dev_ready)  ## Three minutes of mixed traffic with faults: nothing grows, nothing is lost
	@$(python) -m bench.soak $(ARGS)

fuzz: $(dev_ready)  ## Search for inputs that break something (MINUTES=10 for each target; ARGS: which ones)
	@$(python) -m fuzz $(or $(ARGS),all) --minutes $(MINUTES) --jobs $(JOBS)

screenshots: $(dev_ready)  ## Take pictures of the owner's page into screenshots/ (needs chromium; ARGS names some)
	@$(python) -m tests.page.screenshots screenshots $(ARGS)

lock:  ## Bring the locks up to date with pyproject.toml (needs uv)
	$(UV) pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header --no-annotate --extra demo -o requirements.lock pyproject.toml
	$(UV) pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev -o requirements-dev.lock pyproject.toml

clean:  ## Remove what was made here
	rm -rf $(VENV) .venv-peer screenshots .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage*

$(python):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV)

$(ready): requirements.lock | $(python)
	@echo "Installing what the gateway needs into $(VENV) ..."
	@$(pip) --require-hashes -r requirements.lock
	@touch $@

$(peer_ready): bench/peers/requirements.txt
	@$(PYTHON) -m venv .venv-peer
	@.venv-peer/bin/python -m pip --disable-pip-version-check --quiet install -r bench/peers/requirements.txt
	@touch $@

# What the tests need contains what the gateway needs, so this one environment serves both.
$(dev_ready): requirements-dev.lock pyproject.toml | $(python)
	@echo "Installing what the tests need into $(VENV) ..."
	@$(pip) --require-hashes -r requirements-dev.lock
	@$(pip) --no-deps --no-build-isolation --editable .
	@touch $@
