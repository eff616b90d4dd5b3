# Needs make and Python 3.11 or newer; everything else is installed into .venv, once, and again when pyproject.toml
# changes. `make help` lists the targets. Another interpreter: make demo PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
TO_RUN := $(VENV)/.installed
TO_TEST := $(VENV)/.installed-for-tests
comma := ,
PIP := $(PY) -m pip install -qq --disable-pip-version-check
CHROMIUM ?= $(shell for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	command -v $$name && break; done)

.PHONY: help demo test lint unit check-notebooks browser campaign mutants model benchmarks notebooks clean
.NOTPARALLEL:

help: ## lists the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r target what; do \
		printf '%-22s %s\n' "$$target" "$$what"; done

demo: $(TO_RUN) ## JupyterLab on the notebooks and the built-in sandbox: no account, no key (ARGS=--no-browser)
	@$(VENV)/bin/syncro demo $(ARGS)

test: lint unit check-notebooks browser ## these four, in this order (REQUIRE_BROWSER=1: a missing Chromium fails)

lint: $(TO_TEST) ## style and types: ruff, mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

unit: $(TO_TEST) ## the tests of the package
	$(PY) -m pytest -p no:nbval -rs -n $(or $(JOBS),2) --ignore=tests/browser tests

check-notebooks: $(TO_TEST) ## runs every notebook on the sandbox and compares each output with the committed one
	$(PY) -m pytest -p no:hypothesispytest --nbval --nbval-current-env --nbval-cell-timeout=120 notebooks

browser: $(TO_TEST) ## drives JupyterLab in Chromium, if there is one
	@if [ -n "$(CHROMIUM)" ]; then \
		echo "$(PY) -m pytest -p no:nbval -m browser -n $(or $(JOBS),2) --dist loadfile tests/browser"; \
		CHROMIUM="$(CHROMIUM)" $(PY) -m pytest -p no:nbval -m browser -n $(or $(JOBS),2) --dist loadfile tests/browser; \
	elif [ "$(REQUIRE_BROWSER)" = 1 ]; then \
		echo "FAILED: no Chromium was found, and REQUIRE_BROWSER=1 asks for the browser tests." >&2; exit 1; \
	else \
		echo "SKIPPED: the browser tests, because no Chromium was found (install chromium, or set CHROMIUM to its path)."; \
	fi

campaign: $(TO_TEST) ## hours: proves the write path under every fault, pair and moment (SIZE=short: a minute; JOBS=2)
	cd tests && PYTHONPATH=..:. ../$(PY) -m campaign --size $(or $(SIZE),long) --jobs $(or $(JOBS),2)
	cd tests && PYTHONPATH=..:. ../$(PY) -m campaign --bills $(if $(filter short,$(SIZE)),2000,40000)
	CAMPAIGN_EXAMPLES=$(if $(filter short,$(SIZE)),150,2000) $(PY) -m pytest -p no:nbval -q tests/test_machine.py
	CAMPAIGN_EXAMPLES=150 $(PY) -m pytest -p no:nbval -q tests/test_campaign.py -k killed

mutants: $(TO_TEST) ## makes each seeded mistake in a copy of the write path, and says which test notices it; minutes
	cd tests && PYTHONPATH=..:. ../$(PY) -m campaign.mutants

model: $(TO_TEST) ## explores every order of events of two and three runners, in wide bounds; about six minutes
	@$(PY) tests/claim_model.py

benchmarks: $(TO_RUN) ## measures what speed and the limiter cost; minutes, and no part of the tests
	@for benchmark in benchmarks/*.py; do echo "$(PY) $$benchmark"; $(PY) "$$benchmark" || exit 1; done

# What a widget looks like is kept as its text only: its view and its state have other random names in every run.
define WITHOUT_VIEWS
import sys, nbformat
for path in sys.argv[1:]:
    notebook = nbformat.read(path, 4)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    nbformat.write(notebook, path)
    print(path)
endef
export WITHOUT_VIEWS

notebooks: $(TO_TEST) ## runs every notebook on the sandbox and writes its outputs into it
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && trap 'exit 130' INT TERM && \
	for name in $$(env | sed -n 's/^\(SYNCRO_NB_[A-Z_]*\)=.*/\1/p'); do unset "$$name"; done && \
	for notebook in notebooks/*.ipynb; do \
		name=$$(basename "$$notebook" .ipynb) && \
		HOME="$$home" XDG_CONFIG_HOME="$$home/config" XDG_DATA_HOME="$$home/data" IPYTHONDIR="$$home/ipython" \
		JUPYTER_CONFIG_DIR="$$home/jupyter" JUPYTER_DATA_DIR="$$home/jupyter" \
		SYNCRO_NB_PROFILE=sandbox SYNCRO_NB_HOME="$$home/$$name" \
		$(PY) -m jupyter nbconvert --log-level=WARN --to notebook --execute --inplace \
			--ExecutePreprocessor.timeout=120 --ExecutePreprocessor.record_timing=False \
			--KernelManager.transport_encryption=auto "$$notebook" && \
		$(PY) -c "$$WITHOUT_VIEWS" "$$notebook" || exit 1; \
	done

clean: ## removes .venv and everything that was built or cached
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

$(PY):
	@[ -w . ] || { echo "This folder cannot be written, and $(VENV) is to be made in it: clone it to another place." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "This needs Python 3.11 or newer as \"$(PYTHON)\"; another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "\"$(PYTHON) -m venv\" failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# Where there is a .venv already, it is used. One without pip (made by uv, or left by a failed venv) gets pip first.
$(TO_RUN) $(TO_TEST): pyproject.toml | $(PY)
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null 2>&1 || { \
		echo "$(VENV) has no pip: on Debian and Ubuntu apt install python3-venv, then make clean, then again." >&2; exit 1; }
	@echo "Installing into $(VENV); the first time this takes a minute or two."
	@$(PIP) -e ".[$(if $(filter $(TO_TEST),$@),test$(comma)browser,scale)]"
	@touch $(TO_RUN) $@
