"""Says which versions and devices are there, what is installed, and whether a network runs."""

import argparse

from mmamf_command_line import import_lazily, one_line_errors


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=f'{__doc__} Exits with 1 if it does not. Put the output into bug reports.'
    )
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Examine the installation."""
    parse_args(argv)
    import_lazily('commands')  # so that a broken stack is part of the report
    from mmamf.commands.doctor import doctor

    raise SystemExit(not doctor())


if __name__ == '__main__':
    main()
