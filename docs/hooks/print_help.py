"""Prints what scripts say to --help: reads {name: script} as JSON, and writes {name: text}."""

import contextlib
import io
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ |= dict(COLUMNS='84', NO_COLOR='1')
sys.path.insert(0, str(ROOT))

from mmamf_command_line import import_lazily  # noqa: E402

# scripts that need a single module of mmamf then import it without torch, in a tenth of the time
package = ROOT / 'mmamf'
inside = (path.parent.relative_to(package) for path in package.rglob('*/__init__.py'))
import_lazily(*('.'.join(path.parts) for path in sorted(inside)))
texts = {}
for name, script in json.load(sys.stdin).items():
    sys.argv = [name.removeprefix('python '), '--help']
    sys.path[0] = str((ROOT / script).parent)
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        code = compile((ROOT / script).read_text(), script, 'exec')
        exec(code, {'__name__': '__main__', '__file__': str(ROOT / script)})  # keeps argv[0]
    texts[name] = said.getvalue()
json.dump(texts, sys.stdout)
