# What a contributor runs. `make` lists the targets.

PYTHON ?= python3
VENV := .venv
LINT_VENV := $(if $(wildcard $(VENV)/.installed),$(VENV),.venv-lint)

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup test test-beam lint demo package clean

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.installed  ## make .venv with the package and the versions of constraints.txt

test: setup  ## run unit, golden and end-to-end tests in one process
	TF_CPP_MIN_LOG_LEVEL=3 $(VENV)/bin/python -m pytest --ignore=tests/lint

test-beam: .venv-beam/.installed  ## test the build on Apache Beam, whose pins are its own
	TF_CPP_MIN_LOG_LEVEL=3 .venv-beam/bin/python -m pytest tests/unit/datasets/build/test_shard_build.py -k beam

lint: $(LINT_VENV)/.installed  ## check style and house rules; needs no TensorFlow
	$(LINT_VENV)/bin/ruff check .
	$(LINT_VENV)/bin/ruff format --check .
	$(LINT_VENV)/bin/python -m pytest --noconftest tests/lint

demo: setup  ## generate data, train, evaluate, export and predict, into runs/demo
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" bash launch/local/demo.sh

package: setup  ## build wheel and source archive into dist/
	rm -rf build  # else files deleted since the last time come along
	$(VENV)/bin/python -m build --no-isolation

clean:  ## remove all that was installed and built; runs/ stays
	rm -rf $(VENV) .venv-lint .venv-beam build dist *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The stamp comes last: an install that failed is tried again, one that went well is reused.
$(VENV)/.installed: setup.py constraints.txt
	@$(call make_venv,$(VENV))
	echo "Installing into $(VENV); the first time about 1 GB comes down, which takes some minutes."
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
	# Beam and what it needs come first; all else is that of $(VENV).
	site='import sysconfig; print(sysconfig.get_path("purelib"))'
	echo "import site; site.addsitedir('$$($(VENV)/bin/python -c "$$site")')" \
	    > "$$(.venv-beam/bin/python -c "$$site")/zz_rest.pth"
	touch $@

# Quiet, and without the warning that an editable package of two folders (setup.py) draws.
pip_install = PYTHONWARNINGS=ignore $(1)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Keeps the environment $(1) if its Python fits, else makes it anew.
define make_venv
if ! $(1)/bin/python -c 'import pip; $(fits)' 2>/dev/null; then
    command -v '$(PYTHON)' >/dev/null || $(call stop,no $(PYTHON) here; $(another))
    '$(PYTHON)' -c '$(fits)' || $(call stop,$(PYTHON) is $$('$(PYTHON)' --version 2>&1); $(another))
    '$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null ||
        $(call stop,$(PYTHON) cannot make environments; on Debian or Ubuntu: apt install python3-venv)
    '$(PYTHON)' -m venv --clear $(1)
fi
endef
fits = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
another = Python 3.11, 3.12 or 3.13 is needed: make setup PYTHON=/path/to/python3.11
stop = { echo "make: $(1)" >&2; exit 1; }
