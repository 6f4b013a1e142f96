"""The command `mmamf`: runs one of the scripts in tools/, found beside the package or in it.

It stands outside of the package, whose import takes seconds, so that --help answers at once.
"""

import ast
import importlib
import importlib.util
import sys
from pathlib import Path

SCRIPTS = dict(
    train='train.py',
    test='test.py',
    plan='plan.py',
    calibrate='calibrate.py',
    infer='infer.py',
    browse='browse_dataset.py',
    export='export_onnx.py',
    web='export_web.py',
    extract='extract_modality.py',
    convert='convert_checkpoint.py',
    weights='convert_weights.py',
    curves='analysis/plot_curves.py',
    flops='analysis/get_flops.py',
    robustness='analysis/robustness.py',
    missing='analysis/missing_modalities.py',
    compare='analysis/compare_fusion.py',
    rooms='render_rooms.py',
    demo='demo.py',
    doctor='doctor.py',
)


def find_tools() -> Path:
    """Find the folder of the scripts, without importing the package."""
    (package,) = map(Path, importlib.util.find_spec('mmamf').submodule_search_locations)
    in_clone = package.parent / 'tools' / 'train.py'
    return in_clone.parent if in_clone.is_file() else package / '.mim' / 'tools'


def usage(tools: Path) -> str:
    """List the commands, each with the first line of its script."""
    lines = ['usage: mmamf COMMAND ...   (mmamf COMMAND --help: its arguments)', '']
    for command, script in SCRIPTS.items():
        doc = ast.get_docstring(ast.parse((tools / script).read_text(encoding='utf-8')))
        lines.append(f'  {command:12}{doc.splitlines()[0]}')
    return '\n'.join(lines)


def main() -> None:
    """Run the script of a command with the arguments behind the command."""
    tools, (command, *arguments) = find_tools(), sys.argv[1:] or ['--help']
    if command in ('-h', '--help'):
        print(usage(tools))
        return
    if command not in SCRIPTS:
        sys.exit(f'mmamf: expected a command, got {command!r}\n{usage(tools)}')
    script = (tools / SCRIPTS[command]).resolve()
    sys.path.insert(0, str(script.parent))  # as Python does for a script
    sys.argv = [f'mmamf {command}', *arguments]
    importlib.import_module(script.stem).main()


if __name__ == '__main__':
    main()
