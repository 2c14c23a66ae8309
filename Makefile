# Two commands matter: `make run` (the projection) and `make test` (the whole suite).
# Both need only Python 3.11, 3.12 or 3.13 and set up .venv on first use; afterwards they work offline.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help run test test-worlds test-extras test-all lint setup warm docs pictures bench bench-variance study-provisional study-prior study-facts study-ladder study-levers study-calibration study-again calibrate-demo study-forecast study-transfer study-effect clean

help:
	@echo "make run        the baseline projection: target table and report (sets up $(VENV) on first use)"
	@echo "make test       the whole test suite on $(WORKERS) processes"
	@echo "make test-worlds   the books of 140 more random cities to 2035"
	@echo "make test-extras   tests against pyabc, ArviZ and Dask, in an environment of their own"
	@echo "make test-all   the suite on every Python of 3.11, 3.12, 3.13 that is present"
	@echo "make lint       ruff and mypy"
	@echo "make docs       the generated parts of docs/: tables of odd.md, first steps"
	@echo "make pictures   the pictures of the README, from the baseline run (needs Chromium)"
	@echo "make bench      how long a run takes, by phase; results in benchmarks/results/"
	@echo "make study-...  provisional, prior, facts, ladder, levers, calibration, again, forecast, transfer, effect: the studies in calibration/studies/ and docs/ again"
	@echo "make calibrate-demo   the whole calibration, small: under two minutes, results in outputs/calibration/demo"
	@echo "make bench-variance   what a common luck is worth; results in benchmarks/results/"
	@echo "make clean      remove what tools left behind; runs in outputs/ stay"
	@echo "PYTHON=python3.12 chooses an interpreter, VENV=.venv-3.12 another environment"

run: $(INSTALLED)
	$(BIN)/kechuang run scenarios/baseline.yaml

# The kernels are compiled once, before several test processes would each do it; a file stays with one process and its fixtures.
test: warm
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not worlds"

test-worlds: warm
	$(BIN)/python -m pytest -n $(WORKERS) -m worlds tests/test_identities.py

test-all:
	@for version in 3.11 3.12 3.13; do \
		if python$$version -c "" 2>/dev/null; then \
			$(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
		else \
			echo "python$$version is not present: skipped"; \
		fi; \
	done

# What needs the extras: pyabc against our engine, ArviZ on our netCDF, a Dask cluster. Not in the lock: they are many.
test-extras:
	$(MAKE) setup VENV=$(VENV)-extras
	$(VENV)-extras/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[calibrate,cluster]"
	$(VENV)-extras/bin/python -m pytest -rs tests/test_calibration_engine.py tests/test_posterior.py tests/test_cluster.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/mypy

setup: $(INSTALLED)

pictures: $(INSTALLED)
	$(BIN)/kechuang run baseline
	$(BIN)/python -m kechuang.report.pictures

docs: warm
	$(BIN)/python docs/make_odd.py
	$(BIN)/python docs/make_first_steps.py

bench: warm
	$(BIN)/python benchmarks/engine.py

bench-variance: warm
	$(BIN)/python benchmarks/variance.py

study-provisional: warm
	$(BIN)/kechuang calibrate provisional

study-prior: warm
	$(BIN)/kechuang calibrate prior-predictive

study-facts: warm
	$(BIN)/kechuang validate --facts

study-ladder: warm
	$(BIN)/kechuang study ladder

study-levers: warm
	$(BIN)/kechuang study levers

# Over an hour on two processors; stopped, it goes on where it was.
study-calibration: warm
	$(BIN)/kechuang calibrate posterior --netcdf

# The same with another seed and luck: does it say the same?
study-again: warm
	$(BIN)/kechuang calibrate posterior --again

calibrate-demo: warm
	$(BIN)/kechuang calibrate demo --out outputs/calibration/demo

study-forecast: warm
	$(BIN)/kechuang validate --forecast

# Once, after `kechuang validate --freeze` and its commit: the first result is never written again.
study-transfer: warm
	$(BIN)/kechuang validate --transfer wenzhou

# After the verdict, which it does not change.
study-effect: warm
	$(BIN)/kechuang validate --effect wenzhou

warm: $(INSTALLED)
	@echo "Compiling the kernels (under a minute the first time)"
	@$(BIN)/python -c "from kechuang.world.simulate import warm_up; warm_up()"

# The lock covers running and developing, with hashes; the build tool it holds installs the package itself.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] < (3, 14) else "kechuang needs Python 3.11, 3.12 or 3.13, this is %d.%d: try make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Setting up $(VENV): about two minutes and 1 GB, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find model tests -name __pycache__ -type d -prune -exec rm -rf {} +
