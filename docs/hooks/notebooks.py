"""Turns the notebooks in docs/ into pages, with the outputs that are saved in them."""

import base64
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook, and a file for each of its pictures."""
    for path in sorted(Path(config.docs_dir).rglob('*.ipynb')):
        if '.ipynb_checkpoints' not in path.parts:
            _add_page(path, files, config)
    return files


def _add_page(path: Path, files: Files, config: MkDocsConfig) -> None:
    uri = path.relative_to(config.docs_dir).with_suffix('')
    lines = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type == 'markdown':
            lines += [cell.source, '']
            continue
        language = 'bash' if cell.source.startswith('%%bash') else 'python'
        lines += [f'```{language}', cell.source.removeprefix('%%bash\n'), '```', '']
        for output in cell.outputs:
            data = output.get('data', {})
            kind = next((kind for kind in ('png', 'jpeg') if f'image/{kind}' in data), None)
            if kind:
                picture = f'{uri}-{number}.{kind}'
                content = base64.b64decode(data[f'image/{kind}'])
                files.append(File.generated(config, picture, content=content))
                lines += [f'![]({Path(picture).name})', '']
            else:
                text = output.get('text') or data.get('text/plain', '')
                lines += ['```text', text.rstrip(), '```', '']
    files.append(File.generated(config, f'{uri}.md', content='\n'.join(lines)))
