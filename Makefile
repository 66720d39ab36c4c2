# Every target sets up what it needs. On a fresh machine: Python 3.11 and make.
STACK ?= dev
UV_VERSION = 0.13.9
BIN = .venv/bin
READY = .venv/.ready

# Importing the SDK without its compiled files takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: plan test soak bench check format lock clean

plan: $(READY)
	@$(BIN)/scale plan $(STACK)

test: $(READY)
	@tools/install-servers
	$(BIN)/pytest -n auto --dist loadscope

soak: $(READY)
	@tools/install-servers
	$(BIN)/pytest -n auto --dist loadscope -m soak

bench: $(READY)
	@$(BIN)/uv sync --frozen --quiet --group bench
	@$(BIN)/python -m bench.plan
	@$(BIN)/python -m bench.growth

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY)
	$(BIN)/uv lock --upgrade

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml uv.lock tools/set-up Makefile
	@tools/set-up $(UV_VERSION)
	@touch $@
