# Each target does its own set-up: a virtual environment in .venv and the install.
PYTHON ?= python3
BIN := .venv/bin
# A process a core; a file's tests stay together, as they share what was trained for them.
WORKERS := -n auto --dist loadfile

.PHONY: demo test test-all coverage lint docs mutants soak bench clean

demo: .venv/installed           ## the experiment that made residual networks famous, in half a minute
	$(BIN)/skiprun compare plain20 plain56 resnet56

test: lint                      ## what CI runs
	$(BIN)/python -m pytest $(WORKERS)

test-all: lint                  ## the slow tests too, and those that need a GPU or Chromium where there is one
	$(BIN)/python -m pytest $(WORKERS) -m "" -rs

coverage: .venv/installed-dev   ## how much of the code the tests run; at least 90 %
	$(BIN)/python -m pytest $(WORKERS) --cov --cov-report=term:skip-covered

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --check-metaschema configs/schema.json
	$(BIN)/check-jsonschema --schemafile configs/schema.json configs/*.yaml

docs: .venv/installed-dev       ## the files that are generated: docs/config.md, configs/schema.json and their like
	$(BIN)/python -m docs.generate

mutants: .venv/installed-dev    ## is a wrong line caught? 400 mutants of a sample, some hours; goes on where it was stopped
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[mutants]"
	$(BIN)/python -m tests.mutants

soak: .venv/installed-dev       ## 1,000 kills of runs that are also stopped, filled up and corrupted; within an hour
	$(BIN)/python -m tests.soak --minutes 60 --kills 1000

bench: .venv/installed-dev      ## speed, side by side with other trainers
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv build *.egg-info

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@
