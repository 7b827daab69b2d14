# `make help` lists what there is. Everything runs from .venv, which `make setup` keeps equal to requirements.lock.
.DEFAULT_GOAL := help
.PHONY: help setup samples reports report lab test bench calibrate lint lock clean
SHELL := /bin/bash
PYTHON ?= python3
PY := .venv/bin/python
SIYU := .venv/bin/siyu
# An environment does not survive a move of its folder, so the stamp knows where it was made.
STAMP := .venv/installed-$(shell printf '%s' '$(CURDIR)' | cksum | cut -d' ' -f1)

help:  ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv as requirements.lock says (nothing happens when it already is)

# uv where it is present, pip otherwise. The lock carries hashes, which an editable install cannot: hence two steps.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "This workbook needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@if [ -d .venv ] && ! [ -e "$@" ] && ls .venv/installed-* >/dev/null 2>&1; then rm -rf .venv; fi
	@[ -d .venv ] || echo "Setting up .venv: once, one to three minutes, 1.5 GB of disk ..."
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
	  uv pip install --quiet --compile-bytecode --require-hashes --python $(PY) -r requirements.lock && \
	  uv pip install --quiet --no-deps --python $(PY) -e . ; \
	else \
	  $(PYTHON) -m venv .venv && \
	  env -u PYTHONDONTWRITEBYTECODE $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps -e . ; \
	fi
	@touch $@

samples: setup  ## make the three invented brands (nothing happens when they are there)
	@$(SIYU) sample

reports: samples  ## render every brand under data/raw/ into reports/
	@$(SIYU) render

report: setup  ## render one brand: make report BRAND=cdnow
	@test -n "$(BRAND)" || { echo "Which brand? make report BRAND=cdnow"; exit 2; }
	@$(SIYU) render "$(BRAND)"

lab: samples  ## open JupyterLab on the notebooks
	@.venv/bin/jupyter lab notebooks

test: setup  ## everything: unit, doctest, hypothesis, nbval, rendering, browser, small calibration
	@bash tests/run

bench: setup  ## how fast, as ratios within one run
	@$(PY) -m pytest -q tests/benchmarks --benchmark-only -o python_files='bench_*.py'

calibrate: setup  ## the full coverage simulations (200 runs each)
	@$(PY) -m pytest -q tests/calibration -m full

lint: setup  ## ruff and the import contract
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/lint-imports

lock: setup  ## resolve requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --all-extras pyproject.toml -o requirements.lock

clean:  ## remove the environment, the caches and the rendered pages; your data and private/ stay
	rm -rf .venv .cache .pytest_cache .ruff_cache build *.egg-info
	find reports -mindepth 1 -not -name README.md -delete
