"""Writes the reference from the sources: the API, the keys of configs, and the commands.

A public name without a docstring, or a key of a config that its docstring does not explain, is a
warning, which fails a strict build. Sources are read, not imported.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files

Kind = griffe.ParameterKind
log = get_plugin_logger('reference')
LINK = re.compile(r'<code>([^<]*?)\s*&lt;(\S+?)&gt;</code>_')  # `text <address>`_
ROLE = re.compile(r':(?:class|func|meth|mod|attr):(`|<code>)[~.\w]*?(\w+)(`|</code>)')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, also to the navigation."""
    root = Path(config.config_file_path).parent
    options = dict(resolve_aliases=True, try_relative_path=False)
    package = griffe.load('mmamf', search_paths=[root], **options)
    parts = dict(sorted(_registered(package)))
    api = _api(package, parts)
    pages = {'config_keys': _keys(package, parts), 'commands': _help(root)}
    for name, text in {**api, **pages}.items():
        files.append(File.generated(config, f'reference/{name}.md', content=text))
    reference = next(entry['Reference'] for entry in config.nav if 'Reference' in entry)
    reference += [f'reference/{name}.md' for name in pages]
    reference.append({'API': [f'reference/{name}.md' for name in api]})
    return files


def on_page_content(html: str, **kwargs) -> str:
    """Show what Sphinx would show of :class:`Name` and of `text <address>`_ in a docstring."""
    return LINK.sub(r'<a href="\2">\1</a>', ROLE.sub(r'\1\2\3', html))


def _modules(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for child in module.modules.values():
        if not child.is_alias:
            yield from _modules(child)


def _registered(package: griffe.Module) -> Iterator[tuple[tuple[str, str], griffe.Class]]:
    """Yield the parts that configs can name, under (registry, name)."""
    for module in _modules(package):
        for value in module.classes.values():
            for decorator in () if value.is_alias else value.decorators:
                registry, dot, call = str(decorator.value).partition('.')
                if dot and call.startswith('register_module'):
                    yield (registry, value.name), value


def _api(package: griffe.Module, parts: dict) -> dict[str, str]:
    """Return a page for each package, with what its `__all__` and those inside it name."""
    kinds = {value.path: key for key, value in parts.items()}
    pages, seen = {}, set()
    for module in _modules(package):
        names = module.exports or [part.name for part in parts.values() if part.module is module]
        for name in sorted(map(str, names), key=str.lower):
            value = module.members[name]
            value = value.final_target if value.is_alias else value
            if value.is_module and name in value.members:  # a function in the file of its name
                value = value.members[name]
            if value.path in seen or not (value.is_class or value.is_function):
                continue
            seen.add(value.path)
            if not value.has_docstring:
                log.warning(f'{value.path} has no docstring')
            title = '.'.join(module.path.split('.')[:2])
            page = pages.setdefault(title, [f'# {title}', ''])
            registry = kinds.get(value.path, [''])[0]
            use = f', or `type={name!r}` in a config ({registry})' if registry else ''
            page += [f'::: {value.path}', '', f'`from {module.path} import {name}`{use}', '']
    return {f'api/{title}': '\n'.join(lines) for title, lines in sorted(pages.items())}


def _keys(package: griffe.Module, parts: dict) -> str:
    """Return a table for each part that a config can name."""
    lines = [
        '# Keys of configs',
        '',
        'Every part of mmamf that a config names by `type`, and its keys.',
        '',
    ]
    parts = {('modalities', 'Modality'): package['structures.modality.Modality'], **parts}
    for registry in dict.fromkeys(kind for kind, _ in parts):
        lines += [f'## {registry}', '']
        for (kind, name), value in parts.items():
            if kind == registry:
                summary = _plain(value.docstring.value.splitlines()[0])
                lines += [f'### {name}', '', f'{summary} [More][{value.path}].', '']
                lines += _table(value)
    return '\n'.join(lines)


def _table(value: griffe.Class) -> list[str]:
    """Return the rows of the keys of one part, and one about those of its parent."""
    explained = {
        argument.name.lstrip('*'): _plain(argument.description)
        for part in reversed([value, *value.mro()])  # its own words replace those of its parents
        if part.docstring
        for section in part.docstring.parse('google', warnings=False)
        if section.kind is griffe.DocstringSectionKind.parameters
        for argument in section.value
    }
    rows, further = [], []
    for parameter in value.parameters:
        name = parameter.name.lstrip('*')
        if name == 'self':
            continue
        if parameter.kind in (
            griffe.ParameterKind.var_keyword,
            griffe.ParameterKind.var_positional,
        ):
            further = [f'| others | | {explained[name]} |'] if name in explained else []
            continue
        if name not in explained:
            log.warning(f'{value.path}: the docstring does not explain {name}')
        default = 'needed' if parameter.required else f'`{parameter.default}`'
        rows.append(f'| `{name}` | {default} | {explained.get(name, "")} |')
    rows += further
    return ['| key | default | |', '|---|---|---|', *rows, ''] if rows else []


def _plain(text: str) -> str:
    """Return a text of a docstring in one line."""
    return ' '.join(ROLE.sub(r'\1\2\3', text).replace('|', '\\|').split())


def _help(root: Path) -> str:
    """Return what every command says to --help."""
    scripts = _short_commands(root)
    for path in sorted([*root.glob('tools/*.py'), *root.glob('tools/*/*.py')]):
        place = str(path.relative_to(root))
        runs = "if __name__ == '__main__'" in path.read_text()
        if runs and path.parent.name != 'setup' and place not in scripts.values():
            scripts[f'python {place}'] = place
    command = [sys.executable, str(Path(__file__).with_name('print_help.py'))]
    found = subprocess.run(
        command, cwd=root, input=json.dumps(scripts), stdout=subprocess.PIPE, text=True, check=True
    )
    lines = [
        '# Commands',
        '',
        '`mmamf COMMAND` runs the script in `tools/` of the same purpose.',
        '',
    ]
    for name, text in json.loads(found.stdout).items():
        lines += [f'## {name}', '', f'`{scripts[name]}`', '', '```text', text.rstrip(), '```', '']
        if not text:
            log.warning(f'{name} --help says nothing')
    return '\n'.join(lines)


def _short_commands(root: Path) -> dict[str, str]:
    """Return the scripts of the command `mmamf`."""
    for node in ast.parse((root / 'mmamf_command.py').read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == 'SCRIPTS':
            words = node.value.keywords
            return {f'mmamf {word.arg}': f'tools/{word.value.value}' for word in words}
    return {}
