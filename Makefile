# Two commands do everything: `make demo` and `make test`. Both set the environment up first, as does
# `make demo-translation`, the same for images in, an image out.
#
#   make demo PYTHON=python3.11      choose the Python that makes .venv (3.10, 3.11 or 3.12)
#   make demo TORCH=torch==2.11.0    choose the torch to install (any pip requirement)
#   make test PYTEST_ARGS="-k head"  pass arguments to pytest
#
# Without TORCH, a torch that the chosen Python already has is used and never replaced.

export TORCH
VENV_PYTHON := .venv/bin/python

.PHONY: demo demo-translation test lint docs clean setup

demo: setup
	$(VENV_PYTHON) tools/demo.py

demo-translation: setup
	$(VENV_PYTHON) tools/demo.py translation

# A process per CPU, each with one thread: more threads than CPUs would slow torch down tenfold.
test: setup
	OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest -n auto --maxprocesses 8 --dist worksteal $(PYTEST_ARGS)

lint: setup
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .

# Writes site/. A broken link, or a public name without a docstring, is an error.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(VENV_PYTHON) -m mkdocs build

setup:
	@python=$$(sh tools/setup/find_python.sh "$(PYTHON)") && "$$python" tools/setup/installer.py

# What was rendered (data/), trained (work_dirs/) and installed (.venv/) stays.
clean:
	rm -rf build dist site mmamf.egg-info .pytest_cache .ruff_cache
	find mmamf tools tests configs -name __pycache__ -type d -prune -exec rm -rf {} +
