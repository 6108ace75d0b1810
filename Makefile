# Two commands for a newcomer: `make leaderboard` and `make test`. Each sets itself up.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check
SPECS  ?= specs/quick.yaml
GPU_OUT ?= build/gpu
# Tests wait a quarter of their time, for processes and time limits: one worker more than cores.
WORKERS ?= $(shell expr $$(nproc) + 1)

.PHONY: leaderboard test test-thorough test-nights test-launchers gpu check unit functional e2e bench fuzz soak detection changes nights browser launchers lock clean

leaderboard: $(VENV)/.run  ## measure the quick specs on this machine and build the site
	$(BIN)/harness run $(SPECS)
	$(BIN)/harness site

test: $(VENV)/.dev browser check  ## lint, types, import walls, and the tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

test-thorough: $(VENV)/.dev  ## the end-to-end tests of every combination; some minutes more
	$(BIN)/pytest -n auto --dist worksteal -m thorough
	$(BIN)/pytest -m alone

test-launchers: $(VENV)/.dev launchers  ## the tests of Lightning, Horovod and Spark
	$(BIN)/pytest -m launchers

test-nights: $(VENV)/.dev  ## whole nights on throw-away repositories; ten minutes
	$(BIN)/pytest -n auto --dist worksteal -m nights

check: $(VENV)/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy --num-workers auto
	$(BIN)/lint-imports --no-cache
	$(BIN)/lint-imports --no-cache tests/imports.toml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --quiet --offline .github/workflows

unit functional e2e: $(VENV)/.dev  ## one part of the test suite
	$(BIN)/pytest tests/$@

gpu:  ## on a machine with a GPU, by PYTHON and its torch: the tests marked cuda, and specs/gpu.yaml
	$(PYTHON) tests/cuda/run.py $(GPU_OUT)

bench: $(VENV)/.dev  ## the harness's own speed, by asv; asks git for the commit
	$(BIN)/asv machine --yes --config tests/benchmarks/asv.conf.json
	$(BIN)/asv run --python=same --quick --show-stderr --bench 'startup|overhead' --config tests/benchmarks/asv.conf.json

fuzz: $(VENV)/.dev  ## specs and databases damaged at random; each is read, or refused in a sentence
	$(BIN)/python tests/fuzz/specs.py --count 100000
	$(BIN)/python tests/fuzz/databases.py --count 5000

soak: $(VENV)/.dev  ## a thousand SIGKILLs at random instants of a run, its server, its rounds; half an hour
	$(BIN)/python tests/soak/kills.py --kills 1000

detection: $(VENV)/.dev  ## how surely a slow-down of 3% is told from none here; half an hour, on a quiet machine
	$(BIN)/python tests/benchmarks/suite/detection.py

changes: $(VENV)/.dev  ## how surely a change over commits is found, beside asv's detector; ten minutes
	$(BIN)/python tests/benchmarks/suite/changes.py

nights: $(VENV)/.dev  ## how surely a night finds a change, and how often it takes noise for one; a minute
	$(BIN)/python tests/benchmarks/suite/nights.py

# Browser tests drive an installed Chromium or Chrome; Debian's is fetched where there is none.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || \
	{ sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium >/dev/null; }

launchers: $(VENV)/.launchers  ## Lightning, Horovod and Spark, to train with; some minutes

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt hatchling editables
	$(PIP) install -q -c constraints.txt --no-build-isolation -e '.[dev]'
	touch $@ $(VENV)/.run

# Horovod comes as source alone; pip would keep what it built for another torch, hence no cache.
$(VENV)/.launchers: pyproject.toml constraints.txt | $(VENV)/bin/python
	@command -v g++ >/dev/null && command -v java >/dev/null || \
	{ sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq g++ default-jre-headless >/dev/null; }
	$(PIP) install -q -c constraints.txt hatchling editables 'setuptools<80' wheel 'cmake<4'
	$(PIP) install -q -c constraints.txt --no-build-isolation -e '.[lightning,spark]'
	$(BIN)/python -c 'import horovod.torch' 2>/dev/null || \
	  HOROVOD_WITH_PYTORCH=1 HOROVOD_WITHOUT_TENSORFLOW=1 HOROVOD_WITHOUT_MXNET=1 \
	  HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 \
	  HOROVOD_CMAKE=$(CURDIR)/$(BIN)/cmake CXX=$(CURDIR)/harness/launchers/c++17 \
	  $(PIP) install -q -c constraints.txt --no-build-isolation --no-cache-dir --force-reinstall horovod
	touch $@ $(VENV)/.run

lock: $(VENV)/.dev $(VENV)/.launchers  ## write down the versions installed now
	$(PIP) freeze --exclude-editable | sed 's/+cpu//' > constraints.txt

clean:
	rm -rf $(VENV) build dist .asv
