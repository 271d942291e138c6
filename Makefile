# One word per job. `make run` needs Python 3.11 or newer, and nothing else installed.

PYTHON ?= python3
BIN := .venv/bin
# Environment of the checks that ask what production would: nothing here reaches a running service.
PRODUCTION := env DEBUG=False SECRET_KEY=checks-only-2f9c1b7e5a3d8046c1b7e5a3d8046f9c1b7e5a3d ALLOWED_HOSTS=rates.example.com

# Images for containers often forbid files of compiled code, and every process would compile ours again.
export PYTHONDONTWRITEBYTECODE :=

# say LEVEL TEXT: one line, JSON where the log is.
SAY := say() { if [ "$$LOG_FORMAT" = json ]; then \
	printf '{"time": "%s", "level": "%s", "logger": "make", "message": "%s"}\n' "$$(date -u +%FT%T+00:00)" "$$1" "$$2"; \
	else echo "$$2"; fi; }

.PHONY: mine help run demo test test-code test-pages test-faults soak check style types migrations deployable vulnerabilities bench bench-quick format requirements release clean

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | column -t -s '|'

run: .venv/run ## everything on this machine, with an embedded Redis; Ctrl-C ends it
	@exec $(BIN)/python -m config.launcher

demo: .venv/run ## the same with made-up prices: needs no internet
	@exec env RATES_SOURCES=simulated RATES_STREAM=off $(BIN)/python -m config.launcher

# Tests run several at a time, so a busy moment may fail one: what failed runs once more, one by one. A real fault fails
# twice.
AGAIN := --last-failed --last-failed-no-failures none
CODE := $(BIN)/pytest --ignore tests/browser
# Both remember what failed.
PAGES := $(BIN)/pytest -o cache_dir=.pytest_cache/pages tests/browser

test: .venv/dev tests/clients/node_modules ## all tests but the fault tests: 6 minutes on two cores
	@$(MAKE) --no-print-directory --jobs test-code test-pages

# Most of what these tests do is waiting, and most of what those of the pages do is computing, so they go side by side:
# seven of these at a time, and two browsers, with a whole system for each file.
test-code:
	$(CODE) -n 7 --dist worksteal || $(CODE) $(AGAIN)

# Said in one go, for the others are talking.
test-pages:
	@said=$$($(PAGES) -n 2 --dist loadfile 2>&1 || $(PAGES) $(AGAIN) 2>&1); status=$$?; echo "$$said"; exit $$status

# Most of a fault is waiting, so eight run at a time; what measures many sockets runs alone.
MANY_SOCKETS := tests/faults/test_soak.py tests/faults/test_web_killed.py
test-faults: .venv/dev ## what happens when processes, Redis, clocks, disks and sources fail: 10 minutes
	$(BIN)/pytest -m faults -n 8 --dist loadgroup tests/faults $(MANY_SOCKETS:%=--ignore %) || \
		$(BIN)/pytest $(AGAIN) -m faults tests/faults $(MANY_SOCKETS:%=--ignore %)
	$(BIN)/pytest -m faults $(MANY_SOCKETS) || $(BIN)/pytest $(AGAIN) -m faults $(MANY_SOCKETS)

soak: .venv/dev ## a thousand sockets, edits, a restart: 15 minutes; sources away for 5; each database fault; an hour of candles
	SOAK_SECONDS=900 SOURCES_AWAY=300 $(BIN)/pytest -m faults -n 2 tests/faults/test_soak.py tests/faults/test_sources_away.py
	REDIS_FAULTS=all $(BIN)/pytest -m faults -n 2 tests/faults/test_refusals.py
	REDIS_TICKS=720 $(BIN)/pytest -m faults -n 2 tests/faults/test_redis_kinds.py -k permissions
	DATABASE_FAULTS=all $(BIN)/pytest -m faults tests/faults/test_databases_away.py
	HISTORY_MINUTES=60 DATABASE_DOWN=600 $(BIN)/pytest -m faults -n 2 tests/faults/test_history.py -k "one_candle or database_that_is_down"

# What only reads the code goes side by side.
check: .venv/dev ## format, lint, types, migrations, deploy check, known vulnerabilities, tests
	@$(MAKE) --no-print-directory --jobs style types migrations deployable vulnerabilities
	@$(MAKE) --no-print-directory test

style:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(PRODUCTION) $(BIN)/mypy

migrations:
	$(PRODUCTION) $(BIN)/python manage.py makemigrations --check --dry-run

deployable:
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

vulnerabilities:
	.ci/audit

bench: .venv/dev ## what a publication costs, beside other servers
	$(BIN)/python -m benchmarks.fan_out --docs

bench-quick: .venv/dev ## what has become cheaper or dearer since the last release: 2 minutes
	@$(BIN)/python -m benchmarks.quick

format: .venv/dev ## put the code in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: .venv/dev ## update the pinned versions of what requirements*.in name
	$(BIN)/pip-compile -q $(PINS) -o requirements.txt requirements.in
	$(BIN)/pip-compile -q $(PINS) -o requirements-dev.txt requirements-dev.in
PINS := --generate-hashes --strip-extras --allow-unsafe --upgrade \
	--no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

release: ## dist/rates-<version>.tar.gz, what people install, with its hash sum; from what is committed
	@git diff --quiet HEAD || { echo "There are changes that are not committed." >&2; exit 1; }
	@grep -q '^## $(VERSION) ' CHANGELOG.md || { echo "CHANGELOG.md has no heading for $(VERSION)." >&2; exit 1; }
	@mkdir -p dist
	@git archive --format=tar.gz --prefix=rates-$(VERSION)/ --output=dist/rates-$(VERSION).tar.gz HEAD
	@cd dist && sha256sum rates-$(VERSION).tar.gz > rates-$(VERSION).tar.gz.sha256 && cat rates-$(VERSION).tar.gz.sha256
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' rates/__init__.py)

clean: | mine ## forget the virtual environment and all local data, while nothing runs from here
	@$(or $(wildcard $(BIN)/python),$(PYTHON)) -m config.clean

# Before anything is made or removed: two people in one folder would lock each other out of its files.
mine:
	@$(SAY); for path in "$(CURDIR)" "$(CURDIR)/.venv" "$(CURDIR)/var"; do if [ -e "$$path" ] && [ ! -w "$$path" ]; then \
		owner=$$(ls -ld "$$path" | awk '{print $$3}'); \
		say CRITICAL "You cannot write to $$path, which belongs to $$owner. Nothing was changed; run this in a copy of your own." >&2; \
		exit 1; fi; done

.venv/bin/python: | mine
	@$(SAY); $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ say CRITICAL "This needs Python 3.11 or newer as $(PYTHON); name another with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(SAY); $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ say CRITICAL "This needs the venv module of Python (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/run: requirements.txt | .venv/bin/python
	@$(SAY); say INFO "Installing the pinned packages into .venv (once) …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt | .venv/bin/python
	@$(SAY); say INFO "Installing the pinned packages for tests and checks into .venv (once) …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/run

# What the JavaScript clients of docs/clients/ are tested on.
tests/clients/node_modules: tests/clients/package-lock.json
	@npm ci --prefix tests/clients --no-audit --no-fund --silent && touch $@ || \
		echo "The packages in tests/clients cannot be had; the tests of the JavaScript clients are skipped" >&2
