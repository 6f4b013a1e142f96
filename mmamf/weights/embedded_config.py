import ast
from collections.abc import Mapping
from typing import Any

_NUMBERS = {'nan': float('nan'), 'inf': float('inf')}  # spelled as mmengine writes them


def read_embedded_config(content: Mapping) -> dict | None:
    """Read the config that mmengine wrote into a checkpoint. It is parsed as data and never run.

    Args:
        content: The checkpoint.

    Returns:
        The config, None if there is none.

    Raises:
        ValueError: If the config is not Python, or has code in it.
    """
    text = (content.get('meta') or {}).get('cfg')
    if not text or not isinstance(text, str):
        return None
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f'the config in the checkpoint is not Python: {error}') from error
    config = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                config[name] = _value(value)
            case _:
                raise _refusal(statement)
    return config


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(key): _value(value) for key, value in zip(keys, values)}
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Set(elts=items):
            return {_value(item) for item in items}
        case ast.Call(func=ast.Name(id='dict'), args=args, keywords=keywords) if len(args) < 2:
            given = _value(args[0]) if args else {}
            if isinstance(given, dict) and all(keyword.arg for keyword in keywords):
                return given | {keyword.arg: _value(keyword.value) for keyword in keywords}
        case (
            ast.Name(id=name)
            | ast.Call(func=ast.Name(id='float'), args=[ast.Constant(value=name)], keywords=[])
        ) if name in _NUMBERS:
            return _NUMBERS[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _value(operand)
            if isinstance(value, int | float):
                return -value
        case ast.Constant(value=value):
            return value
    raise _refusal(node)


def _refusal(node: ast.AST) -> ValueError:
    return ValueError(
        'expected a config of plain values in the checkpoint, got code at line '
        f'{node.lineno}: {ast.unparse(node)[:80]}'
    )
