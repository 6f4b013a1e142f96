#!/usr/bin/env python3
"""Writes a page that runs an ONNX file of export_onnx.py in the browser, on images dropped there.

The folder has all that the page needs, also onnxruntime-web, which npm downloads once. The page
works on any file server, such as `python -m http.server`, and sends nothing.
"""

import argparse
from pathlib import Path

from mmamf_command_line import import_lazily, one_line_errors

PACKAGES = ('apis', 'datasets', 'datasets.transforms', 'deployment')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('model', type=Path, help='ONNX file of tools/export_onnx.py')
    parser.add_argument('out', type=Path, help='the folder to write')
    return parser.parse_args(argv)


@one_line_errors()
def main(argv: list[str] | None = None) -> None:
    """Write the page."""
    args = parse_args(argv)
    import_lazily(*PACKAGES)
    from mmamf.deployment.export_web import export_web

    export_web(args)


if __name__ == '__main__':
    main()
