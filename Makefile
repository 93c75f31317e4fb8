# What a newcomer, an engineer and CI run. Each prepares its environment first, when it must.

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test check lint fuzz format bench contract openapi lock

BIN := .venv/bin
READY := .venv/.ready
EXPORT := --quiet --locked --no-emit-project --no-header --no-annotate
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# Where a shell forbids bytecode, every process would compile all libraries anew, for three seconds.
unexport PYTHONDONTWRITEBYTECODE

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements-dev.lock pyproject.toml .ci/environment
	@sh .ci/environment
	@touch $@

demo: $(READY) ## Serve a demonstration township on 127.0.0.1:8000 and print its sign-ins
	@$(BIN)/onegrid demo

demo-reset: $(READY) ## The same from the beginning: what was written into it is gone
	@$(BIN)/onegrid demo --reset

test: $(READY) ## Run every test, in parallel, each worker on its own database
	@echo "== tests"
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

check: lint fuzz test ## What CI runs: format, lint, types, layers, contract, schemathesis, tests

fuzz: $(READY)
	@echo "== schemathesis over the whole contract"
	@$(BIN)/python -m tests.contract.fuzz

lint: $(READY)
	@echo "== format (ruff)"
	@$(BIN)/ruff format --check .
	@echo "== lint (ruff)"
	@$(BIN)/ruff check .
	@echo "== types (pyright)"
	@$(BIN)/pyright
	@echo "== layers (import-linter)"
	@$(BIN)/lint-imports
	@echo "== dependencies (deptry)"
	@$(BIN)/deptry .
	@echo "== Dockerfile (hadolint)"
	@$(BIN)/hadolint Dockerfile
	@echo "== contract (committed and current)"
	@$(BIN)/onegrid openapi --check

format: $(READY) ## Format the code and mend what can be mended by itself
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## Measure against a bare Starlette and asyncpg, and print the ratios
	@$(BIN)/python -m benchmarks

contract: $(READY) ## Lint the contract, make a TypeScript client of it, run that (needs Node)
	@$(BIN)/python -m tests.contract

openapi: $(READY) ## Write openapi/onegrid.yaml from the code
	@$(BIN)/onegrid openapi

lock: $(READY) ## Resolve the dependencies anew into the hash-pinned requirements
	@$(BIN)/uv lock --upgrade
	@$(BIN)/uv export $(EXPORT) --no-dev --output-file requirements.lock
	@$(BIN)/uv export $(EXPORT) --all-extras --all-groups --output-file requirements-dev.lock
