# Every target makes the virtual environment it needs. PYTHON picks the interpreter: make test PYTHON=python3.12

PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
ADAPTERS := .venv-adapters
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-adapters test-crash lint bench-quality bench-speed study clean

demo: $(VENV)/.stamp
	@mkdir -p out
	$(BIN)/rightrate find digits --report out/report.html
	@echo "The report is at $(CURDIR)/out/report.html"

# One process a core, each computing with one thread: many small models gain nothing from more.
test: lint $(VENV)/.stamp-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4

# In an environment of its own, so that what others train with never gets into everyone's.
test-adapters: $(ADAPTERS)/.stamp
	OMP_NUM_THREADS=1 $(ADAPTERS)/bin/python -m pytest -m adapters tests/adapters --numprocesses auto --maxprocesses 2

# 200 kills, all system calls of a checkpoint, all bytes of it; docs/reliability.md gets what happened.
test-crash: $(VENV)/.stamp-test
	OMP_NUM_THREADS=1 RIGHTRATE_CRASH_KILLS=200 RIGHTRATE_RELIABILITY=docs/reliability.md \
		$(BIN)/python -m pytest tests/store

lint: $(VENV)/.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench-quality: $(VENV)/.stamp-bench
	$(BIN)/python -m benchmarks.quality --tasks digits digits-cnn cancer wine diabetes \
		--tools "rightrate 1x" --out benchmarks/results/built-in
	$(BIN)/python -m benchmarks.quality

# Three quarters of an hour on one core; what is finished is kept in out/study.db and not trained again.
study: $(VENV)/.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.study
	@echo "The report is at $(CURDIR)/out/study.html"

bench-speed: $(VENV)/.stamp-jax
	$(BIN)/python -m benchmarks.speed

clean:
	rm -rf $(VENV) $(ADAPTERS) build dist out src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The build tool comes from the constraints file too, so the editable install must not fetch another one.
$(VENV)/.stamp: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed; name it with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) setuptools
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@

# The tests hold schedules and optimizers to those of other frameworks.
$(VENV)/.stamp-test: $(VENV)/.stamp
	$(PIP) --no-build-isolation --editable '.[dev,frameworks,optuna,parquet]'
	@touch $@

$(ADAPTERS)/.stamp: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed; name it with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(ADAPTERS)
	$(ADAPTERS)/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt setuptools
	$(ADAPTERS)/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt \
		--no-build-isolation --editable '.[dev,adapters]'
	@touch $@

$(VENV)/.stamp-jax: $(VENV)/.stamp
	$(PIP) --no-build-isolation --editable '.[dev,jax]'
	@touch $@

# fastai asks for torchvision and spacy, which its learner does not need: it comes without what it asks for.
$(VENV)/.stamp-bench: $(VENV)/.stamp
	$(PIP) --no-build-isolation --editable '.[dev,bench]'
	$(PIP) --no-deps fastai
	@touch $@
