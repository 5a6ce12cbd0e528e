# Two commands do everything on a fresh machine that has Python 3.11 or newer and make:
#   make demo    the main job on a real network
#   make test    lint, types, architecture, tests

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint messages schema screenshots surface docs clean

demo: $(VENV)/.installed
	$(BIN)/quark demo

test: $(VENV)/.installed-dev lint
	$(BIN)/python -m pytest --numprocesses 2 --no-loadscope-reorder

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

messages: $(VENV)/.installed-dev
	$(BIN)/python -m tests.contract.author_messages

# Needs Node.js 20 and Chromium.
screenshots: $(VENV)/.installed
	npm ci --prefix docs/editor --ignore-scripts
	node docs/editor/shoot.mjs

surface: $(VENV)/.installed-dev
	$(BIN)/python -m tests.contract.surface

schema: $(VENV)/.installed
	$(BIN)/quark schema --published --out schemas/quark.schema.json

docs: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -W --keep-going -b html docs build/docs

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) demo-out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
