"""Lets the links of the pages work on the site as they do on a code host.

The home page is README.md. A link to a file of the repository outside of docs/, or to a folder,
leads to a page that shows it. A link to a file that is not there is a warning, which fails a strict
build.
"""

import os.path
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LINK = re.compile(r'(?:```.*?```|`[^`\n]*`)|\]\((?P<target>[^)\s]+)\)', re.DOTALL)  # not in code
LANGUAGES = {'.py': 'python', '.sh': 'bash', '.yml': 'yaml', '.yaml': 'yaml', '.json': 'json'}
HOME = 'README.md'
log = get_plugin_logger('links')
shown = {}  # page of the site -> file of the repository that it shows


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the home page, and a page for everything outside of docs/ that a page links to."""
    root = Path(config.config_file_path).parent
    shown.clear()
    if (root / HOME).is_file():
        _show(HOME, files, config)
    pages = [file for file in files if file.src_uri.endswith('.md')]
    while pages:
        page = pages.pop()
        for match in LINK.finditer(page.content_string):
            target, _ = _target(match, page.src_uri)
            if target and not _place(target, files) and (root / target).exists():
                pages.append(_show(target, files, config))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages of the site."""
    uri = page.file.src_uri

    def replace(match: re.Match) -> str:
        target, anchor = _target(match, uri)
        if not target:
            return match[0]
        place = _place(target, files)
        if not place:
            log.warning(f"{uri}: '{match['target']}' is neither a page nor a file")
            return match[0]
        return f']({os.path.relpath(place, os.path.dirname(uri) or ".")}{anchor})'

    return LINK.sub(replace, markdown)


def _target(match: re.Match, uri: str) -> tuple[str | None, str]:
    """Return the file of the repository that a link means, and the anchor in it."""
    link = match['target']
    if not link or link.startswith(('#', 'http://', 'https://', 'mailto:')):
        return None, ''
    path, sharp, anchor = link.partition('#')
    folder = os.path.dirname(shown.get(uri, f'docs/{uri}'))
    return os.path.normpath(os.path.join(folder, path)), sharp + anchor


def _place(target: str, files: Files) -> str | None:
    """Return the page or picture of the site that stands for a file of the repository."""
    for place, source in shown.items():
        if source == target:
            return place
    own = target.removeprefix('docs/').replace('.ipynb', '.md')
    file = files.get_file_from_path(own) if target.startswith('docs/') else None
    return own if file and not file.inclusion.is_excluded() else None


def _show(target: str, files: Files, config: MkDocsConfig) -> File:
    """Add a page that shows a file or a folder of the repository."""
    path = Path(config.config_file_path).parent / target
    place = 'index.md' if target == HOME else f'files/{target.removesuffix(".md")}.md'
    if path.is_dir():
        names = sorted(child.name for child in path.iterdir() if child.name[0] not in '._')
        text = '\n'.join([f'# {target}\n', *(f'- `{name}`' for name in names)])
    elif path.suffix == '.md':
        text = path.read_text()
    else:
        language = LANGUAGES.get(path.suffix, 'text')
        text = f'# {target}\n\n````{language}\n{path.read_text()}\n````\n'
    file = File.generated(config, place, content=text)
    files.append(file)
    shown[place] = target
    return file
