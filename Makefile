# `make demo` and `make test` are all that a fresh clone needs; both install first, once.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Named after the pins, so that changed pins install anew and unchanged ones do nothing.
INSTALLED = $(VENV)/installed-$(shell sha256sum requirements.txt | cut -c 1-16)

.PHONY: demo app test test-fast test-browser faults check docs install lock

demo: install  ## fine-tune the bundled tiny Qwen and find out whether it helped
	$(BIN)/python -m qwenlab.demo

app: install  ## the browser lab, on this machine alone
	$(BIN)/python app.py

test: install  ## everything that needs no GPU and no browser
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not gpu and not browser"

test-fast: install  ## while you work: no model is loaded, no program run, no page opened
	$(BIN)/python -m pytest --hypothesis-profile=fast -m "not gpu and not browser and not slow and not integration"

test-browser: install  ## what needs Chromium: apt install chromium
	$(BIN)/python -m pytest -n 2 --dist worksteal -m browser tests/ui/browser tests/report/test_page.py

faults: install  ## kill, damage and attack it on purpose, and write docs/reliability.md: half an hour
	$(BIN)/python -m tests.faults --jobs 2 --write docs/reliability.md

check: install  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: install  ## docs/api.md from the docstrings, the table of settings from the recipe
	for name in library loaded recipe.load_recipe runs.run.Run errors.UserError; do \
	  PYTHONPATH=. $(BIN)/griffe2md qwenlab.$$name; echo; done \
	| sed -E ':a; s/\[([^][]*)\]\(#[^)]*\)/\1/; ta; s,</?code>,`,g' > docs/api.md
	$(BIN)/ruff format --quiet docs/api.md
	$(BIN)/python -m qwenlab.recipe.table

install: $(INSTALLED)

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "qwenlab needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@rm -f $(VENV)/installed-*
	@touch $@

lock:  ## compile requirements.txt from requirements.in; what need not change stays
	cp requirements.txt requirements.lock
	uv pip compile --quiet --no-annotate --no-header --python-version 3.11 requirements.in --output-file requirements.lock
	(echo "# Compiled from requirements.in by \`make lock\`; the reasons stand there."; cat requirements.lock) > requirements.txt
	rm requirements.lock
