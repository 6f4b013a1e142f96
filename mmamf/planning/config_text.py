"""Writes values as the Python code of a config."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

WIDTH = 100  # of lines
INDENT = ' ' * 4
MANY = 8  # values; a longer list fills its lines
SKIP = '  # fmt: skip'


class Code(str):
    """An expression that is written as it is."""

    def __repr__(self) -> str:
        return str(self)


class Copy(dict):
    """A dict that starts as the copy of a variable: ``dict(base, key=value)``.

    Args:
        base: Name of the variable.
        **values: Further keys.
    """

    def __init__(self, base: str, **values: Any) -> None:
        super().__init__(values)
        self.base = base


def write_comment(text: str, indent: str = '') -> list[str]:
    """Write a comment in lines of the width of a config."""
    return textwrap.wrap(text, WIDTH, initial_indent=f'{indent}# ', subsequent_indent=f'{indent}# ')


def assign(name: str, value: Any) -> list[str]:
    """Write an assignment as ruff formats it. A long list of numbers or names fills its lines."""
    start = f'{name} = '
    scalars = isinstance(value, Mapping | list | tuple) and len(value) > MANY
    if scalars and not _has_names(value) and len(start + _flat(value)) > WIDTH:
        opening, closing, _ = _parts(value)
        return [f'{start}{opening}', *_fill(value, INDENT), f'{closing}{SKIP}']
    return _write(start, value, '', '')


def write_list(name: str, items: Iterable[tuple[str, Any]], fill: bool = False) -> list[str]:
    """Write the assignment of a list, with a comment above each value.

    Args:
        name: Name of the list.
        items: Comment and value of each item.
        fill: Whether the keys of an item, which is a dict, fill their lines.
    """
    items = [*items]
    if not any(comment for comment, _ in items):
        return assign(name, [value for _, value in items])
    lines = [f'{name} = [']
    for comment, value in items:
        lines += write_comment(comment, INDENT) if comment else []
        if fill and len(_flat(value)) + len(INDENT) >= WIDTH:
            lines += [f'{INDENT}dict(', *_fill(value, 2 * INDENT), f'{INDENT}),']
        else:
            lines += _write(INDENT, value, INDENT, ',')
    return [*lines, f']{SKIP}' if fill else ']']


def _write(start: str, value: Any, indent: str, end: str) -> list[str]:
    """Write a value after the start of a line, on one line if it fits."""
    line = f'{start}{_flat(value)}{end}'
    if len(line) <= WIDTH or not isinstance(value, Mapping | list | tuple) or not value:
        return [line]
    inner = indent + INDENT
    opening, closing, parts = _parts(value)
    body = inner + ', '.join(prefix + _flat(part) for prefix, part in parts)
    if _has_names(value) and len(body) <= WIDTH:
        return [f'{start}{opening}', body, f'{indent}{closing}{end}']
    lines = [f'{start}{opening}']
    for prefix, part in parts:
        lines += _write(inner + prefix, part, inner, ',')
    return [*lines, f'{indent}{closing}{end}']


def _fill(value: Any, indent: str) -> list[str]:
    """Write the parts of a value, as many to a line as fit."""
    lines: list[str] = []
    for prefix, part in _parts(value)[2]:
        text = f'{prefix}{_flat(part)},'
        if lines and len(f'{lines[-1]} {text}') <= WIDTH:
            lines[-1] += f' {text}'
        else:
            lines.append(indent + text)
    return lines


def _flat(value: Any) -> str:
    if not isinstance(value, Mapping | list | tuple):
        return repr(value)
    opening, closing, parts = _parts(value)
    comma = ',' if isinstance(value, tuple) and len(value) == 1 else ''
    return opening + ', '.join(prefix + _flat(part) for prefix, part in parts) + comma + closing


def _parts(value: Any) -> tuple[str, str, list[tuple[str, Any]]]:
    """Return the brackets of a value, and its parts, each with what stands before it."""
    if isinstance(value, list | tuple):
        opening, closing = '[]' if isinstance(value, list) else '()'
        return opening, closing, [('', part) for part in value]
    if not _has_names(value):
        return '{', '}', [(f'{key!r}: ', part) for key, part in value.items()]
    base = [('', Code(value.base))] if isinstance(value, Copy) else []
    return 'dict(', ')', [*base, *((f'{key}=', part) for key, part in value.items())]


def _has_names(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and key.isidentifier() for key in value
    )
