"""Start of the set-up: checks the version of Python, in syntax that every Python version reads.

Usage: python3.11 tools/setup/bootstrap.py
"""

import sys

VERSION = sys.version_info[:2]


def main():
    """Start the installer, or say which Python is needed."""
    if not (3, 10) <= VERSION <= (3, 12):
        sys.exit(
            'mmamf set-up: this is Python %d.%d, and the pinned stack has wheels for 3.10, 3.11 and 3.12 only.\n'  # noqa: E501, UP031
            'Install one of these (Debian, Ubuntu: sudo apt-get install python3.11 python3.11-venv '
            'python3.11-dev)\nand name it:  make demo PYTHON=python3.11' % VERSION
        )
    from installer import run

    sys.exit(run())


if __name__ == '__main__':
    main()
