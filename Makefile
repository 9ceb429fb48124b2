PYTHON ?= python3

.PHONY: check lint test verify bench charts constraints

check: lint test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(PYTHON) -m floe_charts synth --check

test:
	$(PYTHON) -m pytest -n 2

# All proofs about the committed chart.
verify:
	$(PYTHON) -m floe_charts verify

# Prints figures side by side; asserts nothing.
bench:
	$(PYTHON) benchmarks/run.py

# The committed chart, from the bundled example.
charts:
	$(PYTHON) -m floe_charts synth

# The pins, from what a fresh virtual environment gets.
constraints:
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints && build/constraints/bin/pip install -q -e '.[dev]'
	{ grep '^#' constraints.txt; build/constraints/bin/pip freeze --exclude-editable; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
