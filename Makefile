# All that people and CI do here. Each target sets up what it needs; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := -e '.[demo]'
DEV := -e '.[demo,code-interpreter,otel,tls]' --group dev

# Python keeps what it has compiled, whatever the environment says: the tests start hundreds of
# processes, and else each compiles the whole package anew. uv compiles only if it is told to.
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo ui cluster test test-ui check wheel docs bench fuzz samples soak stress upgrade rolling failover clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## start a server and run examples/quickstart.py against it
	@$(BIN)/perdure demo

cluster: $(VENV)/.dev  ## start three servers on a PostgreSQL behind a proxy and run examples/quickstart.py through it; ARGS=PROGRAM.py
	@$(BIN)/python -m tests.cluster $(ARGS)

ui: $(VENV)/.demo dashboard/node_modules/.made  ## build the dashboard, and serve it beside the scripted model
	cd dashboard && npm run --silent build
	@$(BIN)/perdure serve --data-dir perdure-data $(ARGS)

test: $(VENV)/.dev  ## run the whole test suite; ARGS="tests/cli -k chat" selects
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-ui: $(VENV)/.dev dashboard/node_modules/.made  ## check the dashboard, and use it in a browser
	@$(BIN)/python -m tests.ui.description .cache/openapi.json
	cd dashboard && npm run --silent types:check && npm run --silent check \
	  && npm test --silent && npm run --silent build
	@$(BIN)/pytest tests/ui -n 2 $(ARGS)

check: $(VENV)/.dev  ## lint, formatting, types, and which layer may import which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict src tests bench examples
	$(BIN)/lint-imports

wheel: $(VENV)/.dev  ## build the wheel in dist/, and fail if it lacks the dashboard
	@rm -f dist/perdure-*.whl
	@if command -v uv >/dev/null; then uv build --quiet --wheel --out-dir dist .; \
	  else $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .; fi
	@$(BIN)/python -m zipfile --list dist/perdure-*.whl | grep '^perdure/dashboard/files/index.html ' >/dev/null \
	  || { echo "The wheel lacks the dashboard: pip wheel --verbose . says why." >&2; exit 1; }

docs: $(VENV)/.dev  ## print the documents anew that are printed from the code
	@$(BIN)/python -m tests.docs.generate

bench: $(VENV)/.dev  ## measure; the figures are kept in bench/RESULTS.md
	@$(BIN)/python -m bench $(ARGS)

fuzz: $(VENV)/.dev  ## send ten thousand strange requests to a server on each database; ARGS=3 for thirty
	@$(BIN)/python -m tests.fuzz $(ARGS)

samples: $(VENV)/.dev  ## run the samples of Azure's client of agents; ARGS=streaming selects
	@$(BIN)/python -m tests.samples $(ARGS)

soak: $(VENV)/.dev  ## kill, hang and stop servers under load; ARGS="60 --kills 500" for an hour instead of ten minutes
	@$(BIN)/python -m tests.durability.soak $(ARGS)

stress: $(VENV)/.dev  ## repeat the tests that a slow machine could break, beside busy loops; ARGS="--times 20 tests/cli -k chat"
	@$(BIN)/python -m tests.stress $(ARGS)

upgrade: $(VENV)/.dev  ## replace a server of an earlier commit by one of today, under load
	@$(BIN)/python -m tests.durability.upgrade $(ARGS)

rolling: $(VENV)/.dev  ## restart two servers in turn behind nginx, under load; ARGS="--proxy caddy --retries 0"
	@$(BIN)/python -W ignore -m tests.deploy.rolling $(ARGS)

failover: $(VENV)/.dev  ## kill the PostgreSQL of two servers under load, and promote its standby
	@$(BIN)/python -m tests.durability.failover $(ARGS)

clean:  ## remove what these targets made, the environment too
	rm -rf src/perdure/dashboard/files
	rm -rf $(VENV) .cache build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name .git -prune -o \( -name __pycache__ -o -name node_modules \) -type d -prune -exec rm -rf {} +

dashboard/node_modules/.made: dashboard/package-lock.json
	cd dashboard && npm ci --ignore-scripts --silent
	@touch $@

# The stamps run set-up again when pyproject.toml changes. Dependency groups need pip 25.1.
$(VENV)/.demo: pyproject.toml
	$(call install,$(DEMO))

$(VENV)/.dev: pyproject.toml
	$(call install,$(DEV))

define install
	@echo "Setting up $(VENV), which takes a minute and happens once." >&2
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python '>=3.11' $(VENV) \
	  && uv pip install --quiet --python $(BIN)/python $(1); \
	else \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Perdure needs Python 3.11 or newer and $(PYTHON) is older or missing: name another, as in make test PYTHON=python3.12" >&2; exit 1; }; \
	  $(PYTHON) -m venv $(VENV) \
	  && $(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' \
	  && $(BIN)/python -m pip install --quiet $(1); \
	fi
	@touch $@
endef
