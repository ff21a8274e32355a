# The two commands of the README: `make repro` and `make test`. Both set up what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
GROUPS := lineage,curation,training,report,dev
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Nothing here talks to a hub; a library that tries is stopped at once.
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export TOKENIZERS_PARALLELISM := false
# keep freed memory: a training step frees and takes the same tens of megabytes again and again
export MALLOC_TRIM_THRESHOLD_ := 1073741824
export MALLOC_MMAP_THRESHOLD_ := 1073741824
export MALLOC_TOP_PAD_ := 67108864
export DVC_NO_ANALYTICS := 1
# datatrove logs symbols that an ASCII terminal cannot take, and a failed log line fails its shard
export PYTHONUTF8 := 1
export DO_NOT_TRACK := 1

.PHONY: install repro test lint code-deps dag lock bench clean

install: $(VENV)/.installed

# torch first and by its exact version: a range would let pip choose another build
$(VENV)/.installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c requirements.lock torch==2.13.0
	$(BIN)/pip install -q -c requirements.lock -e '.[$(GROUPS)]'
	touch $@

# what a clone brings of others' records must not keep a stage from running here
repro: install
	python -m pipeline.audit.fresh_clone
	dvc repro
	pedigree summary
	@echo "report: $(CURDIR)/report/index.html"

test: install
	pytest -n 2

lint: install
	ruff check pipeline tests bench
	mypy
	lint-imports

# the import closures under `# code` in dvc.yaml
code-deps: install
	python -m tests.code_deps

# docs/dag.svg, from dvc.yaml
dag: install
	python -m tests.dag_picture

# the versions of everything installed, direct and not; local builds lose their suffix
lock: install
	pip freeze --exclude-editable | sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
