#!/bin/sh
# Prints the Python that shall make .venv. Usage: find_python.sh [PYTHON]
# Without an argument: the version .venv was made with, else the first of 3.11, 3.12 and 3.10 that runs.
set -u

runs() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys' >/dev/null 2>&1; }
fits() { "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }

if [ -n "${1:-}" ]; then
    if runs "$1"; then
        echo "$1" # bootstrap.py looks at its version
        exit 0
    fi
    echo "mmamf set-up: PYTHON=$1 is not a Python that runs. Give the name or path of a Python 3.10, 3.11 or 3.12." >&2
    exit 1
fi

made_with=$(sed -n 's/^version *= *\([0-9]*\.[0-9]*\).*/python\1/p' .venv/pyvenv.cfg 2>/dev/null)
for python in $made_with python3.11 python3.12 python3.10 python3 python; do
    if runs "$python" && fits "$python"; then
        echo "$python"
        exit 0
    fi
done

cat >&2 <<'TEXT'
mmamf set-up: no Python 3.10, 3.11 or 3.12 was found (tried python3.11, python3.12, python3.10, python3, python).
Install one, for instance
    Debian, Ubuntu:  sudo apt-get install python3.11 python3.11-venv python3.11-dev
    Fedora:          sudo dnf install python3.11 python3.11-devel
    conda:           conda create -n py311 python=3.11 && conda activate py311
or name one that is elsewhere:  make demo PYTHON=/path/to/python3.11
TEXT
exit 1
