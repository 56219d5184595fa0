# Two commands matter: `make install` and `make test`. Both need only Python 3.11 or newer, make and a package index.
PYTHON ?= python3
UV := .uv/bin/uv
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy

.PHONY: install test check bench lock clean

install: .venv/.synced

.venv/.synced: pyproject.toml uv.lock | $(UV)
	$(UV) sync --quiet --locked --all-extras --python $(PYTHON)
	@touch $@

$(UV): bootstrap.py
	@$(PYTHON) bootstrap.py .uv

test: install
	.venv/bin/python -m pytest

check: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(UV) lock --quiet --check

bench: install
	.venv/bin/python -m benchmarks

lock: $(UV)
	$(UV) lock

clean:
	rm -rf .venv .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
