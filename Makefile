# Two commands set everything up on a fresh machine with Python >= 3.11:
#   make benchmark    the benchmark's main job on real images that come with a package
#   make test         the test suite
# PYTHON chooses the interpreter, e.g. make test PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
LOWEST := .venv-lowest/bin
OUT ?= runs/digits

.PHONY: setup benchmark test lint types slow wheel lowest docs clean

setup: .venv/.installed

.venv/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python %d.%d found, 3.11 or newer needed: make PYTHON=/path/to/python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	@touch $@

benchmark: setup
	$(BIN)/python -m experiments run --protocol paper --datasets digits \
	  --optimizers adam adamw lion smes thermolion --seeds 3 --out $(OUT)
	$(BIN)/python -m experiments report $(OUT)

# A file's tests stay in one process: what they share is made once.
test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile -q

# What is too long for the suite: further sizes, meshes and schedules, the noise's statistics, the
# notebooks from top to bottom, the pages' commands, a killed training run, and whole runs beside
# PyTorch where it is installed (but the longest, of 5,000 images).
slow: setup
	$(BIN)/python -m pytest -q -m slow -k "not benchmarks_run" tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Of the code, then of the README's and the docstrings' examples.
types: setup
	$(BIN)/pyright
	$(BIN)/python .ci/examples.py build/examples
	$(BIN)/pyright -p .ci/pyrightconfig.json

# The source archive and the wheel, this alone with its bare dependencies in an empty environment.
wheel: setup
	rm -rf dist .venv-wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/python -m hatchling build -t sdist -d dist
	$(BIN)/python .ci/packages.py dist
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet dist/*.whl
	cd dist && ../.venv-wheel/bin/python ../.ci/use_wheel.py

# The library's tests, some that use the extras, and the pages, with the lowest version of every
# dependency.
lowest: pyproject.toml
	test -d .venv-lowest || $(PYTHON) -m venv .venv-lowest
	$(PYTHON) .ci/lowest.py test docs > .venv-lowest/pins.txt
	$(LOWEST)/python -m pip install --quiet -r .venv-lowest/pins.txt
	$(LOWEST)/python -m pip install --quiet --no-deps --editable .
	# Old packages beside their newest own dependencies warn of each other; here that is no error.
	$(LOWEST)/python -m pytest -n 2 --dist loadfile -q -W default::DeprecationWarning \
	  tests/thermolion_optax tests/experiments/analysis tests/experiments/records \
	  tests/experiments/reports tests/experiments/networks/test_convolution.py \
	  tests/experiments/datasets/storage/test_builders.py
	$(LOWEST)/python -m sphinx --fail-on-warning --quiet docs build/docs-lowest

# The pages, in build/docs/index.html; a warning is an error. Then the test that reads them (their
# examples and commands are in the suite).
docs: .venv/.docs
	rm -rf build/docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	$(BIN)/python -m pytest -q tests/docs/test_pages.py
	@echo "read build/docs/index.html"

.venv/.docs: .venv/.installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

clean:
	rm -rf .venv .venv-wheel .venv-lowest build dist docs/notebooks runs .pytest_cache .ruff_cache .hypothesis
