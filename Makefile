# Two commands for a newcomer: `make leaderboard` and `make test`. Each sets itself up.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check
SPECS  ?= specs/quick.yaml

.PHONY: leaderboard test check unit functional e2e bench detection browser lock clean

leaderboard: $(VENV)/.run  ## measure the quick specs on this machine and build the site
	$(BIN)/harness run $(SPECS)
	$(BIN)/harness site

test: $(VENV)/.dev browser check  ## lint, types, import walls, and every test
	$(BIN)/pytest

check: $(VENV)/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

unit functional e2e: $(VENV)/.dev  ## one part of the test suite
	$(BIN)/pytest tests/$@

bench: $(VENV)/.dev  ## the harness's own speed, by asv; asks git for the commit
	$(BIN)/asv machine --yes --config tests/benchmarks/asv.conf.json
	$(BIN)/asv run --python=same --quick --show-stderr --bench 'startup|overhead' --config tests/benchmarks/asv.conf.json

detection: $(VENV)/.dev  ## how surely a slow-down of 3% is told from none here; half an hour, on a quiet machine
	$(BIN)/python tests/benchmarks/suite/detection.py

# Browser tests drive an installed Chromium or Chrome; Debian's is fetched where there is none.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || \
	{ sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium >/dev/null; }

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt hatchling editables
	$(PIP) install -q -c constraints.txt --no-build-isolation -e '.[dev]'
	touch $@ $(VENV)/.run

lock: $(VENV)/.dev  ## write down the versions installed now
	$(PIP) freeze --exclude-editable | sed 's/+cpu//' > constraints.txt

clean:
	rm -rf $(VENV) build dist .asv
