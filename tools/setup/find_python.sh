#!/bin/sh
# Prints the Python that shall make .venv. Usage: find_python.sh [PYTHON]
# Without an argument: the version .venv was made with, else the first of 3.11, 3.12 and 3.10 that runs.
set -u

made_with=$(sed -n 's/^version *= *\([0-9]*\.[0-9]*\).*/python\1/p' .venv/pyvenv.cfg 2>/dev/null)
[ -n "${1:-}" ] || set -- $made_with python3.11 python3.12 python3.10 python3 python
for python in "$@"; do
    if "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
        echo "$python"
        exit 0
    fi
done

version() { "$1" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null; }
cat >&2 <<TEXT
mmamf set-up: no Python 3.10, 3.11 or 3.12 was found, for which the pinned stack has wheels. Tried:
$(for python in "$@"; do echo "    $python: $(version "$python" || echo 'does not run')"; done)
Install one, for instance
    Debian, Ubuntu:  sudo apt-get install python3.11 python3.11-venv
    Fedora:          sudo dnf install python3.11
    conda:           conda create -n py311 python=3.11 && conda activate py311
or name one that is elsewhere:  make demo PYTHON=/path/to/python3.11
TEXT
exit 1
