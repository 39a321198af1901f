# Commands for contributors. `make` lists the targets.

PYTHON ?= python3
VENV := .venv
# Each process loads TensorFlow and keeps the models of its tests. The tests of a file share a process.
TEST_PROCESSES ?= 2
LINT_VENV := $(if $(wildcard $(VENV)/.installed),$(VENV),.venv-lint)

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup test test-beam lint demo package clean

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.installed  ## install the package into .venv, with the versions of constraints.txt

test: setup  ## run the unit, golden and end-to-end tests in TEST_PROCESSES processes, by default 2
	TF_CPP_MIN_LOG_LEVEL=3 $(VENV)/bin/python -m pytest --ignore=tests/lint \
	    --numprocesses $(TEST_PROCESSES) --dist loadfile

test-beam: .venv-beam/.installed  ## test the dataset build on Apache Beam, in .venv-beam with its own versions
	TF_CPP_MIN_LOG_LEVEL=3 .venv-beam/bin/python -m pytest tests/unit/datasets/build/test_shard_build.py -k beam

lint: $(LINT_VENV)/.installed  ## check style and house rules (needs no TensorFlow)
	$(LINT_VENV)/bin/ruff check .
	$(LINT_VENV)/bin/ruff format --check .
	$(LINT_VENV)/bin/python -m pytest --noconftest tests/lint

demo: setup  ## generate data, train, evaluate, export, predict and report in runs/demo
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" bash launch/local/demo.sh

package: setup  ## build the wheel and the source archive in dist/
	rm -rf build  # It would add files that were deleted since the last build.
	$(VENV)/bin/python -m build --no-isolation

clean:  ## remove everything installed or built; runs/ stays
	rm -rf $(VENV) .venv-lint .venv-beam build dist *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The last command writes the stamp, so make repeats a failed install and keeps a complete one.
$(VENV)/.installed: setup.py constraints.txt
	@$(call make_venv,$(VENV))
	echo "Installing into $(VENV). The first time this downloads about 1 GB and takes some minutes."
	$(call pip_install,$(VENV)) pip setuptools wheel
	$(call pip_install,$(VENV)) --build-constraint constraints.txt -e '.[test,dev]'
	touch $@

.venv-lint/.installed: constraints.txt
	@$(call make_venv,.venv-lint)
	$(call pip_install,.venv-lint) pytest ruff
	touch $@

.venv-beam/.installed: constraints-beam.txt $(VENV)/.installed
	@$(call make_venv,.venv-beam)
	PIP_CONSTRAINT=constraints-beam.txt .venv-beam/bin/python -m pip install --quiet \
	    --disable-pip-version-check apache-beam
	# Beam and its dependencies are found first; everything else comes from $(VENV).
	site='import sysconfig; print(sysconfig.get_path("purelib"))'
	echo "import site; site.addsitedir('$$($(VENV)/bin/python -c "$$site")')" \
	    > "$$(.venv-beam/bin/python -c "$$site")/zz_rest.pth"
	touch $@

# PYTHONWARNINGS hides the warning about an editable package with two folders (setup.py).
pip_install = PYTHONWARNINGS=ignore $(1)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Keeps the environment $(1) if its Python version is supported, otherwise creates it again.
define make_venv
if ! $(1)/bin/python -c 'import pip; $(fits)' 2>/dev/null; then
    command -v '$(PYTHON)' >/dev/null || $(call stop,found no $(PYTHON); $(another))
    '$(PYTHON)' -c '$(fits)' || $(call stop,$(PYTHON) is $$('$(PYTHON)' --version 2>&1); $(another))
    '$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null ||
        $(call stop,$(PYTHON) has no module venv; on Debian or Ubuntu run apt install python3-venv)
    '$(PYTHON)' -m venv --clear $(1)
fi
endef
fits = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
another = expected Python 3.11, 3.12 or 3.13: run make setup PYTHON=/path/to/python3.11
stop = { echo "make: $(1)" >&2; exit 1; }
